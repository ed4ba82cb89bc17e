"""`standing.db`: what stands for each person now, kept so that a decision need not fold history.

A cache: clear, pseudonymous, never backed up, made anew by `reciprocity journal rebuild`. It
carries the position it has reached and the log's root there, so that one left behind by a crash
catches up and one from another history is thrown away. Nothing is permitted from a cache behind
the journal; the appender writes it right after its own commit, while it still holds the lock.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from reciprocity.errors import Damaged, ReciprocityError, Unavailable
from reciprocity.journal.copies import SHARED_FOR
from reciprocity.journal.standing import Standing, next_change_at
from reciprocity.storage import BUSY_MS, connect, explained, flush, rows_in, upsert

__all__ = ["Kept", "StandingCache"]

VERSION: Final = 3
_SOME: Final = 4_096
_SCHEMA: Final = """
DROP TABLE IF EXISTS standing;
DROP TABLE IF EXISTS progress;
CREATE TABLE standing (
    slot INTEGER PRIMARY KEY, version INTEGER NOT NULL, pseudonym BLOB,
    next_change_at INTEGER NOT NULL, erase_at INTEGER NOT NULL, erased INTEGER NOT NULL,
    state BLOB NOT NULL, clear BLOB NOT NULL
) STRICT;
CREATE TABLE progress (
    id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL, root BLOB NOT NULL,
    hidden TEXT NOT NULL
) STRICT;
CREATE INDEX standing_leaving ON standing (erase_at) WHERE erase_at > 0;
CREATE INDEX standing_erased ON standing (slot, version) WHERE erased = 1;
"""
_PUT: Final = upsert(
    "standing", "slot",
    "version", "pseudonym", "next_change_at", "erase_at", "erased", "state", "clear",
)  # fmt: skip

_state_encoder: Final = msgspec.msgpack.Encoder()
_state_decoder: Final = msgspec.msgpack.Decoder(Standing)
_clear_decoder: Final = msgspec.msgpack.Decoder(dict[str, int | bool | str])

Clear = dict[str, int | bool | str]
_UNREADABLE: Final = (Damaged, msgspec.MsgspecError, UnicodeDecodeError)
"""The last is msgspec's own for a text that is none."""


class _cached(explained):  # noqa: N801 - as its parent
    """As `explained`; a cache that cannot be read is thrown away, not restored."""

    __slots__ = ()

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} the standing cache")

    def told(self, error: BaseException) -> ReciprocityError | None:
        """What stands in the way, or that the cache is to be made anew."""
        found = super().told(error)
        if isinstance(found, Damaged) or isinstance(error, _UNREADABLE):
            return Unavailable(
                "standing cache cannot be read: delete standing.db, standing.db-wal and "
                f"standing.db-shm, they are made anew from the journal ({found or error})"
            )
        return found


class Kept(NamedTuple):
    """One person as the cache keeps them; *clear* are attribute values shared for a purpose."""

    standing: Standing
    clear: Clear
    pseudonym: bytes


