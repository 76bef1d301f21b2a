"""Differential marts in dbt's graph: what is refused before anything is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from policy_support import (
    COUNTS,
    ROWS,
    add,
    classified,
    column,
    data_test,
    exact,
    gate,
    node,
    project,
    set_meta,
)

from veil.errors import VeilError
from veil.policy.graph import Graph
from veil.policy.overrides import check_overrides
from veil.policy.partial_runs import check_partial_run
from veil.policy.rules import check_project, refusals
from veil.policy.rules.differential import IGNORED, KEYS
from veil.policy.rules.exceptions import WAIVABLE
from veil.policy.rules.measures import METRICS
from veil.project import Project

ROOT = Path(__file__).parents[3]
MART = "model.shop.by_region"
PSN = "model.shop.psn_visits"
SOON = str(datetime.now(UTC).date() + timedelta(days=30))


def refused(raw: dict[str, Any]) -> list[str]:
    graph = Graph(raw)
    return refusals(graph, list(graph))


def mart(raw: dict[str, Any]) -> Any:
    return raw["nodes"][MART]


def test_whole_project_passes() -> None:
    """The project that the breaks start from breaks no rule, without a gate of its own."""
    assert refused(project()) == []


Break = Callable[[dict[str, Any]], Any]
BREAKS: dict[str, tuple[Break, str]] = {
    "table": (
        lambda raw: mart(raw)["config"].update(materialized="table"),
        "Set `materialized: private_release`",
    ),
    "incremental": (
        lambda raw: mart(raw)["config"].update(materialized="incremental"),
        "Set `materialized: private_release`",
    ),
    "threshold": (
        lambda raw: set_meta(mart(raw), privacy_threshold=11),
        "`privacy_threshold`, which says nothing of noise",
    ),
    "no_audience": (
        lambda raw: set_meta(mart(raw), privacy_audience=None),
        "is `private_release`, but no mart",
    ),
    "suppressed": (
        lambda raw: set_meta(mart(raw), privacy_release="suppressed"),
        "is `private_release`, but no mart with `privacy_release: differential`",
    ),
    "no_bound": (
        lambda raw: set_meta(mart(raw), max_partitions_contributed=None),
        "`max_partitions_contributed`",
    ),
    "misspelt_key": (
        lambda raw: set_meta(mart(raw), privacy_unit_whithin="day"),
        "the unknown key `privacy_unit_whithin`",
    ),
    "misspelt_key_of_a_column": (
        lambda raw: set_meta_of(raw, "visits", privacy_metric="count"),
        "column `visits` has the unknown key `privacy_metric`",
    ),
    "no_contract": (lambda raw: mart(raw)["config"].pop("contract"), "no enforced contract"),
    "no_gate_hook": (lambda raw: mart(raw)["config"].pop("post-hook"), "veil.gate_model()"),
}


def set_meta_of(raw: dict[str, Any], name: str, **meta: Any) -> None:
    one = mart(raw)["columns"][name]
    one["meta"] = one["config"]["meta"] = {**one["meta"], **meta}


@pytest.mark.parametrize("name", BREAKS)
def test_broken_declaration_is_refused(name: str) -> None:
    """Each break is refused with the model and what is wrong with it."""
    raw = project()
    breaking, says = BREAKS[name]
    breaking(raw)
    lines = [line for line in refused(raw) if says in line]

    assert lines
    assert all("`by_region`" in line for line in lines)


SET: dict[str, Any] = {
    "incremental_strategy": "append",
    "unique_key": "region",
    "on_schema_change": "sync_all_columns",
    "grants": {"select": ["everybody"]},
    "sql_header": "set threads = 1;",
    "full_refresh": False,
    "partition_by": ["region"],
    "event_time": "day",
}


@pytest.mark.parametrize("name", SET)
def test_setting_without_effect_is_refused(name: str) -> None:
    """Nobody is left in the belief that a stored release follows it."""
    raw = project()
    mart(raw)["config"][name] = SET[name]

    assert any(f"sets `{name}`" in line and "Take it out" in line for line in refused(raw))


def test_dbts_own_defaults_are_fine() -> None:
    """dbt writes most settings into every node."""
    raw = project()
    mart(raw)["config"] |= dict(IGNORED)

    assert refused(raw) == []


def test_release_out_of_scope_is_refused() -> None:
    """A model over nobody's data would have no unit and no budget."""
    raw = project()
    free = node("free", "memory", "select 1 as one", [], [column("one")])
    free["config"]["materialized"] = "private_release"

    assert any("`free` is `private_release`" in line for line in refused(add(raw, free)))


