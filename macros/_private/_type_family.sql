{#- The family of a column type: text, integer, number, date, timestamp, boolean or other. -#}
{% macro _type_family(data_type) %}
    {%- set base = data_type | lower | trim -%}
    {%- set name = base.split('(')[0] | trim -%}
    {%- set families = {
        'text': ['varchar', 'text', 'string', 'char', 'bpchar', 'character varying'],
        'integer': ['tinyint', 'smallint', 'integer', 'int', 'bigint', 'hugeint', 'utinyint',
            'usmallint', 'uinteger', 'ubigint', 'int1', 'int2', 'int4', 'int8', 'long'],
        'number': ['decimal', 'numeric', 'double', 'float', 'real', 'float4', 'float8',
            'double precision'],
        'date': ['date'],
        'timestamp': ['timestamp', 'datetime', 'timestamptz', 'timestamp with time zone',
            'timestamp_s', 'timestamp_ms', 'timestamp_ns'],
        'boolean': ['boolean', 'bool'],
    } -%}
    {%- if base.endswith(']') -%}
        {{- return('other') -}}
    {%- endif -%}
    {%- for family, names in families.items() if name in names -%}
        {{- return(family) -}}
    {%- endfor -%}
    {{ return('other') }}
{% endmacro %}
