"""Proofs of single entries: who holds one, and the public key, needs no record.

A proof is a JSON object: `v` (1), `seq`, `line` (the entry), `size` and `checkpoint` (a signed note
over so many entries), and `proof` (hashes in hexadecimal, RFC 9162, section 2.1.3.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veil.audit.checkpoint import Checkpoint
from veil.audit.checkpoint_file import CheckpointFile
from veil.audit.entry import Entry
from veil.audit.errors import AuditError, ProofError
from veil.audit.merkle import leaf_hash, verify_inclusion
from veil.audit.note import Verifier, open_note, split_note
from veil.audit.record import CHECKPOINTS, Record

FORMAT = 1
_FIELDS = {"v", "seq", "line", "size", "proof", "checkpoint"}


def prove(record: Record, seq: int) -> dict[str, Any]:
    """The proof that the newest checkpoint of a record covers entry `seq`.

    Raises:
        AuditError: there is no such entry, or no checkpoint covers it yet.
    """
    note = CheckpointFile(record.folder / CHECKPOINTS).newest()
    size = Checkpoint.parse(split_note(note)[0]).size if note else 0
    line = record.line(seq)
    if note is None or seq >= size:
        raise AuditError(
            "the entry is not yet under a checkpoint.", remedy="The next build writes one."
        )
    proof = record.inclusion_proof(seq, size=size)
    return {
        "v": FORMAT,
        "seq": seq,
        "line": line.decode("ascii"),
        "size": size,
        "proof": [one.hex() for one in proof],
        "checkpoint": note,
    }


def check_proof(document: Mapping[str, Any], verifiers: Sequence[Verifier]) -> Entry:
    """Check a proof against public keys, and give the entry that it proves.

    Raises:
        ProofError: it is malformed, or does not hold.
        NoteError: no known key signed its checkpoint.
    """
    try:
        if document.keys() != _FIELDS or document["v"] != FORMAT:
            raise ValueError
        line = str(document["line"]).encode("ascii")
        proof = [bytes.fromhex(one) for one in document["proof"]]
        text, names = open_note(str(document["checkpoint"]), verifiers)
    except (ValueError, TypeError, AttributeError):
        raise ProofError("the proof is not of a form that this veil reads.") from None
    checkpoint = Checkpoint.parse(text)
    if checkpoint.origin not in names or checkpoint.size != document["size"]:
        raise ProofError("the proof and its checkpoint do not belong together.")
    verify_inclusion(
        index=document["seq"],
        size=checkpoint.size,
        leaf=leaf_hash(line),
        proof=proof,
        root=checkpoint.root,
    )
    return Entry.parse(line)
