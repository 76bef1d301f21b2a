{#- The fact that there was a text, and nothing of it. -#}
{% macro mask_redact(column, spec) %}
    {{ return(adapter.dispatch('mask_redact', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_redact(column, spec) %}
    case when {{ column }} is not null then '[redacted]' end
{% endmacro %}
