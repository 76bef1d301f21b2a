"""The artefact scan: no file that dbt or veil writes may hold a key or a direct identifier."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from veil import __version__
from veil.artifacts.fingerprints import Fingerprints, Identifier, fingerprint
from veil.artifacts.inspector import Inspector, Tally
from veil.artifacts.keys import secrets_of
from veil.artifacts.needles import KeySearch
from veil.artifacts.places import Artifact, walk
from veil.artifacts.reading import OVERLAP, CutError, chunks, members
from veil.artifacts.seen import Seen, seen_file
from veil.artifacts.sheets import Kind, Opener, Sheet, UnreadableError
from veil.artifacts.words import ordinary_words
from veil.findings import Finding, Level, ordered
from veil.keys import Keyring
from veil.project import ZONES, Project

_ROTATE = "Rotate that key (`veil keys rotate`), then remove the file and what wrote it."


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(kw_only=True, repr=False)
class Wanted:
    """What is looked for.

    Attributes:
        sources: every column of direct identifiers, `raw_people.ssn`: another list voids the record
            of the last scan.
        values: reads their values; called once, and only where a file has to be read, however many
            scans there are.
        domains: linkage domains, each with sub-keys of its own.
        uses: further uses of the `perturbation` key.
    """

    sources: tuple[str, ...]
    values: Callable[[], Iterable[Identifier]]
    domains: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    _found: Fingerprints | None = field(default=None, init=False)

    def fingerprints(self, *, ordinary: frozenset[bytes]) -> Fingerprints:
        """The values, hashed under a key that is made here and kept nowhere."""
        if self._found is None:
            self._found = fingerprint(self.values(), ordinary=ordinary)
        return self._found

    def scope(self, keyring: Keyring) -> str:
        """Digest of what is looked for, without a value in it."""
        kids = [f"{entry.kid}={entry.status}" for entry in keyring.entries]
        lines = [__version__, keyring.id, *kids, *self.sources, *self.domains, *self.uses]
        return sha256("\n".join(lines).encode()).hexdigest()


def scan_files(
    project: Project, keyring: Keyring, wanted: Wanted, opener: Opener, *, since_last: bool
) -> list[Finding]:
    """Scan every place in which dbt and veil write.

    Args:
        project: its folders.
        keyring: opened; its keys are looked for, and one of them seals the record.
        wanted: the values to look for.
        opener: opens table files.
        since_last: skip what the last scan found clean and nobody changed.

    Returns:
        One finding for each source and file; none holds a value.

    Raises:
        VeilError: a key cannot be unwrapped, or the record cannot be written.
    """
    seen = Seen.of(project, keyring, scope=wanted.scope(keyring), since_last=since_last)
    findings: list[Finding] = []
    waiting = []
    for artifact in walk(project):
        if artifact.path == seen_file(project):
            continue  # written below; holds names of clean files and hashes
        try:
            found = artifact.path.stat()
        except FileNotFoundError:
            continue  # gone since it was listed
        except OSError:
            findings.append(_not_read(artifact.place.path, "holds a file that cannot be read"))
            continue
        if _in_clear_by_choice(project, keyring, artifact):
            findings.append(_clear_zone(artifact, chosen=True))
        elif not seen.is_same(artifact.name, found):
            waiting.append((artifact, found))
    if waiting:
        scan = _Scan(project, keyring, wanted, opener, seen)
        for artifact, found in waiting:
            findings += scan.file(artifact, found)
        seen.save()
    return ordered(findings)


def _in_clear_by_choice(project: Project, keyring: Keyring, artifact: Artifact) -> bool:
    """A zone of a project made by `veil init --no-encryption`; the keyring's MAC covers that."""
    encrypted = any(entry.purpose == "zone" for entry in keyring.entries)
    zones = {project.zone_file(zone).name for zone in ZONES}
    return (
        not encrypted
        and artifact.path.parent == project.warehouse
        and artifact.path.name.removesuffix(".wal") in zones
    )


def _clear_zone(artifact: Artifact, *, chosen: bool) -> Finding:
    if chosen:
        return Finding(
            rule="clear_zone",
            level=Level.NOTE,
            message="The zones are not encrypted, as chosen by `veil init --no-encryption`: they"
            " are not scanned.",
            remedy="Keep warehouse/ on an encrypted disk.",
        )
    return Finding(
        rule="clear_zone",
        message=f"`{artifact.name}` is not encrypted, though the keyring has a key for that zone.",
        remedy="Remove it and build again with veil's plugin in the profile.",
        file=artifact.name,
    )


