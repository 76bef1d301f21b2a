{#- A mart is a model that declares its audience. -#}
{% macro _is_mart(node) %}
    {{ return(node.config.meta.get('privacy_audience') is not none) }}
{% endmacro %}
