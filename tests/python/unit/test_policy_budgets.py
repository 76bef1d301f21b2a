"""Budgets in dbt_project.yml: what they are about is read from the lineage, and marts must fit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from policy_support import (
    BUDGET,
    ROWS,
    add,
    classified,
    column,
    node,
    project,
    set_meta,
)

from veil.differential.measures import Measure
from veil.errors import VeilError
from veil.policy.budgets import (
    budget_problems,
    check_budgets,
    read_budgets,
    sources_of,
    unit_of,
)
from veil.policy.graph import Graph
from veil.policy.settings import check_settings
from veil.policy.written import NotPlainError, written

MART = "model.shop.by_region"
PSN = "model.shop.psn_visits"
RAW = "model.shop.raw_visits"
SEED = "seed.shop.seed_visits"
CARD = f"{SEED}.card_no"


def config(**budgets: Any) -> dict[str, Any]:
    return {"name": "shop", "vars": {"veil:budgets": budgets or {"visitors": BUDGET}}}


def problems(raw: dict[str, Any], **budgets: Any) -> list[str]:
    return list(budget_problems(Graph(raw), config(**budgets)))


def with_staff(*, domain: str = "staff") -> dict[str, Any]:
    """The project with a second relation of people, and a mart over both."""
    raw = project()
    direct = classified("staff_no", "direct_identifier")
    seed = node("seed_staff", "identified", "", [], [direct])
    code = "select staff_no from {{ ref('seed_staff') }}"
    raw_staff = node("raw_staff", "identified", code, ["seed.shop.seed_staff"], [direct])
    key = column(
        "staff_key", privacy_from="staff_no", privacy_mask="random_token", privacy_domain=domain
    )
    call = "{{ veil.pseudonymize(ref('raw_staff')) }}"
    psn = node("psn_staff", "pseudonymized", call, ["model.shop.raw_staff"], [key])
    raw["nodes"][MART]["depends_on"]["nodes"].append("model.shop.psn_staff")
    return add(raw, seed, raw_staff, psn)


# reading


def test_budget_is_about_the_columns_and_relations_of_its_unit() -> None:
    """Through pseudonym, `privacy_from` and the raw model's rename, to the seed's own column."""
    (found,) = read_budgets(Graph(project()), {"visitors": {**BUDGET, "window": "year"}})

    assert (found.name, found.unit, found.beside) == ("visitors", "visitor", False)
    assert found.unit_columns == {CARD}
    assert found.sources == {SEED}
    assert found.budget.measure is Measure.EPSILON
    assert (found.budget.loss, found.budget.delta) == (Fraction(3), Fraction(1, 1_000_000))
    assert found.budget.window.value == "year"


def test_budget_covers_every_relation_that_holds_its_unit() -> None:
    """A domain of two pseudonyms: both columns, both relations; the first column's own too."""
    graph = Graph(with_staff(domain="visitor"))
    (found,) = read_budgets(graph, {"visitors": BUDGET})

    assert found.unit_columns == {CARD, "seed.shop.seed_staff.staff_no"}
    assert found.sources == {SEED, "seed.shop.seed_staff"}


@pytest.mark.parametrize("name", [SEED, "seed_visits"])
def test_sources_are_listed_by_name_or_unique_id(name: str) -> None:
    """A list takes the place of what the lineage finds."""
    graph = Graph(with_staff(domain="visitor"))
    (found,) = read_budgets(graph, {"v": {**BUDGET, "sources": [name], "beside": True}})

    assert found.sources == {SEED}
    assert found.beside


