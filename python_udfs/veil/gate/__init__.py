"""The static gate: from dbt's graph and compiled SQL to the lineage and its refusals.

It needs no warehouse: where the SQL and the real columns come from is the caller's affair. In a
build they come from dbt and from the zones, in `veil check` from the project's files.
"""

from veil.gate.aside import check_aside
from veil.gate.chain import Chain, Definition, DefinitionError
from veil.gate.declared import base_relation, layer_of, lineage_model
from veil.gate.findings import as_finding
from veil.gate.pieces import check_pieces
from veil.gate.strangers import check_stranger

__all__ = [
    "Chain",
    "Definition",
    "DefinitionError",
    "as_finding",
    "base_relation",
    "check_aside",
    "check_pieces",
    "check_stranger",
    "layer_of",
    "lineage_model",
]
