{#-
    A column as delivered, cast to its type. A value that does not fit stops the build with a line
    that names model, column and type; DuckDB's own cast error would print the value.

    column     name of the column
    data_type  SQL type, for example `date`
    unfit      `refuse` (default), or `null` to turn what does not fit into NULL
-#}
{% macro typed(column, data_type, unfit='refuse') %}
    {{ return(adapter.dispatch('typed', 'veil')(column, data_type, unfit)) }}
{% endmacro %}

{% macro default__typed(column, data_type, unfit) %}
    {%- if unfit not in ['refuse', 'null'] -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` column `' ~ column ~ '`: `typed` has an unknown `unfit`.',
            'It takes `refuse` or `null`.'
        ) -%}
    {%- endif -%}
    {%- set cast = 'try_cast(' ~ column ~ ' as ' ~ data_type ~ ')' -%}
    {%- if unfit == 'null' -%}
        {{- return(cast) -}}
    {%- endif -%}
    {%- set line = 'veil: model `' ~ model.name ~ '` column `' ~ column ~ '` holds a value that is no `'
        ~ data_type ~ '`. Correct the source, or write `unfit="null"` to make it NULL.' -%}
    {{ return(
        'case when ' ~ cast ~ ' is null and ' ~ column ~ ' is not null then error('
        ~ veil._literal(line) ~ ') else ' ~ cast ~ ' end'
    ) }}
{% endmacro %}
