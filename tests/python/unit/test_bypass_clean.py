"""What real projects write in Jinja, hooks and tests, and what must stay possible without a waiver."""

# ruff: noqa: E501 - a case stands on one line.

from __future__ import annotations

from typing import Any

import pytest
from bypass_support import check, node

SQL = {
    "plain": "select 1 as one",
    "ref": "select * from {{ ref('customers') }}",
    "source": "select * from {{ source('raw', 'people') }}",
    "ref_of_package": "select * from {{ ref('shop', 'orders') }}",
    "config_call": "{{ config(materialized='table', tags=['daily']) }} select 1",
    "comment": "{# run_query('select 1') #} select 1 -- identified.main.people",
    "incremental": """select * from {{ ref('orders') }}
        {% if is_incremental() %} where at > (select max(at) from {{ this }}) {% endif %}""",
    "var": "select * from {{ ref('orders') }} where year >= {{ var('first_year', 2020) }}",
    "env_var": "select '{{ env_var('DBT_REGION', 'eu') }}' as region",
    "loop_over_literals": """select {% for one in ['card', 'cash'] %}
        sum(case when method = '{{ one }}' then amount end) as {{ one }}_amount
        {{ ',' if not loop.last }}{% endfor %} from {{ ref('orders') }}""",
    "set_list": """{% set methods = ['card', 'cash'] %}
        select {% for one in methods -%} sum({{ one }}) as {{ one }}
        {%- if not loop.last %},{% endif %}{% endfor %} from {{ ref('orders') }}""",
    "dictionary": """{% set renamed = {'a': 'b', 'c': 'd'} %}
        select {% for old, new in renamed.items() %}{{ old }} as {{ new }},{% endfor %} 1""",
    "namespace": """{% set found = namespace(first=true) %}
        {% for one in range(3) %}{% set found.first = false %}{% endfor %} select 1""",
    "list_append": """{% set columns = [] %}{% do columns.append('id') %}
        select {{ columns | join(', ') }} from {{ ref('orders') }}""",
    "macro_in_model": """{% macro cents(column) %}({{ column }} / 100.0){% endmacro %}
        select {{ cents('amount') }} from {{ ref('orders') }}""",
    "macro_in_model_with_block": """{% macro wrapped() %}({{ caller() }}){% endmacro %}
        {% call wrapped() %}select 1{% endcall %}""",
    "target": """select * from {{ ref('orders') }}
        {% if target.name == 'dev' %} where at > current_date - 3 {% endif %}""",
    "own_macro": "select {{ cents_to_dollars('amount') }} as amount from {{ ref('orders') }}",
    "own_macro_of_macro": "{{ limited(ref('orders')) }}",
    "macro_that_builds_sql": "select {{ case_of('state', ['open', 'done']) }} as step",
    "macro_handed_on": "select {{ applied(cents_to_dollars, 'amount') }}",
    "star": "select {{ dbt_utils.star(ref('orders'), except=['note']) }} from {{ ref('orders') }}",
    "star_aliased": "select {{ dbt_utils.star(from=ref('orders'), relation_alias='o') }} from x as o",
    "surrogate_key": "select {{ dbt_utils.generate_surrogate_key(['a', 'b']) }} as id",
    "union_relations": "{{ dbt_utils.union_relations(relations=[ref('orders'), ref('customers')]) }}",
    "group_by": "select a, b, count(*) from {{ ref('orders') }} {{ dbt_utils.group_by(2) }}",
    "safe_divide": "select {{ dbt_utils.safe_divide('a', 'b') }} as share",
    "slugify": "{% set name = dbt_utils.slugify('Some Name') %} select 1 as {{ name }}",
    "log_info": "{% do dbt_utils.log_info('building') %} select 1",
    "pivot": "select {{ dbt_utils.pivot('status', ['open', 'done']) }} from {{ ref('orders') }}",
    "pivot_public_values": """select {{ dbt_utils.pivot('status',
        dbt_utils.get_column_values(ref('orders'), 'status')) }} from {{ ref('orders') }}""",
    "column_values_named": """{% set states = dbt_utils.get_column_values(
        table=ref('orders'), column='status', order_by='status', max_records=50, default=[]) %}
        select {{ states | join(',') }}""",
    "column_values_of_source": """{% set codes = dbt_utils.get_column_values(
        source('raw', 'countries'), 'code', where='code is not null') %} select {{ codes }}""",
    "column_values_by_own_macro": "select {{ values_of(ref('orders'), 'status') | join(',') }}",
    "run_query_public": """{% set found = run_query("select name from " ~ ref('categories')) %}
        {% if execute %}{% for row in found.rows %}select '{{ row[0] }}'{% endfor %}{% endif %}""",
    "run_query_block": """{% set query %}
        select distinct name from {{ ref('categories') }} order by 1
        {% endset %}{% set found = run_query(query) %}
        {% set names = found.columns[0].values() if execute else [] %}
        select {{ names | join(', ') }}""",
    "run_query_cte": """{% set query %} with c as (select * from {{ ref('categories') }})
        select max(name) from c {% endset %}{% do run_query(query) %} select 1""",
    "run_query_no_relation": "{% set now = run_query('select current_date').rows %} select 1",
    "statement_public": """{%- call statement('names', fetch_result=True) -%}
        select name from {{ ref('categories') }} {%- endcall -%}
        {%- set names = load_result('names')['data'] -%} select '{{ names[0][0] }}'""",
    "results_as_dict": """{% set found = dbt_utils.get_query_results_as_dict(
        "select code from " ~ source('raw', 'countries')) %} select {{ found['code'] }}""",
    "single_value": """{% set last = dbt_utils.get_single_value(
        "select max(name) from " ~ ref('categories')) %} select '{{ last }}'""",
    "date_spine": """{{ dbt_utils.date_spine(datepart="day",
        start_date="cast('2020-01-01' as date)", end_date="current_date") }}""",
    "date_spine_of_dbt": """{{ dbt.date_spine('month', "cast('2020-01-01' as date)",
        dbt.dateadd('year', 1, dbt.current_timestamp())) }}""",
    "date_functions": "select {{ dbt.date_trunc('day', 'at') }}, {{ dbt.datediff('a', 'b', 'day') }}",
    "types": "select cast(a as {{ dbt.type_string() }}), {{ dbt.safe_cast('b', type_int()) }}",
    "columns_of_relation": """{% for column in adapter.get_columns_in_relation(ref('orders')) %}
        {{ column.name }}{{ ',' if not loop.last }}{% endfor %}""",
    "get_relation_of_this": """{% set old = adapter.get_relation(
        database=this.database, schema=this.schema, identifier=this.name) %}
        select {{ 1 if old is none else 2 }}""",
    "load_relation": "{% if load_relation(ref('orders')) is not none %} select 1 {% endif %}",
    "dispatch_bound": "{% set f = adapter.dispatch('star', 'dbt_utils') %} select {{ f(ref('orders')) }}",
    "context_literal": "select {{ context['cents_to_dollars']('amount') }}",
    "exceptions": """{% if var('x', 1) not in [1, 2] %}
        {{ exceptions.raise_compiler_error('x must be 1 or 2') }}{% endif %} select 1""",
    "modules": "select '{{ modules.datetime.datetime.now().strftime('%Y') }}' as year",
    "run_started_at": "select '{{ run_started_at.strftime('%Y-%m-%d') }}' as built_on",
    "graph": """{% for one in graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') %}
        -- {{ one.name }}{% endfor %} select 1""",
    "defined": "{% if run_query is defined and adapter is not none %} select 1 {% endif %}",
    "raw": "select '{% raw %}{{ run_query('x') }}{% endraw %}' as text",
    "render_literal": "select {{ render('{{ 1 + 1 }}') }}",
    "zip": "{% for a, b in zip([1], [2]) %} select {{ a }}, {{ b }} {% endfor %}",
    "suppress_small": "select {{ veil.suppress_small('count(*)') }} from {{ ref('orders') }}",
    "pseudonymize": "{{ veil.pseudonymize(ref('customers')) }}",
    "meta_of_model": "{% set grain = config.get('meta', {}).get('grain') %} select 1",
    "filter_block": "select {% filter upper %}abc{% endfilter %} as x",
    "with_block": "{% with a = 1, b = 2 %} select {{ a }}, {{ b }} {% endwith %}",
    "nested_conditions": """{% set grain = 'day' if var('daily', true) else 'month' %}
        {% if grain == 'day' %}{% set unit = 'd' %}{% else %}{% set unit = 'm' %}{% endif %}
        select '{{ unit }}'""",
}
MACROS = """
{% macro cents_to_dollars(column, scale=2) %}round({{ column }} / 100, {{ scale }}){% endmacro %}
{% macro limited(relation) %}select * from {{ relation }} {{ limit_of() }}{% endmacro %}
{% macro limit_of() %}{% if target.name == 'dev' %}limit 100{% endif %}{% endmacro %}
{% macro case_of(column, values) %}
    case {% for value in values %} when {{ column }} = '{{ value }}' then {{ loop.index }}
    {% endfor %} end
{% endmacro %}
{% macro applied(function, column) %}{{ function(column) }}{% endmacro %}
{% macro values_of(relation, column) %}
    {{ return(dbt_utils.get_column_values(relation, column)) }}
{% endmacro %}
{% macro typed_arguments(a: str, b: list[str] = []) %}{{ a }}{% endmacro %}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema if custom_schema_name is none else custom_schema_name | trim }}
{%- endmacro %}
{% macro default__type_string() %}varchar{% endmacro %}
{% macro grant_select(role) %}
    {% do run_query('grant select on schema x to ' ~ role) %}
{% endmacro %}
{% test is_even(model, column_name) %}
    select * from {{ model }} where {{ column_name }} % 2 = 1
{% endtest %}
{% materialization unused, default %}{{ run_query(sql) }}{% endmaterialization %}
"""


