"""Ways in which values would travel past the lineage: each refused, and by the rule that it breaks.

Every case is run a second time with its rules off and must then pass: the refusal comes from the
rule that it names, and from nothing else.
"""

# ruff: noqa: E501 - a case stands on one line.

from __future__ import annotations

import re
from typing import Any

import pytest
from bypass_support import check, node, rules

from veil.bypass import RULES

READS, BRIDGE, HOOK = {"jinja_reads_data"}, {"private_macro"}, {"hook_sql"}
CUSTOMERS = "select email from {{ ref('customers') }}"

JINJA = {
    # run_query, by every name that it has
    "run_query_literal": "{% set r = run_query('select email from identified.main.people') %}",
    "run_query_private_ref": "{% set r = run_query('select email from ' ~ ref('customers')) %}",
    "run_query_private_block": "{% set q %}" + CUSTOMERS + "{% endset %}{{ run_query(q).rows }}",
    "run_query_private_source": "{{ run_query('select 1 from ' ~ source('raw', 'people')) }}",
    "run_query_this": "{% do run_query('select max(at) from ' ~ this) %}",
    "run_query_parameter": "{% for t in ['a', 'b'] %}{{ run_query('select * from ' ~ t) }}{% endfor %}",
    "run_query_variable": "{{ run_query(var('query')) }}",
    "run_query_condition": """{% set q %}select 1 from {% if true %}{{ ref('customers') }}
        {% else %}{{ ref('categories') }}{% endif %}{% endset %}{{ run_query(q) }}""",
    "run_query_joined": """{{ run_query('select 1 from ' ~ ref('categories') ~ ' join '
        ~ ref('customers') ~ ' using (id)') }}""",
    "run_query_subquery": """{{ run_query('select (select max(email) from ' ~ ref('customers')
        ~ ') from ' ~ ref('categories')) }}""",
    "run_query_two_statements": """{{ run_query('select 1 from ' ~ ref('categories')
        ~ '; select email from identified.main.people') }}""",
    "run_query_reader_function": "{{ run_query(\"select * from read_csv('people.csv')\") }}",
    "run_query_query_function": "{{ run_query(\"select * from query('from x')\") }}",
    "run_query_file": "{{ run_query(\"select * from 'people.parquet'\") }}",
    "run_query_getenv": "{{ run_query(\"select getenv('KEY') from \" ~ ref('categories')) }}",
    "run_query_unknown_function": "{{ run_query(\"select veil_open('p1') from \" ~ ref('categories')) }}",
    "run_query_copy": "{{ run_query('copy ' ~ ref('categories') ~ \" to 'out.csv'\") }}",
    "run_query_prefix": "{{ run_query('select 1 from identified.' ~ ref('categories')) }}",
    "run_query_partly_public": "{{ run_query('select status from ' ~ ref('orders')) }}",
    "run_query_keyword": "{{ run_query(sql='select 1 from ' ~ ref('customers')) }}",
    "run_query_unpacked": "{{ run_query(*['select 1 from x']) }}",
    "run_query_of_dbt": "{{ dbt.run_query('select email from x') }}",
    "run_query_item": "{{ dbt['run_query']('select email from x') }}",
    "run_query_attr_filter": "{{ (dbt | attr('run_query'))('select email from x') }}",
    "run_query_do": "{% do run_query('select email from x') %}",
    "run_query_in_if": "{% if run_query('select 1 from x') %}select 1{% endif %}",
    "run_query_in_for": "{% for row in run_query('select email from x').rows %}{{ row }}{% endfor %}",
    "run_query_in_default": "{{ var('x', run_query('select email from x')) }}",
    "run_query_in_argument": "{{ dbt.concat([run_query('select email from x')]) }}",
    "run_query_in_test": "{% if 1 is sameas run_query('select email from x') %}{% endif %}",
    "run_query_in_filter": "{{ [] | join(run_query('select email from x')) }}",
    "run_query_in_slice": "{{ [1, 2][run_query('select 1 from x'):] }}",
    "run_query_in_comprehension": "{{ {'a': run_query('select email from x')}.a }}",
    "run_query_in_condition": "{{ run_query('select email from x') if execute else '' }}",
    "run_query_in_with": "{% with r = run_query('select email from x') %}{{ r }}{% endwith %}",
    "run_query_in_filter_block": "{% filter upper %}{{ run_query('select 1 from x') }}{% endfilter %}",
    # aliases
    "alias_set": "{% set f = run_query %}{{ f('select email from x') }}",
    "alias_twice": "{% set f = run_query %}{% set g = f %}{{ g('select email from x') }}",
    "alias_tuple": "{% set f, g = run_query, 1 %}{{ f('select email from x') }}",
    "alias_with": "{% with f = run_query %}{{ f('select email from x') }}{% endwith %}",
    "alias_condition": "{% set f = run_query if execute else log %}{{ f('select email from x') }}",
    "alias_or": "{% set f = none or run_query %}{{ f('select email from x') }}",
    "alias_default": "{{ (nothing | default(run_query))('select email from x') }}",
    "alias_branch": """{% set f = log %}{% if execute %}{% set f = run_query %}{% endif %}
        {{ f('select email from x') }}""",
    "alias_list": "{{ [run_query][0]('select email from x') }}",
    "alias_dict": "{{ {'f': run_query}.f('select email from x') }}",
    "alias_namespace": "{% set n = namespace(f=run_query) %}{{ n.f('select email from x') }}",
    "alias_namespace_set": "{% set n = namespace() %}{% set n.f = run_query %}{{ n.f('x') }}",
    "alias_append": "{% set l = [] %}{% do l.append(run_query) %}{{ l[0]('select 1 from x') }}",
    "alias_loop": "{% for f in (run_query,) %}{{ f('select email from x') }}{% endfor %}",
    "alias_argument": "{{ applied(run_query, 'select email from x') }}",
    "alias_keyword": "{{ applied(function=run_query, value='select email from x') }}",
    "alias_inline": "{% macro f(g) %}{{ g('select email from x') }}{% endmacro %}{{ f(run_query) }}",
    "alias_inline_free": """{% macro f() %}{{ g('select email from x') }}{% endmacro %}
        {% set g = run_query %}{{ f() }}""",
    "alias_inline_renamed": """{% macro f() %}{{ run_query('select 1 from x') }}{% endmacro %}
        {{ dbt_macro__f() }}""",
    "alias_inline_varargs": """{% macro f() %}{{ varargs[0]('select email from x') }}{% endmacro %}
        {{ f(run_query) }}""",
    "alias_inline_kwargs": """{% macro f() %}{{ kwargs.g('select email from x') }}{% endmacro %}
        {{ f(g=run_query) }}""",
    "alias_inline_twice": """{% macro f(g) %}{{ h(g) }}{% endmacro %}
        {% macro h(g) %}{{ g('select email from x') }}{% endmacro %}{{ f(run_query) }}""",
    "alias_caller": """{% macro f() %}{{ caller(run_query) }}{% endmacro %}
        {% call(g) f() %}{{ g('select email from x') }}{% endcall %}""",
    "alias_loop_filter": "{% for a in [adapter] if a.execute('select 1 from x') %}{% endfor %}",
    "alias_joiner": "{% set c = cycler(run_query) %}{{ c.next()('select email from x') }}",
    "alias_ternary_call": "{{ (run_query if execute else log)('select email from x') }}",
    "alias_after_loop": """{% set f = log %}{% for i in [1] %}{% if true %}{% set f = run_query %}
        {% endif %}{{ f('select email from x') }}{% endfor %}""",
    "alias_elif": """{% if a %}{% set f = log %}{% elif b %}{% set f = run_query %}{% endif %}
        {{ f('select email from x') }}""",
    "alias_map": "{{ ['select email from x'] | map('list') | map(run_query) | list }}",
    "alias_try": "{{ try_or_compiler_error('no', run_query, 'select email from x') }}",
    "alias_call_macro": "{{ run_query.call_macro('select email from x') }}",
    "alias_package": "{% set p = dbt %}{{ p.run_query('select email from x') }}",
    "alias_package_argument": "{{ applied(dbt, 1) }}",
    # the context
    "context_item": "{{ context['run_query']('select email from x') }}",
    "context_attribute": "{{ context.run_query('select email from x') }}",
    "context_get": "{{ context.get('run_query')('select email from x') }}",
    "context_joined": "{{ context.get('run' ~ '_query')('select email from x') }}",
    "context_filtered": "{{ context['RUN_QUERY' | lower]('select email from x') }}",
    "context_computed": "{{ context[['run', 'query'] | join('_')]('select email from x') }}",
    "context_variable": "{% set n = 'run_query' %}{{ context[n]('select email from x') }}",
    "context_attr_filter": "{{ (context | attr('run_query'))('select email from x') }}",
    "context_itself": "{{ context.context['builtins']['load_result']('main') }}",
    "context_values": "{% for f in context.values() %}{{ f }}{% endfor %}",
    "context_passed": "{{ applied(context, 1) }}",
    "context_printed": "{{ context }}",
    "context_package": "{{ context['dbt']['run_query']('select email from x') }}",
    "builtins": "{{ builtins.adapter.execute('select email from x', fetch=True) }}",
    "builtins_alias": "{% set b = builtins %}{{ b['load_result']('main').table }}",
    # statements
    "statement": "{% call statement('s', fetch_result=True) %}" + CUSTOMERS + "{% endcall %}",
    "statement_of_dbt": "{% call dbt.statement('s') %}select email from x{% endcall %}",
    "statement_with_loop": """{% call statement('s') %}{% for t in ['a'] %}select 1 from {{ t }}
        {% endfor %}{% endcall %}""",
    "statement_alias": "{% set s = statement %}{% call s('s') %}select 1 from x{% endcall %}",
    "load_result": "{{ load_result('main').table.rows }}",
    "load_result_other": """{% call statement('a', fetch_result=True) %}select name from
        {{ ref('categories') }}{% endcall %}{{ load_result('main').table }}""",
    "load_result_alias": "{% set l = load_result %}{{ l('main').table.rows }}",
    "load_result_computed": "{{ load_result('ma' ~ var('in')) }}",
    "sql_results": "{{ _sql_results['main'] }}",
    "sql_results_context": "{{ context['_sql_results'] }}",
    "store_raw_result": "{{ store_raw_result('main', agate_table=none) }}",
    # the adapter
    "adapter_execute": "{% set r, t = adapter.execute('select email from x', fetch=True) %}",
    "adapter_item": "{{ adapter['execute']('select email from x', fetch=True) }}",
    "adapter_attr_filter": "{{ (adapter | attr('execute'))('select email from x') }}",
    "adapter_attr_computed": "{{ (adapter | attr('exe' ~ var('x')))('select email from x') }}",
    "adapter_alias": "{% set a = adapter %}{{ a.execute('select email from x', fetch=True) }}",
    "adapter_method_alias": "{% set e = adapter.execute %}{{ e('select email from x') }}",
    "adapter_map": "{{ [adapter] | map(attribute='execute') | first }}",
    "adapter_add_query": "{{ adapter.add_query('select email from x') }}",
    "adapter_tests": "{{ adapter.run_sql_for_tests('select email from x', 'all', none) }}",
    "adapter_columns_of_query": "{{ adapter.get_column_schema_from_query('pivot x on email') }}",
    "adapter_partitions": "{{ adapter.get_partitions_metadata('x') }}",
    "adapter_config": "{{ adapter.config.credentials }}",
    "adapter_drop": "{% do adapter.drop_relation(ref('orders')) %}",
    "adapter_passed": "{{ applied(adapter, 1) }}",
    "adapter_of_ref": "{{ ref.db_wrapper.execute('select email from x', fetch=True) }}",
    "adapter_of_ref_item": "{{ ref['db_wrapper']['execute']('select email from x') }}",
    "adapter_of_source": "{{ source.db_wrapper.Relation }}",
    "adapter_of_ref_alias": "{% set r = ref %}{{ r.db_wrapper.execute('select email from x') }}",
    "adapter_of_ref_list": "{{ [ref][0]['db_' ~ 'wrapper'].execute('select email from x') }}",
    # dispatch
    "dispatch": "{{ adapter.dispatch('secret_query')('x') }}",
    "dispatch_package": "{{ adapter.dispatch('get_query_results_as_dict', 'dbt_utils')('x') }}",
    "dispatch_named": "{{ adapter.dispatch(macro_name='secret_query')('x') }}",
    "dispatch_computed": "{{ adapter.dispatch(var('macro'))('x') }}",
    "dispatch_unknown": "{{ adapter.dispatch('nothing_of_the_kind')('x') }}",
    "dispatch_alias": "{% set d = adapter.dispatch %}{{ d('secret_query')('x') }}",
    # macros
    "own_macro": "{{ emails() }}",
    "own_macro_of_macro": "{{ emails_again() }}",
    "own_macro_of_package": "{{ shop.emails() }}",
    "own_macro_argument": "{{ query_of('select email from x') }}",
    "own_macro_private_values": "{{ values_of(ref('customers'), 'email') }}",
    "own_macro_default": "{{ with_default() }}",
    "own_macro_body": "{% call wrapped() %}" + CUSTOMERS + "{% endcall %}",
    "own_macro_recursive": "{{ round_and_round(3) }}",
    "own_macro_mutual": "{{ first_of_two() }}",
    "own_macro_kwargs": "{{ by_kwargs(f=run_query) }}",
    "package_macro": "{{ tools.peek('x') }}",
    "package_macro_returned": "{{ tools.give()('select email from x') }}",
    "unknown_macro": "{{ nowhere('x') }}",
    "unknown_of_package": "{{ dbt_utils.nothing_of_the_kind() }}",
    "dbt_unlisted": "{{ get_columns_in_query('select email from x') }}",
    "dbt_catalog": "{{ get_catalog({}, []) }}",
    "veil_gate": "{{ veil.gate_model() }}",
    # dbt_utils
    "column_values_private": "{{ dbt_utils.get_column_values(ref('customers'), 'email') }}",
    "column_values_other_column": "{{ dbt_utils.get_column_values(ref('orders'), 'note') }}",
    "column_values_expression": "{{ dbt_utils.get_column_values(ref('orders'), 'status || note') }}",
    "column_values_injected": """{{ dbt_utils.get_column_values(ref('orders'),
        'status from x union select note') }}""",
    "column_values_computed": "{{ dbt_utils.get_column_values(ref('orders'), var('column')) }}",
    "column_values_loop": """{% for c in ['status', 'note'] %}
        {{ dbt_utils.get_column_values(ref('orders'), c) }}{% endfor %}""",
    "column_values_relation": "{{ dbt_utils.get_column_values(api.Relation.create(), 'status') }}",
    "column_values_where": """{{ dbt_utils.get_column_values(source('raw', 'countries'), 'code',
        where='code in (select country from identified.main.people)') }}""",
    "column_values_where_injected": """{{ dbt_utils.get_column_values(source('raw', 'countries'),
        'code', where="1 = 1 union select email from x --") }}""",
    "column_values_where_private": """{{ dbt_utils.get_column_values(ref('orders'), 'status',
        where="note = 'x'") }}""",
    "column_values_limit": """{{ dbt_utils.get_column_values(ref('orders'), 'status',
        max_records='1 union select note') }}""",
    "column_values_order": """{{ dbt_utils.get_column_values(ref('orders'), 'status',
        order_by='(select max(email) from identified.main.people)') }}""",
    "column_values_order_private": """{{ dbt_utils.get_column_values(ref('orders'), 'status',
        order_by='note', max_records=1) }}""",
    "column_values_alias": "{% set g = dbt_utils.get_column_values %}{{ g(ref('customers'), 'email') }}",
    "column_values_passed": "{{ applied(dbt_utils.get_column_values, ref('customers')) }}",
    "results_as_dict": "{{ dbt_utils.get_query_results_as_dict('select email from x') }}",
    "single_value": "{{ dbt_utils.get_single_value('select max(email) from x') }}",
    "single_value_ref": "{{ dbt_utils.get_single_value('select max(email) from ' ~ ref('customers')) }}",
    "relations_injected": "{{ dbt_utils.get_relations_by_prefix('a', \"b' union select email --\") }}",
    "relations_of_zone": "{{ dbt_utils.get_relations_by_prefix('a', 'b', database='identified') }}",
    "spine_subquery": """{{ dbt_utils.date_spine('day', "cast('2020-01-01' as date)",
        "(select max(date_of_birth) from identified.main.people)") }}""",
    "spine_of_dbt": "{{ dbt.date_spine('day', '(select min(born) from x)', 'current_date') }}",
    "spine_variable": "{{ dbt_utils.date_spine('day', var('start'), 'current_date') }}",
    "spine_built": """{{ dbt.date_spine('day', dbt.dateadd('day', 1, '(select min(born) from x)'),
        'current_date') }}""",
    # Jinja that runs Jinja, and other powers
    "render": "{{ render('{{ run_query(\"select email from x\") }}') }}",
    "render_variable": "{{ render(var('template')) }}",
    "render_joined": "{{ render('{' ~ '{ run_query(\"select email from x\") }' ~ '}') }}",
    "load_agate_table": "{{ load_agate_table().rows }}",
    "submit_python": "{{ submit_python_job(model, 'print(1)') }}",
    "adapter_macro": "{{ adapter_macro('run_query', 'select email from x') }}",
    "write": "{{ write('x') }}",
    "self": "{% block b %}select 1{% endblock %}{{ self.b() }}",
    "include": "{% include 'other.sql' %}",
    "import": "{% import 'other.sql' as other %}{{ other.f() }}",
    "unknown_object": "{{ nowhere.execute_it('select email from x') }}",
    "unknown_alias": "{% set f = nowhere %}{{ f.go('select email from x') }}",
    "config_taken_apart": "{{ config.model.whatever() }}",
    "macro_context": "{{ emails.context['run_query']('select email from x') }}",
    "deep": "{{ " + " + ".join(["1"] * 3000) + " }}{{ run_query('select email from x') }}",
    "veil_unlisted": "{{ veil.start_run() }}",
    "broken": "{% if %}",
}  # fmt: skip
MACROS = {
    "shop": """
{% macro applied(function, value) %}{{ function(value) }}{% endmacro %}
{% macro emails() %}{{ return(run_query('select email from x').columns[0].values()) }}{% endmacro %}
{% macro emails_again() %}{% set found = emails() %}{{ found | join(',') }}{% endmacro %}
{% macro query_of(sql) %}{{ return(run_query(sql)) }}{% endmacro %}
{% macro values_of(relation, column) %}
    {{ return(dbt_utils.get_column_values(relation, column)) }}
{% endmacro %}
{% macro with_default(f=run_query) %}{{ f('select email from x') }}{% endmacro %}
{% macro wrapped() %}{% call statement('w') %}{{ caller() }}{% endcall %}{% endmacro %}
{% macro round_and_round(n) %}
    {% if n > 0 %}{{ round_and_round(n - 1) }}{% else %}{{ emails() }}{% endif %}
{% endmacro %}
{% macro first_of_two() %}{{ second_of_two() }}{% endmacro %}
{% macro second_of_two() %}{{ first_of_two() }}{{ emails() }}{% endmacro %}
{% macro by_kwargs() %}{{ kwargs.f('select email from x') }}{% endmacro %}
{% macro default__secret_query(x) %}{{ load_result(x) }}{% endmacro %}
""",
    "tools": """
{% macro peek(x) %}{{ adapter.execute('select * from ' ~ x, fetch=True) }}{% endmacro %}
{% macro give() %}{{ return(run_query) }}{% endmacro %}
""",
}


