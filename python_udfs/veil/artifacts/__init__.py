"""The artefact scanner: no file that a build leaves in clear holds a key or a personal value."""

from veil.artifacts.fingerprints import Fingerprints, Identifier, fingerprint
from veil.artifacts.needles import KeySearch, Secret
from veil.artifacts.scan import Wanted, scan_files
from veil.artifacts.search import Hit, Search
from veil.artifacts.sheets import Kind, Opened, Sheet

__all__ = [
    "Fingerprints",
    "Hit",
    "Identifier",
    "KeySearch",
    "Kind",
    "Opened",
    "Search",
    "Secret",
    "Sheet",
    "Wanted",
    "fingerprint",
    "scan_files",
]
