"""What an attacker learns of one person from the published marts, against what they declare.

Every mart is released by one `dbt build` over thousands of independent cells, half of them with a
target (see `differential_support`): so many draws from each of two neighbouring inputs. A score of
what is published, here the logarithm of the declared noise's likelihood ratio, is compared with
cuts that stand beforehand. The frequency of each event on either side has an exact bound (Clopper,
Pearson, 1934), and two bounds prove that the mechanism loses at least so much: Jagielski, Ullman,
Oprea, Auditing Differentially Private Machine Learning (2020, arXiv:2006.07709); Nasr and
others, Tight Auditing of Differentially Private Machine Learning (2023, arXiv:2302.07956).

False alarm: one audit looks at 7 cuts from both sides, which is 14 events with two bounds each; a
bound is wrong with probability `ALARM` of 1e-9. The 12 audits together: 12 * 28 * 1e-9 < 4e-7. What
else is asked of the same scores looks at the same events, and private selection adds less than
5e-8: the whole file stays below 1e-6.

A twin (half the noise, or no bound on what a person contributes) must be seen through: its true
loss is at least twice the declared one, and what is proven lies at least 5 of its standard
deviations above it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from differential_support import (
    CELLS,
    EVERY_GROUP,
    HALF,
    MARTS,
    ONE_LOWER,
    TWO_LOWER,
    Audit,
    built_audit,
)
from ledger_support import ledger
from statistical_support import binomial_tails, clopper_pearson
from veil.differential.intervals import half_width
from veil.differential.measures import Measure, spent_by
from veil.differential.noise import Noise, NoiseKind
from veil.releases import Plan
from veil.releases.plan import SELECTION

pytestmark = pytest.mark.project

Numbers = npt.NDArray[np.float64]
Score = Callable[[pa.Table, Plan], Numbers]

ALARM = 1e-9
SHARES = (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75)
"""The cuts, as shares of the largest score."""
ORDERS = (1.01, 1.25, 1.5, 2.0, 3.0, 4.0)
LONE, DELTA = 2000, 0.08
"""Lone people of `named`, and its delta."""


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, _environment: object) -> Audit:
    """The one build of this process."""
    return built_audit(tmp_path_factory)


# what is read from a mart


def column(table: pa.Table, plan: Plan, name: str) -> Numbers:
    """A metric in steps of its grid, in the order of the keys; several numbers a cell in rows."""
    keys = [(key.name, "ascending") for key in reversed(plan.declared.keys)]
    metric = next(one for one in plan.declared.metrics if name.startswith(one.name))
    found = np.array(table.sort_by(keys).column(name).to_pylist(), dtype=np.float64)
    return np.round(found / float(metric.resolution))


def ratio(values: Numbers, noise: Noise, *, absent: int, present: int) -> Numbers:
    """Logarithm of the likelihood of values with the target over that without."""
    if noise.kind is NoiseKind.LAPLACE:
        return (np.abs(values - absent) - np.abs(values - present)) / noise.scale
    return (values - (absent + present) / 2) * (present - absent) / noise.scale**2


def shifts(**steps: tuple[int, int]) -> Score:
    """The score of metrics that are released as they are drawn: absent and present, in steps."""

    def score(table: pa.Table, plan: Plan) -> Numbers:
        return np.sum(
            [
                ratio(column(table, plan, name), plan.noises[name], absent=absent, present=present)
                for name, (absent, present) in steps.items()
            ],
            axis=0,
        )

    return score


def of_bins(table: pa.Table, plan: Plan) -> Numbers:
    """The target is in the last bin."""
    return ratio(column(table, plan, "n")[:, -1], plan.noises["n"], absent=1, present=3)


def of_quantiles(table: pa.Table, plan: Plan) -> Numbers:
    """The higher a quantile, the likelier a target above all others; 0 to 3 bins."""
    return (column(table, plan, "n") / 500 - 1.5) * 2


def of_means(table: pa.Table, plan: Plan) -> Numbers:
    """Noisy count and sum, computed back from the mean and an end of its interval.

    Each end is a quotient of the noisy sum and count moved by their public half widths. Which way
    the count was moved is tried out: count and sum are whole numbers, so that only one way gives
    the end again. A cell in which none does scores 0.
    """
    noises, metric = plan.noises, plan.declared.metrics[0]
    assert metric.clamp is not None
    largest = metric.clamp.largest
    widths = {
        part: half_width(noises[f"n.{part}"], confidence=plan.declared.confidence, parts=2)
        for part in ("sum", "count")
    }
    mean = column(table, plan, "n")
    counts, misses = np.zeros(len(mean)), np.full(len(mean), np.inf)
    for suffix, moved in (("_low", -widths["sum"]), ("_high", widths["sum"])):
        end = column(table, plan, "n" + suffix)
        for wider in (widths["count"], -widths["count"]):
            with np.errstate(all="ignore"):
                count = np.round((moved - end * wider) / (end - mean))
                miss = np.abs((mean * count + moved) / (count + wider) - end)
            known = np.isfinite(miss) & (count > 0) & (np.abs(end) < largest)
            better = known & (np.abs(mean) < largest) & (miss < misses)
            counts, misses = np.where(better, count, counts), np.where(better, miss, misses)
    scored = ratio(counts, noises["n.count"], absent=8, present=9)
    sums = np.round(mean * counts)
    scored += ratio(sums, noises["n.sum"], absent=80_000, present=80_000 + largest)
    return np.where(misses < 10, scored, 0)


SCORES: Mapping[str, Score] = {
    "visits": shifts(n=(3, 5)),
    "people": shifts(n=(3, 4)),
    "kinds": shifts(n=(3, 5)),
    "totals": shifts(n=(66_000, 166_000)),
    "bins": of_bins,
    "upper_fifths": of_quantiles,
    "means": of_means,
    "together": shifts(n=(3, 5), total=(66_000, 166_000)),
    "gaussian": shifts(n=(3, 5), total=(66_000, 166_000)),
    "two_cells": shifts(n=(1, 2)),
    "one_of_two": shifts(n=(1, 2)),
    "days": shifts(n=(1, 2)),
}
TOGETHER = {"two_cells": 2, "one_of_two": 2, "days": 2}
"""Numbers in a row that one target is in: two cells, or two days of one cell."""
DAYS = {"days": 2}
"""Releases that a target is in, each of them charged."""


def samples(audit: Audit, mart: str, twin: str = "") -> tuple[Numbers, Numbers]:
    """The scores with a target and without."""
    scores = SCORES[mart](audit.table(mart, twin), audit.plans[mart])
    scores = scores.reshape(-1, TOGETHER.get(mart, 1)).sum(axis=1)
    assert len(scores) == CELLS
    return scores[1::2], scores[::2]


# what is proven by it


def bounds(near: Numbers, far: Numbers, cuts: list[float]) -> Iterator[tuple[float, float]]:
    """Of each event its least chance on one side, and its greatest on the other."""
    for cut in cuts:
        for one, other in ((near >= cut, far >= cut), (far < cut, near < cut)):
            low, _ = clopper_pearson(int(one.sum()), trials=len(one), alarm=ALARM)
            _, high = clopper_pearson(int(other.sum()), trials=len(other), alarm=ALARM)
            yield low, high


def least_epsilon(near: Numbers, far: Numbers, cuts: list[float], *, delta: float = 0.0) -> float:
    """The loss that two samples prove: P(event) <= exp(epsilon) P'(event) + delta."""
    found = [math.log((low - delta) / high) for low, high in bounds(near, far, cuts) if low > delta]
    return max(found, default=0.0)


