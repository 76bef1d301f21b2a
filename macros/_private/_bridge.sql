{#-
    Hand a request to the plugin and return its answer. The request travels as a Python object, not
    as SQL text, so nothing in it reaches a log. A refusal comes back as text and is raised here,
    as one line without a traceback.
-#}
{% macro _bridge(call, payload) %}
    {%- do veil._require_plugin() -%}
    {%- set request = {'call': call, 'payload': payload, 'answer': none, 'refusal': none} -%}
    {%- do adapter.store_relation('veil', none, [], '', '', request) -%}
    {%- if request['refusal'] -%}
        {%- do exceptions.raise_compiler_error('veil: ' ~ request['refusal']) -%}
    {%- endif -%}
    {{ return(request['answer']) }}
{% endmacro %}
