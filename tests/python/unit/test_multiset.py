"""The digest behind `on_change`: it sees rows, copies and whose they are, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import random
import struct
from collections import Counter, defaultdict
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keys_support import new_ring

from bounding_support import bounds_of, clamp_of, part_of
from veil.differential.multiset import digest
from veil.errors import VeilError
from veil.keys import Keyring
from veil.keys.rotation import promote, rotate
from veil.releases.parts import Aggregate
from veil.warehouse.change import change_digests
from veil.warehouse.contributions import Query

KEY = hashlib.sha256(b"a key for digests").digest()
Rows = list[tuple[int, str]]


def digest_of(rows: Rows, key: bytes = KEY) -> str:
    """The digest of (person, content) pairs; people are numbered as they come."""
    numbers: dict[int, int] = {}
    people = [numbers.setdefault(person, len(numbers)) for person, _ in rows]
    contents = pa.chunked_array([[content for _, content in rows]], type=pa.string())
    return digest(key, np.array(people, dtype=np.int64), contents)


def by_hand(rows: Rows) -> str:
    """The same from the standard library: sums of MACs within and over persons."""
    label = b"veil-change-v1"
    own = hmac.digest(KEY, label, "sha256").hex().encode()

    def words(text: bytes) -> tuple[int, int]:
        return struct.unpack(">QQ", hmac.digest(own, text, "sha256")[:16])

    people: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for person, content in rows:
        for at, word in enumerate(words(b"row:" + content.encode())):
            people[person][at] = (people[person][at] + word) % 2**64
    total = 0
    for sums in people.values():
        high, low = words(b"person:" + struct.pack("<QQ", *sums))
        total = (total + (high << 64) + low) % 2**128
    head = f"{len(people)}:{len(rows)}:{total:032x}"
    return hmac.digest(KEY, label + head.encode(), "sha256").hex()


def shape(rows: Rows) -> Counter[frozenset[tuple[str, int]]]:
    """What the digest is of: how many people have which rows, each how often."""
    people: dict[int, Counter[str]] = defaultdict(Counter)
    for person, content in rows:
        people[person][content] += 1
    return Counter(frozenset(one.items()) for one in people.values())


ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "1:a", "1:b", "-"])), max_size=12)


@given(rows=ROWS)
@settings(deadline=None, database=None)
def test_it_is_the_sum_of_macs_that_the_text_says(rows: Rows) -> None:
    """Known from the standard library alone."""
    assert digest_of(rows) == by_hand(rows)


@given(rows=ROWS, others=ROWS)
@settings(deadline=None, database=None, max_examples=300)
def test_it_tells_apart_exactly_what_differs(rows: Rows, others: Rows) -> None:
    """Equal where the same number of people have the same rows equally often, else not."""
    assert (digest_of(rows) == digest_of(others)) == (shape(rows) == shape(others))


@given(rows=ROWS.filter(bool), seed=st.integers(0, 2**32))
@settings(deadline=None, database=None)
def test_order_and_names_change_nothing(rows: Rows, seed: int) -> None:
    """Shuffled rows, and people under other names (a rotation of their key)."""
    chance = random.Random(seed)
    names = chance.sample(range(100), 4)
    renamed = [(names[person], content) for person, content in rows]
    chance.shuffle(renamed)

    assert digest_of(renamed) == digest_of(rows)


@given(rows=ROWS.filter(bool), at=st.integers(0, 11))
@settings(deadline=None, database=None)
def test_every_change_of_a_row_is_seen(rows: Rows, at: int) -> None:
    """One row more, one less, one twice, another value, another owner."""
    at %= len(rows)
    person, content = rows[at]
    rest = rows[:at] + rows[at + 1 :]
    changes = [[*rows, rows[at]], rest, [*rest, (person, content + "x")], [*rest, (99, content)],
               [*rows, (99, content)]]  # fmt: skip
    for changed in changes:
        # A person with this row alone may hand it to a newcomer: the names change, no more.
        if shape(changed) != shape(rows):
            assert digest_of(changed) != digest_of(rows)
    assert all(shape(changed) != shape(rows) for changed in changes[:3])


def test_a_row_moved_between_people_is_seen_and_a_whole_exchange_is_not() -> None:
    """Whose a row is counts; which of two people has a whole list of rows does not."""
    rows = [(0, "a"), (0, "b"), (1, "c"), (1, "d")]
    moved = [(0, "a"), (1, "b"), (1, "c"), (1, "d")]
    swapped_one = [(0, "a"), (0, "c"), (1, "b"), (1, "d")]
    swapped_all = [(0, "c"), (0, "d"), (1, "a"), (1, "b")]

    assert len({digest_of(one) for one in (rows, moved, swapped_one)}) == 3
    assert digest_of(swapped_all) == digest_of(rows)


def test_a_digest_without_people_would_miss_a_move() -> None:
    """The twin: all rows under one person lose the difference."""
    rows, moved = [(0, "a"), (0, "b"), (1, "c")], [(0, "a"), (1, "b"), (1, "c")]

    assert digest_of([(0, one) for _, one in rows]) == digest_of([(0, one) for _, one in moved])
    assert digest_of(rows) != digest_of(moved)


def test_copies_are_counted() -> None:
    """Two more of a row are not none more, as they would be to a sum of exclusive ors."""
    digests = {digest_of([(0, "a")] * count) for count in range(6)}

    assert len(digests) == 6


def test_keys_matter() -> None:
    """Without the key nobody tests whether a digest is of the rows that he guesses."""
    rows = [(0, "a"), (1, "b")]
    keys = [KEY, bytes(32), hashlib.sha256(KEY).digest()]

    assert len({digest_of(rows, key) for key in keys}) == 3
    assert digest_of([], KEY) != digest_of([], bytes(32))


@pytest.mark.parametrize("count", [2**16 - 1, 2**16, 2**16 + 1])
def test_batches_join_without_a_seam(count: int) -> None:
    """The last row and the last person count wherever a batch ends."""
    rows = [(at, str(at)) for at in range(count)]

    assert digest_of(rows) == by_hand(rows)


def changes(
    keyring: Keyring, sql: str, *, before: tuple[str, ...] = (), column: str = "cost"
) -> list[str]:
    """The digests of what a mart by region reads."""
    bounds = bounds_of(1, 1)
    query = Query(
        sql=sql,
        unit="contributions.unit",
        keys=("region",),
        parts=[part_of(Aggregate.SUM, column, bounds=bounds, clamp=clamp_of())],
        bounds=bounds,
        cells=None,
    )
    with duckdb.connect() as conn:
        for statement in before:
            conn.execute(statement)
        return change_digests(conn, query, keyring)


EVENTS = """
    select {unit} as unit, case when i % 5 > 0 then 'r' || i % 5 end as region,
        case when i % 3 > 0 then i % 9 end as cost, {other} as other
    from range(150000) as t (i) order by {order}