def least_rho(near: Numbers, far: Numbers, cuts: list[float]) -> float:
    """The rho that they prove.

    The Rényi divergence of order a is at most a rho, and looking at one event never raises it (data
    processing: van Erven, Harremoës, Rényi Divergence and Kullback-Leibler Divergence, 2014).
    """
    found = [0.0]
    for low, high in bounds(near, far, cuts):
        if low > high:
            for a in ORDERS:
                inside = low**a * high ** (1 - a) + (1 - low) ** a * (1 - high) ** (1 - a)
                found.append(math.log(inside) / (a - 1) / a)
    return max(found)


def cuts_of(loss: float, measure: Measure) -> list[float]:
    """Of a loss in rho, shares of two standard deviations of the score."""
    widest = loss if measure is Measure.EPSILON else 2 * math.sqrt(2 * loss)
    return [share * widest for share in SHARES]


def declared(audit: Audit, mart: str) -> float:
    """The loss of all releases of a mart that one person is in."""
    return float(audit.plans[mart].cost.loss) * DAYS.get(mart, 1)


def proven(audit: Audit, mart: str, twin: str = "") -> float:
    """The loss that a mart, or one of its twins, has been shown to cause."""
    near, far = samples(audit, mart, twin)
    measure = audit.plans[mart].declared.measure
    cuts = cuts_of(declared(audit, mart), measure)
    return (least_epsilon if measure is Measure.EPSILON else least_rho)(near, far, cuts)


@pytest.mark.parametrize("mart", SCORES)
def test_no_more_is_learnt_than_the_mart_declares(audit: Audit, mart: str) -> None:
    """Every mechanism, end to end; and the audit sees a good part of the loss, so it is no blank.

    False alarm below 2.8e-8 each. What is declared is what the ledger took.
    """
    found, loss = proven(audit, mart), declared(audit, mart)
    made = ledger(audit.project.veil).releases()
    own = [one for one in made if one.draw.mart == f"model.audit.{mart}"]
    measure = audit.plans[mart].declared.measure
    charged = spent_by((line.charge for one in own for line in one.draw.lines), measure=measure)

    assert loss / 5 < found <= loss
    assert len(own) == DAYS.get(mart, 1)
    assert float(charged.loss) == pytest.approx(loss)


