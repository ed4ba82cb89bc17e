"""Erasure: asked for, undone in time, or carried out to the end.

    request    from here on everything is refused; the person may undo it until `erase_at`
    settle     attempts whose outcome nobody told become `unknown`, so that none stays open
    audit      the person's deliveries are replayed while their history can still be read
    bury       `person.erased` under the brand's key; its receipt is handed out
    destroy    list of the erased, vault, outbox, keys, events, files (`journal/destroy.py`)

Every step can be repeated; `due` and `resume`, called by `tick`, pick up what was stopped.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from reciprocity.errors import Conflict, Unavailable
from reciprocity.events import Act, Attempt, Outcome
from reciprocity.journal.destroy import STEPS as DESTROY_STEPS
from reciprocity.journal.destroy import Found, Step, bury, destroy, quiet
from reciprocity.journal.destroy import resume as destroy_all
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.lease import AUDITS, lease
from reciprocity.journal.standing import Standing

__all__ = ["STEPS", "Erased", "due", "erase", "request", "resume", "undo"]

HOUR_MS: Final = 3_600_000
_WAIT_MS: Final = 2_000
STEPS: Final = ("request", "settle", "audit", "bury", *DESTROY_STEPS)
"""In this order, for whoever shows progress; `request` only if it was not asked for before."""


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """A person who is erased; *receipt* is the statement of it, with its proof."""

    slot: int
    version: int
    receipt: Appended


def request(
    journal: Journal,
    slot: int,
    *,
    actor: str,
    method: str,
    at: int,
    undo_hours: int = 48,
    act_id: str = "",
) -> Appended:
    """Ask that the person in *slot* be erased *undo_hours* after *at*; answered with its proof.

    From here on every decision refuses. Asked twice, the earlier instant holds.
    """
    act = Act(actor=actor, method=method, erase_at=at + undo_hours * HOUR_MS)
    entry = Entry(kind="erasure.requested", body=act, slot=slot, act_id=act_id)
    return journal.append([entry], prove=True)[0]


def undo(journal: Journal, slot: int, *, actor: str, method: str, act_id: str = "") -> Appended:
    """Take the request back; raises `Conflict` if there is none or its time has passed."""
    standing = _standing(journal, slot)
    if not standing.wishes.erase_at:
        raise Conflict("erasure was not asked for: there is nothing to undo")
    if standing.wishes.erase_at <= journal.clock():
        raise Conflict("erasure can no longer be undone: its time has come")
    act = Act(actor=actor, method=method)
    entry = Entry(
        kind="erasure.undone", body=act, slot=slot, expect=standing.version, act_id=act_id
    )
    return journal.append([entry], prove=True)[0]


def due(journal: Journal, at: int) -> list[int]:
    """The slots of those who asked to be erased and whose time to undo it has passed.

    None while an audit runs, which would hold up each of them.
    """
    slots = [each.slot for each in journal.leaving() if each.wishes.erase_at <= at]
    with lease(journal.folder / AUDITS) as free:
        return slots if free else []


def erase(
    journal: Journal,
    slot: int,
    *,
    operator: str,
    now: bool = False,
    audit: Callable[[int], Found] | None = None,
    step: Step = quiet,
) -> Erased:
    """Erase the person in *slot*; returns when nothing that leads to them is left in any file.

    *now* skips what is left of the undo time, and asks in *operator*'s name if nobody did.
    *audit* replays the person's deliveries and tells what it found. Raises
    `Conflict` if it was not asked for, the time to undo it runs, or the person is erased already;
    `Unavailable` while a message is being handed over. Stopped half-way, it is run again, or
    finished by `resume`.
    """
    with _no_audit_runs(journal):
        return _erase(journal, slot, operator, audit, step, now=now)


@contextmanager
def _no_audit_runs(journal: Journal) -> Iterator[None]:
    """An audit counts nobody twice and loses nobody: it ends first, or waits for the erasure."""
    with lease(journal.folder / AUDITS, wait_ms=_WAIT_MS) as held:
        if not held:
            raise Unavailable(
                "audit is reading the histories: erase again when it is done, or let "
                "`reciprocity tick` do it"
            )
        yield


def resume(journal: Journal, step: Step = quiet) -> list[int]:
    """Finish what was stopped half-way, unless an audit runs; the slots it was."""
    with lease(journal.folder / AUDITS) as free:
        return destroy_all(journal, step) if free else []


def _erase(
    journal: Journal,
    slot: int,
    operator: str,
    audit: Callable[[int], Found] | None,
    step: Step,
    *,
    now: bool,
) -> Erased:
    at = journal.clock()
    erase_at = _standing(journal, slot).wishes.erase_at
    if not now and not 0 < erase_at <= at:
        raise Conflict(
            "erasure is not due: it was not asked for, or can still be undone; wait, or erase now"
        )
    if not 0 < erase_at <= at:
        step("request")
        request(journal, slot, actor=operator, method="operator", at=at, undo_hours=0)
    step("settle")
    _settle(journal, slot, at)
    step("audit")
    found = audit(slot) if audit is not None else None
    asked_at = _standing(journal, slot).wishes.erase_at
    step("bury")
    receipt = bury(journal, slot, requested_at=asked_at, found=found)
    destroy(journal, slot, step)
    return Erased(slot=slot, version=journal.erased()[slot], receipt=receipt)


def _standing(journal: Journal, slot: int) -> Standing:
    kept = journal.kept(slot)
    if kept is None or kept.standing.erased:
        raise Conflict("person is erased already, or not known here")
    return kept.standing


def _settle(journal: Journal, slot: int, at: int) -> None:
    """Close every attempt that nobody told the outcome of; wait for one still under way."""
    history = journal.history(slot)
    told = {each.body.attempt for each in history if isinstance(each.body, Outcome)}
    for each in history:
        if not isinstance(each.body, Attempt) or each.version in told:
            continue
        if each.body.handover_by >= at:
            raise Unavailable(
                "message to this person is being handed over: erase them in "
                f"{(each.body.handover_by - at) // 1000 + 1} s, when that is over"
            )
        outcome = Outcome(attempt=each.version, reason="erasure")
        journal.append([Entry(kind="delivery.unknown", body=outcome, slot=slot)])
