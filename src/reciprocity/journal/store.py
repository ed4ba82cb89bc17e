"""Opening the SQLite files: settings, migrations, and every failure turned into what to do.

One connection a thread would not help: SQLite has one writer. The appender's connection is used
under its own lock; readers open their own.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from reciprocity.errors import Damaged, Unavailable
from reciprocity.journal.migrations import HEAD

__all__ = [
    "BUSY_MS",
    "connect",
    "explained",
    "flush",
    "migrate",
    "revision",
    "rotate_link_key",
    "write_transaction",
]

BUSY_MS: Final = 10_000
LINK_KEY_BYTES: Final = 64


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn a database failure while doing *what* into an error that says what to do next."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable(f"journal cannot {what}: {_advice(str(error))}") from error
    except sqlite3.DatabaseError as error:
        if "only appends" in str(error) or "UNIQUE" in str(error):
            raise Damaged(f"journal refused to {what}: {error}") from error
        raise Damaged(
            f"journal file cannot be read as one ({error}): keep it, and restore a backup"
        ) from error


def _advice(said: str) -> str:
    if "locked" in said or "busy" in said:
        return f"{said}; another process holds it, nothing was written, try again"
    if "full" in said:
        return f"{said}; nothing was written, make room and try again"
    if "readonly" in said or "unable to open" in said:
        return f"{said}; check that the folder exists and is writable, nothing was written"
    return f"{said}; nothing was written"


def connect(path: Path, *, durable: bool, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    """A connection to *path*; *durable* waits for the disk at each commit.

    Otherwise the disk is waited for only when the write-ahead log is emptied into the file: a
    power cut may lose the last commits, but never leaves pages of different commits side by side.
    *busy_ms* is how long to wait for another process's lock.
    """
    with explained(f"open {path.name}"):
        db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
    try:
        with explained(f"open {path.name}"):
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


def flush(db: sqlite3.Connection, what: str) -> None:
    """Empty the write-ahead log into the file and truncate it, so that no old page stays there.

    Raises `Unavailable` while somebody still reads an older state.
    """
    with explained(f"empty the write-ahead log of {what}"):
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise Unavailable(
            f"write-ahead log of {what} is still read by another process (a backup?): try again"
        )


def rotate_link_key(db: sqlite3.Connection, at: int) -> None:
    """Make links with a new key from here on; those made before keep working."""
    with explained("keep a link key"):
        db.execute(
            "INSERT INTO link_key (id, key, made_at) "
            "SELECT COALESCE(MAX(id), 0) + 1, ?, ? FROM link_key",
            (os.urandom(LINK_KEY_BYTES), at),
        )


def revision(db: sqlite3.Connection) -> str:
    """The migration this journal is at, or an empty text for an empty file."""
    with explained("read its revision"):
        known = db.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version' AND type = 'table'"
        ).fetchone()
        if not known:
            return ""
        row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else ""


def migrate(path: Path) -> None:
    """Bring the journal at *path* to `HEAD` (making it, if new); does nothing when it is there.

    A journal at a revision this release does not know was written by a newer one, and is refused.
    """
    with closing(connect(path, durable=True)) as db:
        found = revision(db)
    if found == HEAD:
        return
    if found > HEAD:
        raise Unavailable(
            f"journal is at revision {found}, this release knows {HEAD}: upgrade reciprocity"
        )
    with explained("migrate"):
        _upgrade(path)


def _upgrade(path: Path) -> None:
    # Slow to import and rarely needed, so not at the top.
    import sqlalchemy as sa  # noqa: PLC0415
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    # The driver commits before each CREATE unless told otherwise: one transaction, or a migration
    # cut short could never be run again.
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
    try:
        with as_file(files("reciprocity.journal") / "migrations") as folder, engine.connect() as db:
            db.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MS}")
            db.exec_driver_sql("BEGIN IMMEDIATE")
            config = Config()
            config.set_main_option("script_location", str(folder))
            config.attributes["connection"] = db
            command.upgrade(config, "head")
            db.exec_driver_sql("COMMIT")
    except sa.exc.DBAPIError as error:
        raise (error.orig or error) from error
    finally:
        engine.dispose()


@contextmanager
def write_transaction(db: sqlite3.Connection, what: str) -> Iterator[None]:
    """`BEGIN IMMEDIATE` around the block; committed at its end, rolled back on any error."""
    with explained(what):
        db.execute("BEGIN IMMEDIATE")
    try:
        yield
        with explained(what):
            db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