class StandingCache:
    """One connection to `standing.db`; not for two threads at once."""

    def __init__(self, path: Path, *, busy_ms: int = BUSY_MS) -> None:
        """Open the cache, making it anew if it is of another release or no database at all."""
        self.path = path
        try:
            self.db = connect(path, durable=False, busy_ms=busy_ms)
        except Damaged:
            for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                each.unlink(missing_ok=True)
            self.db = connect(path, durable=False, busy_ms=busy_ms)
        try:
            self._prepare()
        except BaseException:
            self.db.close()
            raise

    def _prepare(self) -> None:
        if self._version() == VERSION:
            return
        with _cached("make"):
            self.db.begin()
            if self._version() != VERSION:  # unless another process was faster
                self.db.define(_SCHEMA, layout=VERSION)
                self.db.execute("INSERT INTO progress VALUES (1, 0, ?, '')", (b"",))
            self.db.commit()

    def _version(self) -> int:
        with _cached("open"):
            return self.db.layout()

    def progress(self) -> tuple[int, bytes]:
        """How many events this cache has seen, and the log's root at that size."""
        with _cached("read"):
            row = self.db.execute("SELECT position, root FROM progress").fetchone()
            if row is None:
                raise Damaged("it does not say how far it has come")
        return row[0], row[1]

    def begin(self) -> None:
        """Take the cache's write lock; the appender does so before it gives back the journal's."""
        with _cached("lock"):
            self.db.begin()

    def commit(self) -> None:
        """Keep what was written."""
        with _cached("write"):
            self.db.commit()

    def roll_back(self) -> None:
        """Forget what was written."""
        self.db.rollback()

    def load(self, slots: Sequence[int]) -> dict[int, Standing]:
        """The standing of each of *slots*; those never heard of are left out."""
        decode = _state_decoder.decode
        with _cached("read"):
            return {slot: decode(row[1]) for slot, row in self._rows(slots).items()}

    def load_kept(self, slots: Sequence[int]) -> dict[int, Kept]:
        """As `load`, with the clear attributes and the pseudonym."""
        with _cached("read"):
            return {slot: _kept(row) for slot, row in self._rows(slots).items()}

    def _rows(self, slots: Sequence[int]) -> dict[int, tuple[int, bytes, bytes, bytes]]:
        query = "SELECT slot, state, clear, pseudonym FROM standing WHERE slot IN (?)"
        return {row[0]: row for row in rows_in(self.db, query, slots)}

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see the same state."""
        with _cached("read"):
            self.db.begin_reading()
        try:
            yield
        finally:
            self.db.rollback()

    def states(self, slots: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """The encoded standing of each of *slots*, for who reads only its first fields."""
        with _cached("read"):
            query = "SELECT slot, state FROM standing WHERE slot IN (?)"
            yield from rows_in(self.db, query, slots)

    def everyone(self, first_slot: int = 0) -> Iterator[Kept]:
        """Everyone from *first_slot* on in slot order, the erased included."""
        with _cached("read"):
            for row in self.db.stream(
                "SELECT slot, state, clear, pseudonym FROM standing WHERE slot >= ? ORDER BY slot",
                (first_slot,),
            ):
                yield _kept(row)

    def load_many(self, slots: Sequence[int]) -> Iterator[Kept]:
        """As `load_kept`, in order and not all at a time."""
        for begin in range(0, len(slots), _SOME):
            found = self.load_kept(slots[begin : begin + _SOME])
            yield from (found[slot] for slot in sorted(found))

    def last_slot(self) -> int:
        """The greatest slot that anybody has; -1 if there is nobody."""
        with _cached("read"):
            (last,) = self.db.execute("SELECT MAX(slot) FROM standing").fetchone()
        return -1 if last is None else int(last)

    def count(self) -> int:
        """How many people there are, the erased left out."""
        with _cached("count"):
            row = self.db.execute("SELECT COUNT(*) FROM standing WHERE erased = 0").fetchone()
        return int(row[0])

    def write_states(self, standings: Sequence[Standing], at: int) -> None:
        """Write what changed of people already here whose clear attributes did not."""
        encode = _state_encoder.encode
        rows = [
            (s.version, next_change_at(s, at), s.wishes.erase_at, encode(s), s.slot)
            for s in standings
        ]
        with _cached("write"):
            self.db.executemany(
                "UPDATE standing SET version = ?, next_change_at = ?, erase_at = ?, state = ?"
                " WHERE slot = ?",
                rows,
            )

    def write_kept(self, people: Sequence[Kept], at: int) -> None:
        """Write *people* whole: new ones, and those whose clear attributes changed."""
        encode = _state_encoder.encode
        rows = [
            (s.slot, s.version, pseudonym or None, next_change_at(s, at), s.wishes.erase_at,
             int(s.erased), encode(s), encode(clear))
            for s, clear, pseudonym in people
        ]  # fmt: skip
        with _cached("write"):
            self.db.executemany(_PUT, rows)

    def reach(self, position: int, root: bytes) -> None:
        """State, in the open transaction, how far the cache has come."""
        with _cached("write"):
            self.db.execute("UPDATE progress SET position = ?, root = ?", (position, root))

    def empty(self) -> None:
        """Forget everything, in the open transaction."""
        with _cached("empty"):
            self.db.execute("DELETE FROM standing")
        self.reach(0, b"")

    def hidden(self) -> str:
        """Which attributes were sensitive, and so not in clear, when this cache was written."""
        with _cached("read"):
            return str(self.db.execute("SELECT hidden FROM progress").fetchone()[0])

    def hide(self, names: str) -> None:
        """State, in the open transaction, which attributes are sensitive."""
        with _cached("write"):
            self.db.execute("UPDATE progress SET hidden = ? WHERE hidden <> ?", (names, names))

    def leaving(self) -> list[Standing]:
        """Those who asked to be erased and are not yet."""
        with _cached("read"):
            rows = self.db.execute(
                "SELECT state FROM standing WHERE erased = 0 AND erase_at > 0"
            ).fetchall()
            return [_state_decoder.decode(state) for (state,) in rows]

    def forget_queued(self, slot: int) -> None:
        """Delete what `deliver/outbox.py` keeps in this file for *slot*."""
        with _cached("write"):
            if self.db.has_table("outbox"):
                self.db.execute("DELETE FROM outbox WHERE slot = ?", (slot,))

    def forget_shared(self) -> None:
        """Delete what `decide/many/standing_views.py` copied here of whoever is erased by now."""
        with _cached("write"):
            for table in self.db.tables():
                if table.startswith(SHARED_FOR):
                    self.db.execute(
                        f'DELETE FROM "{table}" WHERE slot IN'  # noqa: S608 - a name of ours
                        " (SELECT slot FROM standing WHERE erased = 1)"
                    )

    def erased(self) -> dict[int, int]:
        """The slots of the erased, each with the number of events it had."""
        with _cached("read"):
            return dict(self.db.execute("SELECT slot, version FROM standing WHERE erased = 1"))

    def flush(self) -> None:
        """Leave no old page behind in the write-ahead log."""
        flush(self.db, "the standing cache")

    def close(self) -> None:
        """Close the file."""
        self.db.close()


def _kept(row: tuple[int, bytes, bytes, bytes]) -> Kept:
    _, state, clear, pseudonym = row
    return Kept(_state_decoder.decode(state), _clear_decoder.decode(clear), pseudonym or b"")


def clear_values(
    attributes: Mapping[str, int | bool | str],
    shared: Mapping[str, Sequence[str]],
    sensitive: frozenset[str],
) -> Clear:
    """Which attribute values stand in clear: those shared for some purpose, none sensitive."""
    names = {name for names in shared.values() for name in names} - sensitive
    return {name: attributes[name] for name in sorted(names) if name in attributes}
