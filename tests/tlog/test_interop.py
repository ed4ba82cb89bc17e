"""The same tree by other hands: `pymerkle` makes our roots, its proofs hold under them."""

from __future__ import annotations

import pytest
from pymerkle import InmemoryTree, MerkleProof, verify_consistency, verify_inclusion

from reciprocity.tlog.merkle import (
    Frontier,
    Growth,
    check_consistency,
    hash_leaf,
    hash_leaves,
    prove_consistency,
    prove_inclusion,
    root_at,
)

SIZE = 130
ENTRIES = [b"leaf %d" % number for number in range(SIZE)]


@pytest.fixture(scope="module")
def peer() -> InmemoryTree:
    """Their tree, leaf by leaf."""
    tree = InmemoryTree(algorithm="sha256")
    for entry in ENTRIES:
        tree.append_entry(entry)
    return tree


@pytest.fixture(scope="module")
def ours() -> Growth:
    """Our tree."""
    return Frontier().extend(hash_leaves(ENTRIES))


def test_every_root_is_theirs(peer: InmemoryTree, ours: Growth) -> None:
    assert [root_at(size, ours) for size in range(SIZE + 1)] == [
        peer.get_root(size) for size in range(SIZE + 1)
    ]


def test_every_inclusion_proof_has_their_hashes(peer: InmemoryTree, ours: Growth) -> None:
    for size in range(1, SIZE + 1):
        for index in range(size):
            theirs = peer.prove_inclusion(index + 1, size)
            leaf_hash = hash_leaf(ENTRIES[index])
            hashes = sorted([leaf_hash, *prove_inclusion(index, size, ours)])
            assert hashes == sorted(theirs.path)
            verify_inclusion(leaf_hash, root_at(size, ours), theirs)


def test_their_consistency_proofs_hold_between_our_roots_as_ours_do(
    peer: InmemoryTree, ours: Growth
) -> None:
    for new in range(2, SIZE + 1):
        for old in range(1, new):
            theirs = peer.prove_consistency(old, new)
            assert isinstance(theirs, MerkleProof)
            verify_consistency(root_at(old, ours), root_at(new, ours), theirs)
            proof = prove_consistency(old, new, ours)
            check_consistency(proof, old, peer.get_root(old), new, peer.get_root(new))
