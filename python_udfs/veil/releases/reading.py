"""Reads a differential mart from its YAML, and says all that is wrong with it at once.

What is missing is refused and never guessed: every bound shapes what the promise says of a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from jinja2 import TemplateSyntaxError, nodes

from veil.audit.fields import NAME as RECORDED_NAME
from veil.differential.measures import Measure
from veil.differential.noise import NoiseKind
from veil.differential.sensitivity import Contribution
from veil.errors import VeilError
from veil.jinja import EXTENSIONS, DbtEnvironment
from veil.policy.graph import COLUMN_PARAMETERS, Column, Node
from veil.releases.declared import Declared, Key, Metric, MetricKind
from veil.releases.metrics import read_columns
from veil.releases.parameters import Place, refuse_misspelt
from veil.releases.partitions import read_keys
from veil.releases.period import Period
from veil.releases.plan import plan

CALL = "dp_aggregate"
"""The macro that a differential mart's SQL ends with."""
CONFIDENCE = Fraction(19, 20)
_REFRESHES = ("period", "on_change")
_MEASURES = {NoiseKind.LAPLACE: Measure.EPSILON, NoiseKind.GAUSSIAN: Measure.RHO}
_NAME_IT = "Use at most 180 letters, digits, `_`, `.` and `-`."
# What an interval can be computed for; see `veil.differential.intervals.half_width`.
_LEAST_ERROR = Fraction(1, 10**20)
_ENVIRONMENT = DbtEnvironment(extensions=EXTENSIONS, autoescape=False)


def read_declared(node: Node, *, public_relation: bool) -> Declared:
    """What a mart declares.

    Args:
        node: a model with `privacy_release: differential`.
        public_relation: whether its SQL hands `dp_aggregate` a relation of public partitions.

    Raises:
        VeilError: the first thing that is wrong, with model, column and remedy; see `problems`.
    """
    declared, found = _read(node, public_relation=public_relation)
    if declared is None:
        raise found[0]
    return declared


def problems(node: Node, *, public_relation: bool | None = None) -> list[str]:
    """All that is wrong with a mart's declaration, each with its remedy; empty where nothing is.

    Args:
        node: a model with `privacy_release: differential`.
        public_relation: as in `read_declared`; by default read from its SQL.
    """
    if public_relation is None:
        public_relation = names_partitions(node.code)
    declared, found = _read(node, public_relation=public_relation)
    if declared is not None:
        try:
            plan(declared)
        except VeilError as error:
            found = [error]
    return [str(error) for error in found]


