"""The bounds of least total error, out of those at which a bin ends.

The total is the mean of the metrics' errors, each an expected absolute error as a share of its
cell, so that no metric's unit decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from veil.differential.sensitivity import Clamp, Contribution
from veil.releases.declared import Declared, Metric, MetricKind
from veil.releases.plan import plan
from veil.tuning.errors import Error, Judge
from veil.tuning.grids import Grids, fits_squares
from veil.tuning.shape import Shape


@dataclass(frozen=True, slots=True)
class Choice:
    """Bounds of a mart, and what is expected under them.

    Attributes:
        bounds: L0 and Linf.
        clamps: of every metric, by its name; None where it has none.
        errors: of every metric, by its name.
    """

    bounds: Contribution
    clamps: Mapping[str, Clamp | None]
    errors: Mapping[str, Error]

    @property
    def total(self) -> float:
        """Mean of the metrics' totals."""
        return sum(one.total for one in self.errors.values()) / len(self.errors)

    @property
    def bias(self) -> float:
        """What is left of the total where the noise is taken away; at most the total."""
        lost = (min(one.bounding + one.clamping, one.total) for one in self.errors.values())
        return sum(lost) / len(self.errors)


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a bound, the others as proposed.

    Attributes:
        label: the value.
        bias: mean error without noise.
        total: mean error.
        is_now, is_proposed: whether it is the declared or the proposed value.
    """

    label: str
    bias: float
    total: float
    is_now: bool
    is_proposed: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """How the error follows one bound.

    Attributes:
        title: name of the bound, behind that of its metric.
        points: ascending.
    """

    title: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed for a mart.

    Attributes:
        now: the mart as it is declared, at its own loss.
        best: the proposed bounds, at `loss`.
        loss: what one draw of the release may cost then.
        profiles: of every bound that was searched.
    """

    now: Choice
    best: Choice
    loss: Fraction
    profiles: tuple[Profile, ...]


def propose(
    declared: Declared, shape: Shape, grids: Grids, *, loss: Fraction | None = None
) -> Proposal:
    """Search all bounds at which bins end.

    Args:
        declared: the mart.
        shape: its contributions.
        grids: the bins of `shape`.
        loss: what one draw may cost; the mart's own where it is None.

    Raises:
        VeilError: no noise can be drawn under the proposed bounds.
    """
    search = _Search(declared, grids, Judge(declared, shape, grids, loss=loss))
    best = search.best(grids.groups.ends, grids.rows.ends)
    loss = declared.loss if loss is None else loss
    plan(adopted(declared, best, loss=loss))
    mine = {metric.name: metric.clamp for metric in declared.metrics}
    now = _Search(declared, grids, Judge(declared, shape, grids)).judged(declared.bounds, mine)
    return Proposal(now=now, best=best, loss=loss, profiles=tuple(search.profiles(best)))


def adopted(declared: Declared, choice: Choice, *, loss: Fraction) -> Declared:
    """The mart with other bounds and another loss."""
    metrics = tuple(
        replace(metric, clamp=choice.clamps[metric.name]) for metric in declared.metrics
    )
    return replace(declared, bounds=choice.bounds, metrics=metrics, loss=loss)