def test_keys_are_those_of_the_macros() -> None:
    """One list of keys, in two languages."""
    text = (ROOT / "macros/_private/_known_keys.sql").read_text(encoding="utf-8")

    assert set(re.findall(r"'(privacy_\w+)'", text)) == KEYS


def test_metrics_are_those_of_the_releases() -> None:
    """A new kind of metric needs a family of its own."""
    from veil.releases import MetricKind

    assert set(METRICS) == {kind.value for kind in MetricKind}


# the package's own materialization


def test_nobody_else_defines_the_materialization(tmp_path: Path) -> None:
    """One of the project's own would write what it likes, and charge nothing."""
    (tmp_path / "macros").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    file = tmp_path / "macros" / "mine.sql"
    file.write_text("{% macro mine() %}{% materialization private_releases, default %}")
    check_overrides(Project(tmp_path))

    file.write_text("{%- materialization   private_release, adapter='duckdb' -%}")
    with pytest.raises(VeilError, match=r"mine.sql defines an implementation of `veil.private_r"):
        check_overrides(Project(tmp_path))

    (tmp_path / "dbt_project.yml").write_text("name: veil\n")
    check_overrides(Project(tmp_path))


# partitions


def with_partitions(parent: str) -> dict[str, Any]:
    raw = project()
    name = parent.rpartition(".")[2]
    code = ROWS.replace("'visits')", f"'visits', public_partitions=ref('{name}'))")
    mart(raw)["raw_code"] = code
    mart(raw)["depends_on"]["nodes"].append(parent)
    set_meta(mart(raw), public_partitions=None)
    return raw


def test_public_relation_of_partitions_is_fine() -> None:
    """A seed that speaks of nobody."""
    assert refused(with_partitions("seed.shop.seed_regions")) == []


@pytest.mark.parametrize("parent", [PSN, "model.shop.listed"])
def test_partitions_made_of_people_are_refused(parent: str) -> None:
    """A list of the regions in which somebody was is no public list, whatever it is called."""
    raw = with_partitions(parent)
    code = "select distinct region from {{ ref('psn_visits') }}"
    add(raw, node("listed", "pseudonymized", code, [PSN], [column("region")]))

    assert any("tell who is there" in line for line in refused(raw))


@pytest.mark.parametrize("is_ephemeral", [False, True])
def test_model_between_is_part_of_the_query_or_refused(is_ephemeral: bool) -> None:
    """A decile of everybody's costs moves with one person; nothing looks into a model between."""
    raw = project()
    deciles = (
        "select visitor_key, region, ntile(10) over (order by cost) from {{ ref('psn_visits') }}"
    )
    between = node("deciles", "pseudonymized", deciles, [PSN], [column("region")])
    between["config"]["materialized"] = "ephemeral" if is_ephemeral else "table"
    mart(raw)["depends_on"]["nodes"] = ["model.shop.deciles"]
    mart(raw)["raw_code"] = ROWS.replace("psn_visits", "deciles")
    said = [line for line in refused(add(raw, between)) if "reads `deciles`" in line]

    assert len(said) == (0 if is_ephemeral else 1)


def test_partitions_that_nobody_can_read_are_taken_for_any_parent() -> None:
    """Jinja around the call hides nothing."""
    raw = with_partitions("seed.shop.seed_regions")
    mart(raw)["raw_code"] += "{{ some_macro() }}"

    assert any("`psn_visits`, which is made of people's data" in line for line in refused(raw))


