{#- The relation of a hierarchy that was passed to `pseudonymize`, by name; none where it was not. -#}
{% macro _hierarchy(name, hierarchies) %}
    {%- for relation in hierarchies if relation.identifier == name -%}
        {{- return(relation) -}}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}
