"""The verdict over a model's output columns, by layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from veil.lineage.classes import Flow, Path, PrivacyClass, Reach, Source
from veil.lineage.inputs import Layer, Mask, Model
from veil.lineage.label import PUBLIC, Key, Label
from veil.lineage.masks import left_by
from veil.lineage.refusals import Recorder, Rule
from veil.lineage.scope import Rows

_T = TypeVar("_T")
_WHYS = {
    rule.value: rule
    for rule in (
        Rule.VALUE_AGGREGATE, Rule.GUARD_THRESHOLD, Rule.GUARD_UNIT, Rule.SUBGROUP, Rule.BROADCAST,
    )
}  # fmt: skip


class Verdict:
    """Judges the rows that a model's query gives."""

    def __init__(self, model: Model, recorder: Recorder) -> None:
        self._model = model
        self._recorder = recorder

    def judge(self, rows: Rows) -> None:
        """Record a refusal for every column that may not be written."""
        layer = self._model.layer
        if layer is Layer.MART:
            self._mart(rows)
            return
        for name, label in rows.columns:
            if layer is Layer.RAW:
                self._raw(name, label)
            else:
                self._identifier(name, label, PrivacyClass.DIRECT_IDENTIFIER)

    # -- layers

    def _raw(self, name: str, label: Label) -> None:
        declared = _by_name(self._model.declared, name)
        if declared is None:
            self._recorder.add(Rule.UNCLASSIFIED, column=name, what=f"{self._model.name}.{name}")
            return
        worst = _worst(label)
        if worst is not None and worst.privacy_class > declared:
            self._say(Rule.CLASS_LOWERED, name, label, worst)

    def _mart(self, rows: Rows) -> None:
        found = [self._cell(name, label, rows) for name, label in rows.columns]
        if rows.is_open and not any(found):
            self._rows(rows)

    def _rows(self, rows: Rows) -> None:
        """The rows themselves: people, or cells that something unguarded has chosen."""
        name, label = _most_personal(rows)
        people = [row.source for row in rows.open_rows.values()]
        source = next(iter(people or [*rows.steered, *rows.chosen]))
        worst = _worst(label)
        if people:
            rule = Rule.PERSONAL_ROWS
            path = Path(label.explicit[worst], name) if worst else Path(None, source.name)
        else:
            rule = Rule.STEERED_ROWS
            path = rows.steers.get(source, Path(None, source.name))
        if worst is not None and people:
            source = worst.source
        self._recorder.add(
            rule,
            column=name,
            source=source.name,
            source_class=source.privacy_class.word,
            path=str(path),
        )

    def _cell(self, name: str, label: Label, rows: Rows) -> bool:
        """Whether a column of a mart breaks a rule."""
        if self._identifier(name, label, PrivacyClass.PSEUDONYM):
            return True
        worst = _worst(label)
        why = _WHYS.get(label.why)
        if label.is_personal:
            if why is not None and self._say(why, name, label, worst):
                return True
            if label.aggregated and self._say(Rule.UNGUARDED_AGGREGATE, name, label, worst):
                return True
            # A row of people is judged once, for all of its columns.
            return (
                not rows.is_open
                and not label.aggregated
                and self._say(Rule.PERSONAL_ROWS, name, label, worst)
            )
        if worst is None or label.reach is Reach.PUBLIC:
            return False
        if why is Rule.VALUE_AGGREGATE and worst.privacy_class:
            return self._say(why, name, label, worst)
        if worst.privacy_class is PrivacyClass.SENSITIVE and not rows.is_open:
            return self._say(Rule.SENSITIVE_GRAIN, name, label, worst)
        return False

    def _identifier(self, name: str, label: Label, least: PrivacyClass) -> bool:
        worst = _worst(label)
        if worst is None or worst.privacy_class < least:
            return False
        rule = Rule.PSEUDONYM
        if worst.privacy_class is PrivacyClass.DIRECT_IDENTIFIER:
            rule = Rule.DIRECT_IDENTIFIER
        return self._say(rule, name, label, worst)

    def _say(self, rule: Rule, name: str, label: Label, worst: Flow | None) -> bool:
        path = Path(label.explicit[worst], name) if worst else None
        if path is None and label.implicit:
            # The longest way: what stood before a mask has a way of its own, which ended there.
            path = Path(max(label.implicit.values(), key=lambda way: len(list(way))), name)
        return self._recorder.add(
            rule,
            column=name,
            source=worst.source.name if worst else "",
            source_class=worst.privacy_class.word if worst else "",
            path=str(path) if path else "",
        )


