"""One decision, against a Python function of the same rules written by hand.

Both get the same facts and give the same answers. The check that every fact is there and of its
type is a rule too, the first of all; it is measured with and without, on both sides. The
population is what a campaign meets: seven in ten may be written to, the others fall to one rule
each, evenly over all rules.
"""

import random
import sys
from collections.abc import Callable
from statistics import median

from benchmarks.table import Row, as_markdown, median_seconds
from reciprocity.brand import BrandStatement, Controller
from reciprocity.decide.compile import Compiled, compile_rulebook
from reciprocity.decide.facts import FACTS, Facts
from reciprocity.decide.rulebook import first_rulebook
from reciprocity.model import Decision, Verdict

__all__ = ["by_hand", "checked_by_hand", "population", "rows"]

NOW = 1_790_000_000_000
HOUR = 3_600_000
PEOPLE = 20_000

GOOD = {
    "person_known": True, "point_active": True, "point_confirmed": True, "consent_state": 2,
    "stated_age": 18, "minimum_age": 16, "law_allows": True, "attributes_shared": True,
    "attributes_known": True, "topics_named": True, "topic_lowest": 0, "topic_score": 20,
    "in_audience": True, "occasion_limit": 1, "message_open": True,
    "message_closes": NOW + 100 * HOUR, "cap_7_most": 7, "cap_30_most": 30, "cap_free_at": NOW,
    "minute_of_day": 700, "quiet_from": 1_260, "quiet_until": 480,
}  # fmt: skip
BAD: tuple[dict[str, int], ...] = (
    {"person_known": False}, {"person_erased": True}, {"point_suppressed": True},
    {"point_active": False}, {"objected": True}, {"consent_state": 0}, {"consent_state": 1},
    {"consent_state": 3}, {"consent_state": 4}, {"consent_state": 5}, {"consent_state": 6},
    {"stated_age": 0}, {"law_allows": False}, {"attributes_shared": False}, {"topic_lowest": -1},
    {"topic_score": 0}, {"in_audience": False}, {"message_attempts": 1, "occasion_attempts": 1},
    {"occasion_attempts": 1}, {"message_open": False},
    {"pause_active": True, "pause_until": NOW + 9 * HOUR},
    {"cap_7_used": 7, "cap_30_used": 7, "cap_free_at": NOW + HOUR},
    {"minute_of_day": 1_300, "quiet_ends_at": NOW + 2 * HOUR},
)  # fmt: skip


def facts_with(changes: dict[str, int]) -> Facts:
    """Facts that permit, but for *changes*."""
    values = GOOD | changes
    blank = (False if fact.type == "boolean" else 0 for fact in FACTS)
    return tuple(values.get(fact.name, zero) for fact, zero in zip(FACTS, blank, strict=True))


def population(people: int = PEOPLE, seed: int = 7) -> list[Facts]:
    """Facts of *people*: seven in ten permit, the others fall to one rule each."""
    dice = random.Random(seed)
    return [facts_with({} if dice.random() < 0.7 else dice.choice(BAD)) for _ in range(people)]


def _refuse(reason: str) -> Decision:
    return Decision(verdict=Verdict.REFUSE, reason=reason)


DELIVER = Decision(verdict=Verdict.DELIVER)
UNKNOWN, ERASED, SUPPRESSED = map(_refuse, ("unknown_person", "erased", "suppressed"))
UNREACHABLE, OBJECTED, YOUNG = map(_refuse, ("unreachable", "objected", "too_young"))
STATES = tuple(
    map(
        _refuse,
        ("never_asked", "pending", "", "refused", "withdrawn", "expired", "unverified"),
    )
)
LAW, NOT_SHARED, TOPIC = map(_refuse, ("law_forbids", "attribute_not_shared", "topic_refused"))
IRRELEVANT, OUTSIDE, SENT = map(_refuse, ("not_relevant", "outside_audience", "sent_this_message"))
OCCASION, CLOSED, PAUSED = map(_refuse, ("sent_in_occasion", "message_closed", "paused"))
CAP, QUIET = map(_refuse, ("cap_reached", "quiet_time"))


