"""The tree: as RFC 9162 and the reference vectors have it, and closed to every changed proof."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veil.audit.errors import ProofError
from veil.audit.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "merkle.json").read_text())
REFERENCE = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves_hex"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots_hex"]]
LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(70)]
# Every shape up to a height of seven: the last size below, at and above a power of two.
SIZES = range(1, len(LEAVES) + 1)


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, over leaf hashes: the definition, as recursive as it is."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    left, right = naive_root(leaves[:middle]), naive_root(leaves[middle:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def naive_inclusion(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162, section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    middle = split(len(leaves))
    if index < middle:
        return [*naive_inclusion(index, leaves[:middle]), naive_root(leaves[middle:])]
    return [*naive_inclusion(index - middle, leaves[middle:]), naive_root(leaves[:middle])]


def naive_consistency(old: int, leaves: list[bytes], *, known: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 9162, section 2.1.4.1."""
    if old == len(leaves):
        return [] if known else [naive_root(leaves)]
    middle = split(len(leaves))
    if old <= middle:
        proof = naive_consistency(old, leaves[:middle], known=known)
        return [*proof, naive_root(leaves[middle:])]
    proof = naive_consistency(old - middle, leaves[middle:], known=False)
    return [*proof, naive_root(leaves[:middle])]


def split(size: int) -> int:
    """The largest power of two below `size`."""
    middle = 1
    while middle * 2 < size:
        middle *= 2
    return middle


def subtrees(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    """The hash of a complete subtree, from the definition."""

    def hash_at(level: int, index: int) -> bytes:
        covered = leaves[index << level : (index + 1) << level]
        assert len(covered) == 1 << level, "a subtree that is not complete was asked for"
        return naive_root(covered)

    return hash_at


def changes(data: bytes) -> list[bytes]:
    """These bytes with one bit of each byte flipped, one at a time."""
    return [
        data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :] for at in range(len(data))
    ]


def proof_of(case: dict[str, Any]) -> list[bytes]:
    """The proof of a vector."""
    return [bytes.fromhex(part) for part in case["proof_hex"]]


@pytest.mark.parametrize("size", range(9))
def test_the_reference_roots_hold(size: int) -> None:
    """Roots over the first leaves of the reference tree."""

    assert root_of(REFERENCE[:size]) == naive_root(REFERENCE[:size]) == ROOTS[size]


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_the_reference_inclusion_proofs_hold(case: dict[str, Any]) -> None:
    """They are made, and verified."""
    index, size = case["index"], case["size"]
    proof = inclusion_proof(index, size, subtrees(REFERENCE))
    verify_inclusion(index=index, size=size, leaf=REFERENCE[index], proof=proof, root=ROOTS[size])

    assert proof == proof_of(case)


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_the_reference_consistency_proofs_hold(case: dict[str, Any]) -> None:
    """They are made, and verified."""
    old, new = case["old"], case["new"]
    proof = consistency_proof(old, new, subtrees(REFERENCE))
    verify_consistency(old=old, new=new, old_root=ROOTS[old], new_root=ROOTS[new], proof=proof)

    assert proof == proof_of(case)


def test_leaves_and_nodes_are_hashed_apart() -> None:
    """A node cannot be passed off as a leaf with its children as the content."""
    left, right = LEAVES[:2]

    assert leaf_hash(left + right) != node_hash(left, right)
    assert leaf_hash(b"") != EMPTY_ROOT


@pytest.mark.parametrize("size", SIZES)
def test_every_proof_of_every_small_tree_is_that_of_the_rfc(size: int) -> None:
    """Roots, inclusion of every leaf and consistency with every older size."""
    leaves = LEAVES[:size]
    root = naive_root(leaves)
    hash_at = subtrees(leaves)
    for index in range(size):
        proof = inclusion_proof(index, size, hash_at)
        verify_inclusion(index=index, size=size, leaf=leaves[index], proof=proof, root=root)
        assert proof == naive_inclusion(index, leaves)
    for old in range(1, size + 1):
        proof = consistency_proof(old, size, hash_at)
        old_root = naive_root(leaves[:old])
        verify_consistency(old=old, new=size, old_root=old_root, new_root=root, proof=proof)
        assert proof == naive_consistency(old, leaves)

    assert Frontier.resume(size, hash_at).root() == root_of(leaves) == root


