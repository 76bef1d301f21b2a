"""The catalogue of what can be recorded: each event with its fields, and nothing else.

An entry is refused that names another event, lacks a field, has one too many, or holds what does
not fit. No refusal repeats what it was given: a caller's mistake must not end up in a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from veil.audit.errors import AuditError
from veil.audit.fields import (
    COMMIT,
    DATE,
    DIGEST,
    EVENT_ID,
    FLAG,
    FRACTION,
    INVOCATION,
    KID,
    NAME,
    NODE,
    PERIOD,
    RELEASE_ID,
    VERSION,
    WHOLE,
    WORD,
    Kind,
    counts,
    many,
    one_of,
)

Value = str | int | bool | list[str] | dict[str, int]
"""What a detail can be; its kind narrows it further."""

STATUSES = (
    "success error fail pass warn skipped partial_success no_op runtime_error".split()  # dbt's
)
COMMANDS = (
    "build run seed snapshot test retry clone compile show generate run-operation freshness publish"
).split()
KEY_REASONS = (
    "key.added key.promoted key.disabled key.destroyed key.rewrapped key.emergency keyring.created"
).split()


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event.

    Attributes:
        says: what happened, one line, for the reference.
        fields: what its entry must hold.
        optional: what it may hold.
        one_at_least: of the optional fields, at least one of these stands there; empty: none need.
        warns: a person should look; exports mark it as a warning.
    """

    says: str
    fields: Mapping[str, Kind]
    optional: Mapping[str, Kind] = field(default_factory=dict)
    one_at_least: frozenset[str] = frozenset()
    warns: bool = False


_COMMAND = one_of("dbt command", COMMANDS)
_REASON = one_of("key event", KEY_REASONS)
_KEYRING: Mapping[str, Kind] = {"generation": WHOLE, "digest": DIGEST}
_LEDGER: Mapping[str, Kind] = {"rows": WHOLE, "head": DIGEST}

