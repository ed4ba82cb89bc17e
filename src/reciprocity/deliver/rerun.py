"""One person's history walked once more: what happened, and what would have happened.

Two courses (`course.py`) are followed through the person's events and the brand's plans. What
happened is taken from the record. What would have happened is decided anew by the same rules at
the same instants, on wishes over which the supposed acts are laid (`suppose.py`).

When a message that waits is looked at, the journal tells only if it is then sent, or held for a
new reason. So a message that waits exactly as it really did is woken when the record shows that
it was; any other in the instant in which it is due, as a tick would that is never late.
What a page showed is in no plan: the instant in which it was shown is decided anew, and that a page
asked and was told of nothing stands nowhere.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from reciprocity.consent.draft import Drafted
from reciprocity.decide.choose import choose
from reciprocity.decide.facts import POSITIONS
from reciprocity.decide.gather import facts_of, zone_offset
from reciprocity.decide.one import Judged, decide_one
from reciprocity.decide.prepare import DAY_MS, Prepared
from reciprocity.deliver.attempt import COUNTED_DAYS, HANDOVER_MS
from reciprocity.deliver.campaign import Planned
from reciprocity.deliver.course import Course, Key
from reciprocity.deliver.planned import PlanMade, Stood, Timeline
from reciprocity.deliver.suppose import lay
from reciprocity.deliver.values import Values
from reciprocity.errors import InputError
from reciprocity.events import Attempt, Held, Outcome
from reciprocity.journal.leaf import Told
from reciprocity.journal.standing import Standing, fold, held_key
from reciprocity.journal.turn import STALE_MS
from reciprocity.model import Basis, Decision, Verdict

__all__ = ["Rerun"]

_SCORE: Final = POSITIONS["topic_score"]
_CLOSED: Final = Decision(verdict=Verdict.REFUSE, reason="message_closed")


class Rerun:
    """The walk; `run` once, then read `did`, `would` and `stated`."""

    def __init__(
        self,
        timeline: Timeline,
        slot: int,
        values: Values,
        acts: Sequence[Drafted],
        *,
        draw: bytes,
        since: int,
        until: int,
    ) -> None:
        """Of the person in *slot*; *acts* are laid over their wishes from *since* on.

        *draw* is the key under which ties are broken.
        """
        self._timeline, self._slot, self._values, self._acts = timeline, slot, values, acts
        self._draw, self._since, self._until = draw, since, until
        self.did, self.would = Course(slot), Course(slot)
        self.stated: dict[Key, int] = {}
        """Where the campaign of each message was last stated."""
        self._forked, self._version, self._made = False, 0, 0
        self._services: frozenset[Key] = frozenset()
        self._planned = {plan.campaign for plan in timeline.plans}
        self._visits: set[Key] = set()
        self._passed: set[tuple[Course, Key, int]] = set()

    def run(self, history: Sequence[Told]) -> None:
        """Walk through *history*, which ends where the journal was read."""
        for item in self._items(history):
            if not self._forked and item.at >= self._since:
                self._fork()
            self._wake(item.at)
            if isinstance(item, PlanMade):
                self._plan(item)
            else:
                self._see(item)
            for key in self._services:
                self.would.follow(self.did, key)
            for key in self._visits:  # on a page nothing waits: it is asked for, or it is not
                self.did.rows.pop(key, None)
                self.would.rows.pop(key, None)
        if not self._forked:
            self._fork()
        self._wake(self._until + 1)

    def _items(self, history: Sequence[Told]) -> Iterator[PlanMade | Told]:
        """Events and plans in their order; a plan stands before what it did not see."""
        items: list[tuple[int, int, PlanMade | Told]] = [
            (told.position, 1, told) for told in history if told.at <= self._until
        ]
        items += [
            (plan.below, 0, plan)
            for plan in self._timeline.plans
            if plan.told_at <= self._until and max(plan.at, plan.closes) > self._since
        ]
        items.sort(key=lambda each: each[:2])
        return (item for _, _, item in items)

    def _fork(self) -> None:
        self._wake(self._since)
        self.would = self.did.forked(self._since)
        self._forked = True

    # -- plans ---------------------------------------------------------------------------------

    def _plan(self, plan: PlanMade) -> None:
        if not self._version and not self._forked:
            return
        occasion, at = plan.campaign, plan.told_at
        messages = [
            self._timeline.past.prepared(plan.stated, occasion, name)
            for name in self._timeline.campaign(plan.stated[3]).messages
        ]
        keys = {(occasion, each.message_id): each.basis for each in messages}
        self._services |= {key for key, basis in keys.items() if basis is not Basis.CONSENT}
        self.stated |= dict.fromkeys(keys, plan.stated[3])
        differs = self._acts or not self.would.equals(self.did)
        did = would = self._weigh(messages, plan, self.did)
        if self._forked and differs:
            would = self._weigh(messages, plan, self.would)
        self.did.plan(occasion, did, at)
        if self._forked:
            self.would.plan(occasion, would, at, self._services)
            self.would.let_follow(occasion, self.did, at)

    def _weigh(self, messages: Sequence[Prepared], plan: PlanMade, course: Course) -> Planned:
        """Every message of *plan* decided, and the choice made, as `survey` does."""
        standing = self._standing(course, plan.at)
        before = [self._judge(each, plan.stated, standing, plan.at) for each in messages]
        ready = any(each.decision.verdict is Verdict.DELIVER for each in before)
        after = choose(before, self._draw, self._slot) if ready else before
        return Planned(self._slot, before, after)

    # -- deciding ------------------------------------------------------------------------------

    def _standing(self, course: Course, at: int) -> Standing | None:
        if not self._version:
            return None
        if course is self.did:
            return course.standing
        wishes = lay(self.did.standing.wishes, self._acts, at, self._version)
        return replace(self.did.standing, wishes=wishes, sent=course.standing.sent)

    def _judge(
        self, prepared: Prepared, stated: Stood, standing: Standing | None, at: int
    ) -> Judged:
        values = self._values.at(self._version)
        own = zone_offset(standing.wishes.time_zone, at) if standing else None
        seen = None
        if not prepared.named <= values.keys():
            key = prepared.occasion, prepared.message_id
            seen = self._values.seen(stated, key, self._version)
        offset = zone_offset(prepared.time_zone, at) if own is None else own
        if seen is None or offset is None:
            return decide_one([prepared], standing, values, at, own)[0]
        known, atoms = seen
        facts = facts_of(prepared, standing, at, offset, known=known, atoms=atoms)
        decision = prepared.compiled.decide(facts, atoms)
        return Judged(
            prepared=prepared, decision=decision, facts=facts, score=facts[_SCORE], atoms=atoms
        )

    def _decide(self, course: Course, key: Key, stated: Stood, at: int) -> Judged | None:
        """What is decided of *key* in *course* at *at*; None if its campaign has it no more."""
        if key[1] not in self._timeline.campaign(stated[3]).messages:
            return None
        prepared = self._timeline.past.prepared(stated, *key)
        return self._judge(prepared, stated, self._standing(course, at), at)

    # -- the record ----------------------------------------------------------------------------

    def _see(self, told: Told) -> None:
        body = told.body
        if isinstance(body, Attempt):
            self._attempted(told, body)
        elif isinstance(body, Outcome):
            self.did.settle(told, body)
            if self._forked:
                self.would.settle(told, body)
        else:
            if isinstance(body, Held):
                self._held(told, body)
            self.did.standing = fold(
                self.did.standing, told.kind, told.v, body, told.at, told.happened_at,
                told.version, None,
            )  # fmt: skip
        self._version = told.version

    def _attempted(self, told: Told, attempt: Attempt) -> None:
        key, at = (attempt.occasion, attempt.message), attempt.decided_at
        self.stated.setdefault(key, attempt.stated[3])
        if attempt.basis == Basis.CONSENT and attempt.occasion not in self._planned:
            self._visits.add(key)
        if self._forked:
            if attempt.basis != Basis.CONSENT:
                self._services |= {key}
                self.would.attempt(key, attempt, told.at, told.version)
            elif self.would.waits_as(self.did, key):
                self._take(key, attempt.stated, at, told.at, told)
            self._take_followers(key[0], attempt.stated, at, told.at)
        self.did.attempt(key, attempt, told.at, told.version)

    def _held(self, told: Told, held: Held) -> None:
        key = held.occasion, held.message
        stated = self._timeline.stood_below(held.occasion, told.position)
        if self._forked and stated is not None and key not in self._services:
            # It was decided up to a batch earlier than recorded: before the instant it waits for.
            at = min(told.at, held.until - 1) if held.until else told.at
            if self.would.waits_as(self.did, key):
                self._take(key, stated, at, told.at)
            self._take_followers(key[0], stated, at, told.at)
        verdict = Verdict.WAIT if held.until else Verdict.REFUSE
        decision = Decision(verdict=verdict, reason=held.reason, until=held.until)
        self.did.stop(key, decision, told.at)

    # -- what would have happened --------------------------------------------------------------

    def _take(
        self, key: Key, stated: Stood, at: int, noted_at: int, record: Told | None = None
    ) -> None:
        """Take *key* out of the supposed outbox: decided at *at*, it goes as *record* went."""
        judged = self._decide(self.would, key, stated, at)
        decision = judged.decision if judged else _CLOSED
        if judged is None or decision.verdict is not Verdict.DELIVER:
            self.would.stop(key, decision, noted_at)
        elif record is not None and isinstance(record.body, Attempt):
            self.would.attempt(key, record.body, noted_at, record.version)
        else:
            self._made -= 1  # attempts that never were are counted downwards
            attempt = _supposed(judged.prepared, stated, at)
            self.would.attempt(key, attempt, noted_at, self._made)

    def _take_followers(self, occasion: str, stated: Stood, at: int, noted_at: int) -> None:
        for key, row in sorted(self.would.rows.items()):
            if row.follows and key[0] == occasion:
                self._take(key, stated, at, noted_at)

    def _wake(self, before: int) -> None:
        """Look at every message that is due earlier than *before*, in the order of their times."""
        while due := self._next_due(before):
            at, key = due
            same = self._forked and self.would.waits_as(self.did, key)
            looked = self._look(key, at)
            row = self.would.rows.get(key)
            if not self._forked or row is None or row.due != at or row.follows:
                continue
            stated = self._timeline.stood_at(key[0], at)
            if stated is None or (same and not looked):
                self._passed.add((self.would, key, at))
                continue
            try:
                self._take(key, stated, at, at)
            except InputError:  # it no longer goes with the brand file: it stays where it is
                self._passed.add((self.would, key, at))

    def _next_due(self, before: int) -> tuple[int, Key] | None:
        courses = (self.did, self.would) if self._forked else (self.did,)
        return min(
            (
                (row.due, key)
                for course in courses
                for key, row in course.rows.items()
                if row.due < before
                and not row.follows
                and (course, key, row.due) not in self._passed
                and (course is self.did or key not in self._services)
            ),
            default=None,
        )

    def _look(self, key: Key, at: int) -> bool:
        """Was what really waits as *key* looked at when due, without a word in the journal?

        So it was if it would have been held for the very reason that stands noted already. Of
        anything else there would be a record, so that nobody looked.
        """
        row, stated = self.did.rows.get(key), self._timeline.stood_at(key[0], at)
        if row is None or row.due != at or (self.did, key, at) in self._passed:
            return False
        try:
            judged = self._decide(self.did, key, stated, at) if stated else None
            decision = judged.decision if judged else _CLOSED
        except InputError:
            decision = Decision(verdict=Verdict.DELIVER)
        noted = self.did.standing.held.get(held_key(key[1], key[0]))
        if stated is None or decision.verdict is Verdict.DELIVER or noted != decision.reason:
            self._passed.add((self.did, key, at))
            return False
        self.did.stop(key, decision, at)
        if self._forked:
            self._take_followers(key[0], stated, at, at)
        return True


def _supposed(prepared: Prepared, stated: Stood, at: int) -> Attempt:
    """An attempt as the sender would have recorded it, as far as later decisions read it."""
    return Attempt(
        message=prepared.message_id,
        purpose=prepared.message.purpose,
        channel=prepared.message.channel,
        occasion=prepared.occasion,
        content="",
        point=0,
        consent=0,
        stated=stated,
        facts=(),
        basis=prepared.basis,
        decided_at=at,
        handover_by=at + HANDOVER_MS,
        counts_until=max(at + COUNTED_DAYS * DAY_MS + STALE_MS, prepared.closes),
    )
