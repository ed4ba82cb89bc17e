"""The scorecard: the five promises, each with the figures that the log has, failures first.

What is not measured says so. A figure names the place in the public log that it rests on, so that
whoever reads the log finds the same; the rule for "kept" is stated there with every scorecard.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from reciprocity.consent.laws import DAY_MS
from reciprocity.errors import Conflict
from reciprocity.events import AuditPublished, Epoch, ErasureDone, ScorecardPublished
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import Instant
from reciprocity.platform.heard import PromisesKept
from reciprocity.prove.cosigned import cosigned_checkpoint
from reciprocity.prove.epochs import newest_epoch
from reciprocity.prove.published import OVERDUE_MS
from reciprocity.tlog.note import Checkpoint, Note

__all__ = ["RULE", "Figures", "State", "publish_scorecard", "read_scorecard", "scorecard_due"]

RULE: Final = (
    "Your preferences rule: kept if the newest audit, of all deliveries ever, found none that "
    "should not have been, and is no older than 26 hours. "
    "Worth it: kept if nobody got less than was promised in their last full period, by a scorecard "
    "no older than 26 hours; who took a break or had chosen no topic is not counted. "
    "Proved, always: kept if no audit is overdue and an epoch is no older than 2 hours. "
    "Safe, and never sold or rented: not yet measured. "
    "What fails any part is not kept; what has no figures is not yet measured."
)
EPOCH_MS: Final = 2 * 3_600_000


class State(StrEnum):
    """How a promise stands by the published rule."""

    NOT_KEPT = "not_kept"
    KEPT = "kept"
    NOT_MEASURED = "not_measured"


class Vouched(Struct, frozen=True, kw_only=True):
    """The newest checkpoint for which the brand's policy held, as a *note* that anyone can check.

    It covers the first *size* records; *witnesses* are the names that cosigned it.
    """

    size: int
    witnesses: tuple[str, ...]
    note: str


class Figures(Struct, frozen=True, kw_only=True):
    """All that the log says of the promises at *at*; what it does not have is None.

    Each statement comes with its position in the log and the instant it was recorded. *full* is
    the newest audit that judged all anew, where the newest only carried its totals on.
    """

    at: Instant
    size: int
    origin: str
    opened: Instant
    erased: int
    audit: tuple[int, Instant, AuditPublished] | None
    full: tuple[int, Instant, AuditPublished] | None
    missed: int
    epoch: tuple[int, Instant, Epoch] | None
    scorecard: tuple[int, Instant, ScorecardPublished] | None
    cosigned: Vouched | None

    @property
    def preferences_rule(self) -> State:
        """Promise 3."""
        if self.audit is None:
            return State.NOT_MEASURED
        _, _, said = self.audit
        kept = not sum(said.breaches.values()) and not self.audit_overdue
        return State.KEPT if kept else State.NOT_KEPT

    @property
    def worth_it(self) -> State:
        """Promise 4."""
        if self.scorecard is None:
            return State.NOT_MEASURED
        _, at, said = self.scorecard
        if said.short or self.at - at > OVERDUE_MS:
            return State.NOT_KEPT
        return State.KEPT if said.kept else State.NOT_MEASURED

    @property
    def proved(self) -> State:
        """Promise 5."""
        if self.audit is None and not self.audit_overdue:
            return State.NOT_MEASURED
        return State.NOT_KEPT if self.audit_overdue or self.epoch_overdue else State.KEPT

    @property
    def audit_overdue(self) -> bool:
        """Is the newest audit, or the opening of a log without one, too long ago?"""
        return self.at - (self.audit[1] if self.audit else self.opened) > OVERDUE_MS

    @property
    def epoch_overdue(self) -> bool:
        """Is the newest epoch, or the opening of a log without one, too long ago?"""
        return self.at - (self.epoch[1] if self.epoch else self.opened) > EPOCH_MS


def read_scorecard(journal: Journal) -> Figures:
    """The newest of each statement in the log."""
    state = journal.state()
    audits = [
        (told.position, told.at, told.body)
        for told in journal.brand_events("audit.published")
        if isinstance(told.body, AuditPublished)
    ]
    cards = [
        (told.position, told.at, told.body)
        for told in journal.brand_events("scorecard.published")
        if isinstance(told.body, ScorecardPublished)
    ]
    epoch = newest_epoch(journal)
    body = epoch.body if epoch is not None else None
    return Figures(
        at=max(journal.clock(), state.last_at),
        size=state.size,
        origin=state.origin,
        opened=journal.told(0).at,
        erased=sum(
            isinstance(told.body, ErasureDone) for told in journal.brand_events("person.erased")
        ),
        audit=audits[-1] if audits else None,
        full=next((one for one in reversed(audits) if one[2].mode == "full"), None),
        missed=sum(said.missed for _, _, said in audits),
        epoch=(epoch.position, epoch.at, body) if epoch and isinstance(body, Epoch) else None,
        scorecard=cards[-1] if cards else None,
        cosigned=_cosigned(journal),
    )


def _cosigned(journal: Journal) -> Vouched | None:
    """Cosignatures were checked before they were kept; the log itself signs under its origin."""
    origin = journal.state().origin
    kept = cosigned_checkpoint(journal.folder, origin)
    if kept is None:
        return None
    note = Note.parse(kept)
    names = tuple(sorted({one.name for one in note.signatures} - {origin}))
    if not names:
        return None
    size = Checkpoint.parse(note.text).size
    return Vouched(size=size, witnesses=names, note=kept.decode())


def scorecard_due(journal: Journal) -> bool:
    """Is it a day since the last scorecard, or is there none?"""
    cards = journal.brand_events("scorecard.published")
    return not cards or journal.clock() - cards[-1].at >= DAY_MS


def publish_scorecard(journal: Journal, counted: Iterable[PromisesKept]) -> int:
    """State in the public log how promises stand, as *counted*; its position.

    Raises `Conflict` if another process published it meanwhile.
    """
    counted = list(counted)
    number = len(journal.brand_events("scorecard.published")) + 1
    audits = journal.brand_events("audit.published")
    state = journal.state()
    said = ScorecardPublished(
        number=number,
        size=state.size,
        rule=RULE,
        audit=audits[-1].position if audits else -1,
        kept=sum(one.kept for one in counted),
        short=sum(len(one.short) for one in counted),
        own_wish=sum(one.own_wish for one in counted),
        running=sum(one.running for one in counted),
    )
    act_id = f"scorecard:{state.origin}:{number}"
    (stated,) = journal.append([Entry(kind="scorecard.published", body=said, act_id=act_id)])
    if stated.again:
        raise Conflict(f"scorecard {number} was published by another process meanwhile")
    return stated.position