CATALOGUE: Mapping[str, Event] = MappingProxyType(
    {
        "record.began": Event("The record begins.", {"version": VERSION}),
        "record.resumed": Event(
            "A crash left a torn last line, which was cut.", {"cut": WHOLE}, warns=True
        ),
        "build.started": Event(
            "dbt begins to build.",
            {"command": _COMMAND, "invocation": INVOCATION, "version": VERSION},
            {"commit": COMMIT},
        ),
        "build.ended": Event(
            "dbt is done; nodes by status, and whether it built a part of the project only.",
            {
                "command": _COMMAND,
                "invocation": INVOCATION,
                "version": VERSION,
                "counts": counts("counts by status", STATUSES),
                "partial": FLAG,
            },
        ),
        "gate.passed": Event(
            "A mart passed its gates in exactly this content; rows are those of the mart.",
            {
                "mart": NODE,
                "content_hash": DIGEST,
                "policy_hash": DIGEST,
                "definition_hash": DIGEST,
                "rows": WHOLE,
            },
        ),
        "publication.made": Event(
            "An audience's release was swapped in; `size` is the checkpoint it was made under.",
            {"audience": NAME, "release": RELEASE_ID, "size": WHOLE},
        ),
        "publication.held": Event(
            "An audience keeps its previous release.",
            {"audience": NAME},
            {"release": RELEASE_ID, "size": WHOLE},
            warns=True,
        ),
        "publication.recalled": Event(
            "A release was taken back; `content` is that of its tables, which stays blocked.",
            {"audience": NAME, "release": RELEASE_ID, "content": DIGEST},
            warns=True,
        ),
        "publication.allowed": Event(
            "The content of a release that was taken back may be published again.",
            {"audience": NAME, "content": DIGEST},
            warns=True,
        ),
        "release.drawn": Event(
            "Noise was drawn for a differential release.",
            {"release": NAME, "mart": NODE, "period": PERIOD, "definition_hash": DIGEST},
        ),
        "ledger.intended": Event(
            "The ledger is about to be written; `head` is the MAC of its last row then.", _LEDGER
        ),
        "ledger.abandoned": Event("The ledger was not written after all.", _LEDGER, warns=True),
        "ledger.created": Event(
            "A ledger was made, with nothing spent; whether there were releases before.",
            {**_LEDGER, "after_loss": FLAG},
        ),
        "ledger.accepted": Event(
            "A ledger was taken as it is; `known` are the rows that the record knew before.",
            {**_LEDGER, "known": WHOLE},
            warns=True,
        ),
        "ledger.rekeyed": Event("The ledger was put under another key.", {**_LEDGER, "kid": KID}),
        "ledger.charged": Event(
            "A budget was charged, in exact fractions; one too long is rounded up to 18 decimals.",
            {**_LEDGER, "release": NAME, "budget": NAME},
            {"epsilon": FRACTION, "delta": FRACTION, "rho": FRACTION},
            one_at_least=frozenset({"epsilon", "rho"}),
        ),
        "budget.declared": Event(
            "The limits of a budget are now these; `raised`: more can be spent than before.",
            {
                **_LEDGER,
                "budget": NAME,
                "unit": NAME,
                "window": WORD,
                "raised": FLAG,
                "beside": FLAG,
            },
            {"epsilon": FRACTION, "delta": FRACTION, "rho": FRACTION},
            one_at_least=frozenset({"epsilon", "rho"}),
            warns=True,
        ),
        "budget.withdrawn": Event(
            "The project declares a budget no more; `raised`: no other one is as strict.",
            {**_LEDGER, "budget": NAME, "raised": FLAG},
            warns=True,
        ),
        "keyring.created": Event(
            "A keyring was made: whether its zones are encrypted, and whether one was lost before.",
            {"keyring": EVENT_ID, "encrypted": FLAG, "after_loss": FLAG},
        ),
        "record.replaced": Event(
            "A record was lost or damaged, and this one began under another name.",
            {"number": WHOLE},
            warns=True,
        ),
        "keyring.intended": Event(
            "The keyring is about to be written; `digest` is that of the coming file.",
            {**_KEYRING, "reason": _REASON, "kids": many(KID)},
            warns=True,
        ),
        "keyring.saved": Event("The keyring was written.", _KEYRING),
        "keyring.abandoned": Event("The keyring was not written after all.", _KEYRING, warns=True),
        "emergency.begun": Event(
            "After a leak every key is replaced: those there were, and whether perturbation goes.",
            {"old": many(KID), "perturbation": FLAG},
            warns=True,
        ),
        "emergency.ended": Event(
            "All of them are replaced; the keys that are destroyed.", {"old": many(KID)}
        ),
        "erasure.done": Event(
            "A person was erased; who it was stands nowhere in the record.",
            {"request": EVENT_ID},
            warns=True,
        ),
        "reidentification.done": Event(
            "A pseudonym was reversed for a declared purpose; whose it was stands nowhere here.",
            {"request": EVENT_ID, "purpose": WORD},
            warns=True,
        ),
        "waiver.used": Event(
            "A rule was waived for a model.",
            {"model": NAME, "rule": NAME, "until": DATE},
            warns=True,
        ),
        "configuration.changed": Event(
            "dbt_project.yml or the lock of its packages is another one than at the last build.",
            {"digest": DIGEST, "target": NAME},
        ),
    }
)


class EventError(AuditError):
    """An event that is not in the catalogue, or whose details do not fit it."""


def check_event(event: str, details: Mapping[str, object]) -> None:
    """Check an event against the catalogue.

    Raises:
        EventError: it is not in there, a field is missing or unknown, or a value does not fit. The
            message names the catalogue's words alone.
    """
    found = CATALOGUE.get(event) if isinstance(event, str) else None
    if found is None:
        raise EventError(
            "the audit record knows no such event.", remedy="Use one of veil.audit.events."
        )
    for name, kind in found.fields.items():
        if name not in details:
            raise EventError(f"event `{event}` lacks its field `{name}`.")
        if not kind.fits(details[name]):
            raise EventError(f"field `{name}` of event `{event}` is not a {kind.name}.")
    known = len(found.fields)
    for name, kind in found.optional.items():
        if name in details:
            known += 1
            if not kind.fits(details[name]):
                raise EventError(f"field `{name}` of event `{event}` is not a {kind.name}.")
    if len(details) != known:
        raise EventError(f"event `{event}` was given a field that it does not have.")
    if found.one_at_least and not found.one_at_least & details.keys():
        names = " or ".join(f"`{name}`" for name in sorted(found.one_at_least))
        raise EventError(f"event `{event}` lacks its field {names}.")
