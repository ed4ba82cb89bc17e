"""A journal that has moved says so: whoever still has its file open can do nothing more with it.

Its state is taken away, so that nobody can append, and an act is left pending that nobody can seal,
so that nobody reads a standing or passes the door (`pending`).
"""

from typing import Final

from reciprocity.errors import Unavailable
from reciprocity.storage import Database, Place, explained

__all__ = ["fence", "fence_tables", "fenced", "refuse_fenced"]

MOVED: Final = "journal.moved"
_UNSEALABLE: Final = "INSERT INTO pending_act (slot, kind, body, at) VALUES (?, ?, ?, ?)"
_FENCE: Final = (
    "CREATE TABLE moved (url TEXT NOT NULL, schemas TEXT NOT NULL)",
    """
    CREATE TRIGGER pending_moved BEFORE INSERT ON pending_act
    BEGIN SELECT RAISE(ABORT, 'the journal has moved'); END
    """,
    "DELETE FROM log_state",
)


def fence(db: Database, place: Place) -> None:
    """Say in *db*, a journal in a file, in the open transaction, that it has moved to *place*."""
    with explained("say that the journal has moved"):
        db.execute(
            "INSERT INTO pending_act (slot, kind, body, at) VALUES (?, ?, ?, ?)",
            (-1, MOVED, b"", 0),
        )
        for statement in _FENCE:
            db.execute(statement)
        db.execute("INSERT INTO moved VALUES (?, ?)", place)


def fence_tables(db: Database) -> None:
    """Let nobody write to *db*, the file of another database, any more: it has moved as well.

    In the open transaction, which ends by it. Who waited for its lock is told.
    """
    with explained("say that a database has moved"):
        for table in db.tables():
            for what in ("INSERT", "UPDATE", "DELETE"):
                db.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {table}_moved_{what.lower()} BEFORE {what} ON"
                    f" {table} BEGIN SELECT RAISE(ABORT, 'the brand has moved'); END"
                )
        db.commit()


def refuse_fenced(db: Database) -> None:
    """Raise `Unavailable` if the journal *db* has moved."""
    if (place := fenced(db)) is not None:
        raise Unavailable(
            f"journal has moved to PostgreSQL, schemas {place.schemas}__*: start this anew; "
            "if there is no database.toml yet, run the same `reciprocity migrate` again"
        )


def fenced(db: Database) -> Place | None:
    """Where the journal *db* has moved to, None if it has not."""
    with explained("look whether the journal has moved"):
        if not db.has_table("moved"):
            return None
        return Place(*db.execute("SELECT url, schemas FROM moved").fetchone())
