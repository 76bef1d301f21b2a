"""What a check found, kept for the next one under target/veil/check/.

Everything is kept under the hash of what it was found from, so a cache can be thrown away at any
time, and one that is damaged or of another version is not read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from veil.errors import VeilError
from veil.files import write_atomic
from veil.findings import Finding, Level

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of one model.

    Attributes:
        fast: key over everything that its SQL and its labels come from, unrendered; empty where
            its SQL may differ from run to run.
        slow: key over its SQL and the labels that it reads.
        found: what stands against it.
        relation: its labels, packed; empty where it could not be followed.
        state: `` where it was followed, else the name of what prevented it.
    """

    fast: str
    slow: str
    found: tuple[Finding, ...]
    relation: str
    state: str = ""


@dataclass
class State:
    """A cache.

    Attributes:
        settings: digest of versions, target, profile and environment at the last parse.
        files: hash of every file at the last parse.
        parsed: what the last parse wrote.
        models: what is known of each model, by unique id.
        rules_key: what `rules` was found from.
        rules: what the rules over the whole project found.
    """

    settings: str
    files: Mapping[str, str]
    parsed: bytes
    models: dict[str, Kept] = field(default_factory=dict)
    rules_key: str = ""
    rules: tuple[Finding, ...] = ()

    @property
    def parsed_hash(self) -> str:
        return hashlib.sha256(self.parsed).hexdigest()


def load(folder: Path) -> State | None:
    """The cache in a folder; None where there is none that can be read."""
    try:
        parsed = (folder / "parsed.json").read_bytes()
        digest, _, body = (folder / "state.json").read_bytes().partition(b"\n")
        if digest.decode("ascii") != hashlib.sha256(body).hexdigest():
            return None
        raw = json.loads(body)
        if raw["format"] != FORMAT or raw["parsed"] != hashlib.sha256(parsed).hexdigest():
            return None
        return State(
            settings=_text(raw["settings"]),
            files={_text(path): _text(one) for path, one in raw["files"].items()},
            parsed=parsed,
            models={_text(key): _kept(one) for key, one in raw["models"].items()},
            rules_key=_text(raw["rules_key"]),
            rules=findings_of(raw["rules"]),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def save(folder: Path, state: State, *, parsed_changed: bool) -> None:
    """Keep a cache; a folder that cannot be written only makes the next check slower."""
    body = {
        "format": FORMAT,
        "settings": state.settings,
        "files": dict(state.files),
        "parsed": state.parsed_hash,
        "models": {
            key: [one.fast, one.slow, plain(one.found), one.relation, one.state]
            for key, one in state.models.items()
        },
        "rules_key": state.rules_key,
        "rules": plain(state.rules),
    }
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    # Against damage, not against forgers: who can write here can write the project's YAML too.
    data = hashlib.sha256(data).hexdigest().encode() + b"\n" + data
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if parsed_changed:
            write_atomic(folder / "parsed.json", state.parsed)
        write_atomic(folder / "state.json", data)
    except (OSError, VeilError):
        return


def key_of(*parts: Any) -> str:
    """SHA-256 over plain values."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(raw: Any) -> Kept:
    fast, slow, found, relation, state = raw
    return Kept(_text(fast), _text(slow), findings_of(found), _text(relation), _text(state))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def plain(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [{**asdict(one), "level": one.level.value} for one in findings]


def findings_of(raw: Any) -> tuple[Finding, ...]:
    return tuple(Finding(**{**one, "level": Level(one["level"])}) for one in raw)
