"""The views that stand in a brand's database: what they are called, which there are, how they go.

Taking them away needs neither DuckDB nor a snapshot: any machine that puts a brand file in force
does it.
"""

from contextlib import closing
from pathlib import Path
from typing import Final

from reciprocity.journal.copies import SHARED_FOR
from reciprocity.model import Id
from reciprocity.storage import Database, Place, connect, explained, place_of, transaction

__all__ = ["ROWS", "drop_views", "named", "quoted", "views_in"]

ROWS: Final = SHARED_FOR
_VIEW: Final = "for_"


def quoted(name: str) -> str:
    """*name* as SQL spells a name."""
    return '"' + name.replace('"', '""') + '"'


def named(place: Place | None, purpose: Id) -> str:
    """What the view of *purpose* is called at *place*, None for a file."""
    if place is None:
        return quoted(_VIEW + purpose)
    return f"{place.schema('views')}.{quoted(purpose)}"


def views_in(db: Database) -> list[Id]:
    """The purposes that have a view in *db*, the database of standings."""
    with explained("look for views"):
        return [
            name.removeprefix(ROWS)
            for name in db.tables()
            if name.startswith(ROWS) and not name.endswith(".new")
        ]


def drop_views(folder: Path, *purposes: Id) -> list[Id]:
    """Take views away from the database of *folder*, all unless told which; those there were."""
    place = place_of(folder)
    with closing(connect(folder / "standing.db", durable=True)) as db:
        gone = [each for each in views_in(db) if not purposes or each in purposes]
        if gone:
            with transaction(db, "take views away"):
                for purpose in gone:
                    db.execute(f"DROP VIEW IF EXISTS {named(place, purpose)}")
                    db.execute(f"DROP TABLE IF EXISTS {quoted(ROWS + purpose)}")
    return gone