def everything_off_but(expected: set[str]) -> frozenset[str]:
    return RULES - expected


@pytest.mark.parametrize("scoped", [True, False], ids=["in_scope", "out_of_scope"])
@pytest.mark.parametrize("name", JINJA)
def test_jinja_that_reads_is_refused(name: str, scoped: bool) -> None:
    """However it gets at the data, and whether veil guards the model or not."""
    found = check(JINJA[name], macros=MACROS, scoped=scoped, off={"relation_by_string"})

    assert rules(found) == READS


@pytest.mark.parametrize("name", JINJA)
def test_jinja_passes_with_its_rule_off(name: str) -> None:
    """No other rule would have stopped it."""
    assert check(JINJA[name], macros=MACROS, off=READS) == []


def test_a_waiver_sets_the_rule_aside() -> None:
    """A reviewed read is possible."""
    assert check(JINJA["run_query_private_ref"], waive=READS) == []


BRIDGES = {
    "bridge": "{{ veil._bridge('publish', {}) }}",
    "bridge_item": "{{ veil['_bridge']('publish', {}) }}",
    "bridge_alias": "{% set b = veil._bridge %}{{ b('publish', {}) }}",
    "bridge_dispatch": "{{ adapter.dispatch('_bridge', 'veil')('publish', {}) }}",
    "bridge_flat": "{{ context['default___bridge']('publish', {}) }}",
    "bridge_macro": "{{ through() }}",
    "gate": "{% do veil._run_gate({}) %}",
    "store_relation": "{% do adapter.store_relation('veil', none, [], '', '', {}) %}",
    "store_relation_item": "{% do adapter['store_relation']('veil', none, [], '', '', {}) %}",
    "store_relation_macro": "{% do store_relation('veil', ref('orders'), '', '', {}) %}",
}


