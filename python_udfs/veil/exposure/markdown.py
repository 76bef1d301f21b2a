"""Changes as Markdown, for a comment on a pull request and a reader who knows no SQL.

Names come from the pull request itself: they stand in code spans, where Markdown does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from veil.exposure.change import Change, Severity, ordered
from veil.exposure.words import code, codes, plural

MARK = "<!-- veil diff -->"
"""By which a workflow finds the comment that it wrote before."""
LONGEST = 60_000
"""Characters; a comment on GitHub ends at 65,536."""
PIPE = "\\|"
_SPAN = re.compile(r"(`[^`]+`)")
_SPECIAL = re.compile(r"([\\*_\[\]<>#|!~&])")
_SEEN = ("column_visible", "source_new", "rows_chosen")


def summary(changes: Sequence[Change]) -> str:
    """One sentence: how much there is to look at."""
    looks = sum(one.severity is Severity.LOOK for one in changes)
    notes = len(changes) - looks
    if not changes:
        return "nothing changes in what anybody can see"
    beside = f", {plural(notes, 'note')}" if notes else ""
    return f"{plural(looks, 'change')} for a reviewer to look at{beside}"


def as_markdown(changes: Iterable[Change], *, base: str, notice: str = "") -> str:
    """Markdown: a summary, who can now see what, then every change.

    Args:
        changes: the changes.
        base: what was compared with, as it was named.
        notice: a sentence about the comparison itself; empty where there is nothing to say.
    """
    found = ordered(changes)
    against = f"compared with {code(base)}"
    said = safe(notice)
    if not found:
        return f"veil: {summary(found)}, {against}.{f' {said}' if said else ''} {MARK}\n"
    looks = [one for one in found if one.severity is Severity.LOOK]
    notes = [one for one in found if one.severity is Severity.NOTE]
    blocks = [f"## veil: {summary(found)} {MARK}", f"{against[:1].upper()}{against[1:]}."]
    if said:
        blocks.append(f"> {said}")
    table = _seen(looks)
    if table:
        blocks += ["### Who can now see what", table]
    if looks:
        blocks += ["### A reviewer must look", _items(looks)]
    if notes:
        opening = f"<details>\n<summary>{plural(len(notes), 'note')}</summary>"
        blocks += [opening, _items(notes), "</details>"]
    return _cut("\n\n".join(blocks) + "\n")


def _seen(looks: Sequence[Change]) -> str:
    """The table of audiences: one row for what several columns of a mart have in common."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for one in looks:
        if one.kind in _SEEN:
            what = one.after if one.kind == "column_visible" else one.message
            rows.setdefault((one.audience, one.model, what), []).append(one.column)
    if not rows:
        return ""
    lines = ["| who | in | sees | which is |", "|---|---|---|---|"]
    for (audience, model, what), columns in rows.items():
        named = codes(column for column in columns if column) or "more than before"
        cells = (code(audience), code(model), named, safe(what))
        lines.append(f"| {' | '.join(cell.replace('|', PIPE) for cell in cells)} |")
    return "\n".join(lines)


def _items(changes: Sequence[Change]) -> str:
    """One item a change; columns that became visible are counted, for the table names them."""
    lines = []
    visible = [one for one in changes if one.kind == "column_visible"]
    if visible:
        number = plural(len(visible), "column")
        lines.append(f"- **{visible[0].title}**: {number}, see above. *{visible[0].question}*")
    for one in changes:
        if one.kind == "column_visible":
            continue
        question = f" *{one.question}*" if one.question else ""
        lines.append(f"- **{one.title}**: {safe(one.text)}{question}")
        if one.path:
            lines.append(f"  - {code(one.path)}")
    return "\n".join(lines)


def safe(text: str) -> str:
    """A sentence in which nothing but its code spans means anything to Markdown."""
    parts = _SPAN.split(" ".join(text.split()))
    return "".join(
        part if number % 2 else _SPECIAL.sub(r"\\\1", part.replace("@", "(at)").replace("`", ""))
        for number, part in enumerate(parts)
    )


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST].rsplit("\n", 1)[0]
    left = text[len(kept) :].count("\n- ")
    closing = "\n\n</details>" if kept.count("<details>") > kept.count("</details>") else ""
    return f"{kept}{closing}\n\n{left:,} more; `veil diff --json` lists all.\n"
