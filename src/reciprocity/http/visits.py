"""Who is on their own page: links that were used, and visits that go on, in a file of their own.

Nothing here is worth keeping: without the file people ask for another link. Whoever reads it cannot
get in by it, since a visit is kept as the hash of its secret.
"""

import hmac
import secrets
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from reciprocity.deliver.link import Link
from reciprocity.storage import connect_defined, explained

__all__ = ["ENTRY_MS", "VISIT_MS", "Visit", "Visits"]

ENTRY_MS: Final = 15 * 60_000
"""How long a link into one's page works."""
VISIT_MS: Final = 2 * 3_600_000
"""How long a visit lasts; then another link is asked for."""
_SECRET_BYTES: Final = 32
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS used (
    slot INTEGER NOT NULL, version INTEGER NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (slot, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS visit (
    digest BLOB PRIMARY KEY, slot INTEGER NOT NULL, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS visit_slot ON visit (slot);
"""


class Visit(NamedTuple):
    """A person on their own page; *secret* is their cookie, *form_code* goes into their forms."""

    slot: int
    secret: str

    @property
    def form_code(self) -> str:
        """What a form must send along: no other site can know it (CSRF)."""
        return sha256(f"form {self.secret}".encode()).hexdigest()[:32]

    def sent_from_here(self, code: str) -> bool:
        """Did *code* come from a form on this visit's own page?"""
        return hmac.compare_digest(code.encode(), self.form_code.encode())


class Visits:
    """The visits to one brand; safe to share between threads, and processes."""

    def __init__(self, folder: Path, clock: Callable[[], int]) -> None:
        """Keep them in the brand's *folder*."""
        self._path, self._clock = folder / "visits.db", clock
        self._lock = threading.Lock()
        self._db = connect_defined(self._path, _SCHEMA, "the visits", durable=False)

    def use(self, link: Link) -> bool:
        """Use up a link into a page; False if it was used before."""
        at = self._clock()
        with self._lock, explained("use a link"):
            self._db.execute("DELETE FROM used WHERE until < ?", (at,))
            done = self._db.execute(
                "INSERT INTO used VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (link.slot, link.version, at + 2 * ENTRY_MS),
            )
            return done.rowcount == 1

    def begin(self, slot: int) -> Visit:
        """Let the person in *slot* in."""
        visit, at = Visit(slot, secrets.token_urlsafe(_SECRET_BYTES)), self._clock()
        with self._lock, explained("begin a visit"):
            self._db.execute("DELETE FROM visit WHERE until < ?", (at,))
            self._db.execute(
                "INSERT INTO visit VALUES (?, ?, ?)", (_digest(visit.secret), slot, at + VISIT_MS)
            )
        return visit

    def find(self, secret: str) -> Visit | None:
        """The visit that goes on under *secret*, if one does."""
        with self._lock, explained("find a visit"):
            row = self._db.execute(
                "SELECT slot FROM visit WHERE digest = ? AND until >= ?",
                (_digest(secret), self._clock()),
            ).fetchone()
        return Visit(int(row[0]), secret) if row else None

    def end(self, slot: int) -> None:
        """End every visit of the person in *slot*."""
        with self._lock, explained("end visits"):
            self._db.execute("DELETE FROM visit WHERE slot = ?", (slot,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
