{#- Whether a YAML value is a text, a mapping or a list of texts. An empty value is always fine. -#}
{% macro _has_shape(value, shape) %}
    {%- if value is none or shape == 'any' -%}
        {{- return(true) -}}
    {%- elif shape == 'text' -%}
        {{- return(value is string) -}}
    {%- elif shape == 'mapping' -%}
        {{- return(value is mapping and value | select('string') | list | length == value | length) -}}
    {%- endif -%}
    {{ return(
        value is sequence and value is not string and value is not mapping
        and value | select('string') | list | length == value | length
    ) }}
{% endmacro %}
