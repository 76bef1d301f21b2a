"""Walking, reading, archives, and the record of what was clean."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import secrets
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from keys_support import new_ring

from veil.artifacts import Identifier, Kind, Opened, Wanted, scan_files
from veil.artifacts.places import EXCEPTIONS, PLACES, ROOT_FILES
from veil.artifacts.reading import OVERLAP, READ, chunks, legible
from veil.artifacts.seen import seen_file
from veil.findings import Finding
from veil.keys import DEFAULT_PURPOSES, Keyring
from veil.project import Project

SSN = "123-45-6789"


@contextmanager
def _no_tables(_path: Path) -> Iterator[Opened]:
    yield Opened(Kind.OTHER)


class Scanner:
    """A project without dbt: one person, one keyring, and a count of how often values were read."""

    def __init__(self, root: Path) -> None:
        (root / "dbt_project.yml").write_text("name: here\n")
        (root / "state").mkdir(mode=0o700)
        self.project = Project(root)
        self.keyring: Keyring = new_ring(root / "state", *DEFAULT_PURPOSES)[0]
        self.sources = ("people.ssn",)
        self.read = 0

    def values(self) -> Iterator[Identifier]:
        self.read += 1
        yield Identifier("people.ssn", "p1", SSN)

    def scan(self, *, since_last: bool = True) -> list[Finding]:
        wanted = Wanted(sources=self.sources, values=self.values)
        return scan_files(self.project, self.keyring, wanted, _no_tables, since_last=since_last)

    def write(self, name: str, data: bytes | str) -> Path:
        path = self.project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path


@pytest.fixture
def scanner(tmp_path: Path) -> Scanner:
    return Scanner(tmp_path)


def _zip(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/notes.txt", data)
    return file.getvalue()


@pytest.mark.parametrize(
    "place", [*(f"{one.path}/deep/er/file" for one in PLACES), "out.csv", "dev.duckdb", "x.json"]
)
def test_value_is_found_in_every_place(scanner: Scanner, place: str) -> None:
    """Each folder that dbt or veil writes, at any depth, and what lands in the root."""
    scanner.write(place, f"x {SSN} y")
    (finding,) = scanner.scan()

    assert finding.message == f"1 value of `people.ssn` in `{place}`."
    assert (finding.model, finding.column, finding.file) == ("people", "ssn", place)


@pytest.mark.parametrize("place", ["seeds/people.csv", "data/people.csv", "models/people.sql"])
def test_what_people_write_is_not_scanned(scanner: Scanner, place: str) -> None:
    """Seeds and data as delivered hold identifiers by design; models are for the static gate."""
    scanner.write(place, SSN)

    assert scanner.scan() == []


def test_every_place_says_why() -> None:
    """The lists are data with a reason each, and no exception stands among the places."""
    assert all(one.reason for one in (*PLACES, *ROOT_FILES, *EXCEPTIONS))
    assert not {one.path for one in PLACES} & {one.path for one in EXCEPTIONS}


def test_moved_folders_are_scanned(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target path set in dbt_project.yml, a log path set in the environment."""
    (scanner.project.root / "dbt_project.yml").write_text("name: here\ntarget-path: out/here\n")
    monkeypatch.setenv("DBT_LOG_PATH", str(scanner.project.root / "elsewhere"))
    scanner.write("out/here/run.sql", SSN)
    scanner.write("elsewhere/dbt.log", SSN)

    assert len(scanner.scan()) == 2


def test_links_lead_to_one_finding(scanner: Scanner) -> None:
    """A published link and the folder behind it are one file; a circle ends."""
    scanner.write("published/.releases/a-1/a.csv", SSN)
    (scanner.project.published / "a").symlink_to(".releases/a-1")
    (scanner.project.published / "a" / "loop").symlink_to("..")

    assert [one.file for one in scanner.scan()] == ["published/a/a.csv"]


