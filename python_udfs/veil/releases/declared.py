"""What a differential mart declares, read and checked; see `reading` for how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from veil.differential.exact import exact_text
from veil.differential.measures import Measure
from veil.differential.noise import NoiseKind
from veil.differential.quantiles import Tree
from veil.differential.sensitivity import Clamp, Contribution
from veil.errors import VeilError
from veil.releases.period import Period

Value = str | int | bool | date | None
SUFFIXES = ("_low", "_high")
"""What the two columns of a metric's interval add to its name."""


class MetricKind(StrEnum):
    """`metric` of a column's YAML."""

    COUNT = "count"
    """Rows; with a `metric_column` those with a value in it."""
    UNITS = "privacy_unit_count"
    """Distinct privacy units."""
    DISTINCT = "distinct_count"
    """Distinct values of a column."""
    SUM = "sum"
    MEAN = "mean"
    VARIANCE = "variance"
    """Population variance."""
    QUANTILE = "quantile"
    HISTOGRAM = "histogram"
    """Rows in each of the equal bins between the bounds, as a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One released number, or list of numbers, of every cell.

    Attributes:
        name: of its column.
        kind: what is measured.
        column: of the row query; none where rows or units are counted.
        clamp: public bounds and grid of that column.
        default: what a row that is NULL, NaN or infinite counts as; without one it is dropped.
        resolution: one step of what is released; 1 for counts.
        quantile: between 0 and 1.
        tree: over the bins of a quantile; of a histogram, its one level of bins.
        bins: of a quantile or histogram.
        weight: its share of the loss is this over the sum of all weights.
    """

    name: str
    kind: MetricKind
    column: str | None = None
    clamp: Clamp | None = None
    default: Fraction | None = None
    resolution: Fraction = Fraction(1)
    quantile: Fraction | None = None
    tree: Tree | None = None
    bins: int | None = None
    weight: Fraction = Fraction(1)

    def parameters(self) -> dict[str, object]:
        """Everything that shapes its numbers, in plain values."""
        clamp, tree = self.clamp, self.tree
        return {
            "kind": self.kind.value,
            "column": self.column,
            "clamp": clamp and [_text(clamp.lower), _text(clamp.upper), _text(clamp.resolution)],
            "default": _text(self.default),
            "resolution": _text(self.resolution),
            "quantile": _text(self.quantile),
            "bins": self.bins,
            "branching": tree and tree.branching,
            "weight": _text(self.weight),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A partition key.

    Attributes:
        name: of its column.
        data_type: DuckDB's one name of the type, in small letters; one of `KEY_TYPES`.
        values: the public ones, ascending and NULL last; none where partitions are private or
            come from a public relation.
    """

    name: str
    data_type: str
    values: tuple[Value, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A differential mart.

    Attributes:
        name: of the model, and of its release.
        mart: dbt unique id.
        budget: name of the budget that pays.
        period: when it is drawn again.
        on_change: whether it is drawn again when what it reads has changed, which is then public.
        increment: the key each of whose days is a release of its own, frozen once drawn.
        unit: column of the row query that stands for the privacy unit.
        unit_within: the key of days within which the unit is one; none: the unit is the person.
        keys: the partition keys, in the order of the YAML.
        metrics: in the order of the YAML, at least one.
        bounds: on what one unit contributes; enforced before aggregation.
        noise_kind: of every draw.
        measure: in what `loss` is counted: epsilon with Laplace, rho with Gaussian noise.
        loss: whole cost of one draw of the release.
        delta: of private selection; 0 where partitions are public.
        pre_threshold: a private partition with fewer units is never named.
        confidence: of every interval.
        columns: all columns of the mart, in the order of the YAML.
        public_relation: whether the partitions are the rows of a public relation.
    """

    name: str
    mart: str
    budget: str
    period: Period
    on_change: bool
    increment: str | None
    unit: str
    unit_within: str | None
    keys: tuple[Key, ...]
    metrics: tuple[Metric, ...]
    bounds: Contribution
    noise_kind: NoiseKind
    measure: Measure
    loss: Fraction
    delta: Fraction
    pre_threshold: int
    confidence: Fraction
    columns: tuple[str, ...]
    public_relation: bool

    @property
    def is_private(self) -> bool:
        """Whether which partitions are named is itself found with noise.

        A mart without keys has one cell, which everybody knows to exist.
        """
        if self.public_relation:
            return False
        return bool(self.keys) and all(key.values is None for key in self.keys)

    def parameters(self) -> dict[str, object]:
        """Everything that shapes the release, in plain values, for its definition.

        Nothing of target, path or version; no name that only labels (budget, mart); no order of
        columns; and not the days of an increment, each of which is a release of its own: one more
        day must not change the definition of those that are frozen.
        """
        selection = "private" if self.is_private else "public"
        return {
            "partitions": "relation" if self.public_relation else selection,
            "keys": {
                key.name: [
                    key.data_type,
                    None if key.name == self.increment else _plain(key.values),
                ]
                for key in self.keys
            },
            "metrics": {metric.name: metric.parameters() for metric in self.metrics},
            "unit": self.unit,
            "unit_within": self.unit_within,
            "increment": self.increment,
            "max_partitions_contributed": self.bounds.max_partitions_contributed,
            "max_contributions_per_partition": self.bounds.max_contributions_per_partition,
            "noise_kind": self.noise_kind.value,
            "measure": self.measure.value,
            "loss": _text(self.loss),
            "delta": _text(self.delta),
            "pre_threshold": self.pre_threshold,
            "confidence": _text(self.confidence),
        }


def release_name(declared: Declared, part: date | None = None) -> str:
    """The name that a release has in the ledger: that of the mart, with the day of an increment.

    Args:
        declared: the mart.
        part: the day, if and only if the mart has a `privacy_increment`.

    Raises:
        VeilError: a day without an increment, or none with one.
    """
    if (part is None) != (declared.increment is None):
        raise VeilError(
            f"a release of model `{declared.name}` has a day if and only if the mart declares a"
            " `privacy_increment`."
        )
    if part is None:
        return declared.name
    # A datetime is a date to Python, and would write its time.
    return f"{declared.name}.{date(part.year, part.month, part.day).isoformat()}"


def _text(value: Fraction | None) -> str | None:
    return None if value is None else exact_text(value)


def _plain(values: tuple[Value, ...] | None) -> list[object] | None:
    if values is None:
        return None
    return [value.isoformat() if isinstance(value, date) else value for value in values]
