{#-
    The gate after a model is written and before it is committed; a post-hook on every model in
    scope. Every veil test declared on the model runs here, in the model's own transaction: a
    failure rolls the table back and the previous one stays. What passes gets a receipt.
-#}
{% macro gate_model() %}
    {{ return(adapter.dispatch('gate_model', 'veil')()) }}
{% endmacro %}

{% macro default__gate_model() %}
    {%- if execute -%}
        {%- set passed = [] -%}
        {%- for test in veil._gates_of(model) -%}
            {%- do veil._run_gate(test) -%}
            {%- do passed.append(test.test_metadata.name) -%}
        {%- endfor -%}
        {%- do veil._note_whole() -%}
        {%- do veil._note_definition() -%}
        {%- if veil._is_mart(model) and not veil._is_partial_run() -%}
            {%- do veil._write_receipt(passed) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
