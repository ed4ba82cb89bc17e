"""`observed.db`: rows of what people were seen doing, sealed, made to be deleted.

Not part of the log and never backed up: a restore must not bring back what a withdrawal deleted.
A row says in clear whose (slot), which behaviour and which day; the rest is sealed with the
person's vault key (`vault/observed.py`). Whoever writes here holds the file's lock, and may look
into the journal but never wait for the journal's lock: the appender deletes here under its own.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from reciprocity.consent.laws import answer_key
from reciprocity.consent.state import Wishes
from reciprocity.journal import pending
from reciprocity.journal.turn import Turn
from reciprocity.model import ANYWHERE, EVERYTHING, OBSERVE, ConsentState, Id
from reciprocity.storage import (
    BUSY_MS,
    Database,
    connect,
    connect_defined,
    exists,
    explained,
    flush,
    transaction,
    upsert,
)

__all__ = ["KeptRows", "ObservedRow", "ObservedRows", "may_stand"]

FILE: Final = "observed.db"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS observed (
    slot INTEGER NOT NULL, digest BLOB NOT NULL, behaviour TEXT NOT NULL, day INTEGER NOT NULL,
    sealed BLOB NOT NULL, PRIMARY KEY (slot, digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS linked (
    slot INTEGER NOT NULL, other INTEGER NOT NULL, origin TEXT NOT NULL,
    PRIMARY KEY (slot, other)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erasing (slot INTEGER PRIMARY KEY) STRICT;
CREATE INDEX IF NOT EXISTS observed_day ON observed (behaviour, day);
"""
_TAKES: Final = frozenset(
    {"consent.refused", "consent.withdrawn", "objection.made", "person.imported"}
)
"""The kinds after which a yes to looking may no longer stand."""
_KIND: Final = 5
_SLOT: Final = 1
_PAGE: Final = 500
_PUT_ROW: Final = "INSERT INTO observed VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_PUT_LINK: Final = upsert("linked", "slot, other", "origin")


class ObservedRow(NamedTuple):
    """One row as it lies in the file; *digest* is of its message id, *day* counts from 1970."""

    slot: int
    digest: bytes
    behaviour: Id
    day: int
    sealed: bytes


class KeptRows(NamedTuple):
    """How many rows of one behaviour a person has, and the days of the first and the last."""

    rows: int
    first_day: int
    last_day: int


def may_stand(wishes: Wishes, behaviour: Id) -> bool:
    """May a yes to looking at *behaviour* still stand, as far as history alone can tell?

    The brand and the law may end it earlier: `tick` sees to that.
    """
    answer = wishes.answers.get(answer_key(behaviour, OBSERVE))
    if answer is None or answer.state is not ConsentState.GIVEN:
        return False
    return not any(
        answer_key(name, channel) in wishes.objections
        for name in (behaviour, EVERYTHING)
        for channel in (OBSERVE, ANYWHERE)
    )


