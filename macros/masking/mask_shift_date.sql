{#- A date moved by a number of days that is the person's own; order and gaps within a person stay. -#}
{% macro mask_shift_date(column, spec) %}
    {{ return(adapter.dispatch('mask_shift_date', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_shift_date(column, spec) %}
    {%- set person = 'source.' ~ adapter.quote(spec.arguments.person) -%}
    {%- set person_type = spec.parent[spec.arguments.person].type -%}
    try_cast(try({{ column }} + to_days(veil_shift_days(
        cast({{ person }} as varchar),
        {{ veil._literal(spec.domain) }},
        {{ veil._literal(person_type) }},
        {{ spec.arguments.days }}
    ))) as {{ spec.data_type }})
{% endmacro %}
