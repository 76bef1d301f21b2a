"""Data contracts of the published marts, in the Open Data Contract Standard."""

from veil.contracts.compare import contract_breaks
from veil.contracts.draft import draft, drafts
from veil.contracts.files import as_yaml, file_name, merged, read_contracts

FOLDER = "contracts"
"""Where a project commits its contracts."""

__all__ = [
    "FOLDER",
    "as_yaml",
    "contract_breaks",
    "draft",
    "drafts",
    "file_name",
    "merged",
    "read_contracts",
]
