"""The verdict on a column: what it most likely holds, how sure that is, and why.

What the values say and what the name says are weighed together. A verdict holds counts and words
of the vocabulary, never a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from veil.detect.checksums import checksum_detectors
from veil.detect.detector import Detector, Evidence, examine
from veil.detect.hints import Hint, hint
from veil.detect.people import person_detectors
from veil.detect.phones import phone_detectors
from veil.detect.samples import ColumnSample, TableSample
from veil.detect.shapes import SHAPES
from veil.detect.texture import agreement, fallback
from veil.detect.vocabulary import CLASS_OF, DIRECT, NON_SENSITIVE, QUASI

CERTAIN = 0.9
"""From here on a verdict may stop a build."""
WHOLE = 0.5
"""From this share of hits on, the column holds the type; below, it holds some among others."""
FEW = 3
"""Fewer hits than this in a larger column are no ground for a verdict."""
CHANCE_HITS = 10
"""The same for names of people, which ordinary words are too."""
ABSENT = 0.05
"""Below this share of hits, a rule that misses little contradicts the column's name."""
ENOUGH = 10
"""Values from which on a contradiction counts."""

# Of two verdicts on the same values the more particular one is meant.
ORDER = (
    "pseudonym email url mac_address ip_address iban ssn date credit_card national_id phone"
    " street_address person_name".split()
)


@dataclass(frozen=True)
class Verdict:
    """What a column holds.

    Attributes:
        column: its name.
        privacy_type: a word of the vocabulary.
        privacy_class: the class proposed.
        confidence: between 0 and 1. For values, the lower 95 % bound of the share of hits that
            are real; with a name that says the same, at least 0.95.
        why: `name`, `shape`, `checksum`, in the order of weight, and a rule's variant.
        hits: accepted values, 0 where the name alone speaks.
        tried: values that were put to the rule.
        values: distinct values in the sample.
        precision: lower 95 % bound of the share of hits that are real; 0 without hits.
        chance: share of random texts of the same form that pass; 1 without hits.
    """

    column: str
    privacy_type: str
    privacy_class: str
    confidence: float
    why: tuple[str, ...]
    hits: int = 0
    tried: int = 0
    values: int = 0
    precision: float = 0.0
    chance: float = 1.0

    @property
    def is_from_values(self) -> bool:
        return self.hits > 0


@cache
def detectors() -> tuple[Detector, ...]:
    """Every detector.

    Raises:
        VeilError: where one of the optional libraries is absent.
    """
    return (*SHAPES, *checksum_detectors(), *phone_detectors(), *person_detectors())


def judge_table(table: TableSample) -> list[Verdict]:
    """The verdicts on a table's columns, in its order.

    A list without people in it (a hierarchy of ages, the codes of diagnoses) has no column that
    names a person and at most one kind of quasi-identifier: there a name alone says nothing.
    """
    verdicts = [judge(column) for column in table.columns]
    if _speaks_of_people(verdicts):
        return verdicts
    return [
        replace(verdict, privacy_class=NON_SENSITIVE, why=(*verdict.why, "no person in the table"))
        if verdict.privacy_class != DIRECT
        else verdict
        for verdict in verdicts
    ]


def judge(column: ColumnSample) -> Verdict:
    """The verdict on one column."""
    said = hint(column.name)
    found = [
        evidence
        for detector in _fitting(column)
        for evidence in examine(detector, column)
        if not _is_luck(evidence)
    ]
    supported = _supported(column, said, found)
    alone = _alone(column, found)
    whole = next((one for one in alone if one[1].share >= WHOLE and not one[1].is_inside), None)
    if supported is not None:
        verdict = supported
    elif whole is not None and (said is None or whole[0].privacy_type != "date"):
        verdict = whole[0]
    elif said is not None and not _is_contradicted(column, said, found):
        weight = agreement(column, said)
        why = ("name", "shape") if weight else ("name",)
        verdict = _said(column, said, max(weight, said.weight), why)
    else:
        verdict = whole[0] if whole is not None else _rest(column)
    among = next((one for one, _ in alone if _outranks(one, verdict)), None)
    return verdict if among is None else among


def _fitting(column: ColumnSample) -> Iterable[Detector]:
    """A date is no phone number, and a truth value is nothing at all."""
    kind = column.data_type
    if kind.startswith("BOOL"):
        return ()
    if kind.startswith(("DATE", "TIME")):
        return [detector for detector in detectors() if detector.name == "date"]
    return detectors()


def _is_luck(evidence: Evidence) -> bool:
    if evidence.detector.name == "person_name":
        return False
    return evidence.hits < min(FEW, evidence.values) and evidence.detector.chance is None


