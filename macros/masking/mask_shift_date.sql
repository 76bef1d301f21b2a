{#-
    A date moved by a number of days that is the person's own; order and gaps within a person stay.
    NULL where the person is unknown, and 290,000 years away; infinity stays what it is.
-#}
{% macro mask_shift_date(column, spec) %}
    {{ return(adapter.dispatch('mask_shift_date', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_shift_date(column, spec) %}
    {%- set person = 'source.' ~ veil._quoted(spec.arguments.person) -%}
    {%- set days -%}
        veil_shift_days(
                cast({{ person }} as varchar),
                {{ veil._literal(spec.domain) }},
                {{ veil._literal(spec.parent[spec.arguments.person].type) }},
                {{ spec.arguments.days }}
            )
    {%- endset -%}
    case
        when {{ column }} in (
            cast('infinity' as {{ spec.data_type }}), cast('-infinity' as {{ spec.data_type }})
        )
            then {{ column }}
        when {{ veil._within_calendar(column, spec.data_type, margin=true) }}
            {#- Hours, because a day of a local calendar may have 23. #}
            then cast({{ column }} + {{ days if spec.family == 'date' else 'to_hours(24 * ' ~ days ~ ')' }} as {{ spec.data_type }})
    end
{% endmacro %}
