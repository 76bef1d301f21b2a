"""Edits of the small project, one for each way in which a change can expose more, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exposure_support import QUERY, SECRETS, Scene, Seen, classified, column, gate, node

from veil.exposure import Severity

LOOK, NOTE = Severity.LOOK, Severity.NOTE
Edit = Callable[[Scene], Any]
WAIVER = {"rule": "unfollowable", "owner": "ada", "reason": SECRETS[1], "until": "2027-01-31"}
LATER = {**WAIVER, "until": "2027-06-30"}


@dataclass(frozen=True)
class Case:
    """An edit, what it is called, what its opposite is called, and words that must be in it."""

    name: str
    edit: Edit
    there: tuple[str, Severity]
    back: tuple[str, Severity]
    words: str = ""
    first: Edit | None = None
    """What is done to both sides before."""


def _case(name: str, edit: Edit, there: str, back: str, words: str = "", **more: Any) -> Case:
    """`there` and `back` are a kind each, with `!` where somebody must look."""

    def split(text: str) -> tuple[str, Severity]:
        return text.rstrip("!"), LOOK if text.endswith("!") else NOTE

    return Case(name, edit, split(there), split(back), words, **more)


def _put(holder: Callable[[Scene], dict[Any, Any]], key: Any, value: Any) -> Edit:
    return lambda one: holder(one).__setitem__(key, value)


def _meta(name: str, column_: str = "", **keys: Any) -> Edit:
    return lambda one: one.meta(name, column_, **keys)


def _new_mart(one: Scene) -> None:
    made = node("ages", "model", column("age"), meta={"privacy_audience": "board"})
    made["config"]["contract"] = {"enforced": True}
    one.nodes["model.demo.ages"] = made


def _new_masked(one: Scene) -> None:
    mask = column("age", privacy_mask="keep")
    one.nodes["model.demo.psn_ages"] = node("psn_ages", "model", mask)


def _new_seed(one: Scene) -> None:
    one.nodes["seed.demo.more"] = node("more", "seed", classified("mail", "direct_identifier"))


def _query(old: str, new: str) -> Edit:
    return lambda one: one.mart.__setitem__("raw_code", QUERY.replace(old, new))


def _macro(one: Scene) -> None:
    one.macros["macro.demo.banded"]["macro_sql"] = "{% macro banded(x) %}{{ x }} / 5{% endmacro %}"


def _other_hook(one: Scene) -> None:
    one.mart["config"]["post-hook"].append({"sql": f"select '{SECRETS[2]}'", "transaction": True})


def run_hook(one: Scene) -> None:
    one.nodes["operation.demo.start"] = {
        "unique_id": "operation.demo.start",
        "resource_type": "operation",
        "package_name": "demo",
        "name": "start",
        "raw_code": f"copy people to '{SECRETS[2]}'",
    }


def _veil_start(one: Scene) -> None:
    run_hook(one)
    one.nodes["operation.demo.start"]["raw_code"] = "{{ veil.start_run() }}"


def _kwargs(**keys: Any) -> Edit:
    def edit(one: Scene) -> None:
        found = {**one.test["test_metadata"]["kwargs"], **keys}
        kept = {key: value for key, value in found.items() if value is not None}
        one.test["test_metadata"]["kwargs"] = kept

    return edit


def _seed_column(name: str, privacy_class: str) -> Edit:
    def edit(one: Scene) -> None:
        made = classified(name, privacy_class) if privacy_class else column(name)
        one.seed["columns"][name] = made

    return edit


CASES = [
    # -- marts
    _case(
        "a threshold",
        _meta("people", privacy_threshold=30),
        "threshold_changed",
        "threshold_changed!",
        "Was 20 people, is 30 people.",
    ),
    _case(
        "an audience",
        _meta("people", privacy_audience="board"),
        "audience_changed!",
        "audience_changed!",
        "Was `research`, is `board`.",
    ),
    _case("a new audience", _new_mart, "audience_new!", "audience_new", "new audience, `board`"),
    _case("a mart", _new_mart, "mart_new!", "mart_gone", "`ages`"),
    _case(
        "a column",
        _put(lambda one: one.seen, "income", Seen({"seed_people.income": "sensitive"})),
        "column_visible!",
        "column_gone",
        "column `income` of `people` became visible to `research`. Made of `seed_people.income`"
        " (sensitive).",
    ),
    _case(
        "a source that is shown",
        _put(
            lambda one: one.seen,
            "city",
            Seen({"seed_people.city": "quasi_identifier", "seed_people.income": "sensitive"}),
        ),
        "source_new!",
        "source_gone",
        "now also made of `seed_people.income` (sensitive)",
    ),
    _case(
        "a source that is aggregated",
        _put(
            lambda one: one.seen,
            "people_count",
            Seen({}, {"psn_people.person_key": "pseudonym", "seed_people.age": "quasi_identifier"}),
        ),
        "source_new!",
        "source_gone",
        "now also aggregated from `seed_people.age`",
    ),
    _case(
        "a harmless source",
        _put(
            lambda one: one.seen,
            "city",
            Seen({"seed_people.city": "quasi_identifier", "seed_people.kind": "non_sensitive"}),
        ),
        "source_new",
        "source_gone",
        "`seed_people.kind` (non sensitive)",
    ),
    _case(
        "single people",
        _put(
            lambda one: one.seen,
            "city",
            Seen({"seed_people.city": "quasi_identifier"}, {}, "personal"),
        ),
        "source_new!",
        "",
        "speaks of single people now",
    ),
    _case(
        "what chooses rows",
        _put(lambda one: one.chosen, "seed_people.income", "sensitive"),
        "rows_chosen!",
        "rows_chosen",
        "grouped by `seed_people.income` (sensitive)",
    ),
    _case(
        "what chooses rows, of nobody",
        _put(lambda one: one.chosen, "seed_people.kind", "non_sensitive"),
        "rows_chosen",
        "rows_chosen",
        "`seed_people.kind`",
    ),
    _case(
        "lineage",
        lambda one: setattr(one, "is_followed", False),
        "lineage_unknown!",
        "source_new!",
        "nobody can say",
    ),
    _case(
        "a population",
        _meta("people", privacy_population="All"),
        "promise_changed!",
        "promise_changed!",
        "Was `People of the sample`, is `All`.",
    ),
    _case(
        "a release",
        _meta("people", privacy_release="microdata"),
        "promise_changed!",
        "promise_changed!",
    ),
    _case(
        "a unit",
        _meta("people", privacy_unit="household_key"),
        "promise_changed!",
        "promise_changed!",
        "Was `person_key`, is `household_key`.",
    ),
    _case(
        "epsilon",
        _meta("people", epsilon=2.5),
        "budget_changed!",
        "budget_changed",
        "Was 1.0, is 2.5.",
    ),
    _case("k", _meta("people", k=2), "budget_changed!", "budget_changed", "Was 5, is 2."),
    _case("k taken out", _meta("people", k=None), "budget_changed!", "budget_changed!"),
    _case("bounds", _meta("people", upper=500), "budget_changed!", "budget_changed!"),
    _case(
        "an unknown promise",
        _meta("people", privacy_refresh=SECRETS[4]),
        "budget_changed!",
        "budget_changed!",
        "`privacy_refresh`",
    ),
    _case(
        "a gate",
        lambda one: one.nodes.pop("test.demo.no_small_cells_people"),
        "gate_gone!",
        "gate_changed",
        "`no_small_cells`",
    ),
    _case(
        "a gate's threshold",
        _kwargs(threshold=12),
        "gate_changed!",
        "gate_changed",
        "Was 20, is 12.",
    ),
    _case("a gate's own threshold", _kwargs(threshold=None), "gate_changed!", "gate_changed"),
    _case(
        "a gate's grain",
        _kwargs(grain=["city"]),
        "gate_changed!",
        "gate_changed!",
        "Was `city`, `age`, is `city`.",
    ),
    _case(
        "a gate's unknown argument",
        _kwargs(others=[SECRETS[4]]),
        "gate_changed!",
        "gate_changed!",
        "Was none, is a value that is not shown.",
    ),
    _case(
        "a gate's magnitudes",
        _kwargs(magnitudes=["income_mean", "people_count"]),
        "gate_changed!",
        "gate_changed",
    ),
    _case(
        "a gate's severity",
        _put(lambda one: one.test["config"], "severity", "warn"),
        "gate_changed!",
        "gate_changed",
        "is weakened by `severity`",
    ),
    _case(
        "a gate's rows",
        _put(lambda one: one.test["config"], "where", SECRETS[5]),
        "gate_changed!",
        "gate_changed",
        "is weakened by `where`",
    ),
    _case(
        "a second gate",
        lambda one: one.nodes.update(
            {
                "test.demo.two": {
                    **gate("people"),
                    "unique_id": "test.demo.two",
                    "column_name": "age",
                }
            }
        ),
        "gate_changed",
        "gate_gone!",
    ),
    _case(
        "a contract",
        _put(lambda one: one.mart["config"], "contract", {}),
        "contract_broken!",
        "",
        "not enforced",
    ),
    _case(
        "a type",
        _put(lambda one: one.mart["columns"]["age"], "data_type", "bigint"),
        "contract_broken!",
        "contract_broken!",
        "column `age` was VARCHAR and is BIGINT",
    ),
    _case(
        "retention",
        _meta("people", privacy_retention="5 years"),
        "promise_changed!",
        "promise_changed",
        "Was `2 years`, is `5 years`.",
    ),
    _case(
        "no retention",
        _meta("people", privacy_retention=None),
        "promise_changed!",
        "promise_changed",
    ),
    _case(
        "a purpose",
        _meta("people", privacy_purpose="Marketing"),
        "promise_changed!",
        "promise_changed!",
    ),
    _case(
        "purposes of a column",
        _meta("seed_people", "age", privacy_purposes=["care", "ads"]),
        "promise_changed!",
        "promise_changed",
        "column `age`",
        first=_meta("seed_people", "age", privacy_purposes=["care"]),
    ),
    _case("an owner", _meta("people", privacy_owner="b"), "promise_changed", "promise_changed"),
    # -- waivers
    _case(
        "a waiver",
        _meta("people", privacy_waiver=[WAIVER]),
        "waiver_changed!",
        "waiver_changed",
        "the waiver of `unfollowable` for mart `people` is new. Until 2027-01-31.",
    ),
    _case(
        "a longer waiver",
        _meta("people", privacy_waiver=[LATER]),
        "waiver_changed!",
        "waiver_changed",
        "runs longer. Was until 2027-01-31, is until 2027-06-30.",
        first=_meta("people", privacy_waiver=[WAIVER]),
    ),
    _case(
        "another reason",
        _meta("people", privacy_waiver=[{**WAIVER, "reason": "x"}]),
        "waiver_changed",
        "waiver_changed",
        first=_meta("people", privacy_waiver=[WAIVER]),
    ),
    _case(
        "a waiver of the project",
        _put(lambda one: one.variables, "veil:waivers", [{**WAIVER, "node": "elementary"}]),
        "waiver_changed!",
        "waiver_changed",
        "on `elementary`",
    ),
    # -- all models
    _case(
        "a zone",
        _put(lambda one: one.masked, "database", "marts"),
        "zone_changed!",
        "zone_changed!",
        "Was `pseudonymized`, is `marts`.",
    ),
    _case(
        "a layer",
        lambda one: [
            one.meta("raw_people", name, privacy_class=None) for name in one.seed["columns"]
        ],
        "zone_changed!",
        "zone_changed!",
        "another kind of model",
    ),
    _case(
        "an access",
        _put(lambda one: one.masked["config"], "access", "public"),
        "access_changed!",
        "access_changed",
        "Was `protected`, is `public`.",
    ),
    _case(
        "a grant",
        _put(lambda one: one.mart["config"], "grants", {"select": ["anyone"]}),
        "grant_changed!",
        "grant_changed",
        "`select to anyone`",
    ),
    _case(
        "a gate's hook",
        _put(lambda one: one.mart["config"], "post-hook", []),
        "hook_changed!",
        "hook_changed",
        "no longer runs `veil.gate_model`",
    ),
    _case("a hook", _other_hook, "hook_changed!", "hook_changed", "new SQL of its own"),
    _case("a run hook", run_hook, "hook_changed!", "hook_changed"),
    _case("veil's run hook", _veil_start, "hook_changed", "hook_changed!", "`veil.start_run`"),
    _case(
        "a coarser rounding",
        _query("-2", "-1"),
        "query_changed!",
        "query_changed!",
        "other functions, numbers or texts",
    ),
    _case("a filter's text", _query(SECRETS[4], "Springfield"), "query_changed!", "query_changed!"),
    _case(
        "distinct",
        _query("select city", "select distinct city"),
        "query_changed!",
        "query_changed!",
    ),
    _case("a macro", _macro, "query_changed!", "query_changed!"),
    _case(
        "a name in a query",
        _query("income_mean", "mean_income"),
        "query_changed",
        "query_changed",
        "the same as before",
    ),
    # -- pseudonymized models
    _case(
        "a mask",
        lambda one: one.mask("age", "keep"),
        "mask_changed!",
        "mask_changed",
        "has a weaker mask. Was `age_band` with top 90, width 10, is `keep`. Reaches `research`.",
    ),
    _case(
        "a mask's argument",
        lambda one: one.mask("age", "age_band", width=5),
        "mask_changed!",
        "mask_changed",
        "argument `width` of the mask `age_band` changed. Was 10, is 5.",
    ),
    _case(
        "a mask's source",
        _meta("psn_people", "city", privacy_from="street"),
        "mask_changed!",
        "mask_changed!",
        "Was `city`, is `street`.",
    ),
    _case(
        "a hierarchy",
        _put(lambda one: one.rows, "seed_cities", "two"),
        "mask_changed!",
        "mask_changed!",
        "the rows of the hierarchy `seed_cities` changed",
    ),
    _case(
        "a constant",
        lambda one: one.mask("kind", "constant", value="x"),
        "mask_changed",
        "mask_changed",
        "a value that is not shown",
    ),
    _case(
        "a domain",
        _meta("psn_visits", "visitor", privacy_domain="person"),
        "domain_changed!",
        "domain_changed!",
        "Was `visit`, is `person`.",
    ),
    _case(
        "a shared domain",
        lambda one: one.nodes["model.demo.psn_visits"]["columns"].update(
            person=column("person", privacy_mask="pseudonym", privacy_domain="person")
        ),
        "linkable!",
        "linkable",
        "`psn_visits` now shares the linkage domain `person` with `psn_people`",
    ),
    _case(
        "a drop list",
        _meta("psn_people", privacy_drop=[]),
        "drop_shrunk!",
        "drop_shrunk",
        "no longer drops `income`",
    ),
    _case(
        "a column under a mask",
        lambda one: one.masked["columns"].update(income=column("income", privacy_mask="keep")),
        "column_treated!",
        "column_gone",
        "`keep` of `income`",
    ),
    _case(
        "a profile",
        _meta("psn_people", privacy_profile="gdpr_default"),
        "profile_changed",
        "profile_changed!",
    ),
    _case("a pseudonymized model", _new_masked, "model_new!", "model_gone", "`age` (`keep`)"),
    # -- what comes in
    _case(
        "a class",
        _meta("seed_people", "income", privacy_class="non_sensitive"),
        "class_changed!",
        "class_changed",
        "Was sensitive, is non sensitive.",
    ),
    _case(
        "no class",
        _meta("seed_people", "income", privacy_class=None),
        "column_unclassified!",
        "class_changed",
        "lost its class",
    ),
    _case(
        "a type of data",
        _meta("seed_people", "ssn", privacy_type="category"),
        "type_changed!",
        "type_changed!",
        "Was `ssn`, is `category`.",
    ),
    _case(
        "a sensitive column",
        _seed_column("illness", "sensitive"),
        "column_collected!",
        "column_gone",
        "column `illness` of seed `seed_people` is new. Sensitive.",
    ),
    _case(
        "a harmless column",
        _seed_column("note", "non_sensitive"),
        "column_collected",
        "column_gone",
    ),
    _case("a column of no class", _seed_column("note", ""), "column_unclassified!", "column_gone"),
    _case(
        "a column of the file alone",
        _put(lambda one: one.headers, "seed_people", ["age", "iban"]),
        "column_unclassified!",
        "column_gone",
        "column `iban` of seed `seed_people` is new",
    ),
    _case("a seed", _new_seed, "model_new!", "model_gone", "Direct identifier: `mail`."),
    # -- the project
    _case(
        "the project's threshold",
        _put(lambda one: one.variables, "veil:threshold", 5),
        "threshold_changed!",
        "threshold_changed",
        "Was 11, is 5.",
    ),
    _case(
        "publishing",
        _put(lambda one: one.variables, "veil:publish", False),
        "setting_changed",
        "setting_changed!",
    ),
    _case(
        "a variable",
        _put(lambda one: one.variables, "cut", SECRETS[3]),
        "setting_changed!",
        "setting_changed!",
        "`cut`",
    ),
    _case(
        "dispatch",
        _put(lambda one: one.dispatch, "veil", ["demo", "veil"]),
        "setting_changed!",
        "setting_changed!",
    ),
    _case(
        "the profile's name",
        lambda one: setattr(one, "profile", "veil"),
        "profile_changed!",
        "profile_changed!",
    ),
    _case(
        "a package",
        _put(lambda one: one.packages, "acme/tools", "1.1.0"),
        "package_changed!",
        "package_changed!",
        "Was `1.0.0`, is `1.1.0`.",
    ),
    _case(
        "a dashboard",
        _put(
            lambda one: one.exposures,
            "exposure.demo.d",
            {"name": "d", "depends_on": {"nodes": ["model.demo.people"]}},
        ),
        "dashboard_changed",
        "dashboard_changed",
    ),
]