# tests that see exact values


TESTS: dict[str, tuple[dict[str, Any], bool]] = {
    "of_the_mart_alone": (data_test("t", [MART], attached_node=MART), False),
    "of_the_model_alone": (data_test("t", [PSN], attached_node=PSN), False),
    "mart_and_public_list": (
        data_test("t", [MART, "seed.shop.seed_regions"], attached_node=MART),
        False,
    ),
    "mart_and_another_one": (data_test("t", [MART, "model.shop.again"]), False),
    "of_a_copy_of_the_mart": (data_test("t", ["model.shop.copied"]), False),
    "mart_and_its_model": (data_test("t", [MART, PSN], attached_node=MART), True),
    "model_and_the_mart": (data_test("t", [PSN, MART], attached_node=PSN), True),
    "singular": (data_test("t", [MART, PSN]), True),
    "mart_and_raw": (data_test("t", [MART, "model.shop.raw_visits"]), True),
    "mart_and_seed": (data_test("t", [MART, "seed.shop.seed_visits"]), True),
    "mart_and_exact_mart": (data_test("t", [MART, "model.shop.other"], attached_node=MART), True),
    "of_a_comparison": (data_test("t", ["model.shop.compared"]), True),
    "copy_and_model": (data_test("t", ["model.shop.copied", PSN]), True),
    "mart_and_unclassified": (data_test("t", [MART, "seed.shop.seed_unknown"]), True),
    "of_a_package": (
        data_test(
            "t",
            [MART, PSN],
            attached_node=MART,
            package_name="dbt_utils",
            test_metadata={"name": "equal_rowcount", "namespace": "dbt_utils"},
        ),
        True,
    ),
}


def compared() -> dict[str, Any]:
    """The project with models that read the mart, and the people beside it."""
    raw = project()
    again = node("again", "marts", ROWS, [PSN], [])
    again.update({key: mart(raw)[key] for key in ("columns", "config", "meta")})
    over = [column("region")]
    return add(
        raw,
        again,
        node("copied", "marts", "select * from {{ ref('by_region') }}", [MART], over),
        node("compared", "marts", "select 1", [MART, PSN], over),
        exact("other", COUNTS, privacy_audience="board"),
        gate("model.shop.other"),
        node("seed_unknown", "memory", "", [], []),
    )


@pytest.mark.parametrize("name", TESTS)
def test_outcome_of_exact_values_is_refused(name: str) -> None:
    """Whether noisy and exact numbers agree is a release that nobody has paid for."""
    test, is_refused = TESTS[name]
    lines = [line for line in refused(add(compared(), test)) if "one more release" in line]

    assert bool(lines) is is_refused
    assert all("Compare the mart with public relations" in line for line in lines)


def test_the_name_of_a_generic_test_is_not_printed() -> None:
    """It holds the test's arguments."""
    metadata = {"name": "same_sum", "namespace": None}
    test = data_test("same_sum_by_region_secret", [MART, PSN], test_metadata=metadata)
    lines = refused(add(project(), test))

    assert any("test `same_sum` reads" in line for line in lines)
    assert not any("secret" in line for line in lines)


# the same metric exactly


