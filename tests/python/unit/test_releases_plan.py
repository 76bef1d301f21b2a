"""Plans: every metric pays its own share, and all shares together are at most what is declared."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from releases_support import (
    BOUNDED,
    COUNT,
    DISTINCT,
    HISTOGRAM,
    MEAN,
    MEDIAN,
    REGION,
    SUM,
    UNITS,
    VARIANCE,
    changed,
    declared,
    mart,
    metric,
    private_mart,
    whole_mart,
)

from veil.audit.fields import NAME
from veil.differential.intervals import half_width
from veil.differential.measures import Charge, Measure
from veil.differential.noise import NoiseKind
from veil.differential.sensitivity import Contribution, Sensitivity
from veil.differential.tails import reach
from veil.errors import VeilError
from veil.releases.declared import Declared, MetricKind
from veil.releases.parts import Aggregate, parts_of
from veil.releases.plan import SELECTION, Plan, expected_error, plan

METRICS = [COUNT, UNITS, SUM, MEAN, VARIANCE, MEDIAN, HISTOGRAM, DISTINCT]
GAUSSIAN = {"noise_kind": "gaussian", "epsilon": None}
# The largest value is 500.00, that is 50,000 steps; L0 is 4 and Linf 2.
L1 = {
    "visits": 8,
    "visitors": 4,
    "cost_sum": 8 * 50_000,
    "cost_mean.sum": 8 * 50_000,
    "cost_mean.count": 8,
    "cost_variance.sum_of_squares": 8 * 50_000**2,
    "cost_variance.sum": 8 * 50_000,
    "cost_variance.count": 8,
    # 100 bins under 7 nodes: two levels.
    "cost_median": 16,
    "cost_bins": 8,
    "services": 8,
}


def names(found: Declared) -> dict[str, Any]:
    """The metrics by name."""
    return {one.name: one for one in found.metrics}


def test_the_parts_of_every_metric_are_those_of_its_arithmetic() -> None:
    """Sensitivities of one unit with L0 4 and Linf 2, from the definitions."""
    found = plan(declared(whole_mart()))
    parts = {part.name: part for part in found.parts}

    assert {name: part.sensitivity.l1 for name, part in parts.items()} == L1
    assert parts["visits"].sensitivity == Sensitivity(l1=8, l2_squared=16)
    assert parts["visitors"].sensitivity == Sensitivity(l1=4, l2_squared=4)
    assert parts["cost_median"].sensitivity == Sensitivity(l1=16, l2_squared=32)
    assert {name: part.width for name, part in parts.items() if part.width > 1} == {
        "cost_median": 107,
        "cost_bins": 50,
    }
    assert parts["cost_mean.count"].aggregate is Aggregate.VALUES
    assert {part.aggregate for part in found.parts} == set(Aggregate)
    assert parts["visits"].column is None
    assert parts["cost_mean.count"].column == "cost"


def test_rows_with_a_value_are_another_count() -> None:
    """`metric_column` makes a count of rows one of values."""
    found = declared(mart(changed(COUNT, metric_column="cost")))

    assert plan(found).parts[0].aggregate is Aggregate.VALUES
    assert plan(declared(mart(COUNT))).parts[0].aggregate is Aggregate.ROWS


def test_a_loss_is_split_by_weight_and_evenly_over_parts() -> None:
    """A sum of weight 2, a mean and a count: 1/2, two eighths, 1/4; here in exact powers of two."""
    found = plan(declared(mart(SUM, MEAN, COUNT)))

    assert {name: charge.loss for name, charge in found.charges} == {
        "cost_sum": Fraction(1, 2),
        "cost_mean.sum": Fraction(1, 8),
        "cost_mean.count": Fraction(1, 8),
        "visits": Fraction(1, 4),
    }
    assert found.cost.loss == 1
    assert found.noises["visits"].scale == 32.0
    assert found.noises["cost_sum"].scale == 800_000.0


def test_selection_pays_a_share_and_the_delta() -> None:
    """Weight 1, on distinct units: L0 and not L0 times Linf. Its threshold is the tail's."""
    found = plan(declared(private_mart(UNITS, delta="1e-6", pre_threshold=3)))
    charges = dict(found.charges)
    selection = found.selection

    assert selection is not None
    assert charges[SELECTION].delta == Fraction(1, 1_000_000)
    assert charges[SELECTION].loss <= Fraction(1, 3) < charges[SELECTION].loss * (1 + 10**-15)
    assert Fraction(selection.noise.scale) * charges[SELECTION].loss == 4
    assert selection.threshold == 3 + reach(selection.noise, Fraction(1, 4_000_000))
    assert found.cost.delta == Fraction(1, 1_000_000)
    assert {name for name, charge in found.charges if charge.delta} == {SELECTION}


def test_public_partitions_need_no_selection() -> None:
    """Neither noise nor charge nor delta."""
    found = plan(declared(whole_mart()))

    assert found.selection is None
    assert found.cost.delta == 0
    assert SELECTION not in dict(found.charges)


metric_sets = st.lists(st.sampled_from(range(len(METRICS))), min_size=1, unique=True)
decimals = st.integers(1, 5000).map(lambda whole: str(whole / 1000))


