{#- The columns that a differential mart reads: its unit, its partition keys, what its metrics are over. -#}
{% macro _row_query_columns() %}
    {%- set unit = veil._privacy_meta(model, 'model `' ~ model.name ~ '`').get('privacy_unit') -%}
    {%- if unit is not string -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` has no `privacy_unit`.',
            'Name the pseudonym column that stands for a person.'
        ) -%}
    {%- endif -%}
    {%- set metrics = {} -%}
    {%- for name, column in model.columns.items() -%}
        {%- set meta = dict(column.get('meta', {}), **column.get('config', {}).get('meta', {})) -%}
        {%- if meta.get('metric') -%}
            {%- do metrics.update({name: meta.get('metric_column')}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set found = {unit | lower: unit} -%}
    {%- for name in model.columns if name not in metrics -%}
        {%- set metric = name[:-4] if name.endswith('_low') else name[:-5] if name.endswith('_high') else none -%}
        {%- if metric not in metrics -%}
            {%- do found.setdefault(name | lower, name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for column in metrics.values() if column is string -%}
        {%- do found.setdefault(column | lower, column) -%}
    {%- endfor -%}
    {#- In an order of their own: that of the YAML is no part of what is released. -#}
    {{ return(found | dictsort | map('last') | list) }}
{% endmacro %}
