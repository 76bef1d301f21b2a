"""Proposals are better than a bad start, can be pasted, and are plotted as they are."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from releases_support import (
    COUNT,
    DAY,
    MEAN,
    PARTITIONS,
    REGION,
    SUM,
    UNITS,
    VARIANCE,
    declared,
    mart,
    private_mart,
    whole_mart,
)

from veil.differential.noise import add_noise
from veil.differential.sensitivity import Contribution
from veil.policy.graph import Node
from veil.releases.declared import Declared
from veil.releases.plan import plan
from veil.tuning.grids import Grids
from veil.tuning.plot import bars, svg
from veil.tuning.search import Proposal, adopted, plain_number, propose
from veil.tuning.shape import Shape, exact_shape
from veil.tuning.show import Origin, Tuned, as_plain, as_text, yaml_lines

METRICS = (COUNT, UNITS, SUM, MEAN, VARIANCE)
ORIGIN = Origin(kind="synthetic", line="a file declared synthetic", plain={})


def shaped(
    release: Declared, *, people: int, groups: int, rows: int, mean: float, cells: int = 28
) -> tuple[Grids, Shape]:
    """People who are all alike, with exponential values."""
    grids = Grids.of(release, cells=cells)
    pairs = np.zeros((grids.groups.bins, grids.rows.bins))
    at = min(int(np.searchsorted(grids.groups.ends, groups)), grids.groups.bins - 1)
    deep = min(int(np.searchsorted(grids.rows.ends, rows)), grids.rows.bins - 1)
    pairs[at, deep] = people * groups
    values = {}
    for one in grids.values:
        ends = np.array([0.0, *(float(end) for end in one.ends)])
        tails = np.exp(-ends / mean)
        tails[-1] = 0
        values[one.name] = (tails[:-1] - tails[1:]) * people * groups * rows
    shape = exact_shape(grids, people=people, cells=cells, pairs=pairs.ravel(), values=values)
    return grids, shape


def start(upper: int = 500, **meta: object) -> Declared:
    columns = []
    for one in METRICS:
        first = copy.deepcopy(one)
        if "upper" in first[0]["config"]["meta"]:
            first[0]["config"]["meta"]["upper"] = upper
        columns.append(first)
    return declared(mart(REGION, DAY, *columns, public_partitions=PARTITIONS, **meta))


@settings(max_examples=8, deadline=None)
@given(
    people=st.integers(200, 1_000_000),
    groups=st.integers(1, 60),
    rows=st.integers(1, 30),
    mean=st.floats(0.5, 400),
    l0=st.integers(1, 80),
    linf=st.integers(1, 50),
)
def test_a_proposal_is_never_worse_than_the_start(
    people: int, groups: int, rows: int, mean: float, l0: int, linf: int
) -> None:
    """Whatever the data and the declared bounds."""
    release = start(max_partitions_contributed=l0, max_contributions_per_partition=linf)
    grids, shape = shaped(release, people=people, groups=groups, rows=rows, mean=mean)

    found = propose(release, shape, grids)

    assert found.best.total <= found.now.total + 1e-12


def test_a_bad_start_is_left_far_behind() -> None:
    """Bounds that lose nine tenths of everything, for people who could be counted well."""
    release = start(10, max_partitions_contributed=1, max_contributions_per_partition=1)
    grids = Grids.of(release, cells=28, outer={"cost": ("0", "1000")})
    _, narrow = shaped(start(1000), people=100_000, groups=12, rows=4, mean=20)
    found = propose(release, replace(narrow), grids)

    assert found.now.total > 0.6
    assert found.best.total < found.now.total / 5
    assert found.best.bounds == Contribution(
        max_partitions_contributed=12, max_contributions_per_partition=4
    )


def test_few_people_get_tight_bounds_and_many_wide_ones() -> None:
    """The more people, the less noise matters, and the less is thrown away for it."""
    release = start()
    few, many = (
        propose(release, shape, grids).best
        for people in (300, 3_000_000)
        for grids, shape in [shaped(release, people=people, groups=12, rows=4, mean=20)]
    )
    narrow, wide = few.clamps["cost_sum"], many.clamps["cost_sum"]

    assert few.bounds.max_partitions_contributed < many.bounds.max_partitions_contributed
    assert narrow is not None
    assert wide is not None
    assert narrow.upper < wide.upper


def test_proposed_bounds_make_a_real_release_better() -> None:
    """Counts and sums of 4,000 people in 12 groups, drawn with veil's noise, err less.

    The errors differ by a factor above 3, and each is the mean over 28 cells of a count and a sum:
    that noise turns them round has a probability below 1e-9.
    """
    release = declared(
        mart(
            *(REGION, DAY, COUNT, SUM),
            public_partitions=PARTITIONS,
            max_partitions_contributed=1,
            max_contributions_per_partition=1,
        )
    )
    grids, shape = shaped(release, people=4000, groups=12, rows=1, mean=20)
    found = propose(release, shape, grids)
    before = realised(release)
    after = realised(adopted(release, found.best, loss=release.loss))

    assert after * 3 < before


def realised(release: Declared) -> float:
    """Mean relative error of one draw, with bounding as its expectation has it."""
    generator = np.random.default_rng(7)
    values = generator.exponential(20, 4000 * 12)
    clamp = release.metrics[1].clamp
    assert clamp is not None
    cells = np.arange(len(values)) % 28
    kept = generator.random(len(values)) < min(1, release.bounds.max_partitions_contributed / 12)
    steps = np.clip(values, float(clamp.lower), float(clamp.upper)) / float(clamp.resolution)
    noises = plan(release).noises
    rows = np.bincount(cells, weights=kept).astype(np.int64)
    sums = np.bincount(cells, weights=kept * steps).astype(np.int64)
    count, total = add_noise([(rows, noises["visits"]), (sums, noises["cost_sum"])])
    true_rows, true_sums = np.bincount(cells), np.bincount(cells, weights=values)
    return float(
        np.abs(count.values / true_rows - 1).mean()
        + np.abs(total.values * float(clamp.resolution) / true_sums - 1).mean()
    )


@cache
def proposal(release: Declared | None = None) -> tuple[Declared, Shape, Proposal]:
    release = release or start(max_partitions_contributed=1)
    grids, shape = shaped(release, people=50_000, groups=8, rows=2, mean=20)
    return release, shape, propose(release, shape, grids, loss=Fraction(9, 10))


def shown(release: Declared | None = None) -> Tuned:
    found = proposal(release)
    return Tuned(declared=found[0], shape=found[1], proposal=found[2], origin=ORIGIN)


def test_the_yaml_can_be_pasted_and_is_the_proposal() -> None:
    """What is printed, put into the mart's YAML, is what was judged."""
    tuned = shown()
    (pasted,) = yaml.safe_load(yaml_lines(tuned))
    node = mart(REGION, DAY, *METRICS, public_partitions=PARTITIONS)
    raw = copy.deepcopy(dict(node.raw))
    raw["config"]["meta"].update(pasted["config"]["meta"])
    for one in pasted["columns"]:
        raw["columns"][one["name"]]["config"]["meta"].update(one["config"]["meta"])
        raw["columns"][one["name"]]["meta"] = raw["columns"][one["name"]]["config"]["meta"]
    raw["meta"] = raw["config"]["meta"]

    again = declared(Node(raw))

    assert pasted["name"] == "visits_by_region"
    assert again == adopted(replace(tuned.declared), tuned.proposal.best, loss=tuned.proposal.loss)
    assert again.loss == Fraction(9, 10)


