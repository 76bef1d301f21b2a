"""A small dbt project as mappings, for the tests of `veil.bypass`."""

# ruff: noqa: E501 - a case stands on one line.

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from veil.bypass import check_bypasses
from veil.bypass.known import HARMLESS_MACROS, VEIL_HOOKS
from veil.findings import Finding

PUBLIC = {
    ("model.shop.categories", None),
    ("model.shop.categories", "name"),
    ("model.shop.orders", "status"),
    ("source.shop.raw.countries", None),
    ("source.shop.raw.countries", "code"),
}
_DBTS = (
    *HARMLESS_MACROS,
    *"""
    create_table_as create_view_as date_spine default__create_table_as duckdb__create_table_as
    get_create_table_as_sql get_intervals_between get_merge_sql materialization_incremental_duckdb
    materialization_table_duckdb materialization_test_default materialization_view_default
    run_hooks run_query set_sql_header statement store_relation get_column_schema_from_query
    get_columns_in_query truncate_relation drop_relation get_catalog list_schemas
    duckdb__type_string default__generate_series
    """.split(),
)
_VEILS = (
    *VEIL_HOOKS,
    *"suppress_small pseudonymize typed mask_keep mask_pseudonym _bridge default__mask_pseudonym"
    " default___bridge _run_gate test_no_small_cells".split(),
)
_DEFINED = re.compile(
    r"\{%-?\s*(macro|test|data_test|materialization)\s+(\w+)(?:\s*,\s*(adapter\s*=\s*'(\w+)'|default)"
    r")?.*?\{%-?\s*end\1\s*-?%\}",
    re.DOTALL,
)


def macros_of(package: str, text: str) -> dict[str, dict[str, Any]]:
    """The macros that a file of a package defines, as the manifest holds them."""
    found: dict[str, dict[str, Any]] = {}
    for match in _DEFINED.finditer(text):
        kind, name, _, adapter = match.groups()
        if kind in {"test", "data_test"}:
            name = f"test_{name}"
        elif kind == "materialization":
            name = f"materialization_{name}_{adapter or 'default'}"
        unique_id = f"macro.{package}.{name}"
        found[unique_id] = {
            "unique_id": unique_id,
            "name": name,
            "package_name": package,
            "macro_sql": match[0],
            "depends_on": {"macros": []},
            "original_file_path": "macros/file.sql",
        }
    return found


def _listed(package: str, names: Collection[str]) -> dict[str, dict[str, Any]]:
    return {
        f"macro.{package}.{name}": {
            "unique_id": f"macro.{package}.{name}",
            "name": name,
            "package_name": package,
            "macro_sql": "",
            "depends_on": {"macros": []},
        }
        for name in names
    }