def test_every_small_tree_begins_with_the_empty_one() -> None:
    """From no leaves on, the proof is empty and the old root is the one of the RFC."""
    for size in range(3):
        root = root_of(LEAVES[:size])
        proof = consistency_proof(0, size, subtrees(LEAVES))
        verify_consistency(old=0, new=size, old_root=EMPTY_ROOT, new_root=root, proof=proof)

        assert proof == []
        for other in changes(EMPTY_ROOT):
            with pytest.raises(ProofError):
                verify_consistency(old=0, new=size, old_root=other, new_root=root, proof=[])


@pytest.mark.parametrize("size", SIZES)
def test_every_changed_byte_of_an_inclusion_proof_is_refused(size: int) -> None:
    """One bit of each byte of leaf, root and proof, for the leaves that turn most corners."""
    leaves = LEAVES[:size]
    root = naive_root(leaves)
    for index in {0, size // 2, size - 1}:
        leaf, proof = leaves[index], naive_inclusion(index, leaves)
        wrong = [(other, root, proof) for other in changes(leaf)]
        wrong += [(leaf, other, proof) for other in changes(root)]
        wrong += [
            (leaf, root, [*proof[:at], other, *proof[at + 1 :]])
            for at, part in enumerate(proof)
            for other in changes(part)
        ]
        for bad_leaf, bad_root, bad_proof in wrong:
            with pytest.raises(ProofError, match="does not hold"):
                verify_inclusion(
                    index=index, size=size, leaf=bad_leaf, proof=bad_proof, root=bad_root
                )


@pytest.mark.parametrize("size", SIZES)
def test_every_changed_byte_of_a_consistency_proof_is_refused(size: int) -> None:
    """One bit of each byte of both roots and the proof, for old sizes of every kind."""
    leaves = LEAVES[:size]
    new_root = naive_root(leaves)
    for old in {1, split(size) if size > 1 else 1, max(1, size // 3), max(1, size - 1), size}:
        old_root, proof = naive_root(leaves[:old]), naive_consistency(old, leaves)
        wrong = [(other, new_root, proof) for other in changes(old_root)]
        wrong += [(old_root, other, proof) for other in changes(new_root)]
        wrong += [
            (old_root, new_root, [*proof[:at], other, *proof[at + 1 :]])
            for at, part in enumerate(proof)
            for other in changes(part)
        ]
        for bad_old, bad_new, bad_proof in wrong:
            with pytest.raises(ProofError, match="does not hold"):
                verify_consistency(
                    old=old, new=size, old_root=bad_old, new_root=bad_new, proof=bad_proof
                )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_proof_holds_for_one_place_and_one_length(data: st.DataObject) -> None:
    """Another index, a part left out, doubled, added or moved: none of it verifies."""
    size = data.draw(st.integers(2, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    root, proof = naive_root(leaves), naive_inclusion(index, leaves)
    at = data.draw(st.integers(0, len(proof) - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda found: found != index))
    wrong = [
        (index, [*proof[:at], *proof[at + 1 :]]),
        (index, [*proof[:at], proof[at], *proof[at:]]),
        (index, [*proof, root]),
        (index, [root, *proof]),
        (index, proof[::-1] if len(proof) > 1 else []),
        (other, proof),
    ]

    for bad_index, bad_proof in wrong:
        with pytest.raises(ProofError, match="does not hold"):
            verify_inclusion(
                index=bad_index, size=size, leaf=leaves[index], proof=bad_proof, root=root
            )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_consistency_proof_has_one_length(data: st.DataObject) -> None:
    """A part left out, doubled or added: none of it verifies, and swapped roots do not."""
    new = data.draw(st.integers(2, len(LEAVES)))
    old = data.draw(st.integers(1, new - 1))
    old_root, new_root = naive_root(LEAVES[:old]), naive_root(LEAVES[:new])
    proof = naive_consistency(old, LEAVES[:new])
    at = data.draw(st.integers(0, len(proof) - 1))
    wrong = [
        (old_root, new_root, [*proof[:at], *proof[at + 1 :]]),
        (old_root, new_root, [*proof[:at], proof[at], *proof[at:]]),
        (old_root, new_root, [*proof, new_root]),
        (old_root, new_root, [old_root, *proof]),
        (old_root, new_root, []),
        (new_root, old_root, proof),
    ]

    for bad_old, bad_new, bad_proof in wrong:
        with pytest.raises(ProofError, match="does not hold"):
            verify_consistency(
                old=old, new=new, old_root=bad_old, new_root=bad_new, proof=bad_proof
            )


def test_a_proof_of_a_tree_with_another_shape_is_refused() -> None:
    """Who claims other sizes or another index needs a proof of another length, and has none."""
    shapes = [(at, size) for size in range(1, 18) for at in range(size)]
    inclusion = {shape: naive_inclusion(shape[0], LEAVES[: shape[1]]) for shape in shapes}
    consistency = {
        (old, new): naive_consistency(old, LEAVES[:new])
        for new in range(2, 18)
        for old in range(1, new)
    }
    roots = [naive_root(LEAVES[:size]) for size in range(18)]
    for true, proof in inclusion.items():
        for index, size in (shape for shape in shapes if len(inclusion[shape]) != len(proof)):
            with pytest.raises(ProofError, match="does not hold"):
                verify_inclusion(
                    index=index, size=size, leaf=LEAVES[true[0]], proof=proof, root=roots[true[1]]
                )
    for true, proof in consistency.items():
        old_root, new_root = roots[true[0]], roots[true[1]]
        for old, new in (shape for shape, other in consistency.items() if len(other) != len(proof)):
            with pytest.raises(ProofError, match="does not hold"):
                verify_consistency(
                    old=old, new=new, old_root=old_root, new_root=new_root, proof=proof
                )


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 3), (3, 3)])
def test_a_proof_where_none_is_due_is_refused(old: int, new: int) -> None:
    """Nothing is proved from the empty tree on, or between equal sizes."""
    roots = {"old_root": root_of(LEAVES[:old]), "new_root": root_of(LEAVES[:new])}
    verify_consistency(old=old, new=new, proof=[], **roots)

    with pytest.raises(ProofError, match="does not hold"):
        verify_consistency(old=old, new=new, proof=[LEAVES[0]], **roots)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_changed_leaf_fails_every_proof_that_covers_it(data: st.DataObject) -> None:
    """Who rewrites one entry, and computes all else anew, has no proof from the old checkpoint."""
    new = data.draw(st.integers(1, len(LEAVES)))
    old = data.draw(st.integers(1, new))
    victim = data.draw(st.integers(0, old - 1))
    rewritten = [*LEAVES[:victim], leaf_hash(b"rewritten"), *LEAVES[victim + 1 : new]]
    forged = consistency_proof(old, new, subtrees(rewritten))

    with pytest.raises(ProofError, match="does not hold"):
        verify_consistency(
            old=old,
            new=new,
            old_root=root_of(LEAVES[:old]),
            new_root=root_of(rewritten),
            proof=forged,
        )


@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (1, 1), (-1, 1), (0, -1), (0, MAX_SIZE + 1), (True, 2), (0, True)]
)
def test_a_leaf_that_is_not_there_is_refused(index: int, size: int) -> None:
    """By who makes a proof and by who verifies one."""
    with pytest.raises(ProofError):
        inclusion_proof(index, size, subtrees(LEAVES))
    with pytest.raises(ProofError):
        verify_inclusion(index=index, size=size, leaf=LEAVES[0], proof=[], root=LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1), (1, MAX_SIZE + 1), (1, 1.0)])
