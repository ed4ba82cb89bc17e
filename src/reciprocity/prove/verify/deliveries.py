"""Each delivery decided again: by its rulebook, by the laws of consent, and by what was said.

First what the attempt says of itself is held against time, the brand file and the law packs that
it names; then its recorded facts are put before the rules; then the facts are held against the
person's own history, and at last the history speaks alone, for a rulebook may leave a rule out.
What cannot be derived without the brand's campaign (topics of the message, its audience) is left
to the replay.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import Entry, Json, listed_in, newer, number
from reciprocity.prove.verify.rules import Rulebook
from reciprocity.prove.verify.stated import Terms
from reciprocity.prove.verify.wishes import Attempt, OwnWords

__all__ = ["Judged", "check_facts", "check_order", "check_wishes", "judged"]

_DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
_DAY_MINUTES: Final = 1_440
_STALE_MS: Final = 5_000
"""An attempt is recorded within this time of its decision, or decided anew."""
_HANDOVER_MS: Final = 30_000
_COUNTED_DAYS: Final = 30
_FURTHEST_ZONE: Final = 900
"""No clock on earth is further from UTC, in minutes."""
_AGAINST: Final = frozenset({"refused", "withdrawn"})
_BRAND, _RULEBOOK, _LAWS = 0, 1, 2
_STATED: Final = 4
"""Brand file, rulebook, law packs, and the campaign, which is the brand's own."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How many deliveries were decided again, and the fewest rules that any was put before."""

    decided: int
    fewest_rules: int


def judged(events: Sequence[Entry], statements: Mapping[int, Json]) -> Judged:
    """Decide each delivery among *events* again; raises `ProofError` for the first that fails.

    *statements* are public events by their index.
    """
    books, words, counts = _Books(statements), OwnWords(), list[int]()
    for version, (event, index, _) in enumerate(events, 1):
        if event["kind"] == "delivery.attempted" and event["v"] == 1:
            counts.append(_judge(words, event, index, books, f"delivery at version {version}"))
        words.see(version, event)
    check_order([*((index, event) for event, index, _ in events), *statements.items()])
    return Judged(len(counts), min(counts, default=0))


def check_order(placed: Iterable[tuple[int, Json]]) -> None:
    """Hold that time never falls from one event to the next in the log."""
    before = 0
    for index, event in sorted(placed, key=lambda one: one[0]):
        at = number(event, "at", f"event at index {index}")
        if at < before:
            raise ProofError(f"event at index {index}: is older than one that stands before it")
        before = at


class _Books:
    """The statements that deliveries name; each is read once."""

    def __init__(self, statements: Mapping[int, Json]) -> None:
        self._statements, self._rulebooks = statements, dict[int, Rulebook]()

    def rulebook(self, at: int, what: str) -> Rulebook:
        """The rulebook stated at *at*."""
        if at not in self._rulebooks:
            stated = self._stated(at, "rulebook.applied", what)
            if not isinstance(stated, dict):
                raise ProofError(f"{what}: the rulebook it names has no body")
            self._rulebooks[at] = Rulebook(stated)
        return self._rulebooks[at]

    def terms(self, brand_at: int, laws_at: int, what: str) -> Terms:
        """What the brand file and the law packs stated there ask for."""
        brand = self._stated(brand_at, "brand.applied", what)
        if not isinstance(brand, dict):
            raise ProofError(f"{what}: the brand file it names has no body")
        packs = {"packs": self._stated(laws_at, "laws.applied", what)}
        return Terms(brand, listed_in(packs, "packs", f"{what}, law packs"), what)

    def _stated(self, at: int, kind: str, what: str) -> object:
        """What the statement at *at* puts into force, which must be of *kind*."""
        statement = self._statements.get(at)
        if statement is None or statement["kind"] != kind:
            raise ProofError(f"{what}: the {kind} it names is not among the statements")
        if statement["v"] != 1:
            raise newer(f"statement at index {at}", statement)
        return cast("Json", statement["body"]).get("body")


def _judge(words: OwnWords, event: Json, index: int, books: _Books, what: str) -> int:
    """Hold that the delivery was permitted; how many rules it was put before."""
    attempt, body = Attempt.read(event, what), cast("Json", event["body"])
    brand_at, rulebook_at, laws_at = _stated(body, index, what)
    book, terms = books.rulebook(rulebook_at, what), books.terms(brand_at, laws_at, what)
    if (reason := book.reason_against(body, what)) is not None:
        raise ProofError(f"{what}: the rule {reason!r} was against it")
    facts = book.named_facts(body)
    check_facts(words, facts, attempt, terms, what)
    check_wishes(words, facts, attempt, terms, what)
    return book.applying(attempt.basis)


