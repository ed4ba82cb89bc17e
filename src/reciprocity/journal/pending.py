"""Acts that only take away, accepted while the keys are out of reach.

A withdrawal must not fail because a key file is missing. It is written in clear, with nothing
but a slot and an act, and every reader of standings stops until the appender, keys in hand,
has sealed it into the journal: nothing is permitted past it.
"""

from collections.abc import Sequence
from contextlib import nullcontext

from reciprocity.errors import InputError
from reciprocity.events import Act, read_body
from reciprocity.journal.entry import LATEST, TAKES_AWAY, Entry, encodable
from reciprocity.storage import Database, explained, transaction

__all__ = ["any_waiting", "drop_waiting", "leave", "waiting"]


def leave(db: Database, slot: int, kind: str, act: Act, at: int) -> None:
    """Write down, durably, that *act* happened to the person in *slot*; needs no key.

    What waits already, word for word, is not written twice: a link pressed a thousand times
    leaves one row.
    """
    if kind not in TAKES_AWAY:
        raise InputError(f"event kind {kind!r} gives something: it cannot be taken without keys")
    if not 0 <= at < LATEST:
        raise InputError(f"event {kind} cannot be written: it happened at no instant")
    body = encodable(kind, act)[0]
    # Under the lock: what is being sealed just now must not be taken for what waits.
    what = "note an act that takes away"
    with nullcontext() if db.in_transaction else transaction(db, what), explained(what):
        known = db.execute(
            "SELECT 1 FROM pending_act WHERE slot = ? AND kind = ? AND body = ?",
            (slot, kind, body),
        ).fetchone()
        if known is None:
            db.execute(
                "INSERT INTO pending_act (slot, kind, body, at) VALUES (?, ?, ?, ?)",
                (slot, kind, body, at),
            )


def any_waiting(db: Database) -> bool:
    """Is there an act that is not sealed yet?"""
    with explained("look for pending acts"):
        return db.execute("SELECT 1 FROM pending_act LIMIT 1").fetchone() is not None


def waiting(db: Database) -> list[tuple[int, Entry]]:
    """All acts not sealed yet, oldest first, each with its id.

    All of them: a turn that sealed only some could let a message pass one of the others.
    """
    with explained("read pending acts"):
        rows = db.execute("SELECT id, slot, kind, body, at FROM pending_act ORDER BY id").fetchall()
    return [
        (number, Entry(kind=kind, body=read_body(kind, body), slot=slot, happened_at=at))
        for number, slot, kind, body, at in rows
    ]


def drop_waiting(db: Database, numbers: Sequence[int]) -> None:
    """Forget these acts, by id: they are in the journal now (same transaction).

    Not all up to one of them: an id may be given out before another and be seen after it.
    """
    with explained("forget acts that are sealed now"):
        db.executemany("DELETE FROM pending_act WHERE id = ?", [(each,) for each in numbers])
