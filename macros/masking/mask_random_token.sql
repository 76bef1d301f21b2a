{#-
    A random token out of a sealed table: the same for the same value of its linkage domain, in every
    build. Neither the value nor a key went into it, so that nothing but the table leads back.

    The tokens of unseen values are drawn before the model runs, by `veil.check_model()`; a value
    without one stops the build.
-#}
{% macro mask_random_token(column, spec) %}
    {{ return(adapter.dispatch('mask_random_token', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_random_token(column, spec) %}
    veil_random_token(
        cast({{ column }} as varchar),
        {{ veil._literal(spec.domain) }},
        {{ veil._literal(spec.type) }}
    )
{% endmacro %}
