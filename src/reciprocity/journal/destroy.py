"""How a person ends: stated first, then destroyed, each step fit to be done again after a stop.

    person.erased   stated under the brand's key: slot, number of events, head of their chain
    list            the slot goes to safekeeping, so that a restore erases it again
    vault, outbox   what they told, what was queued for them
    keys            proof key, vault key, pseudonym and identities, in every copy at once
    events          all columns but position and leaf
    observed        what they were seen doing, once nobody can take them for present any more
    files           nothing of it stays in a write-ahead log; only then are they erased

`leave/erase.py` does what comes before; `journal/restore.py` erases again what a backup brought
back. A file `erasing` beside the journal says that the last step is still to come; in PostgreSQL a
row does, for any machine may finish it.
"""

import os
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from reciprocity.errors import Conflict
from reciprocity.events import Act, Attempt, Counted, ErasureDone, Outcome
from reciprocity.journal import copies
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.journal.read import left_mark
from reciprocity.journal.standing import OUTCOMES
from reciprocity.storage import explained, flush

__all__ = [
    "STEPS",
    "Found",
    "Step",
    "bury",
    "destroy",
    "quiet",
    "resume",
    "sweep_orphans",
    "unfinished",
]

Step = Callable[[str], None]
"""Told the name of each step before it is done."""

STEPS: Final = ("list", "vault", "outbox", "keys", "events", "files")
ORPHAN_MS: Final = 24 * 3_600_000
_TRIES: Final = 8
_STOPPED: Final = ("delivery.cancelled", "delivery.failed")
_NO_PERSON: Final = (
    "UPDATE event SET slot = NULL, version = NULL, recorded_at = NULL, happened_at = NULL,"
    " kind = NULL, sealed = NULL, act_id = NULL WHERE slot = ?"
)


def quiet(_step: str) -> None:
    """Tell nobody."""


class Found(Struct, frozen=True, kw_only=True):
    """What a replay found in a history that is about to end: see `ErasureDone`."""

    breaches: tuple[str, ...] = ()
    near_misses: int = 0
    delays: tuple[int, ...] = ()
    counted: Counted | None = None


def bury(journal: Journal, slot: int, requested_at: int, found: Found | None = None) -> Appended:
    """State that the person in *slot* is erased; nothing can be written of them from here on.

    What had left to them is counted, and what a replay *found* is kept, since neither can be
    done afterwards.
    Raises `Conflict` if there is no such person, or they are erased already.
    """
    for _ in range(_TRIES):
        kept = journal.kept(slot)
        if kept is None or kept.standing.erased:
            break
        standing, history = kept.standing, journal.history(slot)
        body = ErasureDone(
            slot=slot,
            version=standing.version,
            head=standing.head.hex(),
            requested_at=requested_at,
            asked_by=_asked_by(history),
            deliveries=_deliveries(history),
            breaches=found.breaches if found else (),
            near_misses=found.near_misses if found else 0,
            delays=found.delays if found else (),
            counted=found.counted if found else None,
        )
        try:
            return journal.append([_buried(journal, slot, body)], prove=True)[0]
        except Conflict:
            continue  # somebody wrote of them meanwhile
    raise Conflict("person is erased already, or not known here: there is nothing to erase")


def _buried(journal: Journal, slot: int, body: ErasureDone) -> Entry:
    """The statement, which leaves what nobody can read: marks of all by which they were found.

    They stand in the suppression list, so that a file from before does not bring back, with a yes
    that nobody can be shown to have taken back, whoever left.
    """
    marks = tuple(left_mark(digest) for digest in journal.digests(slot))
    return Entry(kind="person.erased", body=body, suppress=marks)


def _asked_by(history: Sequence[Told]) -> str:
    """Who asked for the erasure that is in force; empty if nobody's asking is left."""
    actors = [
        told.body.actor
        for told in history
        if told.kind == "erasure.requested" and isinstance(told.body, Act)
    ]
    return actors[-1] if actors else ""


def _deliveries(history: Sequence[Told]) -> int:
    """How many attempts left, or may have left, by the weightiest news of each."""
    news: dict[int, str] = {}
    for told in history:
        body = told.body
        if isinstance(body, Attempt):
            news[told.version] = ""
        elif isinstance(body, Outcome) and body.attempt in news:
            before = news[body.attempt]
            if not before or OUTCOMES[told.kind] > OUTCOMES[before]:
                news[body.attempt] = told.kind
    return sum(one not in _STOPPED for one in news.values())


def destroy(journal: Journal, slot: int, step: Step = quiet) -> None:
    """Destroy all that is kept of the person in *slot*, who is buried; returns when it is gone.

    Raises `Unavailable` if a file cannot be written or an older state of it is still being read:
    do it again, or let `resume` do so.
    """
    if journal.distant:  # whichever machine comes next may finish it
        journal.observed.note_erasing(slot)
    else:
        (journal.folder / "erasing").touch()
        _sync_folder(journal)
    step("list")
    journal.safekeeping.keep_erased(slot, journal.clock())
    with journal.appender.alone() as db:
        step("vault")
        with explained("empty the vault"):
            db.execute("DELETE FROM vault WHERE slot = ?", (slot,))
        step("outbox")
        journal.appender.forget_queued(slot)
        step("keys")
        journal.keys.begin()
        journal.keys.destroy(slot)
        journal.keys.commit()
        step("events")
        with explained("erase events"):
            db.execute(_NO_PERSON, (slot,))
    step("files")
    # Not earlier: whoever keeps a row looks whether the person's events are still there.
    journal.observed.forget(slot)
    copies.forget(journal.folder, slot)  # after whoever makes copies of everybody just now
    journal.appender.forget_shared()
    _flush(journal)


def _flush(journal: Journal) -> None:
    db = journal.connection()
    try:
        flush(db, "the journal")
    finally:
        db.close()
    journal.keys.flush()
    journal.observed.flush()
    journal.appender.flush_cache()
    if journal.distant:
        journal.observed.end_erasing()
    else:
        (journal.folder / "erasing").unlink(missing_ok=True)
        _sync_folder(journal)


def _sync_folder(journal: Journal) -> None:
    handle = os.open(journal.folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unfinished(journal: Journal) -> list[int]:
    """The slots of people who are buried, but of whom something is still kept."""
    buried = journal.erased()
    return sorted(
        journal.reader.with_events(buried)
        | journal.keys.with_keys(buried)
        | journal.reader.with_vault(buried)
    )


def resume(journal: Journal, step: Step = quiet) -> list[int]:
    """Finish what was stopped half-way (or undone by an older `keys.db`); the slots it was."""
    slots = unfinished(journal)
    for slot in slots:
        destroy(journal, slot, step)
    left = journal.observed.erasing() if journal.distant else (journal.folder / "erasing").exists()
    if left:
        for slot in journal.erased():
            journal.observed.forget(slot)
        _flush(journal)
    return slots


def sweep_orphans(journal: Journal) -> list[int]:
    """Destroy keys that no event was ever written for, if they are a day old; their slots.

    A turn that was cut short leaves such keys. Under the lock, after the mark was checked: a
    journal older than its keys must not lose the keys of events that are still to be restored.
    """
    if journal.keys.count() <= journal.count():
        return []  # nearly always, and found without holding the lock
    with journal.appender.alone():
        old = journal.keys.made_before(journal.clock() - ORPHAN_MS)
        orphans = sorted(set(old) - journal.appender.with_events(old))
        if orphans:
            journal.keys.begin()
            for slot in orphans:
                journal.keys.destroy(slot)
            journal.keys.commit()
    return orphans
