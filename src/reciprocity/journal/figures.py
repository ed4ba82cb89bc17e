"""How the journal does, in numbers without anybody in them; no key is needed to count.

Kinds of events stand in clear. What was delivered is counted once and then followed: whoever looks
every few seconds does not have ten million rows read each time. An erased person's rows lose their
kind, so what was counted before stays counted while this is open.
"""

import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from reciprocity.storage import Database, connect, exists, explained

__all__ = ["JournalFigures", "Numbers"]

_DELIVERY: Final = "delivery."


class Numbers(Struct, frozen=True, kw_only=True):
    """How many there are: all of them counts.

    *events* are those in the log, and *behind* those that the standings have yet to follow; acts
    are *pending* until keys are back, messages *queued* until they are due; *deliveries* is by
    outcome.
    """

    events: int
    behind: int
    pending: int
    queued: int
    deliveries: dict[str, int]


class JournalFigures:
    """Counts through a connection of its own; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        """Count in the brand's *folder*."""
        self._folder = folder
        self._deliveries: Counter[str] = Counter()
        self._counted = 0
        self._lock = threading.Lock()

    def now(self) -> Numbers:
        """The numbers as they are; raises `Unavailable` where a file cannot be read."""
        with self._lock, closing(connect(self._folder / "journal.db", durable=True)) as db:
            with explained("count"):
                (size,) = db.execute("SELECT COALESCE(MAX(size), 0) FROM log_state").fetchone()
                (pending,) = db.execute("SELECT COUNT(*) FROM pending_act").fetchone()
            self._follow(db, size)
            followed, queued = self._followed()
            return Numbers(
                events=size,
                behind=max(0, size - followed),
                pending=pending,
                queued=queued,
                deliveries=dict(self._deliveries),
            )

    def _followed(self) -> tuple[int, int]:
        """How far the standings have followed, and how many messages wait beside them."""
        path = self._folder / "standing.db"
        if not exists(path):  # whoever opens the brand next makes it
            return 0, 0
        with closing(connect(path, durable=False)) as db:
            return _waiting(db)

    def _follow(self, db: Database, size: int) -> None:
        """Count the deliveries from where it was left; from the start in a log made anew."""
        if size < self._counted:
            self._deliveries.clear()
            self._counted = 0
        with explained("count deliveries"):
            found = db.execute(
                "SELECT kind, COUNT(*) FROM event WHERE position >= ? AND position < ?"
                " AND substr(kind, 1, 9) = 'delivery.' GROUP BY kind",
                (self._counted, size),
            ).fetchall()
        self._deliveries.update({kind.removeprefix(_DELIVERY): count for kind, count in found})
        self._counted = size


def _waiting(db: Database) -> tuple[int, int]:
    with explained("count what waits"):
        followed = queued = 0
        if db.has_table("progress"):
            (followed,) = db.execute("SELECT COALESCE(MAX(position), 0) FROM progress").fetchone()
        if db.has_table("outbox"):
            (queued,) = db.execute("SELECT COUNT(*) FROM outbox").fetchone()
    return followed, queued