@pytest.mark.parametrize("name", BRIDGES)
def test_veils_own_way_in_is_for_nobody_else(name: str) -> None:
    """The bridge to the plugin is refused, and no waiver opens it."""
    macros = "{% macro through() %}{{ veil._bridge('publish', {}) }}{% endmacro %}"
    found = check(BRIDGES[name], macros=macros, waive=RULES)

    assert rules(found) == BRIDGE
    assert check(BRIDGES[name], macros=macros, off=BRIDGE) == []


HOOKS: dict[str, dict[str, Any]] = {
    "side_table": {"post-hook": ["create table side as select * from {{ this }}"]},
    "pre_hook": {"pre-hook": [{"sql": "create table side as select 1", "transaction": True}]},
    "string": {"post-hook": "insert into side select * from {{ this }}"},
    "underscore": {"post_hook": ["insert into side select * from {{ this }}"]},
    "after_ours": {"post-hook": ["{{ veil.gate_model() }}", "copy {{ this }} to 'x.csv'"]},
    "ours_and_more": {"post-hook": ["{{ veil.gate_model() }} select 1"]},
    "ours_twice": {"post-hook": ["{{ veil.gate_model() }}{{ side() }}"]},
    "ours_with_argument": {"post-hook": ["{{ veil.gate_model(run_query('x')) }}"]},
    "ours_in_condition": {"post-hook": ["{% if false %}{{ veil.gate_model() }}{% endif %}"]},
    "macro": {"post-hook": ["{{ side_table() }}"]},
    "header": {"sql_header": "create temp table t as select 1;"},
}


