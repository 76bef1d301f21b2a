{#-
    Check a mask's arguments against the catalogue and the profile's limits, and fill in the
    defaults. An argument is checked for its type, so that it can be written into SQL as a literal.
-#}
{% macro _check_arguments(where, spec, declared) %}
    {%- for name in spec.arguments if name not in declared -%}
        {%- do veil._refuse(
            where ~ ' gives the mask `' ~ spec.mask ~ '` the unknown argument `' ~ name ~ '`.',
            'It takes: ' ~ (declared | join(', ') or 'none') ~ '.'
        ) -%}
    {%- endfor -%}
    {%- set full = {} -%}
    {%- for name, rule in declared.items() -%}
        {%- if name not in spec.arguments and 'default' not in rule -%}
            {%- do veil._refuse(
                where ~ ' has the mask `' ~ spec.mask ~ '` without its argument `' ~ name ~ '`.',
                'Add it under `privacy_mask_args`.'
            ) -%}
        {%- endif -%}
        {%- set limit = spec.limits.get(name) -%}
        {%- set rule = dict(rule, **limit) if limit else rule -%}
        {%- set value = spec.arguments.get(name, rule.get('default')) -%}
        {%- if (name in spec.arguments or limit) and not veil._argument_fits(value, rule, spec) -%}
            {%- do veil._refuse(
                where ~ ' has the mask `' ~ spec.mask ~ '` with an argument `' ~ name
                ~ '` that does not fit.',
                'It takes ' ~ veil._argument_rule(rule)
                ~ (' under the profile `' ~ spec.profile ~ '`' if limit else '') ~ '.'
            ) -%}
        {%- endif -%}
        {%- do full.update({name: value}) -%}
    {%- endfor -%}
    {%- do spec.update({'arguments': full}) -%}
{% endmacro %}
