"""Promised and delivered: what a person was to get for their yes, and what they got.

A yes binds the proposition whose words were shown: its notice says which, in the version of that
day, whatever the brand promises to others since. Everything is counted from the person's own
events and names them; what somebody wanted less of themselves is not held against anybody.

`picks` is counted period by period from the yes on, in deliveries about topics the person had
chosen. `at_most` must hold for every stretch of so many days, wherever it begins, and counts
whatever may have left.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reciprocity.consent.laws import DAY_MS
from reciprocity.events import Act
from reciprocity.listen.deliveries import Became, Delivery, Followed
from reciprocity.model import Basis, Id, Instant, Measure, Proposition

if TYPE_CHECKING:
    from reciprocity.consent.state import Wishes

__all__ = ["Kept", "Promise", "promises"]

Offers = Mapping[str, tuple[Id, Proposition]]
"""The propositions that were ever in force, by the ids of their notices."""

_LEFT: Final = frozenset({
    Became.OPEN, Became.UNKNOWN, Became.DELIVERED, Became.BOUNCED, Became.COMPLAINED
})  # fmt: skip


class Kept(StrEnum):
    """How a promise stands; `own_wish`: the person took a break, or chose no topic, in that time.

    `running` is a first period that has not ended, so far neither kept nor broken: of `at_most`,
    the first so many days after the yes.
    """

    KEPT = "kept"
    SHORT = "short"
    OWN_WISH = "own_wish"
    RUNNING = "running"


class Promise(Struct, frozen=True, kw_only=True):
    """One benefit promised to one person with *proposition*, whose yes stands since *since*.

    *records* are the positions that *state* is about: of `picks` those of the last full period
    (*began* to *ended*), of `at_most` those of the fullest stretch. *running* are the positions of
    the period that goes on, which ends at *ends* (of `at_most`: of the last so many days, which end
    now, or with the first so many days if they go on).
    """

    proposition: Id
    title: str
    measure: Measure
    amount: int
    period_days: int
    since: Instant
    state: Kept
    began: Instant
    ended: Instant
    records: tuple[int, ...]
    running: tuple[int, ...]
    ends: Instant


def promises(read: Followed, offers: Offers, at: Instant) -> tuple[Promise, ...]:
    """What is promised to the person whose history was *read*, as it stands at *at*.

    Promises end with the yes: of one that was taken back, or ran out, nothing is listed.
    """
    found: list[Promise] = []
    for notice, since in sorted(_standing(read, offers, at).items(), key=lambda pair: pair[1]):
        name, told = offers[notice]
        for benefit in told.gives:
            judge = _picks if benefit.measure is Measure.PICKS else _at_most
            found.append(
                judge(_Owed(read, name, told, since, at), benefit.amount, benefit.period_days)
            )
    return tuple(found)


def _standing(read: Followed, offers: Offers, at: Instant) -> dict[str, Instant]:
    """The notices under which a yes stands at *at*, and since when without a break."""
    since: dict[str, Instant] = {}
    for step in read.steps:
        if not isinstance(step.told.body, Act):
            continue
        said_at = step.told.at
        # What ran out before this was said does not go on with it.
        stood = _notices(read, step.before.wishes, offers, said_at)
        now = _notices(read, step.after.wishes, offers, said_at)
        since = {
            notice: since.get(notice, said_at) if notice in stood else said_at for notice in now
        }
    now = _notices(read, read.steps[-1].after.wishes, offers, at)
    return {notice: begun for notice, begun in since.items() if notice in now}


def _notices(read: Followed, wishes: "Wishes", offers: Offers, at: Instant) -> set[str]:
    found = set()
    for key, answer in wishes.answers.items():
        purpose, _, channel = key.rpartition("/")
        if (
            answer.notice in offers
            and purpose in offers[answer.notice][1].purposes
            and read.items.given(wishes, purpose, channel, at)
        ):
            found.add(answer.notice)
    return found


class _Owed:
    """One promise's own records: what came under the yes since it was said, oldest first."""

    def __init__(
        self, read: Followed, name: Id, told: Proposition, since: Instant, at: Instant
    ) -> None:
        self.read, self.name, self.told, self.since, self.at = read, name, told, since, at
        self.came: list[Delivery] = sorted(
            (
                one
                for one in read.sent.values()
                if since <= one.at <= at
                and one.basis == Basis.CONSENT
                and one.message.purpose in told.purposes
            ),
            key=lambda one: one.position,
        )

    def wanted_less(self, began: Instant, ended: Instant) -> bool:
        """Did the person, in that time, take a break or have no topic chosen?"""
        spells = [(step.told.at, step.after.wishes) for step in self.read.steps]
        for place, (start, wishes) in enumerate(spells):
            stop = spells[place + 1][0] if place + 1 < len(spells) else self.at
            if min(stop, ended) <= max(start, began):
                continue
            if any(until > max(start, began) for until in wishes.pauses.values()):
                return True
            if not any(told.level > 0 for told in wishes.topics.values()):
                return True
        return False

    def promise(
        self, *, measure: Measure, amount: int, days: int, state: Kept, began: Instant,
        ended: Instant, records: Sequence[Delivery], running: Sequence[Delivery], ends: Instant,
    ) -> Promise:  # fmt: skip
        return Promise(
            proposition=self.name, title=self.told.title, measure=measure, amount=amount,
            period_days=days, since=self.since, state=state, began=began, ended=ended,
            records=tuple(one.position for one in records),
            running=tuple(one.position for one in running), ends=ends,
        )  # fmt: skip


def _picks(owed: _Owed, amount: int, days: int) -> Promise:
    """At least so many about chosen topics, in each period from the yes on; the last full one."""
    length = days * DAY_MS
    full = (owed.at - owed.since) // length
    ended = owed.since + full * length
    began = max(owed.since, ended - length)
    picks = [one for one in owed.came if one.became is Became.DELIVERED and one.topics]
    last = [one for one in picks if began <= one.at < ended]
    if not full:
        state = Kept.RUNNING
    elif len(last) >= amount:
        state = Kept.KEPT
    else:
        state = Kept.OWN_WISH if owed.wanted_less(began, ended) else Kept.SHORT
    return owed.promise(
        measure=Measure.PICKS, amount=amount, days=days, state=state, began=began, ended=ended,
        records=last, running=[one for one in picks if one.at >= ended], ends=ended + length,
    )  # fmt: skip


def _at_most(owed: _Owed, amount: int, days: int) -> Promise:
    """No more than so many in any stretch of so many days; the fullest.

    One too many breaks it at once; that it is kept can be said after so many days, not before.
    """
    length = days * DAY_MS
    left = [one for one in owed.came if one.became in _LEFT]
    fullest: list[Delivery] = []
    start = 0
    for stop, one in enumerate(left, 1):
        while left[start].at <= one.at - length:
            start += 1
        if stop - start > len(fullest):
            fullest = left[start:stop]
    began = fullest[0].at if fullest else owed.since
    if len(fullest) > amount:
        state = Kept.SHORT
    else:
        state = Kept.KEPT if owed.at - owed.since >= length else Kept.RUNNING
    return owed.promise(
        measure=Measure.AT_MOST, amount=amount, days=days, state=state,
        began=began, ended=began + length, records=fullest,
        running=[one for one in left if one.at > owed.at - length],
        ends=max(owed.at, owed.since + length),
    )  # fmt: skip
