{#-
    How each column of the model at hand is treated: a list of `{name, mask, domain, sql}` in the order of
    the YAML. Refuses what is unclassified, untreated or unfit.
-#}
{% macro _treatment(source, hierarchies) %}
    {%- set parent = veil._source_node(source) -%}
    {%- set classes = veil._classification(parent) -%}
    {%- set profile = veil._profile(model) -%}
    {%- set dropped = veil._privacy_meta(model, 'model `' ~ model.name ~ '`').get(
        'privacy_drop', []
    ) -%}
    {%- set treated = [] -%}
    {%- set result = [] -%}
    {%- for name, column in model.columns.items() -%}
        {%- set where = 'model `' ~ model.name ~ '` column `' ~ name ~ '`' -%}
        {%- set meta = veil._privacy_meta(column, where) -%}
        {%- set from = meta.get('privacy_from', name) -%}
        {%- if from not in classes -%}
            {%- do veil._refuse(
                where ~ ' comes from `' ~ from ~ '`, which `' ~ parent.name ~ '` does not have.',
                'Name an existing column in `privacy_from`.'
            ) -%}
        {%- endif -%}
        {%- set spec = veil._column_spec(where, name, meta, classes[from], profile) -%}
        {%- do spec.update({'parent': classes, 'hierarchies': hierarchies}) -%}
        {%- do veil._check_mask(where, spec) -%}
        {%- do treated.append(from) -%}
        {%- if spec.mask != 'drop' -%}
            {%- do result.append(
                {'name': name, 'mask': spec.mask, 'domain': spec.domain,
                    'sql': veil._mask_sql(spec) | trim}
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do veil._check_coverage(parent, classes, treated, dropped) -%}
    {{ return(result) }}
{% endmacro %}
