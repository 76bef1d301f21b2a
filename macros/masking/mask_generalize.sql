{#- A coarser level of a hierarchy seed; a value that the hierarchy lacks becomes `*`. -#}
{% macro mask_generalize(column, spec) %}
    {{ return(adapter.dispatch('mask_generalize', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_generalize(column, spec) %}
    {%- set relation = veil._hierarchy(spec.arguments.hierarchy, spec.hierarchies) -%}
    {%- set value = adapter.quote(veil._first_column(relation)) -%}
    case
        when {{ column }} is not null then coalesce((
            select any_value(cast(level.{{ adapter.quote(spec.arguments.level) }} as varchar))
            from {{ relation }} as level
            where cast(level.{{ value }} as varchar) = cast({{ column }} as varchar)
        ), '*')
    end
{% endmacro %}
