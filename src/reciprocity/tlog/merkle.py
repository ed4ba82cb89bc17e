"""The Merkle tree of RFC 6962: grow it, prove from it, check without it.

A *node* is a pair (height, index): the root of the perfect subtree over the leaves from
`index << height` up to, not including, `index + 1 << height`. It is *complete* in a tree of n
leaves when all of them exist, and then it never changes. Every proof is made of complete nodes,
plus at most one hash folded from several, so one method is all a reader must have. Beside every
prove function stands its check, which reads nothing and raises `ProofError`.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol, Self

from reciprocity.errors import ProofError

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "MAX_SIZE",
    "Frontier",
    "Growth",
    "Node",
    "NodeReader",
    "check_consistency",
    "check_inclusion",
    "hash_children",
    "hash_leaf",
    "hash_leaves",
    "peaks",
    "prove_consistency",
    "prove_inclusion",
    "root_at",
]

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962, 2.1)."""

HASH_BYTES = 32

MAX_SIZE = 2**53 - 1
"""The most leaves a tree may have: the largest whole number a browser holds exactly.

C2SP names no bound. With this one Python and the browser refuse the same texts.
"""

_LEAF = b"\x00"
_NODE = b"\x01"

Node = tuple[int, int]


class NodeReader(Protocol):
    """Whatever holds the hashes of a log's complete nodes."""

    def read_nodes(self, nodes: Sequence[Node]) -> list[bytes]:
        """The 32-byte hashes of *nodes*, in their order; must raise when it lacks one."""


def hash_leaf(data: bytes) -> bytes:
    """The hash of the leaf that holds *data* (RFC 6962, 2.1).

    >>> hash_leaf(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return sha256(_LEAF + data).digest()


def hash_leaves(data: Iterable[bytes]) -> list[bytes]:
    """The leaf hash of each of *data*: `hash_leaf` without a call for every leaf."""
    return [sha256(_LEAF + one).digest() for one in data]


def hash_children(left: bytes, right: bytes) -> bytes:
    """The hash of the node above *left* and *right* (RFC 6962, 2.1)."""
    return sha256(_NODE + left + right).digest()


def peaks(size: int) -> list[Node]:
    """The perfect subtrees that make up a tree of *size* leaves, largest (leftmost) first.

    >>> peaks(6)
    [(2, 0), (1, 2)]
    >>> peaks(0)
    []
    """
    heights = range(size.bit_length() - 1, -1, -1)
    return [(height, (size >> height) - 1) for height in heights if size >> height & 1]


def _fold(hashes: Sequence[bytes]) -> bytes:
    """The one root over *hashes*, the perfect subtrees of a tree, largest first."""
    root = hashes[-1]
    for left in hashes[-2::-1]:
        root = sha256(_NODE + left + root).digest()
    return root


class Growth(NamedTuple):
    """What a tree gained in one step: the nodes that became complete, by height.

    `rows[h]` holds the new complete nodes of height h, from index `old_size >> h` on, without a
    gap. Together with the old peaks that is all the proofs of the *new* leaves are made of, so a
    growth is a `NodeReader` for them, and for the consistency of `size` with `old_size`: a writer
    hands out receipts for a batch without reading back or hashing again what it just stored.
    """

    old_size: int
    size: int
    rows: list[list[bytes]]
    old_peaks: dict[int, bytes]

    def read_nodes(self, nodes: Sequence[Node]) -> list[bytes]:
        """The hashes of *nodes*; refuses one that is neither new nor an old peak."""
        return [self._read(height, index) for height, index in nodes]

    def _read(self, height: int, index: int) -> bytes:
        place = index - (self.old_size >> height)
        if place == -1 and height in self.old_peaks:
            return self.old_peaks[height]
        if place < 0 or height >= len(self.rows) or place >= len(self.rows[height]):
            message = f"growth: node {index} of height {height} is not part of it, read the tiles"
            raise ProofError(message)
        return self.rows[height][place]


class Frontier:
    """The right edge of a tree: its size and its peaks, all that appending needs.

    >>> frontier = Frontier()
    >>> growth = frontier.extend(hash_leaves([b"a", b"b", b"c"]))
    >>> frontier.size, len(frontier.hashes), [len(row) for row in growth.rows]
    (3, 2, [3, 1])
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """The edge of a tree of *size* leaves with *hashes* of `peaks(size)`, largest first."""
        nodes = peaks(size) if 0 <= size <= MAX_SIZE else None
        if nodes is None or len(nodes) != len(hashes) or _misshapen(hashes):
            message = f"frontier: {len(hashes)} hashes do not fit a tree of {size} leaves"
            raise ProofError(message)
        self.size = size
        self._peaks = {height: one for (height, _), one in zip(nodes, hashes, strict=True)}

    @classmethod
    def load(cls, size: int, reader: NodeReader) -> Self:
        """The edge of the tree of *size* leaves that *reader* holds."""
        return cls(size, reader.read_nodes(peaks(size)))

    @property
    def hashes(self) -> list[bytes]:
        """The hashes of `peaks(size)`, largest first."""
        return [self._peaks[height] for height, _ in peaks(self.size)]

    def copy(self) -> Self:
        """The same edge, free to grow apart: extend the copy, keep it once it is durable."""
        return type(self)(self.size, self.hashes)

    def root(self) -> bytes:
        """The root of the tree (RFC 6962, 2.1)."""
        return _fold(self.hashes) if self.size else EMPTY_ROOT

    def append(self, leaf_hash: bytes) -> Growth:
        """Add one leaf; `extend` says what is returned."""
        return self.extend([leaf_hash])

    def extend(self, leaf_hashes: Iterable[bytes]) -> Growth:
        """Add *leaf_hashes* in their order; what the tree gained by them.

        Works level by level, each level in one pass, and hashes every new node once.
        """
        row = list(leaf_hashes)
        if _misshapen(row):
            message = f"leaf hash: one of {len(row)} is not {HASH_BYTES} bytes, nothing was added"
            raise ProofError(message)
        old_size, old_peaks = self.size, dict(self._peaks)
        rows: list[list[bytes]] = []
        self.size += len(row)
        while row:
            height = len(rows)
            rows.append(row)
            nodes = [self._peaks.pop(height), *row] if height in self._peaks else row
            if len(nodes) & 1:
                self._peaks[height] = nodes[-1]
            pairs = iter(nodes)
            row = [
                sha256(_NODE + left + right).digest()
                for left, right in zip(pairs, pairs, strict=False)
            ]
        return Growth(old_size, self.size, rows, old_peaks)


