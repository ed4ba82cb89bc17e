"""The tree against a naive one written here from RFC 6962 alone, and against published vectors."""

import functools
import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.errors import ProofError
from reciprocity.tlog.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    Growth,
    check_consistency,
    check_inclusion,
    hash_children,
    hash_leaf,
    hash_leaves,
    peaks,
    prove_consistency,
    prove_inclusion,
    root_at,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/tlog/merkle.json").read_bytes())
LARGEST = 1030


@functools.cache
def naive_root(start: int, stop: int) -> bytes:
    """MTH of RFC 6962, 2.1, over leaves whose data are the decimal digits of their index."""
    if stop - start <= 1:
        data = b"\x00" + str(start).encode() if stop > start else b""
        return sha256(data).digest()
    split = start + (1 << (stop - start - 1).bit_length() - 1)
    return sha256(b"\x01" + naive_root(start, split) + naive_root(split, stop)).digest()


def naive_path(index: int, start: int, stop: int) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if stop - start <= 1:
        return []
    split = start + (1 << (stop - start - 1).bit_length() - 1)
    if index < split:
        return [*naive_path(index, start, split), naive_root(split, stop)]
    return [*naive_path(index, split, stop), naive_root(start, split)]


def naive_proof(old: int, start: int, stop: int, *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2; *old* counts from leaf 0."""
    if old == stop:
        return [] if whole else [naive_root(start, stop)]
    split = start + (1 << (stop - start - 1).bit_length() - 1)
    if old <= split:
        return [*naive_proof(old, start, split, whole=whole), naive_root(split, stop)]
    return [*naive_proof(old, split, stop, whole=False), naive_root(start, split)]


@functools.cache
def leaves() -> list[bytes]:
    return hash_leaves(str(index).encode() for index in range(LARGEST))


@functools.cache
def reader() -> Growth:
    """Every complete node up to LARGEST: what a tree gained that grew from nothing."""
    return Frontier().extend(leaves())


def hold_inclusion(index: int, size: int) -> None:
    proof = prove_inclusion(index, size, reader())
    assert proof == naive_path(index, 0, size)
    check_inclusion(proof, index, leaves()[index], size, naive_root(0, size))


def hold_consistency(old: int, new: int) -> None:
    proof = prove_consistency(old, new, reader())
    assert proof == (naive_proof(old, 0, new) if old else [])
    check_consistency(proof, old, naive_root(0, old), new, naive_root(0, new))


def test_hashes_are_those_of_rfc_6962() -> None:
    assert hash_leaf(b"abc") == sha256(b"\x00abc").digest()
    assert hash_children(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    assert sha256(b"").digest() == EMPTY_ROOT


SIZES = [range(start, min(start + 103, LARGEST + 1)) for start in range(0, LARGEST + 1, 103)]


def test_every_root_up_to_1030_is_the_naive_one_grown_leaf_by_leaf() -> None:
    frontier = Frontier()
    for size in range(LARGEST + 1):
        assert frontier.root() == naive_root(0, size) == root_at(size, reader())
        if size < LARGEST:
            frontier.append(leaves()[size])


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"up to {sizes[-1]}")
def test_every_inclusion_proof_holds_against_a_naive_tree(sizes: range) -> None:
    for size in sizes:
        for index in range(size):
            hold_inclusion(index, size)


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"up to {sizes[-1]}")
def test_every_consistency_proof_holds_against_a_naive_tree(sizes: range) -> None:
    for new in sizes:
        for old in range(new + 1):
            hold_consistency(old, new)


@given(st.integers(1, LARGEST), st.data())
def test_proofs_at_larger_sizes_hold_against_a_naive_tree(size: int, data: st.DataObject) -> None:
    hold_inclusion(data.draw(st.integers(0, size - 1)), size)
    hold_consistency(data.draw(st.integers(0, size)), size)


def test_the_published_vectors_hold() -> None:
    published = VECTORS["published"]
    hashes = hash_leaves(map(bytes.fromhex, published["leaves"]))
    roots = [bytes.fromhex(root) for root in published["roots"]]
    nodes = Frontier().extend(hashes)
    assert [root_at(size, nodes) for size in range(9)] == roots
    for case in published["inclusion"]:
        proof = prove_inclusion(case["index"], case["size"], nodes)
        assert [one.hex() for one in proof] == case["proof"]
        leaf_hash, root = hashes[case["index"]], roots[case["size"]]
        check_inclusion(proof, case["index"], leaf_hash, case["size"], root)
    for case in published["consistency"]:
        old, new = case["old_size"], case["new_size"]
        proof = prove_consistency(old, new, nodes)
        assert [one.hex() for one in proof] == case["proof"]
        check_consistency(proof, old, roots[old], new, roots[new])


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: case["name"])
def test_inclusion_is_answered_as_the_vectors_say(case: dict) -> None:
    proof = [bytes.fromhex(one) for one in case["proof"]]
    leaf_hash, root = bytes.fromhex(case["leaf_hash"]), bytes.fromhex(case["root"])
    if case["holds"]:
        assert root == naive_root(0, case["size"])
        check_inclusion(proof, case["index"], leaf_hash, case["size"], root)
    else:
        with pytest.raises(ProofError):
            check_inclusion(proof, case["index"], leaf_hash, case["size"], root)


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: case["name"])
def test_consistency_is_answered_as_the_vectors_say(case: dict) -> None:
    proof = [bytes.fromhex(one) for one in case["proof"]]
    old_root, new_root = bytes.fromhex(case["old_root"]), bytes.fromhex(case["new_root"])
    arguments = (proof, case["old_size"], old_root, case["new_size"], new_root)
    if case["holds"]:
        assert new_root == naive_root(0, case["new_size"])
        check_consistency(*arguments)
    else:
        with pytest.raises(ProofError):
            check_consistency(*arguments)


def altered(proof: list[bytes]) -> list[list[bytes]]:
    """*proof* with one bit, one hash or one place changed, in every way of each kind."""
    found = [[*proof, bytes(32)], [bytes(32), *proof]]
    for at, one in enumerate(proof):
        found.append(proof[:at] + proof[at + 1 :])
        found.append([*proof[:at], one[:-1] + bytes([one[-1] ^ 0x80]), *proof[at + 1 :]])
        found.append([*proof[:at], one + b"\x00", *proof[at + 1 :]])
        found.append([*proof[:at], one, *proof[at:]])
        if at:
            found.append([*proof[: at - 1], one, proof[at - 1], *proof[at + 1 :]])
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 33, 64, 100, 259])
def test_an_altered_inclusion_proof_is_refused(size: int) -> None:
    root = naive_root(0, size)
    for index in range(size):
        proof, leaf_hash = naive_path(index, 0, size), leaves()[index]
        wrong = [(one, index, leaf_hash, size, root) for one in altered(proof)]
        wrong += [(proof, other, leaf_hash, size, root) for other in range(size) if other != index]
        wrong += [
            (proof, -1, leaf_hash, size, root),
            (proof, size, leaf_hash, size, root),
            (proof, index, naive_root(0, size + 1), size, root),
            (proof, index, leaf_hash[:-1], size, root),
            (proof, index, leaf_hash, size, naive_root(0, size + 1)),
            (proof, index, leaf_hash, size, root[:-1]),
            (proof, index, leaf_hash, 0, root),
            (proof, index, leaf_hash, MAX_SIZE + 1, root),
        ]
        for arguments in wrong:
            with pytest.raises(ProofError):
                check_inclusion(*arguments)


@pytest.mark.parametrize("new", [2, 3, 5, 8, 13, 33, 64, 100, 259])
def test_an_altered_consistency_proof_is_refused(new: int) -> None:
    new_root = naive_root(0, new)
    for old in range(1, new):
        proof, old_root = naive_proof(old, 0, new), naive_root(0, old)
        wrong = [(one, old, old_root, new, new_root) for one in altered(proof)]
        wrong += [
            (proof, old, naive_root(0, old + 1), new, new_root),
            (proof, old, old_root, new, naive_root(0, new + 1)),
            (proof, old, old_root[:-1], new, new_root),
            (proof, old, old_root, old, old_root),
            (proof, new, new_root, old, old_root),
            (proof, -old, old_root, new, new_root),
            ([], old, old_root, new, new_root),
            ([], 0, old_root, new, new_root),
        ]
        for arguments in wrong:
            with pytest.raises(ProofError):
                check_consistency(*arguments)


def test_an_inclusion_proof_does_not_fix_the_size_of_the_tree() -> None:
    """Why size and root are taken from one signed checkpoint: the limit, pinned."""
    check_inclusion(naive_path(0, 0, 3), 0, leaves()[0], 4, naive_root(0, 3))
    with pytest.raises(ProofError):
        check_inclusion(naive_path(0, 0, 3), 0, leaves()[0], 5, naive_root(0, 3))


def test_two_histories_of_equal_length_have_no_consistency() -> None:
    fork = Frontier().extend([*leaves()[:99], *leaves()[200:201], *leaves()[100:150]])
    proof = prove_consistency(100, 150, fork)
    with pytest.raises(ProofError, match="old root of 100"):
        check_consistency(proof, 100, naive_root(0, 100), 150, root_at(150, fork))
    with pytest.raises(ProofError, match="old root of 150"):
        check_consistency([], 150, naive_root(0, 150), 150, root_at(150, fork))


@given(st.lists(st.integers(0, 300), max_size=8))
def test_growing_in_any_batches_gives_one_tree_and_hashes_each_node_once(sizes: list[int]) -> None:
    frontier = Frontier()
    hashed = 0
    for count in sizes:
        start = frontier.size
        if start + count > LARGEST:
            break
        growth = frontier.extend(leaves()[start : start + count])
        assert (growth.old_size, growth.size) == (start, start + count)
        hashed += sum(map(len, growth.rows[1:]))
    assert frontier.root() == naive_root(0, frontier.size)
    assert hashed == sum(frontier.size >> height for height in range(1, 20))


@given(st.integers(0, LARGEST), st.integers(0, LARGEST))
def test_a_growth_alone_proves_its_new_leaves_and_that_it_extends_the_old(a: int, b: int) -> None:
    old, new = sorted((a, b))
    growth = Frontier(old, reader().read_nodes(peaks(old))).extend(leaves()[old:new])
    for index in {old, (old + new) // 2, new - 1} & set(range(old, new)):
        assert prove_inclusion(index, new, growth) == naive_path(index, 0, new)
    assert prove_consistency(old, new, growth) == (naive_proof(old, 0, new) if old else [])


def test_a_growth_refuses_a_leaf_that_is_not_new() -> None:
    growth = Frontier.load(101, reader()).extend(leaves()[101:120])
    for index in (0, 40, 98):
        with pytest.raises(ProofError, match="growth: node"):
            prove_inclusion(index, 120, growth)
    with pytest.raises(ProofError, match="growth: node"):
        prove_inclusion(119, 121, growth)
    assert growth.read_nodes([(0, 100), (0, 101)]) == leaves()[100:102]
    with pytest.raises(ProofError, match="growth: node 99 of height 0"):
        growth.read_nodes([(0, 99)])


def test_a_copy_of_a_frontier_grows_apart() -> None:
    frontier = Frontier.load(77, reader())
    copy = frontier.copy()
    copy.extend(leaves()[77:200])
    assert (frontier.root(), copy.root()) == (naive_root(0, 77), naive_root(0, 200))


@pytest.mark.parametrize(
    ("size", "hashes"),
    [(1, []), (0, [bytes(32)]), (3, [bytes(32)]), (1, [bytes(31)]), (-1, []), (2**53, [bytes(32)])],
)
def test_a_frontier_of_another_shape_is_refused(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(ProofError, match="frontier"):
        Frontier(size, hashes)


def test_a_leaf_hash_of_another_length_adds_nothing() -> None:
    frontier = Frontier.load(3, reader())
    with pytest.raises(ProofError, match="nothing was added"):
        frontier.extend([bytes(32), bytes(33)])
    assert (frontier.size, frontier.root()) == (3, naive_root(0, 3))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3), (0, MAX_SIZE + 1)])
def test_a_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ProofError, match="outside a tree"):
        prove_inclusion(index, size, reader())


def test_no_tree_shrinks() -> None:
    with pytest.raises(ProofError, match="no tree grows from 4 to 3"):
        prove_consistency(4, 3, reader())
