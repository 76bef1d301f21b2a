{#- A text as an SQL literal. -#}
{% macro _literal(value) %}
    {{ return("'" ~ (value | string).replace("'", "''") ~ "'") }}
{% endmacro %}
