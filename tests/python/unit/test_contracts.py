"""Data contracts: drafted from the graph, valid in the standard, and compared."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

from veil.contracts import as_yaml, contract_breaks, drafts, file_name, merged, read_contracts
from veil.contracts.types import logical, physical
from veil.errors import VeilError
from veil.findings import as_text
from veil.policy.graph import Graph

MART = "model.demo.wages"
Change = Callable[[dict[str, Any]], None]


def _test(name: str, *, namespace: str | None = None, **kwargs: Any) -> dict[str, Any]:
    return {
        "unique_id": f"test.demo.{name}.{kwargs.get('column_name', '')}",
        "resource_type": "test",
        "name": name,
        "attached_node": MART,
        "column_name": kwargs.get("column_name"),
        "config": {"severity": "ERROR"},
        "test_metadata": {"name": name, "namespace": namespace, "kwargs": kwargs},
    }


def manifest() -> dict[str, Any]:
    """One mart with a gate, a few tests and an owner."""
    columns = {
        "year": ("integer", "Year."),
        "sex": ("text", "Sex as recorded."),
        "people_count": ("bigint", "People."),
        "job_count": ("bigint", "Jobs."),
        "wages_mean": ("decimal(10, 2)", "Mean wages."),
    }
    mart = {
        "unique_id": MART,
        "resource_type": "model",
        "name": "wages",
        "description": "Wages by sex. One row per year and sex.",
        "config": {
            "group": "statistics",
            "meta": {
                "privacy_audience": "board",
                "privacy_population": "Employees, by year",
                "privacy_release": "suppressed",
                "privacy_unit": "person_key",
                "privacy_threshold": 11,
                "privacy_purpose": "Pay gap",
                "privacy_retention": "5 years",
            },
        },
        "columns": {
            name: {"name": name, "data_type": kind, "description": text, "constraints": []}
            for name, (kind, text) in columns.items()
        },
        "depends_on": {"nodes": []},
    }
    tests = [
        _test(
            "no_small_cells",
            namespace="veil",
            count_column="people_count",
            grain=["year", "sex"],
            magnitudes=["wages_mean"],
        ),
        _test("not_null", column_name="year"),
        _test("accepted_values", column_name="sex", values=["ada", "grace"]),
    ]
    nodes = {MART: mart, **{one["unique_id"]: one for one in tests}}
    groups = {"group.demo.statistics": {"name": "statistics", "owner": {"name": "Statistics"}}}
    return {"nodes": nodes, "sources": {}, "groups": groups}


def _draft(raw: dict[str, Any]) -> dict[str, Any]:
    (one,) = drafts(raw, threshold=11)
    return one


def _baseline(folder: Path, raw: dict[str, Any] | None = None) -> Path:
    one = _draft(raw or manifest())
    folder.mkdir(exist_ok=True)
    (folder / file_name(one)).write_text(as_yaml(one), encoding="utf-8")
    return folder


def _compare(folder: Path, raw: dict[str, Any]) -> list[tuple[str, str]]:
    found = contract_breaks(folder, Graph(raw), threshold=11)
    return [(one.level.value, one.rule) for one in found]


def _schema() -> dict[str, Any]:
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_a_draft_is_valid_in_the_standard() -> None:
    """The standard's own JSON schema accepts it, after a trip through YAML."""
    loaded = yaml.safe_load(as_yaml(_draft(manifest())))
    errors = [error.message for error in Draft201909Validator(_schema()).iter_errors(loaded)]

    assert errors == []


def test_the_schema_would_refuse_a_wrong_one() -> None:
    """A key that the standard does not know, or a missing version, is an error."""
    unknown = {**_draft(manifest()), "privacy": "on"}
    missing = {key: value for key, value in _draft(manifest()).items() if key != "version"}
    validator = Draft201909Validator(_schema())

    assert "'privacy' was unexpected" in str(list(validator.iter_errors(unknown)))
    assert "'version' is a required property" in str(list(validator.iter_errors(missing)))


def test_a_draft_says_what_the_yaml_says() -> None:
    """Purpose, owner, retention, audience, grain, nullability and threshold are where they go."""
    one = _draft(manifest())
    table = one["schema"][0]
    columns = {column["name"]: column for column in table["properties"]}
    custom = {item["property"]: item["value"] for item in one["customProperties"]}

    assert one["id"] == "demo.wages"
    assert one["version"] == "1.0.0"
    assert one["description"]["purpose"] == "Pay gap"
    assert "fewer than 11 distinct people" in one["description"]["limitations"]
    assert one["team"] == {"name": "Statistics"}
    assert one["roles"] == [{"role": "board", "access": "read"}]
    assert one["slaProperties"] == [{"property": "retention", "value": "5 years"}]
    assert table["dataGranularityDescription"] == "One row per year and sex."
    assert [columns[name]["required"] for name in ("year", "sex")] == [True, False]
    assert columns["sex"]["physicalType"] == "VARCHAR"
    assert columns["wages_mean"]["logicalType"] == "number"
    assert custom["privacy_grain"] == ["year", "sex"]
    assert custom["privacy_threshold"] == 11