class _Scan:
    """One run over the files that have to be read."""

    def __init__(
        self, project: Project, keyring: Keyring, wanted: Wanted, opener: Opener, seen: Seen
    ) -> None:
        found = wanted.fingerprints(ordinary=ordinary_words(project))
        secrets = secrets_of(keyring, domains=wanted.domains, uses=wanted.uses)
        self._inspector = Inspector(found, KeySearch(secrets))
        self._zones = {project.zone_file(zone) for zone in ZONES}
        self._warehouse = project.warehouse
        self._opener = opener
        self._seen = seen

    def file(self, artifact: Artifact, found: os.stat_result) -> list[Finding]:
        """Scan one file; a clean one goes into the record."""
        shown = self._shown(artifact)
        findings: list[Finding] = []
        if shown != artifact.name:
            tally = self._inspector.name(artifact.name)
            findings += self._say(tally, f"in the name of a file under `{shown}`", shown, artifact)
        try:
            start, lines, digest = self._unchanged(artifact, found)
            if 0 < start == found.st_size and not findings:
                self._seen.clean(artifact.name, found, digest.hexdigest())
                return []
            with self._opener(artifact.path) as opened:
                kind = opened.kind
                for sheet in opened.sheets:
                    findings += self._sheet(sheet, shown, artifact)
            tally = Tally()
            hides = kind is Kind.ENCRYPTED or self._is_beside_zones(artifact)
            with artifact.path.open("rb") as file:
                # A log that grew: the old part is clean, but for what begins at its end.
                begin = file.seek(max(0, start - OVERLAP))
                for chunk in chunks(
                    file, limit=found.st_size - begin, line=lines, is_start=begin == 0
                ):
                    digest.update(chunk.data[chunk.held if chunk.held else start - begin :])
                    self._inspector.chunk(chunk, tally, encrypted=hides)
            for member in members(artifact.path):
                for chunk in chunks(member):
                    self._inspector.chunk(chunk, tally)
        except FileNotFoundError:
            return findings
        except (OSError, UnreadableError):
            return [*findings, _not_read(shown, "cannot be read")]
        except CutError:
            findings.append(_not_read(shown, "cannot be unpacked to its end"))
        if kind is Kind.BROKEN:
            findings.append(_not_read(shown, "cannot be opened as a table file"))
        if kind is not Kind.ENCRYPTED and artifact.path in self._zones:
            findings.append(_clear_zone(artifact, chosen=False))
        place = f"in the bytes of `{shown}`" if kind is Kind.TABLES else f"in `{shown}`"
        findings += self._say(tally, place, shown, artifact)
        if not findings:
            self._seen.clean(artifact.name, found, digest.hexdigest())
        return findings

    def _unchanged(self, artifact: Artifact, found: os.stat_result) -> tuple[int, int, _Hash]:
        """How many bytes at the beginning were clean, their lines, and their running hash."""
        size, wanted = self._seen.known(artifact.name)
        digest, lines, marked = sha256(), 1, False
        if 0 < size <= found.st_size:
            with artifact.path.open("rb") as file:
                for chunk in chunks(file, limit=size):
                    digest.update(chunk.data[chunk.held :])
                    before = max(0, len(chunk.data) - OVERLAP)
                    lines = chunk.line + chunk.data.count(b"\n", 0, before)
                    marked = marked or len(chunk.encodings) > 1
            # What a byte order mark says of the whole file is not known in its middle.
            if digest.hexdigest() == wanted and (size == found.st_size or not marked):
                return size, lines, digest
        return 0, 1, sha256()

    def _is_beside_zones(self, artifact: Artifact) -> bool:
        """Write-ahead logs and spill files, which are encrypted like the zones, page by page."""
        return artifact.path.is_relative_to(self._warehouse) and artifact.path.suffix != ".duckdb"

    def _shown(self, artifact: Artifact) -> str:
        """The longest beginning of a file's name that holds no value itself."""
        parts = artifact.name.split("/")
        while len(parts) > 1 and self._inspector.name("/".join(parts)):
            parts.pop()
        return "/".join(parts)

    def _sheet(self, sheet: Sheet, shown: str, artifact: Artifact) -> Iterator[Finding]:
        """Scan a table; its names are shown unless one of them holds a value."""
        tally = Tally()
        self._inspector.sheet(sheet, tally)
        if not sheet.name:
            yield from self._say(tally, f"in names and comments of `{shown}`", shown, artifact)
            return
        table = "" if self._inspector.name(sheet.name) else f", table `{sheet.name}`"
        for source, column in tally.columns.items():
            if self._inspector.name(column):
                tally.columns[source] = ""
        yield from self._say(tally, f"in `{shown}`{table}", shown, artifact)

    def _say(self, tally: Tally, where: str, shown: str, artifact: Artifact) -> Iterator[Finding]:
        """Findings of one place: how many values of which source, which keys, and where."""
        for source, values in sorted(tally.values.items()):
            count = f"{len(values)} value{'s' if len(values) > 1 else ''}"
            if tally.is_full:
                count = f"at least {count}"
            model, _, column = self._inspector.sources[source].rpartition(".")
            at = f" column `{tally.columns[source]}`" if tally.columns.get(source) else ""
            yield Finding(
                rule="personal_value",
                message=f"{count} of `{model}.{column}` {where}{at}.",
                remedy=artifact.place.remedy,
                model=model,
                column=column,
                file=shown,
                line=tally.lines.get(source, 0),
            )
        for name, form in sorted(tally.keys):
            yield Finding(
                rule="key_material",
                message=f"{name} {where}, as {form}.",
                remedy=_ROTATE,
                file=shown,
            )


def _not_read(shown: str, problem: str) -> Finding:
    return Finding(
        rule="unread_artifact",
        message=f"`{shown}` {problem}, so it may hold anything.",
        remedy="Check its owner and mode, or remove it.",
        file=shown,
    )
