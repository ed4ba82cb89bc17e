"""Loading databases from files into PostgreSQL: all rows, compared, in schemas of their own.

They arrive under names that no brand can have (`shop__arriving__keys`), and take their places all
at once. Nothing that has another name is ever dropped; what has, is left over from a load that was
stopped.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reciprocity.errors import Damaged, Unavailable
from reciprocity.journal.store import migrate
from reciprocity.storage import SHARED, Database, Place, connect, explained, transaction
from reciprocity.storage.copying import SKIPPED, copy_rows, fingerprint
from reciprocity.storage.place import arriving, settle
from reciprocity.storage.sqlite import SqliteDatabase

__all__ = ["ORDER", "Progress", "arrive", "load", "loading", "taken"]

ORDER: Final = (*(name for name in SHARED if name != "journal"), "journal")
"""The journal comes last: where it is, all of it is."""

Progress = Callable[[int, int], None]
"""Told how many rows are done, and of how many."""


@contextmanager
def loading(place: Place) -> Iterator[None]:
    """Nobody else loads anything for *place* meanwhile; raises `Unavailable` if somebody does."""
    from reciprocity.storage.postgresql import leased  # noqa: PLC0415 - as in `connect`

    with explained("move"), leased(place, "loading", shared=False) as take:
        if not take():
            raise Unavailable(f"another process is loading the schemas {place.schemas}__*: wait")
        yield


def taken(place: Place) -> list[str]:
    """The schemas there are of a brand at *place*; raises `Unavailable` if it is out of reach."""
    with _opened(place, "journal") as db, explained("look for schemas"):
        names = [place.schema(name) for name in SHARED]
        marks = ", ".join("?" * len(names))
        found = db.execute(
            f"SELECT nspname FROM pg_namespace WHERE nspname IN ({marks}) ORDER BY nspname",  # noqa: S608
            names,
        )
        return [name for (name,) in found]


def load(
    sources: Mapping[str, SqliteDatabase], place: Place, progress: Progress | None = None
) -> dict[str, int]:
    """Load each of *sources*, by name, to where it arrives; how many rows each has.

    Raises `Damaged` if what arrived is not what left. Inside `loading`.
    """
    counts = {name: _rows(db) for name, db in sources.items()}
    done, total = 0, sum(counts.values())
    waiting = arriving(place)
    for name in SHARED:
        with _opened(waiting, name) as left, explained(f"clear {name}"):
            left.execute(f"DROP SCHEMA IF EXISTS {waiting.schema(name)} CASCADE")
    for name in (name for name in ORDER if name in sources):
        before = done

        def move_on(rows: int, before: int = before) -> None:
            if progress:
                progress(before + rows, total)

        _load_one(name, sources[name], waiting, move_on)
        done += counts[name]
    return counts


def arrive(place: Place) -> None:
    """Let all that arrived for *place* take its place: every schema, or none."""
    waiting = arriving(place)
    with _opened(place, "journal") as db, transaction(db, "let schemas take their places"):
        for name in SHARED:
            old = waiting.schema(name)
            if db.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (old,)).fetchone():
                db.execute(f"ALTER SCHEMA {old} RENAME TO {place.schema(name)}")


@contextmanager
def _opened(place: Place, name: str) -> Iterator[Database]:
    with TemporaryDirectory() as folder:
        settle(Path(folder), place)
        with closing(connect(Path(folder) / f"{name}.db", durable=True)) as db:
            yield db


def _rows(db: Database) -> int:
    with explained("count rows"):
        return sum(
            db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608 - names of ours
            for table in db.tables()
            if table not in SKIPPED
        )


def _load_one(
    name: str, source: SqliteDatabase, waiting: Place, progress: Callable[[int], None]
) -> None:
    if name == "journal":
        with TemporaryDirectory() as folder:
            settle(Path(folder), waiting)
            migrate(Path(folder) / "journal.db")
    with _opened(waiting, name) as target, transaction(target, f"load {name}"):
        if name != "journal":
            target.define(source.definitions(), layout=source.layout())
        with explained(f"load {name}"):
            left = copy_rows(source, target, progress)
            if fingerprint(target) != left:
                raise Damaged(f"rows of {name} did not arrive as they left: nothing was moved")
