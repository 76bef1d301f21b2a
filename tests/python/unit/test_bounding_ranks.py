"""Ranks of contributions: keyed, fair, and of nothing but the person's own rows."""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import struct
import subprocess
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from bounding_support import KEY, RELEASE
from statistical_support import is_binomial
from veil.differential.ranks import Ranking, choose

OTHER = hashlib.sha256(b"another bounding key").digest()
PEOPLE = 20_000
GROUPS = 4
ALARM = 1e-8
"""Of one comparison; a test makes at most 20 of them, so that it alarms falsely below 1e-6."""


def texts(values: list[str]) -> pa.ChunkedArray:
    """A column of texts in two pieces, as DuckDB hands them over."""
    half = len(values) // 2
    return pa.chunked_array([values[:half], values[half:]], type=pa.string())


def group_ranks(ranking: Ranking, *, people: int = PEOPLE, groups: int = GROUPS) -> np.ndarray:
    """The ranks of all groups for all people, shape (people, groups)."""
    of_people = ranking.people(texts([f"p1_kabcdefg_{at:032}" for at in range(people)]))
    of_groups = ranking.groups(texts([f"8:region {at}" for at in range(groups)]))
    pairs = ranking.of_groups(np.repeat(of_people, groups), np.tile(of_groups, people))
    return pairs.reshape(people, groups)


def first_choice(ranks: np.ndarray) -> np.ndarray:
    """Which group stays where one does, shape (people,)."""
    people, groups = ranks.shape
    kept = choose(np.repeat(np.arange(people), groups), ranks.ravel(), at_most=1)
    kept = kept.reshape(people, groups)

    assert (kept.sum(axis=1) == 1).all()
    return kept.argmax(axis=1)


def is_fair(chosen: np.ndarray, *, groups: int = GROUPS) -> bool:
    """Every group is as often chosen as any; false by chance below 1e-6."""
    return all(
        is_binomial(int((chosen == at).sum()), trials=len(chosen), chance=1 / groups, alarm=ALARM)
        for at in range(groups)
    )


def agrees_by_chance(one: np.ndarray, other: np.ndarray) -> bool:
    """Two choices are equal as often as independent ones; false by chance below 1e-6."""
    equal = int((one == other).sum())
    return is_binomial(equal, trials=len(one), chance=1 / GROUPS, alarm=ALARM)


def unkeyed(people: int = PEOPLE, groups: int = GROUPS) -> np.ndarray:
    """A broken twin: ranks by a hash that anybody computes."""
    ranks = [
        int.from_bytes(hashlib.sha256(f"p1_kabcdefg_{at:032}8:region {of}".encode()).digest()[:8])
        for at in range(people)
        for of in range(groups)
    ]
    return np.array(ranks, dtype=np.uint64).reshape(people, groups)


def test_ranks_are_those_of_the_standard_library() -> None:
    """HMAC-SHA256 and AES-256, field by field as the module's text says."""
    label, release = b"veil-bounding-v1", RELEASE.encode()
    message = struct.pack(">I", len(label)) + label + struct.pack(">I", len(release)) + release
    own = hmac.new(KEY, message, hashlib.sha256).hexdigest().encode()

    def mac(text: bytes) -> bytes:
        return hmac.new(own, text, hashlib.sha256).digest()[:8]

    ranking = Ranking(KEY, RELEASE)
    people, groups = ranking.people(texts(["ada", "bé"])), ranking.groups(texts(["-", "3:a'b"]))
    aes = Cipher(
        algorithms.AES(hmac.new(own, b"groups", hashlib.sha256).digest()), modes.ECB()
    ).encryptor()
    first, second = mac(b"uada"), mac("ubé".encode())
    blocks = [first[::-1] + mac(b"g-")[::-1], second[::-1] + mac(b"g3:a'b")[::-1]]
    rows = ranking.of_rows(people, groups, texts(["4:2.50#1", ""]))

    assert [one.to_bytes(8, "big") for one in people.tolist()] == [first, second]
    assert [one.to_bytes(8, "little") for one in ranking.of_groups(people, groups).tolist()] == [
        aes.update(block)[:8] for block in blocks
    ]
    assert [one.to_bytes(8, "big") for one in rows.tolist()] == [
        mac(b"r" + blocks[0] + b"4:2.50#1"), mac(b"r" + blocks[1])
    ]  # fmt: skip


