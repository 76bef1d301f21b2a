{#- A bound as a whole number where the column holds whole numbers: the next one up or down. -#}
{% macro _whole(bound, direction, spec) %}
    {%- if spec.family != 'integer' -%}
        {{- return(bound) -}}
    {%- endif -%}
    {{ return((bound // 1) | int if direction == 'down' else -((-bound // 1) | int)) }}
{% endmacro %}