@pytest.mark.parametrize("name", HOOKS)
def test_hook_of_its_own_in_scope_is_refused(name: str) -> None:
    """A guarded model runs veil's hooks and no other."""
    assert rules(check(config=HOOKS[name])) == HOOK
    assert check(config=HOOKS[name], off=HOOK) == []
    assert check(config=HOOKS[name], waive=HOOK) == []


STRANGE_HOOKS = {
    "reads_zone": "create table x as select * from identified.main.people",
    "reads_other": "insert into x select * from other",
    "reads_ref": "insert into x select * from {{ ref('customers') }}",
    "two_statements": "analyze {{ this }}; attach 'x.db'",
    "attach": "attach 'x.db'",
    "copy": "copy {{ this }} to 'x.csv'",
    "export": "export database 'x'",
    "install": "install httpfs",
    "set": "set enable_external_access = true",
    "file": "create table x as select * from 'people.csv'",
    "reader": "create table x as select * from read_text('keyring.json')",
    "scalar_reader": "insert into x values (getenv('KEY'))",
    "writes_zone": "drop table marts.main.totals",
    "updates_zone": "update marts.main.totals set n = 1",
    "creates_in_zone": "create table identified.main.x as select 1",
    "macro": "{{ side_table() }}",
    "jinja_set": "{% set x = 1 %}select 1",
    "comment_bypass": "/* -- */ drop table x /* */",
    "comment_lines": "-- /*\ndrop table x;\n-- */",
    "unparseable": "select from where",
    "function": "create macro f() as table select * from other",
    "ours_then_sql": "{{ veil.gate_model() }}; drop table x",
}