def test_source_is_listed_with_its_sources_name() -> None:
    """`clinic.people`, where the table's own name has a namesake."""
    raw = project()
    for place in ("clinic", "school"):
        unique_id = f"source.shop.{place}.people"
        raw["sources"][unique_id] = {
            **node("people", "memory", "", [], [classified("id", "direct_identifier")]),
            "unique_id": unique_id,
            "resource_type": "source",
            "source_name": place,
        }
    graph = Graph(raw)
    (found,) = read_budgets(graph, {"v": {**BUDGET, "sources": ["clinic.people"]}})

    assert found.sources == {"source.shop.clinic.people"}
    with pytest.raises(VeilError, match="number 1 is several that have one name"):
        read_budgets(graph, {"v": {**BUDGET, "sources": ["people"]}})


def test_unit_and_sources_of_a_mart() -> None:
    """As far as it stands on them."""
    graph = Graph(with_staff())
    mart = graph.node(MART)

    assert unit_of(graph, mart) == ("visitor", frozenset({CARD}))
    assert sources_of(graph, mart) == {SEED, "seed.shop.seed_staff"}


BROKEN: dict[str, tuple[Any, str]] = {
    "no_mapping": (["visitors"], "is no mapping"),
    "no_budget": ({"visitors": 3}, "holds something that is no budget"),
    "bad_name": ({"a budget": BUDGET}, "holds something that is no budget"),
    "numbered": ({1: BUDGET}, "holds something that is no budget"),
    "no_unit": ({"v": {"epsilon": 1}}, "budget `v` has no `unit`"),
    "unknown_unit": ({"v": {**BUDGET, "unit": "household"}}, "no pseudonym of the project has"),
    "two_measures": ({"v": {**BUDGET, "rho": 1}}, "exactly one of `epsilon` and `rho`"),
    "no_measure": ({"v": {"unit": "visitor"}}, "exactly one of `epsilon` and `rho`"),
    "unknown_key": ({"v": {**BUDGET, "limit": 3}}, "an unknown key (`limit`)"),
    "infinite": ({"v": {**BUDGET, "epsilon": ".inf"}}, "`v.epsilon` is not a finite number"),
    "zero": ({"v": {**BUDGET, "epsilon": 0}}, "`v.epsilon` is not above 0"),
    "window": ({"v": {**BUDGET, "window": "week"}}, "is not a known window"),
    "within": ({"v": {**BUDGET, "within": ["day"]}}, "`within` that is no name"),
    "beside": ({"v": {**BUDGET, "beside": "yes"}}, "neither true nor false"),
    "sources_as_text": ({"v": {**BUDGET, "sources": "seed_visits"}}, "`sources` that are no list"),
    "no_source": ({"v": {**BUDGET, "sources": []}}, "`sources` that are no list"),
    "unknown_source": ({"v": {**BUDGET, "sources": ["x"]}}, "number 1 is none that the project"),
    "model_as_source": ({"v": {**BUDGET, "sources": ["raw_visits"]}}, "number 1 is none that the"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_unusable_budget_is_refused(name: str) -> None:
    """Nothing of a budget is guessed."""
    declared, says = BROKEN[name]

    with pytest.raises(VeilError) as refused:
        read_budgets(Graph(project()), declared)
    assert says in str(refused.value)

    found = list(budget_problems(Graph(project()), {"vars": {"veil:budgets": declared}}))
    assert any(says in line for line in found)


def test_budgets_come_from_the_reviewed_file_alone() -> None:
    """`--vars` could raise a limit in no commit."""
    seen: dict[str, Any] = {"profile": "p", "threshold": 11, "publish": True, "waivers": []}
    check_settings(config(), **seen)

    with pytest.raises(VeilError, match="`veil:budgets` is set outside"):
        check_settings(config(), **seen, command_line={"veil:budgets": {}})
    with pytest.raises(VeilError, match="where not every part of a run sees it"):
        check_settings({"name": "shop", "vars": {"shop": {"veil:budgets": {}}}}, **seen)


# marts


def test_mart_that_fits_its_budget_passes() -> None:
    """And a project without any differential mart needs no budget."""
    raw = project()
    check_budgets(Graph(raw), config())
    raw["nodes"].pop(MART)
    check_budgets(Graph(raw), {"name": "shop"})

    assert problems(raw) == []


def _with(**meta: Any) -> dict[str, Any]:
    raw = project()
    set_meta(raw["nodes"][MART], **meta)
    return raw


def _with_key(name: str, domain: str) -> dict[str, Any]:
    raw = project()
    raw["nodes"][PSN]["columns"][name] = column(
        name, privacy_from="region", privacy_mask="pseudonym", privacy_domain=domain
    )
    set_meta(raw["nodes"][MART], privacy_unit=name)
    return raw


RHO = {"unit": "visitor", "rho": 1, "delta": "1e-6"}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "undeclared": (_with(privacy_budget="people"), {}, "or name one that is: visitors."),
    "none": (_with(privacy_budget=None), {}, "no `privacy_budget` that is declared"),
    "a_list": (_with(privacy_budget=["visitors"]), {}, "no `privacy_budget` that is declared"),
    "no_pseudonym": (_with(privacy_unit="region"), {}, "no pseudonym of the models under it"),
    "unit_of_another_domain": (
        _with_key("region_key", "region"),
        {},
        "of the linkage domain `region`, but the budget `visitors` is that of `visitor`",
    ),
    "other_people": (with_staff(), {}, "Add `seed.shop.seed_staff` to its `sources`"),
    "too_few_sources": (
        with_staff(domain="visitor"),
        {"visitors": {**BUDGET, "sources": ["seed_visits"]}},
        "personal data of seed `seed_staff`",
    ),
    "person_day_of_a_persons_budget": (
        _with(privacy_unit_within="day"),
        {},
        "count another unit",
    ),
    "person_of_a_person_days_budget": (
        project(),
        {"visitors": {**BUDGET, "within": "day"}},
        "count another unit",
    ),
    "rho_in_epsilon": (
        _with(epsilon=None, rho=1, noise_kind="gaussian"),
        {},
        "no charge in rho enters it",
    ),
    "rho_in_another_budget_in_epsilon": (
        _with(epsilon=None, rho=1, noise_kind="gaussian"),
        {"visitors": RHO, "lifetime": BUDGET},
        "counts for the budget `lifetime` in `epsilon`",
    ),
    "delta_in_none": (
        _with(delta="1e-7", public_partitions=None),
        {"visitors": {"unit": "visitor", "epsilon": 3}},
        "for the budget `visitors`, and that has none",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_mart_that_does_not_fit_is_refused(name: str) -> None:
    """Before anything is drawn; the line names the mart and the way out."""
    raw, budgets, says = REFUSED[name]
    lines = problems(raw, **budgets)

    assert any(says in line and "`by_region`" in line for line in lines), lines
    with pytest.raises(VeilError, match="by_region"):
        check_budgets(Graph(raw), config(**budgets))


def test_epsilon_enters_a_budget_in_rho() -> None:
    """The other way round is fine, and so is a list that names all that is read."""
    sources = [SEED, "seed_staff"]

    assert problems(project(), visitors=RHO) == []
    assert problems(with_staff(), visitors={**BUDGET, "sources": sources}) == []


def test_two_domains_under_one_name_are_nobody() -> None:
    """Whose loss is counted must not depend on which of them the query takes."""
    raw = with_staff()
    staff = raw["nodes"]["model.shop.psn_staff"]
    staff["columns"] = {"visitor_key": {**staff["columns"]["staff_key"], "name": "visitor_key"}}

    assert any("several linkage domains" in line for line in problems(raw))


# budget thieves


def test_renamed_budget_model_and_unit_are_about_the_same_columns() -> None:
    """Another name of everything changes neither the unit's columns nor the sources."""
    raw = project()
    renamed = project()
    psn, mart = renamed["nodes"].pop(PSN), renamed["nodes"].pop(MART)
    key = psn["columns"].pop("visitor_key")
    meta = {**key["meta"], "privacy_domain": "guest"}
    psn["columns"]["guest_key"] = column("guest_key", **meta)
    psn.update(unique_id="model.shop.psn_guests", name="psn_guests", alias="psn_guests")
    mart.update(
        unique_id="model.shop.guests",
        name="guests",
        raw_code=ROWS.replace("psn_visits", "psn_guests"),
    )
    mart["depends_on"] = {"nodes": ["model.shop.psn_guests"]}
    set_meta(mart, privacy_unit="guest_key", privacy_budget="guests")
    graph, other = Graph(raw), Graph(add(renamed, psn, mart))
    (before,) = read_budgets(graph, {"visitors": BUDGET})
    (after,) = read_budgets(other, {"guests": {**BUDGET, "unit": "guest"}})

    assert problems(renamed, guests={**BUDGET, "unit": "guest"}) == []
    assert (before.unit_columns, before.sources) == (after.unit_columns, after.sources)
    assert unit_of(graph, graph.node(MART))[1] == unit_of(other, other.node("model.shop.guests"))[1]


def test_unit_cannot_be_moved_to_another_column_by_a_raw_model() -> None:
    """A computed column is made of all that it is computed from."""
    raw = project()
    raw["nodes"][RAW]["raw_code"] = (
        "with a as (select card_no || '-' || region as p from {{ ref('seed_visits') }})"
        " select coalesce(p, 'x') as person_id from a"
    )

    assert unit_of(Graph(raw), Graph(raw).node(MART))[1] == {CARD, f"{SEED}.region"}


# following


FOLLOWED = {
    "table_name": "select seed_visits.card_no as person_id from {{ ref('seed_visits') }}",
    "star": "select * rename (card_no as person_id) from {{ ref('seed_visits') }}",
    "config": "{{ config(tags=['x']) }} select card_no as person_id from {{ ref('seed_visits') }}",
    "comment": "{# ref('other') #} select card_no as person_id from {{ ref('seed_visits') }}",
    "variable": "select card_no as person_id from {{ ref('seed_visits') }}"
    " where region > '{{ var('least', 'a') }}'",
    "environment": "select card_no as person_id from"
    " {{ ref('seed_visits') if env_var('VEIL_NO_SUCH', 'seeds') == 'seeds' else ref('other') }}",
    "incremental": "select card_no as person_id from {{ ref('seed_visits') }}"
    " {% if is_incremental() %} where cost > (select max(cost) from {{ this }}) {% endif %}",
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_raw_model_is_followed(name: str) -> None:
    """What raw models mostly hold."""
    raw = project()
    raw["nodes"][RAW]["raw_code"] = FOLLOWED[name]

    assert unit_of(Graph(raw), Graph(raw).node(MART))[1] == {CARD}


def test_what_an_incremental_model_adds_counts_too() -> None:
    """The branch that runs from the second build on may read another column."""
    raw = project()
    raw["nodes"][RAW]["raw_code"] = (
        "select {% if is_incremental() %} region {% else %} card_no {% endif %} as person_id"
        " from {{ ref('seed_visits') }}"
    )

    assert unit_of(Graph(raw), Graph(raw).node(MART))[1] == {CARD, f"{SEED}.region"}


@pytest.mark.parametrize(
    "code", ["select {{ some_macro() }} from x", "select x from {{ ref('elsewhere') }}", "{% if"]
)
def test_name_is_followed_where_the_sql_is_not(code: str) -> None:
    """A column of the same name below; and where there is none, the budget is refused."""
    raw = project()
    raw["nodes"][RAW]["raw_code"] = code
    with pytest.raises(NotPlainError, match="before it is compiled"):
        written(Graph(raw), Graph(raw).node(RAW))

    assert any("cannot be followed" in line for line in problems(raw))

    seed = raw["nodes"][SEED]["columns"]
    seed["person_id"] = {**seed.pop("card_no"), "name": "person_id"}
    assert problems(raw) == []
    assert unit_of(Graph(raw), Graph(raw).node(MART))[1] == {f"{SEED}.person_id"}


def test_snapshot_is_followed_by_name() -> None:
    """A snapshot keeps the names of what it reads."""
    raw = project()
    kept = node("kept", "identified", "", [SEED], list(raw["nodes"][SEED]["columns"].values()))
    kept.update(resource_type="snapshot", unique_id="snapshot.shop.kept")
    raw["nodes"][RAW].update(
        raw_code="select card_no as person_id from {{ ref('kept') }}",
        depends_on={"nodes": ["snapshot.shop.kept"]},
    )

    assert unit_of(Graph(add(raw, kept)), Graph(raw).node(MART))[1] == {CARD}


def test_secrets_are_not_read_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jinja that asks for a secret is not filled in."""
    monkeypatch.setenv("DBT_ENV_SECRET_X", "hunter2")
    raw = project()
    raw["nodes"][RAW]["raw_code"] = "select '{{ env_var('DBT_ENV_SECRET_X') }}' as person_id"

    with pytest.raises(NotPlainError) as refused:
        written(Graph(raw), Graph(raw).node(RAW))
    assert "hunter2" not in str(refused.value)


def test_demo_is_followed_without_a_fallback() -> None:
    """Every raw model that ships is plain enough to be filled in."""
    files = sorted((Path(__file__).parents[3] / "models" / "raw").glob("*.sql"))
    for file in files:
        code = file.read_text(encoding="utf-8")
        names = {part.split("')")[0] for part in code.split("ref('")[1:]}
        parents = [node(name, "identified", "", [], []) for name in sorted(names)]
        model = node("raw_x", "identified", code, [one["unique_id"] for one in parents], [])
        graph = Graph({"nodes": {one["unique_id"]: one for one in [*parents, model]}})

        assert "{" not in written(graph, graph.node("model.shop.raw_x")).sqls[0]

    assert files


def with_visit_numbers(*, domain: str) -> dict[str, Any]:
    """The project with a pseudonym of the visit beside that of the person."""
    raw = project()
    visit = classified("visit_no", "direct_identifier")
    visit["config"]["meta"] |= {"privacy_type": "visit_id"}
    raw["nodes"][SEED]["columns"]["visit_no"] = visit
    code = "select visit_no as person_id from {{ ref('seed_visits') }}"
    person = classified("person_id", "direct_identifier")
    raw_visit = node("raw_one", "identified", code, [SEED], [person])
    key = column(
        "visitor_key", privacy_from="person_id", privacy_mask="pseudonym", privacy_domain=domain
    )
    call = "{{ veil.pseudonymize(ref('raw_one')) }}"
    return add(
        raw, raw_visit, node("psn_one", "pseudonymized", call, ["model.shop.raw_one"], [key])
    )


def test_a_domain_holds_one_thing_of_a_relation() -> None:
    """A pseudonym of the visit in the person's domain would let each row pay for itself."""
    apart = read_budgets(Graph(with_visit_numbers(domain="visit")), {"visitors": BUDGET})

    assert apart[0].unit_columns == {CARD}
    with pytest.raises(VeilError, match="made of two columns of seed `seed_visits`"):
        read_budgets(Graph(with_visit_numbers(domain="visitor")), {"visitors": BUDGET})


def test_a_domain_holds_one_kind_of_thing() -> None:
    """The number of a visit in another relation is no person either."""
    raw = with_staff(domain="visitor")
    staff = raw["nodes"]["seed.shop.seed_staff"]["columns"]["staff_no"]
    staff["config"]["meta"] |= {"privacy_type": "visit_id"}

    with pytest.raises(VeilError, match="columns of several kinds: `category`, `visit_id`"):
        read_budgets(Graph(raw), {"visitors": BUDGET})
