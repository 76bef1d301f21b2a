{#- The macro behind a veil test. -#}
{% macro _test_macro(name) %}
    {%- set macro = context['veil'].get('test_' ~ name) -%}
    {%- if not macro -%}
        {%- do exceptions.raise_compiler_error(
            'veil: there is no test `veil.' ~ name ~ '`. See docs/reference/tests.md for the list.'
        ) -%}
    {%- endif -%}
    {{ return(macro) }}
{% endmacro %}
