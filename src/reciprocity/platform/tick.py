"""All that is due, done: what runs every few minutes, by whichever process comes first."""

import logging
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec

from reciprocity.deliver.jobs import Jobs
from reciprocity.deliver.run import SendReport
from reciprocity.errors import Conflict, ReciprocityError, Unavailable
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

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


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


class _Round:
    """The jobs of one tick: each has its turn, whatever became of those before it."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.failed: list[tuple[str, Exception]] = []

    def job(self, name: str, work: Callable[[], _Result], otherwise: _Result) -> _Result:
        """What *work* gives as the job *name*; *otherwise* if another has it, or if it raises."""
        return self.spared(name, lambda: self._jobs.run(name, work, otherwise), otherwise)

    def spared(self, name: str, work: Callable[[], _Result], otherwise: _Result) -> _Result:
        """What *work* gives; *otherwise* if it raises, which is kept for the end of the tick."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001  (the proofs must not wait for the mail)
            self.failed.append((name, error))
            return otherwise

    def end(self, done: Ticked) -> None:
        """Raise the first failure, if any; the others are logged, and what is told only once."""
        if not self.failed:
            return
        for name, error in self.failed[1:]:
            known = isinstance(error, ReciprocityError)
            _log.error("%s failed too: %s", name, error, exc_info=None if known else error)
        for line in done.shortfalls():
            _log.warning("%s", line)
        if done.audited and done.audited.new_breaches:
            _log.error("audit found %d new breaches", done.audited.new_breaches)
        raise self.failed[0][1]


def tick(shop: "Reciprocity", actor: str) -> Ticked:
    """Do all that is due; once more, or two at a time, does no harm.

    Erasures come first. What cannot be done yet (a message to the person is just being handed
    over) is left for the next tick. A job that fails keeps none of the others from being done, nor
    is it a success: the first such failure is raised at the end, so `Unavailable` while another
    process is sending; further ones are logged.
    """
    journal = shop.journal
    with closing(Jobs(journal.folder, journal.clock)) as jobs:
        turn = _Round(jobs)
        erased = turn.job("erase", lambda: _erase_due(shop, actor), 0)
        # Not by one machine for all: each has snapshots of its own.
        turn.spared("copies", lambda: _forget_copies(journal), None)
        turn.spared("shared", journal.appender.forget_shared, None)
        turn.job("sweep", lambda: len(sweep_orphans(journal)), 0)
        forgotten = turn.job("observed", lambda: forget_due(journal), 0)
        nothing: list[SendReport] = []
        sent = turn.job("send", shop.send_waiting, nothing)
        epoch = turn.job("epoch", lambda: publish_if_due(journal), 0)
        night = partial(turn.job, "audit", partial(nightly, journal), None)
        audited = night() if turn.spared("audit", lambda: due(journal), otherwise=False) else None
        none: tuple[PromisesKept, ...] = ()
        counts = turn.spared("promises", lambda: scorecard_due(journal), otherwise=False)
        not_kept = turn.job("promises", lambda: _scored(shop), none) if counts else none
        cosigning = turn.spared("cosign", lambda: cosign_in_turn(jobs, journal, shop.brand), None)
        done = Ticked(
            erased=erased,
            sent=tuple(sent),
            epoch=epoch,
            forgotten=forgotten,
            audited=audited,
            not_kept=not_kept,
            cosigning=cosigning,
            last_success=turn.spared("last success", jobs.last_success, {}),
        )
        turn.end(done)
        return done


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
