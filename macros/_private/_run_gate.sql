{#- Run one declared veil test on the table just written; raise where it fails. No value is named. -#}
{% macro _run_gate(test) %}
    {%- set arguments = {} -%}
    {%- for name, value in test.test_metadata.kwargs.items() if name != 'model' -%}
        {%- do arguments.update({name: render(value) if value is string else value}) -%}
    {%- endfor -%}
    {%- set macro = veil._test_macro(test.test_metadata.name) -%}
    {%- set sql = macro(model=this, **arguments) -%}
    {%- set found = run_query('select count(*) from (' ~ sql ~ ') as gate').rows[0][0] | int -%}
    {%- if found > 0 -%}
        {%- do exceptions.raise_compiler_error(
            'veil: model `' ~ this.identifier ~ '` is rolled back: its gate `'
            ~ test.test_metadata.name ~ '` found ' ~ found ~ ' breach' ~ ('es' if found > 1 else '')
            ~ '. The previous table stays. Run `dbt compile --select ' ~ test.name
            ~ '` to see what the gate asks for.'
        ) -%}
    {%- endif -%}
{% endmacro %}