@pytest.mark.parametrize(
    ("mart", "twin"), [(mart, twin) for mart in SCORES for twin in MARTS[mart].twins]
)
def test_what_loses_more_is_seen_through(audit: Audit, mart: str, twin: str) -> None:
    """Half the noise, a person's rows unbounded, his cells unbounded: more than is declared."""
    assert proven(audit, mart, twin) > declared(audit, mart)


def test_someone_present_on_every_day_loses_the_sum_of_the_days(audit: Audit) -> None:
    """A series charged once by parallel composition over dates would be shown to lie.

    Two days at epsilon 1: more than 1 is proven, and not more than 2.
    """
    one_day = float(audit.plans["days"].cost.loss)

    assert one_day < proven(audit, "days") <= 2 * one_day


def excess(audit: Audit, epsilon: float, twin: str = "") -> float:
    """The least delta that the Gaussian mart has beside an epsilon: P(event) - exp(eps) P'."""
    near, far = samples(audit, "gaussian", twin)
    cuts = cuts_of(declared(audit, "gaussian"), Measure.RHO)
    return max(low - math.exp(epsilon) * high for low, high in bounds(near, far, cuts))


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0])
def test_gaussian_mart_keeps_the_delta_of_its_rho(audit: Audit, epsilon: float) -> None:
    """At several epsilons, against the exact hockey stick. False alarm below 2.8e-8 each.

    Two metrics with half of rho each are one Gaussian with a shift of sqrt(2 rho) standard
    deviations (Balle, Wang, Improving the Gaussian Mechanism, 2018, Theorem 8); the sum over the
    discrete noise of this mart differs from it by less than 1e-15.
    """
    mu = math.sqrt(2 * declared(audit, "gaussian"))

    def upper(x: float) -> float:
        return math.erfc(x / math.sqrt(2)) / 2

    delta = upper(epsilon / mu - mu / 2) - math.exp(epsilon) * upper(epsilon / mu + mu / 2)

    assert 0 < excess(audit, epsilon) <= delta
    assert excess(audit, epsilon, HALF) > delta


# private selection


def named(audit: Audit, mart: str, twin: str = "") -> list[list[str]]:
    """The words of each place that is named."""
    return [str(place).split() for place in audit.table(mart, twin).column("place").to_pylist()]


def pairs_named(audit: Audit, twin: str = "") -> tuple[Numbers, Numbers]:
    """How many of the two places of a pair are named, with a fourth person and without."""
    found = np.zeros(2000)
    for kind, number, *_ in named(audit, "named", twin):
        found[int(number)] += kind == "pair"
    return found[1::2], found[::2]


def test_selection_tells_no_more_than_its_epsilon_and_delta(audit: Audit) -> None:
    """Places of three people and of four: named or not. False alarm below 4 * 2 * 1e-9.

    The twin selects with half the noise.
    """
    charge = dict(audit.plans["named"].charges)[SELECTION]
    cuts = [1.0, 2.0]

    def found(twin: str = "") -> float:
        return least_epsilon(*pairs_named(audit, twin), cuts, delta=DELTA)

    assert charge.delta == Fraction(2, 25)
    assert charge.loss / 5 < found() <= charge.loss
    assert found(HALF) > charge.loss


def lone_named(audit: Audit, twin: str = "") -> int:
    """Lone people of whom any place is named: each is in six, of which two stay."""
    found = named(audit, "named", twin)
    return len({number for kind, number, *_ in found if kind == "lone"})


def exceeds(count: int, *, chance: float, trials: int = LONE) -> bool:
    """Whether so many are too many; false alarm 1e-8."""
    return binomial_tails(count, trials=trials, chance=chance)[1] < 1e-8


def test_a_place_of_one_person_is_named_no_more_often_than_delta(audit: Audit) -> None:
    """At a delta of 0.08 over all places of a person. False alarm 1e-8.

    Twins: a threshold one lower; all six places of a person, as if nothing bounded them.
    """
    assert lone_named(audit) > 0
    assert not exceeds(lone_named(audit), chance=DELTA)
    assert exceeds(lone_named(audit, ONE_LOWER), chance=DELTA)
    assert exceeds(lone_named(audit, EVERY_GROUP), chance=DELTA)


def test_a_place_below_the_pre_threshold_is_never_named(audit: Audit) -> None:
    """At a `pre_threshold` of 3: nothing of two people, and of three no more often than delta 0.04.

    The twin's threshold is that without a `pre_threshold`. False alarm 1e-8.
    """

    def counts(twin: str = "") -> tuple[int, int]:
        people = [words[0] for words in named(audit, "named_from_three", twin)]
        return people.count("2"), people.count("3")

    two, three = counts()

    assert two == 0
    assert three > 0
    assert not exceeds(three, chance=0.04, trials=1000)
    assert exceeds(counts(TWO_LOWER)[1], chance=0.04, trials=1000)
