{#-
    Hand a request to the plugin and return its answer. The request travels as a Python object, not
    as SQL text, so nothing in it reaches a log. A refusal comes back as text and is raised here,
    as one line without a traceback.
-#}
{% macro _bridge(call, payload) %}
    {%- set known = run_query(
        "select count(*) from duckdb_functions() where function_name = 'veil_pseudonym'"
    ) -%}
    {%- if known.rows[0][0] == 0 -%}
        {%- do exceptions.raise_compiler_error(
            "veil: target `" ~ target.name ~ "` has no veil plugin, so nothing can be masked or"
            ~ " gated. Run `veil init` and build with the target that it names."
        ) -%}
    {%- endif -%}
    {%- set request = {'call': call, 'payload': payload, 'answer': none, 'refusal': none} -%}
    {%- do adapter.store_relation('veil', none, [], '', '', request) -%}
    {%- if request['refusal'] -%}
        {%- do exceptions.raise_compiler_error('veil: ' ~ request['refusal']) -%}
    {%- endif -%}
    {{ return(request['answer']) }}
{% endmacro %}
