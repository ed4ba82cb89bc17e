"""Events appended a second, whole and durable, and the bytes that they leave behind.

A delivery here is what a sender writes: an attempt with all its facts, true and checked, sealed
under the person's own key, committed, signed into the log, folded into the standing; then its
outcome. People come from an import with evidence. Each person gets four deliveries, as the
standing forgets attempts that no longer count. Nothing is timed but `append` and `append_many`:
what a sender does to decide is measured in `benchmarks/send.py`.
"""

import random
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.shop import (
    CAMPAIGNS,
    DAY_MS,
    Clock,
    attempts,
    delivered,
    open_shop,
    slots_of,
    stored_bytes,
)
from benchmarks.table import Row, as_markdown
from reciprocity.events import Act, ConsentRow
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity
from reciprocity.storage import connect
from reciprocity.tlog.merkle import hash_leaves
from reciprocity.tlog.note import Checkpoint, sign_note
from reciprocity.tlog.signing import LogSigner
from reciprocity.tlog.tiles import Edge

__all__ = ["rows"]

PEOPLE = 20_000
AT_ONCE = 1_000
WRITERS = 64
LEAVES = 200_000


def rows() -> list[Row]:
    """Deliveries, single appends, leaves alone; bytes a person and a delivery."""
    with open_shop(0) as (shop, _):
        empty = stored_bytes(shop)
    with open_shop(PEOPLE) as (shop, clock):
        return [*_deliveries(shop, clock, empty), *_singles(shop), *_leaves()]


# --- deliveries, and what they weigh --------------------------------------------------------------


def _deliveries(shop: Reciprocity, clock: Clock, empty: int) -> list[Row]:
    slots, start = slots_of(shop), stored_bytes(shop)
    mixed = random.Random(3).sample(slots, len(slots))
    orders = dict(zip(CAMPAIGNS, (slots, mixed, slots, mixed), strict=True))
    rates: dict[int, list[float]] = {id(slots): [], id(mixed): []}
    first = attempted = told = 0
    for campaign, order in orders.items():
        before = stored_bytes(shop)
        rates[id(order)] += _written(shop, partial(attempts, shop, campaign=campaign), order)
        between = stored_bytes(shop)
        clock.at += 5
        _written(shop, partial(delivered, shop), order)
        attempted += between - before
        told += stored_bytes(shop) - between
        first = first or stored_bytes(shop) - before
        clock.at += 9 * DAY_MS
    count = PEOPLE * len(orders)
    return [
        _rate("deliveries journaled, in slot order", rates[id(slots)], 25_000),
        _rate("deliveries journaled, on random slots", rates[id(mixed)], 14_000),
        Row(work="stored of a person", measured=(start - empty) / PEOPLE, unit="B", at_most=1_300),
        Row(
            work="stored of a delivery: attempt and outcome, four a person",
            measured=(attempted + told) / count,
            unit="B",
            at_most=600,
        ),
        Row(work="stored of the first delivery to a person", measured=first / PEOPLE, unit="B"),
        Row(work="stored of an attempt alone", measured=attempted / count, unit="B"),
    ]


def _written(
    shop: Reciprocity, make: Callable[[Sequence[int]], list[Entry]], slots: Sequence[int]
) -> list[float]:
    """Events a second of each batch, one event for each of *slots*."""
    rates = []
    for start in range(0, len(slots), AT_ONCE):
        requests = [[entry] for entry in make(slots[start : start + AT_ONCE])]
        begun = perf_counter()
        answers = shop.journal.append_many(requests)
        rates.append(len(answers) / (perf_counter() - begun))
        assert all(isinstance(answer, list) for answer in answers), answers[0]
    return rates