@pytest.mark.parametrize("name", SQL)
def test_ordinary_jinja_passes(name: str) -> None:
    """Models as projects write them need no waiver, in scope."""
    assert [str(one) for one in check(SQL[name], macros=MACROS)] == []


@pytest.mark.parametrize("name", SQL)
def test_ordinary_jinja_passes_out_of_scope(name: str) -> None:
    """The same models where veil guards nothing."""
    assert [str(one) for one in check(SQL[name], macros=MACROS, scoped=False)] == []


STRANGERS = {
    "own_schema": "select * from {{ target.schema }}.other",
    "own_database": "select * from {{ target.database }}.{{ target.schema }}.other",
    "relation_of_this_schema": """{% set r = api.Relation.create(database=target.database,
        schema=target.schema, identifier='other') %} select * from {{ r }}""",
    "column_called_marts": "select marts, identified from {{ ref('orders') }}",
    "word_in_text": "select 'identified' as word from {{ ref('orders') }}",
    "comment": "-- select * from identified.main.people\nselect 1 /* marts.main.x */",
    "relations_by_prefix": """{% set found = dbt_utils.get_relations_by_prefix('raw', 'events_') %}
        {{ dbt_utils.union_relations(found) }}""",
    "dispatched_alias": "select {{ alias }}.id from {{ ref('orders') }} as {{ alias }}",
}


