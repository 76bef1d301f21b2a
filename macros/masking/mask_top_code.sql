{#- Everything above a declared value becomes that value. -#}
{% macro mask_top_code(column, spec) %}
    {{ return(adapter.dispatch('mask_top_code', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_top_code(column, spec) %}
    {%- set most = spec.arguments.most -%}
    cast(
        case when {{ column }} > {{ most }} then {{ most }} else {{ column }} end
        as {{ spec.data_type }}
    )
{% endmacro %}
