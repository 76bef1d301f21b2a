"""Errors that bounds and noise cost, against closed forms, plain sums and a real release."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from releases_support import (
    COUNT,
    HISTOGRAM,
    MEAN,
    MEDIAN,
    PARTITIONS,
    SUM,
    UNITS,
    VARIANCE,
    column,
    declared,
    mart,
    private_mart,
    whole_mart,
)

from veil.differential.noise import NoiseKind, add_noise
from veil.differential.sensitivity import Clamp, Contribution
from veil.releases.declared import Declared
from veil.releases.plan import plan
from veil.tuning.errors import Error, Judge, expected_absolute, mean_absolute
from veil.tuning.grids import Counts, Grids
from veil.tuning.shape import Shape, exact_shape, noisy_shape

LAPLACE, GAUSSIAN = NoiseKind.LAPLACE, NoiseKind.GAUSSIAN
# Wide bounds: an exponential distribution of mean 1 ends far below.
WIDE: dict[str, Any] = {"metric_column": "cost", "lower": 0, "upper": 20, "resolution": 0.001}


def metrics(kind: str, data_type: str = "decimal(38,3)", **meta: Any) -> list[dict[str, Any]]:
    return [
        column("x", data_type, metric=kind, **{**WIDE, **meta}),
        column("x_low", data_type),
        column("x_high", data_type),
    ]


def of(*columns: Any, **meta: Any) -> Declared:
    whole = {"public_partitions": PARTITIONS, **meta}
    return declared(mart(column("region", "varchar"), column("day", "date"), *columns, **whole))


def bounds(partitions: int, contributions: int) -> Contribution:
    return Contribution(
        max_partitions_contributed=partitions, max_contributions_per_partition=contributions
    )


def cut(upper: str, lower: str = "0", resolution: str = "0.001") -> Clamp:
    return Clamp(lower=Fraction(lower), upper=Fraction(upper), resolution=Fraction(resolution))


def shape_of(
    release: Declared, pairs: dict[tuple[int, int], int], values: Any = (), cells: int = 28
) -> tuple[Grids, Shape]:
    """A shape of pairs by groups and rows, and of values with equal weights."""
    grids = Grids.of(release, cells=cells)
    filled = np.zeros((grids.groups.bins, grids.rows.bins))
    for (groups, rows), count in pairs.items():
        place = np.searchsorted(grids.groups.ends, groups), np.searchsorted(grids.rows.ends, rows)
        filled[place] += count
    numbers = np.asarray(values, dtype=np.float64)
    found = {}
    for one in grids.values:
        ends = np.array([float(end) for end in one.ends])
        bins = np.minimum(np.searchsorted(ends, np.abs(numbers)), len(ends) - 1)
        side = np.where((numbers < 0) & (len(one.sides) > 1), len(ends), 0)
        found[one.name] = np.bincount(bins + side, minlength=one.bins).astype(np.float64)
    people = round(sum(count / groups for (groups, _), count in pairs.items()))
    made = exact_shape(grids, people=people, cells=cells, pairs=filled.ravel(), values=found)
    # Values have weights of their own here: they need not be as many as the rows.
    values = {name: replace(one, share=1.0) for name, one in made.values.items()}
    return grids, replace(made, values=values)


def judged(
    release: Declared,
    held: tuple[Grids, Shape],
    at: Contribution,
    clamp: Clamp | None = None,
    loss: Fraction | None = None,
) -> Error:
    return Judge(release, held[1], held[0], loss=loss).error(release.metrics[0], at, clamp)


@pytest.mark.parametrize("scale", [0.3, 1.0, 7.5, 200.0])
def test_mean_absolute_of_the_discrete_laplace_is_its_sum(scale: float) -> None:
    """The closed form is the sum over all whole numbers."""
    numbers = np.arange(1, 20_000)
    weights = np.exp(-numbers / scale)

    plain = 2 * (numbers * weights).sum() / (1 + 2 * weights.sum())

    assert mean_absolute(LAPLACE, scale) == pytest.approx(plain, rel=1e-9)


def test_mean_absolute_of_a_tiny_scale_is_nothing() -> None:
    """A scale whose hyperbolic sine no float holds gives no overflow."""
    assert mean_absolute(LAPLACE, 1e-5) == 0


@pytest.mark.parametrize("scale", [0.4, 3.0, 10.001, 50.0])
def test_mean_absolute_of_the_discrete_gaussian_is_its_sum(scale: float) -> None:
    """The sum itself, or the continuous form, which is within one in a thousand of it."""
    numbers = np.arange(1, 2_000)
    weights = np.exp(-(numbers**2) / (2 * scale**2))

    plain = 2 * (numbers * weights).sum() / (1 + 2 * weights.sum())

    assert mean_absolute(GAUSSIAN, scale) == pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize("kind", NoiseKind)
@pytest.mark.parametrize("bias", [0.0, 0.4, -3.0, 40.0])
def test_expected_absolute_error_is_its_integral(kind: NoiseKind, bias: float) -> None:
    """E|bias + Z| agrees with a plain sum over a fine grid."""
    noise = 2.0
    z = np.linspace(-120, 120, 2_400_001)
    if kind is LAPLACE:
        density = np.exp(-np.abs(z) / noise) / (2 * noise)
    else:
        sigma = noise * math.sqrt(math.pi / 2)
        density = np.exp(-(z**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
    plain = float((np.abs(bias + z) * density).sum() * (z[1] - z[0]))

    assert expected_absolute(bias, noise, kind=kind) == pytest.approx(plain, rel=1e-4)


def test_without_noise_the_error_is_the_bias() -> None:
    """No division by a noise of nothing."""
    assert expected_absolute(-0.25, 0.0, kind=LAPLACE) == 0.25


@pytest.mark.parametrize("upper", ["0.5", "1", "2", "4"])
def test_clamping_loses_what_the_exponential_distribution_says(upper: str) -> None:
    """Of a sum of exponential values of mean 1, min(x, T) loses exp(-T)."""
    release = of(metrics("sum"))
    quantiles = -np.log1p(-(np.arange(200_000) + 0.5) / 200_000)
    held = shape_of(release, {(1, 1): 200_000}, quantiles)

    error = judged(release, held, bounds(1, 1), cut(upper))

    assert error.clamping == pytest.approx(math.exp(-float(upper)), abs=0.006)
    assert error.bounding == 0


def test_a_mean_of_the_exponential_distribution_is_too_low_by_as_much() -> None:
    """Its bias is the same share, since the count of rows is not clamped."""
    release = of(metrics("mean"))
    quantiles = -np.log1p(-(np.arange(200_000) + 0.5) / 200_000)
    held = shape_of(release, {(1, 1): 200_000}, quantiles)

    assert judged(release, held, bounds(1, 1), cut("1")).clamping == pytest.approx(
        math.exp(-1), abs=0.006
    )


def test_a_variance_clamped_at_its_middle_loses_three_quarters_and_more() -> None:
    """Of values uniform on [0, 20], min(x, 10) has variance 100 * 5/48 * 2 = 125/6 (of 100/3)."""
    release = of(metrics("variance"))
    held = shape_of(release, {(1, 1): 100_000}, np.linspace(0, 20, 100_000))
    # E = 7.5, E of the square = 1/2 * 100/3 + 1/2 * 100; the whole variance is 400/12.
    left = 100 / 6 + 50 - 7.5**2

    assert judged(release, held, bounds(1, 1), cut("10")).clamping == pytest.approx(
        1 - left / (400 / 12), abs=0.01
    )


def test_signed_values_lose_by_magnitude_on_both_sides() -> None:
    """Half at -10 and half at 10: a sum loses half of the magnitudes where they count as 5."""
    release = of(metrics("sum", lower=-20))
    held = shape_of(release, {(1, 1): 1000}, [-10.0, 10.0] * 500)

    error = judged(release, held, bounds(1, 1), cut("5", "-5"))

    # Each counts as the middle of its bin, 8 to 10.
    assert error.clamping == pytest.approx(1 - 5 / 9, abs=1e-9)


def test_bounds_lose_the_share_of_rows_that_cannot_stay() -> None:
    """Ten people in 4 groups with 3 rows each: L0 2 and Linf 2 keep 10 * 2 * 2 of 120 rows."""
    release = of(COUNT)
    held = shape_of(release, {(4, 3): 40})
    error = judged(release, held, bounds(2, 2))

    assert error.bounding == pytest.approx(1 - 40 / 120)
    assert held[1].all_rows == 120
    assert held[1].people == 10


def test_rows_and_groups_of_a_person_go_together() -> None:
    """What a heavy person loses is not what two bounds lose by themselves."""
    release = of(COUNT)
    # 4 people with one row; one person with 4 groups of 8 rows (the middle of 7 and 8 is 7.5).
    held = shape_of(release, {(1, 1): 4, (4, 8): 4})

    error = judged(release, held, bounds(1, 1))

    assert error.bounding == pytest.approx(1 - 5 / 34)


def test_people_are_lost_by_groups_alone() -> None:
    """A number of people loses pairs and not rows."""
    release = of(UNITS)
    held = shape_of(release, {(4, 8): 40})

    assert judged(release, held, bounds(3, 1)).bounding == pytest.approx(0.25)


@pytest.mark.parametrize("kind", ["laplace", "gaussian"])
def test_noise_is_that_of_the_plan(kind: str) -> None:
    """Of every metric with one part, noise times a cell is the plan's expected absolute noise."""
    more = {"noise_kind": "gaussian", "epsilon": None, "rho": "0.5"} if kind == "gaussian" else {}
    release = declared(whole_mart(**more))
    grids, shape = shape_of(release, {(3, 2): 30_000}, [40.0] * 1000)
    judge = Judge(release, shape, grids)
    noises = plan(release).noises

    def planned(name: str) -> float:
        return mean_absolute(noises[name].kind, noises[name].scale)

    found = {one.name: judge.error(one, release.bounds, one.clamp) for one in release.metrics}
    rows, pairs = shape.all_rows / 28, shape.all_pairs / 28
    size = shape.values["values.cost_sum"].mean_of(shape.values["values.cost_sum"].middles)

    assert found["visits"].noise == pytest.approx(planned("visits") / rows)
    assert found["visitors"].noise == pytest.approx(planned("visitors") / pairs)
    assert found["services"].noise == pytest.approx(planned("services") / rows)
    assert found["cost_sum"].noise == pytest.approx(planned("cost_sum") / 100 / rows / size)
    assert found["cost_bins"].noise == pytest.approx(planned("cost_bins") * 50 / rows)


