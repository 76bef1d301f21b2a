"""One finding of a check: rule, place, message, way out; never a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How much a finding weighs; the words are SARIF's."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


_WEIGHTS = {level: weight for weight, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found in one place.

    Attributes:
        rule: name of the rule, `direct_identifier` for example.
        message: what is wrong, one line without a value; names model and column.
        remedy: the way out, one line; may be empty.
        level: errors stop a build or a merge, warnings and notes do not.
        model: name of the model, seed or source, empty where there is none.
        column: name of its column, empty where the whole is meant.
        path: the flow, `raw_people.ssn -> upper() -> mart.code`, empty where nothing flows.
        file: path from the project's root, with `/`, empty where no file is to blame.
        line: line in `file`, from 1; 0 where unknown.
    """

    rule: str
    message: str
    remedy: str = ""
    level: Level = Level.ERROR
    model: str = ""
    column: str = ""
    path: str = ""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once: the heaviest first, then by place."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda one: (
            _WEIGHTS[one.level],
            one.model,
            one.column,
            one.file,
            one.line,
            one.rule,
            one.message,
        ),
    )


def failed(findings: Iterable[Finding]) -> bool:
    """Whether one of them is an error."""
    return any(one.level is Level.ERROR for one in findings)
