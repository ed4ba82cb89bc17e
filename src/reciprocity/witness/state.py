"""What a witness remembers: of each log the size and root it cosigned last, and no history.

Everything hangs on one rule: the step from one state to the next is compared and stored in one
transaction, and is on the disk before anybody is told. So two requests, in two threads or two
processes, never both step from the same state, and a crash forgets nothing that was answered.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from reciprocity.errors import Damaged, Unavailable
from reciprocity.tlog.merkle import EMPTY_ROOT

__all__ = ["NOTHING", "Remembered", "WitnessState"]

_SCHEMA: Final = """
CREATE TABLE witness (key TEXT NOT NULL) STRICT;
CREATE TABLE log (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,
    cosigned_at INTEGER NOT NULL, note BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE split_view (
    origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL,
    seen_at INTEGER NOT NULL, note BLOB NOT NULL, cosigned BLOB NOT NULL,
    PRIMARY KEY (origin, size, root)
) STRICT, WITHOUT ROWID;
"""
_BUSY_MS: Final = 10_000
_MOST_SPLITS: Final = 16


class Remembered(NamedTuple):
    """The last checkpoint cosigned of one log; *cosigned_at* in seconds since 1970.

    *note* is that checkpoint with the log's signatures and ours.
    """

    size: int
    root: bytes
    cosigned_at: int = 0
    note: bytes = b""


NOTHING: Final = Remembered(0, EMPTY_ROOT)
"""What is remembered of a log that was never cosigned."""


class WitnessState:
    """The file *path* of the witness with verifier key *key*; safe to share between threads."""

    def __init__(self, path: Path, key: str) -> None:
        """Open the file that `create` made.

        Raises `Unavailable` when it is missing or of another witness, `Damaged` when it is broken.
        """
        if not path.exists():
            raise Unavailable(
                f"witness state {path} is missing: put it back; if it is lost, make a new witness "
                "with a new key, since this one no longer knows what it cosigned"
            )
        self._lock = threading.Lock()
        self._db = _connect(path)
        try:
            with _explained("open"):
                found = self._db.execute("PRAGMA quick_check").fetchone()
                owner = self._db.execute("SELECT key FROM witness").fetchone()
            if found != ("ok",):
                raise Damaged(f"witness state {path} is broken: stop, and make a new witness")
            if owner != (key,):
                raise Unavailable(
                    f"witness state {path} belongs to another key: put back the one of this witness"
                )
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def create(cls, path: Path, key: str) -> None:
        """Make the file of a witness that has cosigned nothing yet."""
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        db = _connect(path)
        try:
            with _explained("make"):
                db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA}")
                db.execute("INSERT INTO witness VALUES (?)", (key,))
                db.execute("COMMIT")
        finally:
            db.close()

    def remembered(self, origin: str) -> Remembered:
        """What was cosigned last of the log *origin*; `NOTHING` if nothing ever was."""
        with self._lock, _explained("read"):
            return self._read(origin)

    def step(self, origin: str, seen: Remembered, new: Remembered) -> bool:
        """Remember *new* of the log *origin* if size and root are still as in *seen*.

        True: it is on the disk, and nobody else stepped from *seen*. False: somebody did.
        """
        with self._turn():
            now = self._read(origin)
            if (now.size, now.root) != (seen.size, seen.root):
                return False
            self._db.execute(
                "INSERT OR REPLACE INTO log VALUES (?, ?, ?, ?, ?)",
                (origin, new.size, new.root, max(new.cosigned_at, now.cosigned_at), new.note),
            )
        return True

    def keep_split(self, origin: str, known: Remembered, other: Remembered) -> None:
        """Keep *other*, which the log signed for a size we know under another root.

        The two notes together prove to anybody that the log has two histories. The first sixteen
        of a log are kept.
        """
        with self._turn():
            self._db.execute(
                "INSERT OR IGNORE INTO split_view SELECT ?, ?, ?, ?, ?, ? WHERE "
                "(SELECT COUNT(*) FROM split_view WHERE origin = ?) < ?",
                (
                    origin, other.size, other.root, other.cosigned_at, other.note, known.note,
                    origin, _MOST_SPLITS,
                ),
            )  # fmt: skip

    def splits(self, origin: str) -> list[tuple[bytes, bytes]]:
        """Pairs of notes of the log *origin*, each pair with one size and two roots."""
        with self._lock, _explained("read"):
            found = self._db.execute(
                "SELECT cosigned, note FROM split_view WHERE origin = ? ORDER BY seen_at, root",
                (origin,),
            )
            return found.fetchall()

    def _read(self, origin: str) -> Remembered:
        row = self._db.execute(
            "SELECT size, root, cosigned_at, note FROM log WHERE origin = ?", (origin,)
        ).fetchone()
        return Remembered._make(row) if row else NOTHING

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One transaction that nobody else writes in; committed and on the disk at its end."""
        with self._lock, _explained("write"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _connect(path: Path) -> sqlite3.Connection:
    with _explained("open"):
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")  # each commit waits for the disk
        except BaseException:
            db.close()
            raise
    return db


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable(f"witness cannot {what} its state ({error}): nothing changed") from error
    except sqlite3.DatabaseError as error:
        raise Damaged(
            f"witness state cannot be read ({error}): stop, and make a new witness"
        ) from error