@pytest.mark.parametrize("name", STRANGERS)
def test_own_places_pass_out_of_scope(name: str) -> None:
    """A model out of scope may name its own database and schema."""
    assert [str(one) for one in check(STRANGERS[name], scoped=False)] == []


HOOKS = {
    "empty": "",
    "comment": "-- nothing to do",
    "jinja_comment": "{# later #}",
    "analyze": "analyze {{ this }}",
    "index": "create index if not exists by_id on {{ this }} (id)",
    "comment_on": "comment on table {{ this }} is 'orders'",
    "delete": "delete from {{ this }} where at < date '2020-01-01'",
    "update": "update {{ this }} set loaded_at = now() where loaded_at is null",
    "schema": "create schema if not exists audit",
    "log_row": "insert into audit.runs values (1, now())",
    "ours": "{{ veil.check_model() }}",
}


@pytest.mark.parametrize("name", HOOKS)
def test_harmless_hooks_pass_out_of_scope(name: str) -> None:
    """Upkeep of a model's own table is no way past the lineage."""
    config = {"post-hook": [{"sql": HOOKS[name], "transaction": True}]}

    assert [str(one) for one in check(scoped=False, config=config)] == []


def test_veils_own_hooks_pass_in_scope() -> None:
    """What veil asks for is allowed, with any white space."""
    config: dict[str, Any] = {
        "pre-hook": ["{{- veil.check_model( ) -}}"],
        "post-hook": [{"sql": "{{ veil.gate_model() }}", "transaction": True}, ""],
    }
    operations = [
        node("operation", "start", raw_code="{{ veil.start_run() }}"),
        node("operation", "end", raw_code="{{ veil.finish_run(results) }}"),
        node("operation", "tz", raw_code="create schema if not exists audit"),
    ]

    assert check(config=config, nodes=operations) == []


