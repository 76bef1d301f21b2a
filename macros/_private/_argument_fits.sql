{#- Whether a value is what an argument's rule asks for. -#}
{% macro _argument_fits(value, rule, spec) %}
    {%- if rule.type in ['integer', 'number'] -%}
        {{- return(
            veil._is_number(value)
            and (rule.type == 'number' or value is integer)
            and value >= rule.get('least', value)
            and value <= rule.get('most', value)
            and ('above' not in rule or value > rule.above)
        ) -}}
    {%- elif rule.type == 'numbers' -%}
        {%- if value is string or value is mapping or value is not sequence or not value -%}
            {{- return(false) -}}
        {%- endif -%}
        {%- for edge in value if not veil._is_number(edge) -%}
            {{- return(false) -}}
        {%- endfor -%}
        {{- return(value | sort | unique | list == value | list) -}}
    {%- elif rule.type == 'column' -%}
        {{- return(
            value is string and value in spec.parent
            and spec.parent[value].family in ['text', 'integer']
        ) -}}
    {%- elif rule.type == 'hierarchy' -%}
        {{- return(value is string and veil._hierarchy(value, spec.hierarchies) is not none) -}}
    {%- elif rule.type == 'level' -%}
        {#- The first column is the value itself: as a level it would publish what it should hide. -#}
        {%- set relation = veil._hierarchy(spec.arguments.hierarchy, spec.hierarchies) -%}
        {{- return(value is string and value in veil._hierarchy_columns(relation, spec.where)[1:]) -}}
    {%- endif -%}
    {{ return(value is string and value in rule.get('one_of', [value])) }}
{% endmacro %}
