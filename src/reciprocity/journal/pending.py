"""Acts that only take away, accepted while the keys are out of reach.

A withdrawal must not fail because a key file is missing. It is written in clear, with nothing
but a slot and an act, and every reader of standings stops until the appender, keys in hand,
has sealed it into the journal: nothing is permitted past it.
"""

import sqlite3

from reciprocity.errors import InputError
from reciprocity.events import Act, read_body
from reciprocity.journal.entry import LATEST, TAKES_AWAY, Entry, encodable
from reciprocity.journal.store import explained

__all__ = ["any_waiting", "drop_waiting", "leave", "waiting"]


def leave(db: sqlite3.Connection, slot: int, kind: str, act: Act, at: int) -> None:
    """Write down, durably, that *act* happened to the person in *slot*; needs no key.

    What waits already, word for word, is not written twice: a link pressed a thousand times
    leaves one row.
    """
    if kind not in TAKES_AWAY:
        raise InputError(f"event kind {kind!r} gives something: it cannot be taken without keys")
    if not 0 <= at < LATEST:
        raise InputError(f"event {kind} cannot be written: it happened at no instant")
    body = encodable(kind, act)[0]
    with explained("note an act that takes away"):
        db.execute(
            "INSERT INTO pending_act (slot, kind, body, at) SELECT :slot, :kind, :body, :at "
            "WHERE NOT EXISTS (SELECT 1 FROM pending_act "
            "WHERE slot = :slot AND kind = :kind AND body = :body)",
            {"slot": slot, "kind": kind, "body": body, "at": at},
        )


def any_waiting(db: sqlite3.Connection) -> bool:
    """Is there an act that is not sealed yet?"""
    with explained("look for pending acts"):
        return db.execute("SELECT 1 FROM pending_act LIMIT 1").fetchone() is not None


def waiting(db: sqlite3.Connection) -> list[tuple[int, Entry]]:
    """All acts not sealed yet, oldest first, each with its id.

    All of them: a turn that sealed only some could let a message pass one of the others.
    """
    with explained("read pending acts"):
        rows = db.execute("SELECT id, slot, kind, body, at FROM pending_act ORDER BY id").fetchall()
    return [
        (number, Entry(kind=kind, body=read_body(kind, body), slot=slot, happened_at=at))
        for number, slot, kind, body, at in rows
    ]


def drop_waiting(db: sqlite3.Connection, up_to: int) -> None:
    """Forget the acts up to id *up_to*: they are in the journal now (same transaction)."""
    with explained("forget acts that are sealed now"):
        db.execute("DELETE FROM pending_act WHERE id <= ?", (up_to,))
