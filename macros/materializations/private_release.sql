{#-
    A differential release as a table: the gates that need no data, then the charge and the noisy
    cells in the ledger, then the table as a copy of what the ledger keeps. Where a gate refuses the
    table, the charge stays, and the next build is given the same cells at no cost.
-#}
{% materialization private_release, adapter='duckdb', supported_languages=['sql'] %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set intermediate_relation = make_intermediate_relation(target_relation) -%}
    {%- set backup_relation = make_backup_relation(
        target_relation, 'table' if existing_relation is none else existing_relation.type
    ) -%}
    {{ drop_relation_if_exists(load_cached_relation(intermediate_relation)) }}
    {{ drop_relation_if_exists(load_cached_relation(backup_relation)) }}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set drawn = veil._bridge('draw_release', {
        'graph': graph,
        'unique_id': model.unique_id,
        'threshold': var('veil:threshold', 11),
    }) -%}
    {%- do log('veil: ' ~ drawn.line, info=true) -%}

    {% call statement('main') -%}
        {{ create_table_as(False, intermediate_relation, 'select * from ' ~ drawn.relation) }}
    {%- endcall %}
    {%- do run_query('drop table ' ~ drawn.relation) -%}

    {% if existing_relation is not none %}
        {{ adapter.rename_relation(existing_relation, backup_relation) }}
    {% endif %}
    {{ adapter.rename_relation(intermediate_relation, target_relation) }}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}

    {{ drop_relation_if_exists(backup_relation) }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
