"""Loading databases from files into their schemas in PostgreSQL, and showing that all came."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reciprocity.errors import Damaged
from reciprocity.journal.log_reader import LogReader
from reciprocity.journal.store import migrate
from reciprocity.storage import SHARED, Database, Place, connect, explained
from reciprocity.storage.copying import copy_rows, fingerprint
from reciprocity.storage.place import settle
from reciprocity.storage.sqlite import SqliteDatabase

__all__ = ["ORDER", "Progress", "holds_log", "load"]

ORDER: Final = (*(name for name in SHARED if name != "journal"), "journal")
"""The journal comes last: where it is, all of it is."""

Progress = Callable[[int, int], None]
"""Told how many rows are done, and of how many."""


def holds_log(place: Place) -> bool:
    """Does a brand lie at *place* already? Raises `Unavailable` where it cannot be reached."""
    with TemporaryDirectory() as staging:
        settle(Path(staging), place)
        with closing(connect(Path(staging) / "journal.db", durable=True)) as db:
            if not db.has_table("log_state"):
                return False
            return LogReader(db).state() is not None


def load(
    sources: Mapping[str, SqliteDatabase],
    place: Place,
    staging: Path,
    *,
    anew: Iterable[str] = (),
    progress: Progress | None = None,
) -> dict[str, int]:
    """Load each of *sources*, by name, into its schema at *place*; how many rows each has.

    What an earlier load left there is dropped first, and the schemas *anew* besides. *staging* is
    an empty folder, which names the place afterwards. Raises `Damaged` if what arrived is not
    what left.
    """
    settle(staging, place)
    counts = {name: _rows(db) for name, db in sources.items()}
    done, total = 0, sum(counts.values())
    for name in {*sources, *anew}:
        with (
            closing(connect(staging / f"{name}.db", durable=True)) as target,
            explained(f"clear {name}"),
        ):
            target.execute(f"DROP SCHEMA IF EXISTS {place.schema(name)} CASCADE")
    for name in (name for name in ORDER if name in sources):
        before = done

        def move_on(rows: int, before: int = before) -> None:
            if progress:
                progress(before + rows, total)

        _load_one(name, sources[name], staging, move_on)
        done += counts[name]
    return counts


def _rows(db: Database) -> int:
    with explained("count rows"):
        return sum(
            db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608 - names of ours
            for table in db.tables()
            if table != "alembic_version"
        )


def _load_one(
    name: str, source: SqliteDatabase, staging: Path, progress: Callable[[int], None]
) -> None:
    path = staging / f"{name}.db"
    if name == "journal":
        migrate(path)
    with closing(connect(path, durable=True)) as target, explained(f"load {path.name}"):
        target.begin()
        try:
            if name != "journal":
                target.define(source.definitions(), layout=source.layout())
            left = copy_rows(source, target, progress)
            if fingerprint(target) != left:
                raise Damaged(f"rows of {path.name} did not arrive as they left: nothing was moved")
            target.commit()
        except BaseException:
            target.rollback()
            raise
