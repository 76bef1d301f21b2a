"""Both corpora of the lineage gate, run by dbt in a consumer's project.

The engine alone is tested by unit/test_lineage_corpus.py; here a leak must not become a table.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

import lineage_corpus as corpus
from corpus_project import (
    CLEAN,
    LEAKY,
    NO_TABLE,
    SEED,
    SNAPSHOT,
    Made,
    add_models,
    new_corpora,
    standing,
)
from harness import DbtProject, Outcome, copy_of
from veil.gate import Chain, Definition
from veil.lineage import Analysis, Refusal
from veil.policy import rules
from veil.policy.graph import Node
from veil.policy.rules import layers

pytestmark = pytest.mark.project

_numbers = itertools.count(1)
BUILD = ("--log-level-file", "none", "build", "--exclude-resource-type", "test")
DELIVERED = frozenset({"raw_people", SEED, SNAPSHOT})
"""Relations with personal data as delivered."""
LAYER_RULES = frozenset({layers.parents_fit_the_layer, layers.sql_is_one_call})

NO_MODEL = dict.fromkeys(
    (
        "334_unclassified_selected",
        "335_unclassified_unselected",
        "336_unclassified_star",
        "337_unclassified_filter",
    ),
    f"`{NO_TABLE}` never stands in a zone: it has a column without a class, so nothing compiles it",
)
"""Leaks that cannot be a dbt model, and why."""
BUILT_WITHOUT_GATE = (
    "001_alias_plain",
    "126_identifier_filter_where",
    "145_rare_group_count_star",
    "154_unguarded_mean_avg",
    "160_low_threshold_lower",
    "165_wrong_unit_rows",
    "174_value_aggregate_max",
    "187_joined_rows_other_people",
    "197_subgroup_filter",
    "214_broadcast_cross_join",
    "244_personal_rows_distinct",
    "256_steered_rows_having_max",
    "274_pivot_from_clause",
    "278_columns_expression_regex",
    "298_secrets_and_settings_getvariable",
    "342_class_lowered_copy",
    "347_class_lowered_undeclared",
)
"""Leaks of many rules that nothing else would stop."""


def is_stopped_before(case: corpus.Case) -> bool:
    """Whether a rule about layers refuses the whole run because of this file.

    A mart or a model between may not read data as delivered, and a pseudonymized model is nothing
    but its one call.
    """
    layer = case.header.get("layer", "mart")
    read = set(corpus.REF.findall(case.path.read_text()))
    return layer == "pseudonymized" or (layer != "raw" and bool(read & DELIVERED))


LEAKS = [case for case in corpus.cases("leaky") if case.path.stem not in NO_MODEL]
STOPPED = [case for case in LEAKS if is_stopped_before(case)]
FOLLOWED = [case for case in LEAKS if not is_stopped_before(case)]


def named(*names: str) -> list[Made]:
    """Leaky files by name."""
    return [Made.of(case) for case in LEAKS if case.path.stem in names]


def unique_id(case: corpus.Case) -> str:
    return f"model.corpora.{case.path.stem}"


def expected(case: corpus.Case) -> re.Pattern[str]:
    """The line that refuses a leaky file: its rule's words, the column, the end of the path.

    The path in the header begins at the relations of the corpora, in dbt at the files under them.
    """
    path = case.header.get("path", "")
    refusal = Refusal(
        case.rule,
        case.path.stem,
        case.header.get("column", ""),
        what="WHAT",
        source="SOURCE",
        path=f"BEFORE -> {path}" if path else "",
    )
    line = re.escape(refusal.message)
    for place, pattern in (
        ("`SOURCE`", "[a-z ]*`[^`]*`"),
        ("WHAT", "[^`]*"),
        (re.escape("BEFORE -> "), "(?:[^`]* -> )?"),
    ):
        line = line.replace(place, pattern)
    return re.compile(line)


def not_refused(cases: list[corpus.Case], outcome: Outcome) -> list[str]:
    """The files, by name, that dbt did not refuse as their headers say."""
    return [
        case.path.stem
        for case in cases
        if outcome.results.get(unique_id(case)) != "error"
        or not expected(case).search(outcome.messages[unique_id(case)])
    ]


def published(project: DbtProject) -> set[str]:
    """The stems of all files that were published, and the tables in its databases."""
    files = [path for path in (project.root / "published").rglob("*") if path.is_file()]
    found = {path.stem for path in files}
    for path in (project.root / "published").glob("*.duckdb"):
        with project.published(path.stem) as conn:
            tables = conn.execute("select table_name from duckdb_tables()").fetchall()
            found |= {name for (name,) in tables}
    return found


@dataclass(frozen=True)
class Run:
    """One invocation over both corpora."""

    project: DbtProject
    outcome: Outcome


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every model of both corpora and all that they read, in one `dbt build`."""
    project = new_corpora(tmp_path_factory.mktemp("whole") / "corpora-0000")
    clean = [Made.of(case) for case in corpus.cases("clean")]
    add_models(project, "clean", clean, audience=CLEAN, counted=True)
    add_models(project, "leaky", [Made.of(case) for case in FOLLOWED], audience=LEAKY)
    return Run(project, project.dbt(*BUILD))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """What the corpora read, built. Read it; never change it."""
    project = new_corpora(tmp_path_factory.mktemp("base") / "corpora-0000")
    outcome = project.dbt(*BUILD)
    assert outcome.ok, outcome.text
    return project


@pytest.fixture
def project(base: DbtProject) -> Iterator[DbtProject]:
    """A copy of it, to change at will."""
    copy = copy_of(base, base.root.with_name(f"corpora-{next(_numbers):04d}"))
    yield copy
    shutil.rmtree(copy.root, ignore_errors=True)


