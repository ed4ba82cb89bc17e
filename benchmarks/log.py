"""The log and its epochs at a million: proofs made and checked, bytes exported, everyone committed.

Peers: `pymerkle` (in memory, the same tree) and bare `hashlib`. The other implementation in Python
that is known here, `aics-tlog`, wants Python 3.12 and cannot run beside these.
"""

import random
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymerkle import InmemoryTree

from benchmarks.table import Row, as_markdown
from reciprocity.journal.cache import Kept, StandingCache
from reciprocity.journal.log_reader import LogReader, State
from reciprocity.journal.read import Reader
from reciprocity.journal.standing import Standing
from reciprocity.journal.store import migrate
from reciprocity.keys import KeyStore
from reciprocity.prove.epoch_tree import EpochTree
from reciprocity.prove.epochs import _brought, _Moment
from reciprocity.storage import connect
from reciprocity.tlog.merkle import check_inclusion, hash_leaf, hash_leaves, prove_inclusion
from reciprocity.tlog.note import Checkpoint, LogProof, open_proof, sign_note
from reciprocity.tlog.signing import LogSigner, LogVerifier
from reciprocity.tlog.tiles import Edge, TileReader, encode_entries

__all__ = ["rows"]

LEAVES = 1_000_000
CHANGED = 100_000
AT_ONCE = 10_000
PROOFS = 2_000
PEER_LEAVES = 20_000
SIGNER = LogSigner("bench.example/log", Ed25519PrivateKey.generate())


def rows() -> list[Row]:
    """Proofs at a million leaves, then an epoch over a million people."""
    with TemporaryDirectory() as folder:
        return [*_proofs(Path(folder)), *_peers(), *_epoch(Path(folder))]


def _leaves(count: int, seed: int) -> list[bytes]:
    noise = random.Random(seed)
    return [b"\x01" + noise.randbytes(32) for _ in range(count)]


def _batches(leaves: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(leaves), AT_ONCE):
        yield leaves[start : start + AT_ONCE]


# --- a million leaves ---------------------------------------------------------------------------


def _stored(path: Path, leaves: Sequence[bytes]) -> Edge:
    """A journal's tables with *leaves* in them, and the edge of their tree."""
    migrate(path)
    edge = Edge()
    with closing(connect(path, durable=False)) as db:
        db.execute("BEGIN")
        for batch in _batches(leaves):
            _put(db, edge, [(None, leaf) for leaf in batch], 1)
        db.execute("COMMIT")
    return edge


def _put(
    db: sqlite3.Connection, edge: Edge, told: Sequence[tuple[int | None, bytes]], version: int
) -> None:
    start = edge.size
    _, tiles = edge.extend(hash_leaves(leaf for _, leaf in told))
    db.executemany(
        "INSERT INTO event VALUES (?, ?, ?, 1, 1, 'consent.granted', NULL, ?, NULL)",
        [
            (start + place, slot, None if slot is None else version, leaf)
            for place, (slot, leaf) in enumerate(told)
        ],
    )
    db.executemany(
        "INSERT INTO tile (level, number, root, hashes) VALUES (?, ?, ?, ?)",
        [(tile.level, tile.index, tile.root, tile.hashes) for tile in tiles],
    )


def _proofs(folder: Path) -> list[Row]:
    leaves = _leaves(LEAVES, 1)
    edge = _stored(folder / "log.db", leaves)
    note = sign_note(Checkpoint(SIGNER.name, LEAVES, edge.root()).encode(), [SIGNER])
    noise = random.Random(2)
    with closing(connect(folder / "log.db", durable=False)) as db:
        reader = LogReader(db)
        tiles = reader.tile_reader(LEAVES)
        near = [noise.randrange(LEAVES - 50_000, LEAVES) for _ in range(PROOFS)]
        for index in near:
            prove_inclusion(index, LEAVES, tiles)
        warm = _median_us(lambda index: prove_inclusion(index, LEAVES, tiles), near)
        far = noise.sample(range(LEAVES), 300)
        cold = _median_us(
            lambda index: prove_inclusion(index, LEAVES, TileReader(reader.read_tile(), LEAVES)),
            far,
        )
        proofs = {index: prove_inclusion(index, LEAVES, tiles) for index in near[:500]}
    check = _median_us(
        lambda index: check_inclusion(
            proofs[index], index, hash_leaf(leaves[index]), LEAVES, edge.root()
        ),
        list(proofs),
    )
    index, hashes = next(iter(proofs.items()))
    whole = LogProof(index, tuple(hashes), note).encode()
    verifier = LogVerifier(SIGNER.verifier_key)
    signed = _median_us(
        lambda index: open_proof(
            LogProof(index, tuple(proofs[index]), note).encode(), hash_leaf(leaves[index]), verifier
        ),
        list(proofs),
    )
    exported = sum(len(encode_entries(leaves[at : at + 256])) for at in range(0, LEAVES, 256))
    exported += sum(32 * (LEAVES >> 8 * level) for level in range(3))
    return [
        Row(work="log proof at 1M leaves, tiles kept", measured=warm, unit="us", at_most=50),
        Row(work="log proof at 1M leaves, nothing kept", measured=cold, unit="us", at_most=2_000),
        Row(work="inclusion at 1M leaves checked", measured=check, unit="us", at_most=40),
        Row(work="log proof parsed, signature and inclusion checked", measured=signed, unit="us"),
        Row(work="log proof at 1M leaves", measured=len(whole), unit="B", at_most=1_200),
        Row(work="exported, a leaf", measured=exported / LEAVES, unit="B", at_most=70),
    ]


