"""Merkle trees of RFC 9162, section 2.1: hashes, inclusion and consistency proofs.

A leaf is hashed with a 0x00 before it, a node as SHA-256(0x01 || left || right); a tree of n
leaves splits at the largest power of two below n. Hashes are 32 bytes; indices count from 0.

A `Frontier` is a tree without its leaves: the hashes of its largest complete subtrees, from
the left. It is all that must be kept to go on, and at most one hash for each bit of the size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf that holds `data`.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node by those of its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Largest power of two below `size` (2 or more).

    >>> [split(size) for size in (2, 3, 4, 5, 8, 9)]
    [1, 2, 2, 4, 4, 8]
    """
    return 1 << ((size - 1).bit_length() - 1)


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves by its largest complete subtrees, from the left.

    Attributes:
        size: leaves; each bit that is set is one complete subtree.
        nodes: their hashes, the largest first.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.nodes) != self.size.bit_count():
            expected = max(self.size, 0).bit_count()
            raise ValueError(
                f"frontier of {self.size} leaves: expected {expected} hashes,"
                f" found {len(self.nodes)}"
            )

    def append(self, leaf: bytes) -> Frontier:
        """With one more leaf, given by its hash."""
        nodes, rest = list(self.nodes), self.size
        while rest & 1:
            leaf = node_hash(nodes.pop(), leaf)
            rest >>= 1
        return Frontier(self.size + 1, (*nodes, leaf))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """With more leaves, given by their hashes."""
        frontier = self
        for leaf in leaves:
            frontier = frontier.append(leaf)
        return frontier

    def root(self) -> bytes:
        """Root hash of the tree."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root

    def spans(self) -> dict[tuple[int, int], bytes]:
        """Hash of each complete subtree, by the leaves [start, end) under it."""
        found, start, rest = {}, 0, list(self.nodes)
        for bit in reversed(range(self.size.bit_length())):
            if self.size >> bit & 1:
                found[start, start + (1 << bit)] = rest.pop(0)
                start += 1 << bit
        return found


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree whose first leaves may be known by their frontier alone.

    Attributes:
        base: what stands for the dropped leaves.
        leaves: hashes of those after them.
    """

    base: Frontier
    leaves: Sequence[bytes]

    @property
    def size(self) -> int:
        """Leaves, dropped ones included."""
        return self.base.size + len(self.leaves)

    def root(self, size: int | None = None) -> bytes:
        """Root hash of the first `size` leaves; of all of them by default.

        Raises:
            ValueError: more leaves than there are, or fewer than were dropped.
        """
        size = self.size if size is None else size
        if not self.base.size <= size <= self.size:
            raise ValueError(f"expected {self.base.size} to {self.size} leaves, found {size}")
        return self.base.extend(self.leaves[: size - self.base.size]).root()

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Hashes that lead from leaf `index` to the root, the nearest first (2.1.3.1).

        Raises:
            ValueError: no such leaf, or it was dropped.
        """
        if not self.base.size <= index < self.size:
            raise ValueError(f"expected {self.base.size} to {self.size - 1}, found leaf {index}")
        proof: list[bytes] = []
        start, end = 0, self.size
        while end - start > 1:
            middle = start + split(end - start)
            if index < middle:
                proof.append(self._hash(middle, end))
                end = middle
            else:
                proof.append(self._hash(start, middle))
                start = middle
        return proof[::-1]

    def consistency_proof(self, first: int) -> list[bytes]:
        """Hashes that show that the first `first` leaves are a prefix of these (2.1.4.1).

        Raises:
            ValueError: more leaves than there are, fewer than were dropped, or none.
        """
        if not max(1, self.base.size) <= first <= self.size:
            least = max(1, self.base.size)
            raise ValueError(f"expected {least} to {self.size} leaves, found {first}")
        proof: list[bytes] = []
        start, end, whole = 0, self.size, True
        while first != end:
            middle = start + split(end - start)
            if first <= middle:
                proof.append(self._hash(middle, end))
                end = middle
            else:
                proof.append(self._hash(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._hash(start, end))
        return proof[::-1]

    def _hash(self, start: int, end: int) -> bytes:
        """Hash of the subtree over the leaves [start, end)."""
        kept = self.base.spans().get((start, end))
        if kept is not None:
            return kept
        if start >= self.base.size and end - start == 1:
            return self.leaves[start - self.base.size]
        middle = start + split(end - start)
        return node_hash(self._hash(start, middle), self._hash(middle, end))


def inclusion_holds(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` leads from `leaf` to `root` (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def consistency_holds(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the first tree is a prefix of the second (2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, node)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root
