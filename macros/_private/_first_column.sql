{#- The name of the first column of a hierarchy seed, which holds the values. -#}
{% macro _first_column(relation) %}
    {%- for node in graph.nodes.values() if node.resource_type == 'seed'
        and (node.alias or node.name) == relation.identifier -%}
        {{- return((node.columns | list)[0]) -}}
    {%- endfor -%}
    {%- do veil._refuse(
        'model `' ~ model.name ~ '` uses `' ~ relation.identifier ~ '` as a hierarchy, but it is no'
        ~ ' seed with columns in its YAML.',
        'Describe its columns, the value first.'
    ) -%}
{% endmacro %}
