"""Implicit flows: what only decides which rows there are, or how they are put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sqlglot import exp

from veil.lineage.classes import Flow, Path, PrivacyClass, Reach, Source
from veil.lineage.context import Select, Shared
from veil.lineage.inputs import Layer
from veil.lineage.label import Label, key_owners
from veil.lineage.refusals import Rule
from veil.lineage.scope import Item, column_parts

STEER = Source("", "rows", PrivacyClass.QUASI_IDENTIFIER)
"""What chose rows, where no column did."""


def refuse_identifiers(shared: Shared, label: Label, *, least: PrivacyClass) -> None:
    """Refuse an identifier of class `least` and above that decides which rows there are.

    A raw model may filter and join by identifiers: they stand in its own zone.
    """
    if shared.layer in {Layer.RAW, Layer.PSEUDONYMIZED}:
        return
    for flow, path in label.explicit.items():
        if flow.privacy_class >= least:
            shared.recorder.add(
                Rule.IDENTIFIER_STEERS,
                column=shared.column,
                source=flow.source.name,
                source_class=flow.privacy_class.word,
                path=str(path),
            )
            return


def steer(shared: Shared, select: Select, label: Label, *, groups: bool = False) -> None:
    """Record what a condition does to the rows of a SELECT.

    Where it tells what no guard covers, the rows are open: rows of guarded cells, groups that
    HAVING chooses by an aggregate, anything that is chosen by other people than those in the rows.
    Rows of people that are chosen by what they say of themselves are open anyway, until they are
    aggregated.
    """
    refuse_identifiers(shared, label, least=PrivacyClass.PSEUDONYM)
    choose(shared, select, label, groups=groups)


def choose(shared: Shared, select: Select, label: Label, *, groups: bool = False) -> None:
    """The same for what identifiers may do too: order rows, or make several of one."""
    select.steers.append(label)
    if not tells_more(label):
        return
    if any(not _in_rows(shared, select, flow) for flow in label.flows()):
        rows = select.steered
    else:
        rows = select.chosen_groups if groups else select.chosen
    flows = sorted(label.explicit, key=lambda flow: -flow.privacy_class)
    rows.add(next((flow.source for flow in flows), next(iter(label.implicit), STEER)))


def tells_more(label: Label) -> bool:
    """Whether rows that it chooses, or puts in order, tell what no guard covers."""
    return (label.is_personal and not label.grain) or bool(label.why)


def _in_rows(shared: Shared, select: Select, flow: Flow) -> bool:
    """Whether a flow speaks of the people in the rows of a SELECT, or in those around it."""
    owner = shared.tags.kin(flow.owner)
    return owner <= select.mark or any(_kin(shared, item, flow) for item in select.scope.items)


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The parts of a condition that all hold."""
    if condition is None:
        return
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from conjuncts(condition.this)
        yield from conjuncts(condition.expression)
    else:
        yield condition


def link(shared: Shared, select: Select, one: Label, other: Label) -> bool:
    """Two pseudonyms of one domain that are equal: both rows speak of the same.

    Returns whether they are such pseudonyms. Rows of outer queries are never linked from inside.
    """
    if not (one.key and other.key and one.key.domain == other.key.domain):
        return False
    tags = shared.tags
    person = one.key.person and other.key.person
    for mine in key_owners(one):
        for theirs in key_owners(other):
            outer = max(tags.same(mine), tags.same(theirs)) <= select.mark
            outer = outer or max(tags.kin(mine), tags.kin(theirs)) <= select.mark
            if not outer:
                tags.link(mine, theirs, person=person)
    return True


def spread(shared: Shared, select: Select, condition: exp.Expr, label: Label) -> bool:
    """A row that is found by a value tells that value.

    A public table joined by `p.wages = t.amount` has, in the joined row, the wages in every column;
    so has a row of somebody else, or one that is found in a subquery over people. The columns of
    each item of FROM that the condition names take on what it compares them with. Returns whether
    any did.
    """
    items: list[Item] = []
    for column in condition.find_all(exp.Column):
        if isinstance(column.this, exp.Star):
            continue
        found = select.scope.resolve(column_parts(column))
        if found is not None and found[0] is not None:
            items.append(found[0])
    return spread_over(shared, items, label)


def spread_over(shared: Shared, items: Iterable[Item], label: Label) -> bool:
    """The same for a label that is already known: items of FROM take on what is not their own."""
    # A guarded value tells nothing of the row that it finds.
    if not label.is_personal:
        return False
    changed = False
    for item in {id(one): one for one in items}.values():
        flows = {
            flow: Path(path, "join")
            for flow, path in label.explicit.items()
            if flow.privacy_class and flow.owner and not _kin(shared, item, flow)
        }
        if flows:
            _take_on(item, flows)
            changed = True
    return changed


def _kin(shared: Shared, item: Item, flow: Flow) -> bool:
    """Whether the rows of an item are already known to be of the same person, or household."""
    owner = shared.tags.kin(flow.owner)
    return any(shared.tags.kin(tag) == owner for tag in item.owners)


def _take_on(item: Item, flows: dict[Flow, Path]) -> None:
    for name, label in item.columns.items():
        item.columns[name] = replace(
            label,
            explicit={**flows, **label.explicit},
            reach=Reach.PERSONAL,
            aggregated=label.aggregated and label.is_personal,
            cell=0,
            lowered=None,
            counts=None,
        )