"""


def test_rows_in_a_table_change_it_only_by_what_is_read(tmp_path: Path) -> None:
    """Order, threads, layout, names of people and columns that no metric reads change nothing."""
    keyring, *_ = new_ring(tmp_path, ("bounding", "*"))
    stored = "create table events as "
    one = EVENTS.format(unit="'u' || i % 2000", other="i", order="i")
    other = EVENTS.format(unit="'v' || (i + 7) % 2000 * 3", other="-i", order="hash(i)")
    found = [
        changes(keyring, "from events", before=("set threads = 1", stored + one)),
        changes(keyring, "from events", before=("set threads = 4", stored + other)),
        changes(keyring, other),
    ]

    assert found[0] == found[1] == found[2]
    for edit in (
        "update events set cost = 0 where rowid = 7",
        "update events set cost = 0 where cost is null and rowid < 7",
        "update events set region = '' where rowid = 5",
        "update events set unit = 'u1' where rowid = 70000",
        "delete from events where rowid = 9",
        "insert into events from events limit 1",
    ):
        changed = changes(keyring, "from events", before=(stored + one, edit))

        assert changed != found[0]


def test_a_rotated_key_still_knows_its_digests(tmp_path: Path) -> None:
    """The newest first, and each earlier one that is still in use."""
    keyring, *_ = new_ring(tmp_path, ("bounding", "*"))
    sql = "select 'u' as unit, 'north' as region, 2 as cost"
    before = changes(keyring, sql)
    _, old = promote(keyring, rotate(keyring, "bounding", "*").kid, window_days=30)
    after = changes(keyring, sql)

    assert old is not None
    assert after == [changes(keyring, sql)[0], *before]
    assert after[0] != after[1]


def test_rows_that_cannot_be_read_show_no_value(tmp_path: Path) -> None:
    """A cast that fails inside the row query is told by its kind."""
    keyring, *_ = new_ring(tmp_path, ("bounding", "*"))
    sql = """
        select 'u' as unit, 'north' as region, cast(v as integer) as cost
        from (values ('1'), ('canary-4711')) as t (v)
    """
    with pytest.raises(VeilError, match="cannot be read") as refused:
        changes(keyring, sql)

    assert "4711" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