class _Search:
    def __init__(self, declared: Declared, grids: Grids, judge: Judge) -> None:
        self._declared = declared
        self._grids = grids
        self._judge = judge

    def judged(self, bounds: Contribution, clamps: Mapping[str, Clamp | None]) -> Choice:
        errors = {
            metric.name: self._judge.error(metric, bounds, clamps[metric.name])
            for metric in self._declared.metrics
        }
        return Choice(bounds, dict(clamps), errors)

    def best(self, groups: Sequence[int], rows: Sequence[int]) -> Choice:
        """The least total; of equal ones the declared, then the smallest bounds."""
        own = self._declared.bounds
        pairs = [
            (own.max_partitions_contributed, own.max_contributions_per_partition),
            *((one, other) for one in groups for other in rows),
        ]
        found = [
            self._best_clamps(
                Contribution(max_partitions_contributed=one, max_contributions_per_partition=other)
            )
            for one, other in pairs
        ]
        return min(found, key=lambda choice: choice.total)

    def _best_clamps(self, bounds: Contribution) -> Choice:
        """Each metric by itself: its bounds change no other metric."""
        clamps: dict[str, Clamp | None] = {}
        errors: dict[str, Error] = {}
        for metric in self._declared.metrics:
            tried = [
                (self._judge.error(metric, bounds, clamp), clamp)
                for clamp in [metric.clamp, *self._clamps(metric)]
            ]
            errors[metric.name], clamps[metric.name] = min(tried, key=lambda one: one[0].total)
        return Choice(bounds, clamps, errors)

    def _clamps(self, metric: Metric) -> Iterable[Clamp]:
        grid = self._grids.of_metric(metric.name)
        for end in () if grid is None else grid.ends:
            clamp = None if grid is None else grid.clamp_at(end)
            if clamp and (metric.kind is not MetricKind.VARIANCE or fits_squares(clamp)):
                yield clamp

    def profiles(self, best: Choice) -> Iterable[Profile]:
        """One bound moved, all others as in `best`."""
        own, chosen = self._declared.bounds, best.bounds
        most, rows = chosen.max_partitions_contributed, chosen.max_contributions_per_partition
        if len(self._grids.groups.ends) > 1:
            yield _profile(
                "max_partitions_contributed",
                self._grids.groups.ends,
                lambda one: self._with(best, partitions=one, contributions=rows),
                now=own.max_partitions_contributed,
                proposed=most,
            )
        yield _profile(
            "max_contributions_per_partition",
            self._grids.rows.ends,
            lambda one: self._with(best, partitions=most, contributions=one),
            now=own.max_contributions_per_partition,
            proposed=rows,
        )
        for metric in self._declared.metrics:
            clamps = {clamp.largest: clamp for clamp in self._clamps(metric)}
            now, proposed = metric.clamp, best.clamps[metric.name]
            if clamps and now is not None and proposed is not None:
                clamps[now.largest] = now
                yield _clamp_profile(self.judged, best, metric.name, clamps, now, proposed)

    def _with(self, best: Choice, *, partitions: int, contributions: int) -> Choice:
        bounds = Contribution(
            max_partitions_contributed=partitions, max_contributions_per_partition=contributions
        )
        return self.judged(bounds, best.clamps)


def _profile(
    title: str,
    ends: Sequence[int],
    judged: Callable[[int], Choice],
    *,
    now: int,
    proposed: int,
) -> Profile:
    return Profile(
        title,
        tuple(
            Point(str(one), choice.bias, choice.total, one == now, one == proposed)
            for one in sorted({*ends, now})
            for choice in [judged(one)]
        ),
    )


def _clamp_profile(
    judged: Callable[[Contribution, Mapping[str, Clamp | None]], Choice],
    best: Choice,
    name: str,
    clamps: Mapping[int, Clamp],
    now: Clamp,
    proposed: Clamp,
) -> Profile:
    points = []
    for largest, clamp in sorted(clamps.items()):
        # Of this metric alone: the others do not change, and would hide what it does.
        error = judged(best.bounds, {**best.clamps, name: clamp}).errors[name]
        points.append(
            Point(
                plain_number(max(abs(clamp.lower), abs(clamp.upper))),
                min(error.bounding + error.clamping, error.total),
                error.total,
                largest == now.largest,
                largest == proposed.largest,
            )
        )
    return Profile(f"{name}: largest magnitude", tuple(points))


def plain_number(value: Fraction) -> str:
    """A number on a decimal grid, as YAML takes it: all digits, no exponent.

    >>> plain_number(Fraction(5, 4))
    '1.25'
    """
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    digits = f"{abs(int(value * 10**places)):0{places + 1}d}"
    cut = len(digits) - places
    text = digits[:cut] + (f".{digits[cut:]}" if places else "")
    return f"-{text}" if value < 0 else text
