{#- Whether a relation is that of a node. Two packages may each have a seed of the same name. -#}
{% macro _is_relation_of(node, relation) %}
    {{ return(
        (node.get('alias') or node.get('identifier')) == relation.identifier
        and node.schema == relation.schema
        and node.database == relation.database
    ) }}
{% endmacro %}
