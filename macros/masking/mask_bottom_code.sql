{#- Everything below a declared value becomes that value. -#}
{% macro mask_bottom_code(column, spec) %}
    {{ return(adapter.dispatch('mask_bottom_code', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_bottom_code(column, spec) %}
    {%- set least = veil._whole(spec.arguments.least, 'up', spec) -%}
    case
        when {{ veil._compared(column, '<', least, spec) }}
            then try_cast({{ least }} as {{ spec.data_type }})
        else {{ column }}
    end
{% endmacro %}
