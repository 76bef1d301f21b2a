{#- The domain of an e-mail address; a domain with too few addresses becomes `other`. -#}
{% macro mask_email_domain(column, spec) %}
    {{ return(adapter.dispatch('mask_email_domain', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_email_domain(column, spec) %}
    {%- set address = 'lower(trim(' ~ column ~ '))' -%}
    {%- set domain = "split_part(" ~ address ~ ", '@', -1)" -%}
    case
        when {{ column }} is null then null
        when not contains({{ column }}, '@') or {{ domain }} = '' then 'other'
        when count(distinct {{ address }}) over (partition by contains({{ column }}, '@'), {{ domain }})
            >= {{ spec.arguments.minimum }}
            then {{ domain }}
        else 'other'
    end
{% endmacro %}
