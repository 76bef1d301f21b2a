{#-
    A band of years; everybody from `top` up is one band, and a negative age is `*`. The arithmetic
    is done in hugeint: a band's upper end may not fit the column's own type.
-#}
{% macro mask_age_band(column, spec) %}
    {{ return(adapter.dispatch('mask_age_band', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_age_band(column, spec) %}
    {%- set width = spec.arguments.width -%}
    {%- set top = spec.arguments.top -%}
    {%- set age = 'cast(' ~ column ~ ' as hugeint)' -%}
    case
        when {{ column }} is null then null
        when {{ age }} < 0 then '*'
        when {{ age }} >= {{ top }} then '{{ top }}+'
        else
            cast({{ age }} - {{ age }} % {{ width }} as varchar) || '-'
            || cast(
                least({{ age }} - {{ age }} % {{ width }} + {{ width - 1 }}, {{ top - 1 }})
                as varchar
            )
    end
{% endmacro %}