@pytest.mark.parametrize("name", STRANGE_HOOKS)
def test_hook_out_of_scope_that_reaches_further_is_refused(name: str) -> None:
    """Hooks share the connection with the zones, whatever model they stand on."""
    config = {"post-hook": [{"sql": STRANGE_HOOKS[name]}]}

    assert rules(check(config=config, scoped=False)) == HOOK
    assert check(config=config, scoped=False, off=HOOK) == []


@pytest.mark.parametrize("name", STRANGE_HOOKS)
def test_operation_that_reaches_further_is_refused(name: str) -> None:
    """The same at the start or the end of a run."""
    operation = node("operation", "shop-on-run-end-0", raw_code=STRANGE_HOOKS[name])

    assert rules(check(nodes=[operation])) == HOOK


def test_sql_header_in_jinja_is_refused() -> None:
    """A header set by a call block runs before the model's own SQL."""
    sql = "{% call set_sql_header(config) %}create temp macro f() as 1;{% endcall %}select 1"

    assert rules(check(sql)) == HOOK
    assert check(sql, off=HOOK) == []


@pytest.mark.parametrize("kind", ["seed", "snapshot"])
def test_hooks_of_seeds_and_snapshots_are_looked_at(kind: str) -> None:
    """Not models alone have hooks."""
    one = node(kind, "extra", config={"post-hook": ["create table x as select * from other"]})

    assert rules(check(nodes=[one])) == HOOK