def by_hand(facts: Facts) -> Decision:  # noqa: C901, PLR0911, PLR0912 - the point
    """The first rulebook as a programmer in a hurry for speed would write it."""
    (
        known, erased, active, confirmed, bounced, suppressed, objected, state, basis, age,
        minimum, law, shared, values_known, topics, lowest, score, audience, to_message,
        to_occasion, limit, is_open, closes, pause, pause_until, used_7, most_7, used_30, most_30,
        free_at, _, minute, quiet_from, quiet_until, quiet_ends_at,
    ) = facts  # fmt: skip
    if not known:
        return UNKNOWN
    if erased:
        return ERASED
    if suppressed:
        return SUPPRESSED
    consent = basis == 0
    if not active or bounced or (consent and not confirmed):
        return UNREACHABLE
    if consent:
        if objected:
            return OBJECTED
        if state != 2:
            return STATES[state]
        if age < minimum:
            return YOUNG
    if not law:
        return LAW
    if not shared or not values_known:
        return NOT_SHARED
    if consent and topics:
        if lowest < 0:
            return TOPIC
        if score <= 0:
            return IRRELEVANT
    if not audience:
        return OUTSIDE
    if to_message > 0:
        return SENT
    if to_occasion >= limit:
        return OCCASION
    if not is_open:
        return CLOSED
    if consent:
        if pause:
            return _wait("paused", pause_until) if 0 < pause_until < closes else PAUSED
        if used_7 >= most_7 or used_30 >= most_30:
            return _wait("cap_reached", free_at) if 0 < free_at < closes else CAP
        if quiet_from <= quiet_until:
            quiet = quiet_from <= minute < quiet_until
        else:
            quiet = minute >= quiet_from or minute < quiet_until
        if quiet:
            return _wait("quiet_time", quiet_ends_at) if 0 < quiet_ends_at < closes else QUIET
    return DELIVER


TYPES = tuple(bool if fact.type == "boolean" else int for fact in FACTS)
INCOMPLETE = _refuse("facts_incomplete")


def checked_by_hand(facts: Facts) -> Decision:
    """The same, refusing like the rulebook what is missing or of another type."""
    if tuple(map(type, facts)) != TYPES or not (0 <= facts[7] < 7 and 0 <= facts[8] < 3):
        return INCOMPLETE
    return by_hand(facts)


def _wait(reason: str, until: int) -> Decision:
    return Decision(verdict=Verdict.WAIT, reason=reason, until=until)


def first_compiled() -> Compiled:
    """The first rulebook of a brand without rules of its own."""
    nobody = Controller(name="", address="", email="", territory=())
    brand = BrandStatement(
        id="b", name="b", domain="b.example", language="en", time_zone="UTC", controller=nobody
    )
    return compile_rulebook(first_rulebook(brand))


def _over(decide: Callable[[Facts], Decision], people: list[Facts]) -> Callable[[], object]:
    def work() -> None:
        for facts in people:
            decide(facts)

    return work


def _trusting(compiled: Compiled, people: list[Facts]) -> Callable[[], object]:
    decide = compiled.decide_trusting

    def work() -> None:
        for facts in people:
            decide(facts, 0)

    return work


def _checking(compiled: Compiled, people: list[Facts]) -> Callable[[], object]:
    decide = compiled.decide

    def work() -> None:
        for facts in people:
            decide(facts, 0)

    return work


def _nanoseconds(works: list[Callable[[], object]], people: int) -> list[float]:
    """The median time a person of each of *works*, run in turn so that noise hits all alike."""
    rounds = [[median_seconds(work, runs=1) for work in works] for _ in range(15)]
    return [median(times) / people * 1e9 for times in zip(*rounds, strict=True)]


def rows() -> list[Row]:
    """One decision with every fact checked, and with facts trusted, against the ones by hand."""
    compiled, mixed = first_compiled(), population()
    for facts in mixed:
        hand = by_hand(facts)
        assert compiled.decide(facts, 0) == compiled.decide_trusting(facts, 0) == hand
        assert checked_by_hand(facts) == hand
    permitted = [facts for facts in mixed if by_hand(facts) is DELIVER]
    made, one = [], "one decision"
    for people, who in ((permitted, "that permits"), (mixed, "of the mix")):
        works = [
            _over(by_hand, people),
            _over(checked_by_hand, people),
            _checking(compiled, people),
            _trusting(compiled, people),
        ]
        hand, careful, checked, trusting = _nanoseconds(works, len(people))
        made += [
            _row(f"{one} {who}, facts trusted", trusting, hand, "by hand, facts trusted", 1.5),
            _row(f"{one} {who}, facts checked", checked, careful, "by hand, facts checked", 1.5),
            _row(f"{one} {who}, facts checked", checked, hand, "by hand, facts trusted", 2),
        ]
    return made


def _row(work: str, took: float, limit: float, limit_is: str, bar: float) -> Row:
    return Row(
        work=work, measured=took, unit="ns", limit=limit, limit_is=limit_is, ratio_at_most=bar
    )


def main() -> None:
    """Print the rows."""
    sys.stdout.write(as_markdown(rows()))


if __name__ == "__main__":
    main()
