{#-
    A coarser level of a hierarchy seed; a value that the hierarchy lacks becomes `*`. Of a value
    that stands in the seed twice the first group in the alphabet is taken, at every build the same.
-#}
{% macro mask_generalize(column, spec) %}
    {{ return(adapter.dispatch('mask_generalize', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_generalize(column, spec) %}
    {%- set relation = veil._hierarchy(spec.arguments.hierarchy, spec.hierarchies) -%}
    {%- set value = veil._quoted(veil._hierarchy_columns(relation, spec.where)[0]) -%}
    case
        when {{ column }} is not null then coalesce((
            select min(cast(level.{{ veil._quoted(spec.arguments.level) }} as varchar))
            from {{ relation }} as level
            where cast(level.{{ value }} as varchar) = cast({{ column }} as varchar)
        ), '*')
    end
{% endmacro %}