WAYS_OF_WRITING: dict[str, dict[str, Any]] = {
    "custom": {"materialized": "my_table"},
    "external": {"materialized": "external"},
    "materialized_view": {"materialized": "materialized_view"},
    "table_function": {"materialized": "table_function"},
    "strategy": {"materialized": "incremental", "incremental_strategy": "my_strategy"},
}


@pytest.mark.parametrize("name", WAYS_OF_WRITING)
def test_unknown_way_of_writing_a_guarded_model_is_refused(name: str) -> None:
    """Who writes the table could write anything else besides."""
    config = WAYS_OF_WRITING[name]

    assert rules(check(config=config)) == {"materialization"}
    assert check(config=config, off={"materialization"}) == []


def test_custom_materialization_is_refused_out_of_scope_too() -> None:
    """Its SQL is nobody's model."""
    macros = "{% materialization my_table, adapter='duckdb' %}{{ sql }}{% endmaterialization %}"

    assert rules(check(macros=macros, config={"materialized": "my_table"}, scoped=False)) == {
        "materialization"
    }


def test_private_release_writes_models_alone() -> None:
    """A test or seed that is written so would charge a budget for nothing."""
    model = {"materialized": "private_release"}
    test = node("test", "t", attached_node="model.shop.mart", config=model)

    assert check(config=model) == []
    assert rules(check(nodes=[test])) == {"materialization"}


def test_custom_snapshot_strategy_is_refused() -> None:
    """A strategy is a macro that writes values into the snapshot's own columns."""
    mart = node("snapshot", "history", config={"materialized": "snapshot", "strategy": "mine"})
    test = node("test", "t", attached_node=mart["unique_id"])

    assert rules(check(nodes=[test, {**mart, "unique_id": "model.shop.mart"}])) == {
        "materialization"
    }


