"""A database in a file.

One connection a thread would not help: SQLite has one writer. A connection is used under its
owner's lock; long readers open their own.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

__all__ = ["SqliteDatabase", "open_read_only", "open_sqlite"]


class SqliteDatabase(sqlite3.Connection):
    """`Database` over SQLite: the driver's own connection, and the words it lacks."""

    def stream(self, query: str, values: Sequence[Any] = (), /) -> Iterator[Any]:
        """See `Database.stream`."""
        return chain(self.execute(query, values))  # without `close`, which would fail after ours

    def begin(self) -> None:
        """See `Database.begin`."""
        self.execute("BEGIN IMMEDIATE")

    def begin_reading(self) -> None:
        """See `Database.begin_reading`."""
        self.execute("BEGIN")

    def check_held(self) -> None:
        """A file's lock is not lost while its process lives."""

    def ordering(self, _table: str, columns: Sequence[str], /) -> str:
        """See `Database.ordering`: bytes, as they are."""
        return ", ".join(columns)

    def define(self, script: str, /, *, layout: int = 0) -> None:
        """See `Database.define`."""
        for statement in script.split(";"):
            self.execute(statement)
        if layout:
            self.execute(f"PRAGMA user_version = {layout}")

    def layout(self) -> int:
        """See `Database.layout`."""
        return int(self.execute("PRAGMA user_version").fetchone()[0])

    def definitions(self) -> str:
        """The script that made the tables and indexes, in order."""
        found = self.execute(
            "SELECT sql FROM sqlite_schema WHERE type IN ('table', 'index') AND sql IS NOT NULL"
            " ORDER BY rowid"
        )
        return ";\n".join(sql for (sql,) in found)

    def tables(self) -> dict[str, tuple[str, ...]]:
        """See `Database.tables`."""
        names = self.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            " ORDER BY name"
        ).fetchall()
        return {
            name: tuple(row[1] for row in self.execute(f"PRAGMA table_info({name})"))
            for (name,) in names
        }

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], /) -> None:
        """See `Database.load`."""
        marks = ", ".join("?" * len(columns))
        self.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608 - names of ours

    def has_table(self, name: str, /) -> bool:
        """See `Database.has_table`."""
        found = self.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = ? AND type = 'table'", (name,)
        )
        return found.fetchone() is not None

    def drain(self) -> bool:
        """Empty the write-ahead log into the file and truncate it: no old page stays there."""
        busy, _, _ = self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy


def open_sqlite(path: Path, *, durable: bool, busy_ms: int) -> SqliteDatabase:
    """A connection to the file *path*, made if new. Raises the driver's own errors."""
    db = sqlite3.connect(
        path,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=SqliteDatabase,
    )
    try:
        db.execute(f"PRAGMA busy_timeout = {busy_ms}")
        db.execute("PRAGMA page_size = 8192")  # a new file only: 4 KB wastes 20%
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        db.execute("PRAGMA secure_delete = ON")
        db.execute("PRAGMA cache_size = -65536")
        db.execute("PRAGMA wal_autocheckpoint = 4000")
    except BaseException:
        db.close()
        raise
    return db


def open_read_only(path: Path) -> SqliteDatabase:
    """A connection to the file *path* that changes nothing. Raises the driver's own errors."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        factory=SqliteDatabase,
    )
