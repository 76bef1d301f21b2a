{#- The veil tests declared on a model, as graph nodes, in the order of their names. -#}
{% macro _gates_of(node) %}
    {%- set found = [] -%}
    {%- for test in graph.nodes.values() | sort(attribute='unique_id') -%}
        {%- if test.resource_type == 'test'
            and test.attached_node == node.unique_id
            and test.test_metadata
            and test.test_metadata.namespace == 'veil' -%}
            {%- do found.append(test) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