OVERRIDES = {
    "materialization": "{% materialization table, adapter='duckdb' %}{{ sql }}{% endmaterialization %}",
    "materialization_default": "{% materialization view, default %}{{ sql }}{% endmaterialization %}",
    "materialization_test": "{% materialization test, default %}{{ sql }}{% endmaterialization %}",
    "private_release": "{% materialization private_release, adapter='duckdb' %}x{% endmaterialization %}",
    "private_release_default": "{% materialization private_release, default %}x{% endmaterialization %}",
    "private_release_plain": "{% macro materialization_private_release_duckdb() %}x{% endmacro %}",
    "create_table": "{% macro duckdb__create_table_as(t, r, c) %}create table x{% endmacro %}",
    "create_table_default": "{% macro default__create_table_as(t, r, c) %}x{% endmacro %}",
    "create_table_plain": "{% macro create_table_as(t, r, c) %}x{% endmacro %}",
    "merge": "{% macro default__get_merge_sql(a, b) %}x{% endmacro %}",
    "run_hooks": "{% macro run_hooks(hooks, inside_transaction=True) %}{% endmacro %}",
    "statement": "{% macro statement(name=none) %}{{ caller() }}{% endmacro %}",
    "run_query": "{% macro run_query(sql) %}{{ return([]) }}{% endmacro %}",
    "where": "{% macro get_where_subquery(relation) %}{{ relation }}{% endmacro %}",
    "where_default": "{% macro default__get_where_subquery(relation) %}x{% endmacro %}",
    "ref": "{% macro ref(name) %}{{ return(builtins.ref(name)) }}{% endmacro %}",
    "source": "{% macro source(a, b) %}identified.main.{{ b }}{% endmacro %}",
    "builtins": "{% macro builtins() %}{% endmacro %}",
    "config": "{% macro config() %}{% endmacro %}",
    "var": "{% macro var(name) %}{% endmacro %}",
    "veil_mask": "{% macro default__mask_pseudonym(column, spec) %}{{ column }}{% endmacro %}",
    "veil_gate": "{% macro duckdb__gate_model() %}{% endmacro %}",
    "schema_reads": """{% macro generate_schema_name(name, node) %}
        {{ run_query('select email from x').rows[0][0] }}{% endmacro %}""",
    "type_reads": """{% macro duckdb__type_string() %}
        {{ run_query('select email from x').rows[0][0] }}{% endmacro %}""",
}


@pytest.mark.parametrize("package", ["shop", "tools"])
@pytest.mark.parametrize("name", OVERRIDES)
def test_override_of_what_writes_or_gates_is_refused(name: str, package: str) -> None:
    """Project-wide, in the project or in a package, with no waiver."""
    found = check(macros={package: OVERRIDES[name]}, waive=RULES)

    assert rules(found) == {"override"}
    assert check(macros={package: OVERRIDES[name]}, off={"override"}) == []


STRINGS = {
    "zone": "select * from identified.main.people",
    "zone_quoted": 'select * from "identified"."main"."people"',
    "zone_capitals": "select * from IDENTIFIED.people",
    "zone_spaced": "select * from identified /* x */ . main . people",
    "zone_mart": "select * from marts.main.totals",
    "zone_joined": "select 1 from a join pseudonymized.main.p on true",
    "zone_set": "{% set zone = 'identified' %}select * from {{ zone }}.main.people",
    "zone_concatenated": "select * from {{ 'identi' ~ 'fied' }}.main.people",
    "zone_in_text": "select * from query('select * from identified.main.people')",
    "zone_macro": "{{ people() }}",
    "zone_loop": "{% for t in ['a'] %}select * from identified.main.{{ t }}{% endfor %}",
    "zone_variable": "select * from {{ var('zone') }}.main.people",
    "relation_created": """{% set r = api.Relation.create(database='identified', schema='main',
        identifier='people') %}select * from {{ r }}""",
    "relation_created_positional": """select * from {{ api.Relation.create('identified', 'main',
        'people') }}""",
    "relation_created_adapter": "select * from {{ adapter.Relation.create(database=var('d')) }}",
    "relation_got": """select * from {{ adapter.get_relation(database='identified', schema='main',
        identifier='people') }}""",
    "relation_got_positional": "select * from {{ adapter.get_relation('identified', 'main', 'p') }}",
    "relation_replaced": "select * from {{ ref('orders').replace_path(database='identified') }}",
    "relation_incorporated": "select * from {{ this.incorporate(path={'database': 'identified'}) }}",
}


@pytest.mark.parametrize("name", STRINGS)
def test_relation_by_string_out_of_scope_is_refused(name: str) -> None:
    """No lineage runs over a model out of scope, so it reaches no zone by name."""
    macros = "{% macro people() %}select * from identified.main.people{% endmacro %}"
    found = check(STRINGS[name], macros=macros, scoped=False)

    assert rules(found) == {"relation_by_string"}
    assert check(STRINGS[name], macros=macros, scoped=False, off={"relation_by_string"}) == []


