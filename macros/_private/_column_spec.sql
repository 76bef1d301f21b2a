{#- What is known about the treatment of one column; the profile fills in what the YAML leaves out. -#}
{% macro _column_spec(where, name, meta, source, profile) %}
    {%- set rule = veil._profile_rule(where, profile, source) if profile else {} -%}
    {%- set mask = meta.get('privacy_mask') or rule.get('mask') -%}
    {%- if profile and mask and mask not in rule['allowed'] -%}
        {%- do veil._refuse(
            where ~ ' has the mask `' ~ mask ~ '`, which the profile `' ~ profile.name
            ~ '` does not allow for a ' ~ source['type'] ~ '.',
            'Allowed: ' ~ rule['allowed'] | join(', ') ~ '.'
        ) -%}
    {%- endif -%}
    {%- set arguments = {} -%}
    {%- if mask == rule.get('mask') -%}
        {%- do arguments.update(rule.get('arguments', {})) -%}
    {%- endif -%}
    {%- do arguments.update(meta.get('privacy_mask_args') or {}) -%}
    {{ return({
        'where': where,
        'name': name,
        'mask': mask,
        'arguments': arguments,
        'limits': rule.get('limits', {}),
        'profile': profile.name if profile else none,
        'domain': meta.get('privacy_domain'),
        'column': source['name'],
        'class': source['class'],
        'type': source['type'],
        'data_type': source['data_type'],
        'family': source['family'],
    }) }}
{% endmacro %}