class ObservedRows:
    """The rows of one brand; safe to share between threads, and beside other processes."""

    def __init__(self, folder: Path, *, busy_ms: int = BUSY_MS) -> None:
        """Keep them in the brand's *folder*; the file is made when there is a row to keep."""
        self._path, self._journal, self._busy_ms = folder / FILE, folder / "journal.db", busy_ms
        self._lock = threading.RLock()
        self._db: Database | None = None
        self._beside: Database | None = None

    # -- keeping --

    def keep(self, rows: Sequence[ObservedRow], versions: Mapping[int, int]) -> bool:
        """Keep *rows* durably, unless a history moved on from *versions*, by slot, meanwhile.

        False if one did: nothing was kept, look at what stands and come again. A row whose digest
        the person has already is not written twice. A withdrawal that is recorded later finds
        what was kept here, because it waits for the file's lock to delete it.
        """
        with self._lock:
            db = self._opened()
            with transaction(db, "keep what was observed"):
                if not self._as_told(versions):
                    return False
                db.executemany(_PUT_ROW, rows)
            return True

    def _as_told(self, versions: Mapping[int, int]) -> bool:
        """Are the people's versions still *versions*, and does no act wait to be sealed?"""
        db = self._journals()
        look = "SELECT MAX(version) FROM event WHERE slot = ?"
        with explained("read people's versions"):
            if pending.any_waiting(db):
                return False
            return all(
                db.execute(look, (slot,)).fetchone()[0] == version
                for slot, version in versions.items()
            )

    # -- deleting --

    def forget(self, slot: int, behaviour: Id | None = None) -> int:
        """Delete the rows of the person in *slot*, of one *behaviour* or of all; how many."""
        if behaviour is not None:
            return self._delete("observed WHERE slot = ? AND behaviour = ?", [[slot, behaviour]])
        self._delete("linked WHERE slot = ? OR other = ?", [[slot, slot]])
        return self._delete("observed WHERE slot = ?", [[slot]])

    def forget_taken(self, turn: Turn) -> None:
        """Delete what the acts of *turn* took the yes from; cheap where they took none."""
        after = turn.written.standings
        slots = {row[_SLOT] for row in turn.written.rows if row[_KIND] in _TAKES}
        if not slots or not self._made():
            return
        for slot in [each for each in after if each in slots]:
            self._forget_fallen(slot, after[slot].wishes)

    def _forget_fallen(self, slot: int, wishes: Wishes) -> None:
        """Delete what is kept of the person in *slot* for which no yes may stand by *wishes*.

        Looked for under the lock: who keeps a row just now is waited for, and it is found.
        """
        with self._lock, transaction(self._opened(), "delete what was observed"):
            db = self._opened()
            found = db.execute("SELECT DISTINCT behaviour FROM observed WHERE slot = ?", (slot,))
            for (behaviour,) in found.fetchall():
                if not may_stand(wishes, behaviour):
                    values = (slot, behaviour)
                    db.execute("DELETE FROM observed WHERE slot = ? AND behaviour = ?", values)

    def expire(self, behaviour: Id, before_day: int) -> int:
        """Delete the rows of *behaviour* of days before *before_day*; how many."""
        return self._delete("observed WHERE behaviour = ? AND day < ?", [[behaviour, before_day]])

    def sweep(self, stands: Callable[[Sequence[int]], set[tuple[int, Id]]]) -> int:
        """Delete the rows of every slot and behaviour that *stands*, asked by slots, leaves out."""
        gone = 0
        for slots in self._slots():
            lasting = stands(slots)
            doomed = [
                [slot, behaviour]
                for slot in slots
                for behaviour in self.of(slot)
                if (slot, behaviour) not in lasting
            ]
            if doomed:
                gone += self._delete("observed WHERE slot = ? AND behaviour = ?", doomed)
        return gone

    def _delete(self, what: str, values: Iterable[Sequence[object]]) -> int:
        if not self._made():
            return 0
        with self._lock:
            db = self._opened()
            with transaction(db, "delete what was observed"):
                done = db.executemany(f"DELETE FROM {what}", values)  # noqa: S608 - constant text
            return done.rowcount

    def _slots(self) -> Iterator[list[int]]:
        """Everyone who has a row, a page at a time."""
        last = -1
        while page := [
            slot
            for (slot,) in self._read(
                "SELECT DISTINCT slot FROM observed WHERE slot > ? ORDER BY slot LIMIT ?",
                (last, _PAGE),
            )
        ]:
            yield page
            last = page[-1]

    # -- reading --

    def of(self, slot: int) -> dict[Id, KeptRows]:
        """What is kept of the person in *slot*, by behaviour."""
        return {
            behaviour: KeptRows(*kept)
            for behaviour, *kept in self._read(
                "SELECT behaviour, COUNT(*), MIN(day), MAX(day) FROM observed WHERE slot = ?"
                " GROUP BY behaviour ORDER BY behaviour",
                (slot,),
            )
        }

    def rows(self, slot: int) -> list[ObservedRow]:
        """The rows of the person in *slot*, oldest day first, as they lie in the file."""
        found = self._read("SELECT * FROM observed WHERE slot = ? ORDER BY day, digest", (slot,))
        return [ObservedRow._make(row) for row in found]

    def _read(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        if not self._made():
            return []
        with self._lock, explained("read what was observed"):
            return self._opened().execute(query, values).fetchall()

    # -- who is one --

    def note_link(self, slot: int, other: int, origin: str) -> None:
        """Remember that the two were brought to the strictest of both, in the log of *origin*.

        So that it is done once: what one of them says later is not taken back by being reported
        as the same person anew. Lost with the file, it is done once more.
        """
        pair = (min(slot, other), max(slot, other), origin)
        with self._lock:
            db = self._opened()
            with transaction(db, "note who is one"):
                db.execute(_PUT_LINK, pair)

    def is_linked(self, slot: int, other: int, origin: str) -> bool:
        """Was `note_link` said of the two in the log of *origin*?"""
        pair = (min(slot, other), max(slot, other), origin)
        found = self._read("SELECT 1 FROM linked WHERE slot = ? AND other = ? AND origin = ?", pair)
        return bool(found)

    # -- who is being erased, where several machines may finish it --

    def note_erasing(self, slot: int) -> None:
        """Remember, durably, that the erasure of the person in *slot* is not finished."""
        with self._lock, explained("note an erasure"):
            self._opened().execute("INSERT INTO erasing VALUES (?) ON CONFLICT DO NOTHING", (slot,))

    def erasing(self) -> bool:
        """Is an erasure noted that is not finished?"""
        return bool(self._read("SELECT 1 FROM erasing LIMIT 1", ()))

    def end_erasing(self) -> None:
        """Forget what `note_erasing` noted: all of it is finished."""
        with self._lock, explained("note an erasure"):
            self._opened().execute("DELETE FROM erasing")

    # -- the file --

    def _made(self) -> bool:
        """Has any row ever been kept?"""
        with self._lock:
            return self._db is not None or exists(self._path, self._journals)

    def _journals(self) -> Database:
        """A connection to the journal beside the rows."""
        if self._beside is None:
            self._beside = connect(self._journal, durable=True, busy_ms=self._busy_ms)
        return self._beside

    def _opened(self) -> Database:
        if self._db is None:
            self._db = connect_defined(
                self._path, _SCHEMA, "what was observed", durable=True, busy_ms=self._busy_ms
            )
        return self._db

    def flush(self) -> None:
        """Leave no old page behind in the write-ahead log."""
        if self._made():
            with self._lock:
                flush(self._opened(), "what was observed")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            for db in (self._db, self._beside):
                if db is not None:
                    db.close()
            self._db = self._beside = None
