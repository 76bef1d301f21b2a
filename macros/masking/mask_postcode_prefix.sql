{#-
    The first three digits of a five-digit ZIP code; `000` where the area holds 20,000 people or
    fewer (45 CFR 164.514(b)(2)(i)(B)), and `*` for a text that is no ZIP code.

    With `population` (a seed with columns `prefix` and `population`) that table decides, and an
    area that it lacks is `000`. Without it the areas that the US Department of Health and Human
    Services lists for the census of 2000 are `000`.
-#}
{% macro mask_postcode_prefix(column, spec) %}
    {{ return(adapter.dispatch('mask_postcode_prefix', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_postcode_prefix(column, spec) %}
    {%- set small = [
        '036', '059', '063', '102', '203', '556', '692', '790', '821', '823', '830', '831', '878',
        '879', '884', '890', '893',
    ] -%}
    {%- set prefix = 'left(trim(' ~ column ~ '), 3)' -%}
    case
        when {{ column }} is null then null
        when not regexp_full_match(trim({{ column }}), '[0-9]{5}(-?[0-9]{4})?') then '*'
        {%- if spec.arguments.population %}
        when coalesce((
            select max(area.population)
            from {{ veil._hierarchy(spec.arguments.population, spec.hierarchies) }} as area
            where cast(area.prefix as varchar) = {{ prefix }}
        ), 0) <= {{ spec.arguments.minimum }} then '000'
        {%- else %}
        when {{ prefix }} in ('{{ small | join("', '") }}') then '000'
        {%- endif %}
        else {{ prefix }}
    end
{% endmacro %}
