{#- The network of an IP address; a text that is no address becomes `*`. -#}
{% macro mask_ip_prefix(column, spec) %}
    {{ return(adapter.dispatch('mask_ip_prefix', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_ip_prefix(column, spec) %}
    veil_ip_prefix({{ column }}, {{ spec.arguments.v4 }}, {{ spec.arguments.v6 }})
{% endmacro %}
