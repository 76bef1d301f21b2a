"""Reads the columns of a mart: partition keys, metrics, and the interval beside each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from veil.contracts.types import physical
from veil.differential.grid import LARGEST_BOUND, declare_clamp, ends
from veil.differential.quantiles import Tree
from veil.differential.sensitivity import Clamp
from veil.policy.graph import COLUMN_PARAMETERS, MODEL_PARAMETERS, Column
from veil.releases.declared import SUFFIXES, Key, Metric, MetricKind
from veil.releases.parameters import NAME, Place
from veil.releases.partitions import KEY_TYPES

BRANCHING = 16
# As `veil.differential.quantiles` needs it; after a draw nothing may be refused any more.
_LARGEST_PART = 2**20
_COUNTS = frozenset({MetricKind.COUNT, MetricKind.UNITS, MetricKind.DISTINCT})
_BOUNDED = ("metric_column", "lower", "upper", "resolution")


@dataclass(frozen=True, slots=True)
class _Uses:
    """The parameters that a kind of metric must have, and those that it may have."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


_USES: Mapping[MetricKind, _Uses] = {
    MetricKind.COUNT: _Uses(may=("metric_column",)),
    MetricKind.UNITS: _Uses(),
    MetricKind.DISTINCT: _Uses(needs=("metric_column",)),
    MetricKind.SUM: _Uses(_BOUNDED, ("default_value",)),
    MetricKind.MEAN: _Uses(_BOUNDED, ("default_value",)),
    MetricKind.VARIANCE: _Uses(_BOUNDED, ("default_value",)),
    MetricKind.QUANTILE: _Uses((*_BOUNDED, "quantile", "bins"), ("default_value", "branching")),
    MetricKind.HISTOGRAM: _Uses((*_BOUNDED, "bins"), ("default_value",)),
}


def read_columns(
    columns: Sequence[tuple[Column, Place]], *, model: Place
) -> tuple[tuple[Key, ...], tuple[Metric, ...]]:
    """Keys, without their public values, and metrics, both in the order of the YAML.

    Args:
        columns: every column of the mart, with its place.
        model: the mart's own place.
    """
    of_metrics = {column.name for column, place in columns if place.has("metric")}
    intervals = {name + suffix: name for name in of_metrics for suffix in SUFFIXES}
    types = {column.name: column.data_type for column, _ in columns}
    keys, metrics = [], []
    for column, place in columns:
        _refuse_strays(column, place, intervals)
        if place.has("metric"):
            metrics.append(_metric(column, place, types))
        elif column.name not in intervals:
            keys.append(_key(column, place))
    if not of_metrics:
        model.refuse(
            "is to be released with noise, but none of its columns has a `metric`",
            remedy=f"Give a column's `config.meta` a `metric`: {', '.join(MetricKind)}.",
        )
    return (
        tuple(key for key in keys if key is not None),
        tuple(metric for metric in metrics if metric is not None),
    )


def _refuse_strays(column: Column, place: Place, intervals: Mapping[str, str]) -> None:
    """Refuse parameters where nothing reads them."""
    for key in place.given(MODEL_PARAMETERS):
        place.refuse(f"has `{key}`, which a column cannot have", remedy="Move it to the model.")
    if place.has("metric"):
        if column.name in intervals:
            place.refuse(
                f"has a `metric` and the name of an interval of `{intervals[column.name]}`",
                remedy="Rename one of the two.",
            )
        return
    for key in place.given(COLUMN_PARAMETERS):
        place.refuse(
            f"has `{key}` but no `metric`", remedy="Add a `metric`, or take the parameter out."
        )


def _key(column: Column, place: Place) -> Key | None:
    kind = physical(column.data_type).lower()
    if kind in KEY_TYPES:
        return Key(name=column.name, data_type=kind)
    place.refuse(
        "is a partition key of a type that no key can have",
        remedy="Use varchar, date, boolean or a whole number, or give the column a `metric`.",
    )
    return None


def _metric(column: Column, place: Place, types: Mapping[str, str]) -> Metric | None:
    before = len(place.found)
    kind = _kind(column, place)
    if kind is None:
        return None
    _refuse_unused(place, kind)
    metric = _values(column.name, place, kind) if len(place.found) == before else None
    if metric is not None:
        _check_types(place, metric, types)
    return metric if len(place.found) == before else None


def _kind(column: Column, place: Place) -> MetricKind | None:
    # The ledger, the messages and the interval's columns are all made of this name.
    if not NAME.fullmatch(column.name):
        place.refuse(
            "has a `metric`, but not the name of one",
            remedy="Use at most 63 letters, digits and `_`, and no digit first.",
        )
    value = place.meta["metric"]
    if value in list(MetricKind):
        return MetricKind(value)
    place.refuse("has an unknown `metric`", remedy=f"Use one of: {', '.join(MetricKind)}.")
    return None


