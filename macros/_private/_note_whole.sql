{#-
    Note beside a table whether it was built from all of its input. After `--empty` or `--sample` it
    was not, and no mart above it gets a receipt until it is built whole again.
-#}
{% macro _note_whole() %}
    {%- set sql = veil._bridge('whole_sql', {
        'database': this.database,
        'relation': this | string,
    }) -%}
    {%- if sql -%}
        {%- do run_query(sql) -%}
    {%- endif -%}
{% endmacro %}
