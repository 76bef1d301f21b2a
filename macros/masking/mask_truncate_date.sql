{#-
    The first day of the period that a date lies in; in UTC where it has a time zone. NULL for what
    lies 290,000 years away, where no calendar arithmetic is defined; infinity stays what it is.

    Not `date_trunc`, and milliseconds by way of a timestamp: DuckDB evaluates some functions on a
    column's least and greatest value while it plans, also inside a CASE that excludes them, and
    stops where they overflow.
-#}
{% macro mask_truncate_date(column, spec) %}
    {{ return(adapter.dispatch('mask_truncate_date', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_truncate_date(column, spec) %}
    {%- set day = column -%}
    {%- if spec.data_type in ['timestamptz', 'timestamp with time zone'] -%}
        {%- set day = "cast(timezone('UTC', " ~ column ~ ') as date)' -%}
    {%- elif spec.family == 'timestamp' -%}
        {%- set day = 'cast(cast(' ~ column ~ ' as timestamp) as date)' -%}
    {%- endif -%}
    {%- set year = 'year(' ~ day ~ ')' -%}
    {%- set first = {
        'week': day ~ ' - cast(isodow(' ~ day ~ ') - 1 as integer)',
        'month': 'make_date(' ~ year ~ ', month(' ~ day ~ '), 1)',
        'quarter': 'make_date(' ~ year ~ ', 3 * quarter(' ~ day ~ ') - 2, 1)',
        'year': 'make_date(' ~ year ~ ', 1, 1)',
        'decade': 'make_date(' ~ year ~ ' - (' ~ year ~ ' % 10 + 10) % 10, 1, 1)',
    }[spec.arguments.unit] -%}
    case
        when {{ veil._within_calendar(column, spec.data_type) }} then {{ first }}
        {%- for end in ['infinity', '-infinity'] %}
        when {{ column }} = cast('{{ end }}' as {{ spec.data_type }}) then cast('{{ end }}' as date)
        {%- endfor %}
    end
{% endmacro %}
