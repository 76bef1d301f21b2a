{#- The bucket between two declared edges, lower edge included. -#}
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
        when {{ column }} < {{ edges[0] }} then '<{{ edges[0] }}'
        {%- for edge in edges[1:] %}
        when {{ column }} < {{ edge }} then '{{ edges[loop.index0] }}-<{{ edge }}'
        {%- endfor %}
        else '{{ edges[-1] }}+'
    end
{% endmacro %}
