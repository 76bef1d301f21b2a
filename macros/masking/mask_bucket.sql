{#- The bucket between two declared edges, lower edge included; `*` for what is no number. -#}
{% macro mask_bucket(column, spec) %}
    {{ return(adapter.dispatch('mask_bucket', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_bucket(column, spec) %}
    {%- set edges = spec.arguments.edges -%}
    case
        when {{ column }} is null then null
        {%- if spec.family == 'number' %}
        when isnan(cast({{ column }} as double)) then '*'
        {%- endif %}
        {%- for edge in edges %}
        when {{ veil._compared(column, '<', veil._whole(edge, 'up', spec), spec) }}
            then '{{ edges[loop.index0 - 1] ~ '-' if not loop.first }}<{{ edge }}'
        {%- endfor %}
        else '{{ edges[-1] }}+'
    end
{% endmacro %}
