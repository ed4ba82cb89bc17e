"""What was promised for a yes and what came of it, and what people said of messages, in words.

Shortfalls are said as plainly as what was kept; a figure names its records.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from reciprocity.collect.proposition import promise_words
from reciprocity.http.speech import Speech, mark, mark_many
from reciprocity.http.telling import Telling
from reciprocity.listen.account import Account
from reciprocity.listen.promises import Kept, Promise
from reciprocity.model import Benefit, Measure

__all__ = ["Promised", "promised", "words_on"]

Counted = tuple[str, Sequence[int]]
"""A sentence with a figure, and the records that it counts."""


_USEFUL: Final = mark_many(
    "You found %(count)s message useful", "You found %(count)s messages useful"
)
_NOT_FOR_ME: Final = mark_many(
    "You said of %(count)s message that it is not for you",
    "You said of %(count)s messages that they are not for you",
)
_PERIOD: Final = {
    Kept.KEPT: mark("Kept: %(count)s came from %(began)s to %(ended)s."),
    Kept.SHORT: mark("Not kept: %(count)s came from %(began)s to %(ended)s."),
    Kept.OWN_WISH: mark(
        "%(count)s came from %(began)s to %(ended)s, when you took a break or had chosen no topic."
    ),
}
_STRETCH: Final = {
    Kept.KEPT: mark("Kept: never more than %(count)s in so many days."),
    Kept.SHORT: mark("Not kept: %(count)s in so many days, from %(began)s on."),
}


class Promised(Struct, frozen=True, kw_only=True):
    """One promise: with what it came, its words, since when, and what came of it."""

    title: str
    words: str
    since: str
    short: bool
    figures: Sequence[Counted]


def promised(found: Sequence[Promise], telling: Telling) -> list[Promised]:
    """Each of *found* in words, those that were not kept first."""
    return [
        Promised(
            title=one.title,
            words=promise_words(telling.words.language, _benefit(one)),
            since=telling.words.say("since %(day)s") % {"day": telling.day(one.since)},
            short=one.state is Kept.SHORT,
            figures=_figures(one, telling),
        )
        for one in sorted(found, key=lambda each: each.state is not Kept.SHORT)
    ]


def _benefit(one: Promise) -> Benefit:
    return Benefit(measure=one.measure, amount=one.amount, period_days=one.period_days)


def _figures(one: Promise, telling: Telling) -> list[Counted]:
    words = telling.words
    said = {
        "count": words.number(len(one.records)),
        "began": telling.day(one.began),
        "ended": telling.day(one.ended),
    }
    now = {"count": words.number(len(one.running)), "day": telling.day(one.ends)}
    goes_on = words.say("So far %(count)s; this period ends on %(day)s.") % now, one.running
    if one.state is Kept.RUNNING:
        return [goes_on]
    if one.measure is Measure.AT_MOST:
        return [(words.say(_STRETCH[one.state]) % said, one.records)]
    return [(words.say(_PERIOD[one.state]) % said, one.records), goes_on]


def words_on(account: Account, words: Speech) -> list[Counted]:
    """What the person said of messages, counted."""
    both = (_USEFUL, account.useful), (_NOT_FOR_ME, account.not_for_me)
    return [
        (words.say_many(*told, len(found)) % {"count": words.number(len(found))}, found)
        for told, found in both
        if found
    ]
