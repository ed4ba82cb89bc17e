"""The course of one person's messages: what is queued, what was sent, what became of each.

Two are followed side by side when a month is looked at again: what happened, and what would have
happened. Both take the same steps, so that without a difference between them there is none in
what they end with.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reciprocity.deliver.campaign import Planned
from reciprocity.deliver.run import to_queue
from reciprocity.deliver.send import MOST_DOUBLINGS, RETRY_MS
from reciprocity.events import Attempt, Outcome
from reciprocity.journal.leaf import Told
from reciprocity.journal.standing import OUTCOMES, Standing, fold
from reciprocity.model import Decision, Instant, Verdict

__all__ = ["NOT_SENT", "Course", "Fate", "Key", "Row"]

NOT_SENT: Final = "not_sent"
"""It was due, and nothing in the journal tells that it was handed over (or it is tried again)."""
_OUTRANKED: Final = Decision(verdict=Verdict.REFUSE, reason="outranked")
_NEVER_LEFT: Final = frozenset({"cancelled", "failed", "bounced"})

Key = tuple[str, str]
"""An occasion and the id of one of its messages."""


_Kind = TypeVar("_Kind")


class Fate(Struct, frozen=True, kw_only=True):
    """What was last decided of a message for the person, at *at*, and what became of it.

    *reason* is one of the rulebook's, `outranked` or `not_sent`; empty for what was sent. *until*
    is when a message that waits is due. *outcome* is the last word of the event `delivery.…`,
    empty where the journal has none: nothing is recorded yet, or it was sent in supposition only.
    """

    verdict: Verdict
    reason: str = ""
    at: Instant = 0
    until: Instant = 0
    outcome: str = ""

    @property
    def reached(self) -> bool:
        """Did it leave, and neither fail nor come back? What nobody knows of counts as a yes."""
        return self.verdict is Verdict.DELIVER and self.outcome not in _NEVER_LEFT


class Row(NamedTuple):
    """A message in the outbox, due at *due*; *reason* is why it waits.

    *follows* marks one that has no record of its own to be woken by: the sender reaches it when it
    reaches what was really queued for the same occasion.
    """

    due: int
    reason: str
    tries: int = 0
    follows: bool = False


class _Tried(NamedTuple):
    key: Key
    row: Row


class Course:
    """One course of events; `standing.sent` is what counts towards caps and limits in it."""

    def __init__(self, slot: int) -> None:
        """Nothing was queued or sent yet."""
        self.standing = Standing(slot=slot)
        self.rows: dict[Key, Row] = {}
        self.fates: dict[Key, Fate] = {}
        self._tried: dict[int, _Tried] = {}
        self._settled: set[int] = set()
        self._last: dict[Key, int] = {}

    def forked(self, at: int) -> "Course":
        """Another course that goes on from here; of both, only what comes from *at* on is told."""
        self.fates = {
            key: Fate(verdict=Verdict.WAIT, reason=row.reason, at=at, until=row.due)
            for key, row in self.rows.items()
        }
        other = Course(self.standing.slot)
        other.standing = self.standing
        other.rows, other.fates = self.rows.copy(), self.fates.copy()
        other._tried, other._settled = self._tried.copy(), self._settled.copy()
        other._last = self._last.copy()
        return other

    def equals(self, other: "Course") -> bool:
        """Is the next decision the same in both?"""
        return self.rows == other.rows and self.standing.sent == other.standing.sent

    def waits_as(self, other: "Course", key: Key) -> bool:
        """Is *key* due here when it is due in *other*, or queued in neither?"""
        mine, theirs = self.rows.get(key), other.rows.get(key)
        if mine is None or theirs is None:
            return mine is theirs
        return mine.due == theirs.due and not mine.follows

    def follow(self, other: "Course", key: Key) -> None:
        """Let *key* stand here as it stands in *other*."""
        _copy(key, other.rows, self.rows)
        _copy(key, other.fates, self.fates)

    def let_follow(self, occasion: str, other: "Course", at: int) -> None:
        """What is due at *at* here waits for the sender, if it has something due in *other*.

        A sender that was killed before it reached the person is then not supposed to have reached
        them: an attempt or a hold, on record in *other*, shows that it did.
        """
        if any(row.due <= at for (where, _), row in other.rows.items() if where == occasion):
            for key, row in self.rows.items():
                if key[0] == occasion and row.due <= at and not self.waits_as(other, key):
                    self.rows[key] = row._replace(follows=True)

    # -- what is queued --

    def plan(
        self, occasion: str, planned: Planned, at: int, kept: frozenset[Key] = frozenset()
    ) -> None:
        """Queue what *planned*, stated at *at*, comes to; messages in *kept* are left alone."""
        queued = {message for where, message in self.rows if where == occasion}
        chosen = {one.message_id: one for one in to_queue(planned, queued)}
        for before, after in zip(planned.before, planned.after, strict=True):
            name, key = before.message_id, (occasion, before.message_id)
            if key in kept:
                continue
            if name in chosen:
                self._queue(key, chosen[name].decision, at)
            elif after.decision.verdict is Verdict.REFUSE:
                self.tell(key, after.decision, at)
            else:  # it might come, but another one was preferred to it
                self.tell(key, _OUTRANKED, at)
        for name in queued - chosen.keys():
            key = occasion, name
            if key in kept:
                continue
            if chosen:
                self.rows.pop(key)
            else:  # so that the sender says why it comes no more
                self.rows[key] = self.rows[key]._replace(due=at, follows=False)

    def _queue(self, key: Key, decision: Decision, at: int) -> None:
        """Queue a message, due now or when it may go; one that is queued comes no later."""
        old = self.rows.get(key)
        due = decision.until if old is None else min(old.due, decision.until)
        tries = 0 if old is None else old.tries
        self.wait(key, Row(max(due, at), decision.reason or NOT_SENT, tries), at)

    def wait(self, key: Key, row: Row, at: int) -> None:
        """*key* stands in the outbox as *row* from *at* on."""
        self.rows[key] = row
        if not self._is_final(key):
            self.fates[key] = Fate(verdict=Verdict.WAIT, reason=row.reason, at=at, until=row.due)

    def tell(self, key: Key, decision: Decision, at: int) -> None:
        """Note that *key* was refused at *at*; what was sent already stays sent."""
        if not self._is_final(key):
            self.fates[key] = Fate(verdict=decision.verdict, reason=decision.reason, at=at)

    def _is_final(self, key: Key) -> bool:
        fate = self.fates.get(key)
        return fate is not None and fate.verdict is Verdict.DELIVER

    # -- what is taken out --

    def stop(self, key: Key, decision: Decision, at: int) -> None:
        """A row was taken out at *at* and did not go: it waits anew, or is done with."""
        row = self.rows.pop(key, None)
        if decision.verdict is Verdict.WAIT:
            tries = row.tries if row else 0
            self.wait(key, Row(decision.until, decision.reason, tries), at)
        else:
            self.tell(key, decision, at)

    def attempt(self, key: Key, attempt: Attempt, at: int, version: int) -> None:
        """A row was taken out and went at *at*; *version* names the attempt from here on."""
        row = self.rows.pop(key, None) or Row(at, NOT_SENT)
        self._tried[version], self._last[key] = _Tried(key, row), version
        self.fates[key] = Fate(verdict=Verdict.DELIVER, at=at)
        self.keep("delivery.attempted", attempt, at, version)

    def keep(self, kind: str, body: Attempt | Outcome, at: int, version: int) -> None:
        """Let an attempt, or an outcome, count as the journal's own fold counts it."""
        self.standing = fold(self.standing, kind, 1, body, at, at, version, None)

    def settle(self, told: Told, outcome: Outcome) -> None:
        """What became of an attempt: the first news decides whether the message comes again."""
        self.keep(told.kind, outcome, told.at, told.version)
        tried = self._tried.get(outcome.attempt)
        if tried is None:
            return
        (key, row), what = tried, told.kind.partition(".")[2]
        first = outcome.attempt not in self._settled
        self._settled.add(outcome.attempt)
        fate = self.fates.get(key)
        if first and (what == "cancelled" or (what == "failed" and outcome.again)):
            self.fates.pop(key, None)
            delay = 0 if what == "cancelled" else RETRY_MS << min(row.tries, MOST_DOUBLINGS)
            tries = row.tries + bool(delay)
            self.wait(key, Row(told.at + delay, NOT_SENT, tries), told.at)
        elif fate and fate.verdict is Verdict.DELIVER and self._last[key] == outcome.attempt:
            old = f"delivery.{fate.outcome}"
            if first or OUTCOMES.get(told.kind, -1) > OUTCOMES.get(old, -1):
                self.fates[key] = replace(fate, outcome=what)


def _copy(key: Key, source: Mapping[Key, _Kind], target: dict[Key, _Kind]) -> None:
    if key in source:
        target[key] = source[key]
    else:
        target.pop(key, None)
