"""`epochs.db`: the tree over all slots that an epoch states the root of, kept between epochs.

A cache: it holds hashes and counts only, is never backed up and can be made anew from standings.
Rows are tiles as in the log (`tlog/tiles.py`), but a leaf may change and partial tiles are kept,
so an epoch hashes anew the tiles in which something changed, and no others. The file says which
log it belongs to and how far it has come; whoever uses it holds that against the journal.
"""

from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple, Self

from reciprocity.errors import Damaged, ProofError
from reciprocity.storage import Database, connect_defined, explained, transaction, upsert
from reciprocity.tlog.merkle import HASH_BYTES, prove_inclusion, root_at
from reciprocity.tlog.tiles import TILE_WIDTH, TileReader, tile_root

__all__ = ["EpochTree", "Reached", "epoch_leaf"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tile (
    level INTEGER NOT NULL, number INTEGER NOT NULL, hashes BLOB NOT NULL, counts BLOB NOT NULL,
    PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reached (
    id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, size INTEGER NOT NULL,
    log_root BLOB NOT NULL, slots INTEGER NOT NULL, sum_n INTEGER NOT NULL
) STRICT;
"""
_PUT_REACHED: Final = upsert("reached", "id", "origin", "size", "log_root", "slots", "sum_n")
_PUT_HASHES: Final = (
    "INSERT INTO tile VALUES (?1, ?2, ?3, x'') ON CONFLICT DO UPDATE SET hashes = ?3"
)
_PUT_COUNTS: Final = (
    "INSERT INTO tile VALUES (?1, ?2, x'', ?3) ON CONFLICT DO UPDATE SET counts = ?3"
)


class Reached(NamedTuple):
    """How far the tree has come: which log, how many of its events, over how many slots."""

    origin: str = ""
    size: int = 0
    log_root: bytes = b""
    slots: int = 0
    sum_n: int = 0


def epoch_leaf(slot: int, version: int, head: bytes, blind: bytes) -> bytes:
    """The leaf hash of a slot whose *version* events chain up to *head* (see proof-formats.md)."""
    data = b"\0" + slot.to_bytes(8, "big") + version.to_bytes(8, "big") + head + blind
    return sha256(data).digest()


class EpochTree:
    """One connection to `epochs.db`; not for two threads at once."""

    def __init__(self, path: Path) -> None:
        """Open the tree at *path*, empty if it is new or cannot be read."""
        try:
            self._db = _opened(path)
        except Damaged:
            for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                each.unlink(missing_ok=True)
            self._db = _opened(path)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One process at a time changes the tree; all of it is kept, or on an error none."""
        with transaction(self._db, "change the tree of epochs"):
            yield

    def reached(self) -> Reached:
        """How far the tree has come."""
        with explained("read the tree of epochs"):
            row = self._db.execute(
                "SELECT origin, size, log_root, slots, sum_n FROM reached"
            ).fetchone()
        return Reached(*row) if row else Reached()

    def reach(self, now: Reached) -> None:
        """State how far it has come, inside `changing`."""
        with explained("write the tree of epochs"):
            self._db.execute(_PUT_REACHED, (1, *now))

    def empty(self) -> None:
        """Forget everything, inside `changing`."""
        with explained("empty the tree of epochs"):
            self._db.execute("DELETE FROM tile")
            self._db.execute("DELETE FROM reached")

    def put(self, leaves: Mapping[int, tuple[int, bytes]]) -> int:
        """Set slot -> (count, leaf hash), inside `changing`; by how much the sum of counts grew.

        New slots must follow on from those there are, none left out.
        """
        grown = 0
        hashes: dict[int, bytes] = {}
        for number, slots in _by_tile(leaves):
            row, kept = self._tile(0, number)
            counts, before = _counts(kept), len(row) // HASH_BYTES
            if slots[-1] % TILE_WIDTH >= before + len(slots):
                raise Damaged(f"tree of epochs lacks slots before {slots[-1]}: make it anew")
            for slot in slots:
                count, hashes[slot] = leaves[slot]
                grown += count - counts[slot % TILE_WIDTH]
                counts[slot % TILE_WIDTH] = count
            self._write(_PUT_COUNTS, 0, number, counts.tobytes())
        level = 0
        while hashes:
            hashes = self._put_level(level, hashes)
            level += 1
        return grown

    def _put_level(self, level: int, hashes: Mapping[int, bytes]) -> dict[int, bytes]:
        """Set *hashes* at *level*; those of the level above that follow."""
        above: dict[int, bytes] = {}
        for number, places in _by_tile(hashes):
            tile = bytearray(self._tile(level, number)[0])
            for place in places:
                start = HASH_BYTES * (place % TILE_WIDTH)
                tile[start : start + HASH_BYTES] = hashes[place]
            self._write(_PUT_HASHES, level, number, bytes(tile))
            if len(tile) == TILE_WIDTH * HASH_BYTES:
                above[number] = tile_root(bytes(tile))
        return above

    def _write(self, statement: str, level: int, number: int, data: bytes) -> None:
        with explained("write the tree of epochs"):
            self._db.execute(statement, (level, number, data))

    def count(self, slot: int) -> int:
        """How many events *slot* has in the tree."""
        return _counts(self._tile(0, slot // TILE_WIDTH)[1])[slot % TILE_WIDTH]

    def _tile(self, level: int, number: int) -> tuple[bytes, bytes]:
        with explained("read the tree of epochs"):
            row = self._db.execute(
                "SELECT hashes, counts FROM tile WHERE level = ? AND number = ?", (level, number)
            ).fetchone()
        return row or (b"", b"")

    def root(self, slots: int) -> bytes:
        """The root over the first *slots* slots."""
        return root_at(slots, self._reader(slots))

    def prove(self, slot: int, slots: int) -> list[bytes]:
        """The path of *slot*'s leaf to the root over *slots*, leaf upwards."""
        return prove_inclusion(slot, slots, self._reader(slots))

    def _reader(self, slots: int) -> TileReader:
        def read_tile(level: int, index: int, width: int) -> bytes:
            hashes = self._tile(level, index)[0][: width * HASH_BYTES]
            if len(hashes) != width * HASH_BYTES:
                raise ProofError("tree of epochs lacks a tile: make a new epoch")
            return hashes

        return TileReader(read_tile, slots)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()


def _opened(path: Path) -> Database:
    return connect_defined(path, _SCHEMA, "the tree of epochs", durable=False)


def _counts(row: bytes) -> "array[int]":
    """The 256 counts of a tile, of which those never set are 0."""
    counts = array("Q", row)
    counts.extend([0] * (TILE_WIDTH - len(counts)))
    return counts


def _by_tile(places: Mapping[int, object]) -> Iterator[tuple[int, list[int]]]:
    """The numbers of the tiles that *places* lie in, each with its places, all in order."""
    number, members = -1, list[int]()
    for place in sorted(places):
        if place // TILE_WIDTH != number:
            if members:
                yield number, members
            number, members = place // TILE_WIDTH, []
        members.append(place)
    if members:
        yield number, members