def test_python_model_out_of_scope_is_refused() -> None:
    """Python reads whatever the connection can."""
    found = check("def model(dbt, session): return session.table('x')", language="python",
                  scoped=False)  # fmt: skip

    assert rules(found) == {"relation_by_string"}


CONFIGS: dict[str, dict[str, Any]] = {
    "merge_set": {"merge_update_set_expressions": {"code": "DBT_INTERNAL_SOURCE.email"}},
    "merge_clauses": {"merge_clauses": {"when_matched": [{"action": "update"}]}},
    "predicate": {"incremental_predicates": ["exists (select 1 from identified.main.people)"]},
    "unique_key": {"unique_key": "(select min(email) from x)"},
    "partition": {"partitioned_by": ["getenv('KEY')"]},
    "valid_to": {"dbt_valid_to_current": "(select max(email) from x)"},
    "valid_to_column": {"dbt_valid_to_current": "email"},
    "updated_at": {"updated_at": "coalesce(at, email)"},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_sql_in_configuration_is_refused(name: str) -> None:
    """Expressions that dbt writes into the table beside the model's SQL."""
    assert rules(check(config=CONFIGS[name])) == {"sql_in_config"}
    assert check(config=CONFIGS[name], off={"sql_in_config"}) == []


def test_sql_in_a_data_type_is_refused() -> None:
    """A contract's type stands in the CREATE TABLE."""
    columns = {"a": {"data_type": "varchar default (select max(email) from x)"}}

    assert rules(check(columns=columns)) == {"sql_in_config"}


def test_what_dbt_counts_as_called_is_judged_too() -> None:
    """A macro that only dbt saw being called counts as called."""
    depends = {"macros": ["macro.dbt.run_query"]}

    assert rules(check(depends_on=depends)) == READS
    assert check(depends_on={"macros": ["macro.veil.check_model"]}) == []


def test_a_package_that_poses_as_dbt_utils_is_walked() -> None:
    """The reader's name alone earns no trust: one that reads something else is refused."""
    macros = {
        "dbt_utils": """{% macro get_column_values(table, column) %}
            {{ return(run_query('select email from ' ~ ref('customers'))) }}{% endmacro %}"""
    }

    assert rules(check("{{ dbt_utils.get_column_values(ref('orders'), 'status') }}",
                       macros=macros)) == READS  # fmt: skip


def test_a_project_that_redefines_a_reader_is_walked() -> None:
    """`adapter.dispatch` would take the project's implementation."""
    macros = """{% macro default__get_column_values(table, column) %}
        {{ return(run_query('select email from x').columns[0].values()) }}{% endmacro %}"""

    assert rules(check("{{ dbt_utils.get_column_values(ref('orders'), 'status') }}",
                       macros=macros)) == READS  # fmt: skip


def test_arguments_of_tests_are_rendered_and_so_walked() -> None:
    """dbt renders a test's arguments with the whole context."""
    one = node(
        "test",
        "accepted",
        attached_node="model.shop.mart",
        raw_code="{{ test_accepted_values(**_dbt_generic_test_kwargs) }}",
        test_metadata={
            "name": "accepted_values",
            "kwargs": {"values": ["{{ run_query('select email from x').rows[0][0] }}"]},
        },
    )

    assert rules(check(nodes=[one])) == READS


def test_the_path_names_every_macro_on_the_way() -> None:
    """An engineer sees how the model gets at the data."""
    found = check("{{ emails_again() }}", macros=MACROS)

    assert found[0].path == "mart -> shop.emails_again -> shop.emails -> dbt.run_query"
    assert "`shop.emails_again`, `shop.emails`" in found[0].message


@pytest.mark.parametrize("variables", [None, {"start": "(select min(born) from x)"}])
def test_a_variable_is_trusted_only_as_far_as_it_is_known(variables: Any) -> None:
    """A spine from a variable: refused where it is unknown or reads a relation."""
    sql = "{{ dbt_utils.date_spine('day', var('start'), 'current_date') }}"

    assert rules(check(sql, variables=variables)) == READS
    assert check(sql, variables={"start": "date '2020-01-01'"}) == []


@pytest.mark.parametrize("name", JINJA)
def test_no_message_holds_a_text_of_the_template(name: str) -> None:
    """A literal in a template may be somebody's; messages hold names of code alone."""
    canary = "canary_zq7"
    sql = re.sub(r"\bemail\b|\bx(?=')", canary, JINJA[name])
    found = check(sql, macros=MACROS)

    assert found
    assert all(canary not in str(one) + one.path for one in found)


def test_the_leaky_corpus_is_large() -> None:
    """At least sixty snippets in Jinja alone."""
    assert len(JINJA) >= 60
