"""The record of what was done with keys and state: chained, hashed into a tree, and signed."""

from veil.audit.anchor import Anchor, AnchorError, anchor_from
from veil.audit.checkpoint import Checkpoint
from veil.audit.compare import Comparison, Relation, compare_records
from veil.audit.entry import Entry
from veil.audit.errors import AuditError
from veil.audit.events import CATALOGUE, EventError
from veil.audit.keeper import Keeper, RolledBackError
from veil.audit.lines import TamperedError
from veil.audit.note import Signer, Verifier
from veil.audit.record import Record
from veil.audit.verify import Outcome, Verdict, verify_record

__all__ = [
    "CATALOGUE",
    "Anchor",
    "AnchorError",
    "AuditError",
    "Checkpoint",
    "Comparison",
    "Entry",
    "EventError",
    "Keeper",
    "Outcome",
    "Record",
    "Relation",
    "RolledBackError",
    "Signer",
    "TamperedError",
    "Verdict",
    "Verifier",
    "anchor_from",
    "compare_records",
    "verify_record",
]
