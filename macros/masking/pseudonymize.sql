{#-
    The whole SQL of a pseudonymized model: one select over its raw model in which every column is
    treated as the model's YAML says. Whatever is unclassified, untreated or does not fit is refused
    here, while compiling.

    source       the raw model, `ref('raw_people')`
    hierarchies  the hierarchy seeds that its masks name, `[ref('hierarchy_age')]`
-#}
{% macro pseudonymize(source, hierarchies=[]) %}
    {{ return(adapter.dispatch('pseudonymize', 'veil')(source, hierarchies)) }}
{% endmacro %}

{% macro default__pseudonymize(source, hierarchies) %}
    {%- if not execute %}
        {{- return('select 1 as parsing') }}
    {%- endif -%}
    {%- set treatment = veil._treatment(source, hierarchies) -%}
    {%- if not treatment -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` has no column left.', 'Give it one, or remove the model.'
        ) -%}
    {%- endif -%}
    {%- set masks = {} -%}
    {%- for column in treatment -%}
        {%- do masks.update({column.name: [column.mask, column.domain]}) -%}
    {%- endfor -%}
    {#- The lineage gate reads from this line what each column has become. #}
    -- veil masks: {{ tojson(masks) }}
    select
    {%- for column in treatment %}
        {{ column.sql }} as {{ veil._quoted(column.name) }}{{ ',' if not loop.last }}
    {%- endfor %}
    from {{ source }} as source
{% endmacro %}