UTILS = macros_of(
    "dbt_utils",
    """
{% macro get_column_values(table, column, order_by='count(*) desc', max_records=none,
                           default=none, where=none) -%}
    {{ return(adapter.dispatch('get_column_values', 'dbt_utils')(
        table, column, order_by, max_records, default, where)) }}
{%- endmacro %}
{% macro default__get_column_values(table, column, order_by, max_records, default, where) -%}
    {%- if not execute -%}{{ return(default or []) }}{%- endif -%}
    {%- do dbt_utils._is_ephemeral(table, 'get_column_values') -%}
    {%- set target_relation = table -%}
    {%- set relation_exists = (load_relation(target_relation)) is not none -%}
    {%- call statement('get_column_values', fetch_result=true) %}
        select {{ column }} as value from {{ target_relation }}
        {% if where is not none %}where {{ where }}{% endif %}
        group by {{ column }} order by {{ order_by }}
        {% if max_records is not none %}limit {{ max_records }}{% endif %}
    {%- endcall -%}
    {%- set value_list = load_result('get_column_values') -%}
    {{ return(value_list['data'] | map(attribute=0) | list if value_list else default) }}
{%- endmacro %}
{% macro _is_ephemeral(obj, macro) %}
    {%- if obj.is_cte -%}
        {% do exceptions.raise_compiler_error(macro ~ ' cannot read an ephemeral model') %}
    {%- endif -%}
{% endmacro %}
{% macro get_query_results_as_dict(query) %}
    {{ return(adapter.dispatch('get_query_results_as_dict', 'dbt_utils')(query)) }}
{% endmacro %}
{% macro default__get_query_results_as_dict(query) %}
    {%- call statement('get_query_results', fetch_result=True, auto_begin=false) -%}
        {{ query }}
    {%- endcall -%}
    {{ return(load_result('get_query_results').table) }}
{% endmacro %}
{% macro get_single_value(query, default=none) %}
    {{ return(adapter.dispatch('get_single_value', 'dbt_utils')(query, default)) }}
{% endmacro %}
{% macro default__get_single_value(query, default) %}
    {%- call statement('get_query_result', fetch_result=True) -%}{{ query }}{%- endcall -%}
    {{ return(load_result('get_query_result').table.columns[0].values()[0]) }}
{% endmacro %}
{% macro get_relations_by_prefix(schema, prefix, exclude='', database=target.database) %}
    {%- call statement('get_tables', fetch_result=True) %}
        select distinct table_schema from {{ database }}.information_schema.tables
    {%- endcall -%}
    {{ return(load_result('get_tables').table) }}
{% endmacro %}
{% macro get_filtered_columns_in_relation(from, except=[]) -%}
    {%- do dbt_utils._is_ephemeral(from, 'get_filtered_columns_in_relation') -%}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set include_cols = [] %}
    {%- set cols = adapter.get_columns_in_relation(from) -%}
    {%- set except = except | map("lower") | list %}
    {%- for col in cols -%}
        {%- if col.column|lower not in except -%}
            {% do include_cols.append(col.column) %}
        {%- endif %}
    {%- endfor %}
    {{ return(include_cols) }}
{%- endmacro %}
{% macro star(from, relation_alias=False, except=[], prefix='', suffix='') -%}
    {{ return(adapter.dispatch('star', 'dbt_utils')(from, relation_alias, except, prefix, suffix)) }}
{%- endmacro %}
{% macro default__star(from, relation_alias=False, except=[], prefix='', suffix='') -%}
    {% set cols = dbt_utils.get_filtered_columns_in_relation(from, except) %}
    {%- for col in cols %}
        {%- if relation_alias %}{{ relation_alias }}.{% endif %}{{ adapter.quote(col)|trim }}
        {%- if prefix != '' or suffix != '' %} as {{ adapter.quote(prefix ~ col ~ suffix)|trim }}{%- endif %}
        {%- if not loop.last %},{{ '\n  ' }}{%- endif %}
    {%- endfor -%}
{%- endmacro %}
{% macro generate_surrogate_key(field_list) -%}
    {{ return(adapter.dispatch('generate_surrogate_key', 'dbt_utils')(field_list)) }}
{%- endmacro %}
{% macro default__generate_surrogate_key(field_list) -%}
    {%- set default_null_value = "_dbt_utils_surrogate_key_null_" -%}
    {%- set fields = [] -%}
    {%- for field in field_list -%}
        {%- do fields.append("coalesce(cast(" ~ field ~ " as " ~ dbt.type_string() ~ "), '"
            ~ default_null_value ~ "')") -%}
        {%- if not loop.last %}{%- do fields.append("'-'") -%}{%- endif -%}
    {%- endfor -%}
    {{ dbt.hash(dbt.concat(fields)) }}
{%- endmacro %}
{% macro pivot(column, values, alias=True, agg='sum', cmp='=', prefix='', suffix='', then_value=1) %}
    {% for value in values %}
        {{ agg }}(case when {{ column }} {{ cmp }} '{{ dbt.escape_single_quotes(value) }}'
            then {{ then_value }} else 0 end)
        {% if alias %}as {{ adapter.quote(prefix ~ value ~ suffix) }}{% endif %}
        {% if not loop.last %},{% endif %}
    {% endfor %}
{% endmacro %}
{% macro union_relations(relations, column_override=none, include=[], exclude=[], where=none) -%}
    {%- set column_override = column_override if column_override is not none else {} -%}
    {%- set relation_columns = {} -%}
    {%- set column_superset = {} -%}
    {%- for relation in relations -%}
        {%- do relation_columns.update({relation: []}) -%}
        {%- do dbt_utils._is_ephemeral(relation, 'union_relations') -%}
        {%- set cols = adapter.get_columns_in_relation(relation) -%}
        {%- for col in cols -%}
            {% do relation_columns[relation].append(col.column) %}
            {%- if col.is_string() and col.string_size() > 1 -%}
                {%- do column_superset.update({col.column: col}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set ordered_column_names = column_superset.keys() -%}
    {%- set dbt_command = flags.WHICH -%}
    {% if dbt_command in ['run', 'build'] and not ordered_column_names %}
        {%- do exceptions.raise_compiler_error('no columns in ' ~ relations) -%}
    {% endif %}
    {%- for relation in relations %}
        ( select cast({{ dbt.string_literal(relation) }} as {{ dbt.type_string() }}) as src,
          {% for col_name in ordered_column_names -%}
            {%- set col = column_superset[col_name] %}
            cast({{ adapter.quote(col_name) }} as {{ column_override.get(col.column, col.data_type) }})
            as {{ col.quoted }} {% if not loop.last %},{% endif -%}
          {%- endfor %}
          from {{ relation }} {% if where -%} where {{ where }} {%- endif %} )
        {% if not loop.last -%} union all {%- endif %}
    {%- endfor -%}
{%- endmacro %}
{% macro date_spine(datepart, start_date, end_date) %}
    {{ return(adapter.dispatch('date_spine', 'dbt_utils')(datepart, start_date, end_date)) }}
{% endmacro %}
{% macro default__date_spine(datepart, start_date, end_date) %}
    with rawdata as ({{ dbt_utils.get_intervals_between(start_date, end_date, datepart) }})
    select * from rawdata where day <= {{ end_date }}
{% endmacro %}
{% macro get_intervals_between(start_date, end_date, datepart) -%}
    {%- call statement('get_intervals_between', fetch_result=True) %}
        select {{ dbt.datediff(start_date, end_date, datepart) }}
    {%- endcall -%}
    {{ return(load_result('get_intervals_between')['data'][0][0]) }}
{%- endmacro %}
{% macro slugify(string) %}
    {% set string = string | lower %}
    {% set string = modules.re.sub('[ -]+', '_', string) %}
    {{ return(string) }}
{% endmacro %}
{% macro pretty_time(format='%H:%M:%S') %}
    {{ return(modules.datetime.datetime.now().strftime(format)) }}
{% endmacro %}
{% macro log_info(message) %}{{ log(dbt_utils.pretty_time() ~ ' ' ~ message, info=True) }}{% endmacro %}
{% macro safe_divide(numerator, denominator) %}
    ( {{ numerator }} ) / nullif( ( {{ denominator }} ), 0)
{% endmacro %}
{% macro group_by(n) -%}
    group by {% for i in range(1, n + 1) -%}{{ i }}{{ ',' if not loop.last }}{%- endfor -%}
{%- endmacro %}
{% test expression_is_true(model, expression, column_name=None) %}
    select 1 from {{ model }} where not({{ expression }})
{% endtest %}
""",
)
"""Macros in the manner of dbt-utils 1.3 (Apache 2.0), shortened."""
BUILT_IN = {**_listed("dbt", _DBTS), **_listed("veil", _VEILS)}