def _supported(
    column: ColumnSample, said: Hint | None, found: Sequence[Evidence]
) -> Verdict | None:
    """The name's verdict, where values bear it out."""
    if said is None:
        return None
    name = "date" if said.privacy_type == "date_of_birth" else said.privacy_type
    bearing = [
        evidence
        for evidence in found
        if evidence.detector.name == name and evidence.share >= WHOLE and not evidence.is_inside
    ]
    if not bearing:
        return None
    best = max(bearing, key=lambda evidence: (round(evidence.precision, 1), evidence.hits))
    confidence = max(0.95, 1 - (1 - said.weight) * (1 - best.precision))
    return _seen(
        column, best, said.privacy_type, confidence, ("name", best.detector.why), said.privacy_class
    )


def _alone(column: ColumnSample, found: Sequence[Evidence]) -> list[tuple[Verdict, Evidence]]:
    """Verdicts that need no name: the certain ones, the most particular first."""
    kept = []
    for evidence in found:
        detector = evidence.detector
        if not detector.alone or evidence.precision < CERTAIN:
            continue
        if detector.name == "person_name" and (
            evidence.hits < CHANCE_HITS or evidence.real_share < WHOLE
        ):
            continue
        inside = evidence.is_inside
        name = "free_text" if inside else detector.name
        why = (f"{detector.why} of {detector.name} inside" if inside else detector.why,)
        verdict = _seen(column, evidence, name, evidence.precision, why, CLASS_OF[name])
        kept.append((verdict, evidence))
    return sorted(
        kept,
        key=lambda pair: (
            pair[1].is_inside,
            pair[1].share < WHOLE,
            ORDER.index(pair[1].detector.name),
            -pair[1].precision,
        ),
    )


def _outranks(one: Verdict, verdict: Verdict) -> bool:
    """Whether a column of some lesser class, or one known by its name, holds identifiers."""
    return (
        one.privacy_class == DIRECT
        and (verdict.privacy_class != DIRECT or not verdict.is_from_values)
        and verdict.privacy_type not in {"pseudonym", "date", "date_of_birth", "url"}
    )


def _is_contradicted(column: ColumnSample, said: Hint, found: Sequence[Evidence]) -> bool:
    """Whether the values are none of what the name says: a column `email` of yes and no."""
    if len(column.values) == 1 and column.filled >= ENOUGH and said.privacy_class == DIRECT:
        return True
    if column.data_type.startswith("BOOL") and said.privacy_class == DIRECT:
        return True
    name = "date" if said.privacy_type in {"date_of_birth", "event_date"} else said.privacy_type
    rules = [detector for detector in detectors() if detector.name == name]
    if not rules or column.filled < ENOUGH:
        return False
    share = max((one.share for one in found if one.detector.name == name), default=0.0)
    if any(detector.recall for detector in rules) and name != "phone":
        return share < ABSENT
    # Names, addresses, phones and national ids that no rule knows are still what their name says,
    # unless a handful of words repeats all over the column.
    return share < ABSENT and len(column.values) * 20 < column.filled and len(column.values) < 20


def _said(column: ColumnSample, said: Hint, weight: float, why: tuple[str, ...]) -> Verdict:
    return Verdict(
        column.name, said.privacy_type, said.privacy_class, weight, why, values=len(column.values)
    )


def _rest(column: ColumnSample) -> Verdict:
    privacy_type, confidence = fallback(column)
    return Verdict(
        column.name,
        privacy_type,
        CLASS_OF[privacy_type],
        confidence,
        ("shape",) if column.values else (),
        values=len(column.values),
    )


def _seen(
    column: ColumnSample,
    evidence: Evidence,
    privacy_type: str,
    confidence: float,
    why: tuple[str, ...],
    privacy_class: str,
) -> Verdict:
    variant = evidence.detector.variant
    return Verdict(
        column=column.name,
        privacy_type=privacy_type,
        privacy_class=privacy_class,
        confidence=confidence,
        why=(*why, variant) if variant else why,
        hits=evidence.hits,
        tried=evidence.candidates,
        values=len(column.values),
        precision=evidence.precision,
        chance=evidence.chance,
    )


def _speaks_of_people(verdicts: Sequence[Verdict]) -> bool:
    if any(one.privacy_class == DIRECT and one.confidence > CERTAIN / 2 for one in verdicts):
        return True
    if any(one.privacy_type in {"date_of_birth", "pseudonym"} for one in verdicts):
        return True
    quasi = {
        one.privacy_type
        for one in verdicts
        if one.privacy_class == QUASI and "name" in one.why and one.confidence > CERTAIN / 2
    }
    return len(quasi) > 1
