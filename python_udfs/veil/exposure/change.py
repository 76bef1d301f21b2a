"""One difference between two pictures, and what every kind of difference asks of a reviewer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from veil.findings import Finding, Level


class Severity(Enum):
    """Whether somebody has to look."""

    LOOK = "look"
    NOTE = "note"


KINDS = {
    # kind -> title, and what a reviewer is asked where the change exposes more
    "access_changed": ("Access changed", "May more models read this one?"),
    "audience_changed": ("Audience changed", "May these readers see this mart?"),
    "audience_new": ("New audience", "Who are these readers, and who gives them the file?"),
    "budget_changed": ("Budget changed", "Is the weaker guarantee agreed?"),
    "class_changed": ("Class changed", "Does the column say less about a person than before?"),
    "column_collected": ("New column comes in", "Is it needed, and classified rightly?"),
    "column_gone": ("Column gone", ""),
    "column_treated": ("New column in pseudonymized data", "Is it needed, under this mask?"),
    "column_unclassified": ("Column without a class", "What does it say about a person?"),
    "column_visible": ("Column became visible", "May these readers see it?"),
    "contract_broken": ("Contract", "Do the readers know?"),
    "dashboard_changed": ("Dashboards changed", ""),
    "domain_changed": ("Linkage domain changed", "With what may these pseudonyms be joined?"),
    "drop_shrunk": ("Column no longer dropped", "Why is it needed now?"),
    "gate_changed": ("Gate changed", "Does the gate still protect every cell?"),
    "gate_gone": ("Gate gone", "What protects the mart now?"),
    "grant_changed": ("Grants changed", "May these roles read it?"),
    "hook_changed": ("Hooks changed", "What does the new SQL do, and does veil's own still run?"),
    "lineage_unknown": ("Lineage unknown", "What are these columns made of? See `veil check`."),
    "linkable": ("Tables became linkable", "May rows of one person be joined across them?"),
    "mart_gone": ("Mart gone", ""),
    "mart_new": ("New mart", "May these readers see it?"),
    "mask_changed": ("Mask changed", "Is what is left of the column still coarse enough?"),
    "model_gone": ("Model gone", ""),
    "model_new": ("New data", "Is it needed, and classified and treated rightly?"),
    "package_changed": ("Packages changed", "Is the new version trusted with this data?"),
    "profile_changed": ("Profile changed", "Does the other profile protect as much?"),
    "promise_changed": ("Promise changed", "Does the promise still hold for these readers?"),
    "query_changed": ("Query changed", "Are the numbers finer than before, or about fewer people?"),
    "release_drawn": ("Drawn anew", ""),
    "rows_chosen": ("Rows are chosen by more", "May readers know that these data choose the rows?"),
    "setting_changed": ("Setting changed", "What does the setting do?"),
    "source_gone": ("Made of less", ""),
    "source_new": ("Made of more", "May these readers learn something about it?"),
    "threshold_changed": ("Threshold changed", "May groups this small be shown?"),
    "type_changed": ("Kind of data changed", "Is it still masked as what it is?"),
    "waiver_changed": ("Waiver changed", "Is the exception justified, and for how long?"),
    "zone_changed": ("Zone changed", "Is the file that it moves to as protected?"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        kind: one of `KINDS`.
        severity: `LOOK` where it exposes more, or nobody but a person can tell; else `NOTE`.
        message: one sentence that names the place; no data value, no constant of a mask.
        model: the model, seed or source; empty where the project is meant.
        column: its column; empty where the whole is meant.
        audience: who sees it; empty where no mart is meant.
        before: what was, in words; empty where there was nothing.
        after: what is, in words.
        path: the flow that is new, `seed_people.age -> … -> mart.age_mean`.
        file: path from the project's root; empty where no file is to blame.
        reaches: in words, who reads a mart that is built from it; empty where a mart is meant.
    """

    kind: str
    severity: Severity
    message: str
    model: str = ""
    column: str = ""
    audience: str = ""
    before: str = ""
    after: str = ""
    path: str = ""
    file: str = ""
    reaches: str = ""

    @property
    def title(self) -> str:
        return KINDS[self.kind][0]

    @property
    def question(self) -> str:
        """What the reviewer is asked; empty for a note."""
        return KINDS[self.kind][1] if self.severity is Severity.LOOK else ""

    @property
    def text(self) -> str:
        """The message, what was and is, and whom it reaches."""
        parts = [self.message]
        if self.before and self.after:
            parts.append(f"Was {self.before}, is {self.after}.")
        elif self.before:
            parts.append(f"Was {self.before}.")
        elif self.after:
            parts.append(f"{self.after[0].upper()}{self.after[1:]}.")
        if self.reaches:
            parts.append(f"Reaches {self.reaches}.")
        return " ".join(parts)

    def finding(self) -> Finding:
        """The same as a finding: a warning to look at, or a note."""
        level = Level.WARNING if self.severity is Severity.LOOK else Level.NOTE
        return Finding(
            self.kind,
            self.text,
            self.question,
            level,
            model=self.model,
            column=self.column,
            path=self.path,
            file=self.file,
        )

    def plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {**asdict(self), "severity": self.severity.value}


def look(kind: str, message: str, **more: str) -> Change:
    """A change that a reviewer must look at."""
    return Change(kind, Severity.LOOK, message, **more)


def note(kind: str, message: str, **more: str) -> Change:
    """A change that exposes nothing more."""
    return Change(kind, Severity.NOTE, message, **more)


def change(kind: str, message: str, *, exposes: bool, **more: str) -> Change:
    """A change that a reviewer must look at where it `exposes` more."""
    return look(kind, message, **more) if exposes else note(kind, message, **more)


def ordered(changes: Iterable[Change]) -> list[Change]:
    """Each change once: what must be looked at first, then by audience and place."""
    return sorted(
        dict.fromkeys(changes),
        key=lambda one: (
            one.severity is Severity.NOTE,
            one.audience == "",
            one.audience,
            one.model,
            one.column,
            one.kind,
            one.message,
        ),
    )