def test_each_group_is_as_likely_as_any() -> None:
    """Uniform over a person's groups; alphabetical order is caught at once."""
    ranks = group_ranks(Ranking(KEY, RELEASE))
    alphabetical = np.tile(np.arange(GROUPS, dtype=np.uint64), (PEOPLE, 1))

    assert is_fair(first_choice(ranks))
    assert not is_fair(first_choice(alphabetical))


def test_each_pair_of_groups_is_as_likely_as_any() -> None:
    """Two of four stay: all six pairs alike, and a group's rank tells nothing of another's."""
    ranks = group_ranks(Ranking(KEY, RELEASE))
    kept = choose(np.repeat(np.arange(PEOPLE), GROUPS), ranks.ravel(), at_most=2)
    pairs = kept.reshape(PEOPLE, GROUPS) @ (1 << np.arange(GROUPS))
    names, places = np.unique(pairs, return_inverse=True)

    assert len(names) == 6
    assert is_fair(places, groups=6)


@pytest.mark.parametrize(
    ("key", "release"), [(KEY, "visits_by_region/2026-07"), (OTHER, RELEASE), (OTHER, "another")]
)
def test_releases_and_keys_choose_independently(key: bytes, release: str) -> None:
    """Another release keeps other groups; a twin that leaves the release out keeps the same."""
    chosen = first_choice(group_ranks(Ranking(KEY, RELEASE)))
    other = first_choice(group_ranks(Ranking(key, release)))
    again = first_choice(group_ranks(Ranking(KEY, RELEASE)))

    assert agrees_by_chance(chosen, other)
    assert not agrees_by_chance(chosen, again)


def test_people_choose_independently() -> None:
    """Neighbours in a list of people keep groups that have nothing to do with each other."""
    chosen = first_choice(group_ranks(Ranking(KEY, RELEASE)))

    ranking = Ranking(KEY, RELEASE)
    groups = ranking.groups(texts([f"8:region {at}" for at in range(GROUPS)]))
    without_the_person = first_choice(np.tile(groups, (PEOPLE, 1)))

    assert agrees_by_chance(chosen[1:], chosen[:-1])
    assert not agrees_by_chance(without_the_person[1:], without_the_person[:-1])


def test_nobody_predicts_a_choice_without_the_key() -> None:
    """Who knows people, groups and code guesses no better than chance; an unkeyed hash falls."""
    chosen = first_choice(group_ranks(Ranking(KEY, RELEASE)))
    guessed = first_choice(unkeyed())
    guesses = {
        "a hash": guessed,
        "an empty key": first_choice(group_ranks(Ranking(bytes(32), RELEASE))),
        "the release as the key": first_choice(
            group_ranks(Ranking(hashlib.sha256(RELEASE.encode()).digest(), RELEASE))
        ),
        "the first by name": np.zeros(PEOPLE, dtype=np.int64),
    }

    assert all(agrees_by_chance(chosen, guess) for guess in guesses.values())
    assert not agrees_by_chance(first_choice(unkeyed()), guessed)


