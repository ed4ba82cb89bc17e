"""Among what may be delivered, what matters most; limits and caps hold within one choice."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reciprocity.decide.choose import choose, draw
from reciprocity.decide.one import Judged, decide_one, why
from reciprocity.decide.prepare import prepare
from reciprocity.events import TopicLevel
from reciprocity.model import Campaign, Message
from tests.decide.samples import BRAND, DAY, MENS, NOW, SPRING, no, person, stated, with_rules

KEY = b"key"


def judged(count: int = 4, limit: int = 1, brand=BRAND, **wishes: object) -> list[Judged]:
    """Messages m0, m1, ... on mens, of weight 1, 1, 2, 2, ..., decided for a willing person."""
    messages = {f"m{i}": replace(MENS, topics={"mens": 1 + i // 2}) for i in range(count)}
    spring = replace(SPRING, messages=messages, limit=limit)
    ready = [prepare(name, messages[name], "spring", spring, stated(brand)) for name in messages]
    return decide_one(ready, person(**wishes), {}, NOW, 0)


def chosen(each: list[Judged]) -> list[str]:
    return [one.message_id for one in each if one.decision.verdict == "deliver"]


def test_the_highest_score_is_chosen_and_the_others_are_outranked():
    told = choose(judged(5), KEY, slot=1)
    assert chosen(told) == ["m4"]
    assert [each.decision.reason for each in told] == ["outranked"] * 4 + [""]
    assert [each.message_id for each in told] == ["m0", "m1", "m2", "m3", "m4"]


def test_equal_scores_are_settled_by_a_keyed_draw_that_is_recorded():
    for slot in range(20):
        told = {each.message_id: each for each in choose(judged(4), KEY, slot)}
        draws = {name: draw(KEY, "spring", slot, name) for name in ("m2", "m3")}
        assert chosen(list(told.values())) == [max(draws, key=draws.__getitem__)]
        assert all(told[name].draw == number for name, number in draws.items())


def test_the_draw_is_even_and_depends_on_all_it_is_drawn_from():
    winners = Counter(chosen(choose(judged(2), KEY, slot))[0] for slot in range(400))
    assert min(winners.values()) > 150
    told = {draw(KEY, "spring", 1, "a"), draw(b"other", "spring", 1, "a"),
            draw(KEY, "summer", 1, "a"), draw(KEY, "spring", 2, "a"),
            draw(KEY, "spring", 1, "b")}  # fmt: skip
    assert len(told) == 5
    assert all(0 <= each < 2**31 for each in told)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_an_occasion_takes_no_more_than_its_limit(limit):
    assert len(chosen(choose(judged(6, limit=limit), KEY, slot=1))) == min(limit, 3)


def test_a_chosen_message_uses_up_the_cap_for_the_next():
    assert len(chosen(choose(judged(6, limit=6), KEY, slot=1))) == 3  # the brand's cap in 7 days
    told = choose(judged(6, limit=6, caps={"email": (2, None)}), KEY, slot=1)
    assert chosen(told) == ["m4", "m5"]


def test_what_was_refused_stays_refused_and_takes_no_room():
    told = choose(judged(3, answers={"offers/email": no(5)}), KEY, slot=1)
    assert [each.decision.reason for each in told] == ["withdrawn"] * 3
    assert [each.draw for each in told] == [0, 0, 0]


levels = st.integers(-2, 2)


@given(st.integers(0, 6), st.integers(1, 6), levels, st.integers(0, 5), st.integers(0, 2**40))
def test_what_could_be_delivered_is_either_chosen_or_outranked(count, limit, level, cap, slot):
    before = judged(
        count, limit, topics={"mens": TopicLevel(level=level)}, caps={"email": (cap, None)}
    )
    after = choose(before, KEY, slot)
    could = sum(each.decision.verdict == "deliver" for each in before)
    outranked = sum(each.decision.reason == "outranked" for each in after)
    assert len(chosen(after)) + outranked == could
    assert len(chosen(after)) == min(could, limit, cap, 3)
    for old, new in zip(before, after, strict=True):
        assert old.decision.verdict == "deliver" or old == new


# --- why ------------------------------------------------------------------------------------------


def test_why_tells_the_rule_and_the_facts_it_names():
    told = why(judged(1, answers={"offers/email": no(5)})[0])
    assert (told.decision.reason, told.rule) == ("withdrawn", "consent_state = 'withdrawn'")
    assert [(each.name, each.value) for each in told.facts] == [("consent_state", "withdrawn")]
    assert told.meaning == "the yes was taken back"


def test_why_tells_of_a_wait_when_it_ends():
    told = why(judged(1, pauses={"email": NOW + DAY})[0])
    assert {each.name: each.value for each in told.facts} == {
        "pause_active": "yes", "pause_until": str(NOW + DAY)
    }  # fmt: skip


def test_why_tells_atoms_but_no_value_of_an_attribute():
    brand = with_rules(("lapsed", "recency > 6 AND stated_age > 17"))
    message = Message(
        purpose="offers", channel="email", subject="s", text="t", audience="NOT newbie"
    )
    campaign = Campaign(title="c", opens=0, closes=NOW + DAY, messages={"m": message})
    ready = prepare("m", message, "c", campaign, stated(brand))
    standing = person(shared={"offers": ("newbie", "recency")})
    for values, reason, named in (
        ({"recency": 8, "newbie": False}, "brand:lapsed",
         {"stated_age": "18", "recency > 6": "yes"}),
        ({"recency": 8, "newbie": True}, "outside_audience",
         {"in_audience": "no", "newbie = TRUE": "yes"}),
    ):  # fmt: skip
        told = why(decide_one([ready], standing, values, NOW, 0)[0])
        assert told.decision.reason == reason
        assert {each.name: each.value for each in told.facts} == named


def test_why_of_a_permit_tells_every_fact_that_any_rule_looks_at():
    told = why(judged(1)[0])
    assert told.rule == ""
    assert {"consent_state", "quiet_ends_at", "law_allows"} <= {each.name for each in told.facts}


def test_why_of_an_incomplete_record_and_of_an_outranked_message_tells_what_they_mean():
    one = judged(1)[0]
    broken = replace(one, facts=one.facts[:-1], decision=one.prepared.compiled.decide((), 0))
    assert "missing" in why(broken).meaning
    outranked = min(choose(judged(2), KEY, slot=1), key=lambda each: each.draw)
    assert "mattered more" in why(outranked).meaning
