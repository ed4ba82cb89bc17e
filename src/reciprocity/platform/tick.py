"""All that is due, done: what runs every few minutes, by whichever process comes first."""

from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from reciprocity.deliver.jobs import Jobs
from reciprocity.deliver.run import SendReport
from reciprocity.errors import Conflict, Unavailable
from reciprocity.events import ErasureDone
from reciprocity.journal import copies
from reciprocity.journal.destroy import sweep_orphans
from reciprocity.journal.journal import Journal
from reciprocity.leave import erase as erasing
from reciprocity.platform.heard import PromisesKept, count_promises
from reciprocity.platform.observing import forget_due
from reciprocity.platform.scorecard import publish_scorecard, scorecard_due
from reciprocity.prove.cosigning import Cosigning, cosign_in_turn
from reciprocity.prove.epochs import publish_if_due
from reciprocity.prove.published import Published, due, nightly

if TYPE_CHECKING:
    from reciprocity.platform.shop import Reciprocity

__all__ = ["Ticked", "tick"]


class Ticked(msgspec.Struct, frozen=True, kw_only=True):
    """What a tick did, and when each of its jobs last succeeded (in ms).

    *epoch* is the number of the one published, 0 if none was due. *forgotten* counts the rows of
    observed behaviour that were deleted. *not_kept* are the promises that were not kept to
    somebody, counted once a day. *cosigning* is None when the brand names no witnesses.
    """

    erased: int
    sent: tuple[SendReport, ...]
    epoch: int
    last_success: dict[str, int]
    forgotten: int = 0
    audited: Published | None = None
    not_kept: tuple[PromisesKept, ...] = ()
    cosigning: Cosigning | None = None

    def shortfalls(self) -> list[str]:
        """A line for each promise that was not kept to somebody."""
        return [
            f"promise of {one.proposition} ({one.measure} {one.amount} in {one.period_days} days) "
            f"was not kept to {len(one.short)} of {one.people}: `reciprocity promises`"
            for one in self.not_kept
        ]


def tick(shop: "Reciprocity", actor: str) -> Ticked:
    """Do all that is due; once more, or two at a time, does no harm.

    Erasures come first. What cannot be done yet (a message to the person is just being handed
    over) is left for the next tick. Raises `Unavailable` while another process is sending.
    """
    with closing(Jobs(shop.journal.folder, shop.journal.clock)) as jobs:
        erased = jobs.run("erase", lambda: _erase_due(shop, actor), 0)
        # Not by one machine for all: each has snapshots of its own.
        _forget_copies(shop.journal)
        shop.journal.appender.forget_shared()
        jobs.run("sweep", lambda: len(sweep_orphans(shop.journal)), 0)
        forgotten = jobs.run("observed", lambda: forget_due(shop.journal), 0)
        nothing: list[SendReport] = []
        sent = jobs.run("send", shop.send_waiting, nothing)
        epoch = jobs.run("epoch", lambda: publish_if_due(shop.journal), 0)
        night = partial(jobs.run, "audit", partial(nightly, shop.journal), None)
        audited = night() if due(shop.journal) else None
        none: tuple[PromisesKept, ...] = ()
        counts = scorecard_due(shop.journal)
        not_kept = jobs.run("promises", lambda: _scored(shop), none) if counts else none
        cosigning = cosign_in_turn(jobs, shop.journal, shop.brand)
        return Ticked(
            erased=erased,
            sent=tuple(sent),
            epoch=epoch,
            forgotten=forgotten,
            audited=audited,
            not_kept=not_kept,
            cosigning=cosigning,
            last_success=jobs.last_success(),
        )


def _forget_copies(journal: Journal) -> None:
    """Delete the copies on this machine that have somebody whom another one erased."""
    position = copies.reached(journal.folder)
    if position is None:
        return
    for told in journal.brand_events("person.erased", position):
        if isinstance(told.body, ErasureDone):
            copies.forget(journal.folder, told.body.slot)


def _scored(shop: "Reciprocity") -> tuple[PromisesKept, ...]:
    """Publish the scorecard; the promises that were not kept to somebody."""
    counted = count_promises(shop.journal)
    with suppress(Conflict):
        publish_scorecard(shop.journal, counted)
    return tuple(one for one in counted if one.short)


def _erase_due(shop: "Reciprocity", actor: str) -> int:
    finished = len(erasing.resume(shop.journal))
    for slot in erasing.due(shop.journal, shop.journal.clock()):
        with suppress(Conflict, Unavailable):
            shop.erase(slot, actor)
            finished += 1
    return finished
