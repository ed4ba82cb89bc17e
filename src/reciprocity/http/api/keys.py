"""API keys: what a program shows to be let in, kept as hashes in a file of their own.

The file is durable, since a key that was revoked must stay so, and in no backup, since a restore
would bring revoked keys back: without the file nobody gets in until a key is added anew. Every
question reads the file, so that a key revoked by another process is refused at once.
"""

import hmac
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct

from reciprocity.errors import InputError, Unavailable
from reciprocity.storage import BUSY_MS, connect_defined, explained

__all__ = ["DAY_MS", "MOST_DAYS", "ApiKey", "ApiKeys", "Made", "Scope"]

DAY_MS: Final = 86_400_000
MOST_DAYS: Final = 3_650
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,47}")
_TOKEN: Final = re.compile(r"rk_([0-9a-f]{16})_([\w-]{43})", re.ASCII)
_ID_BYTES: Final = 8
_SECRET_BYTES: Final = 32
_NOBODY: Final = bytes(32)
_ALL: Final = (
    "SELECT name, scopes, added_on, until, revoked, last_used_on FROM api_key ORDER BY name"
)
_ONE: Final = (
    "SELECT digest, name, scopes, added_on, until, revoked, last_used_on FROM api_key WHERE id = ?"
)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS api_key (
    name TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, scopes TEXT NOT NULL,
    added_on INTEGER NOT NULL, until INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0,
    last_used_on INTEGER NOT NULL DEFAULT -1
) STRICT, WITHOUT ROWID;
"""


class Scope(StrEnum):
    """What a key may do; a published code."""

    PEOPLE_READ = "people:read"
    CONSENT_WRITE = "consent:write"
    EVENTS_WRITE = "events:write"
    DECISIONS = "decisions"
    IMPRESSIONS_WRITE = "impressions:write"
    METRICS = "metrics"


_SCOPES: Final = frozenset(Scope)


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key without its secret; days count from 1970-01-01 UTC, *last_used_on* is -1 if unused."""

    name: str
    scopes: tuple[Scope, ...]
    added_on: int
    until: int
    revoked: bool = False
    last_used_on: int = -1

    @property
    def actor(self) -> str:
        """Who acts, as events say it: never the person's own word."""
        return f"operator:{self.name}"


class Made(NamedTuple):
    """A key just added, and its *token*, which is kept nowhere."""

    key: ApiKey
    token: str


class ApiKeys:
    """The keys of one brand; safe to share between threads, and processes."""

    def __init__(self, folder: Path, clock: Callable[[], int], *, busy_ms: int = BUSY_MS) -> None:
        """Keep them in the brand's *folder*; *clock* gives milliseconds UTC.

        *busy_ms* is how long to wait for whoever else writes there.
        """
        self._clock, self._lock = clock, threading.Lock()
        self._db = connect_defined(
            folder / "api_keys.db", _SCHEMA, "the API keys", durable=True, busy_ms=busy_ms
        )

    def check(self, name: str, scopes: Sequence[Scope], days: int) -> None:
        """Hold that such a key may be added; raises `InputError` saying what to change."""
        if not _NAME.fullmatch(name):
            raise InputError(
                "API key's name is none: take up to 48 small letters, digits, - and _, "
                "a letter first"
            )
        if not scopes:
            raise InputError(f"API key {name} has no scope: name one of {', '.join(Scope)}")
        if not 1 <= days <= MOST_DAYS:
            raise InputError(f"API key {name} must last 1 to {MOST_DAYS} days, not {days}")
        if any(each.name == name for each in self.all()):
            raise _added_before(name)

    def add(self, name: str, scopes: Sequence[Scope], days: int) -> Made:
        """A new key that works for *days* days. Raises `InputError` as `check` does."""
        self.check(name, scopes, days)
        at, key_id = self._clock(), secrets.token_hex(_ID_BYTES)
        token = f"rk_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        key = ApiKey(
            name=name,
            scopes=tuple(sorted(set(scopes))),
            added_on=at // DAY_MS,
            until=at + days * DAY_MS,
        )
        with self._lock, explained("add an API key"):
            done = self._db.execute(
                "INSERT INTO api_key (name, id, digest, scopes, added_on, until) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (name, key_id, _digest(token), " ".join(key.scopes), key.added_on, key.until),
            )
        if done.rowcount != 1:
            raise _added_before(name)  # by another process, since it was checked
        return Made(key, token)

    def all(self) -> list[ApiKey]:
        """Every key there ever was, by name."""
        with self._lock, explained("list the API keys"):
            rows = self._db.execute(_ALL).fetchall()
        return [_key(row) for row in rows]

    def revoke(self, name: str) -> bool:
        """Refuse this key from the next request on; False if it was revoked before.

        Raises `InputError` for a name that no key has.
        """
        with self._lock, explained("revoke an API key"):
            done = self._db.execute(
                "UPDATE api_key SET revoked = 1 WHERE name = ? AND revoked = 0", (name,)
            )
            if done.rowcount == 1:
                return True
            known = self._db.execute("SELECT 1 FROM api_key WHERE name = ?", (name,)).fetchone()
        if not known:
            raise InputError("API key is not there: `reciprocity api-key list` names all")
        return False

    def let_in(self, token: str) -> ApiKey | None:
        """The key that *token* is of, if it is in force now; notes the day it was used.

        A key is looked up by its public part; its secret is compared in constant time.
        """
        read = _TOKEN.fullmatch(token)
        at = self._clock()
        with self._lock, explained("look up an API key"):
            row = self._db.execute(_ONE, (read[1] if read else "",)).fetchone()
            same = hmac.compare_digest(row[0] if row else _NOBODY, _digest(token))
            if row is None or not same:
                return None
            key = _key(row[1:])
            if key.revoked or at >= key.until:
                return None
            if key.last_used_on != at // DAY_MS:
                self._note_used(key.name, at // DAY_MS)
        return key

    def _note_used(self, name: str, day: int) -> None:
        """Remember the day; where another process writes just now, with the key's next use."""
        with suppress(Unavailable), explained("note the use of an API key"):
            self._db.execute("UPDATE api_key SET last_used_on = ? WHERE name = ?", (day, name))

    def now(self) -> int:
        """What the clock says by which keys expire."""
        return self._clock()

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _added_before(name: str) -> InputError:
    return InputError(
        f"API key {name} was added before: take another name, so that the journal says which of "
        "the two acted"
    )


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="replace")).digest()


def _key(row: Sequence[object]) -> ApiKey:
    name, scopes, added_on, until, revoked, last_used_on = row
    return ApiKey(
        name=str(name),
        scopes=_scopes(str(scopes)),
        added_on=int(str(added_on)),
        until=int(str(until)),
        revoked=bool(revoked),
        last_used_on=int(str(last_used_on)),
    )


@cache
def _scopes(text: str) -> tuple[Scope, ...]:
    """What *text* of a row names and this release knows; there are few of them."""
    return tuple(Scope(word) for word in text.split() if word in _SCOPES)
