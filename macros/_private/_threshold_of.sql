{#- The threshold declared on the model behind a relation, else the project's. -#}
{% macro _threshold_of(relation) %}
    {%- if execute -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.relation_name == relation | string -%}
            {%- set declared = veil._privacy_meta(node, 'model `' ~ node.name ~ '`').get(
                'privacy_threshold'
            ) -%}
            {%- if declared -%}
                {{- return(declared) -}}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(var('veil:threshold', 11)) }}
{% endmacro %}
