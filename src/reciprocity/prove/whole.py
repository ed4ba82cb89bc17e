"""The journal as a whole: what must hold of every event before any one history is judged.

A replay reads histories and statements by columns. Whoever writes to the database file could hide
a withdrawal among the events of the erased, or a statement under another kind, without touching a
leaf. So every row is looked at once: leaves make the signed root and the stored tiles, statements
say what their columns say, time never runs back, and exactly the erased have events without a
person.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from reciprocity.errors import Damaged
from reciprocity.events import ErasureDone, LogRestored, OperatorActed, Scope
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Row, Told
from reciprocity.journal.read import Reader
from reciprocity.tlog.merkle import hash_leaves
from reciprocity.tlog.note import open_checkpoint
from reciprocity.tlog.tiles import Edge, Tile

__all__ = ["Signed", "Whole", "check_whole"]

SIGNATURES: Final = 2
_AT_ONCE: Final = 10_000
_PERSONAL: Final = bytes([Scope.PERSONAL])
_SUPPRESSED: Final = "suppression.added"


class Signed(Struct, frozen=True, kw_only=True):
    """The checkpoint that the audit was done under; *root* in hex."""

    size: int
    root: str


class Whole(NamedTuple):
    """What the journal is as a whole; *gaps* are (first, end) positions that nobody vouched for."""

    signed: Signed
    gaps: tuple[tuple[int, int], ...]

    def in_gap(self, position: int) -> bool:
        """Was *position* written after a restore and before two operators signed for its gap?"""
        return any(first <= position < end for first, end in self.gaps)


class _Seen:
    """What the rows seen so far come to."""

    def __init__(self, reader: Reader) -> None:
        self.faceless, self.last_at = 0, 0
        self.buried: dict[int, int] = {}
        self.gaps: list[tuple[int, int]] = []
        self._reader, self._gap, self._signers = reader, -1, set[str]()

    def row(self, row: Row) -> None:
        """Look at the next row."""
        personal = row.leaf[:1] == _PERSONAL
        if not personal:
            self._told(self._reader.open(row))
        elif row.slot is None:
            self.faceless += 1
            return
        if (row.recorded_at or 0) < self.last_at:
            raise Damaged(f"event {row.position} is older than the one before it: restore a backup")
        self.last_at = row.recorded_at or 0

    def _told(self, told: Told) -> None:
        body = told.body
        if isinstance(body, ErasureDone):
            self.buried[body.slot] = body.version
        elif isinstance(body, LogRestored):
            self._gap, self._signers = told.position, set()
        elif isinstance(body, OperatorActed) and told.kind == "gap.signed" and self._gap >= 0:
            self._signers.add(body.actor.strip().casefold())
            if len(self._signers) == SIGNATURES:
                self.gaps.append((self._gap, told.position))
                self._gap = -1
        elif isinstance(body, OperatorActed) and told.kind == _SUPPRESSED:
            _check_suppressed(self._reader, body)

    def end(self, size: int) -> tuple[tuple[int, int], ...]:
        """The gaps, once everything was seen; raises `Damaged` if somebody's events are hidden."""
        left = sum(self._reader.version(slot) for slot in self._reader.with_events(self.buried))
        expected = sum(self.buried.values()) - left
        if self.faceless != expected:
            raise Damaged(
                f"journal has {self.faceless} events without a person, but its people erased had "
                f"{expected}: keep the file, restore a backup"
            )
        return (*self.gaps, *([(self._gap, size)] if self._gap >= 0 else []))


def check_whole(journal: Journal) -> Whole:
    """Look at every row of *journal* once; raises `Damaged` when it contradicts itself."""
    with closing(journal.connection()) as db:
        reader = Reader(db, journal.keys)
        with reader.snapshot():
            state, edge, seen = reader.state(), Edge(), _Seen(reader)
            if state is None:
                raise Damaged("journal has no state though it is open: restore a backup")
            for batch in _batches(reader, state.size):
                _, tiles = edge.extend(hash_leaves([row.leaf for row in batch]))
                for row in batch:
                    seen.row(row)
                for tile in tiles:
                    _check_tile(reader, tile)
            gaps = seen.end(state.size)
    checkpoint = open_checkpoint(state.checkpoint, journal.verifier())
    if (checkpoint.size, checkpoint.root) != (edge.size, edge.root()):
        raise Damaged("journal's leaves do not make the root of its checkpoint: restore a backup")
    return Whole(Signed(size=state.size, root=checkpoint.root.hex()), gaps)


def _batches(reader: Reader, size: int) -> Iterator[list[Row]]:
    """All rows in order; what is sealed under a person's key is left out, histories open it."""
    for start in range(0, size, _AT_ONCE):
        rows = reader.db.execute(
            "SELECT position, slot, version, recorded_at, happened_at, kind,"
            " CASE WHEN substr(leaf, 1, 1) = ? THEN NULL ELSE sealed END, leaf"
            " FROM event WHERE position >= ? AND position < ? ORDER BY position",
            (_PERSONAL, start, min(start + _AT_ONCE, size)),
        ).fetchall()
        yield [Row._make(row) for row in rows]


def _check_tile(reader: Reader, tile: Tile) -> None:
    stored = reader.db.execute(
        "SELECT root, hashes FROM tile WHERE level = ? AND number = ?", (tile.level, tile.index)
    ).fetchone()
    if stored != (tile.root, tile.hashes):
        raise Damaged(
            f"tile {tile.index} of level {tile.level} is not that of the journal's leaves: proofs "
            "made from it would not hold; restore a backup"
        )


def _check_suppressed(reader: Reader, body: OperatorActed) -> None:
    """Hold that no address on record as suppressed has left the list."""
    try:
        detail = msgspec.json.decode(body.detail, type=dict[str, object])
        listed = detail.get("digests", [])
        digests = [bytes.fromhex(str(one)) for one in (listed if isinstance(listed, list) else [])]
    except (msgspec.MsgspecError, ValueError) as error:
        raise Damaged(f"suppression event has another shape: {error}") from error
    if len(reader.suppressed(digests)) != len(set(digests)):
        raise Damaged("suppression list lacks addresses that the log put on it: restore a backup")
