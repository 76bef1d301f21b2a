{#- The first and last characters of a text at least twice as long; its length is hidden. -#}
{% macro mask_partial(column, spec) %}
    {{ return(adapter.dispatch('mask_partial', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_partial(column, spec) %}
    {%- set first = spec.arguments.keep_first -%}
    {%- set last = spec.arguments.keep_last -%}
    case
        when {{ column }} is null then null
        when length({{ column }}) < {{ [2 * (first + last), 1] | max }} then '****'
        else left({{ column }}, {{ first }}) || '****' || right({{ column }}, {{ last }})
    end
{% endmacro %}