def _stated(body: Json, index: int, what: str) -> tuple[int, int, int]:
    """The positions of brand file, rulebook and law packs that an attempt names, all below it."""
    stated = body.get("stated")
    if (
        not isinstance(stated, list)
        or len(stated) != _STATED
        or any(type(one) is not int or one < 0 for one in stated)
    ):
        raise ProofError(f"{what}: does not name the four statements it rests on")
    if max(stated) >= index:
        raise ProofError(f"{what}: names a statement that came after it")
    return stated[_BRAND], stated[_RULEBOOK], stated[_LAWS]


# --- what was recorded, held against history ------------------------------------------------------


def check_facts(
    words: OwnWords, facts: Mapping[str, int], attempt: Attempt, terms: Terms, what: str
) -> None:
    """Hold that what *attempt* recorded as *facts* is at least as careful as what is derived.

    Raises `ProofError` naming the fact.
    """
    _check_times(attempt, facts, what)
    if attempt.basis != (stated := terms.basis(attempt.purpose)):
        raise ProofError(
            f"{what}: records the basis {attempt.basis!r}, the brand file says {stated!r}"
        )
    point = words.points.get(attempt.channel)
    least = {
        "person_erased": int(words.erase_at != 0),
        "objected": int(_objected(words, attempt, terms)),
        "point_bounced": int(point is None or point.bounced),
        "point_suppressed": int(point is None or point.suppressed),
        "minimum_age": terms.minimum_age(attempt.purpose),
        "pause_active": int(_paused_until(words, attempt) > attempt.decided_at),
        "message_attempts": words.sent(lambda one: _again(one, attempt) and _counts(one, attempt)),
        "occasion_attempts": words.sent(
            lambda one: one.occasion == attempt.occasion and _counts(one, attempt)
        ),
        "cap_7_used": words.sent(_within(attempt, 7)),
        "cap_30_used": words.sent(_within(attempt, 30)),
    }
    for name, value in least.items():
        if name in facts and facts[name] < value:
            raise ProofError(f"{what}: records {name} {facts[name]}, the history says {value}")
    week, month = _caps(words, attempt, terms)
    most = {
        "point_active": int(point is not None),
        "point_confirmed": int(point is not None and point.confirmed),
        "law_allows": int(terms.allows(attempt.channel, attempt.basis)),
        "cap_7_most": week,
        "cap_30_most": month,
        "stated_age": max(words.age, terms.everyone_at_least),
    }
    for name, bound in most.items():
        if name in facts and facts[name] > bound:
            raise ProofError(f"{what}: records {name} {facts[name]}, the history says {bound}")
    quiet = (facts.get("quiet_from"), facts.get("quiet_until"))
    if None not in quiet and quiet != (words.quiet or terms.quiet(attempt.channel)):
        raise ProofError(f"{what}: records another quiet time than the one that held")


def _check_times(attempt: Attempt, facts: Mapping[str, int], what: str) -> None:
    """Hold that the instants, which the brand chose, are those of a decision made just then."""
    decided = attempt.decided_at
    if not decided <= attempt.at <= decided + _STALE_MS:
        raise ProofError(f"{what}: was not decided when it was recorded, or just before")
    if attempt.handover_by > decided + _HANDOVER_MS:
        raise ProofError(f"{what}: may be handed over long after it was decided")
    least = max(decided + _COUNTED_DAYS * _DAY_MS, facts.get("message_closes", 0))
    if attempt.counts_until < least:
        raise ProofError(f"{what}: stops counting before {_COUNTED_DAYS} days, or its end")
    if "zone_offset" in facts and "minute_of_day" in facts:
        minute = _minute(attempt, facts["zone_offset"], what)
        if facts["minute_of_day"] != minute:
            raise ProofError(f"{what}: records another minute of the day than {minute}")


# --- what the person said, whatever was recorded --------------------------------------------------


def check_wishes(
    words: OwnWords, facts: Mapping[str, int], attempt: Attempt, terms: Terms, what: str
) -> None:
    """Hold that nothing in the person's history was against *attempt*, whatever its rules say."""
    for against, holds in (
        ("the person had asked to be erased", words.erase_at != 0),
        ("a law forbids it", not terms.allows(attempt.channel, attempt.basis)),
        ("the same message was sent before", words.sent(lambda one: _again(one, attempt)) > 0),
        (
            "the occasion had its fill",
            "occasion_limit" in facts
            and words.sent(lambda one: one.occasion == attempt.occasion) >= facts["occasion_limit"],
        ),
    ):
        if holds:
            raise ProofError(f"{what}: {against}")
    _check_point(words, attempt, what)
    if attempt.basis == "consent":
        _check_consent(words, attempt, terms, what)
        _check_own(words, facts, attempt, terms, what)


