"""The tree is RFC 9162's: known roots, and proofs that hold for the true tree and no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    consistency_holds,
    inclusion_holds,
    leaf_hash,
    node_hash,
)

# leaves and roots of the test data of Certificate Transparency's reference trees
LEAVES = [
    *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
KNOWN = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]

sizes = st.integers(1, 70)


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(bytes([n])) for n in range(count)]


def whole(count: int) -> Tree:
    return Tree(Frontier(), leaves(count))


def root_by_definition(hashes: list[bytes]) -> bytes:
    """Section 2.1.1, word by word."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return node_hash(root_by_definition(hashes[:half]), root_by_definition(hashes[half:]))


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_the_known_ones(size: int) -> None:
    assert Frontier().extend(KNOWN[:size]).root().hex() == ROOTS[size]
    assert Tree(Frontier(), KNOWN).root(size).hex() == ROOTS[size]


@given(st.integers(0, 130))
def test_a_frontier_grows_to_the_root_of_the_definition(size: int) -> None:
    frontier = Frontier().extend(leaves(size))
    assert frontier.root() == root_by_definition(leaves(size))
    assert len(frontier.nodes) == size.bit_count()


@given(sizes, st.data())
def test_every_leaf_is_proved_and_no_other_passes_for_it(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree = whole(size)
    proof = tree.inclusion_proof(index)
    leaf = leaves(size)[index]
    assert inclusion_holds(leaf, index, size, proof, tree.root())
    assert not inclusion_holds(leaf_hash(b"else"), index, size, proof, tree.root())
    for other in range(size):
        assert other == index or not inclusion_holds(leaf, other, size, proof, tree.root())
    assert not inclusion_holds(leaf, index, size, [*proof, leaf], tree.root())
    assert not proof or not inclusion_holds(leaf, index, size, proof[:-1], tree.root())


@given(sizes, st.data())
def test_a_grown_tree_is_consistent_and_a_rewritten_one_is_not(
    size: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, size))
    tree = whole(size)
    proof, old = tree.consistency_proof(first), tree.root(first)
    assert consistency_holds(first, size, old, tree.root(), proof)
    forged = leaves(size)
    forged[data.draw(st.integers(0, first - 1))] = leaf_hash(b"rewritten")
    other = Tree(Frontier(), forged)
    assert not consistency_holds(first, size, old, other.root(), other.consistency_proof(first))
    assert not consistency_holds(first, size, old, other.root(), proof)


@given(sizes, st.data())
def test_what_is_left_of_a_pruned_tree_proves_the_same(size: int, data: st.DataObject) -> None:
    dropped = data.draw(st.integers(0, size - 1))
    tree = whole(size)
    rest = Tree(Frontier().extend(leaves(dropped)), leaves(size)[dropped:])
    assert rest.root() == tree.root()
    index = data.draw(st.integers(dropped, size - 1))
    assert rest.inclusion_proof(index) == tree.inclusion_proof(index)
    first = data.draw(st.integers(max(1, dropped), size))
    assert rest.consistency_proof(first) == tree.consistency_proof(first)


def test_what_was_dropped_or_never_there_cannot_be_asked_for() -> None:
    rest = Tree(Frontier().extend(leaves(4)), leaves(6)[4:])
    for ask in (
        lambda: rest.inclusion_proof(3),
        lambda: rest.inclusion_proof(6),
        lambda: rest.consistency_proof(3),
        lambda: rest.consistency_proof(7),
        lambda: rest.root(3),
        lambda: rest.root(7),
        lambda: whole(3).consistency_proof(0),
    ):
        with pytest.raises(ValueError, match="expected"):
            ask()
    with pytest.raises(ValueError, match="expected 2 hashes, found 1"):
        Frontier(3, (b"\0" * 32,))
