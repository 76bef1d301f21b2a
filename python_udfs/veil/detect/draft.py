"""A properties file to start from: every column with the class and type that the scan proposes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import yaml

from veil.detect.report import LIKELY, is_lower
from veil.detect.targets import Target
from veil.detect.verdict import Verdict
from veil.policy.rules.common import CLASSES

HEAD = """\
version: 2

# Drafted by `veil scan` from samples. Read every line before you use it: a scan misses what it has
# no rule for. The comment gives the confidence, and what it rests on.
"""
LIST_OF_FILES = "files"


def draft(scanned: Sequence[tuple[Target, Sequence[Verdict]]]) -> str:
    """The text of a dbt properties file for the scanned tables.

    What is declared already stays, unless it is likely too low.
    """
    parts = [HEAD]
    for key, kinds in (("seeds", {"seed"}), ("models", {"model", "mart"})):
        lines = [
            line
            for target, verdicts in scanned
            if target.kind in kinds
            for line in _table(target, verdicts)
        ]
        if lines:
            parts.append("\n".join([f"{key}:", *lines]) + "\n")
    sources = "\n".join(_sources(scanned))
    if sources:
        parts.append(f"sources:\n{sources}\n")
    return "\n".join(parts)


def _sources(scanned: Sequence[tuple[Target, Sequence[Verdict]]]) -> Iterator[str]:
    groups: dict[str, list[tuple[Target, Sequence[Verdict]]]] = {}
    for target, verdicts in scanned:
        if target.kind == "source":
            groups.setdefault(target.name.partition(".")[0], []).append((target, verdicts))
        elif target.kind == "file":
            groups.setdefault(LIST_OF_FILES, []).append((target, verdicts))
    for group, tables in groups.items():
        yield f"  - name: {_word(group)}"
        yield "    tables:"
        for target, verdicts in tables:
            yield from ("    " + line for line in _table(target, verdicts))


def _table(target: Target, verdicts: Sequence[Verdict]) -> Iterator[str]:
    name = target.name.rpartition(".")[2] if target.kind == "source" else target.name
    yield f"  - name: {_word(name)}"
    if target.kind == "seed":
        yield "    config:"
        yield "      column_types:"
        yield from (f"        {_word(one.column)}: varchar" for one in verdicts)
    if target.location:
        yield "    config:"
        yield f"      meta: {{external_location: {_quoted(target.location)}}}"
    yield "    columns:"
    for one in verdicts:
        declared = target.classes.get(one.column.lower(), "")
        raised = one.confidence >= LIKELY and is_lower(declared, one.privacy_class)
        keeps = declared in CLASSES and not raised
        privacy_class = declared if keeps else one.privacy_class
        privacy_type = one.privacy_type
        if keeps:
            privacy_type = target.types.get(one.column.lower(), privacy_type)
        why = (
            "as declared" if keeps else f"{one.confidence:.2f} by {', '.join(one.why) or 'nothing'}"
        )
        if declared and not keeps:
            why += f"; declared {declared}"
        yield f"      - name: {_word(one.column)}"
        yield f"        config:  # {why}"
        yield (
            f"          meta: {{privacy_class: {_word(privacy_class)},"
            f" privacy_type: {_word(privacy_type)}}}"
        )


def _word(text: str) -> str:
    """A text as a YAML scalar, quoted where it must be."""
    dumped = yaml.safe_dump(text, default_flow_style=True, width=10_000, allow_unicode=True)
    plain = dumped.removesuffix("...\n").strip()
    # Inside `{…}` a comma or a bracket ends a plain scalar.
    return _quoted(text) if set(",[]{}") & set(plain) else plain


def _quoted(text: str) -> str:
    return str(yaml.safe_dump(text, default_style='"', width=10_000)).strip()
