"""Guards: `count(distinct <privacy_unit>) >= <threshold>`, in a CASE, HAVING, WHERE or QUALIFY."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from veil.lineage.classes import PrivacyClass, Reach
from veil.lineage.label import Label, Part, Tags
from veil.lineage.refusals import Rule
from veil.lineage.tags import Tags as TagBook


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition that holds only where a cell speaks of enough units.

    Attributes:
        cell: the cell that it is about.
        owner: the scan whose people it counts.
        claims: conditions that hold for everybody whom it counts.
        weak: the rule that it breaks, where it is no guard after all.
    """

    cell: int
    owner: int
    claims: Tags
    weak: Rule | None = None


Labelled = Callable[[exp.Expr], Label]

_AT_LEAST: Mapping[type[exp.Expr], int] = {exp.GTE: 0, exp.GT: 1}
_AT_MOST: Mapping[type[exp.Expr], int] = {exp.LT: 0, exp.LTE: 1}


def positive(condition: exp.Expr, label: Labelled, *, threshold: int) -> Iterator[Guard]:
    """The guards that hold where a condition is true."""
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from positive(condition.this, label, threshold=threshold)
        yield from positive(condition.expression, label, threshold=threshold)
        return
    yield from _compared(condition, label, threshold, _AT_LEAST, _AT_MOST)


def negative(condition: exp.Expr, label: Labelled, *, threshold: int) -> Iterator[Guard]:
    """The guards that hold where a condition is false."""
    condition = condition.unnest()
    if isinstance(condition, exp.Or):
        yield from negative(condition.this, label, threshold=threshold)
        yield from negative(condition.expression, label, threshold=threshold)
        return
    if isinstance(condition, exp.Not):
        yield from positive(condition.this, label, threshold=threshold)
        return
    yield from _compared(condition, label, threshold, _AT_MOST, _AT_LEAST)


def _compared(
    node: exp.Expr,
    label: Labelled,
    threshold: int,
    left: Mapping[type[exp.Expr], int],
    right: Mapping[type[exp.Expr], int],
) -> Iterator[Guard]:
    for kinds, counted, bound in ((left, "this", "expression"), (right, "expression", "this")):
        more = kinds.get(type(node))
        if more is None:
            continue
        limit = _whole(node.args[bound])
        found = label(node.args[counted])
        if limit is None or not found.cell or found.grain:
            continue
        counts = found.counts
        if counts is None or not counts.unit:
            yield Guard(found.cell, 0, frozenset(), Rule.GUARD_UNIT)
        elif limit + more < threshold:
            yield Guard(counts.cell, counts.owner, counts.claims, Rule.GUARD_THRESHOLD)
        else:
            yield Guard(counts.cell, counts.owner, counts.claims)


def _whole(node: exp.Expr) -> int | None:
    node = node.unnest()
    if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
        return int(node.this)
    return None


class Guarding:
    """Lowers labels behind guards, and says which rule keeps one from being lowered."""

    def __init__(self, tags: TagBook, *, is_off: Callable[[Rule], bool]) -> None:
        self._tags = tags
        self._is_off = is_off

    def behind(self, label: Label, guards: Sequence[Guard]) -> tuple[Label, bool]:
        """A label as it stands behind guards, and whether they lowered it."""
        if not guards or not label.is_personal or not label.cell or label.lowered is None:
            return label, False
        mine = [guard for guard in guards if guard.cell == label.cell]
        if not mine:
            return label, False
        strong = [g for g in mine if g.weak is None or self._is_off(g.weak)]
        if not strong:
            weak = next(g.weak for g in mine if g.weak)
            return replace(label, why=weak.value), False
        for part in label.lowered.parts:
            rule = self._uncovered(part, strong)
            if rule is not None:
                return replace(label, why=rule.value), False
        released = {
            flow if flow.privacy_class >= PrivacyClass.PSEUDONYM else replace(flow, owner=0): path
            for flow, path in label.lowered.explicit.items()
        }
        lowered = replace(label.lowered, explicit=released, reach=Reach.GUARDED, parts=frozenset())
        return lowered, True

    def _uncovered(self, part: Part, guards: Sequence[Guard]) -> Rule | None:
        """The rule that a part of an aggregate breaks here; None where a guard covers it."""
        first: Rule | None = None
        for guard in guards:
            broken = self._broken(part, guard)
            if broken is None:
                return None
            first = first or broken
        return first

    def _broken(self, part: Part, guard: Guard) -> Rule | None:
        if not self._is_off(Rule.BROADCAST) and guard.owner:
            for owner, tally in part.owners:
                group = self._tags.kin if tally else self._tags.same
                if owner and group(owner) != group(guard.owner):
                    return Rule.BROADCAST
        if not self._is_off(Rule.SUBGROUP) and not part.conditions <= guard.claims:
            return Rule.SUBGROUP
        return None
