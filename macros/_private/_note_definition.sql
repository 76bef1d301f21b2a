{#-
    Keep beside the table by what SQL it was built, in its own transaction: the lineage gate asks what
    a stored table is made of, and not what the project's files say by now.
-#}
{% macro _note_definition() %}
    {%- set sql = veil._bridge('note_sql', {
        'graph': graph,
        'unique_id': model.unique_id,
        'threshold': var('veil:threshold', 11),
    }) -%}
    {%- if sql -%}
        {%- do run_query(sql) -%}
    {%- endif -%}
{% endmacro %}
