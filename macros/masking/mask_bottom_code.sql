{#- Everything below a declared value becomes that value. -#}
{% macro mask_bottom_code(column, spec) %}
    {{ return(adapter.dispatch('mask_bottom_code', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_bottom_code(column, spec) %}
    {%- set least = spec.arguments.least -%}
    cast(
        case when {{ column }} < {{ least }} then {{ least }} else {{ column }} end
        as {{ spec.data_type }}
    )
{% endmacro %}