def _check_point(words: OwnWords, attempt: Attempt, what: str) -> None:
    """Hold that it went to the active contact point, and that this may be written to."""
    point = words.points.get(attempt.channel)
    if point is None or attempt.point != point.version:
        raise ProofError(f"{what}: is not for the contact point that was active")
    if point.suppressed or point.bounced:
        raise ProofError(f"{what}: the contact point was suppressed, or takes no messages")
    if attempt.basis == "consent" and not point.confirmed:
        raise ProofError(f"{what}: the contact point was never confirmed")


def _check_consent(words: OwnWords, attempt: Attempt, terms: Terms, what: str) -> None:
    """Hold that a yes stood, by the law, and is the one that *attempt* names."""
    answer = words.answers.get((attempt.purpose, attempt.channel))
    if answer is None or answer.state != "given":
        raise ProofError(f"{what}: no yes stood for its purpose and channel")
    if attempt.consent != answer.version:
        raise ProofError(
            f"{what}: rests on version {attempt.consent}, the yes was said at {answer.version}"
        )
    for purpose in terms.above(attempt.purpose):
        over = words.answers.get((purpose, attempt.channel))
        if over is not None and over.version > answer.version and over.state in _AGAINST:
            raise ProofError(f"{what}: the yes was taken back above, at version {over.version}")
    ends = answer.at + terms.validity_days(attempt.purpose) * _DAY_MS
    if attempt.decided_at >= (min(ends, answer.until) if answer.until else ends):
        raise ProofError(f"{what}: the yes of version {answer.version} had run out")


def _check_own(
    words: OwnWords, facts: Mapping[str, int], attempt: Attempt, terms: Terms, what: str
) -> None:
    """Hold that nothing the person wished for was against it."""
    week, month = _caps(words, attempt, terms)
    needed = terms.minimum_age(attempt.purpose)
    for against, holds in (
        ("the person had objected", _objected(words, attempt, terms)),
        ("the person is too young", max(words.age, terms.everyone_at_least) < needed),
        ("the person had asked for a pause", _paused_until(words, attempt) > attempt.decided_at),
        ("the cap for 7 days was reached", words.sent(_within(attempt, 7)) >= week),
        ("the cap for 30 days was reached", words.sent(_within(attempt, 30)) >= month),
    ):
        if holds:
            raise ProofError(f"{what}: {against}")
    start, end = words.quiet or terms.quiet(attempt.channel)
    if start != end:
        if "zone_offset" not in facts:
            raise ProofError(f"{what}: records no zone, so nobody can tell if it was quiet time")
        minute = _minute(attempt, facts["zone_offset"], what)
        if start <= minute < end if start < end else minute >= start or minute < end:
            raise ProofError(f"{what}: it was quiet time")


def _objected(words: OwnWords, attempt: Attempt, terms: Terms) -> bool:
    purposes = {attempt.purpose, *terms.above(attempt.purpose), "*"}
    return any(
        purpose in purposes and channel in {attempt.channel, "*"}
        for purpose, channel in words.objections
    )


def _caps(words: OwnWords, attempt: Attempt, terms: Terms) -> tuple[int, int]:
    """The most in 7 and in 30 days: the lower of the brand's and the person's."""
    week, month = terms.caps(attempt.channel)
    own_week, own_month = words.caps.get(attempt.channel, (None, None))
    return (
        week if own_week is None else min(week, own_week),
        month if own_month is None else min(month, own_month),
    )


def _paused_until(words: OwnWords, attempt: Attempt) -> int:
    return max(words.pauses.get(attempt.channel, 0), words.pauses.get("*", 0))


def _minute(attempt: Attempt, offset: int, what: str) -> int:
    """The minute of the day by a clock that is *offset* minutes ahead of UTC."""
    if abs(offset) > _FURTHEST_ZONE:
        raise ProofError(f"{what}: records a zone that no clock has, {offset} minutes from UTC")
    return (attempt.decided_at // _MINUTE_MS + offset) % _DAY_MINUTES


def _again(one: Attempt, other: Attempt) -> bool:
    return (one.message, one.occasion) == (other.message, other.occasion)


def _counts(one: Attempt, now: Attempt) -> bool:
    """Did *one* still count when *now* was recorded?"""
    return one.counts_until > now.at


def _within(attempt: Attempt, days: int) -> Callable[[Attempt], bool]:
    """Is an attempt one that the cap of *attempt*'s channel counts in *days*?"""
    since = attempt.decided_at - days * _DAY_MS
    return lambda one: one.channel == attempt.channel and one.basis == "consent" and one.at > since
