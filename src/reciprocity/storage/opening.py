"""Opening a database by the path its file would have, and what is alike for both kinds."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from reciprocity.errors import Unavailable
from reciprocity.storage.database import Database
from reciprocity.storage.failures import explained
from reciprocity.storage.place import SHARED, Place, place_of
from reciprocity.storage.sqlite import open_read_only, open_sqlite

__all__ = ["BUSY_MS", "connect", "exists", "flush", "rows_in", "transaction", "upsert"]

BUSY_MS: Final = 10_000
AT_ONCE: Final = 500
"""Values in one query: SQLite's own limit was 999 for long."""


def connect(
    path: Path, *, durable: bool, busy_ms: int = BUSY_MS, read_only: bool = False
) -> Database:
    """A connection to the database whose file *path* is, or would be.

    *durable* waits for the disk at each commit. Otherwise a power cut may lose the last commits,
    but never leaves parts of different ones side by side. *busy_ms* is how long to wait for
    another process's lock. A file opened *read_only* is left as it is. Raises `Unavailable` if the
    database cannot be reached, `Damaged` if it is none.
    """
    with explained(f"open {path.name}"):
        place = _shared(path)
        if place is None:
            return (
                open_read_only(path)
                if read_only
                else open_sqlite(path, durable=durable, busy_ms=busy_ms)
            )
        # Here, because nobody without a database of this kind needs its driver.
        from reciprocity.storage.postgresql import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(place, path.stem, durable=durable, busy_ms=busy_ms)


def connect_defined(
    path: Path, schema: str, what: str, *, durable: bool, busy_ms: int = BUSY_MS
) -> Database:
    """As `connect`, with the tables of *schema* made where they are not there.

    *what* is in it, for the words of an error.
    """
    db = connect(path, durable=durable, busy_ms=busy_ms)
    try:
        with explained(f"open {what}"):
            db.define(schema)
    except BaseException:
        db.close()
        raise
    return db


def _shared(path: Path) -> Place | None:
    ours = path.suffix == ".db" and path.stem in SHARED
    return place_of(path.parent) if ours else None


def exists(path: Path, beside: Callable[[], Database] | None = None) -> bool:
    """Was the database of *path* ever made? Raises `Unavailable` where nobody can say.

    Where it lies on a server, *beside* is a connection to another of the brand's: without one, one
    is opened for the question, which takes longer than most work.
    """
    place = _shared(path)
    if place is None:
        return path.exists()
    with explained(f"look for {path.stem}"), ExitStack() as opened:
        db = beside() if beside else opened.enter_context(closing(connect(path, durable=False)))
        found = db.execute(
            "SELECT 1 FROM pg_namespace WHERE nspname = ?", (place.schema(path.stem),)
        )
        return found.fetchone() is not None


def flush(db: Database, what: str) -> None:
    """Leave nothing that was deleted from *what* where it was.

    Raises `Unavailable` while somebody still reads an older state.
    """
    with explained(f"empty the write-ahead log of {what}"):
        drained = db.drain()
    if not drained:
        raise Unavailable(
            f"write-ahead log of {what} is still read by another process (a backup?): try again"
        )


@contextmanager
def transaction(db: Database, what: str) -> Iterator[None]:
    """A transaction that writes around the block; on any error nothing of it is kept."""
    with explained(what):
        db.begin()
    try:
        yield
        with explained(what):
            db.commit()
    except BaseException:
        db.rollback()
        raise


def rows_in(db: Database, query: str, values: Sequence[int] | Sequence[bytes]) -> Iterator[Any]:
    """The rows of *query*, whose `IN (?)` stands for all of *values*."""
    for start in range(0, len(values), AT_ONCE):
        part = values[start : start + AT_ONCE]
        yield from db.execute(query.replace("(?)", f"({','.join('?' * len(part))})"), part)


def upsert(table: str, key: str, *others: str) -> str:
    """The statement that writes a row of *table*, over the one with the same *key* if need be.

    *key* is a column, or several with commas between.

    >>> upsert("in_force", "name", "position")
    'INSERT INTO in_force (name, position) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position'
    """  # noqa: E501 - the statement is shown whole
    columns = [*key.split(", "), *others]
    marks = ", ".join("?" * len(columns))
    news = ", ".join(f"{name} = excluded.{name}" for name in others)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of ours
        f" ON CONFLICT ({key}) DO UPDATE SET {news}"
    )
