"""The file of subtree hashes: in its fixed order, cheap at any size, whole after any cut."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.audit.errors import HashFileError, ProofError
from veil.audit.hashes import HashFile
from veil.audit.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from veil.errors import VeilError

LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(70)]
MILLION = 1_000_000


def filled(path: Path, leaves: int) -> HashFile:
    """A file with that many leaves."""
    found = HashFile(path)
    found.append(LEAVES[:leaves])
    return found


def hashes_of(leaves: int) -> int:
    """How many complete subtrees that many leaves have."""
    return sum(leaves >> level for level in range(leaves.bit_length()))


def test_the_order_is_each_leaf_and_the_subtrees_that_it_completes(tmp_path: Path) -> None:
    """The first four leaves, spelled out; the file is private."""
    found = filled(tmp_path / "hashes", 4)
    a, b, c, d = LEAVES[:4]
    ab, cd = node_hash(a, b), node_hash(c, d)

    assert found.path.read_bytes() == b"".join([a, b, ab, c, d, cd, node_hash(ab, cd)])
    assert found.path.stat().st_mode & 0o777 == 0o600


def test_every_subtree_and_root_is_that_of_the_tree(tmp_path: Path) -> None:
    """One leaf at a time: every hash, every root, every proof, at every size."""
    found = HashFile(tmp_path / "hashes")
    for size in range(1, len(LEAVES) + 1):
        found.append([LEAVES[size - 1]])
        assert found.leaves == size
        assert found.root() == root_of(LEAVES[:size])
        assert found.path.stat().st_size == 32 * hashes_of(size)
    for level in range(7):
        for index in range(len(LEAVES) >> level):
            covered = LEAVES[index << level : (index + 1) << level]
            assert found.hash_at(level, index) == root_of(covered)
    for size in range(len(LEAVES) + 1):
        assert found.root(size) == root_of(LEAVES[:size])

    assert [found.leaf(index) for index in range(len(LEAVES))] == LEAVES


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 20), max_size=6))
def test_appending_in_any_portions_gives_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, portions: list[int]
) -> None:
    """Batches do not show in the bytes."""
    folder = tmp_path_factory.mktemp("portions")
    found = HashFile(folder / "hashes")
    leaves = [leaf_hash(bytes([number])) for number in range(sum(portions))]
    at = 0
    for portion in portions:
        found.append(iter(leaves[at : at + portion]))
        at += portion
    whole = HashFile(folder / "whole")
    whole.append(leaves)

    assert found.leaves == len(leaves)
    assert found.path.exists() == bool(portions)
    assert not portions or found.path.read_bytes() == whole.path.read_bytes()


def test_proofs_from_the_file_verify(tmp_path: Path) -> None:
    """The file serves both kinds of proof."""
    found = filled(tmp_path / "hashes", 53)
    for index in range(53):
        proof = inclusion_proof(index, 53, found.hash_at)
        verify_inclusion(index=index, size=53, leaf=LEAVES[index], proof=proof, root=found.root())
    for old in range(54):
        proof = consistency_proof(old, 53, found.hash_at)
        verify_consistency(
            old=old, new=53, old_root=found.root(old), new_root=found.root(), proof=proof
        )

    assert found.root() == root_of(LEAVES[:53])


def test_an_absent_file_has_no_leaves(tmp_path: Path) -> None:
    """And the root of the RFC; nothing is made by reading."""
    found = HashFile(tmp_path / "hashes")
    found.truncate(0)

    assert found.leaves == 0
    assert found.root() == EMPTY_ROOT
    assert not found.path.exists()


@pytest.mark.parametrize("leaves", [1, 4, 8, 13])
def test_a_file_cut_anywhere_counts_whole_leaves_and_goes_on(tmp_path: Path, leaves: int) -> None:
    """At every length: the leaves that are whole are there, and appending the rest mends it."""
    whole = filled(tmp_path / "whole", leaves).path.read_bytes()
    found = HashFile(tmp_path / "hashes")
    groups = [32 * hashes_of(size) for size in range(leaves + 1)]
    for length in range(len(whole) + 1):
        found.path.write_bytes(whole[:length])
        found.path.chmod(0o600)
        expected = sum(end <= length for end in groups) - 1
        assert found.leaves == expected
        assert found.root() == root_of(LEAVES[:expected])
        if length % 3 == 0:
            found.truncate(expected)
            assert found.path.read_bytes() == whole[: groups[expected]]
        found.append(LEAVES[expected:leaves])

        assert found.path.read_bytes() == whole


def test_truncating_keeps_the_first_leaves(tmp_path: Path) -> None:
    """The file is then that of the smaller tree, byte for byte."""
    found = filled(tmp_path / "hashes", 70)
    for leaves in (70, 69, 64, 63, 1, 0):
        found.truncate(leaves)
        assert found.leaves == leaves
        assert found.root() == root_of(LEAVES[:leaves])
        assert found.path.stat().st_size == 32 * hashes_of(leaves)


@pytest.mark.parametrize("leaves", [-1, 6])
def test_truncating_never_grows_the_file(tmp_path: Path, leaves: int) -> None:
    """A number of leaves that the file does not hold is refused."""
    found = filled(tmp_path / "hashes", 5)

    with pytest.raises(HashFileError, match="does not hold"):
        found.truncate(leaves)
    with pytest.raises(HashFileError, match="does not hold"):
        HashFile(tmp_path / "absent").truncate(leaves)


@pytest.mark.parametrize(("level", "index"), [(0, 5), (1, 2), (3, 0), (-1, 0), (0, -1), (70, 0)])
def test_a_subtree_that_is_not_complete_is_refused(tmp_path: Path, level: int, index: int) -> None:
    """Also where the bytes of a leaf that was cut are in the file."""
    found = filled(tmp_path / "hashes", 6)
    with found.path.open("r+b") as file:
        file.truncate(32 * hashes_of(6) - 1)

    with pytest.raises(HashFileError, match="does not hold"):
        found.hash_at(level, index)
    with pytest.raises(HashFileError, match="does not hold"):
        HashFile(tmp_path / "absent").hash_at(level, index)


def test_a_root_of_more_leaves_than_there_are_is_refused(tmp_path: Path) -> None:
    """Nothing is made up."""
    with pytest.raises(HashFileError, match="does not hold"):
        filled(tmp_path / "hashes", 5).root(6)
    with pytest.raises(ProofError):
        HashFile(tmp_path / "hashes").root(-1)


def test_a_leaf_that_is_no_hash_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Nothing of the batch is kept."""
    found = filled(tmp_path / "hashes", 5)
    before = found.path.read_bytes()
    with pytest.raises(ProofError):
        found.append([LEAVES[5], b"short"])

    assert found.path.read_bytes() == before