def node(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """A node as the manifest holds it."""
    unique_id = f"{kind}.shop.{name}"
    return {
        "unique_id": unique_id,
        "resource_type": kind,
        "package_name": "shop",
        "name": name,
        "raw_code": "",
        "language": "sql",
        "columns": {},
        "original_file_path": f"models/{name}.sql",
        **more,
        "config": {"materialized": "table", **more.get("config", {})},
        "depends_on": {"nodes": [], "macros": [], **more.get("depends_on", {})},
    }


def others() -> dict[str, dict[str, Any]]:
    """The relations that the node under test may read."""
    direct = {
        "email": {"name": "email", "config": {"meta": {"privacy_class": "direct_identifier"}}}
    }
    found = [
        node("model", "categories"),
        node("model", "orders"),
        node("model", "customers", columns=direct),
        {**node("source", "countries"), "unique_id": "source.shop.raw.countries"},
        {**node("source", "people"), "unique_id": "source.shop.raw.people"},
    ]
    for one in found:
        one["source_name"] = "raw"
    return {one["unique_id"]: one for one in found}


def check(
    sql: str = "select 1 as one",
    *,
    macros: str | Mapping[str, str] = "",
    scoped: bool = True,
    off: Collection[str] = (),
    waive: Collection[str] = (),
    variables: Mapping[str, Any] | None = None,
    nodes: Collection[Mapping[str, Any]] = (),
    **more: Any,
) -> list[Finding]:
    """What the check finds in a project whose model `mart` has this SQL.

    Args:
        sql: the model's raw code.
        macros: the project's own macros, or those of packages by name.
        scoped: whether veil guards the model.
        off: rules that are off.
        waive: rules that are waived for the model.
        variables: the run's variables.
        nodes: further nodes.
        more: keys of the model, `config` among them.
    """
    texts = {"shop": macros} if isinstance(macros, str) else macros
    own: dict[str, dict[str, Any]] = {}
    for package, text in texts.items():
        own.update(macros_of(package, text))
    mart = node("model", "mart", raw_code=sql, **more)
    everything = {**others(), mart["unique_id"]: mart, **{one["unique_id"]: one for one in nodes}}
    return check_bypasses(
        everything,
        {**BUILT_IN, **UTILS, **own},
        in_scope=lambda unique_id: unique_id == "model.shop.mart" and scoped,
        is_public=lambda unique_id, column: (unique_id, column) in PUBLIC,
        waived=lambda unique_id, rule: unique_id == "model.shop.mart" and rule in waive,
        variables=variables,
        off=off,
    )


def rules(findings: Collection[Finding]) -> set[str]:
    """The rules that were broken."""
    return {one.rule for one in findings}