CONFIGS: dict[str, dict[str, Any]] = {
    "incremental": {
        "materialized": "incremental",
        "incremental_strategy": "delete+insert",
        "unique_key": ["id", "day"],
        "incremental_predicates": ["DBT_INTERNAL_DEST.at > current_date - 7"],
    },
    "partitioned": {"partitioned_by": ["year(at)", "region"], "sorted_by": ["id"]},
    "ephemeral": {"materialized": "ephemeral"},
    "harmless_settings": {"persist_docs": {"relation": True}, "grants": {"select": ["bi"]}},
    "meta": {"meta": {"owner": "data@shop.com", "grain": "day", "sla": 99, "version": "1.2.3"}},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_ordinary_configuration_passes(name: str) -> None:
    """Settings that write nothing past the lineage need no waiver."""
    columns = {"a": {"name": "a", "data_type": "decimal(10, 2)"}, "b": {"data_type": "varchar[]"}}

    assert [str(one) for one in check(config=CONFIGS[name], columns=columns)] == []


def generic_test(name: str, column: str = "", **more: Any) -> dict[str, Any]:
    """A test of `mart` as the manifest holds it."""
    kwargs = {"model": "{{ get_where_subquery(ref('mart')) }}", **more.pop("kwargs", {})}
    prefix = f"{more['namespace']}." if more.get("namespace") else ""
    return node(
        "test",
        f"{name}_mart_{column}",
        raw_code=f"{{{{ {prefix}test_{name}(**_dbt_generic_test_kwargs) }}}}",
        attached_node=more.pop("attached_node", "model.shop.mart"),
        column_name=column or None,
        test_metadata={"name": name, "namespace": more.pop("namespace", None), "kwargs": kwargs},
        **more,
    )


TESTS = {
    "not_null": generic_test("not_null", "id", config={"materialized": "test"}),
    "accepted": generic_test("accepted_values", "status", kwargs={"values": ["open", "done", 3]}),
    "relationships": generic_test(
        "relationships", "id", kwargs={"to": "ref('orders')", "field": "id"}
    ),
    "own": generic_test("is_even", "id"),
    "expression": generic_test(
        "expression_is_true", namespace="dbt_utils", kwargs={"expression": "a + b = 100"}
    ),
    "made_up": generic_test(
        "accepted_values",
        "contact",
        kwargs={
            "values": [
                "a@example.com", "b@mail.example.org", "c@host.test", "000-12-3456", "987-65-4321",
                "212-555-0147", "+1 212 555 0147", "192.0.2.7", "10.0.0.1", "2001:db8:0:0::1",
                "4242 4242 4242 4242", "GB82 WEST 1234 5698 7654 32", "2024-01-31",
                "12:30:45", 1700000000,
            ]
        },
    ),
    "counted": generic_test(
        "not_null", "id", config={"fail_calc": "sum(coalesce(diff_count, 0))"}
    ),
    "not_stored": generic_test("not_null", "id", config={"store_failures_as": "ephemeral"}),
}  # fmt: skip


@pytest.mark.parametrize("name", TESTS)
def test_ordinary_tests_pass(name: str) -> None:
    """Tests with plain or made-up arguments, which count failures and keep none."""
    assert [str(one) for one in check(macros=MACROS, nodes=[TESTS[name]])] == []


def test_unit_test_with_made_up_rows_passes() -> None:
    """Fixtures of made-up people, as rows, CSV or SQL without a relation."""
    unit = node(
        "unit_test",
        "adds_up",
        depends_on={"nodes": ["model.shop.mart"]},
        given=[
            {"input": "ref('customers')", "rows": [{"email": "a@example.com", "ssn": "900123456"}]},
            {"input": "ref('orders')", "format": "csv", "rows": "id,ip\n1,192.0.2.1"},
            {"input": "ref('x')", "format": "sql", "rows": "select 1 as id union all select 2"},
        ],
        expect={"rows": [{"total": 3}]},
    )

    assert check(nodes=[unit]) == []


def test_the_clean_corpus_is_large() -> None:
    """At least forty snippets, so that the gate is known not to stand in the way."""
    assert len(SQL) >= 40
