"""On the brand's own site: what a page may show, and the record that stands before it does.

    page      is there anything for this person here?   advise  looks, and writes nothing
    page      the place came into sight: show it        show    decided anew, attempt, outcome
    page  <-  the words                                         only now: it had none before

An impression is a delivery like any other: the same rules, caps and reasons, an attempt and an
outcome in the person's history. So what a page shows counts like mail, and is audited like mail.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.decide.choose import draw
from reciprocity.decide.live import Found, Live, LiveMessage
from reciprocity.decide.one import Judged, decide_one
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.zones import zone_offset
from reciprocity.deliver.attempt import attempt_of
from reciprocity.deliver.channel import LATE, MOVED_ON
from reciprocity.deliver.email.template import CompiledMessage, compile_message, render
from reciprocity.deliver.letters import printed
from reciprocity.deliver.link import Link, Links
from reciprocity.errors import Conflict, InputError
from reciprocity.events import Attempt, Outcome
from reciprocity.journal.cache import Kept
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import Decision, Id, Instant, Verdict

__all__ = ["NOBODY", "Advice", "OnSite", "Shown"]

_TRIES: Final = 8
NOBODY: Final = Decision(verdict=Verdict.REFUSE, reason="unknown_person")
"""What is decided of anything for a person nobody knows."""
_MOVED_ON: Final = Decision(verdict=Verdict.REFUSE, reason=MOVED_ON)
_LATE: Final = Decision(verdict=Verdict.REFUSE, reason=LATE)
_NOTHING: Final = Decision(verdict=Verdict.REFUSE, reason="nothing_here")


class Advice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a place may show a person now: a message of a campaign, or why none.

    Without a message to deliver, *decision* is that of the one that got furthest; its reason is
    `nothing_here` where the brand has nothing for the place at all. It permits nothing: the
    message is decided anew when it is to be shown.
    """

    decision: Decision
    campaign: Id = ""
    message: Id = ""


class Shown(Struct, frozen=True, kw_only=True):
    """A message to show, on record as delivered; *attempt* is what a word on it names.

    *position* is that of the attempt. *html* is empty if the message has only text. *why* leads to
    a page that says why it came and takes less of it, *stop* to one that takes the yes back.
    """

    position: int
    attempt: int
    subject: str
    text: str
    html: str
    why: str
    stop: str