def test_no_seed_enters() -> None:
    """Python's, NumPy's and DuckDB's seeds change no rank, and another key changes all."""
    found = []
    for seed in (0, 1):
        random.seed(seed)
        np.random.default_rng(seed)
        np.random.seed(seed)
        with duckdb.connect() as conn:
            conn.execute(f"select setseed({seed})")
            found.append(group_ranks(Ranking(KEY, RELEASE), people=50))

    assert (found[0] == found[1]).all()
    assert (found[0] != group_ranks(Ranking(OTHER, RELEASE), people=50)).all()


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_the_seed_of_pythons_hashes_does_not_enter(seed: str) -> None:
    """A process with another PYTHONHASHSEED finds the same ranks."""
    code = (
        "from test_bounding_ranks import *;"
        "print(group_ranks(Ranking(KEY, RELEASE), people=5).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == str(group_ranks(Ranking(KEY, RELEASE), people=5).tolist())


def test_the_key_is_never_shown() -> None:
    """Neither in `repr` nor by a dictionary of attributes."""
    ranking = Ranking(KEY, RELEASE)

    assert repr(ranking) == "Ranking(key=hidden)"
    assert not hasattr(ranking, "__dict__")


@pytest.mark.parametrize("count", [0, 1, 2**16 - 1, 2**16, 2**16 + 1])
def test_batches_join_without_a_seam(count: int) -> None:
    """Each text has the rank that it has alone, wherever its batch ends."""
    ranking = Ranking(KEY, RELEASE)
    names = [f"u{at}" for at in range(count)]
    people = ranking.people(texts(names))
    groups = people[::-1].copy()
    of_groups = ranking.of_groups(people, groups)
    of_rows = ranking.of_rows(people, groups, texts(names))

    assert len(people) == len(of_groups) == len(of_rows) == count
    for at in {0, count // 2, count - 1} & set(range(count)):
        alone = slice(at, at + 1)

        assert ranking.people(texts([names[at]])) == people[alone]
        assert ranking.of_groups(people[alone], groups[alone]) == of_groups[alone]
        assert ranking.of_rows(people[alone], groups[alone], texts([names[at]])) == of_rows[alone]


@given(
    owners=st.lists(st.integers(0, 5), max_size=40),
    at_most=st.integers(1, 4),
    bits=st.sampled_from([2, 61, 64]),
    seed=st.integers(0, 2**32),
)
@settings(deadline=None, database=None)
def test_the_lowest_ranks_of_each_owner_stay(
    owners: list[int], at_most: int, bits: int, seed: int
) -> None:
    """As a sort of each owner's ranks says, also where the leading bits or all bits are equal."""
    chance = random.Random(seed)
    # Few bits: whole ranks tie. 61 bits: what is cut off for the owner decides.
    ranks = [chance.getrandbits(bits) for _ in owners]
    if bits == 61:
        ranks = [2**63 + (rank & 7) for rank in ranks]
    kept = choose(
        np.array(owners, dtype=np.int64), np.array(ranks, dtype=np.uint64), at_most=at_most
    )
    for owner in set(owners):
        mine = [at for at, one in enumerate(owners) if one == owner]
        stay = sorted(ranks[at] for at in mine if kept[at])

        assert stay == sorted(ranks[at] for at in mine)[:at_most]


def test_what_others_have_decides_nothing() -> None:
    """More people, in another order and with other numbers, leave a person's choice as it is."""
    ranks = group_ranks(Ranking(KEY, RELEASE), people=3000, groups=8)
    alone = [
        choose(np.zeros(8, dtype=np.int64), ranks[at], at_most=3) for at in range(0, 3000, 100)
    ]
    order = np.random.default_rng(5).permutation(3000 * 8)
    owners = np.repeat(np.arange(3000)[::-1], 8)[order]
    together = np.empty(3000 * 8, dtype=np.bool_)
    together[order] = choose(owners, ranks.ravel()[order], at_most=3)

    assert (together.reshape(3000, 8)[::100] == np.array(alone)).all()


def test_largest_owner_and_rank_fit() -> None:
    """No shift loses a bit: the largest rank beside 0, under owner 0 alone and under many."""
    top = 2**64 - 1
    for owner in (0, 1, 2**20):
        kept = choose(
            np.array([owner] * 3), np.array([top, 0, top - 1], dtype=np.uint64), at_most=2
        )

        assert kept.tolist() == [False, True, True]