def _refuse_unused(place: Place, kind: MetricKind) -> None:
    uses = _USES[kind]
    for key in uses.needs:
        place.needs(key)
    for key in place.given(COLUMN_PARAMETERS - {"metric", "weight"}):
        if key not in uses.needs + uses.may:
            place.refuse(
                f"has `{key}`, which a `{kind}` does not use",
                remedy="Take it out, or choose the `metric` that it is meant for.",
            )


def _values(name: str, place: Place, kind: MetricKind) -> Metric | None:
    """A metric whose needed parameters are all there; nothing where one was refused."""
    before = len(place.found)
    column = place.name("metric_column") if place.has("metric_column") else None
    weight = place.positive("weight") if place.has("weight") else Fraction(1)
    quantile = _quantile(place) if place.has("quantile") else None
    clamp = tree = bins = default = None
    if kind not in _COUNTS:
        clamp = place.take(lambda: declare_clamp(**{key: place.meta[key] for key in _BOUNDED[1:]}))
        if clamp is not None and kind is MetricKind.VARIANCE:
            _check_squares(place, clamp)
        if clamp is not None and place.has("default_value"):
            default = _default(place, clamp)
        if clamp is not None and place.has("bins"):
            bins = place.whole("bins", least=2)
            tree = None if bins is None else _tree(place, kind, clamp, bins)
    if len(place.found) > before or weight is None:
        return None
    return Metric(
        name=name,
        kind=kind,
        column=column,
        clamp=clamp,
        default=default,
        resolution=_resolution(kind, clamp),
        quantile=quantile,
        tree=tree,
        bins=bins,
        weight=weight,
    )


def _resolution(kind: MetricKind, clamp: Clamp | None) -> Fraction:
    # A histogram releases counts; its grid is that of the bins.
    if clamp is None or kind is MetricKind.HISTOGRAM:
        return Fraction(1)
    return clamp.resolution


def _quantile(place: Place) -> Fraction | None:
    quantile = place.share("quantile")
    if quantile is not None and quantile.denominator > _LARGEST_PART:
        place.refuse(
            "has a `quantile` of too many digits", remedy="Write it with at most six, as 0.5."
        )
    return quantile


def _check_squares(place: Place, clamp: Clamp) -> None:
    # As `declare_clamp` sees to for sums: four million rows at the bound still fit into 64 bits.
    if clamp.largest**2 > LARGEST_BOUND:
        place.refuse(
            "is a `variance` whose bounds lie more than 2**20 steps of `resolution` from 0",
            remedy="Declare a coarser `resolution` or tighter bounds.",
        )


def _default(place: Place, clamp: Clamp) -> Fraction | None:
    default = place.number("default_value")
    if default is None:
        return None
    if (default / clamp.resolution).denominator == 1 and clamp.lower <= default < clamp.upper:
        return default
    place.refuse(
        "has a `default_value` that is no multiple of `resolution` from `lower` to below `upper`",
        remedy="Move it there, or leave it out: then rows without a value are dropped.",
    )
    return None


def _tree(place: Place, kind: MetricKind, clamp: Clamp, bins: int) -> Tree | None:
    lower, upper = ends(clamp)
    branching: int | None = BRANCHING
    if kind is MetricKind.HISTOGRAM:
        branching = bins
    elif place.has("branching"):
        branching = place.whole("branching", least=2)
    if branching is None:
        return None
    # Bound by a default, because the type is known to be a number only here.
    children: int = branching
    return place.take(lambda: Tree.declare(lower=lower, upper=upper, bins=bins, branching=children))


def data_type(metric: Metric) -> str:
    """The type that a metric's three columns have, in small letters.

    Counts are whole; so is what lies on a whole grid. Anything else is a decimal with the places of
    one step.
    """
    if metric.kind is MetricKind.HISTOGRAM:
        return "bigint[]"
    places = 0
    while (metric.resolution * 10**places).denominator != 1:
        places += 1
    return f"decimal(38,{places})" if places else "bigint"


def _check_types(place: Place, metric: Metric, types: Mapping[str, str]) -> None:
    wanted = data_type(metric)
    for name in (metric.name, *(metric.name + suffix for suffix in SUFFIXES)):
        if name not in types:
            place.refuse(
                f"has a `metric`, but the mart has no column `{name}`",
                remedy=f"Declare it as `{wanted}`: an interval stands beside every value.",
            )
        elif physical(types[name]).replace(" ", "").lower() != wanted:
            place.refuse(
                f"is a `{metric.kind}` and needs another type in column `{name}`",
                remedy=f"Declare `data_type: {wanted}`.",
            )
