{#- The columns of a hierarchy seed in the order of its YAML: the value first, then its levels. -#}
{% macro _hierarchy_columns(relation, where) %}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'seed' and node.columns and veil._is_relation_of(node, relation) -%}
        {{- return(node.columns | list) -}}
    {%- endfor -%}
    {%- do veil._refuse(
        where ~ ' uses `' ~ relation.identifier ~ '` as a hierarchy, but it is no'
        ~ ' seed with columns in its YAML.',
        'Describe its columns, the value first.'
    ) -%}
{% endmacro %}
