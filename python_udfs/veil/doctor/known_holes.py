"""Holes that are known in what veil stands on. Data, with the source of each entry.

The list is short on purpose: what veil's own dependencies had, as far as it reaches a build. It
does not take the place of an auditor such as `pip-audit`, which asks a database that is of today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

AS_OF = date(2026, 11, 21)
"""The day on which the sources were read."""
STALE_DAYS = 180


@dataclass(frozen=True, slots=True)
class Hole:
    """One vulnerability.

    Attributes:
        package: the distribution.
        affected: version ranges; a version in any of them has the hole.
        ids: its identifiers, the CVE first.
        harm: what it lets happen, one phrase.
        source: where the range was read.
        reaches: whether a build with veil uses the part that is broken.
    """

    package: str
    affected: tuple[str, ...]
    ids: tuple[str, ...]
    harm: str
    source: str
    reaches: bool


HOLES = (
    Hole(
        "duckdb",
        (">=1.4.0,<1.4.2",),
        ("CVE-2025-64429", "GHSA-vmp8-hg63-v2hp"),
        "encrypted databases get weak random numbers and can be downgraded from GCM",
        "duckdb/duckdb pull request 19716",
        True,
    ),
    Hole(
        "duckdb",
        ("<0.9.3",),
        ("CVE-2024-22682", "PYSEC-2024-25"),
        "a malicious extension can be slipped in",
        "pypa/advisory-database",
        True,
    ),
    Hole(
        "cryptography",
        ("<46.0.7",),
        ("CVE-2026-39892",),
        "a non-contiguous buffer overflows memory",
        "pyca/cryptography changelog, 46.0.7",
        True,
    ),
    Hole(
        "cryptography",
        (">=44.0.0,<50.0.0",),
        ("CVE-2026-69247", "GHSA-g6cj-pr64-35w5"),
        "PKCS#7 decryption works as an oracle",
        "pyca/cryptography changelog, 50.0.0",
        False,
    ),
    Hole(
        "cryptography",
        ("<46.0.5",),
        ("CVE-2026-26007",),
        "a crafted public key on a binary curve reveals parts of a private key",
        "pyca/cryptography changelog, 46.0.5",
        False,
    ),
    Hole(
        "dbt-core",
        ("<1.6.14", ">=1.7.0,<1.7.14"),
        ("CVE-2024-40637", "GHSA-p3f3-5ccg-83xq", "PYSEC-2024-66"),
        "a package can replace dbt's materializations without being asked for it",
        "pypa/advisory-database",
        True,
    ),
    Hole(
        "dbt-core",
        ("<1.6.15", ">=1.7.0,<1.7.15", ">=1.8.0,<1.8.1"),
        ("CVE-2024-36105", "GHSA-pmrx-695r-4349"),
        "`dbt docs serve` listens on every network interface",
        "dbt-labs/dbt-core release 1.8.1",
        True,
    ),
    Hole(
        "dbt-common",
        ("<1.34.2", ">=1.35.0,<1.37.3"),
        ("CVE-2026-29790",),
        "a package's archive can write beside its folder",
        "CVE record, 6 March 2026",
        True,
    ),
    Hole(
        "jinja2",
        ("<3.1.6",),
        ("CVE-2025-27516", "GHSA-cpwx-vrp4-4pq7"),
        "a template breaks out of the sandbox through the `attr` filter",
        "pallets/jinja changelog, 3.1.6",
        True,
    ),
    Hole(
        "pyarrow",
        (">=0.14.0,<14.0.1",),
        ("CVE-2023-47248",),
        "reading a crafted Arrow or Parquet file runs code",
        "CVE record, 9 November 2023",
        True,
    ),
    Hole(
        "sqlparse",
        ("<0.6.0",),
        ("CVE-2026-54284",),
        "crafted SQL takes quadratic time",
        "dbt-labs/dbt-core release 1.11.14",
        False,
    ),
    Hole(
        "urllib3",
        ("<2.8.0",),
        ("CVE-2026-97687",),
        "the TLS configuration of an HTTPS proxy is ignored",
        "e2b-dev/E2B release desktop-python 2.6.1, OpenSecOps release 1.6.6",
        False,
    ),
)
