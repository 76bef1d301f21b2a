{#-
    An aggregate that is shown only where it speaks of enough distinct privacy units; NULL elsewhere.

    expression  the aggregate, for example `count(distinct person_key)`
    unit        column or list of columns that each need the threshold; default: `privacy_unit`
    threshold   raises the model's `privacy_threshold` (else `var('veil:threshold', 11)`) for this
                measure; it never lowers it
    where       a condition on the rows that this measure speaks of: the units are counted under it
                too, which a `filter` inside the expression would not do
-#}
{% macro suppress_small(expression, unit=none, threshold=none, where=none) %}
    {{ return(adapter.dispatch('suppress_small', 'veil')(expression, unit, threshold, where)) }}
{% endmacro %}

{% macro default__suppress_small(expression, unit, threshold, where) %}
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
    {%- do veil._check_aggregate(expression) -%}
    {%- set filter = ' filter (where ' ~ where ~ ')' if where else '' -%}
    {%- set conditions = [] -%}
    {%- for column in ([units] if units is string else units) -%}
        {%- do conditions.append('count(distinct ' ~ column ~ ')' ~ filter ~ ' >= ' ~ (least | int)) -%}
    {%- endfor -%}
    case when {{ conditions | join(' and ') }} then {{ expression }}{{ filter }} end
{%- endmacro %}
