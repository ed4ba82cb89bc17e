"""Rows from one database to another, whichever kind each is, and proof that all of them came."""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any, Final

from msgspec import msgpack

from reciprocity.storage.database import Database

__all__ = ["copy_rows", "fingerprint", "rows_of"]

_KEY: Final = 3
"""No table has a longer key, and each begins with it."""
SKIPPED: Final = frozenset({"alembic_version"})
"""What whoever made the tables of the target wrote already."""


def rows_of(db: Database) -> Iterator[tuple[str, tuple[str, ...], Iterator[Any]]]:
    """Each table of *db* with its columns and all its rows, in the order of the first columns."""
    for table, columns in db.tables().items():
        if table not in SKIPPED:
            by = db.ordering(table, columns[:_KEY])
            query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {by}"  # noqa: S608 - names of ours
            yield table, columns, db.stream(query)


def copy_rows(
    source: Database, target: Database, progress: Callable[[int], None] | None = None
) -> str:
    """Copy every row of *source* into the empty tables of *target*; the fingerprint of them all.

    Both have a transaction open. *progress* is told how many rows are done, now and then.
    """
    seen = sha256()
    done = 0

    def passing(rows: Iterable[Any]) -> Iterator[Any]:
        nonlocal done
        for row in rows:
            seen.update(msgpack.encode(row))
            done += 1
            if progress and not done % 10_000:
                progress(done)
            yield row

    for table, columns, rows in rows_of(source):
        seen.update(table.encode())
        target.load(table, columns, passing(rows))
    if progress:
        progress(done)
    return seen.hexdigest()


def fingerprint(db: Database) -> str:
    """As `copy_rows` gives for the rows that *db* has."""
    seen = sha256()
    for table, _, rows in rows_of(db):
        seen.update(table.encode())
        for row in rows:
            seen.update(msgpack.encode(row))
    return seen.hexdigest()
