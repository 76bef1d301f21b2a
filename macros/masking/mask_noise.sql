{#-
    The value plus a Laplace draw that is the person's own, the same in every build and join. NULL
    where the person is unknown or the sum does not fit the type. No differential-privacy claim.

    The scale is part of what is drawn from: two scales with one draw would give the value away, as
    2 * (v + d) - (v + 2d). The sum is rounded to a grid a thousandth as fine as the scale, because
    the last bits of a floating-point sum tell something of its parts.
-#}
{% macro mask_noise(column, spec) %}
    {{ return(adapter.dispatch('mask_noise', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_noise(column, spec) %}
    {%- set person = 'source.' ~ veil._quoted(spec.arguments.person) -%}
    {%- set scale = spec.arguments.scale | float -%}
    {%- set sum -%}
        {{ column }} + veil_noise(
            cast({{ person }} as varchar),
            {{ veil._literal(spec.domain) }},
            {{ veil._literal(spec.parent[spec.arguments.person].type) }},
            {{ veil._literal(spec.column ~ ' at ' ~ scale) }},
            cast({{ scale }} as double)
        )
    {%- endset -%}
    {%- set grid = 1 if spec.family == 'integer' else 'power(2, floor(log2(' ~ scale ~ ')) - 10)' -%}
    try_cast(round(({{ sum }}) / {{ grid }}) * {{ grid }} as {{ spec.data_type }})
{% endmacro %}
