"""Rendering without dbt: dbt's semantics, one by one."""

from __future__ import annotations

import pytest
from check_support import Small, column


def test_a_reference_is_three_quoted_parts() -> None:
    """`ref()` renders as dbt-duckdb renders it."""
    small = Small(models={"a": "select 1 as x", "b": "select * from {{ ref('a') }}"})

    assert small.sql("b") == 'select * from "memory"."main"."a"'


def test_a_reference_to_no_model_cannot_be_rendered() -> None:
    """A name that the project does not have is no SQL."""
    small = Small(models={"b": "select * from {{ ref(['no', 'such'] | join('_')) }}"})

    assert small.rendered("b").problem == "unrenderable"


def test_a_reference_that_the_parse_did_not_see_cannot_be_rendered() -> None:
    """As dbt refuses it: the order of building would not know of it."""
    small = Small(models={"a": "select 1", "b": "select * from {{ ref('a' | lower) }}"})

    assert small.rendered("b").problem == "unrenderable"


@pytest.mark.parametrize(
    ("code", "sql"),
    [
        ("select 1\n  {%- if true %} as x{% endif %}", "select 1 as x"),
        (
            "select {% for n in [1, 2] %}{{ n }}{{ ', ' if not loop.last }}{% endfor %}",
            "select 1, 2",
        ),
        ("select 1 {# not {{ this }} #} as x", "select 1  as x"),
        ("select '{% raw %}{{ x }}{% endraw %}'", "select '{{ x }}'"),
        ("{% set t %}'a'{% endset %}select {{ t }}", "select 'a'"),
        ("{% do [].append(1) %}select 1", "select 1"),
        ("{% for n in range(5) %}{% if n > 1 %}{% break %}{% endif %}{{ n }}{% endfor %}", "01"),
        ("select {{ no_such_name }}1", "select 1"),
        ("{{ config(materialized='table') }}select 1", "select 1"),
        ("select {{ config.get('materialized') }}", "select table"),
        ("select {{ config.get('nothing', 7) }}", "select 7"),
        ("select '{{ this }}', '{{ this.schema }}'", 'select \'"memory"."main"."m"\', \'main\''),
        ("select '{{ target.name }}', {{ execute }}", "select 'dev', True"),
        ("select {{ tojson({'a': 1}) }} {{ fromjson('[3]')[0] }}", 'select {"a": 1} 3'),
        ("select {{ fromyaml('[4]')[0] }} {{ set([1, 1]) | length }}", "select 4 1"),
        ("select {{ zip([1], [2]) | list }}", "select [(1, 2)]"),
        ("select '{{ modules.re.sub('a', 'b', 'ca') }}'", "select 'cb'"),
        ("select '{{ local_md5('x') }}'", "select '9dd4e461268c8034f5c8564e155c67a6'"),
        ("select {{ log('x', info=true) }}{{ print('x') }}1", "select 1"),
        ("select {{ adapter.quote('a b') }} {{ adapter.type() }}", 'select "a b" duckdb'),
        ("select {{ api.Relation.create(schema='s', identifier='t') }}", 'select "s"."t"'),
        ("select {{ this.include(database=false) }}", 'select "main"."m"'),
        ("select {{ this.quote(identifier=false) }}", 'select "memory"."main".m'),
        ("select {{ var('v') }} {{ var('w', 2) }}", "select 1 2"),
        ("select {{ flags.FULL_REFRESH }} {{ flags.WHICH }}", "select False build"),
        ("select {{ graph.nodes['model.demo.m'].name }} {{ model.name }}", "select m m"),
        ("select {{ render('{{ 1 + 1 }}') }}", "select 2"),
        ("select {{ load_result('x') }}", "select None"),
    ],
)
def test_a_template_gives_what_dbt_gives(code: str, sql: str) -> None:
    """White space, tags, filters and names of dbt's context."""
    assert Small(models={"m": code}, variables={"v": 1}).sql("m") == sql