BY_HAND = "case when count(distinct visitor_key) >= 11 then {} end"
FROM = " from {{ ref('psn_visits') }} group by region"
BESIDE: dict[str, tuple[str, str]] = {
    "rows": ("select region, count(*) as n" + FROM, "the number of rows"),
    "rows_of_a_column": ("select count(cost) as n" + FROM, "the number of rows"),
    "rows_as_a_sum": ("select sum(case when cost > 1 then 1 end) as n" + FROM, "number of rows"),
    "rows_guarded": (COUNTS + " group by region", "the number of rows"),
    "rows_by_hand": (f"select {BY_HAND.format('count(*)')} as n" + FROM, "the number of rows"),
    "rows_in_a_window": (
        "select distinct region, count(*) over (partition by region) as n" + FROM[:29],
        "the number of rows",
    ),
    "sum": ("select sum(cost) as n" + FROM, "of `cost`"),
    "mean": ("select {{ veil.suppress_small('round(avg(cost), -2)') }} as n" + FROM, "of `cost`"),
    "median": ("select median(cost) as n" + FROM, "of `cost`"),
    "quantile": ("select quantile_cont(cost, 0.9) as n" + FROM, "of `cost`"),
    "within_group": (
        "select percentile_cont(0.5) within group (order by cost) as n" + FROM,
        "of `cost`",
    ),
    "variance": ("select var_samp(cost) as n" + FROM, "of `cost`"),
    "method": ("select cost.sum() as n" + FROM, "of `cost`"),
    "every_column": ("select avg(columns(*))" + FROM, "of `cost`"),
    "renamed": (
        "with a as (select region, cost * 2 as twice from {{ ref('psn_visits') }}),"
        " b as (select region, twice as amount from a) select sum(amount) as n from b",
        "of `cost`",
    ),
    "renamed_by_a_union": (
        "with a as (select 0 as x union all select cost from {{ ref('psn_visits') }})"
        " select sum(x) as n from a",
        "of `cost`",
    ),
    "renamed_by_a_list": (
        "with a(x) as (select cost from {{ ref('psn_visits') }}) select sum(x) as n from a",
        "of `cost`",
    ),
    "capitals": ('select SUM("COST") as n' + FROM, "of `cost`"),
    "banded": (
        "select case when count(*) > 100 then 'many' else 'few' end as n" + FROM,
        "the number of rows",
    ),
    "unreadable": ("select {{ totals('cost') }} as n" + FROM, "nobody can say"),
    "unparseable": ("select count(* from {{ ref('psn_visits') }}", "nobody can say"),
}


def said(raw: dict[str, Any]) -> list[str]:
    return [line for line in refused(raw) if "exact_beside_differential" in line]


@pytest.mark.parametrize("name", BESIDE)
def test_exact_metric_beside_the_noisy_one_is_refused(name: str) -> None:
    """Whoever has the exact number needs no noisy one; what the population is called is a claim."""
    code, says = BESIDE[name]
    lines = said(add(project(), exact("beside", code), gate("model.shop.beside")))

    assert len(lines) == 1
    assert "model `beside`" in lines[0]
    assert says in lines[0]
    assert "Release it differentially too, or for another audience" in lines[0]


APART: dict[str, dict[str, Any]] = {
    "another_audience": exact("beside", COUNTS, privacy_audience="board"),
    "units_where_rows_are_noisy": exact(
        "beside",
        "select region, {{ veil.suppress_small('count(distinct visitor_key)') }} as n" + FROM,
    ),
    "guard_alone": exact(
        "beside", f"select region, {BY_HAND.format('count(distinct visitor_key)')} as n" + FROM
    ),
    "another_column": exact("beside", "select avg(minutes) as n" + FROM),
    "one_name_for_two_columns": exact(
        "beside",
        "with a as (select minutes as value from {{ ref('psn_visits') }})"
        " select sum(value) as n from a",
    ),
    "rows_added_up_where_sums_are_noisy": exact(
        "beside",
        "with a as (select minutes, approx_count_distinct(region) as k from"
        " {{ ref('psn_visits') }} group by all) select sum(k) as n from a",
    ),
    "over_the_noisy_mart": exact("beside", "select sum(visits) from {{ ref('by_region') }}", MART),
    "over_other_people": exact(
        "beside", "select count(*) as n from {{ ref('psn_staff') }}", "model.shop.psn_staff"
    ),
}


