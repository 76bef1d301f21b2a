"""The entry point: SQL and declarations in, labels and refusals out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from veil.lineage.classes import OpenRow, Path, PrivacyClass, Reach, Source
from veil.lineage.context import Shared
from veil.lineage.inputs import Layer, Model, Relation, Zone, is_flag, name_parts
from veil.lineage.label import Label
from veil.lineage.parsing import parse
from veil.lineage.queries import Queries
from veil.lineage.refusals import NEVER_WAIVED, Recorder, Refusal, Rule
from veil.lineage.scope import Rows, unique
from veil.lineage.tags import Tags
from veil.lineage.verdicts import Verdict, declared, treated

_ZONES = {
    Layer.RAW: Zone.IDENTIFIED,
    Layer.PSEUDONYMIZED: Zone.PSEUDONYMIZED,
    Layer.INTERMEDIATE: Zone.PSEUDONYMIZED,
    Layer.MART: Zone.MARTS,
}


@dataclass(frozen=True)
class ColumnLineage:
    """One output column.

    Attributes:
        name: its name.
        classes: the privacy classes that it carries.
        reach: `public`, `guarded` (behind a threshold) or `personal`.
        explicit: path of each source that its content is computed from, by the source's name.
        implicit: the same for sources that only chose rows, or that an aggregate or mask lowered.
    """

    name: str
    classes: frozenset[PrivacyClass]
    reach: str
    explicit: Mapping[str, str]
    implicit: Mapping[str, str]


@dataclass(frozen=True)
class Analysis:
    """What lineage says of one model.

    Attributes:
        model: the model.
        refusals: why it may not be written; empty where it may.
        columns: what each of its columns is made of, in order.
    """

    model: Model
    refusals: tuple[Refusal, ...]
    columns: tuple[ColumnLineage, ...]
    _rows: Rows = field(repr=False, compare=False)
    _tags: Tags = field(repr=False, compare=False)

    def lowered(self) -> list[tuple[str, dict[str, PrivacyClass]]]:
        """By column, what it came from before a mask or an aggregate, with the class of each."""
        return [
            (name, {source.name: source.privacy_class for source in label.implicit})
            for name, label in unique(self._rows.columns)
        ]

    def domains(self) -> dict[str, str]:
        """The linkage domain of each column that is a pseudonym, by lower-case name."""
        return {
            name.lower(): label.key.domain
            for name, label in unique(self._rows.columns)
            if label.key is not None
        }

    def relation(self, name: str, types: Mapping[str, str] | None = None) -> Relation:
        """The model as the next one reads it.

        Args:
            name: `"database"."schema"."identifier"`.
            types: SQL type of each column by lower-case name, where they are known.
        """
        rows = self._rows
        used = {*rows.open_rows, *(row.cell for row in rows.open_rows.values())}
        for _, label in rows.columns:
            used |= label.tags()
        numbers, links = self._tags.leave(used)
        rows_of = Source(self.model.name, "*", PrivacyClass.QUASI_IDENTIFIER)

        def tag(old: int) -> int:
            return numbers[old] if old in numbers else numbers[self._tags.same(old)]

        columns: list[tuple[str, str, Label]] = []
        for column, label in unique(rows.columns):
            step = f"{self.model.name}.{column}"
            flows = {
                flow: path if path.step == step else Path(path, step)
                for flow, path in label.explicit.items()
            }
            kept = replace(label, explicit=flows).mapped(tag)
            data_type = (types or {}).get(column.lower(), "")
            if self.model.layer in {Layer.RAW, Layer.PSEUDONYMIZED}:
                # Its YAML vouches for a column as a whole; what computed it singles nobody out.
                flag = frozenset({-1 - len(columns)}) if is_flag(data_type) else frozenset[int]()
                kept = replace(kept, conditions=flag, shaped=False)
            columns.append((column, data_type, kept))
        return Relation(
            name=name,
            zone=_ZONES[self.model.layer],
            columns=tuple(columns),
            open_rows={
                tag(old): OpenRow(rows_of, tag(row.cell)) for old, row in rows.open_rows.items()
            },
            chosen=rows.chosen,
            steered=rows.steered,
            links=links,
            steers=rows.steers,
        )


def analyse(
    sql: str,
    relations: Iterable[Relation],
    model: Model,
    *,
    off: Collection[Rule] = (),
    today: date | None = None,
) -> Analysis:
    """Follow every column of a model from its sources.

    Args:
        sql: the compiled SQL, DuckDB's dialect, one query.
        relations: what the model may read, as `ref()` and `source()` compile.
        model: what its YAML declares.
        off: rules that are not applied; for the tests that prove that each bears load.
        today: day by which waivers are judged; without it every waiver counts as expired.
    """
    recorder = Recorder(model.name, off=off, waived=_waived(model, today))
    for waiver in model.waivers:
        if waiver.rule in NEVER_WAIVED or today is None or waiver.until < today:
            recorder.add(Rule.WAIVER, column=waiver.column, what=waiver.rule.value)
    known = {name_parts(relation.name): relation for relation in relations}
    shared = Shared(
        relations=known,
        recorder=recorder,
        layer=model.layer,
        units=_units(model.unit, known.values()),
        threshold=model.threshold,
    )
    rows = _walk(sql, shared, model, recorder)
    columns = tuple(_lineage(name, label, rows) for name, label in unique(rows.columns))
    return Analysis(model, tuple(recorder.refusals), columns, rows, shared.tags)


def _walk(sql: str, shared: Shared, model: Model, recorder: Recorder) -> Rows:
    query = parse(sql, recorder)
    if query is None:
        return Rows([])
    try:
        rows = Queries(shared).rows(query, {}, None)
    except RecursionError:
        recorder.add(Rule.UNPARSEABLE)
        return Rows([])
    except (LookupError, AttributeError, TypeError, ValueError, AssertionError):
        # A shape of tree that nobody has thought of: refused, and no traceback quotes it.
        recorder.add(Rule.UNFOLLOWABLE, what="query")
        return Rows([])
    if model.layer is Layer.PSEUDONYMIZED:
        rows.columns = treated(model, rows.columns)
    Verdict(model, recorder).judge(rows)
    if model.layer is Layer.RAW:
        rows.columns = declared(model, rows.columns)
    return rows


def _waived(model: Model, today: date | None) -> set[tuple[Rule, str]]:
    return {
        (waiver.rule, waiver.column)
        for waiver in model.waivers
        if waiver.rule not in NEVER_WAIVED and today is not None and waiver.until >= today
    }


def _units(unit: str, relations: Iterable[Relation]) -> frozenset[tuple[str, str]]:
    """Domain and column of the pseudonyms that bear the name of the privacy unit."""
    name = unit.rsplit(".", 1)[-1].strip('"').lower()
    return frozenset(
        (label.key.domain, label.key.name)
        for relation in relations
        for column, _, label in relation.columns
        if column.lower() == name and label.key is not None
    )


def _lineage(name: str, label: Label, rows: Rows) -> ColumnLineage:
    implicit: dict[str, str] = {}
    for source, path in (*label.implicit.items(), *rows.steers.items()):
        implicit.setdefault(source.name, str(path))
    explicit: dict[str, str] = {}
    for flow, path in label.explicit.items():
        explicit.setdefault(flow.source.name, str(path))
    reach = Reach.PERSONAL if rows.is_open and label.reach is Reach.PUBLIC else label.reach
    return ColumnLineage(name, label.classes, reach.name.lower(), explicit, implicit)


__all__ = ["Analysis", "ColumnLineage", "Source", "analyse"]
