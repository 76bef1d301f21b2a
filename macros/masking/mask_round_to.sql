{#- The nearest multiple of a step, halves upward; exact for integers and decimals. -#}
{% macro mask_round_to(column, spec) %}
    {{ return(adapter.dispatch('mask_round_to', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_round_to(column, spec) %}
    {%- set step = spec.arguments.step -%}
    {%- set value = 'cast(' ~ column ~ ' as hugeint)' if spec.family == 'integer' else column -%}
    {%- set rest = '(((' ~ value ~ ' % ' ~ step ~ ') + ' ~ step ~ ') % ' ~ step ~ ')' -%}
    try_cast(
        {{ value }} - {{ rest }} + case when 2 * {{ rest }} >= {{ step }} then {{ step }} else 0 end
        as {{ spec.data_type }}
    )
{% endmacro %}