def test_the_gate_becomes_rules_that_a_contract_tool_can_run() -> None:
    """The threshold binds every count and no magnitude; a hidden count hides the rest."""
    rules = {rule["name"]: rule for rule in _draft(manifest())["schema"][0]["quality"]}

    assert rules["no_small_cells"]["query"].endswith("people_count < 11 or job_count < 11")
    assert rules["hidden_cells_are_hidden"]["query"].endswith(
        "people_count is null and (job_count is not null or wages_mean is not null)"
    )
    assert rules["one_row_per_cell"]["arguments"] == {"properties": ["year", "sex"]}


def test_values_in_a_test_do_not_reach_the_contract() -> None:
    """A test that the standard cannot say is named, and its arguments stay where they are."""
    text = as_yaml(_draft(manifest()))

    assert "data_test: accepted_values" in text
    assert "grace" not in text


def test_a_threshold_is_the_one_that_the_gate_applies() -> None:
    """The mart's own, else the project's; the gate may raise it and not lower it."""
    raw = manifest()
    gate = raw["nodes"]["test.demo.no_small_cells."]["test_metadata"]["kwargs"]
    seen = []
    for own, raised in ((20, None), (None, None), (20, 30), (20, 5)):
        raw["nodes"][MART]["config"]["meta"]["privacy_threshold"] = own
        gate["threshold"] = raised
        custom = {one["property"]: one["value"] for one in _draft(raw)["customProperties"]}
        seen.append(custom["privacy_threshold"])

    assert seen == [20, 11, 30, 20]


@pytest.mark.parametrize(
    ("meta", "version", "expected"),
    [(None, None, "1.0.0"), (None, 2, "2.0.0"), ("3.1.4", 2, "3.1.4")],
)
def test_the_version_comes_from_the_yaml(
    meta: str | None, version: int | None, expected: str
) -> None:
    """`privacy_contract_version` first, then dbt's model version, then 1.0.0."""
    raw = manifest()
    raw["nodes"][MART]["version"] = version
    if meta:
        raw["nodes"][MART]["config"]["meta"]["privacy_contract_version"] = meta

    assert _draft(raw)["version"] == expected


@pytest.mark.parametrize(
    ("data_type", "one_name", "meaning"),
    [
        ("int", "INTEGER", "integer"),
        ("text", "VARCHAR", "string"),
        ("Decimal(10, 2)", "DECIMAL(10, 2)", "number"),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE", "timestamp"),
        ("integer[]", "INTEGER[]", "array"),
        ("struct(a int)", "STRUCT(A INT)", "object"),
        ("blob", "BLOB", ""),
    ],
)
def test_types_have_one_name_and_a_meaning(data_type: str, one_name: str, meaning: str) -> None:
    """Aliases are the same type; a type without a counterpart has no logical type."""
    assert (physical(data_type), logical(data_type)) == (one_name, meaning)


def test_unchanged_models_break_nothing(tmp_path: Path) -> None:
    """What was written agrees with what is drafted again."""
    assert _compare(_baseline(tmp_path / "contracts"), manifest()) == []


def test_without_contracts_nothing_is_compared(tmp_path: Path) -> None:
    """A team that keeps no contracts is not asked for any."""
    assert _compare(tmp_path / "contracts", manifest()) == []


