{#- The gate before a model is written; a pre-hook on every model in scope. -#}
{% macro check_model() %}
    {{ return(adapter.dispatch('check_model', 'veil')()) }}
{% endmacro %}

{% macro default__check_model() %}
    {%- if not execute and flags.WHICH in veil._building_commands() -%}
        {#- Here, while parsing, because without the plugin dbt fails on the missing zones before
            any hook runs. -#}
        {%- do veil._require_plugin() -%}
    {%- elif execute -%}
        {%- do veil._bridge('check_model', {
            'graph': graph,
            'model': model,
            'threshold': var('veil:threshold', 11),
            'full_refresh': should_full_refresh() | as_bool,
        }) -%}
    {%- endif -%}
{% endmacro %}
