"""How the seeds are written, pinned and compared: shared by the scripts that make them."""

from __future__ import annotations

import csv
import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from veil.errors import VeilError

CHECKSUMS = "CHECKSUMS.sha256"

Rows = list[tuple[str | None, ...]]


def write_csv(path: Path, rows: Iterable[tuple[str | None, ...]]) -> None:
    """Write UTF-8 CSV: LF line ends, quotes only where needed, NULL as an empty field.

    Raises:
        VeilError: a value is the empty string, which a reader could not tell from NULL.
    """
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        for row in rows:
            if "" in row:
                raise VeilError(f"{path.name}: an empty string would be read back as NULL.")
            writer.writerow(row)


def pinned_sums(out: Path) -> dict[str, str]:
    """SHA-256 in hexadecimal by file name, as the file of checksums in `out` has them.

    Raises:
        VeilError: a line of it is not one of `sha256sum`.
    """
    path = out / CHECKSUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = [line.split("  ") for line in lines]
    if any(len(pair) != 2 for pair in pairs):
        raise VeilError(f"{path} is not a list of checksums.", remedy="Build every seed again.")
    return {name: digest for digest, name in pairs}


def write_seeds(out: Path, files: Mapping[str, Rows], *, others: Mapping[str, str]) -> list[Path]:
    """Write seeds and the file of their checksums to `out`; the paths, in writing order.

    Args:
        out: the folder; made where it is absent.
        files: rows by file name, header first.
        others: checksums that stay, of seeds that another script makes.
    """
    out.mkdir(parents=True, exist_ok=True)
    sums = dict(others)
    for name, rows in files.items():
        write_csv(out / name, rows)
        sums[name] = hashlib.sha256((out / name).read_bytes()).hexdigest()
    # The format of `sha256sum --check`.
    lines = [f"{sums[name]}  {name}\n" for name in sorted(sums)]
    (out / CHECKSUMS).write_text("".join(lines), encoding="utf-8", newline="")
    return [out / name for name in (*files, CHECKSUMS)]


def changed_seeds(out: Path, files: Mapping[str, Rows], *, others: Mapping[str, str]) -> list[str]:
    """Names of the files in `out` that a rebuild would add or change, and of strays.

    A stray is a CSV file that is neither written from `files` nor pinned in `others`.
    """
    with tempfile.TemporaryDirectory() as folder:
        written = write_seeds(Path(folder), files, others=others)
        fresh = {path.name: path.read_bytes() for path in written}
    names = set(fresh) | {path.name for path in out.glob("*.csv") if path.name not in others}
    return sorted(
        name
        for name in names
        if not (out / name).is_file() or (out / name).read_bytes() != fresh.get(name)
    )
