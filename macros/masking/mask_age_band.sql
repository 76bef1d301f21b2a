{#- A band of years; everybody from `top` up is one band. -#}
{% macro mask_age_band(column, spec) %}
    {{ return(adapter.dispatch('mask_age_band', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_age_band(column, spec) %}
    {%- set width = spec.arguments.width -%}
    {%- set top = spec.arguments.top -%}
    case
        when {{ column }} is null then null
        when {{ column }} < 0 then '*'
        when {{ column }} >= {{ top }} then '{{ top }}+'
        else
            cast({{ column }} - {{ column }} % {{ width }} as varchar) || '-'
            || cast(
                least({{ column }} - {{ column }} % {{ width }} + {{ width - 1 }}, {{ top - 1 }})
                as varchar
            )
    end
{% endmacro %}
