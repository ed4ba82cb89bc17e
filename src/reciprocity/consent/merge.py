"""Two identities found to be one person: of two words on the same thing the strictest wins.

Silence is no word: what only one identity spoke of stands as it said, so a merge never makes a
yes that neither gave. The order of merging does not matter, and merging again changes nothing.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from reciprocity.consent.laws import DECLARED
from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.events import Quiet, TopicLevel
from reciprocity.model import ConsentState

__all__ = ["merge"]

_T = TypeVar("_T")
_Cap = tuple[int | None, int | None]

_STRICTNESS: Final = {
    ConsentState.NEVER_ASKED: 0,
    ConsentState.GIVEN: 1,
    ConsentState.PENDING: 2,
    ConsentState.EXPIRED: 3,
    ConsentState.UNVERIFIED: 4,
    ConsentState.REFUSED: 5,
    ConsentState.WITHDRAWN: 6,
}
_NOON: Final = 720
_DAY: Final = 1440
ALL_DAY: Final = Quiet(start=_NOON, end=_NOON - 1)
"""The longest quiet time there is: from noon to the minute before noon."""


def merge(a: Wishes, b: Wishes) -> Wishes:
    """What stands for one person who was known as two.

    Commutative, associative and idempotent. Versions belong to the history they came from: the
    caller that joins two histories names the events anew. Language and time zone, where no
    reading is stricter, are the first in the alphabet.
    """
    return Wishes(
        answers=_each(a.answers, b.answers, _answer),
        requests=_each(a.requests, b.requests, _answer),
        objections=_each(a.objections, b.objections, _objection),
        topics=_each(a.topics, b.topics, _topic),
        caps=_each(a.caps, b.caps, _cap),
        pauses=_each(a.pauses, b.pauses, max),
        points=_each(a.points, b.points, _point),
        shared=_each(a.shared, b.shared, _attributes),
        quiet=_quiet(a.quiet, b.quiet),
        language=_least(a.language, b.language),
        time_zone=_least(a.time_zone, b.time_zone),
        age_at_least=_least(a.age_at_least, b.age_at_least),
        erase_at=_least(a.erase_at, b.erase_at),
    )


def _each(a: dict[str, _T], b: dict[str, _T], strictest: Callable[[_T, _T], _T]) -> dict[str, _T]:
    both = {key: strictest(a[key], b[key]) for key in a.keys() & b.keys()}
    return {**a, **b, **both}


def _answer(a: Answer, b: Answer) -> Answer:
    strict = _STRICTNESS[a.state], _STRICTNESS[b.state]
    if strict[0] != strict[1]:
        return a if strict[0] > strict[1] else b
    ends = min if a.state is ConsentState.PENDING else _least
    named = max(a, b, key=lambda each: (each.version, each.notice, each.reason))
    return Answer(
        state=a.state,
        version=named.version,
        at=min(a.at, b.at),
        until=ends(a.until, b.until),
        own=a.own and b.own,
        notice=named.notice,
        reason=named.reason,
    )


def _objection(a: tuple[int, bool], b: tuple[int, bool]) -> tuple[int, bool]:
    return max(a[0], b[0]), a[1] or b[1]


def _topic(a: TopicLevel, b: TopicLevel) -> TopicLevel:
    return min(a, b, key=lambda each: (each.source != DECLARED, each.level, each.source))


def _cap(a: _Cap, b: _Cap) -> _Cap:
    return _lower(a[0], b[0]), _lower(a[1], b[1])


def _lower(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def _point(a: Point, b: Point) -> Point:
    return Point(
        version=max(a.version, b.version),
        confirmed=a.confirmed and b.confirmed,
        bounced=a.bounced or b.bounced,
        suppressed=a.suppressed or b.suppressed,
    )


def _attributes(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    return a if a == b else tuple(sorted(set(a) & set(b)))


def _quiet(a: Quiet | None, b: Quiet | None) -> Quiet | None:
    """From the earlier start to the later end, seen from noon to noon, so that nights join.

    A quiet time that passes noon joins with another one to the whole day; an empty one gives
    way.
    """
    if a is None or b is None or a == b:
        return a or b
    if a.start == a.end or b.start == b.end:
        empty = sorted((a, b), key=lambda each: (each.start != each.end, each.start))
        return empty[0] if empty[1].start == empty[1].end else empty[1]
    spans = [((each.start - _NOON) % _DAY, (each.end - _NOON) % _DAY) for each in (a, b)]
    if any(start > end for start, end in spans):
        return ALL_DAY
    start, end = min(spans[0][0], spans[1][0]), max(spans[0][1], spans[1][1])
    return Quiet(start=(start + _NOON) % _DAY, end=(end + _NOON) % _DAY)


_L = TypeVar("_L", int, str)


def _least(a: _L, b: _L) -> _L:
    """The lesser of two that were said; 0 and "" say nothing."""
    return min(a, b) if a and b else a or b
