"""The label of a value: what it depends on, and what becomes of it behind a guard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from veil.lineage.classes import Flow, Path, PrivacyClass, Reach, Source

Flows = Mapping[Flow, Path]
Steers = Mapping[Source, Path]
Tags = frozenset[int]


@dataclass(frozen=True, slots=True)
class Key:
    """A value that is a pseudonym as it was made: never computed with, never mixed.

    Attributes:
        domain: its linkage domain.
        name: lower-case name of the column that it is; empty where several became one.
        person: it was made from a direct identifier, so it stands for one person.
        claims: conditions under which alone the value is there (see `Label.conditions`).
    """

    domain: str
    name: str
    person: bool
    claims: Tags = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """What a guard must cover before one aggregate may be shown.

    Attributes:
        conditions: only rows under these conditions were aggregated.
        owners: whose values were aggregated; True beside a tally.
    """

    conditions: Tags
    owners: frozenset[tuple[int, bool]]


@dataclass(frozen=True, slots=True)
class Count:
    """A value that is `count(distinct <pseudonym>)` over one cell.

    Attributes:
        cell: the cell that was counted.
        owner: the scan whose people were counted.
        claims: conditions that hold for everybody who was counted.
        unit: whether the declared privacy unit was counted.
    """

    cell: int
    owner: int
    claims: Tags
    unit: bool


@dataclass(frozen=True, slots=True)
class Label:
    """What one value depends on.

    Attributes:
        explicit: what its content is computed from, conditions of a CASE included.
        implicit: what only chose the rows or their order, or was lowered by an aggregate.
        reach: how it depends on people.
        key: set where it is an untouched pseudonym.
        conditions: tags of the conditions on personal values that it encodes or is there under.
        shaped: computed by a function that can make one person's value stand out in a sum.
        bent: computed by a function with a corner, such as `greatest`: harmless, until multiplied.
        place: its place among other people's rows: as good as the number of a row.
        cell: the unguarded cell that it belongs to, 0 for none.
        grain: within its cell it names the cell, and is no aggregate.
        aggregated: an aggregate over people is in it.
        lowered: what it becomes once its cell is guarded.
        parts: on a lowered label, what the guard must cover.
        counts: set where it counts distinct pseudonyms of its cell.
        why: name of the rule that kept it from being lowered.
    """

    explicit: Flows = field(default_factory=dict)
    implicit: Steers = field(default_factory=dict)
    reach: Reach = Reach.PUBLIC
    key: Key | None = None
    conditions: Tags = frozenset()
    shaped: bool = False
    bent: bool = False
    place: bool = False
    cell: int = 0
    grain: bool = False
    aggregated: bool = False
    lowered: Label | None = None
    parts: frozenset[Part] = frozenset()
    counts: Count | None = None
    why: str = ""

    @property
    def is_personal(self) -> bool:
        return self.reach is Reach.PERSONAL

    @property
    def classes(self) -> frozenset[PrivacyClass]:
        """The classes of what it is computed from."""
        return frozenset(flow.privacy_class for flow in self.explicit)

    def flows(self, least: PrivacyClass = PrivacyClass.QUASI_IDENTIFIER) -> list[Flow]:
        """What it is computed from, of class `least` and above."""
        return [flow for flow in self.explicit if flow.privacy_class >= least]

    def mapped(self, tag: Callable[[int], int]) -> Label:
        """The same label with every tag renamed: a new scan of the relation that it stands in."""
        if not (self.is_personal or self.explicit or self.parts or self.conditions):
            return self
        return replace(
            self,
            explicit={
                Flow(flow.source, tag(flow.owner), flow.tally): path
                for flow, path in self.explicit.items()
            },
            key=self.key and replace(self.key, claims=_all(tag, self.key.claims)),
            conditions=_all(tag, self.conditions),
            cell=tag(self.cell) if self.cell else 0,
            lowered=self.lowered and self.lowered.mapped(tag),
            parts=frozenset(
                Part(
                    _all(tag, part.conditions),
                    frozenset((tag(owner), tally) for owner, tally in part.owners),
                )
                for part in self.parts
            ),
            counts=self.counts
            and replace(
                self.counts,
                cell=tag(self.counts.cell),
                owner=tag(self.counts.owner),
                claims=_all(tag, self.counts.claims),
            ),
        )

    def tags(self) -> set[int]:
        """Every tag in it."""
        found = {flow.owner for flow in self.explicit} | self.conditions
        if self.cell:
            found.add(self.cell)
        if self.key:
            found |= self.key.claims
        if self.counts:
            found |= {self.counts.cell, self.counts.owner} | self.counts.claims
        for part in self.parts:
            found |= part.conditions | {owner for owner, _ in part.owners}
        return found | self.lowered.tags() if self.lowered else found


PUBLIC = Label()
"""A value that depends on nobody: a literal, a column of a public table."""


def _all(tag: Callable[[int], int], tags: Tags) -> Tags:
    return frozenset(map(tag, tags))


def steers(label: Label) -> dict[Source, Path]:
    """What a label carries, as it flows on where it only chooses rows or their order."""
    found = dict(label.implicit)
    for flow, path in label.explicit.items():
        found.setdefault(flow.source, path)
    return found


def combine(labels: Iterable[Label], step: str = "") -> Label:
    """The label of what is computed from values with these labels.

    It is lowered by the guard of a cell only where everything personal in it belongs to that cell.
    """
    found = [label for label in labels if label is not PUBLIC]
    if not found:
        return PUBLIC
    explicit: dict[Flow, Path] = {}
    implicit: dict[Source, Path] = {}
    for label in found:
        for flow, path in label.explicit.items():
            if flow not in explicit:
                explicit[flow] = Path(path, step) if step and path.step != step else path
        for source, path in label.implicit.items():
            implicit.setdefault(source, path)
    personal = [label for label in found if label.is_personal]
    cell = personal[0].cell if personal else 0
    lowered = None
    if cell and all(label.cell == cell and label.lowered for label in personal):
        lowered = combine(
            (label.lowered if label.is_personal and label.lowered else label for label in found),
            step,
        )
    return Label(
        explicit=explicit,
        implicit=implicit,
        reach=max(label.reach for label in found),
        conditions=frozenset[int]().union(*(label.conditions for label in found)),
        shaped=any(label.shaped for label in found),
        bent=any(label.bent for label in found),
        place=any(label.place for label in found),
        cell=cell if lowered else 0,
        grain=bool(lowered) and all(label.grain for label in personal),
        aggregated=any(label.aggregated for label in found),
        lowered=lowered,
        parts=frozenset[Part]().union(*(label.parts for label in found)),
        why=next((label.why for label in found if label.why), ""),
    )


def steered(label: Label, by: Iterable[Label]) -> Label:
    """`label` with what chose its rows or their order beside it."""
    implicit = dict(label.implicit)
    for other in by:
        for source, path in steers(other).items():
            implicit.setdefault(source, path)
    if len(implicit) == len(label.implicit):
        return label
    return replace(label, implicit=implicit)


def tallied(label: Label, *, step: str = "") -> Label:
    """A label of which only the number or the presence of values is left."""
    return replace(
        label,
        explicit={
            Flow(flow.source, flow.owner, True): Path(path, step) if step else path
            for flow, path in label.explicit.items()
        },
        key=None,
        counts=None,
        lowered=label.lowered and tallied(label.lowered, step=step),
    )


def key_owners(label: Label) -> set[int]:
    """Whose pseudonym a key is: a join may have put other flows beside it."""
    return {
        flow.owner
        for flow in label.explicit
        if flow.privacy_class is PrivacyClass.PSEUDONYM and not flow.tally
    }
