"""The contract of a differential mart: what it promises, and what breaks it."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator
from releases_support import COUNT, MEAN, PARTITIONS, changed, mart, private_mart, whole_mart

from veil.contracts import as_yaml, contract_breaks, drafts, file_name
from veil.findings import Finding
from veil.policy.graph import Graph, Node


def manifest(node: Node) -> dict[str, Any]:
    return {"nodes": {node.unique_id: node.raw}, "sources": {}, "groups": {}}


def drafted(node: Node) -> dict[str, Any]:
    (one,) = drafts(manifest(node), threshold=11)
    return one


def custom(contract: dict[str, Any]) -> dict[str, Any]:
    return {one["property"]: one["value"] for one in contract.get("customProperties", ())}


def compared(folder: Path, before: Node, after: Node) -> list[Finding]:
    """What changes between two states of a mart, with the first one's contract committed."""
    one = drafted(before)
    (folder / file_name(one)).write_text(as_yaml(one), encoding="utf-8")
    return contract_breaks(folder, Graph(manifest(after)), threshold=11)


def test_a_contract_says_what_is_promised_of_a_person() -> None:
    """Unit, loss, bounds and confidence are in it, and no threshold, which protects nobody here."""
    contract = drafted(whole_mart(privacy_unit_within="day"))
    found = custom(contract)
    promise = found["privacy_differential"]

    assert promise["privacy_unit"] == "visitor_key within a day"
    assert (promise["epsilon"], promise["delta"], promise["partitions"]) == ("1", "0", "public")
    assert promise["max_partitions_contributed"] == 4
    assert promise["metrics"]["cost_sum"]["upper"] == 500
    assert found["privacy_grain"] == ["region", "day"]
    assert "privacy_threshold" not in found
    assert "about that noise alone" in contract["description"]["limitations"]


def test_every_column_has_its_role() -> None:
    """A reader's program tells keys, numbers and the ends of their intervals apart."""
    (table,) = drafted(mart(MEAN, COUNT))["schema"]
    roles = {one["name"]: custom(one).get("privacy_role") for one in table["properties"]}

    assert roles == {
        **dict.fromkeys(("cost_mean", "visits"), "metric"),
        **dict.fromkeys(
            ("cost_mean_low", "cost_mean_high", "visits_low", "visits_high"), "interval"
        ),
    }
    assert [rule["name"] for rule in table["quality"]] == ["one_row"]


@pytest.mark.parametrize("node", [whole_mart(), private_mart(pre_threshold=5), mart(COUNT)])
def test_a_draft_is_valid_in_the_standard(node: Node) -> None:
    """The standard's own schema accepts it after a trip through YAML, which changes nothing."""
    schema = resources.files("open_data_contract_standard").joinpath("schema.json").read_text()
    one = drafted(node)
    loaded = yaml.safe_load(as_yaml(one))

    assert list(Draft201909Validator(json.loads(schema)).iter_errors(loaded)) == []
    assert loaded == one


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        pytest.param({"epsilon": 2}, "`epsilon` was 1 and is 2", id="a larger loss"),
        pytest.param({"epsilon": 0.5}, "`epsilon` was 1 and is 0.5", id="a smaller loss"),
        pytest.param(
            {"epsilon": None, "rho": 1, "noise_kind": "gaussian"},
            "`rho` was nothing and is 1",
            id="another measure",
        ),
        pytest.param(
            {"max_partitions_contributed": 9},
            "`max_partitions_contributed` was 4 and is 9",
            id="another bound",
        ),
        pytest.param(
            {"privacy_unit_within": "day"},
            "`privacy_unit` was visitor_key and is visitor_key within a day",
            id="a unit within a day",
        ),
        pytest.param({"confidence": 0.5}, "`confidence` was 0.95 and is 0.5", id="confidence"),
        pytest.param(
            {"privacy_increment": "day"},
            "`counted_for_each` was release and is day",
            id="a release for each day",
        ),
    ],
)
def test_another_promise_breaks_the_contract(
    tmp_path: Path, meta: dict[str, Any], said: str
) -> None:
    """A larger loss takes from people, a smaller one from readers: both need a major step."""
    found = compared(tmp_path, whole_mart(), whole_mart(**meta))
    stepped = compared(tmp_path, whole_mart(), whole_mart(**meta, privacy_contract_version="2.0.0"))

    assert {one.rule for one in found} == {"contract_break"}
    assert said in " ".join(one.message for one in found)
    assert [one.rule for one in stepped] == ["contract_stale"]


def test_private_partitions_are_another_promise(tmp_path: Path) -> None:
    """Which cells there are is protected, or it is not."""
    public = mart(*private_mart().raw["columns"].values(), public_partitions={"region": ["a"]})
    found = " ".join(one.message for one in compared(tmp_path, private_mart(), public))

    assert "`partitions` was private and is public" in found
    assert "`delta` was 0.000001 and is 0" in found


def test_another_bound_on_values_breaks_the_contract(tmp_path: Path) -> None:
    """What a metric is computed from is part of what it means."""
    after = mart(changed(MEAN, upper=900), COUNT)
    (found,) = compared(tmp_path, mart(MEAN, COUNT), after)

    assert found.rule == "contract_break"
    assert "what `cost_mean` measures, or its bounds, changed" in found.message


def test_more_public_cells_and_another_period_break_nothing(tmp_path: Path) -> None:
    """Rows that come, and when it is drawn again, are not promised."""
    more = {**PARTITIONS, "region": ["east", "north", "south"]}
    after = whole_mart(public_partitions=more, privacy_release_period=2)

    assert compared(tmp_path, whole_mart(), after) == []


def test_a_mart_that_is_not_whole_loses_its_promise(tmp_path: Path) -> None:
    """A bound that was taken out breaks the contract, and no error ends the check."""
    broken = whole_mart(max_partitions_contributed=None)
    found = compared(tmp_path, whole_mart(), broken)

    assert {one.rule for one in found} == {"contract_break"}
    assert "`epsilon` was 1 and is nothing" in " ".join(one.message for one in found)
