"""Where the tests' brands keep their rows: files, or with `--database postgresql` a real server.

A test that is about the files themselves is marked `files`; the run on PostgreSQL leaves it out by
name (`-m "not files"`), never in silence.
"""

from __future__ import annotations

import atexit
import shutil
import sqlite3
from contextlib import closing, contextmanager
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

from reciprocity.storage import FILE, SHARED, Place, connect, place_of
from reciprocity.storage.place import settle
from tests.postgresql import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.storage import Database

__all__ = [
    "blob", "copied", "lose", "lose_all", "on_postgresql", "placed", "put_back", "save", "server",
    "unguarded", "using_postgresql",
]  # fmt: skip

_numbers = count(1)
_asked: list[str] = []


@contextmanager
def using_postgresql() -> Iterator[None]:
    """Every brand made inside lies in PostgreSQL."""
    _asked.append("postgresql")
    yield
    _asked.pop()


def on_postgresql() -> bool:
    """Do the tests run on PostgreSQL?"""
    return bool(_asked)


@cache
def server() -> Server:
    """The server of this process, started when first wanted."""
    started = Server()
    atexit.register(started.close)
    return started


def placed(folder: Path) -> Path:
    """*folder*, made, with its rows where the tests want them."""
    folder.mkdir(parents=True, exist_ok=True)
    if on_postgresql() and place_of(folder) is None:
        settle(folder, Place(server().url, f"b{next(_numbers)}"))
    return folder


# --- with a free hand -----------------------------------------------------------------------------

GUARDS = (
    "event_appends", "event_erases", "event_stays", "tile_appends", "tile_keeps", "tile_stays",
)  # fmt: skip


@contextmanager
def unguarded(folder: Path, name: str = "journal.db") -> Iterator[Database]:
    """A connection to one of the databases of *folder*, whose guards are away."""
    with closing(connect(folder / name, durable=True)) as db:
        if on_postgresql():
            db.execute("SET session_replication_role = replica")
        elif name == "journal.db":
            for guard in GUARDS:
                db.execute(f"DROP TRIGGER IF EXISTS {guard}")
        yield db


def blob(data: bytes) -> str:
    """*data* as a statement spells it."""
    return f"'\\x{data.hex()}'::bytea" if on_postgresql() else f"x'{data.hex()}'"


def save(folder: Path, name: str, to: Path) -> None:
    """Keep the database *name* of *folder* as it is now, in the new file *to*."""
    place = place_of(folder)
    if place is None:
        with closing(sqlite3.connect(folder / name)) as db, closing(sqlite3.connect(to)) as copy:
            db.backup(copy)
    else:
        schema = place.schema(name.removesuffix(".db"))
        dump = server().program("pg_dump", "--schema", schema, server().url)
        to.write_bytes(dump.replace(f"{place.schemas}__".encode(), b"ANY_BRAND__"))


def put_back(folder: Path, name: str, kept: Path) -> None:
    """Let the database *name* of *folder* be what `save` kept."""
    lose(folder, name)
    place = place_of(folder)
    if place is None:
        shutil.copy(kept, folder / name)
    else:
        script = folder / "put_back.sql"
        dump = kept.read_bytes().replace(b"ANY_BRAND__", f"{place.schemas}__".encode())
        script.write_bytes(dump)
        server().program("psql", "--quiet", "--file", str(script), server().url)
        script.unlink()


def lose(folder: Path, name: str) -> None:
    """Let the database *name* of *folder* be gone."""
    place = place_of(folder)
    if place is None:
        for each in folder.glob(f"{name}*"):
            each.unlink()
    else:
        server().ask(f"DROP SCHEMA IF EXISTS {place.schema(name.removesuffix('.db'))} CASCADE")


def lose_all(folder: Path) -> None:
    """Let every database of *folder* be gone."""
    for name in SHARED:
        lose(folder, f"{name}.db")


def copied(source: Path, target: Path) -> Path:
    """A copy of all that is in *source*, brands and their databases included."""
    shutil.copytree(source, target)
    for pointer in source.rglob(FILE):
        old, folder = place_of(pointer.parent), target / pointer.parent.relative_to(source)
        assert old is not None
        new = Place(old.url, f"b{next(_numbers)}")
        dump = server().program("pg_dump", "--schema", f"{old.schemas}__*", server().url)
        script = folder / "copy.sql"
        script.write_bytes(dump.replace(f"{old.schemas}__".encode(), f"{new.schemas}__".encode()))
        server().program("psql", "--quiet", "--file", str(script), server().url)
        script.unlink()
        settle(folder, new)
    return target