class OnSite:
    """The places of one brand's sites; may be shared between threads."""

    def __init__(self, journal: Journal, live: Live, links: Links, base_url: str) -> None:
        """Of *journal*, in which *live* is what may be shown; links lead to *base_url*."""
        self._journal, self._live = journal, live
        self._links, self._base_url = links, base_url.rstrip("/")

    # -- looking --

    def advise(self, slot: int, place: Id) -> Advice:
        """What *place* may show the person in *slot* now; writes nothing."""
        at = self._now()
        if not place:
            return Advice(decision=_NOTHING)
        kept = self._journal.kept(slot)
        found = self._live.decided(kept, at, self._journal.keys.brand.draw, place=place)
        if not found:
            return Advice(decision=_NOTHING)
        if kept is None or kept.standing.erased:
            return Advice(decision=NOBODY)
        return _advice(found[0])

    # -- showing --

    def show(
        self, slot: int, place: Id, campaign: Id, message: Id, act_id: str
    ) -> Shown | Decision:
        """The words of *message*, on record as delivered; or the decision that none may be shown.

        Sent again with the same *act_id* it is one impression, told again for as long as nothing
        else came to the person's history: what they said since holds. Words that could not leave
        before the attempt's `handover_by` stay, reason `late`. Raises `InputError` where the brand
        has no such message there, or its templates cannot be filled in for the person, and
        `Conflict` for an *act_id* that was another impression's.
        """
        living = self._live.now()
        brand = living.brand
        found = next(
            (one for one in living.messages if _is(one.prepared, place, campaign, message)), None
        )
        if found is None:
            raise InputError("message is none that may stand at this place")
        for _ in range(_TRIES):
            kept, at = self._journal.kept(slot), self._now()
            if kept is None or kept.standing.erased:
                return NOBODY
            (judged,) = _judged([found.prepared], kept, at)
            if judged.decision.verdict is not Verdict.DELIVER:
                before = self._before(slot, found.prepared, act_id)
                return self._again(brand, found, before) if before else judged.decision
            self._words(brand, found, slot, 0, 0)  # what cannot be written is not attempted
            attempt = self._permitted(judged, kept, found, at)
            try:
                appended = self._attempt(attempt, kept, act_id)
            except Conflict:
                before = self._before(slot, found.prepared, act_id)
                if before is None:
                    continue
                return self._again(brand, found, before)
            return self._handed_over(brand, found, attempt, appended)
        return _MOVED_ON

    def _permitted(self, judged: Judged, kept: Kept, live: LiveMessage, at: Instant) -> Attempt:
        slot, prepared = kept.standing.slot, live.prepared
        number = draw(self._journal.keys.brand.draw, prepared.occasion, slot, prepared.message_id)
        return attempt_of(judged, kept.standing, live.stated, at, number)

    def _attempt(self, attempt: Attempt, kept: Kept, act_id: str) -> Appended:
        slot, expect = kept.standing.slot, kept.standing.version
        entry = Entry(
            kind="delivery.attempted", body=attempt, slot=slot, expect=expect, act_id=act_id
        )
        (appended,) = self._journal.append([entry])
        if appended.again:
            raise Conflict("impression was made before: look what became of it")
        return appended

    def _handed_over(
        self, brand: BrandStatement, live: LiveMessage, attempt: Attempt, appended: Appended
    ) -> Shown | Decision:
        """Past the door, with the outcome on record; not if it is late, or the person spoke.

        The record comes before the words, and may have to wait for others: the clock is looked at
        once more after it. Words that stay in the house then are on record as delivered: they
        count, which gives nobody more than they may have.
        """
        slot, version, at = appended.slot, appended.version, self._now()
        kind, stopped = "delivered", None
        if at >= attempt.handover_by:
            kind, stopped = "failed", _LATE
        elif self._journal.version(slot) != version:
            kind, stopped = "cancelled", _MOVED_ON
        reason = stopped.reason if stopped else ""
        body = Outcome(attempt=version, reason=reason, again=stopped is not None)
        happened_at = 0 if stopped else at
        self._journal.append(
            [Entry(kind=f"delivery.{kind}", body=body, slot=slot, happened_at=happened_at)]
        )
        if stopped:
            return stopped
        if self._now() >= attempt.handover_by:
            return _LATE
        return self._words(brand, live, slot, version, appended.position)

    def _before(self, slot: int, prepared: Prepared, act_id: str) -> Appended | None:
        """The attempt that was made under *act_id*; None if there was none."""
        with self._journal.reading() as reader:
            told = reader.acted(act_id)
        if told is None:
            return None
        body = told.body
        if (
            not isinstance(body, Attempt)
            or told.slot != slot
            or (body.occasion, body.message) != (prepared.occasion, prepared.message_id)
        ):
            raise Conflict("act id was used for another act: use a fresh one for a new act")
        return Appended(
            position=told.position, at=told.at, slot=slot, version=told.version, again=True
        )

    def _again(
        self, brand: BrandStatement, live: LiveMessage, attempt: Appended
    ) -> Shown | Decision:
        """What was shown before, once more, if it was shown and nothing came after that."""
        made, *told = self._journal.history(attempt.slot)[attempt.version - 1 :]
        if [one.kind for one in told] != ["delivery.delivered"]:
            return _MOVED_ON
        if isinstance(made.body, Attempt) and told[0].at >= made.body.handover_by:
            return _LATE  # it stood too late for the words to leave
        return self._words(brand, live, attempt.slot, attempt.version, attempt.position)

    def _words(
        self, brand: BrandStatement, live: LiveMessage, slot: int, version: int, position: int
    ) -> Shown:
        message = live.prepared.message
        token = self._links.make(Link(slot, version, message.purpose, message.channel))
        why, stop = f"{self._base_url}/p/{token}", f"{self._base_url}/u/{token}"
        values = printed(live.prepared, brand, self._journal.profile(slot), why)
        compiled = _compiled(message.subject, message.text, message.html)
        if "unsubscribe_url" in compiled.names:
            values["unsubscribe_url"] = stop
        told = render(compiled, values)
        return Shown(
            position=position, attempt=version, subject=told.subject, text=told.text,
            html=told.html, why=why, stop=stop,
        )  # fmt: skip

    def _now(self) -> Instant:
        return max(self._journal.clock(), self._journal.state().last_at)


@lru_cache(maxsize=256)
def _compiled(subject: str, text: str, html: str) -> CompiledMessage:
    return compile_message(subject, text, html)


def _judged(messages: Sequence[Prepared], kept: Kept, at: Instant) -> list[Judged]:
    offset = zone_offset(kept.standing.wishes.time_zone, at)
    return decide_one(messages, kept.standing, kept.clear, at, offset)


def _advice(found: Found) -> Advice:
    prepared = found.prepared
    return Advice(decision=found.decision, campaign=prepared.occasion, message=prepared.message_id)


def _is(prepared: Prepared, place: Id, campaign: Id, message: Id) -> bool:
    named = prepared.message.place, prepared.occasion, prepared.message_id
    return bool(place) and named == (place, campaign, message)
