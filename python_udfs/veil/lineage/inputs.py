"""What the lineage is told: the relations that a model reads, and what its YAML declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from veil.lineage.classes import Flow, OpenRow, Path, PrivacyClass, Reach, Source
from veil.lineage.label import PUBLIC, Key, Label, Steers
from veil.lineage.refusals import Rule

_NAME_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')
OWN = 1
"""The tag of a base table's own rows: every column speaks of the person of its row."""


class Layer(Enum):
    """What kind of model is looked at."""

    RAW = "raw"
    PSEUDONYMIZED = "pseudonymized"
    """Applies the masks."""
    INTERMEDIATE = "intermediate"
    """Reads pseudonymized models, stays in their zone, publishes nothing."""
    MART = "mart"


class Zone(Enum):
    """Where a relation stands. A relation that holds nobody's data may stand anywhere."""

    IDENTIFIED = "identified"
    PSEUDONYMIZED = "pseudonymized"
    MARTS = "marts"


@dataclass(frozen=True)
class Column:
    """A column of a base relation: a seed, a source, or a model that is trusted as declared.

    Attributes:
        name: as it stands in the table.
        data_type: SQL type; only `boolean` matters to the lineage.
        privacy_class: None where nobody has classified it: reading it is refused.
        domain: linkage domain, for a pseudonym.
        person: the pseudonym was made from a direct identifier.
    """

    name: str
    data_type: str = "varchar"
    privacy_class: PrivacyClass | None = None
    domain: str = ""
    person: bool = True


@dataclass(frozen=True)
class Relation:
    """A relation as the lineage reads it. Build one with `Relation.of`, or take an analysis' own.

    Attributes:
        name: `"database"."schema"."identifier"`, as compiled SQL has it.
        zone: where it stands.
        columns: name, type and label of each column, in order.
        open_rows: the rows that no guard covers, by their tag.
        chosen: what chose rows and no guard covers (see `veil.lineage.context.Select`).
        steered: the same, for what stays when rows are aggregated.
        links: tags that a pseudonym links have one number.
        steers: what chose its rows.
        unclassified: lower-case names of columns that nobody has classified.
    """

    name: str
    zone: Zone
    columns: tuple[tuple[str, str, Label], ...]
    open_rows: Mapping[int, OpenRow] = field(default_factory=dict)
    chosen: frozenset[Source] = frozenset()
    steered: frozenset[Source] = frozenset()
    links: Mapping[int, int] = field(default_factory=dict)
    steers: Steers = field(default_factory=dict)
    unclassified: frozenset[str] = frozenset()

    @classmethod
    def of(cls, name: str, zone: Zone, columns: Iterable[Column]) -> Relation:
        """A base relation; it speaks of people where one column is above `non_sensitive`."""
        columns = tuple(columns)
        short = short_name(name)
        unclassified = frozenset(c.name.lower() for c in columns if c.privacy_class is None)
        personal = bool(unclassified) or any(c.privacy_class for c in columns)
        labels = []
        for index, column in enumerate(columns):
            label = PUBLIC
            if personal:
                found = column.privacy_class or PrivacyClass.NON_SENSITIVE
                source = Source(short, column.name, found)
                is_key = found is PrivacyClass.PSEUDONYM and column.domain
                label = Label(
                    explicit={Flow(source, OWN): Path(None, source.name)},
                    reach=Reach.PERSONAL,
                    key=Key(column.domain, column.name.lower(), column.person) if is_key else None,
                    # A flag is a condition by itself: a sum of it counts a part of the cell.
                    conditions=frozenset({-1 - index})
                    if is_flag(column.data_type)
                    else frozenset(),
                )
            labels.append((column.name, column.data_type, label))
        rows = Source(short, "*", PrivacyClass.QUASI_IDENTIFIER)
        return cls(
            name,
            zone,
            tuple(labels),
            open_rows={OWN: OpenRow(rows)} if personal else {},
            links={OWN: OWN} if personal else {},
            unclassified=unclassified,
        )

    @property
    def is_personal(self) -> bool:
        """Whether anything in it depends on people without a guard."""
        return bool(self.open_rows or self.chosen or self.steered) or any(
            label.is_personal for _, _, label in self.columns
        )


def is_flag(data_type: str) -> bool:
    """Whether a SQL type is that of a yes or no."""
    return data_type.lower() in {"boolean", "bool", "logical"}


@dataclass(frozen=True)
class Mask:
    """The treatment of one column of a pseudonymized model, as its YAML has it."""

    name: str
    domain: str = ""


@dataclass(frozen=True)
class Waiver:
    """A rule set aside for one column, or for the whole model where `column` is empty."""

    rule: Rule
    column: str
    owner: str
    reason: str
    until: date


@dataclass(frozen=True)
class Model:
    """The model that is looked at, as its YAML declares it.

    Attributes:
        name: its name in dbt.
        layer: what kind of model it is.
        declared: class of each column, on raw models.
        masks: treatment of each column, on pseudonymized models.
        trusted: the raw code is exactly one call of `veil.pseudonymize`, so `masks` tells what the
            SQL does.
        unit: `privacy_unit`, the name of the pseudonym column that stands for a person; a qualifier
            in front of it is ignored.
        threshold: `privacy_threshold`, the least number of units a guard may ask for.
        waivers: rules set aside.
    """

    name: str
    layer: Layer
    declared: Mapping[str, PrivacyClass] = field(default_factory=dict)
    masks: Mapping[str, Mask] = field(default_factory=dict)
    trusted: bool = False
    unit: str = ""
    threshold: int = 11
    waivers: tuple[Waiver, ...] = ()


def name_parts(name: str) -> tuple[str, ...]:
    """`"db"."main"."people"` as its lower-case parts: DuckDB's names have no case."""
    return tuple(
        (quoted.replace('""', '"') or plain.strip()).lower()
        for quoted, plain in _NAME_PART.findall(name)
    )


def short_name(name: str) -> str:
    """The identifier of a relation, without database and schema."""
    parts = name_parts(name)
    return parts[-1] if parts else name
