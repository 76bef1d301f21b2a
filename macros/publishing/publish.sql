{#- Publish every audience whose marts all have a receipt; an operation, run by `veil publish`. -#}
{% macro publish() %}
    {%- if execute -%}
        {%- for line in veil._bridge('publish', {
            'graph': graph,
            'states': {},
            'threshold': var('veil:threshold', 11),
        }) -%}
            {%- do print('veil: ' ~ line) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
