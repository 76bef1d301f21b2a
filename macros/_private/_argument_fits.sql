{#- Whether a value is what an argument's rule asks for. -#}
{% macro _argument_fits(value, rule, spec) %}
    {%- set is_number = value is number and value is not boolean -%}
    {%- if rule.type in ['integer', 'number'] -%}
        {{- return(
            is_number
            and (rule.type == 'number' or value is integer)
            and (value - value) == 0
            and value >= rule.get('least', value)
            and value <= rule.get('most', value)
        ) -}}
    {%- elif rule.type == 'numbers' -%}
        {{- return(
            value is sequence and value is not string and value | length > 0
            and value | select('number') | reject('boolean') | list | length == value | length
            and value | sort | unique | list == value | list
        ) -}}
    {%- elif rule.type == 'column' -%}
        {{- return(
            value is string and value in spec.parent
            and spec.parent[value].family in ['text', 'integer']
        ) -}}
    {%- elif rule.type == 'hierarchy' -%}
        {{- return(value is string and veil._hierarchy(value, spec.hierarchies) is not none) -}}
    {%- elif rule.type == 'level' -%}
        {{- return(veil._is_word(value)) -}}
    {%- endif -%}
    {{ return(value is string and value in rule.get('one_of', [value])) }}
{% endmacro %}