@pytest.mark.parametrize("written", range(0, 65, 16))
def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """The disk fills after some bytes: they are taken back, and the error says so."""
    found = filled(tmp_path / "hashes", 5)
    before = found.path.read_bytes()
    left = written

    def full(descriptor: int, data: memoryview, offset: int) -> int:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = pwrite(descriptor, data[: min(left, 16)], offset)
        left -= done
        return done

    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(HashFileError, match="No space left"):
        found.append(LEAVES[5:7])

    assert found.path.read_bytes() == before
    assert found.leaves == 5


def test_short_writes_are_carried_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that takes a few bytes at a time gets them all."""
    pwrite: Callable[..., int] = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:7], at))
    found = filled(tmp_path / "hashes", 11)

    assert found.root() == root_of(LEAVES[:11])


def test_a_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Wrong hashes would have a wrong root signed; so would a link to another file."""
    found = filled(tmp_path / "hashes", 5)
    link = HashFile(tmp_path / "link")
    link.path.symlink_to(found.path)
    found.path.chmod(0o620)

    for file in (found, link):
        for call in (file.root, lambda file=file: file.append(LEAVES[:1])):
            with pytest.raises(VeilError):
                call()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The error names the path and the way out."""
    with pytest.raises(HashFileError, match="No such file"):
        HashFile(tmp_path / "absent" / "hashes").append(LEAVES[:1])


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How many bytes were read and written."""
    counted = {"read": 0, "written": 0}
    pread, pwrite = os.pread, os.pwrite

    def read(descriptor: int, length: int, offset: int) -> bytes:
        counted["read"] += length
        return pread(descriptor, length, offset)

    def write(descriptor: int, data: Any, offset: int) -> int:
        counted["written"] += len(data)
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pread", read)
    monkeypatch.setattr(os, "pwrite", write)
    yield counted


def test_a_million_leaves_cost_a_few_dozen_hashes(tmp_path: Path, calls: dict[str, int]) -> None:
    """Append, root and both proofs read and write some twenty hashes each, not the file."""
    found = HashFile(tmp_path / "hashes")
    with found.path.open("wb") as file:
        # A sparse file: what counts here is where hashes stand, not what they are.
        file.truncate(32 * hashes_of(MILLION - 1))
    found.path.chmod(0o600)
    steps: dict[str, Callable[[], object]] = {
        "append": lambda: found.append(LEAVES[:1]),
        "root": found.root,
        "inclusion": lambda: inclusion_proof(2**19 + 1, MILLION, found.hash_at),
        "consistency": lambda: consistency_proof(MILLION // 3, MILLION, found.hash_at),
    }
    for name, step in steps.items():
        calls.update(read=0, written=0)
        step()
        assert calls["read"] <= 40 * 32, name
        assert calls["written"] <= 21 * 32, name

    assert found.leaves == MILLION
