"""How masks compare: which is weaker, which is stronger, and where only a person can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from exposure_support import compared, scene

from veil.exposure import Severity
from veil.exposure.strength import Strength, arguments, masks, worst
from veil.exposure.treatments import CATALOGUE, Treatments

CATALOGUE_FILE = Path(__file__).parents[3] / "macros" / "masking" / "_mask_catalogue.sql"
WEAKER = [
    # mask, argument, stronger value, weaker value
    ("partial", "keep_first", 0, 2),
    ("partial", "keep_last", 1, 4),
    ("email_domain", "minimum", 50, 11),
    ("ip_prefix", "v4", 16, 24),
    ("ip_prefix", "v6", 32, 48),
    ("truncate_date", "unit", "year", "day"),
    ("truncate_date", "unit", "decade", "year"),
    ("truncate_date", "unit", "month", "week"),
    ("shift_date", "days", 180, 30),
    ("age_band", "width", 10, 5),
    ("age_band", "top", 80, 90),
    ("bucket", "edges", [0, 100], [0, 50, 100]),
    ("round_to", "step", 1000, 100),
    ("top_code", "most", 100_000, 250_000),
    ("bottom_code", "least", 10, 0),
    ("postcode_prefix", "minimum", 20_000, 1_000),
    ("postcode_prefix", "digits", 2, 3),
    ("noise", "scale", 10, 2.5),
]
OTHER = [
    ("shift_date", "person", "ssn", "mail"),
    ("noise", "person", "ssn", "mail"),
    ("bucket", "edges", [0, 100], [0, 90]),
    ("generalize", "hierarchy", "cities", "towns"),
    ("generalize", "level", "region", "district"),
    ("postcode_prefix", "population", "people", "other"),
    ("round_to", "step", 10, "ten"),
    ("round_to", "step", 10, None),
    ("unheard_of", "much", 1, 2),
]


def _compared(mask: str, name: str, before: Any, after: Any) -> list[Strength]:
    return [one for _, one in arguments(mask, {name: before}, {name: after})]


@pytest.mark.parametrize(("mask", "name", "strong", "weak"), WEAKER)
def test_an_argument_that_leaves_more_is_weaker(
    mask: str, name: str, strong: Any, weak: Any
) -> None:
    """In one direction it is weaker, in the other stronger, and equal to itself."""
    assert _compared(mask, name, strong, weak) == [Strength.WEAKER]
    assert _compared(mask, name, weak, strong) == [Strength.STRONGER]
    assert _compared(mask, name, weak, weak) == []


@pytest.mark.parametrize(("mask", "name", "before", "after"), OTHER)
def test_what_has_no_order_is_for_a_person(mask: str, name: str, before: Any, after: Any) -> None:
    """In both directions."""
    assert _compared(mask, name, before, after) == [Strength.OTHER]
    assert _compared(mask, name, after, before) == [Strength.OTHER]


def test_every_argument_of_the_catalogue_has_a_rule() -> None:
    """An argument that is added to the catalogue is weighed here too."""
    text = CATALOGUE_FILE.read_text().split("set catalogue -%}")[1].split("{%- endset")[0]
    known = {(mask, name) for mask, name, *_ in (*WEAKER, *OTHER)} | {("constant", "value")}
    there = {
        (mask, name) for mask, one in yaml.safe_load(text).items() for name in one["arguments"]
    }

    assert there <= known


def test_only_the_ends_of_the_scale_are_ordered() -> None:
    """Nothing is less than dropped, and nothing more than kept; what is between has no order."""
    chain = ["drop", "constant", "redact", "pseudonym", "keep"]
    pairs = [(one, two) for at, one in enumerate(chain) for two in chain[at + 1 :]]

    assert {masks(one, two) for one, two in pairs} == {Strength.WEAKER}
    assert {masks(two, one) for one, two in pairs} == {Strength.STRONGER}
    assert masks("pseudonym", "email_domain") is masks("bucket", "round_to") is Strength.OTHER
    assert masks("keep", "keep") is Strength.SAME
    assert masks("", "redact") is masks("redact", "") is Strength.OTHER


def test_one_weaker_argument_outweighs_a_stronger_one() -> None:
    """The worst of several."""
    assert worst([Strength.STRONGER, Strength.WEAKER, Strength.OTHER]) is Strength.WEAKER
    assert worst([Strength.STRONGER, Strength.OTHER]) is Strength.OTHER
    assert worst([]) is Strength.SAME


def test_a_default_counts_as_what_it_is() -> None:
    """Writing down the catalogue's default changes nothing; leaving out another value does."""
    same, before, after = scene(), scene(), scene()
    for one in (same, after):
        one.mask("age", "age_band")
    assert compared(scene(), same) == []

    before.mask("age", "age_band", width=20)
    (found,) = compared(before, after)

    assert (found.before, found.after, found.severity) == ("20", "10", Severity.LOOK)


def test_the_catalogue_is_read_from_the_package() -> None:
    """The defaults are those of the macro that masks."""
    macros = {CATALOGUE: {"macro_sql": CATALOGUE_FILE.read_text()}}
    node = type(
        "Node", (), {"raw": {"columns": {"a": {"name": "a", "meta": {"privacy_mask": "age_band"}}}}}
    )
    found = Treatments(macros).of(node, {})["columns"]["a"]  # type: ignore[arg-type]

    assert found["arguments"] == {"top": 90, "width": 10}
