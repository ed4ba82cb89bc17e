"""What a person's standing and the brand's statements mean, as facts and decisions."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reciprocity.consent.state import Answer, Point
from reciprocity.decide.facts import FACTS, POSITIONS, TERMS, Source, first_wrong, recorded
from reciprocity.decide.gather import gather, recheck, zone_offset
from reciprocity.decide.prepare import Prepared
from reciprocity.errors import InputError
from reciprocity.events import Attempt, Quiet, TopicLevel
from reciprocity.journal.standing import Sent, Standing
from reciprocity.model import Basis, Behaviour, ConsentState, Decision, Message, Purpose
from tests.decide.samples import (
    BRAND,
    DAY,
    LAW,
    MENS,
    NOW,
    no,
    person,
    prepared,
    with_rules,
    yes,
)

HOUR = 3_600_000
ORDERS = Message(purpose="orders", channel="email", subject="s", text="t")


@dataclass
class Told:
    decision: Decision
    facts: dict[str, int]


def decide(
    standing: Standing | None = None,
    message: Prepared | None = None,
    at: int = NOW,
    offset: int | None = 0,
    **attributes: object,
) -> Told:
    ready = prepared() if message is None else message
    facts, atoms = gather(ready, standing, attributes, at, offset)
    assert first_wrong(facts, TERMS) == ""
    names = [fact.name for fact in FACTS]
    return Told(ready.compiled.decide(facts, atoms), dict(zip(names, facts, strict=True)))


def reason(standing: Standing | None, **more: object) -> str:
    told = decide(standing, **more).decision
    return told.reason or told.verdict.value


def test_a_willing_person_gets_the_message():
    assert reason(person()) == "deliver"


# --- who ------------------------------------------------------------------------------------------


def test_of_a_person_nobody_knows_every_fact_of_history_refuses():
    told = decide(None)
    assert told.decision.reason == "unknown_person"
    for fact in FACTS:
        if fact.source is Source.HISTORY:
            assert told.facts[fact.name] == fact.refusing, fact.name


def test_an_erased_person_is_known_only_as_erased():
    told = decide(Standing(slot=1, version=3, erased=True))
    assert told.decision.reason == "erased"
    assert told.facts["person_known"]
    assert told.facts["consent_state"] == 0


def test_a_request_to_be_erased_refuses_at_once():
    assert reason(person(erase_at=NOW + 30 * DAY)) == "erased"


def test_a_person_without_an_address_is_unreachable_and_not_suppressed():
    assert reason(person(points={})) == "unreachable"
    assert reason(person(points={"letters": Point(version=1, confirmed=True)})) == "unreachable"


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (Point(version=1), "unreachable"),
        (Point(version=1, confirmed=True, bounced=True), "unreachable"),
        (Point(version=1, confirmed=True, suppressed=True), "suppressed"),
    ],
)
def test_an_address_must_be_confirmed_and_working_and_not_suppressed(point, expected):
    assert reason(person(points={"email": point})) == expected


# --- consent --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [each for each in ConsentState if each is not ConsentState.GIVEN])
def test_only_a_given_consent_permits(state):
    answer = Answer(state=state, version=2, at=NOW - DAY, until=NOW + DAY)
    assert reason(person(answers={"offers/email": answer})) == state.value


def test_what_was_never_asked_is_no_yes_also_not_on_another_channel_or_above():
    assert reason(person(answers={})) == "never_asked"
    assert reason(person(answers={"offers/letters": yes()})) == "never_asked"
    assert reason(person(answers={"marketing/email": yes()})) == "never_asked"


def test_a_yes_ends_to_the_millisecond_when_it_said_it_would():
    standing = person(answers={"offers/email": yes(at=NOW, until=NOW + DAY)})
    assert reason(standing, at=NOW + DAY - 1) == "deliver"
    assert reason(standing, at=NOW + DAY) == "expired"


def test_a_yes_ends_when_the_brand_now_in_force_no_longer_lets_it_live():
    purposes = BRAND.purposes | {
        "offers": Purpose(title="Offers", parent="marketing", validity_days=20)
    }
    message = prepared(brand=replace(BRAND, purposes=purposes))
    assert reason(person(), message=message) == "expired"
    assert reason(person(answers={"offers/email": yes(at=NOW - 19 * DAY)}), message=message) == (
        "deliver"
    )


def test_the_law_shortens_a_yes_and_never_lengthens_it():
    short = replace(LAW, maximum_validity_days=30)
    assert reason(person(), message=prepared(MENS, LAW, short)) == "expired"
    old = person(answers={"offers/email": yes(at=NOW - 731 * DAY)})
    assert reason(old, message=prepared(MENS, LAW)) == "expired"


def test_a_pending_yes_whose_time_is_over_is_expired():
    answer = Answer(state=ConsentState.PENDING, version=2, at=NOW - DAY, until=NOW)
    assert reason(person(answers={"offers/email": answer})) == "expired"
    assert reason(person(answers={"offers/email": answer}), at=NOW - 1) == "pending"


@pytest.mark.parametrize("state", [ConsentState.REFUSED, ConsentState.WITHDRAWN])
def test_a_later_no_to_a_purpose_above_covers_the_yes_below(state):
    answers = {"offers/email": yes(version=2), "marketing/email": no(3, state)}
    assert reason(person(answers=answers)) == state.value
    assert reason(person(answers=answers | {"offers/email": yes(version=4)})) == "deliver"
    at_once = {"offers/email": yes(version=3), "marketing/email": no(3, state)}
    assert reason(person(answers=at_once)) == "deliver"
    elsewhere = {"offers/email": yes(version=2), "marketing/letters": no(3, state)}
    assert reason(person(answers=elsewhere)) == "deliver"


def test_the_tree_now_in_force_decides_what_is_above():
    answers = {"offers/email": yes(version=2), "marketing/email": no(3)}
    flat = BRAND.purposes | {"offers": Purpose(title="Offers")}
    message = prepared(brand=replace(BRAND, purposes=flat))
    assert reason(person(answers=answers), message=message) == "deliver"


@pytest.mark.parametrize("purpose", ["offers", "marketing", "*"])
@pytest.mark.parametrize("channel", ["email", "*"])
def test_an_objection_stands_until_it_is_lifted_whatever_was_said_later(purpose, channel):
    key = f"{purpose}/{channel}"
    standing = person(objections={key: (3, True)}, answers={"offers/email": yes(version=8)})
    assert reason(standing) == "objected"


def test_an_objection_to_something_else_stops_nothing_here():
    for key in ("orders/email", "offers/letters", "*/letters"):
        assert reason(person(objections={key: (3, True)})) == "deliver"


def test_a_message_that_a_contract_demands_goes_out_without_consent_but_not_when_erased():
    message = prepared(ORDERS)
    unwilling = person(
        answers={"offers/email": no(4)},
        objections={"*/*": (5, True)},
        points={"email": Point(version=1)},
        pauses={"*": NOW + DAY},
        topics={},
    )
    assert reason(unwilling, message=message) == "deliver"
    assert reason(person(erase_at=1), message=message) == "erased"
    suppressed = person(points={"email": Point(version=1, suppressed=True)})
    assert reason(suppressed, message=message) == "suppressed"


# --- age, law, attributes -------------------------------------------------------------------------


def test_the_strictest_age_of_purpose_and_law_holds_and_an_unknown_age_is_too_young():
    older = replace(LAW, minimum_age=21)
    assert reason(person(age_at_least=16), message=prepared(MENS, LAW)) == "deliver"
    assert reason(person(age_at_least=18), message=prepared(MENS, LAW, older)) == "too_young"
    assert reason(person(age_at_least=0), message=prepared(MENS, LAW)) == "too_young"


def test_what_a_brand_knows_of_everyone_counts_as_a_stated_age():
    message = prepared(MENS, LAW, brand=replace(BRAND, everyone_at_least=18))
    assert reason(person(age_at_least=0), message=message) == "deliver"


def test_any_law_that_forbids_a_channel_for_a_basis_stops_the_message():
    strict = replace(LAW, forbids=(("email", Basis.CONSENT),))
    assert reason(person(), message=prepared(MENS, LAW, strict)) == "law_forbids"
    assert reason(person(), message=prepared(ORDERS, LAW, strict)) == "deliver"


AUDIENCE = replace(MENS, audience="recency > 6 OR NOT newbie")


def test_an_audience_needs_every_attribute_it_names_shared_for_this_purpose():
    message = prepared(AUDIENCE)
    both = {"offers": ("newbie", "recency")}
    assert reason(person(shared=both), message=message, recency=9, newbie=True) == "deliver"
    assert reason(person(shared=both), message=message, recency=1, newbie=True) == (
        "outside_audience"
    )
    for shared in ({}, {"offers": ("recency",)}, {"orders": ("newbie", "recency")}):
        assert reason(person(shared=shared), message=message, recency=9, newbie=True) == (
            "attribute_not_shared"
        )


@pytest.mark.parametrize(
    "values",
    [{}, {"recency": 9}, {"recency": None, "newbie": True}, {"recency": "9", "newbie": True},
     {"recency": True, "newbie": True}, {"recency": 9.5, "newbie": True},
     {"recency": 9, "newbie": 1}],
)  # fmt: skip
def test_a_value_that_is_missing_or_of_another_type_refuses_also_under_not(values):
    standing = person(shared={"offers": ("newbie", "recency")})
    told = decide(standing, prepared(AUDIENCE), **values)
    assert told.decision.reason == "attribute_not_shared"
    assert not told.facts["in_audience"]


def test_an_attribute_that_the_template_prints_must_be_shared_and_known():
    message = prepared(replace(MENS, requires=("recency",)))
    assert reason(person(), message=message, recency=3) == "attribute_not_shared"
    standing = person(shared={"offers": ("recency",)})
    assert reason(standing, message=message) == "attribute_not_shared"
    assert reason(standing, message=message, recency=3) == "deliver"


def test_a_rule_of_the_brand_comes_after_refusals_and_before_waits():
    brand = with_rules(("grown_ups", "stated_age < 21"))
    message = prepared(brand=brand)
    standing = person(pauses={"email": NOW + DAY})
    assert reason(standing, message=message) == "brand:grown_ups"
    assert reason(person(answers={}), message=message) == "never_asked"


def test_a_rule_on_an_attribute_needs_it_shared_and_stops_no_message_of_a_contract():
    brand = with_rules(("lapsed", "recency > 6"))
    message, standing = prepared(brand=brand), person(shared={"offers": ("recency",)})
    assert reason(standing, message=message, recency=7) == "brand:lapsed"
    assert reason(standing, message=message, recency=6) == "deliver"
    assert reason(person(), message=message, recency=6) == "attribute_not_shared"
    assert reason(person(), message=prepared(ORDERS, brand=brand), recency=7) == "deliver"


def test_a_day_is_compared_as_a_day_however_it_is_kept():
    message = prepared(replace(MENS, audience="joined >= '2024-01-01'"))
    standing = person(shared={"offers": ("joined",)})
    for value in ("2024-01-01", 19_723):
        assert reason(standing, message=message, joined=value) == "deliver"
    for value in ("2023-12-31", 19_722):
        assert reason(standing, message=message, joined=value) == "outside_audience"
    for value in ("soon", True, None):
        assert reason(standing, message=message, joined=value) == "attribute_not_shared"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"purpose": "ads"}, "purpose 'ads'"),
        ({"channel": "fax"}, "channel 'fax'"),
        ({"topics": {"pets": 1}}, "topic 'pets'"),
        ({"requires": ("shoe_size",)}, "attribute 'shoe_size'"),
        ({"requires": ("illness",)}, "sensitive"),
        ({"audience": "illness"}, "sensitive"),
        ({"audience": "recency > "}, "audience of message mens"),
        ({"audience": "objected"}, "'objected' is neither a fact nor an attribute"),
    ],
)
def test_a_message_that_names_what_is_not_in_force_fails_when_it_is_prepared(changes, named):
    with pytest.raises(InputError, match=named):
        prepared(replace(MENS, **changes))


# --- topics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({"mens": 2}, "deliver"),
        ({"mens": 1}, "deliver"),
        ({"mens": 0}, "not_relevant"),
        ({}, "not_relevant"),
        ({"mens": -1}, "topic_refused"),
        ({"mens": 2, "clothes": -1}, "topic_refused"),
        ({"clothes": 2}, "not_relevant"),
        ({"mens": 2, "womens": -2}, "deliver"),
    ],
)
def test_a_topic_matters_only_if_wanted_and_a_no_above_it_stands(levels, expected):
    topics = {name: TopicLevel(level=level) for name, level in levels.items()}
    assert reason(person(topics=topics)) == expected


def test_a_message_without_topics_asks_for_no_interest():
    assert reason(person(topics={}), message=prepared(replace(MENS, topics={}))) == "deliver"


def test_the_score_is_the_weighted_sum_over_the_messages_own_topics():
    message = prepared(replace(MENS, topics={"mens": 3, "womens": 2}))
    topics = {name: TopicLevel(level=2) for name in ("mens", "womens", "clothes")}
    assert decide(person(topics=topics), message).facts["topic_score"] == 10


def test_an_observed_level_counts_only_on_a_live_yes_to_that_behaviour():
    topics = {"mens": TopicLevel(level=2, source="observed:purchases")}
    said_yes = {"offers/email": yes(), "purchases/observe": yes(version=3)}
    assert reason(person(topics=topics)) == "not_relevant"
    assert reason(person(topics=topics, answers=said_yes)) == "deliver"
    for answer in (no(5), yes(until=NOW)):
        answers = said_yes | {"purchases/observe": answer}
        assert reason(person(topics=topics, answers=answers)) == "not_relevant"
    objected = {"purchases/observe": (4, True)}
    assert reason(person(topics=topics, answers=said_yes, objections=objected)) == "not_relevant"


def test_a_level_from_a_source_the_brand_does_not_declare_counts_for_nothing():
    for source in ("observed:browsing", "guessed", ""):
        assert reason(person(topics={"mens": TopicLevel(level=2, source=source)})) == "not_relevant"
    none = replace(BRAND, behaviours={"other": Behaviour(title="o", gives="g")})
    topics = {"mens": TopicLevel(level=2, source="observed:purchases")}
    answers = {"offers/email": yes(), "purchases/observe": yes()}
    standing = person(topics=topics, answers=answers)
    assert reason(standing, message=prepared(brand=none)) == "not_relevant"


# --- what was sent --------------------------------------------------------------------------------


def sent(at: int, message: str = "old", occasion: str = "winter", **more: object) -> Sent:
    told = {"channel": "email", **more}
    return Sent(version=5, at=at, message=message, occasion=occasion, counts_until=at + 40 * DAY,
                handover_by=at + 30_000, **told)  # fmt: skip


def with_sent(*each: Sent, **wishes: object) -> Standing:
    return replace(person(**wishes), sent=each)


def test_a_message_goes_out_once_for_an_occasion_and_an_occasion_has_its_limit():
    assert reason(with_sent(sent(NOW, "mens", "spring"))) == "sent_this_message"
    assert reason(with_sent(sent(NOW, "womens", "spring"))) == "sent_in_occasion"
    assert reason(with_sent(sent(NOW, "mens", "winter"))) == "deliver"
    two = prepared(limit=2)
    assert reason(with_sent(sent(NOW, "womens", "spring")), message=two) == "deliver"
    assert reason(with_sent(sent(NOW, "mens", "spring")), message=two) == "sent_this_message"


def test_a_message_is_open_from_its_first_millisecond_to_before_its_last():
    message = prepared(opens=NOW, closes=NOW + 10)
    assert reason(person(), message=message, at=NOW - 1) == "message_closed"
    assert reason(person(), message=message, at=NOW) == "deliver"
    assert reason(person(), message=message, at=NOW + 9) == "deliver"
    assert reason(person(), message=message, at=NOW + 10) == "message_closed"


def test_a_cap_counts_seven_days_to_the_millisecond():
    times = [NOW - 7 * DAY, NOW - 7 * DAY + 1, NOW - DAY, NOW]
    told = decide(with_sent(*map(sent, times)))
    assert told.facts["cap_7_used"] == 3
    assert told.decision.reason == "cap_reached"
    assert told.decision.until == NOW + 1
    assert told.facts["cap_30_used"] == 4
    waited = decide(with_sent(*map(sent, times)), at=told.decision.until)
    assert waited.decision.verdict == "deliver"


def test_when_a_cap_has_room_both_caps_have_it():
    month = [NOW - (29 - day) * DAY for day in range(5)]
    told = decide(with_sent(*map(sent, [*month, NOW - DAY, NOW - DAY])))
    assert told.facts["cap_30_used"] == 7
    assert told.decision.until == sorted([*month, NOW - DAY, NOW - DAY])[2] + 30 * DAY


def test_the_lower_of_the_brands_and_the_persons_cap_holds():
    one = with_sent(sent(NOW), caps={"email": (1, None)})
    assert reason(one) == "cap_reached"
    assert reason(with_sent(sent(NOW), caps={"email": (None, 1)})) == "cap_reached"
    assert reason(with_sent(sent(NOW), sent(NOW), sent(NOW), caps={"email": (99, 99)})) == (
        "cap_reached"
    )
    assert reason(with_sent(sent(NOW), caps={"letters": (0, 0)})) == "deliver"


def test_a_cap_of_zero_refuses_for_good_and_never_waits():
    for caps in ((0, None), (None, 0), (0, 0)):
        for standing in (person(caps={"email": caps}), with_sent(sent(NOW), caps={"email": caps})):
            told = decide(standing).decision
            assert (told.verdict, told.reason, told.until) == ("refuse", "cap_reached", 0)


def test_only_consent_based_attempts_on_the_same_channel_count_towards_a_cap():
    others = [sent(NOW, channel="letters")] * 9 + [sent(NOW, basis="contract")] * 9
    assert decide(with_sent(*others)).facts["cap_30_used"] == 0


def test_an_attempt_later_than_the_deciding_clock_still_counts():
    assert reason(with_sent(*[sent(NOW + 5)] * 3)) == "cap_reached"


def test_a_pause_on_the_channel_or_on_all_waits_for_the_later_end():
    told = decide(person(pauses={"email": NOW + DAY, "*": NOW + 2 * DAY})).decision
    assert (told.verdict, told.reason, told.until) == ("wait", "paused", NOW + 2 * DAY)
    assert reason(person(pauses={"letters": NOW + DAY})) == "deliver"
    assert reason(person(pauses={"email": NOW})) == "deliver"
    assert decide(person(pauses={"*": NOW + 20 * DAY})).decision.verdict == "refuse"


# --- the person's own clock -----------------------------------------------------------------------


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_quiet_time_passes_midnight_in_the_persons_own_day():
    night = person(quiet=Quiet(start=1_320, end=420))  # 22:00 to 07:00
    midnight = NOW - 10 * HOUR
    told = decide(night, at=midnight + 5 * HOUR + 12_345).decision
    assert (told.reason, told.until) == ("quiet_time", midnight + 7 * HOUR)
    told = decide(night, at=midnight + 22 * HOUR).decision
    assert (told.reason, told.until) == ("quiet_time", midnight + 31 * HOUR)
    assert reason(night, at=midnight + 7 * HOUR) == "deliver"
    assert reason(night, at=midnight + 22 * HOUR - 1) == "deliver"
    assert reason(night, at=midnight + 5 * HOUR, offset=120) == "deliver"
    assert reason(night, at=midnight + 20 * HOUR, offset=120) == "quiet_time"


def test_a_persons_own_quiet_time_replaces_the_brands():
    late = NOW + 12 * HOUR
    assert reason(person(), at=late) == "quiet_time"
    assert reason(person(quiet=Quiet(start=0, end=60)), at=late) == "deliver"
    assert reason(person(quiet=Quiet(start=5, end=5)), at=late) == "deliver"


def test_an_unknown_time_zone_is_the_brands():
    assert zone_offset("Nowhere/At_All", NOW) is None
    assert zone_offset("", NOW) is None
    assert zone_offset("../etc/passwd", NOW) is None
    told = decide(person(), offset=None)
    assert told.facts["zone_offset"] == zone_offset("Europe/Berlin", NOW)
    with pytest.raises(InputError, match="brand time zone"):
        decide(person(), prepared(brand=replace(BRAND, time_zone="Mars")), offset=None)


def test_quiet_time_follows_the_persons_clock_through_a_change_to_summer_time():
    before, after = instant("2026-03-28T20:30:00"), instant("2026-03-29T20:30:00")
    assert [zone_offset("Europe/Berlin", at) for at in (before, after)] == [60, 120]
    evening = person(
        quiet=Quiet(start=22 * 60, end=7 * 60), answers={"offers/email": yes(at=before)}
    )
    message = prepared(opens=0, closes=after + 9 * DAY)
    for at, expected in ((before, "deliver"), (after, "quiet_time")):
        offset = zone_offset("Europe/Berlin", at)
        assert reason(evening, message=message, at=at, offset=offset) == expected


@given(
    st.integers(0, 1_439), st.integers(0, 1_439), st.integers(-720, 840), st.integers(0, DAY - 1)
)
def test_when_quiet_time_ends_it_is_quiet_no_longer_and_a_moment_before_it_is(
    start, end, offset, shift
):
    standing, message = person(quiet=Quiet(start=start, end=end)), prepared()
    told = decide(standing, message, at=NOW + shift, offset=offset)
    until = told.facts["quiet_ends_at"]
    if until:
        assert NOW + shift < until <= NOW + shift + DAY
        assert reason(standing, message=message, at=until, offset=offset) == "deliver"
        assert reason(standing, message=message, at=until - 1, offset=offset) == "quiet_time"
    else:
        assert told.decision.verdict == "deliver"


# --- replay ---------------------------------------------------------------------------------------


def attempt(message: Prepared, standing: Standing, **changes: object) -> Attempt:
    values = {"recency": 9, "newbie": False}
    facts, atoms = gather(message, standing, values, NOW, 60)
    told = {
        "message": "mens", "purpose": "offers", "channel": "email", "occasion": "spring",
        "content": "", "point": 1, "consent": 2, "stated": (1, 2, 3, 4),
        "facts": recorded(facts), "atoms": atoms,
        "score": facts[POSITIONS["topic_score"]], "decided_at": NOW, "handover_by": NOW,
        "counts_until": NOW,
    }  # fmt: skip
    return Attempt(**(told | changes))


def test_a_replay_derives_the_facts_that_were_recorded():
    message, standing = prepared(AUDIENCE), person(shared={"offers": ("newbie", "recency")})
    assert recheck(message, standing, attempt(message, standing)) == ()


def test_a_replay_names_each_fact_that_history_does_not_bear_out():
    message, standing = prepared(AUDIENCE), person(shared={"offers": ("newbie", "recency")})
    made = attempt(message, standing)
    withdrawn = replace(standing, wishes=replace(standing.wishes, answers={"offers/email": no(4)}))
    assert recheck(message, withdrawn, made) == ("consent_state",)
    assert "person_known" in recheck(message, None, made)
    assert recheck(message, standing, replace(made, atoms=2)) == ("in_audience",)
    assert recheck(message, standing, replace(made, score=99)) == ("score",)
    later = attempt(message, standing, decided_at=NOW + 3 * 60_000)
    assert recheck(message, standing, later) == ("cap_free_at", "minute_of_day")
    contract = attempt(message, standing, basis="contract")
    assert recheck(message, standing, contract) == ("attempt_basis",)
    for position, fact in enumerate(FACTS):
        if fact.source is Source.HISTORY:
            flipped = (
                1 - made.facts[position]
                if fact.type == "boolean"
                else ((made.facts[position] + 1) % 7)
            )
            facts = (*made.facts[:position], flipped, *made.facts[position + 1 :])
            assert recheck(message, standing, replace(made, facts=facts)) == (fact.name,)