def test_sizes_that_are_none_are_refused(old: Any, new: Any) -> None:
    """By who makes a proof and by who verifies one."""
    with pytest.raises(ProofError):
        consistency_proof(old, new, subtrees(LEAVES))
    with pytest.raises(ProofError):
        verify_consistency(old=old, new=new, old_root=ROOTS[1], new_root=ROOTS[1], proof=[])


@pytest.mark.parametrize("wrong", [b"", LEAVES[0][:31], LEAVES[0] + b"\x00", LEAVES[0].hex()])
def test_what_is_no_hash_is_refused(wrong: Any) -> None:
    """In every place that takes one."""
    leaf, root = LEAVES[0], naive_root(LEAVES[:2])
    calls: list[Callable[[], object]] = [
        lambda: root_of([wrong]),
        lambda: inclusion_proof(0, 2, lambda level, index: wrong),
        lambda: verify_inclusion(index=0, size=2, leaf=wrong, proof=[LEAVES[1]], root=root),
        lambda: verify_inclusion(index=0, size=2, leaf=leaf, proof=[wrong], root=root),
        lambda: verify_inclusion(index=0, size=2, leaf=leaf, proof=[LEAVES[1]], root=wrong),
        lambda: verify_consistency(old=1, new=2, old_root=leaf, new_root=root, proof=[wrong]),
        lambda: verify_consistency(old=0, new=2, old_root=EMPTY_ROOT, new_root=wrong, proof=[]),
    ]

    for call in calls:
        with pytest.raises(ProofError, match="not 32 bytes"):
            call()