def test_a_loss_that_no_decimal_writes_is_a_ratio_in_quotes() -> None:
    """YAML gives back the exact number."""
    tuned = shown()
    tuned = replace(tuned, proposal=replace(tuned.proposal, loss=Fraction(1, 3)))

    assert yaml.safe_load(yaml_lines(tuned))[0]["config"]["meta"]["epsilon"] == "1/3"


@pytest.mark.parametrize(
    "number, text",
    [("0", "0"), ("500", "500"), ("1/8", "0.125"), ("-5/2", "-2.5"), ("1/100", "0.01")],
)
def test_numbers_are_written_with_all_their_digits(number: str, text: str) -> None:
    """No exponent, no float."""
    assert plain_number(Fraction(number)) == text


def test_the_text_has_a_row_for_each_metric_now_and_proposed() -> None:
    """The error of each is split, and its norm is said."""
    text = as_text(shown())

    for name in ("visits", "visitors", "cost_sum", "cost_mean", "cost_variance"):
        assert sum(line.split()[0] == name for line in text.splitlines() if line.strip()) >= 2
    assert "expected absolute error of a cell" in text
    assert "bounding  clamping" in text
    assert "private selection" not in text


def test_private_partitions_are_said_to_be_left_out() -> None:
    """Cells that are not named are no part of the error."""
    release = declared(private_mart(SUM))

    assert "private selection leaves out" in as_text(shown(release))


def test_the_machine_gets_exact_losses_and_all_points() -> None:
    """JSON says what the text says."""
    plain = as_plain(shown())

    assert plain["proposed"]["loss"] == "9/10"
    assert plain["now"]["loss"] == "1/1"
    assert plain["from"]["kind"] == "synthetic"
    assert {one["bound"] for one in plain["profiles"]} == {
        "max_partitions_contributed",
        "max_contributions_per_partition",
        "cost_sum: largest magnitude",
        "cost_mean: largest magnitude",
        "cost_variance: largest magnitude",
    }


def test_the_proposed_point_is_the_lowest_of_its_profile() -> None:
    """Each plot shows its minimum where it is proposed."""
    for profile in proposal()[2].profiles:
        lowest = min(one.total for one in profile.points)
        (chosen,) = [one for one in profile.points if one.is_proposed]

        assert chosen.total == pytest.approx(lowest)
        assert sum(one.is_now for one in profile.points) == 1


def test_bars_show_bias_before_noise() -> None:
    """Every bar is as long as its error, `#` first."""
    for line in bars(proposal()[2].profiles)[2:]:
        if line.startswith("  ") and "%" in line:
            bar = line.split("%")[0].split()[-2]

            assert set(bar) <= set("#.~")
            assert "#" not in bar.lstrip("#")


def test_the_picture_is_whole_and_loads_nothing() -> None:
    """An SVG with the bars of the text; no script, link or file."""
    found = proposal()[2]
    text = svg(found.profiles, title="visits <&> more")
    root = ElementTree.fromstring(text)
    names = {one.tag.rpartition("}")[2] for one in root.iter()}
    bars_drawn = [one for one in root.iter() if one.tag.endswith("rect") and one.get("x") == "90"]

    assert names == {"svg", "title", "rect", "text"}
    assert "href" not in text
    assert len(bars_drawn) == sum("%" in line for line in bars(found.profiles))
    assert float(root.get("height", "0")) > max(float(one.get("y", "0")) for one in bars_drawn)


def test_metrics_whose_bounds_are_not_tuned_keep_them() -> None:
    """A median and a histogram show what their bounds say; they are judged, not changed."""
    release = declared(whole_mart())
    _, _, found = proposal(release)
    own = {one.name: one.clamp for one in release.metrics}

    assert found.best.clamps["cost_median"] == own["cost_median"]
    assert found.best.clamps["cost_bins"] == own["cost_bins"]
    assert set(found.best.errors) == set(own)
