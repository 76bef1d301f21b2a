{#-
    Class, type and data type of each column of a raw model, by name. Its contract must be enforced:
    only then does its YAML name every column that it has.
-#}
{% macro _classification(node) %}
    {%- if not node.config.get('contract', {}).get('enforced') -%}
        {%- do veil._refuse(
            'model `' ~ node.name ~ '` has no enforced contract, so its YAML may miss columns.',
            'Add `config: {contract: {enforced: true}}` and a `data_type` for each column.'
        ) -%}
    {%- endif -%}
    {%- set classes = {} -%}
    {%- for name, column in node.columns.items() -%}
        {%- set where = 'model `' ~ node.name ~ '` column `' ~ name ~ '`' -%}
        {%- set meta = veil._privacy_meta(column, where) -%}
        {%- set known = ['direct_identifier', 'quasi_identifier', 'sensitive', 'non_sensitive'] -%}
        {%- if meta.get('privacy_class') not in known -%}
            {%- do veil._refuse(
                where ~ ' has ' ~ ('an unknown' if 'privacy_class' in meta else 'no')
                ~ ' `privacy_class`.',
                'Classify it: ' ~ known | join(', ') ~ '.'
            ) -%}
        {%- endif -%}
        {%- if not veil._is_word(meta.get('privacy_type')) -%}
            {%- do veil._refuse(
                where ~ ' has ' ~ ('an unreadable' if meta.get('privacy_type') else 'no')
                ~ ' `privacy_type`.',
                'Say in one word what it is, for example `ssn`, `person_name`, `date_of_birth`, `amount`.'
            ) -%}
        {%- endif -%}
        {%- do classes.update({name: {
            'name': name,
            'class': meta['privacy_class'],
            'type': meta['privacy_type'],
            'data_type': (column.data_type or '') | lower,
            'family': veil._type_family(column.data_type or ''),
        }}) -%}
    {%- endfor -%}
    {{ return(classes) }}
{% endmacro %}
