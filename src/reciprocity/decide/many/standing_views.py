"""Views that stand in the brand's own database: one a purpose, NULL where nothing is shared now.

Values are copied once, each row with the person's version and until when the clock alone changes
nothing in it. The view compares both with what stands as it is read, so that whoever withdraws,
corrects or is erased reads as NULL from that event on, without anybody copying anything; new values
come with the next copy. A brand file that changes takes all views away.

In a file a view is a convenience and no boundary: whoever opens the file reads all of it. In
PostgreSQL each view has a role that can read it and nothing else, and asks the journal itself.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from reciprocity.decide.many.count import asking
from reciprocity.decide.many.named_views import ROWS, named, quoted
from reciprocity.decide.many.snapshot import Snapshot
from reciprocity.decide.many.views import column_types, values_of, visible
from reciprocity.decide.prepare import Statements
from reciprocity.decide.tree import TermType
from reciprocity.errors import InputError, Unavailable
from reciprocity.model import Id
from reciprocity.storage import Database, Place, connect, explained, place_of, transaction

__all__ = ["StandingView", "publish_view"]

_BATCH: Final = 10_000
_LONGEST: Final = 63
"""Bytes in a name of PostgreSQL's."""
_FILE_TYPES: Final = {TermType.ENUM: "TEXT", TermType.DAY: "TEXT"}
_SCHEMA_TYPES: Final = {
    TermType.ENUM: "TEXT", TermType.DAY: "DATE", TermType.BOOLEAN: "BOOLEAN",
}  # fmt: skip
_FILE_NOW: Final = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_SCHEMA_NOW: Final = "CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)"


class StandingView(NamedTuple):
    """A view as an analyst reads it: its whole *name*, its *columns*, its *role* if it has one."""

    name: str
    columns: tuple[Id, ...]
    people: int
    role: str = ""


def publish_view(
    folder: Path,
    snapshot: Snapshot,
    stated: Statements,
    purpose: Id,
    progress: Callable[[int, int], None] | None = None,
) -> StandingView:
    """Make the view of *purpose* in the database of *folder* anew, from *snapshot*.

    *progress* is told (people copied, people). Raises `InputError` for a purpose that is not
    declared, `Unavailable` where the database refuses.
    """
    names, place = visible(stated.brand, purpose), place_of(folder)
    if place is not None and len(f"{place.schemas}__{purpose}") > _LONGEST - len(ROWS):
        raise InputError(f"purpose {purpose} has too long a name for a role of PostgreSQL's")
    with (
        closing(connect(folder / "standing.db", durable=False)) as db,
        explained(f"publish the view of {purpose}"),
    ):
        _copy(db, snapshot, stated, purpose, names, progress)
        with transaction(db, f"publish the view of {purpose}"):
            view = _swap(db, place, purpose, names, snapshot.people)
        if place is not None:
            _grant(db, place, view)
    return view


def _copy(
    db: Database,
    snapshot: Snapshot,
    stated: Statements,
    purpose: Id,
    names: Sequence[Id],
    progress: Callable[[int, int], None] | None,
) -> None:
    """The values of *snapshot* in a table beside the one that is read."""
    on_file = place_of_db(db) is None
    types = column_types(snapshot.rows, names)
    spelled = _FILE_TYPES if on_file else _SCHEMA_TYPES
    columns = "".join(f", {quoted(name)} {spelled.get(types[name], 'BIGINT')}" for name in names)
    table = quoted(f"{ROWS}{purpose}.new")
    db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute(
        f"CREATE TABLE {table} (slot BIGINT PRIMARY KEY, version BIGINT NOT NULL,"
        f" good_until BIGINT NOT NULL{columns})"
    )
    into = ("slot", "version", "good_until", *map(quoted, names))
    done = 0
    for rows in _batches(snapshot, stated, purpose, names):
        with transaction(db, f"copy what is shared for {purpose}"):  # short: others write here
            db.load(table, into, _spelled(rows, on_file=on_file))
        done += len(rows)
        if progress:
            progress(done, snapshot.people)


def place_of_db(db: Database) -> Place | None:
    """Where *db* lies, None for a file."""
    return getattr(db, "place", None)


def _batches(
    snapshot: Snapshot, stated: Statements, purpose: Id, names: Sequence[Id]
) -> Iterator[list[tuple[Any, ...]]]:
    query = values_of(snapshot.rows, stated, purpose, names, also=("slot", "version", "until"))
    with asking(snapshot) as duck:
        for part in snapshot.parts:
            duck.read_parquet(str(part.people)).create_view("part", replace=True)
            told = duck.execute(query)
            while rows := told.fetchmany(_BATCH):
                yield rows


def _spelled(rows: Sequence[tuple[Any, ...]], *, on_file: bool) -> Sequence[tuple[Any, ...]]:
    """*rows* as the database takes them; a day in a file is text as people write it."""
    if not on_file:
        return rows
    return [
        tuple(
            int(value) if isinstance(value, bool)
            else value if value is None or isinstance(value, int | str)
            else str(value)
            for value in row
        )
        for row in rows
    ]  # fmt: skip


def _swap(
    db: Database, place: Place | None, purpose: Id, names: Sequence[Id], people: int
) -> StandingView:
    """Let the view read the new table, in the open transaction."""
    name, table = named(place, purpose), quoted(ROWS + purpose)
    if place is not None:
        db.execute(f"CREATE SCHEMA IF NOT EXISTS {place.schema('views')}")
    db.execute(f"DROP VIEW IF EXISTS {name}")
    db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute(f"ALTER TABLE {quoted(f'{ROWS}{purpose}.new')} RENAME TO {table}")
    good = _good(place)
    values = [f"CASE WHEN {good} THEN r.{quoted(each)} END AS {quoted(each)}" for each in names]
    db.execute(
        f"CREATE VIEW {name} AS SELECT {', '.join(values) or 'NULL AS nothing'}"  # noqa: S608
        f" FROM standing AS s LEFT JOIN {table} AS r ON r.slot = s.slot WHERE s.erased = 0"
    )
    role = f"{place.schemas}__{purpose}" if place is not None else ""
    return StandingView(name, tuple(names), people, role)


def _good(place: Place | None) -> str:
    """Is the row still what stands?"""
    if place is None:
        return f"r.good_until > {_FILE_NOW} AND r.version = s.version"
    journal = place.schema("journal")
    version = f"(SELECT MAX(e.version) FROM {journal}.event AS e WHERE e.slot = r.slot)"  # noqa: S608
    sealed = f"NOT EXISTS (SELECT 1 FROM {journal}.pending_act)"  # noqa: S608
    return f"r.good_until > {_SCHEMA_NOW} AND r.version = {version} AND {sealed}"


def _grant(db: Database, place: Place, view: StandingView) -> None:
    """Let the view's role read it and nothing else; made if it is not there."""
    role, schema = quoted(view.role), place.schema("views")
    known = db.execute("SELECT 1 FROM pg_roles WHERE rolname = ?", (view.role,)).fetchone()
    if known is None:
        try:
            with explained(f"make the role {view.role}"):
                db.execute(f"CREATE ROLE {role} NOLOGIN")
        except Unavailable as error:
            raise Unavailable(
                f"{error}; or have an administrator say CREATE ROLE {role} NOLOGIN first"
            ) from error
    db.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    db.execute(f"GRANT SELECT ON {view.name} TO {role}")
