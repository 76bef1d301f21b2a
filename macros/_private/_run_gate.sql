{#- Run one declared veil test on the table just written; raise where it fails. No value is named: each breach is a fixed text of the test. -#}
{% macro _run_gate(test) %}
    {%- set arguments = {} -%}
    {%- for name, value in test.test_metadata.kwargs.items() if name != 'model' -%}
        {%- do arguments.update({name: render(value) if value is string else value}) -%}
    {%- endfor -%}
    {%- set macro = veil._test_macro(test.test_metadata.name) -%}
    {%- set sql = macro(model=this, **arguments) -%}
    {%- set found = run_query(
        "select count(*), string_agg(distinct breach, '; ' order by breach) from (" ~ sql ~ ') as gate'
    ).rows[0] -%}
    {%- if found[0] | int > 0 -%}
        {%- do exceptions.raise_compiler_error(
            'veil: model `' ~ this.identifier ~ '` is rolled back: its gate `'
            ~ test.test_metadata.name ~ '` found ' ~ found[0] ~ ' breach'
            ~ ('es' if found[0] | int > 1 else '') ~ ' (' ~ found[1] ~ '). The previous table stays.'
            ~ ' ' ~ {
                'no_small_cells': 'Give every measure to `veil.suppress_small`, grouped by the whole grain.',
                'no_stale_kid': 'Build it anew with `--full-refresh`.',
            }.get(test.test_metadata.name, '')
        ) -%}
    {%- endif -%}
{% endmacro %}