def test_link_out_of_the_project_is_followed(
    scanner: Scanner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A target folder on another disk is a target folder."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "run.sql").write_text(SSN)
    (scanner.project.root / "target").symlink_to(outside)

    assert [one.file for one in scanner.scan()] == ["target/run.sql"]


def test_name_of_a_file_that_holds_a_value_is_not_repeated(scanner: Scanner) -> None:
    """A test's name quotes its arguments: the finding names the folder alone."""
    scanner.write(f"target/compiled/accepted_values__{SSN}.sql/x.sql", f"select '{SSN}'")
    findings = scanner.scan()

    assert {one.file for one in findings} == {"target/compiled"}
    assert len(findings) == 2
    assert SSN not in str(findings)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, _zip])
def test_value_in_an_archive(scanner: Scanner, pack: Callable[[bytes], bytes]) -> None:
    """A packed log is a log."""
    scanner.write("logs/old", pack(b"line\n" * 5000 + SSN.encode()))

    assert [one.rule for one in scanner.scan()] == ["personal_value"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, _zip])
def test_damaged_archive_is_reported(scanner: Scanner, pack: Callable[[bytes], bytes]) -> None:
    """What cannot be unpacked may hold anything."""
    scanner.write("logs/old", pack(secrets.token_bytes(5000))[:-700])

    assert [one.rule for one in scanner.scan()] == ["unread_artifact"]