def root_at(size: int, reader: NodeReader) -> bytes:
    """The root the log had at *size* leaves."""
    return _fold(reader.read_nodes(peaks(size))) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, reader: NodeReader) -> list[bytes]:
    """The audit path of leaf *index* in the tree of *size* leaves, from the leaf up.

    RFC 6962, 2.1.1; `check_inclusion` is its twin. Refuses an index outside the tree.
    """
    _check_index(index, size)
    return _prove(index, size, reader, lowest=0)


def check_inclusion(
    proof: Sequence[bytes], index: int, leaf_hash: bytes, size: int, root: bytes
) -> None:
    """Hold that *leaf_hash* is leaf *index* of the tree of *size* leaves under *root*, or raise.

    RFC 9162, 2.1.3.2. The length of the proof follows from index and size alone, so a longer or a
    shorter one is refused before anything is hashed. Size and root must come together, from one
    signed checkpoint: a root alone does not fix a size, so a proof can hold under a wrong one
    (leaf 0 of 3 leaves climbs the same way as leaf 0 of 4).
    """
    _check_index(index, size)
    fork = (index ^ (size - 1)).bit_length()
    _check_lengths("inclusion proof", proof, fork + (index >> fork).bit_count(), leaf_hash, root)
    node = _climb(leaf_hash, proof, index, fork)
    if node != root:
        message = f"inclusion proof: leaf {index} does not lead to the root of {size} leaves"
        raise ProofError(message)


def prove_consistency(old_size: int, new_size: int, reader: NodeReader) -> list[bytes]:
    """Why the tree of *new_size* leaves begins with the tree of *old_size*.

    RFC 6962, 2.1.2; `check_consistency` is its twin. Nothing is needed, and the proof is empty,
    when the sizes are equal or the old tree has no leaf.
    """
    _check_sizes(old_size, new_size)
    if old_size in (0, new_size):
        return []
    lowest = _trailing_zeros(old_size)
    proof = _prove(old_size - 1, new_size, reader, lowest)
    if old_size != 1 << lowest:
        proof = reader.read_nodes([(lowest, old_size - 1 >> lowest)]) + proof
    return proof


