{#-
    The first day of the period that a date lies in; in UTC where it has a time zone. NULL for what
    lies 290,000 years away, where no calendar arithmetic is defined; infinity stays what it is.
-#}
{% macro mask_truncate_date(column, spec) %}
    {{ return(adapter.dispatch('mask_truncate_date', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_truncate_date(column, spec) %}
    {%- set zoned = spec.data_type in ['timestamptz', 'timestamp with time zone'] -%}
    {%- set local = "timezone('UTC', " ~ column ~ ')' if zoned else column -%}
    case
        when {{ veil._within_calendar(column, spec.data_type) }}
            then cast(date_trunc({{ veil._literal(spec.arguments.unit) }}, {{ local }}) as date)
        {%- for end in ['infinity', '-infinity'] %}
        when {{ column }} = cast('{{ end }}' as {{ spec.data_type }}) then cast('{{ end }}' as date)
        {%- endfor %}
    end
{% endmacro %}
