"""The project's audit record: who signs it, its anchor, and what it says of the keyring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veil.audit.anchor import Anchor, anchor_from
from veil.audit.errors import NoteError
from veil.audit.keeper import Keeper
from veil.audit.note import Signer, Verifier
from veil.audit.seal import LineKeys
from veil.errors import VeilError
from veil.keys import KeyEntry, Keyring, Status
from veil.keys.derive import derive
from veil.project import Project

ANCHOR = "veil:anchor"
"""The variable of dbt_project.yml that names where checkpoints are copied to."""
FIRST = "*"
"""Domain of the key that signs a project's first record; a later one has `record_2` and so on."""
_SIGNING = frozenset({Status.PRIMARY, Status.ACTIVE})


def audit_domain(keyring: Keyring) -> str:
    """Domain of the keys that sign the record of today.

    It stands in the sealed keyring, so that nobody without its keys can begin another record in the
    place of the one that the anchor knows.
    """
    domains = {
        entry.domain
        for entry in keyring.entries
        if entry.purpose == "audit" and entry.status is not Status.PENDING
    }
    return max(domains, key=record_number, default=FIRST)


def record_number(domain: str) -> int:
    """Which record of the project a signing key's domain stands for, from 1."""
    return 1 if domain == FIRST else int(domain.rpartition("_")[2])


def origin_of(keyring: Keyring) -> str:
    """The name of the record of today, as its checkpoints bear it."""
    domain = audit_domain(keyring)
    return f"veil/{keyring.id}" + ("" if domain == FIRST else f"/{domain}")


def record_keys(keyring: Keyring) -> tuple[list[Signer], LineKeys]:
    """Who signs checkpoints, and what seals lines: the primary key, and in a rotation the former.

    Each key is unwrapped once: its provider may be a service.

    Raises:
        VeilError: there is no primary key, or it cannot be unwrapped.
    """
    domain, origin = audit_domain(keyring), origin_of(keyring)
    primary = keyring.primary("audit", domain)
    entries = [primary, *(entry for entry in _signing(keyring, domain) if entry != primary)]
    materials = [keyring.material(entry) for entry in entries]

    def derived(use: str) -> list[bytes]:
        return [derive(one, purpose="audit", domain=domain, use=use) for one in materials]

    return [Signer(origin, seed) for seed in derived("checkpoint")], LineKeys(
        tuple(derived("line"))
    )


def audit_verifiers(keyring: Keyring) -> list[Verifier]:
    """The public keys of today's signers."""
    return [signer.verifier for signer in record_keys(keyring)[0]]


def anchor_of(project: Project) -> Anchor | None:
    """Where the project copies its checkpoints to; None where it names no place.

    Raises:
        VeilError: the setting is malformed.
    """
    declared = project.config().get("vars")
    setting: Any = declared.get(ANCHOR) if isinstance(declared, Mapping) else None
    return None if setting is None else anchor_from(setting, root=project.root)


def open_keeper(project: Project, keyring: Keyring) -> Keeper:
    """The keeper of the project's record.

    Raises:
        VeilError: the record is not what veil wrote, or its signer cannot be had.
    """
    (first, *others), keys = record_keys(keyring)
    return Keeper(
        project.audit,
        first.name,
        first,
        anchor_of(project),
        keys=keys,
        cosigners=others,
        witness=project.checkpoint,
    )


def check_recorded(project: Project, keyring: Keyring) -> Keeper:
    """Check that the keyring is the one that the record saw written last.

    A crash can come between the intent and the file, or between the file and the note that it was
    written: both are recognised and noted.

    Returns:
        The record's keeper.

    Raises:
        VeilError: there is no record, it is not the one that was signed, or the keyring is an
            older, a newer or another one.
    """
    if not project.record.is_file():
        raise VeilError(
            "state/audit/record.jsonl is gone, and with it what says that this keyring is the"
            " newest.",
            remedy="Restore state/ from one backup; docs/runbooks/failed-audit.md says what to do"
            " without one.",
        )
    keeper = open_keeper(project, keyring)
    try:
        keeper.check_here()
    except NoteError:
        raise VeilError(
            "state/keyring.json and the checkpoints of the record do not belong together: one of"
            " them is another one, or was put back.",
            remedy="Restore keyring and state/audit/ from the same backup.",
        ) from None
    entries = keeper.entries("keyring.intended", "keyring.saved", "keyring.abandoned")
    newest = entries[-1] if entries else None
    saved = next((one for one in reversed(entries) if one.event == "keyring.saved"), None)
    here = (keyring.generation, keyring.sealed_digest)
    if newest is not None and newest.event == "keyring.intended":
        intended = _place(newest.details)
        if here == intended:
            keeper.note("keyring.saved", generation=here[0], digest=here[1])
            return keeper
        if saved is None or here == _place(saved.details):
            keeper.note("keyring.abandoned", generation=intended[0], digest=intended[1])
            return keeper
    if saved is not None and here == _place(saved.details):
        return keeper
    known = _place(saved.details)[0] if saved is not None else 0
    if here[0] < known:
        raise VeilError(
            "state/keyring.json was rolled back: the record saw a newer one written.",
            remedy="Restore the newest keyring; keys that were disabled since must stay so.",
        )
    if here[0] > known:
        raise VeilError(
            "state/keyring.json is newer than the record knows: the record was rolled back, or the"
            " keyring was changed past it.",
            remedy="Restore keyring and state/audit/ from the same backup.",
        )
    raise VeilError(
        "state/keyring.json is not the keyring that the record saw written.",
        remedy="Restore keyring and state/audit/ from the same backup.",
    )


def _place(details: Mapping[str, Any]) -> tuple[int, str]:
    """Generation and digest of a keyring file."""
    return details["generation"], details["digest"]


def _signing(keyring: Keyring, domain: str) -> list[KeyEntry]:
    return [
        entry
        for entry in keyring.entries
        if (entry.purpose, entry.domain) == ("audit", domain) and entry.status in _SIGNING
    ]