def _by_name(declared: Mapping[str, _T], name: str) -> _T | None:
    """What is declared of a column; DuckDB's names have no case."""
    found = declared.get(name)
    if found is None:
        found = next((one for key, one in declared.items() if key.lower() == name.lower()), None)
    return found


def _worst(label: Label) -> Flow | None:
    """The source of the highest class; of several the first one."""
    return max(label.explicit, key=lambda flow: flow.privacy_class, default=None)


def _most_personal(rows: Rows) -> tuple[str, Label]:
    """The column that a refusal of the rows names."""

    def weight(column: tuple[str, Label]) -> tuple[int, int]:
        worst = _worst(column[1])
        return column[1].reach, worst.privacy_class if worst else -1

    return max(rows.columns, key=weight, default=("", PUBLIC))


def treated(model: Model, columns: Iterable[tuple[str, Label]]) -> list[tuple[str, Label]]:
    """The columns of a pseudonymized model after the masks that its YAML names.

    Only a model whose raw code is the one call of `veil.pseudonymize` is believed: its SQL is what
    the YAML says. In any other the labels stay, but for veil's own functions.
    """
    found = []
    for name, label in columns:
        mask = _by_name(model.masks, name)
        if model.trusted and mask is not None:
            label = _masked(model.name, name, label, mask)
        elif label.key and not label.key.domain:
            # veil's function in SQL that nobody vouches for: a pseudonym, of no known domain.
            key = Key(mask.domain if mask else "", name.lower(), label.key.person)
            label = _renewed(model.name, name, label, PrivacyClass.PSEUDONYM, key)
        found.append((name, label))
    return found


def _masked(model: str, name: str, label: Label, mask: Mask) -> Label:
    worst = _worst(label)
    # What only seeds a draw (the person behind a shifted date) is in `implicit` already.
    before = worst.privacy_class if worst else PrivacyClass.NON_SENSITIVE
    after = left_by(mask.name, before)
    if after == before and after is not PrivacyClass.PSEUDONYM:
        return label
    key = None
    if after is PrivacyClass.PSEUDONYM:
        was = {flow.source.privacy_class for flow in label.explicit}
        raw = {source.privacy_class for source in label.implicit}
        person = PrivacyClass.DIRECT_IDENTIFIER in was | raw
        if mask.name in {"pseudonym", "random_token"}:
            key = Key(mask.domain, name.lower(), person)
    return _renewed(model, name, label, after, key)


def _renewed(
    model: str, name: str, label: Label, privacy_class: PrivacyClass, key: Key | None
) -> Label:
    """A label that starts anew at this column, with what it came from behind it."""
    owner = min((flow.owner for flow in label.explicit), default=1)
    worst = _worst(label)
    path = (
        Path(label.explicit[worst], f"{model}.{name}") if worst else Path(None, f"{model}.{name}")
    )
    implicit = dict(label.implicit)
    for flow, before in label.explicit.items():
        implicit.setdefault(flow.source, before)
    return Label(
        explicit={Flow(Source(model, name, privacy_class), owner): path},
        implicit=implicit,
        reach=Reach.PERSONAL,
        key=key,
    )


def declared(model: Model, columns: Iterable[tuple[str, Label]]) -> list[tuple[str, Label]]:
    """The columns of a raw model, each at least of the class that its YAML declares."""
    found = []
    for name, label in columns:
        wanted = _by_name(model.declared, name) or PrivacyClass.NON_SENSITIVE
        worst = _worst(label)
        if wanted > (worst.privacy_class if worst else PrivacyClass.NON_SENSITIVE):
            source = Source(model.name, name, wanted)
            owner = worst.owner if worst else 1
            flows = {Flow(source, owner): Path(None, source.name), **label.explicit}
            label = Label(
                explicit=flows, implicit=label.implicit, reach=Reach.PERSONAL,
                conditions=label.conditions,
            )  # fmt: skip
        found.append((name, label))
    return found
