{#- The value as it is; refused on a direct identifier. -#}
{% macro mask_keep(column, spec) %}
    {{ return(adapter.dispatch('mask_keep', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_keep(column, spec) %}
    {{ column }}
{% endmacro %}
