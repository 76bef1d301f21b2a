{#- The first day of the period that a date lies in. -#}
{% macro mask_truncate_date(column, spec) %}
    {{ return(adapter.dispatch('mask_truncate_date', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_truncate_date(column, spec) %}
    cast(date_trunc({{ veil._literal(spec.arguments.unit) }}, {{ column }}) as date)
{% endmacro %}
