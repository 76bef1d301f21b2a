{#-
    Record that this mart passed its gates in exactly this content. The receipt is a row in the
    marts zone, written in the transaction of the mart itself: both commit, or neither.
-#}
{% macro _write_receipt(passed) %}
    {%- set content_sql = veil._bridge('content_sql', {'relation': this | string}) -%}
    {%- set content = run_query(content_sql).rows[0] -%}
    {%- do run_query(veil._bridge('receipt_sql', {
        'graph': graph,
        'unique_id': model.unique_id,
        'relation': this | string,
        'database': this.database,
        'content_hash': content[0],
        'rows': content[1] | int,
        'gates': passed,
        'threshold': var('veil:threshold', 11),
    })) -%}
{% endmacro %}
