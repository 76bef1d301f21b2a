"""What must outlive a rebuild, `state/`: the keyring and its record, changed together."""

from __future__ import annotations

from collections.abc import Sequence

from veil.audit.keeper import Keeper
from veil.audit.note import Signer
from veil.audit.record import Record
from veil.errors import VeilError
from veil.keys import DEFAULT_PURPOSES, Keyring, Status
from veil.project import Project
from veil.recording import (
    audit_domain,
    check_recorded,
    open_keeper,
    record_keys,
    record_number,
)


def load_keyring(project: Project) -> Keyring:
    """Load the keyring and check that it is the one that the record saw written last.

    The keyring's own MAC notices neither an older copy of the whole file nor another keyring under
    somebody else's key; the record does.

    Raises:
        VeilError: no keyring, one that does not open, or another one than recorded.
    """
    return load_state(project)[0]


def load_state(project: Project) -> tuple[Keyring, Keeper]:
    """The keyring, checked as by `load_keyring`, and the keeper of its record.

    Raises:
        VeilError: as there.
    """
    keyring = Keyring.load(project.keyring)
    return keyring, check_recorded(project, keyring)


def create_keyring(
    project: Project, *, kek_ref: str, is_encrypted: bool, after_loss: bool
) -> Keyring:
    """Make the project's keyring, and note it in the record.

    Args:
        project: whose keyring it is.
        kek_ref: names the key-encryption key.
        is_encrypted: whether the zones get keys.
        after_loss: whether there was a keyring before.

    Raises:
        VeilError: there is one already, or it cannot be written.
    """
    if was_used(project):
        close_record(project)
    purposes = [one for one in DEFAULT_PURPOSES if is_encrypted or one[0] != "zone"]
    keyring = Keyring.create(project.keyring, kek_ref=kek_ref, purposes=purposes)
    first_record(project, keyring, after_loss=after_loss)
    return keyring


def unrecorded_keyring(project: Project) -> Keyring | None:
    """A keyring whose making was cut short before its record was; None where it is any other.

    Raises:
        VeilError: the keyring does not open.
    """
    if was_used(project):
        return None
    keyring = Keyring.load(project.keyring)
    return keyring if keyring.generation == 1 else None


def first_record(project: Project, keyring: Keyring, *, after_loss: bool) -> None:
    """Begin the record of a keyring that was made just now; its keys seal the first line already.

    Raises:
        VeilError: it cannot be written.
    """
    keeper = open_keeper(project, keyring)
    keeper.note(
        "keyring.created",
        keyring=keyring.id,
        encrypted=any(entry.purpose == "zone" for entry in keyring.entries),
        after_loss=after_loss,
    )
    keeper.note("keyring.saved", generation=keyring.generation, digest=keyring.digest)
    keeper.checkpoint()


def was_used(project: Project) -> bool:
    """Whether the record saw a keyring written, or cannot be read.

    A crash can come before the first keyring is made.
    """
    if project.checkpoint.exists() or (project.audit / "checkpoints").exists():
        return True
    if not project.record.is_file():
        return False
    try:
        return Record.read(project.audit).last("keyring.saved") is not None
    except VeilError:
        return True


def change_keyring(
    project: Project, keyring: Keyring, event: str, *, kids: Sequence[str] = ()
) -> Keeper:
    """Save a changed keyring: the intent is noted, the file written, and that it was.

    Args:
        project: whose keyring it is.
        keyring: with the change made in memory.
        event: what was done, for example `key.promoted`.
        kids: the keys that it was done to.

    Returns:
        The keeper, whose newest checkpoint covers the change.

    Raises:
        VeilError: somebody else changed the keyring meanwhile, it cannot be written, or the
            change stands and its checkpoint is not anchored.
    """
    keeper = open_keeper(project, keyring)
    keeper.check()
    keyring.save(
        before_write=lambda digest, generation: _intend(
            keeper.record, event, digest, generation, kids=kids
        )
    )
    keeper.note("keyring.saved", generation=keyring.generation, digest=keyring.digest)
    keeper.checkpoint()
    return keeper


def begin_record(project: Project) -> Keeper:
    """Close a record that is lost or damaged, and begin another one under another name.

    What is left of the old one is kept in `state/audit/closed-N/`, as evidence. The keyring is
    taken as it is: who calls this has compared it with a backup.

    Raises:
        VeilError: the keyring does not open, or state/ cannot be written.
    """
    keyring = Keyring.load(project.keyring)
    number = record_number(audit_domain(keyring)) + 1
    close_record(project)
    entry = keyring.add("audit", f"record_{number}", Status.PRIMARY)
    record = Record.open(project.audit, record_keys(keyring)[1])
    keyring.save(
        before_write=lambda digest, generation: _intend(
            record, "key.added", digest, generation, kids=[entry.kid]
        )
    )
    keeper = open_keeper(project, keyring)
    keeper.note("keyring.saved", generation=keyring.generation, digest=keyring.digest)
    keeper.note("record.replaced", number=number)
    keeper.checkpoint()
    return keeper


def audit_signer(project: Project) -> Signer:
    """The key that signs the project's checkpoints today.

    Raises:
        VeilError: the keyring cannot be opened.
    """
    return record_keys(load_keyring(project))[0][0]


def _intend(
    record: Record, event: str, digest: str, generation: int, *, kids: Sequence[str]
) -> None:
    record.append(
        "keyring.intended",
        generation=generation,
        digest=digest,
        reason=event,
        kids=sorted(set(kids)),
    )


def close_record(project: Project) -> None:
    """Move the record and its checkpoints aside, to `state/audit/closed-N/`; nothing is removed.

    Raises:
        VeilError: state/ cannot be written.
    """
    try:
        numbers = [int(path.name.rpartition("-")[2]) for path in project.audit.glob("closed-*")]
        kept = project.audit / f"closed-{max(numbers, default=0) + 1}"
        kept.mkdir(mode=0o700)
        named = [project.audit / name for name in ("checkpoints", "hashes", "record.jsonl")]
        for file in (*named, project.checkpoint):
            if file.exists():
                file.replace(kept / file.name)
    except (OSError, ValueError):
        raise VeilError(
            "state/audit/ cannot be written.", remedy="Check its owner and mode, and free space."
        ) from None
