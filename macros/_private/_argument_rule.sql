{#- An argument's rule in words, for a refusal. -#}
{% macro _argument_rule(rule) %}
    {%- set words = {
        'integer': 'a whole number',
        'number': 'a number',
        'numbers': 'a list of rising numbers',
        'text': 'a text',
        'column': 'the name of a text or integer column of the raw model',
        'hierarchy': 'the name of a seed that is passed in `hierarchies`',
        'level': 'the name of a column of the hierarchy, the first left out',
    }[rule.type] -%}
    {%- if 'one_of' in rule -%}
        {%- set words = 'one of ' ~ rule.one_of | join(', ') -%}
    {%- endif -%}
    {%- if 'above' in rule -%}
        {%- set words = words ~ ', above ' ~ rule.above -%}
    {%- endif -%}
    {%- if 'least' in rule -%}
        {%- set words = words ~ ', at least ' ~ rule.least -%}
    {%- endif -%}
    {%- if 'most' in rule -%}
        {%- set words = words ~ ', at most ' ~ rule.most -%}
    {%- endif -%}
    {{ return(words) }}
{% endmacro %}
