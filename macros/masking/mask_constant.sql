{#- One declared value in place of every value. -#}
{% macro mask_constant(column, spec) %}
    {{ return(adapter.dispatch('mask_constant', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_constant(column, spec) %}
    case when {{ column }} is not null then {{ veil._literal(spec.arguments.value) }} end
{% endmacro %}
