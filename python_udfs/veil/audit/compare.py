"""Comparing two copies of a record: the same, one older than the other, or a fork.

That two copies agree says nothing of whether either is intact: `verify_record` does.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path

from veil.audit.errors import AuditError
from veil.audit.lines import Lines
from veil.audit.reading import NotRegularError, open_regular
from veil.audit.record import RECORD


class Relation(StrEnum):
    """How two copies stand to each other."""

    SAME = "same"
    A_IS_OLDER = "a is older"
    B_IS_OLDER = "b is older"
    FORKED = "forked"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare_records` found.

    Attributes:
        relation: of the two.
        common: lines that both begin with; in a fork also the number (from 0) of the first that
            differs.
        sizes: whole lines of each, as far as they were read: in a fork up to the first difference.
    """

    relation: Relation
    common: int
    sizes: tuple[int, int]


def compare_records(a: Path | str, b: Path | str) -> Comparison:
    """Compare two copies line by line; a torn last line is left out.

    Args:
        a: a record, or the folder that holds `record.jsonl`.
        b: the other.

    Raises:
        AuditError: one cannot be read.
        TamperedError: one has a line longer than any that veil writes.
    """
    common = size_a = size_b = 0
    try:
        with ExitStack() as files:
            first, second = (
                Lines(files.enter_context(open_regular(_record(path)))) for path in (a, b)
            )
            for one, other in zip_longest(first, second):
                size_a += one is not None
                size_b += other is not None
                if one == other:
                    common += 1
                elif one is not None and other is not None:
                    return Comparison(Relation.FORKED, common, (size_a, size_b))
    except (OSError, NotRegularError) as error:
        why = f"{os.strerror(error.errno or 0)}." if isinstance(error, OSError) else error.message
        raise AuditError(
            f"a copy of the record cannot be read: {why}",
            remedy="Name a folder that holds record.jsonl, or the file itself.",
        ) from None
    if size_a == size_b:
        return Comparison(Relation.SAME, common, (size_a, size_b))
    relation = Relation.A_IS_OLDER if size_a < size_b else Relation.B_IS_OLDER
    return Comparison(relation, common, (size_a, size_b))


def _record(path: Path | str) -> Path:
    path = Path(path)
    return path / RECORD if path.is_dir() else path
