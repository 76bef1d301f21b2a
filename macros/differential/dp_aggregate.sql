{#-
    The last select of a differential mart: the columns that its YAML aggregates, one row a
    contribution. `private_release` bounds, aggregates and adds the noise; see
    docs/how-to/release-with-differential-privacy.md.

    rows               a CTE of the model, or a relation: `'visits'`, `ref('psn_visits')`
    public_partitions  a relation that lists the cells, in columns of the names of the partition
                       keys; instead of `public_partitions` in the YAML
-#}
{% macro dp_aggregate(rows, public_partitions=none) %}
    {{ return(adapter.dispatch('dp_aggregate', 'veil')(rows, public_partitions)) }}
{% endmacro %}

{% macro default__dp_aggregate(rows, public_partitions) %}
    {%- if not execute %}
        {{- return('select 1 as parsing') }}
    {%- endif -%}
    {%- if config.get('materialized') != 'private_release' -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` calls `veil.dp_aggregate`, but is not materialized as'
            ~ ' `private_release`: its rows would be stored as they are.',
            'Set `materialized: private_release` in its config.'
        ) -%}
    {%- endif -%}
    {%- set columns = veil._row_query_columns() %}
    {%- if public_partitions %}
    -- veil public partitions: {{ public_partitions }}
    {%- endif %}
    select
    {%- for name in columns %}
        {{ veil._quoted(name) }}{{ ',' if not loop.last }}
    {%- endfor %}
    from {{ rows }} as contributions
{% endmacro %}
