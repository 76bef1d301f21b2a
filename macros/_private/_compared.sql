{#-
    A numeric column and a declared bound, ready to be compared. DuckDB gives both sides one type
    first; where that type is a decimal the cast can fail, and its error prints the value. Whole
    numbers are compared as such, all others as doubles, which every one of them can become.
-#}
{% macro _compared(column, operator, bound, spec) %}
    {%- if spec.family == 'integer' -%}
        {{- return(column ~ ' ' ~ operator ~ ' ' ~ bound) -}}
    {%- endif -%}
    {{ return('cast(' ~ column ~ ' as double) ' ~ operator ~ ' cast(' ~ bound ~ ' as double)') }}
{% endmacro %}