# it works


def test_every_clean_model_is_built_and_published_without_a_waiver(run: Run) -> None:
    """What analysts write every day passes every gate of a build."""
    names = {case.path.stem for case in corpus.cases("clean")}
    failed = [name for name in names if run.outcome.results[f"model.corpora.{name}"] != "success"]
    texts = [path.read_text() for path in (run.project.root / "models").rglob("*.yml")]

    assert len(names) >= 80
    assert not failed
    assert names <= standing(run.project)
    assert names <= published(run.project)
    assert not [text for text in texts if "privacy_waiver" in text]


# it is refused


def test_every_leaky_model_is_refused_by_rule_column_and_path(run: Run) -> None:
    """Each leak fails for its own reason, in one invocation, and skips nobody."""
    assert len(FOLLOWED) >= 350
    assert not not_refused(FOLLOWED, run.outcome)
    assert "skipped" not in run.outcome.results.values()


@pytest.mark.parametrize("header", [{"rule": "waiver"}, {"column": "other"}, {"path": "a.b -> c"}])
def test_comparison_sees_a_wrong_rule_column_or_path(run: Run, header: dict[str, str]) -> None:
    """The twin of the test before: with another header, every refusal is a wrong one."""
    cases = [
        replace(case, header=case.header | header)
        for case in FOLLOWED
        if header.keys() <= case.header.keys()
    ]

    assert len(cases) > 200
    assert not_refused(cases, run.outcome) == [case.path.stem for case in cases]


def test_every_leaky_file_is_run_or_listed(run: Run) -> None:
    """What cannot be a dbt model is a short list, each with its reason."""
    names = {case.path.stem for case in corpus.cases("leaky")}
    ran = {name for name in names if f"model.corpora.{name}" in run.outcome.results}

    assert len(NO_MODEL) < 15
    assert names == ran | {case.path.stem for case in STOPPED} | set(NO_MODEL)


def test_model_over_delivered_data_stops_the_whole_run(project: DbtProject) -> None:
    """A mart that reads raw, a seed or a snapshot: nothing is built, and each has its refusal."""
    add_models(project, "stopped", [Made.of(case) for case in STOPPED], audience=LEAKY)
    outcome = project.dbt("run")
    graph = project.graph()
    silent = [
        case.path.stem
        for case in STOPPED
        if not rules.refusals(graph, [graph.node(unique_id(case))])
    ]

    assert not outcome.ok
    assert "holds personal data as delivered" in outcome.text
    assert not [name for name in outcome.results if name.startswith("model.")]
    assert not silent


def test_model_over_delivered_data_is_refused_by_the_lineage_too(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the rules about layers switched off, the lineage stops each by rule, column and path."""
    rest = tuple(rule for rule in rules.RULES if rule not in LAYER_RULES)
    monkeypatch.setattr(rules, "RULES", rest)
    add_models(project, "stopped", [Made.of(case) for case in STOPPED], audience=LEAKY)
    outcome = project.dbt("run")
    names = {case.path.stem for case in STOPPED}

    assert len(rules.RULES) > 5
    assert not not_refused(STOPPED, outcome)
    assert not names & standing(project)
    assert not names & published(project)


def test_leak_is_refused_however_the_run_is_cut(project: DbtProject) -> None:
    """`--select`, `--exclude`, `--full-refresh` and `dbt retry` build no leak either."""
    add_models(
        project,
        "few",
        named("001_alias_plain", "154_unguarded_mean_avg", "342_class_lowered_copy"),
        audience=LEAKY,
    )
    marts = {path.stem for path in project.root.glob("models/mart/few/*.sql")}
    cases = [case for case in FOLLOWED if case.path.stem in marts]
    for arguments in (
        ("run", "--select", "001_alias_plain", "154_unguarded_mean_avg"),
        ("run", "--exclude", "psn_jobs", "342_class_lowered_copy"),
        ("run", "--full-refresh", "--select", "path:models/mart/few"),
        ("retry",),
    ):
        outcome = project.dbt(*arguments)
        assert not not_refused(cases, outcome), arguments

    assert len(cases) == 2
    assert not {case.path.stem for case in cases} & standing(project)


def test_without_the_lineage_gate_the_same_models_are_built(
    project: DbtProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate bears load: nothing else in a build stops these leaks."""
    models = named(*BUILT_WITHOUT_GATE)
    add_models(project, "few", models, audience=LEAKY, counted=True)
    with_gate = project.dbt("run")
    before = standing(project)
    check = Chain.check

    def blind(chain: Chain, node: Node, sql: str) -> tuple[Analysis, Definition]:
        analysis, definition = check(chain, node, sql)
        return replace(analysis, refusals=()), definition

    monkeypatch.setattr(Chain, "check", blind)
    without = project.dbt("run")

    assert len(models) == len(BUILT_WITHOUT_GATE)
    for name in BUILT_WITHOUT_GATE:
        assert with_gate.results[f"model.corpora.{name}"] == "error"
        assert without.results[f"model.corpora.{name}"] == "success", without.text
    assert not before & set(BUILT_WITHOUT_GATE)
    assert set(BUILT_WITHOUT_GATE) <= standing(project)
    assert {model.name for model in models if model.layer == "mart"} <= published(project)


# an attacker learns nothing


def test_no_leak_stands_in_a_zone_or_is_published(run: Run) -> None:
    """No table, no view, no file has the name of a leaky model, and their audience has none."""
    names = {case.path.stem for case in FOLLOWED}

    assert not names & standing(run.project)
    assert not names & published(run.project)
    assert LEAKY not in published(run.project)
    assert not (run.project.root / "published" / LEAKY).exists()
