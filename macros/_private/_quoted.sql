{#- A column's name, quoted. A name that could end its own quotes is refused. -#}
{% macro _quoted(name) %}
    {%- if name is not string or modules.re.search('["`\\x00-\\x1f]', name) -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` has a column whose name holds a quote or a control character.',
            'Rename it in the YAML and in the raw model.'
        ) -%}
    {%- endif -%}
    {{ return(adapter.quote(name)) }}
{% endmacro %}
