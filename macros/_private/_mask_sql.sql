{#- The SQL of one treated column: the mask's macro, named `mask_<mask>`. -#}
{% macro _mask_sql(spec) %}
    {%- set quoted = 'source.' ~ veil._quoted(spec.column) -%}
    {{ return(context['veil']['mask_' ~ spec.mask](quoted, spec)) }}
{% endmacro %}