@pytest.mark.parametrize(
    ("macros", "code", "sql"),
    [
        ({"demo.f": "{% macro f(x) %}<{{ x }}>{% endmacro %}"}, "{{ f(1) }}", "<1>"),
        ({"demo.f": "{% macro f() %}{{ return([1, 2]) }}{% endmacro %}"}, "{{ f()[1] }}", "2"),
        (
            {"demo.f": "{% macro f(x: list[str], n: int = 2) %}{{ n }}{% endmacro %}"},
            "{{ f([]) }}",
            "2",
        ),
        (
            {"demo.wrap": "{% macro wrap(n) %}[{{ caller() * n }}]{% endmacro %}"},
            "{% call wrap(2) %}x{% endcall %}",
            "[xx]",
        ),
        (
            {
                "demo.f": "{% macro f() %}mine{% endmacro %}",
                "dbt.f": "{% macro f() %}dbt{% endmacro %}",
            },
            "{{ f() }} {{ dbt.f() }}",
            "mine dbt",
        ),
        ({"pkg.f": "{% macro f() %}there{% endmacro %}"}, "{{ pkg.f() }}", "there"),
        (
            {"pkg.f": "{% macro f(a) %}{{ varargs | join('+') }}{{ kwargs.z }}{% endmacro %}"},
            "{{ pkg.f(1, 2, 3, z=4) }}",
            "2+34",
        ),
        (
            {
                "demo.f": "{% macro f() %}{{ context['demo']['g']() }}{% endmacro %}",
                "demo.g": "{% macro g() %}g{% endmacro %}",
            },
            "{{ f() }}",
            "g",
        ),
        (
            {"demo.f": "{% macro f() %}{{ model.name }}{{ this.name }}{% endmacro %}"},
            "{{ f() }}",
            "mm",
        ),
        (
            {"demo.ref": "{% macro ref(x) %}own {{ builtins.ref(x) }}{% endmacro %}"},
            "{{ ref('n') }}",
            'own "memory"."main"."n"',
        ),
    ],
)
def test_macros_are_called_as_dbt_calls_them(macros: dict[str, str], code: str, sql: str) -> None:
    """Arguments, `return()`, `caller`, packages, `context` and names in place of dbt's."""
    assert Small(models={"m": code, "n": "select 1"}, macros=macros).sql("m") == sql


@pytest.mark.parametrize(
    ("names", "order", "chosen"),
    [
        (["pkg.default__f"], [], "pkg.default__f"),
        (["pkg.default__f", "pkg.duckdb__f"], [], "pkg.duckdb__f"),
        (["pkg.duckdb__f", "demo.default__f"], [], "demo.default__f"),
        (["pkg.default__f", "aid.default__f"], ["aid", "pkg"], "aid.default__f"),
        (["dbt.default__f", "dbt_duckdb.duckdb__f"], [], "dbt_duckdb.duckdb__f"),
    ],
)
def test_dispatch_searches_in_the_order_of_dbt(
    names: list[str], order: list[str], chosen: str
) -> None:
    """The root project first, then the package; the adapter's own before `default__`."""
    package = "dbt" if names[0].startswith("dbt") else "pkg"
    macros = {name: f"{{% macro {name.split('.')[1]}() %}}{name}{{% endmacro %}}" for name in names}
    code = f"{{{{ adapter.dispatch('f', '{package}')() }}}}"
    small = Small(models={"m": code}, macros=macros, dispatch={package: order} if order else {})

    assert small.sql("m") == chosen


