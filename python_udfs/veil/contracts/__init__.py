"""Data contracts of the published marts, in the Open Data Contract Standard."""

from veil.contracts.compare import contract_breaks
from veil.contracts.draft import draft, drafts
from veil.contracts.files import as_yaml, file_name, merged, read_contracts

__all__ = [
    "as_yaml",
    "contract_breaks",
    "draft",
    "drafts",
    "file_name",
    "merged",
    "read_contracts",
]
