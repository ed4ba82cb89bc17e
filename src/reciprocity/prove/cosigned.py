"""`cosigned.db`: the cosigned checkpoint to hand out, and what each witness knew last.

It lies in the brand's folder and may be lost without harm: the next round gathers it anew. Nothing
is decided from it alone but one thing: a checkpoint that this log signed, and witnesses cosigned,
which is no beginning of the log now, shows that an older journal was put in its place.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self

from reciprocity.errors import Damaged, ReciprocityError
from reciprocity.storage import (
    Database,
    connect,
    connect_defined,
    exists,
    explained,
    transaction,
    upsert,
)

__all__ = ["Cosigned", "Seen", "cosigned_checkpoint"]

FILE: Final = "cosigned.db"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS checkpoint (
    origin TEXT NOT NULL, what TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL,
    kept_at INTEGER NOT NULL, PRIMARY KEY (origin, what)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS witness (
    origin TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, success_at INTEGER NOT NULL,
    problem TEXT NOT NULL, problem_at INTEGER NOT NULL, PRIMARY KEY (origin, key)
) STRICT, WITHOUT ROWID;
"""
GATHERING: Final = "gathering"
HELD: Final = "held"
_PUT_WITNESS: Final = upsert(
    "witness", "origin, key", "size", "success_at", "problem", "problem_at"
)


class Seen(NamedTuple):
    """What a witness knew last (*size*), and when it last cosigned and last did not (ms)."""

    size: int = 0
    success_at: int = 0
    problem: str = ""
    problem_at: int = 0


class Cosigned:
    """The file in *folder*, made if it is not there; not for two threads at once."""

    def __init__(self, folder: Path) -> None:
        """Open it; one that cannot be read is made anew, since nothing in it is needed."""
        try:
            self._db = _opened(folder / FILE)
        except Damaged:
            for path in folder.glob(f"{FILE}*"):
                path.unlink(missing_ok=True)
            self._db = _opened(folder / FILE)

    def seen(self, origin: str, key: str) -> Seen:
        """What is remembered of the witness with verifier key *key*."""
        with explained("read what a witness knew"):
            row = self._db.execute(
                "SELECT size, success_at, problem, problem_at FROM witness"
                " WHERE origin = ? AND key = ?",
                (origin, key),
            ).fetchone()
        return Seen._make(row) if row else Seen()

    def see(self, origin: str, key: str, seen: Seen) -> None:
        """Remember *seen* of the witness with verifier key *key*."""
        with explained("keep what a witness knew"):
            self._db.execute(_PUT_WITNESS, (origin, key, *seen))

    def note(self, origin: str, what: str) -> bytes | None:
        """The checkpoint of the log *origin* being gathered for, or the newest that held."""
        with explained("read a cosigned checkpoint"):
            row = self._db.execute(
                "SELECT note FROM checkpoint WHERE origin = ? AND what = ?", (origin, what)
            ).fetchone()
        return row[0] if row else None

    def keep(self, origin: str, what: str, size: int, note: bytes, at: int) -> None:
        """Keep *note* of *size* leaves, unless a larger one is kept already."""
        with explained("keep a cosigned checkpoint"):
            self._db.execute(
                "INSERT INTO checkpoint VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (origin, what) DO UPDATE SET"
                " size = excluded.size, note = excluded.note, kept_at = excluded.kept_at"
                " WHERE excluded.size >= checkpoint.size",
                (origin, what, size, note, at),
            )

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else changes the file inside."""
        with transaction(self._db, "keep what witnesses said"):
            yield

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
    return connect_defined(path, _SCHEMA, "the cosigned checkpoints", durable=False)


def cosigned_checkpoint(folder: Path, origin: str = "") -> bytes | None:
    """The newest checkpoint of the brand in *folder* for which its policy held, as a note.

    Of the log *origin*, if told: after a restore there is a new one. None before the first, and
    when the file is lost or cannot be read: whoever asks goes on with the log's own signature.
    """
    try:
        if not exists(folder / FILE):
            return None
        with explained("read"), closing(connect(folder / FILE, durable=False)) as db:
            row = db.execute(
                "SELECT note FROM checkpoint WHERE what = ? AND ? IN (origin, '')"
                " ORDER BY kept_at DESC LIMIT 1",
                (HELD, origin),
            ).fetchone()
    except ReciprocityError:
        return None
    return row[0] if row else None