def test_ephemeral_models_are_put_in_front_each_once() -> None:
    """Nested ones first, before the model's own CTEs, after its comments."""
    small = Small(
        models={
            "a": "select 1 as x",
            "b": "select * from {{ ref('a') }}",
            "m": "-- why\nwith own as (select 1)\nselect * from {{ ref('b') }}, {{ ref('a') }}",
        },
        configs={"a": {"materialized": "ephemeral"}, "b": {"materialized": "ephemeral"}},
    )
    parts = [("a", "select 1 as x"), ("b", "select * from __dbt__cte__a")]
    sql = small.rendered("m").sqls[0]

    assert sql.endswith("select * from __dbt__cte__b, __dbt__cte__a")
    from check_support import inlined

    assert inlined(sql, parts) == (
        "-- why\nwith __dbt__cte__a as (\nselect 1 as x\n),  __dbt__cte__b as (\n"
        "select * from __dbt__cte__a\n),  own as (select 1)\n"
        "select * from __dbt__cte__b, __dbt__cte__a"
    )


def test_an_incremental_model_is_rendered_both_ways() -> None:
    """What it adds later is looked at too."""
    code = "select 1{% if is_incremental() %} where false{% endif %}"
    small = Small(models={"m": code}, configs={"m": {"materialized": "incremental"}})

    assert small.rendered("m").sqls == ("select 1", "select 1 where false")


def test_a_table_is_rendered_once() -> None:
    """`is_incremental()` is false in it, whatever stands there."""
    small = Small(models={"m": "select 1{% if is_incremental() %} where false{% endif %}"})

    assert small.rendered("m").sqls == ("select 1",)


@pytest.mark.parametrize(
    "code",
    [
        "{% set r = adapter.execute('select 1') %}select 1",
        "{{ adapter.list_relations('a', 'b') }}",
        "{% for c in adapter.get_columns_in_relation(ref('n')) %}{{ c.dtype }}{% endfor %}",
    ],
)
def test_what_needs_data_is_said_to(code: str) -> None:
    """It is neither fine nor broken: it is looked at when it is built."""
    small = Small(models={"m": code, "n": "select 1"}, columns={"n": {"x": column("")}})

    assert small.rendered("m").problem == "needs_build"


def test_columns_of_a_parent_come_from_what_is_known() -> None:
    """A loop over columns needs no warehouse where the YAML names them."""
    code = (
        "select {% for c in adapter.get_columns_in_relation(ref('n')) %}{{ c.name }} {% endfor %}"
    )
    small = Small(models={"m": code, "n": "select 1"}, columns={"n": {"x": column("integer")}})

    assert small.sql("m") == "select x "


@pytest.mark.parametrize(
    "code",
    [
        "{{ nothing() }}",
        "{{ env_var('NO_SUCH') }}",
        "{{ env_var('DBT_ENV_SECRET_X', 'y') }}",
        "{{ var('no_such') }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ adapter.no_such_method() }}",
        "{% if %}",
        "{{ exceptions.raise_compiler_error('stop: ' ~ env_var('TOKEN')) }}",
        "{{ 1 / 0 }}",
        "{{ metric('x') }}",
    ],
)
def test_what_cannot_be_rendered_fails_closed(code: str) -> None:
    """There is no SQL to follow, and that is an error, not silence."""
    done = Small(models={"m": code}).rendered("m", {"TOKEN": "canary", "DBT_ENV_SECRET_X": "z"})

    assert done.sqls == ()
    assert done.problem == "unrenderable"


def test_a_refusal_of_veils_macros_is_kept_word_for_word() -> None:
    """The engineer reads the same line as in a build."""
    code = "{{ exceptions.raise_compiler_error('veil: model `m` has no column left. Give one.') }}"

    done = Small(models={"m": code}).rendered("m")

    assert (done.refused, done.problem) == ("veil: model `m` has no column left. Give one.", "")


def test_secrets_of_the_environment_are_not_handed_to_a_template() -> None:
    """dbt refuses it, and so does this."""
    done = Small(models={"m": "select '{{ env_var('DBT_ENV_SECRET_KEY') }}'"}).rendered(
        "m", {"DBT_ENV_SECRET_KEY": "canary"}
    )

    assert "canary" not in repr(done)