def test_private_selection_takes_its_share() -> None:
    """The noise of a metric beside a selection is that of half the loss."""
    release = declared(private_mart())
    held = shape_of(release, {(1, 1): 1000}, cells=4)
    alone = of(COUNT)

    wide = judged(release, held, bounds(4, 2)).noise

    assert wide == pytest.approx(2 * judged(alone, held, bounds(4, 2)).noise, rel=0.01)


def test_less_loss_is_more_noise() -> None:
    """Half of the loss doubles the noise and no bias."""
    release = of(COUNT)
    held = shape_of(release, {(4, 1): 4000})
    full = judged(release, held, bounds(4, 2))
    half = judged(release, held, bounds(4, 2), loss=release.loss / 2)

    assert half.noise == pytest.approx(2 * full.noise, rel=0.01)
    assert half.bounding == full.bounding


def test_a_quantile_and_a_mean_pay_for_fewer_rows() -> None:
    """Bounding does not bias them, and costs more the fewer rows stay."""
    for columns in (MEDIAN, MEAN, VARIANCE):
        release = of(columns)
        held = shape_of(release, {(8, 1): 8000}, np.linspace(1, 400, 1000))
        clamp = release.metrics[0].clamp
        few, most, all_ = (
            judged(release, held, bounds(keep, 1), clamp).bounding for keep in (1, 4, 8)
        )

        assert few > most > all_ == 0