def names_partitions(code: str) -> bool:
    """Whether a mart's SQL, as written, hands `dp_aggregate` a relation of public partitions."""
    try:
        calls = _ENVIRONMENT.parse(code).find_all(nodes.Call)
    except (TemplateSyntaxError, RecursionError):
        # dbt says it better.
        return False
    return any(
        len(call.args) > 1 or any(one.key == "public_partitions" for one in call.kwargs)
        for call in calls
        if getattr(call.node, "attr", getattr(call.node, "name", "")) == CALL
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss:
    noise_kind: NoiseKind
    measure: Measure
    loss: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selection:
    delta: Fraction = Fraction(0)
    pre_threshold: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Renewal:
    period: Period
    on_change: bool


def _read(node: Node, *, public_relation: bool) -> tuple[Declared | None, list[VeilError]]:
    """The declaration, or all that is wrong with it; one of the two is empty."""
    found: list[VeilError] = []
    model, columns = _places(node, found)
    keys, metrics = read_columns(columns, model=model)
    keys = read_keys(model, keys)
    loss = _read_loss(model)
    bounds = _read_bounds(model)
    unit = _read_unit(model, keys, metrics)
    budget = _read_name(model, "privacy_budget")
    if not RECORDED_NAME.fits(f"{node.name}.2026-06-01"):
        model.refuse("has a name that the ledger cannot hold", remedy=_NAME_IT)
    renewal = _read_renewal(model)
    unit_within = _read_day(model, keys, "privacy_unit_within")
    increment = _read_day(model, keys, "privacy_increment")
    if increment is not None and renewal is not None:
        _check_increment(model, renewal, public_relation=public_relation)
    selection = _read_selection(model, keys, public_relation=public_relation)
    confidence = _read_confidence(model)
    if (
        found
        or loss is None
        or bounds is None
        or unit is None
        or budget is None
        or renewal is None
        or selection is None
        or confidence is None
    ):
        return None, found
    declared = Declared(
        name=node.name,
        mart=node.unique_id,
        budget=budget,
        period=renewal.period,
        on_change=renewal.on_change,
        increment=increment,
        unit=unit,
        unit_within=unit_within,
        keys=keys,
        metrics=metrics,
        bounds=bounds,
        noise_kind=loss.noise_kind,
        measure=loss.measure,
        loss=loss.loss,
        delta=selection.delta,
        pre_threshold=selection.pre_threshold,
        confidence=confidence,
        columns=tuple(node.columns),
        public_relation=public_relation,
    )
    return declared, found


def _places(node: Node, found: list[VeilError]) -> tuple[Place, list[tuple[Column, Place]]]:
    """The mart and its columns as places to read from; what no place can have is refused."""
    where = f"{node.kind} `{node.name}`"
    model = Place(where, node.meta, found)
    refuse_misspelt(model, node.config.get("meta"), node.raw.get("meta"))
    for key in model.given(COLUMN_PARAMETERS):
        model.refuse(f"has `{key}`, which only a column can have", remedy="Move it to the column.")
    columns = []
    names = [column.name.lower() for column in node.columns.values()]
    for name in sorted({one for one in names if names.count(one) > 1}):
        model.refuse(
            f"has the column `{name}` twice, small and capital letters alike",
            remedy="Rename one: to DuckDB they are one name.",
        )
    for name, column in node.columns.items():
        place = Place(f"{where} column `{column.name}`", column.meta, found)
        raw = node.raw["columns"][name]
        refuse_misspelt(place, (raw.get("config") or {}).get("meta"), raw.get("meta"))
        columns.append((column, place))
    return model, columns


def _read_loss(model: Place) -> _Loss | None:
    word = model.meta.get("noise_kind") or NoiseKind.LAPLACE.value
    given = [one for one in Measure if model.has(one.value)]
    if word not in list(NoiseKind):
        model.refuse("has an unknown `noise_kind`", remedy=f"Use one of: {', '.join(NoiseKind)}.")
        return None
    if len(given) != 1:
        model.refuse(
            "does not declare exactly one of `epsilon` and `rho`",
            remedy="Declare `epsilon` for Laplace noise, or `rho` for Gaussian noise.",
        )
        return None
    noise_kind, measure = NoiseKind(word), given[0]
    wanted = _MEASURES[noise_kind]
    if measure is not wanted:
        model.refuse(
            f"declares `{measure.value}`, but the loss of {noise_kind} noise is counted in"
            f" `{wanted.value}`",
            remedy=f"Declare `{wanted.value}`, or change `noise_kind`; a budget in rho takes both.",
        )
        return None
    loss = model.positive(measure.value)
    return None if loss is None else _Loss(noise_kind=noise_kind, measure=measure, loss=loss)


def _read_bounds(model: Place) -> Contribution | None:
    read: list[int | None] = []
    for key in ("max_partitions_contributed", "max_contributions_per_partition"):
        read.append(model.whole(key, least=1) if model.needs(key) else None)
    partitions, rows = read
    if partitions is None or rows is None:
        return None
    return Contribution(max_partitions_contributed=partitions, max_contributions_per_partition=rows)


def _read_unit(model: Place, keys: Sequence[Key], metrics: Sequence[Metric]) -> str | None:
    if not model.needs("privacy_unit", remedy="Name the column that stands for a person."):
        return None
    unit = model.name("privacy_unit")
    if unit is not None and any(key.name.lower() == unit.lower() for key in keys):
        model.refuse(
            "has its privacy unit as a partition key",
            remedy="Take the column out: no noise hides a cell of one person.",
        )
    for metric in metrics:
        same = unit is not None and (metric.column or "").lower() == unit.lower()
        if same and metric.kind is not MetricKind.COUNT:
            model.refuse(
                f"measures its privacy unit by `{metric.name}`",
                remedy=f"To count people use `metric: {MetricKind.UNITS}`, which costs least.",
            )
    return unit


def _read_name(model: Place, key: str) -> str | None:
    if not model.needs(key, remedy="Name one of the project's budgets (`veil:budgets`)."):
        return None
    value = model.meta[key]
    if RECORDED_NAME.fits(value):
        return str(value)
    model.refuse(f"has a `{key}` that is no name", remedy=_NAME_IT)
    return None


def _read_renewal(model: Place) -> _Renewal | None:
    refresh = model.meta.get("privacy_refresh") or _REFRESHES[0]
    period = model.take(lambda: Period.read(model.meta.get("privacy_release_period")))
    if refresh not in _REFRESHES:
        model.refuse(
            "has an unknown `privacy_refresh`", remedy=f"Use one of: {', '.join(_REFRESHES)}."
        )
        return None
    on_change = refresh == "on_change"
    if on_change and model.has("privacy_release_period"):
        model.refuse(
            "has a `privacy_release_period` and `privacy_refresh: on_change`",
            remedy="Take one out: it is drawn again by the clock, or when the data has changed.",
        )
    return None if period is None else _Renewal(period=period, on_change=on_change)


def _read_day(model: Place, keys: Sequence[Key], name: str) -> str | None:
    """The partition key of days that a parameter names; nothing where it is absent or refused."""
    if not model.has(name):
        return None
    for key in keys:
        if key.name == model.meta[name] and key.data_type == "date":
            return key.name
    model.refuse(
        f"has a `{name}` that names no partition key of type date",
        remedy="Make the day a column of the mart, without a `metric` and of `data_type: date`.",
    )
    return None


def _check_increment(model: Place, renewal: _Renewal, *, public_relation: bool) -> None:
    if renewal.on_change:
        model.refuse(
            "has a `privacy_increment` and `privacy_refresh: on_change`",
            remedy="Take one out: the days of an increment are frozen once drawn.",
        )
    if renewal.period.follows_the_clock:
        model.refuse(
            "has a `privacy_increment` and a `privacy_release_period` that would draw all its days"
            " again",
            remedy="Leave the period out, or make it a number that a person raises.",
        )
    if public_relation or not model.has("public_partitions"):
        model.refuse(
            "has a `privacy_increment`, but its days are not declared in the YAML",
            remedy="Declare `public_partitions`: which days there are must not come from the data.",
        )


def _read_selection(
    model: Place, keys: Sequence[Key], *, public_relation: bool
) -> _Selection | None:
    is_listed = model.has("public_partitions")
    if is_listed and public_relation:
        model.refuse(
            f"has `public_partitions` in its YAML and in its call of `{CALL}`",
            remedy="Keep one of the two.",
        )
    if public_relation and not keys:
        model.refuse(
            f"hands `{CALL}` public partitions, but has no partition key",
            remedy="Declare the keys as columns without a `metric`.",
        )
    if is_listed or public_relation or not keys:
        for key in model.given(frozenset({"delta", "pre_threshold"})):
            model.refuse(
                f"has `{key}`, which only private partitions use",
                remedy="Take it out: which partitions there are is public here.",
            )
        return _Selection()
    remedy = "Declare it for private partitions, or declare `public_partitions`."
    if not model.needs("delta", remedy=remedy):
        return None
    delta = model.share("delta")
    pre_threshold = model.whole("pre_threshold", least=1) if model.has("pre_threshold") else 1
    if delta is None or pre_threshold is None:
        return None
    return _Selection(delta=delta, pre_threshold=pre_threshold)


def _read_confidence(model: Place) -> Fraction | None:
    if not model.has("confidence"):
        return CONFIDENCE
    confidence = model.share("confidence")
    if confidence is not None and 1 - confidence < _LEAST_ERROR:
        model.refuse(
            "has a `confidence` too close to 1", remedy="Declare one such as 0.95 or 0.999."
        )
    return confidence
