{#-
    An aggregate that is shown only where it speaks of enough distinct privacy units; NULL elsewhere.

    expression  the aggregate, for example `count(distinct person_key)`
    unit        column or list of columns that each need the threshold; default: `privacy_unit`
    threshold   raises the model's `privacy_threshold` (else `var('veil:threshold', 11)`) for this
                measure; it never lowers it
-#}
{% macro suppress_small(expression, unit=none, threshold=none) %}
    {{ return(adapter.dispatch('suppress_small', 'veil')(expression, unit, threshold)) }}
{% endmacro %}

{% macro default__suppress_small(expression, unit, threshold) %}
    {%- set meta = veil._privacy_meta(model, 'model `' ~ model.name ~ '`') if execute else {} -%}
    {%- set units = unit or meta.get('privacy_unit') or 'privacy_unit' -%}
    {%- set declared = meta.get('privacy_threshold') or var('veil:threshold', 11) -%}
    {%- set least = [threshold or declared, declared] | max -%}
    {%- if execute and not (unit or meta.get('privacy_unit')) -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` suppresses small cells, but no column stands for a person.',
            'Name it in `privacy_unit`.'
        ) -%}
    {%- endif -%}
    {%- set conditions = [] -%}
    {%- for column in ([units] if units is string else units) -%}
        {%- do conditions.append('count(distinct ' ~ column ~ ') >= ' ~ (least | int)) -%}
    {%- endfor -%}
    case when {{ conditions | join(' and ') }} then {{ expression }} end
{%- endmacro %}