def _column(raw: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = raw["nodes"][MART]["columns"]
    return columns


def _meta(raw: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = raw["nodes"][MART]["config"]["meta"]
    return meta


def _gate(raw: dict[str, Any]) -> dict[str, Any]:
    kwargs: dict[str, Any] = raw["nodes"]["test.demo.no_small_cells."]["test_metadata"]["kwargs"]
    return kwargs


BREAKING: dict[str, Change] = {
    "a column is removed": lambda raw: _column(raw).pop("job_count"),
    "a column is renamed": lambda raw: _column(raw).update(
        jobs={**_column(raw).pop("job_count"), "name": "jobs"}
    ),
    "a column is retyped": lambda raw: _column(raw)["sex"].update(data_type="integer"),
    "a column may be empty": lambda raw: raw["nodes"].pop("test.demo.not_null.year"),
    "a rule is gone": lambda raw: raw["nodes"].pop("test.demo.accepted_values.sex"),
    "the gate is gone": lambda raw: raw["nodes"].pop("test.demo.no_small_cells."),
    "the threshold is lowered": lambda raw: _meta(raw).update(privacy_threshold=5),
    "the threshold is left to the project": lambda raw: _meta(raw).update(privacy_threshold=10),
    "the audience is another": lambda raw: _meta(raw).update(privacy_audience="public"),
    "the population is another": lambda raw: _meta(raw).update(privacy_population="All"),
    "the unit is another": lambda raw: _meta(raw).update(privacy_unit="household_key"),
    "the grain is finer": lambda raw: _gate(raw).update(grain=["year", "sex", "job_count"]),
    "a count becomes a magnitude": lambda raw: _gate(raw).update(
        magnitudes=["wages_mean", "job_count"]
    ),
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_a_breaking_change_is_refused_without_a_major_step(tmp_path: Path, change: Change) -> None:
    """A minor step does not do; a major one does, and asks for the new contract to be written."""
    folder = _baseline(tmp_path / "contracts")
    seen = []
    for version in (None, "1.1.0", "2.0.0"):
        raw = manifest()
        change(raw)
        if version:
            _meta(raw)["privacy_contract_version"] = version
        seen.append(set(_compare(folder, raw)))

    broken = {("error", "contract_break")}
    assert seen == [broken, broken, {("warning", "contract_stale")}]


HARMLESS: dict[str, Change] = {
    "a column is added": lambda raw: _column(raw).update(
        note={"name": "note", "data_type": "text", "description": "Note."}
    ),
    "a type gets its other name": lambda raw: _column(raw)["sex"].update(data_type="varchar"),
    "the threshold is raised": lambda raw: _meta(raw).update(privacy_threshold=20),
    "a column is never empty any more": lambda raw: raw["nodes"].update(
        {"test.demo.not_null.sex": _test("not_null", column_name="sex")}
    ),
    "a description is mended": lambda raw: _column(raw)["sex"].update(description="Sex."),
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_breaks_nobody_is_no_error(tmp_path: Path, change: Change) -> None:
    """At most the contract is to be written anew."""
    raw = manifest()
    change(raw)

    assert set(_compare(_baseline(tmp_path / "contracts"), raw)) <= {("warning", "contract_stale")}


def test_a_finding_names_mart_column_and_way_out(tmp_path: Path) -> None:
    """What an engineer needs to mend it, in two lines."""
    raw = manifest()
    BREAKING["a column is retyped"](raw)
    (one,) = contract_breaks(_baseline(tmp_path / "contracts"), Graph(raw), threshold=11)

    assert (one.model, one.column) == ("wages", "sex")
    assert one.file == "contracts/demo.wages.odcs.yaml"
    assert "VARCHAR" in one.message
    assert "INTEGER" in one.message
    assert '"2.0.0"' in one.remedy
    assert "`privacy_contract_version`" in one.remedy


@pytest.mark.parametrize("version", ["0.9.0", "one", "2"])
def test_a_version_that_goes_back_or_is_none_is_refused(tmp_path: Path, version: str) -> None:
    """Versions have three numbers and rise."""
    raw = manifest()
    _meta(raw)["privacy_contract_version"] = version
    found = _compare(_baseline(tmp_path / "contracts"), raw)

    assert found == [("error", "contract_version")]


@pytest.mark.parametrize(("status", "level"), [("active", "error"), ("retired", None)])
def test_a_mart_that_is_gone_needs_a_retired_contract(
    tmp_path: Path, status: str, level: str | None
) -> None:
    """Readers of an active contract would find nothing."""
    folder = _baseline(tmp_path / "contracts")
    file = folder / "demo.wages.odcs.yaml"
    file.write_text(file.read_text().replace("status: active", f"status: {status}"))
    raw = manifest()
    del raw["nodes"][MART]
    found = _compare(folder, raw)

    assert found == ([(level, "contract_removed")] if level else [])


def test_a_draft_contract_binds_nobody(tmp_path: Path) -> None:
    """Until it is active, a contract may change freely."""
    folder = _baseline(tmp_path / "contracts")
    file = folder / "demo.wages.odcs.yaml"
    file.write_text(file.read_text().replace("status: active", "status: draft"))
    raw = manifest()
    BREAKING["a column is removed"](raw)

    assert _compare(folder, raw) == [("warning", "contract_stale")]


def test_a_mart_without_a_contract_is_said_once_there_are_contracts(tmp_path: Path) -> None:
    """A new mart joins the others by a warning."""
    folder = _baseline(tmp_path / "contracts")
    raw = manifest()
    other = copy.deepcopy(raw["nodes"][MART])
    other.update(unique_id="model.demo.hours", name="hours")
    raw["nodes"]["model.demo.hours"] = other

    assert _compare(folder, raw) == [("warning", "contract_missing")]


def test_what_the_team_wrote_is_kept() -> None:
    """Status and keys that the draft does not know outlive a new draft; its own keys do not."""
    old = {**_draft(manifest()), "status": "deprecated", "support": [{"channel": "a"}]}
    new = merged(_draft(manifest()), {**old, "name": "other"})

    assert (new["status"], new["support"], new["name"]) == (
        "deprecated",
        [{"channel": "a"}],
        "wages",
    )


@pytest.mark.parametrize("text", ["[", "- a list", "name: no id"])
def test_a_broken_contract_is_refused(tmp_path: Path, text: str) -> None:
    """What cannot be read is no baseline; the message names the file, not what is in it."""
    (tmp_path / "a.odcs.yaml").write_text(text)
    with pytest.raises(VeilError, match=r"a\.odcs\.yaml") as caught:
        read_contracts(tmp_path)

    assert text not in str(caught.value)


def test_findings_hold_no_argument_of_a_test(tmp_path: Path) -> None:
    """The values of a test that is gone are not printed."""
    raw = manifest()
    BREAKING["a rule is gone"](raw)
    found = contract_breaks(_baseline(tmp_path / "contracts"), Graph(raw), threshold=11)

    assert found
    assert "grace" not in as_text(found)
