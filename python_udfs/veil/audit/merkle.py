"""The Merkle tree over the record: RFC 9162, section 2.1, with SHA-256.

Hashes are 32 bytes. A complete subtree has a level (0 is a leaf) and an index: it covers the
leaves from `index << level` up to, and without, `(index + 1) << level`. A proof is a list of
hashes, the one nearest to the leaves first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from veil.audit.errors import ProofError

HASH_BYTES = 32
MAX_SIZE = 2**63 - 1
EMPTY_ROOT = hashlib.sha256(b"").digest()

HashAt = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree at (level, index)."""

_REMEDY = "Compare the record, and the checkpoint that it is held against, with a backup."


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf with this content (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two subtrees (RFC 9162, section 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that grows, kept as the roots of its largest complete subtrees, left to right.

    It holds one hash for each binary digit 1 of its size: 64 at most, whatever the size.
    """

    def __init__(self) -> None:
        self._size = 0
        self._roots: list[bytes] = []

    @classmethod
    def resume(cls, size: int, hash_at: HashAt) -> Self:
        """A frontier as it stands after `size` leaves, read from the stored subtrees.

        Raises:
            ProofError: the size or a hash is malformed.
        """
        _check_size(size)
        frontier = cls()
        frontier._size = size
        frontier._roots = _subtrees(0, size, hash_at)
        return frontier

    @property
    def size(self) -> int:
        """How many leaves were added."""
        return self._size

    def add(self, leaf: bytes) -> list[bytes]:
        """Add the hash of a leaf.

        Returns:
            That hash, then those of the subtrees that it completes, the smallest first.

        Raises:
            ProofError: it is not a hash.
        """
        _check_hash(leaf)
        node = leaf
        completed = [leaf]
        above = self._size
        while above & 1:
            node = node_hash(self._roots.pop(), node)
            completed.append(node)
            above >>= 1
        self._roots.append(node)
        self._size += 1
        return completed

    def root(self) -> bytes:
        """The root over all leaves so far; the hash of no bytes where there is none."""
        return _fold(self._roots) if self._roots else EMPTY_ROOT


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes, read once and in order.

    >>> root_of([]).hex()[:8]
    'e3b0c442'

    Raises:
        ProofError: one of them is not a hash.
    """
    frontier = Frontier()
    for leaf in leaf_hashes:
        frontier.add(leaf)
    return frontier.root()


def inclusion_proof(index: int, size: int, hash_at: HashAt) -> list[bytes]:
    """Prove that leaf `index` (from 0) is in the tree of `size` leaves (section 2.1.3.1).

    Raises:
        ProofError: there is no such leaf, or a hash is malformed.
    """
    _check_size(size)
    _check_index(index, size)
    low, high = 0, size
    proof = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(_range_root(middle, high, hash_at))
            high = middle
        else:
            proof.append(_range_root(low, middle, hash_at))
            low = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, hash_at: HashAt) -> list[bytes]:
    """Prove that the tree of `new` leaves begins with that of `old` leaves (section 2.1.4.1).

    The proof is empty where the sizes are the same, and from the empty tree on.

    Raises:
        ProofError: the new tree is the smaller one, or a hash is malformed.
    """
    _check_sizes(old, new)
    if old == 0:
        return []
    low, high = 0, new
    proof = []
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(_range_root(middle, high, hash_at))
            high = middle
        else:
            proof.append(_range_root(low, middle, hash_at))
            low = middle
    # The verifier holds the root of the old tree: where that is a subtree, it is not sent.
    if low:
        proof.append(_range_root(low, high, hash_at))
    return proof[::-1]


def verify_inclusion(
    *, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf with hash `leaf` is number `index` of the tree (section 2.1.3.2).

    Args:
        index: of the leaf, from 0.
        size: leaves of the tree.
        leaf: the leaf's hash.
        proof: from `inclusion_proof`.
        root: of the tree of that size, from a checkpoint.

    Raises:
        ProofError: an argument is malformed, or the proof does not hold.
    """
    _check_size(size)
    _check_index(index, size)
    _check_hash(leaf, root, *proof)
    at, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise _refused("inclusion")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last or found != root:
        raise _refused("inclusion")


def verify_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree with `new_root` begins with that of `old_root` (section 2.1.4.2).

    The RFC leaves out two cases, in which the proof must be empty: of equal sizes the roots must
    be equal, and an old tree without leaves must have the root that the RFC gives to it.

    Args:
        old: leaves of the older tree.
        new: leaves of the newer tree.
        old_root: of the older tree, from a checkpoint.
        new_root: of the newer tree, from a checkpoint.
        proof: from `consistency_proof`.

    Raises:
        ProofError: an argument is malformed, or the proof does not hold.
    """
    _check_sizes(old, new)
    _check_hash(old_root, new_root, *proof)
    if old in (0, new):
        if proof or (old == 0 and old_root != EMPTY_ROOT) or (old == new and old_root != new_root):
            raise _refused("consistency")
        return
    if not proof:
        raise _refused("consistency")
    # A power of two is a complete subtree of the newer tree, which the proof does not repeat.
    path = [old_root, *proof] if old & (old - 1) == 0 else proof
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    found_old = found_new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise _refused("consistency")
        if at & 1 or at == last:
            found_old = node_hash(sibling, found_old)
            found_new = node_hash(sibling, found_new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found_new = node_hash(found_new, sibling)
        at, last = at >> 1, last >> 1
    if last or found_old != old_root or found_new != new_root:
        raise _refused("consistency")


def _split(size: int) -> int:
    """The largest power of two below `size`, which is 2 or more."""
    return 1 << (size - 1).bit_length() - 1


def _subtrees(low: int, high: int, hash_at: HashAt) -> list[bytes]:
    """The largest complete subtrees over the leaves of [low, high), left to right.

    `low` is a multiple of the largest power of two that fits, as the RFC's splits leave it.
    """
    found = []
    while low < high:
        level = (high - low).bit_length() - 1
        found.append(hash_at(level, low >> level))
        low += 1 << level
    _check_hash(*found)
    return found


def _range_root(low: int, high: int, hash_at: HashAt) -> bytes:
    return _fold(_subtrees(low, high, hash_at))


def _fold(roots: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that shrink from left to right."""
    found = roots[-1]
    for left in roots[-2::-1]:
        found = node_hash(left, found)
    return found


def _check_size(size: int) -> None:
    # A bool is a whole number to Python, and would be one here.
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise ProofError(f"A tree has 0 to {MAX_SIZE} leaves.", remedy=_REMEDY)


def _check_sizes(old: int, new: int) -> None:
    _check_size(old)
    _check_size(new)
    if old > new:
        raise ProofError("The older tree has more leaves than the newer one.", remedy=_REMEDY)


def _check_index(index: int, size: int) -> None:
    if type(index) is not int or not 0 <= index < size:
        raise ProofError("The tree has no leaf of that number.", remedy=_REMEDY)


def _check_hash(*hashes: bytes) -> None:
    for found in hashes:
        if not isinstance(found, bytes) or len(found) != HASH_BYTES:
            raise ProofError(f"A hash of the tree is not {HASH_BYTES} bytes.", remedy=_REMEDY)


def _refused(kind: str) -> ProofError:
    return ProofError(f"A {kind} proof does not hold.", remedy=_REMEDY)
