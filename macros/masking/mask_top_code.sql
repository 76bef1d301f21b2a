{#- Everything above a declared value becomes that value. -#}
{% macro mask_top_code(column, spec) %}
    {{ return(adapter.dispatch('mask_top_code', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_top_code(column, spec) %}
    {%- set most = veil._whole(spec.arguments.most, 'down', spec) -%}
    case
        when {{ veil._compared(column, '>', most, spec) }}
            then try_cast({{ most }} as {{ spec.data_type }})
        else {{ column }}
    end
{% endmacro %}
