{#- The graph node behind the relation that a pseudonymized model reads. -#}
{% macro _source_node(source) %}
    {%- set found = [] -%}
    {%- for unique_id in model.depends_on.nodes -%}
        {%- set node = graph.nodes.get(unique_id, graph.sources.get(unique_id)) -%}
        {%- if node and veil._is_relation_of(node, source) -%}
            {%- do found.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if found | length != 1 -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` does not read exactly one raw model.',
            "Its SQL is one call: {{ veil.pseudonymize(ref('raw_…')) }}."
        ) -%}
    {%- endif -%}
    {{ return(found[0]) }}
{% endmacro %}
