{#- The value plus a Laplace draw that is the person's own. No differential-privacy claim. -#}
{% macro mask_noise(column, spec) %}
    {{ return(adapter.dispatch('mask_noise', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_noise(column, spec) %}
    {%- set person = 'source.' ~ adapter.quote(spec.arguments.person) -%}
    {%- set person_type = spec.parent[spec.arguments.person].type -%}
    {%- set draw -%}
    veil_noise(
        cast({{ person }} as varchar),
        {{ veil._literal(spec.domain) }},
        {{ veil._literal(person_type) }},
        {{ veil._literal(spec.column) }},
        cast({{ spec.arguments.scale }} as double)
    )
    {%- endset -%}
    try_cast({{ column }} + {{ 'round(' ~ draw ~ ')' if spec.family == 'integer' else draw }} as {{ spec.data_type }})
{% endmacro %}
