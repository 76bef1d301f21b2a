{#- A keyed pseudonym: HMAC-SHA256 under the key of its linkage domain. -#}
{% macro mask_pseudonym(column, spec) %}
    {{ return(adapter.dispatch('mask_pseudonym', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_pseudonym(column, spec) %}
    veil_pseudonym(
        cast({{ column }} as varchar),
        {{ veil._literal(spec.domain) }},
        {{ veil._literal(spec.type) }}
    )
{% endmacro %}