def test_a_metric_of_nothing_is_not_judged() -> None:
    """A sum whose values are all 0 has an error of nothing, and no division by 0."""
    release = of(SUM)
    held = shape_of(release, {(1, 1): 100}, [0.0] * 100)
    values = {
        name: replace(one, middles=np.zeros_like(one.middles))
        for name, one in held[1].values.items()
    }

    empty = (held[0], replace(held[1], values=values))

    assert judged(release, empty, bounds(1, 1), release.metrics[0].clamp).total == 0


def test_histogram_bounds_are_not_tuned() -> None:
    """Only sums, means and variances have bins of values."""
    release = of(HISTOGRAM, MEDIAN, SUM)

    assert [one.metrics for one in Grids.of(release, cells=28).values] == [("cost_sum",)]


def test_expected_error_is_what_a_release_has() -> None:
    """10,000 draws over cells of 48 rows that lose 12 have the expected mean absolute error.

    Its standard error is below 0.5 % of it, so that 3 % is 6 of them: a false alarm has a
    probability below 1e-8.
    """
    release = of(COUNT, max_partitions_contributed=3)
    held = shape_of(release, {(4, 1): 48 * 28})
    error = judged(release, held, release.bounds)
    kept = np.full(10_000, 36, dtype=np.int64)

    drawn = add_noise([(kept, plan(release).noises["visits"])])[0].values

    assert error.bounding == pytest.approx(0.25)
    assert error.total == pytest.approx(np.abs(drawn - 48).mean() / 48, rel=0.03)


def test_noise_without_people_is_taken_for_nobody() -> None:
    """Noise of 143 empty bins around 1,000 people does not make a group of 64 of them."""
    release = of(COUNT)
    grids = Grids.of(release, cells=None)
    counts = np.zeros((grids.groups.bins, grids.rows.bins))
    counts[0, 0], counts[1, 0] = 700, 300
    # The same noise at every run: this is about what is made of it.
    noisy = counts + np.random.default_rng(1).laplace(0, 10, counts.shape)

    shape = noisy_shape(grids, cells=28, pairs=noisy.ravel(), values={}, noise=10 * math.sqrt(2))

    # 64 groups of some hundred people would be thousands of pairs.
    assert shape.people == pytest.approx(1000, abs=200)
    assert shape.all_pairs == pytest.approx(1300, abs=400)


def test_open_bins_count_as_more_than_their_end() -> None:
    """What lies beyond the last end is not taken for the end itself."""
    counts = Counts((1, 2, 4))

    assert counts.bins == 4
    assert list(counts.middles) == [1, 2, 3.5, 7]
    assert list(Counts((1, 2, 4), is_closed=True).middles) == [1, 2, 3.5]
