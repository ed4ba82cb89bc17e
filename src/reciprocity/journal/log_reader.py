"""The log's public side: state, leaves, tiles. No key is needed for it, and nothing is opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from msgspec import Struct

from reciprocity.errors import Damaged
from reciprocity.storage import Database, explained
from reciprocity.tlog.tiles import ReadTile, TileReader, derived_tiles

__all__ = ["LogReader", "State"]


class State(Struct, frozen=True, kw_only=True):
    """The row `log_state`: how far the log has got; *gap* counts signatures still missing.

    *waits* says that an act was accepted without keys and is not sealed yet.
    """

    size: int
    last_at: int
    next_slot: int
    origin: str
    gap: int
    checkpoint: bytes
    waits: bool = False


class LogReader:
    """Reads what anybody may see, through one connection; not for two threads at once."""

    def __init__(self, db: Database) -> None:
        """Read *db*, a connection to `journal.db`."""
        self.db = db

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see the same state, whatever is appended meanwhile."""
        if self.db.in_transaction:
            yield
            return
        with explained("read"):
            self.db.begin_reading()
        try:
            yield
        finally:
            self.db.rollback()

    def state(self) -> State | None:
        """How far the log has got; None before it is opened for the first time."""
        with explained("read its state"):
            row = self.db.execute(
                "SELECT size, last_at, next_slot, origin, gap, checkpoint,"
                " EXISTS (SELECT 1 FROM pending_act) FROM log_state"
            ).fetchone()
        if row is None:
            return None
        size, last_at, next_slot, origin, gap, checkpoint, waits = row
        return State(
            size=size, last_at=last_at, next_slot=next_slot, origin=origin, gap=gap,
            checkpoint=checkpoint, waits=bool(waits),
        )  # fmt: skip

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """The leaves of positions *start* to *stop* - 1."""
        with explained("read leaves"):
            found = self.db.execute(
                "SELECT leaf FROM event WHERE position >= ? AND position < ? ORDER BY position",
                (start, stop),
            ).fetchall()
        return [row[0] for row in found]

    # -- tiles --

    def tile_reader(self, size: int) -> TileReader:
        """Any node of the tree of *size* leaves, from full tiles and `event.leaf`."""
        return TileReader(self.read_tile(), size)

    def read_tile(self) -> ReadTile:
        """Any tile at any size (C2SP tlog-tiles); partial ones are derived."""
        return derived_tiles(self._leaf_hashes, self._full_tile, self._tile_roots)

    def _leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        with explained("read leaves"):
            leaves = self.db.execute(
                "SELECT leaf FROM event WHERE position >= ? AND position < ? ORDER BY position",
                (start, stop),
            ).fetchall()
        if len(leaves) != stop - start:
            raise Damaged(f"journal lacks events between {start} and {stop}: restore a backup")
        return [sha256(b"\0" + leaf).digest() for (leaf,) in leaves]

    def _full_tile(self, level: int, number: int) -> bytes:
        with explained("read a tile"):
            row = self.db.execute(
                "SELECT hashes FROM tile WHERE level = ? AND number = ?", (level, number)
            ).fetchone()
        if row is None:
            raise Damaged(f"journal lacks tile {number} of level {level}: restore a backup")
        return bytes(row[0])

    def _tile_roots(self, level: int, start: int, stop: int) -> list[bytes]:
        with explained("read tile roots"):
            rows = self.db.execute(
                "SELECT root FROM tile WHERE level = ? AND number >= ? AND number < ?"
                " ORDER BY number",
                (level, start, stop),
            ).fetchall()
        if len(rows) != stop - start:
            raise Damaged(f"journal lacks tiles of level {level}: restore a backup")
        return [row[0] for row in rows]
