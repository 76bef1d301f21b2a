{#-
    The `privacy_` keys of a node or column. dbt fills both `meta` and `config.meta`; a key that
    stands in both with different values is refused, and so is a key that veil does not know.
-#}
{% macro _privacy_meta(thing, where) %}
    {%- set known = veil._known_keys() -%}
    {%- set found = {} -%}
    {%- for meta in [thing.get('config', {}).get('meta', {}), thing.get('meta', {})] -%}
        {%- for key, value in meta.items() if key is string and key.startswith('privacy_') -%}
            {%- if key not in known -%}
                {%- do veil._refuse(
                    where ~ ' has the unknown key `' ~ key ~ '`.',
                    'Known keys: ' ~ known | join(', ') ~ '.'
                ) -%}
            {%- endif -%}
            {%- if not veil._has_shape(value, known[key]) -%}
                {%- do veil._refuse(
                    where ~ ' has a `' ~ key ~ '` that is no ' ~ known[key] ~ '.',
                    'Write it as a ' ~ known[key] ~ '.'
                ) -%}
            {%- endif -%}
            {%- if key in found and found[key] != value -%}
                {%- do veil._refuse(
                    where ~ ' has `' ~ key ~ '` twice, with different values.',
                    'Keep the one in `config.meta`.'
                ) -%}
            {%- endif -%}
            {%- do found.update({key: value}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
