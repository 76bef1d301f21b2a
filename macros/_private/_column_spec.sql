{#- What is known about the treatment of one column; the profile fills in what the YAML leaves out. -#}
{% macro _column_spec(where, name, meta, source, profile) %}
    {%- set mask = meta.get('privacy_mask') -%}
    {%- set arguments = meta.get('privacy_mask_args', {}) -%}
    {%- if profile -%}
        {%- set rule = veil._profile_rule(where, profile, source) -%}
        {%- if not mask and rule.get('mask') -%}
            {%- set mask = rule['mask'] -%}
            {%- set arguments = rule.get('arguments', {}) -%}
        {%- elif mask and mask not in rule['allowed'] -%}
            {%- do veil._refuse(
                where ~ ' has the mask `' ~ mask ~ '`, which the profile `' ~ profile.name
                ~ '` does not allow for a ' ~ source['type'] ~ '.',
                'Allowed: ' ~ rule['allowed'] | join(', ') ~ '.'
            ) -%}
        {%- endif -%}
        {%- for argument, value in rule.get('arguments', {}).items()
            if mask == rule.get('mask') and arguments.get(argument, value) != value -%}
            {%- do veil._refuse(
                where ~ ' changes `' ~ argument ~ '`, which the profile `' ~ profile.name
                ~ '` fixes.',
                'Leave it out.'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return({
        'where': where,
        'name': name,
        'mask': mask,
        'arguments': arguments,
        'domain': meta.get('privacy_domain'),
        'column': source['name'],
        'class': source['class'],
        'type': source['type'],
        'data_type': source['data_type'],
        'family': source['family'],
    }) }}
{% endmacro %}