def test_long_archive_is_cut_and_reported(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive that unpacks without end does not hold the scan up."""
    monkeypatch.setattr("veil.artifacts.reading.UNPACKED_LIMIT", 1 << 20)
    scanner.write("logs/bomb.gz", gzip.compress(bytes(8 << 20)))

    assert [one.rule for one in scanner.scan()] == ["unread_artifact"]


def test_unreadable_file_is_reported(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that this user may not read is not passed over."""
    scanner.write("target/run.sql", "select 1")

    def refuse(*_arguments: object, **_more: object) -> Iterator[object]:
        raise PermissionError(13, "refused")

    monkeypatch.setattr("veil.artifacts.scan.chunks", refuse)

    assert ("unread_artifact", "target/run.sql") in {(one.rule, one.file) for one in scanner.scan()}


def test_chunks_overlap_and_count_lines() -> None:
    """Nothing is lost where a file is cut, and each chunk knows its line."""
    data = b"".join(b"line %07d\n" % number for number in range(100_000))
    parts = list(chunks(io.BytesIO(data)))
    whole = b"".join(part.data[part.held :] for part in parts)

    assert whole == data
    assert all(len(part.data) <= READ for part in parts)
    assert [part.held for part in parts[1:]] == [OVERLAP] * (len(parts) - 1)
    assert [part.line for part in parts] == [
        data[: data.index(part.data[:200])].count(b"\n") + 1 for part in parts
    ]


@pytest.mark.parametrize("shift", range(-14, 3, 2))
def test_value_across_chunks(scanner: Scanner, shift: int) -> None:
    """A value that two chunks share is found once, wherever the cut falls."""
    before = READ - OVERLAP + shift
    scanner.write("logs/dbt.log", b"a b\n" * (before // 4) + b"." * (before % 4) + SSN.encode())
    (finding,) = scanner.scan()

    assert finding.line == before // 4 + 1


def test_mark_at_the_beginning_hides_nothing(scanner: Scanner) -> None:
    """A byte order mark of UTF-16 before plain text does not keep the text from being read."""
    scanner.write("logs/a.log", b"\xff\xfe" + SSN.encode())
    scanner.write("logs/b.log", "\ufeff".encode("utf-16-le") + f"№ {SSN}".encode("utf-16-le"))

    assert [one.file for one in scanner.scan()] == ["logs/a.log", "logs/b.log"]


def test_random_pages_are_skipped_and_legible_ones_kept() -> None:
    """Ciphertext is left out, a page of text inside it is not."""
    page = f"{SSN}\n".encode() * 400
    data = secrets.token_bytes(64 * 4096) + page[:4096] + secrets.token_bytes(64 * 4096)
    left = legible(data)

    assert SSN.encode() in left
    assert len(left) < 4 * 4096


def test_second_scan_reads_nothing(scanner: Scanner) -> None:
    """What was clean and is untouched is not read again, and no value is fetched for it."""
    scanner.write("target/run.sql", "select 1")
    scanner.scan()
    scanner.scan()

    assert scanner.read == 1
    scanner.scan(since_last=False)
    assert scanner.read == 2


def test_finding_stays_until_the_file_is_gone(scanner: Scanner) -> None:
    """A file with a finding never counts as seen."""
    path = scanner.write("target/run.sql", SSN)

    assert len(scanner.scan()) == len(scanner.scan()) == 1
    path.unlink()
    assert scanner.scan() == []


def test_log_that_grew_is_read_at_its_end(scanner: Scanner) -> None:
    """A value appended to a clean log is found, with its line; so is one that the end completes."""
    log = scanner.write("logs/dbt.log", "clean\n" * 2000 + SSN[:7])

    assert scanner.scan() == []
    log.write_text(log.read_text() + SSN[7:] + "\nmore\n")
    (finding,) = scanner.scan()
    assert finding.line == 2001


def test_content_that_changed_back_in_time_is_read(scanner: Scanner) -> None:
    """Same size and same modification time, other content: still read."""
    path = scanner.write("target/run.sql", "x" * len(SSN))
    scanner.scan()
    stamp = path.stat()
    path.write_text(SSN)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    assert len(scanner.scan()) == 1


def _forge_files(record: Path, path: Path) -> None:
    sealed = json.loads(record.read_text())
    body = json.loads(sealed["body"])
    found = path.stat()
    body["files"]["target/run.sql"] = [
        found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, "0" * 64
    ]  # fmt: skip
    record.write_text(json.dumps({"body": json.dumps(body), "mac": sealed["mac"]}))


@pytest.mark.parametrize(
    "spoil",
    [
        _forge_files,
        lambda record, _path: record.unlink(),
        lambda record, _path: record.write_text("{"),
        lambda record, _path: record.write_text('{"body": 3, "mac": 4}'),
        lambda record, _path: record.write_text("[]"),
        lambda record, _path: record.chmod(0o666),
    ],
    ids=["forged", "missing", "cut", "types", "list", "exposed"],
)
def test_spoiled_record_means_scanning_more(
    scanner: Scanner, spoil: Callable[[Path, Path], None]
) -> None:
    """Whoever edits the record hides nothing."""
    scanner.write("target/other.sql", "select 1")
    scanner.scan()
    path = scanner.write("target/run.sql", SSN)
    spoil(seen_file(scanner.project), path)

    assert len(scanner.scan()) == 1


def test_record_of_another_question_is_void(scanner: Scanner) -> None:
    """A column that is a direct identifier since today was not looked for yesterday."""
    scanner.write("target/run.sql", "select 1")
    scanner.scan()
    scanner.sources = ("people.ssn", "people.email")
    scanner.scan()

    assert scanner.read == 2


def test_record_holds_no_value(scanner: Scanner) -> None:
    """The record names clean files and hashes, and never a file that held something."""
    scanner.write(f"target/{SSN}.sql", SSN)
    scanner.write("target/fine.sql", "select 1")
    scanner.scan()
    text = seen_file(scanner.project).read_text()

    assert "fine.sql" in text
    assert SSN not in text
    assert seen_file(scanner.project).stat().st_mode & 0o077 == 0


def test_key_in_a_file_is_named_by_its_id(scanner: Scanner) -> None:
    """The finding says which key and in which form; rotating it is the way out."""
    entry = scanner.keyring.primary("pseudonym", "*")
    material = scanner.keyring.material(entry)
    scanner.write("logs/dbt.log", f"key = {list(material)}")
    (finding,) = scanner.scan()

    assert finding.message == (
        f"pseudonym key `{entry.kid}` in `logs/dbt.log`, as a list of numbers."
    )
    assert "rotate" in finding.remedy


def test_zone_in_clear_is_an_error_unless_it_was_chosen(scanner: Scanner, tmp_path: Path) -> None:
    """With zone keys in the keyring a clear zone is an error; without, it is noted once."""
    for name in ("identified", "marts"):
        scanner.write(f"warehouse/{name}.duckdb", f"plain {SSN}")

    assert {one.rule for one in scanner.scan()} == {"clear_zone", "personal_value"}
    folder = tmp_path / "chosen"
    folder.mkdir(mode=0o700)
    scanner.keyring = new_ring(folder, ("receipt", "*"))[0]
    (note,) = scanner.scan()
    assert (note.rule, note.level.value) == ("clear_zone", "note")