def _rate(work: str, rates: list[float], at_least: float) -> Row:
    """The rate of the middle batch."""
    return Row(
        work=work, measured=sorted(rates)[len(rates) // 2], unit="/s", at_least=at_least,
        limit=max(rates), limit_is="the best batch",
    )  # fmt: skip


# --- one by one, and many threads ----------------------------------------------------------------


def _act(slot: int) -> list[Entry]:
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
    act = Act(actor="person", method="web", consent=(row,))
    return [Entry(kind="consent.withdrawn", body=act, slot=slot)]


def _singles(shop: Reciprocity) -> list[Row]:
    """One durable act after the other, each with its receipt; and 64 threads doing the same."""
    alone, took = _alone(shop, 500)
    together = _together(shop, 40)
    alone = max(alone, _alone(shop, 500)[0])
    p99 = sorted(took)[len(took) * 99 // 100] * 1_000
    return [
        Row(work="single durable appends with receipt", measured=alone, unit="/s", at_least=1_000),
        Row(work="single durable append, p99", measured=p99, unit="ms", at_most=5),
        Row(
            work="64 threads, each act durable with receipt", measured=together, unit="/s",
            limit=alone, limit_is="one thread", ratio_at_least=3.5,
        ),
    ]  # fmt: skip


def _alone(shop: Reciprocity, acts: int) -> tuple[float, list[float]]:
    took = []
    for slot in range(acts):
        begun = perf_counter()
        shop.journal.append(_act(slot), prove=True)
        took.append(perf_counter() - begun)
    return acts / sum(took), took


def _together(shop: Reciprocity, acts: int) -> float:
    def write(first: int) -> None:
        for slot in range(first, first + acts):
            shop.journal.append(_act(slot), prove=True)

    threads = [threading.Thread(target=write, args=(1_000 + n * acts,)) for n in range(WRITERS)]
    begun = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return WRITERS * acts / (perf_counter() - begun)


# --- leaves alone --------------------------------------------------------------------------------


def _leaves() -> list[Row]:
    """The log without events: leaves, tiles and a signed checkpoint, durable in SQLite."""
    leaves = [b"\1" + sha256(b"%d" % number).digest() for number in range(LEAVES)]
    bare = max(_hashed(leaves) for _ in range(3))
    with TemporaryDirectory(prefix="bench-") as folder:
        batched = max(_logged(Path(folder) / f"{run}.db", leaves, AT_ONCE) for run in range(3))
        single = _logged(Path(folder) / "single.db", leaves[:1_000], 1)
    return [
        Row(
            work="leaves hashed into the tree, with its tiles", unit="/s", limit=bare,
            measured=max(_grown(leaves) for _ in range(3)),
            limit_is="bare hashlib: 2 hashes a leaf", ratio_at_least=0.6,
        ),
        Row(
            work="leaves alone, durable, 1,000 a batch", measured=batched, unit="/s", limit=bare,
            limit_is="bare hashlib, nothing written", at_least=200_000,
        ),
        Row(work="leaves alone, durable, one by one", measured=single, unit="/s", at_least=1_000),
    ]  # fmt: skip


def _hashed(leaves: Sequence[bytes]) -> float:
    """As many hashes as a tree of *leaves* takes, and nothing else."""
    begun, node = perf_counter(), b"\1" + bytes(64)
    for leaf in leaves:
        sha256(b"\0" + leaf).digest()
        sha256(node).digest()
    return len(leaves) / (perf_counter() - begun)


def _grown(leaves: Sequence[bytes]) -> float:
    begun, edge = perf_counter(), Edge()
    for start in range(0, len(leaves), AT_ONCE):
        edge.extend(hash_leaves(leaves[start : start + AT_ONCE]))
        edge.root()
    return len(leaves) / (perf_counter() - begun)


def _logged(path: Path, leaves: Sequence[bytes], at_once: int) -> float:
    signer, edge = LogSigner("bench.example/log", Ed25519PrivateKey.generate()), Edge()
    with closing(connect(path, durable=True)) as db:
        db.execute("CREATE TABLE event (position INTEGER PRIMARY KEY, leaf BLOB NOT NULL)")
        db.execute("CREATE TABLE tile (level, number, root, hashes, PRIMARY KEY (level, number))")
        db.execute("CREATE TABLE log_state (id INTEGER PRIMARY KEY, checkpoint BLOB NOT NULL)")
        begun = perf_counter()
        for start in range(0, len(leaves), at_once):
            _log_batch(db, edge, signer, leaves[start : start + at_once])
        return len(leaves) / (perf_counter() - begun)


def _log_batch(
    db: sqlite3.Connection, edge: Edge, signer: LogSigner, leaves: Sequence[bytes]
) -> None:
    db.execute("BEGIN IMMEDIATE")
    start = edge.size
    _, tiles = edge.extend(hash_leaves(leaves))
    db.executemany("INSERT INTO event VALUES (?, ?)", enumerate(leaves, start))
    db.executemany(
        "INSERT INTO tile VALUES (?, ?, ?, ?)",
        [(tile.level, tile.index, tile.root, tile.hashes) for tile in tiles],
    )
    text = Checkpoint(signer.name, edge.size, edge.root()).encode()
    db.execute("INSERT OR REPLACE INTO log_state VALUES (1, ?)", (sign_note(text, [signer]),))
    db.execute("COMMIT")


def main() -> None:
    """Print the rows."""
    sys.stdout.write(as_markdown(rows()))


if __name__ == "__main__":
    main()