def _median_us(work: Callable[[int], object], cases: Iterable[int]) -> float:
    times = []
    for case in cases:
        begun = perf_counter()
        work(case)
        times.append(perf_counter() - begun)
    return median(times) * 1e6


# --- beside pymerkle ------------------------------------------------------------------------------


def _peers() -> list[Row]:
    warnings.simplefilter("ignore", DeprecationWarning)
    leaves = _leaves(PEER_LEAVES, 3)
    peer = InmemoryTree(algorithm="sha256")
    begun = perf_counter()
    for leaf in leaves:
        peer.append_entry(leaf)
    theirs = PEER_LEAVES / (perf_counter() - begun)
    edge = Edge()
    begun = perf_counter()
    for leaf in leaves:
        edge.extend([hash_leaf(leaf)])
    ours = PEER_LEAVES / (perf_counter() - begun)
    assert peer.get_root() == edge.root()
    noise = random.Random(4)
    cases = [noise.randrange(PEER_LEAVES) for _ in range(200)]
    their_proof = _median_us(lambda index: peer.prove_inclusion(index + 1, PEER_LEAVES), cases)
    with TemporaryDirectory() as folder:
        _stored(Path(folder) / "log.db", leaves)
        with closing(connect(Path(folder) / "log.db", durable=False)) as db:
            tiles = LogReader(db).tile_reader(PEER_LEAVES)
            for index in cases:
                prove_inclusion(index, PEER_LEAVES, tiles)
            our_proof = _median_us(lambda index: prove_inclusion(index, PEER_LEAVES, tiles), cases)
    return [
        Row(
            work="leaves into the tree in memory, one by one", measured=ours, unit="/s",
            limit=theirs, limit_is="pymerkle", ratio_at_least=1,
        ),
        Row(
            work=f"log proof at {PEER_LEAVES:,} leaves", measured=our_proof, unit="us",
            limit=their_proof, limit_is="pymerkle", ratio_at_most=1,
        ),
    ]  # fmt: skip


# --- an epoch -------------------------------------------------------------------------------------


@contextmanager
def _everyone(folder: Path) -> Iterator[tuple[sqlite3.Connection, Edge, StandingCache, KeyStore]]:
    """A journal's tables and standings of a million people with an event each."""
    migrate(folder / "journal.db")
    edge = Edge()
    with (
        closing(connect(folder / "journal.db", durable=False)) as db,
        closing(StandingCache(folder / "standing.db")) as cache,
        KeyStore(folder / "keys.db", bytes(32)) as keys,
    ):
        db.execute("BEGIN")
        cache.begin()
        for batch in _batches(range(LEAVES)):
            _step(db, edge, cache, batch, 1)
        db.execute("COMMIT")
        cache.commit()
        yield db, edge, cache, keys


def _step(
    db: sqlite3.Connection, edge: Edge, cache: StandingCache, slots: Sequence[int], version: int
) -> None:
    told = [(slot, b"\x01" + sha256(b"%d/%d" % (slot, version)).digest()) for slot in slots]
    _put(db, edge, told, version)
    standings = [Standing(slot=slot, version=version, head=leaf[1:]) for slot, leaf in told]
    if version == 1:
        cache.write_kept([Kept(standing, {}, b"") for standing in standings], 1)
    else:
        cache.write_states(standings, 1)


def _epoch(folder: Path) -> list[Row]:
    with _everyone(folder) as (db, edge, cache, keys), EpochTree(folder / "epochs.db") as tree:

        def commit() -> float:
            state = State(
                size=edge.size, last_at=1, next_slot=LEAVES, origin="bench.example/log", gap=0,
                checkpoint=b"",
            )  # fmt: skip
            begun = perf_counter()
            with tree.changing():
                moment = _Moment(Reader(db, keys), state, cache, keys.epoch_key())
                now = _brought(tree, moment, None)
                tree.root(now.slots)
                tree.reach(now)
            return perf_counter() - begun

        whole = commit()
        changed = sorted(random.Random(5).sample(range(LEAVES), CHANGED))
        cache.begin()
        for batch in _batches(changed):
            _step(db, edge, cache, batch, 2)
        cache.commit()
        some = commit()
        path = _median_us(lambda slot: tree.prove(slot, LEAVES), changed[:300])
    begun = perf_counter()
    node = bytes(32)
    for _ in range(CHANGED):
        node = sha256(b"\x01" + node + node).digest()
    bare = (perf_counter() - begun) / CHANGED
    return [
        Row(
            work="epoch, 100,000 people changed of 1M", measured=some, unit="s", at_most=2,
            limit=bare * (LEAVES + 3 * CHANGED),
            limit_is="bare hashlib: the tree's tiles anew, leaf and blind",
        ),
        Row(work="epoch, 1M people for the first time", measured=whole, unit="s"),
        Row(work="a person's path in an epoch of 1M", measured=path, unit="us"),
    ]  # fmt: skip


def main() -> None:
    """Print the rows."""
    sys.stdout.write(as_markdown(rows()))


if __name__ == "__main__":
    main()
