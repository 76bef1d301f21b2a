{#- The profile that a pseudonymized model names, `{name, rules}`; none where it names none. -#}
{% macro _profile(node) %}
    {%- set name = veil._privacy_meta(node, 'model `' ~ node.name ~ '`').get('privacy_profile') -%}
    {%- if name is none -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set profiles = veil._profiles() -%}
    {%- if name not in profiles -%}
        {%- do veil._refuse(
            'model `' ~ node.name ~ '` names the unknown profile `' ~ name ~ '`.',
            'Known profiles: ' ~ profiles | join(', ') ~ '.'
        ) -%}
    {%- endif -%}
    {{ return({'name': name, 'rules': profiles[name]}) }}
{% endmacro %}
