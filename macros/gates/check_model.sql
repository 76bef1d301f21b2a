{#- The gate before a model is written; a pre-hook on every model in scope. -#}
{% macro check_model() %}
    {{ return(adapter.dispatch('check_model', 'veil')()) }}
{% endmacro %}

{% macro default__check_model() %}
    {%- if execute -%}
        {%- do veil._bridge('check_model', {'graph': graph, 'model': model}) -%}
    {%- endif -%}
{% endmacro %}
