"""The outbox: who waits for which message. It only queues; what was sent, the journal says.

It lies in `standing.db` and may be lost without harm: planning again fills it, and whoever got a
message already is refused by the rules. The choice among messages is made once and kept here;
permission is decided anew whenever a row is taken out.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from reciprocity.storage import connect_defined, explained

__all__ = ["Outbox", "Queued"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS outbox (
    occasion TEXT NOT NULL, slot INTEGER NOT NULL, message TEXT NOT NULL, due_at INTEGER NOT NULL,
    draw INTEGER NOT NULL, tries INTEGER NOT NULL, PRIMARY KEY (occasion, slot, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due_at);
"""


class Queued(NamedTuple):
    """A message that waits for a person until *due_at*; *draw* broke a tie when it was chosen.

    *tries* counts how often it was put off: hand-overs that failed and may be tried anew, or that
    were stopped at the door time and again.
    """

    occasion: str
    slot: int
    message: str
    due_at: int
    draw: int
    tries: int = 0


class Outbox:
    """The queue of one brand, through a connection of its own."""

    def __init__(self, folder: Path) -> None:
        """Open it in the brand's *folder*."""
        self._db = connect_defined(folder / "standing.db", _SCHEMA, "the outbox", durable=False)

    def put(self, rows: Iterable[Queued]) -> None:
        """Queue *rows*; one that is queued already keeps its place, and comes no later."""
        with self._writing():
            self._db.executemany(
                "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (occasion, slot, message) DO UPDATE SET due_at = excluded.due_at "
                "WHERE excluded.due_at < outbox.due_at",
                rows,
            )

    def due(self, occasion: str, at: int, most: int) -> list[Queued]:
        """Up to *most* rows of *occasion* whose time has come at *at*, in slot order."""
        with explained("read the outbox"):
            rows = self._db.execute(
                "SELECT occasion, slot, message, due_at, draw, tries FROM outbox "
                "WHERE occasion = ? AND due_at <= ? ORDER BY slot LIMIT ?",
                (occasion, at, most),
            ).fetchall()
        return [Queued._make(row) for row in rows]

    def occasions(self) -> list[str]:
        """Every occasion that has something queued."""
        with explained("read the outbox"):
            return [row[0] for row in self._db.execute("SELECT DISTINCT occasion FROM outbox")]

    def messages(self, occasion: str) -> dict[int, set[str]]:
        """What is queued for *occasion*, by slot."""
        found: dict[int, set[str]] = {}
        with explained("read the outbox"):
            for slot, message in self._db.execute(
                "SELECT slot, message FROM outbox WHERE occasion = ?", (occasion,)
            ):
                found.setdefault(slot, set()).add(message)
        return found

    def count(self, occasion: str) -> int:
        """How many rows are queued for *occasion*."""
        with explained("read the outbox"):
            row = self._db.execute(
                "SELECT COUNT(*) FROM outbox WHERE occasion = ?", (occasion,)
            ).fetchone()
        return int(row[0])

    def settle(self, done: Iterable[Queued], later: Iterable[Queued] = ()) -> None:
        """Take *done* out, and let *later* wait until their new `due_at`."""
        with self._writing():
            self._db.executemany(
                "DELETE FROM outbox WHERE occasion = ? AND slot = ? AND message = ?",
                [(row.occasion, row.slot, row.message) for row in done],
            )
            self._db.executemany(
                "UPDATE outbox SET due_at = ?, tries = ? "
                "WHERE occasion = ? AND slot = ? AND message = ?",
                [(row.due_at, row.tries, row.occasion, row.slot, row.message) for row in later],
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with explained("write the outbox"):
            self._db.begin()
            try:
                yield
                self._db.commit()
            except BaseException:
                self._db.rollback()
                raise

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
