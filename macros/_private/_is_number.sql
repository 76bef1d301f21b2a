{#- Whether a value is a finite number; true and false are none, nor are `.nan` and `.inf`. -#}
{% macro _is_number(value) %}
    {{ return(value is number and value is not boolean and (value - value) == 0) }}
{% endmacro %}