@given(
    chosen=metric_sets,
    loss=decimals,
    weights=st.lists(decimals, min_size=8, max_size=8),
    bounds=st.tuples(st.integers(1, 400), st.integers(1, 50)),
    kind=st.sampled_from(list(NoiseKind)),
    is_private=st.booleans(),
)
def test_charges_never_exceed_what_is_declared(
    chosen: list[int],
    loss: str,
    weights: list[str],
    bounds: tuple[int, int],
    kind: NoiseKind,
    is_private: bool,
) -> None:
    """Exactly at most the loss, and within a millionth of a millionth of it; and deterministic."""
    measure = "epsilon" if kind is NoiseKind.LAPLACE else "rho"
    node = mart(
        *[REGION] * is_private,
        *(changed(METRICS[at], weight=weights[at]) for at in chosen),
        noise_kind=kind.value,
        max_partitions_contributed=bounds[0],
        max_contributions_per_partition=bounds[1],
        delta="1e-9" if is_private else None,
        **{"epsilon": None, measure: loss},
    )
    try:
        found = plan(declared(node))
    except VeilError as error:
        # Squares of large bounds at a small loss: noise that 64 bits do not hold.
        assert "`scale`" in error.message
        return

    assert found.cost.measure is Measure(measure)
    assert Fraction(loss) * (1 - Fraction(1, 10**12)) < found.cost.loss <= Fraction(loss)
    assert charged_as_drawn(found)
    assert plan(declared(node)) == found
    assert all(NAME.fits(name) for name, _ in found.charges)


def charged_as_drawn(found: Plan) -> bool:
    """Whether every part is charged for the very scale that its noise has."""
    charges = dict(found.charges)
    right = []
    for part in found.parts:
        scale, one = found.noises[part.name].exact_scale, part.sensitivity
        if found.declared.measure is Measure.EPSILON:
            loss = one.l1 / scale
        else:
            loss = one.l2_squared / (2 * scale**2)
        right.append(charges[part.name] == Charge(measure=found.declared.measure, loss=loss))
    return all(right)


def test_a_charge_for_another_scale_would_be_noticed() -> None:
    """The twin: noise of 999 thousandths of the scale, charged as if it were whole."""
    found = plan(declared(whole_mart()))
    noise = found.noises["visits"]
    weaker = {**found.noises, "visits": replace(noise, scale=noise.scale * 0.999)}

    assert charged_as_drawn(found)
    assert not charged_as_drawn(replace(found, noises=weaker))


def test_no_metric_shares_a_part_with_another() -> None:
    """Two counts of the same rows are two draws, and two charges."""
    found = plan(declared(mart(COUNT, metric("also", "count"), MEAN)))

    assert len({part.name for part in found.parts}) == 4
    assert len(found.charges) == 4
    assert found.cost.loss == 1


def test_a_unit_within_a_day_moves_as_much_as_any_unit() -> None:
    """Bounding takes a person's day as the unit; a unit is a unit to the arithmetic."""
    whole = plan(declared(whole_mart()))
    within = plan(declared(whole_mart(privacy_unit_within="day")))

    assert (within.parts, within.noises) == (whole.parts, whole.noises)


def test_noise_that_cannot_be_drawn_is_refused_with_its_place() -> None:
    """Squares of cents at an epsilon of one in a billion need noise beyond 64 bits."""
    with pytest.raises(
        VeilError, match=r"model `visits_by_region`, `cost_variance\.sum_of_squares`"
    ):
        plan(declared(mart(VARIANCE, epsilon="1e-9")))


def test_a_metric_without_its_bounds_has_no_parts() -> None:
    """Nothing is released by a metric that a caller built without them."""
    bare = replace(names(declared(mart(SUM)))["cost_sum"], clamp=None)
    bounds = Contribution(max_partitions_contributed=1, max_contributions_per_partition=1)
    for kind in set(MetricKind) - {MetricKind.COUNT, MetricKind.UNITS, MetricKind.DISTINCT}:
        with pytest.raises(VeilError, match="lacks the bounds"):
            parts_of(replace(bare, kind=kind), bounds)


@pytest.mark.parametrize("noise", [{}, {**GAUSSIAN, "rho": 0.5}])
def test_expected_errors_are_the_intervals_that_will_be_drawn(noise: dict[str, Any]) -> None:
    """In the metric's own unit, for every metric whose interval does not depend on the data."""
    found = plan(declared(whole_mart(**noise, confidence=0.9)))
    errors = dict(expected_error(found))
    width = half_width(found.noises["cost_sum"], confidence=Fraction(9, 10))

    assert set(errors) == {"visits", "visitors", "cost_sum", "cost_bins", "services"}
    assert errors["cost_sum"] == Fraction(width, 100)
    assert errors["visitors"] < errors["visits"]


def test_coarser_grids_do_not_change_the_error_in_the_column_s_unit() -> None:
    """Steps of 5 instead of 0.01: the same noise, but for its grid."""
    fine = dict(expected_error(plan(declared(mart(SUM)))))["cost_sum"]
    coarse = metric("minutes", "sum", **{**BOUNDED, "resolution": 5})
    rough = dict(expected_error(plan(declared(mart(coarse)))))["minutes"]

    assert rough % 5 == 0
    assert abs(rough - fine) < 10
