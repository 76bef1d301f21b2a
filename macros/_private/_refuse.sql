{#- Stop, saying what is wrong, where, and the way out. Never a value. -#}
{% macro _refuse(problem, remedy) %}
    {%- do exceptions.raise_compiler_error('veil: ' ~ problem ~ ' ' ~ remedy) -%}
{% endmacro %}
