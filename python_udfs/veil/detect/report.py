"""What a scan says of a table: findings where the YAML promises less than the values hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from veil.detect.targets import Target
from veil.detect.verdict import CERTAIN, Verdict
from veil.detect.vocabulary import DIRECT
from veil.findings import Finding, Level
from veil.lineage.classes import PrivacyClass

LIKELY = 0.6
"""From here on a verdict is worth a warning."""
NOT_LOWER = PrivacyClass.QUASI_IDENTIFIER, PrivacyClass.SENSITIVE
"""Of these two, one declared for the other lowers nothing (see `veil.lineage.classes`)."""


def compare(target: Target, verdicts: Sequence[Verdict]) -> list[Finding]:
    """Findings on one table: columns that are classified too low, or not at all, or let through.

    Args:
        target: what was scanned, with its declared classes.
        verdicts: one a column.

    Returns:
        Errors where a verdict is certain, warnings where it is likely. None holds a value.
    """
    found = _let_through if target.is_masked else _too_low
    return [finding for verdict in verdicts for finding in found(target, verdict)]


def is_lower(declared: str, proposed: str) -> bool:
    """Whether a declared class promises less care than the proposed one needs."""
    have, need = PrivacyClass.named(declared), PrivacyClass.named(proposed)
    if have is None or need is None:
        return have is None
    return have < need and not (have in NOT_LOWER and need in NOT_LOWER)


def reason(verdict: Verdict) -> str:
    """Why a verdict is what it is, in words and counts."""
    said = ", ".join(verdict.why) or "nothing"
    if not verdict.is_from_values:
        return f"by {said}; confidence {verdict.confidence:.2f}"
    return (
        f"by {said}; confidence {verdict.confidence:.2f}, {verdict.hits} of {verdict.tried} values"
        f" fit, of which at least {verdict.precision:.0%} are no accident"
    )


def _too_low(target: Target, verdict: Verdict) -> Iterator[Finding]:
    where = f"{target.kind} `{target.name}` column `{verdict.column}`"
    declared = target.classes.get(verdict.column.lower())
    if verdict.confidence < LIKELY or (declared and not is_lower(declared, verdict.privacy_class)):
        return
    if declared is None:
        # A table that nobody has classified yet is what a draft is for.
        if not target.classes:
            return
        rule, level = "unclassified_column", Level.WARNING
        says = "has no `privacy_class`, and looks like"
    else:
        rule = "class_too_low"
        level = Level.ERROR if verdict.confidence >= CERTAIN else Level.WARNING
        says = f"is declared `{declared}`, but looks like"
    yield Finding(
        rule=rule,
        message=f"{where} {says} `{verdict.privacy_type}` ({reason(verdict)}).",
        remedy=(
            f"Set `privacy_class: {verdict.privacy_class}` and `privacy_type:"
            f" {verdict.privacy_type}`, or stop delivering it."
        ),
        level=level,
        model=target.name,
        column=verdict.column,
        file=target.yaml,
    )


def _let_through(target: Target, verdict: Verdict) -> Iterator[Finding]:
    """A direct identifier in masked output.

    A name alone says nothing here: a masked e-mail address stands in a column `email`. Unless the
    YAML keeps the column as it is.
    """
    if verdict.privacy_class != DIRECT or verdict.confidence < LIKELY:
        return
    mask = target.masks.get(verdict.column.lower(), "")
    if not verdict.is_from_values and mask != "keep":
        return
    certain = verdict.confidence >= CERTAIN
    tagged = f" (its mask is `{mask}`)" if mask else ""
    yield Finding(
        rule="identifier_in_masked_output",
        message=(
            f"{target.kind} `{target.name}` column `{verdict.column}`{tagged} looks like"
            f" `{verdict.privacy_type}` in the clear ({reason(verdict)})."
        ),
        remedy=(
            f"Classify the column that it comes from as `{DIRECT}`, give it a mask that hides,"
            " and build again."
        ),
        level=Level.ERROR if certain else Level.WARNING,
        model=target.name,
        column=verdict.column,
        file=target.yaml,
    )