def check_consistency(
    proof: Sequence[bytes], old_size: int, old_root: bytes, new_size: int, new_root: bytes
) -> None:
    """Hold that the tree under *new_root* begins with all of the tree under *old_root*, or raise.

    RFC 9162, 2.1.4.2. A tree without leaves has one root, and everything begins with it; equal
    sizes mean equal roots.
    """
    _check_sizes(old_size, new_size)
    if old_size in (0, new_size):
        _check_lengths("consistency proof", proof, 0, old_root, new_root)
        if old_root != (new_root if old_size == new_size else EMPTY_ROOT):
            _refuse_consistency("old", old_size)
        if not new_size and new_root != EMPTY_ROOT:
            _refuse_consistency("new", new_size)
        return
    lowest = _trailing_zeros(old_size)
    last = old_size - 1
    fork = (last ^ (new_size - 1)).bit_length()
    whole = old_size == 1 << lowest
    expected = (0 if whole else 1) + fork - lowest + (last >> fork).bit_count()
    _check_lengths("consistency proof", proof, expected, old_root, new_root)
    seed, path = (old_root, proof) if whole else (proof[0], proof[1:])
    last, fork = last >> lowest, fork - lowest
    left = [one for height, one in enumerate(path) if height >= fork or last >> height & 1]
    if _climb(seed, left, 0, 0) != old_root:
        _refuse_consistency("old", old_size)
    if _climb(seed, path, last, fork) != new_root:
        _refuse_consistency("new", new_size)


def _prove(index: int, size: int, reader: NodeReader, lowest: int) -> list[bytes]:
    """The siblings on the way from leaf *index* to the root of *size*, from height *lowest* up."""
    # The ways of this leaf and of the last leaf meet at height `fork`. Below, every sibling is
    # complete but the last one, which hangs on the ragged edge; above, all siblings are left.
    fork = (index ^ (size - 1)).bit_length()
    nodes = [(height, index >> height ^ 1) for height in range(lowest, fork - 1)]
    start = len(nodes)
    if fork:
        ragged = peaks(size & (1 << fork - 1) - 1)
        if ragged:
            nodes += [(height, (size >> height) - 1) for height, _ in ragged]
        else:
            nodes.append((fork - 1, index >> fork - 1 ^ 1))
    stop = len(nodes)
    nodes += [
        (height, index >> height ^ 1)
        for height in range(fork, index.bit_length())
        if index >> height & 1
    ]
    hashes = reader.read_nodes(nodes)
    if stop - start > 1:
        hashes[start:stop] = [_fold(hashes[start:stop])]
    return hashes


def _climb(node: bytes, path: Sequence[bytes], index: int, fork: int) -> bytes:
    """Where *path* leads from *node*: by the bits of *index* below *fork*, leftward above."""
    for height, sibling in enumerate(path):
        if height < fork and not index >> height & 1:
            node = sha256(_NODE + node + sibling).digest()
        else:
            node = sha256(_NODE + sibling + node).digest()
    return node


def _misshapen(hashes: Sequence[bytes]) -> bool:
    return not set(map(len, hashes)) <= {HASH_BYTES}


def _trailing_zeros(size: int) -> int:
    return (size & -size).bit_length() - 1


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size <= MAX_SIZE:
        message = f"inclusion proof: leaf {index} is outside a tree of {size} leaves"
        raise ProofError(message)


def _check_sizes(old_size: int, new_size: int) -> None:
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        message = f"consistency proof: no tree grows from {old_size} to {new_size} leaves"
        raise ProofError(message)


def _check_lengths(what: str, proof: Sequence[bytes], expected: int, *hashes: bytes) -> None:
    if len(proof) != expected:
        message = f"{what}: {len(proof)} hashes, expected {expected} for these sizes"
        raise ProofError(message)
    if _misshapen(proof) or _misshapen(hashes):
        message = f"{what}: a hash is not {HASH_BYTES} bytes"
        raise ProofError(message)


def _refuse_consistency(which: str, size: int) -> None:
    message = f"consistency proof: it does not lead to the {which} root of {size} leaves"
    raise ProofError(message)
