{#-
    The first three digits of a five-digit ZIP code; `000` where the area holds 20,000 people or
    fewer (45 CFR 164.514(b)(2)(i)(B)), and `*` for a text that is no ZIP code.

    With `population` (a seed with columns `prefix` and `population`) that table decides, and an
    area that it lacks, or whose population is no number, is `000`. Without it the 17 areas are `000`
    that the US Department of Health and Human Services lists in its guidance of 26 November 2012,
    after the census of 2000. The rule asks for current census data: give `population` for a release.
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
    {%- if spec.arguments.population -%}
        {%- set relation = veil._hierarchy(spec.arguments.population, spec.hierarchies) -%}
        {%- if ['prefix', 'population'] | reject('in', veil._hierarchy_columns(relation, spec.where)) | list -%}
            {%- do veil._refuse(
                spec.where ~ ' names a `population` without the columns `prefix` and `population`.',
                'Add both to the seed and its YAML.'
            ) -%}
        {%- endif -%}
    {%- elif spec.arguments.minimum > 20000 -%}
        {%- do veil._refuse(
            spec.where ~ ' raises `minimum`, but the built-in list knows 20,000 people alone.',
            'Name a seed with the current census in `population`.'
        ) -%}
    {%- endif -%}
    case
        when {{ column }} is null then null
        when not regexp_full_match(trim({{ column }}), '[0-9]{5}(-?[0-9]{4})?') then '*'
        {%- if relation is defined and relation %}
        when coalesce((
            select min(coalesce(try_cast(area.population as bigint), 0))
            from {{ relation }} as area
            where cast(area.prefix as varchar) = {{ prefix }}
        ), 0) <= {{ spec.arguments.minimum }} then '000'
        {%- else %}
        when {{ prefix }} in ('{{ small | join("', '") }}') then '000'
        {%- endif %}
        else {{ prefix }}
    end
{% endmacro %}