def with_staff() -> dict[str, Any]:
    raw = project()
    raw["nodes"][PSN]["columns"]["minutes"] = column("minutes", privacy_mask="keep")
    seed = node("seed_staff", "identified", "", [], [classified("pay", "sensitive")])
    seed["config"]["column_types"] = {"pay": "varchar"}
    code = "select pay from {{ ref('seed_staff') }}"
    columns = [classified("pay", "sensitive")]
    raw_staff = node("raw_staff", "identified", code, ["seed.shop.seed_staff"], columns)
    call = "{{ veil.pseudonymize(ref('raw_staff')) }}"
    columns = [column("pay", privacy_mask="keep")]
    psn = node("psn_staff", "pseudonymized", call, ["model.shop.raw_staff"], columns)
    return add(raw, seed, raw_staff, psn)


@pytest.mark.parametrize("name", APART)
def test_other_metrics_people_and_audiences_are_fine(name: str) -> None:
    """What measures something else stands beside a differential mart."""
    assert said(add(with_staff(), APART[name], gate("model.shop.beside"))) == []


def test_metric_is_found_through_models_between() -> None:
    """The aggregate may stand in a model below, or in a mart that is copied."""
    total = "select sum(cost) as total from {{ ref('psn_visits') }}"
    between = node("between", "pseudonymized", total, [PSN], [column("total")])
    over = exact("beside", "select total as n from {{ ref('between') }}", "model.shop.between")

    assert len(said(add(project(), between, over, gate("model.shop.beside")))) == 1


def test_second_pseudonymized_model_makes_no_other_people() -> None:
    """The same rows under another name, the column renamed on the way."""
    raw = project()
    columns = [
        raw["nodes"][PSN]["columns"]["visitor_key"],
        column("region", privacy_mask="keep"),
        column("price", privacy_from="cost", privacy_mask="keep"),
    ]
    call = "{{ veil.pseudonymize(ref('raw_visits')) }}"
    copy = node("psn_copy", "pseudonymized", call, ["model.shop.raw_visits"], columns)
    over = exact("beside", "select avg(price) from {{ ref('psn_copy') }}", "model.shop.psn_copy")

    assert len(said(add(raw, copy, over, gate("model.shop.beside")))) == 1


def test_units_are_compared_where_rows_were_grouped() -> None:
    """One row a person, counted, is the number of persons."""
    raw = project()
    set_meta_of(raw, "visits", metric="privacy_unit_count")
    grouped = (
        "with a as (select visitor_key, max(region) as region from {{ ref('psn_visits') }}"
        " group by visitor_key) select region, count(*) as n from a group by region"
    )
    plain = "select region, count(*) as n" + FROM

    assert len(said(add(raw, exact("beside", grouped), gate("model.shop.beside")))) == 1
    assert said(add(raw, exact("beside", plain), gate("model.shop.beside"))) == []


def test_waiver_sets_the_comparison_aside() -> None:
    """With owner, reason and a last day, on the exact mart; an expired one sets nothing aside."""
    waiver = {"rule": "exact_beside_differential", "owner": "ada", "reason": "published in May"}
    raw = add(
        project(),
        exact("beside", COUNTS, privacy_waiver=[{**waiver, "until": SOON}]),
        gate("model.shop.beside"),
    )

    assert "exact_beside_differential" in WAIVABLE
    assert refused(raw) == []

    set_meta(raw["nodes"]["model.shop.beside"], privacy_waiver=[{**waiver, "until": "2020-01-01"}])
    assert any("publishes" in line for line in refused(raw))
    assert any("has expired" in line for line in refused(raw))


# partial runs


def test_partial_run_draws_nothing() -> None:
    """`--empty` and `--sample` would charge for an empty release, or show one as the whole."""
    graph = Graph(project())

    with pytest.raises(VeilError, match="build no mart, and the selection holds `by_region`"):
        check_partial_run(graph, [PSN, MART])
    check_partial_run(graph, [PSN])


def test_run_is_refused_as_a_whole() -> None:
    """The rules stand in the check of every run."""
    raw = project()
    mart(raw)["config"]["materialized"] = "table"

    with pytest.raises(VeilError, match="private_release"):
        check_project(Graph(raw), command="build")
