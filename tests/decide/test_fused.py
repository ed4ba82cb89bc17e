"""One function for one person and many messages decides as each message alone is decided."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reciprocity.consent.state import Wishes
from reciprocity.decide.choose import choose
from reciprocity.decide.fused import fuse
from reciprocity.decide.gather import brand_offset
from reciprocity.decide.live import judge_fused, ranked
from reciprocity.decide.one import decide_one
from reciprocity.decide.zones import zone_offset
from reciprocity.journal.standing import Standing
from reciprocity.model import Verdict
from tests.decide.conditions import conditions
from tests.decide.people import person_of, prepared_of, stated_of
from tests.decide.samples import DAY, NOW, person, prepared

KEY = b"key"
REFUSE = Verdict.REFUSE


@given(st.integers(0, 2**32), conditions)
def test_it_decides_and_chooses_as_each_message_alone(seed, condition):
    dice = Random(seed)
    messages = prepared_of(dice, stated=stated_of(dice, condition))
    fused = fuse(messages, NOW)
    for slot in range(12):
        kept = person_of(dice, slot, messages)
        offset = zone_offset(kept.standing.wishes.time_zone, NOW)
        plain = decide_one(messages, kept.standing, kept.clear, NOW, offset)
        expected = {one.message_id: one for one in choose(plain, KEY, slot)}
        found = judge_fused(fused, kept, NOW, KEY)
        assert {one.prepared.message_id: (one.decision, one.score) for one in found} == {
            name: (one.decision, one.score) for name, one in expected.items()
        }
        chosen = [one for one in ranked(found) if one.decision.verdict is Verdict.DELIVER]
        best = sorted(
            (one for one in expected.values() if one.decision.verdict is Verdict.DELIVER),
            key=lambda one: (-one.score, -one.draw),
        )
        assert [(one.score) for one in chosen] == [one.score for one in best]


def test_the_random_people_meet_every_reason():
    met = set()
    for seed in range(60):
        dice = Random(seed)
        messages = prepared_of(dice)
        fused = fuse(messages, NOW)
        for slot in range(30):
            kept = person_of(dice, slot, messages)
            met |= {one.decision.reason.partition(":")[0]
                    for one in judge_fused(fused, kept, NOW, KEY)}  # fmt: skip
    assert met == {
        "", "erased", "suppressed", "unreachable", "objected", "never_asked", "pending", "refused",
        "withdrawn", "expired", "unverified", "too_young", "attribute_not_shared", "topic_refused",
        "not_relevant", "outside_audience", "sent_this_message", "sent_in_occasion", "brand",
        "message_closed", "paused", "cap_reached", "quiet_time", "outranked",
    }  # fmt: skip


def test_it_is_good_until_a_message_opens_or_closes():
    soon = prepared(closes=NOW + DAY)
    later = prepared(opens=NOW + 3, closes=NOW + 2 * DAY)
    fused = fuse([soon, later], NOW)
    assert (fused.since, fused.until) == (soon.opens, NOW + 3)


# --- it fails closed ------------------------------------------------------------------------------


def permitting():
    fused = fuse([prepared(), prepared()], NOW)
    offset = brand_offset(prepared(), NOW)
    values = fused.layout.values(person(), {}, NOW, offset)
    assert [one.verdict for one in fused.decide(values)[0]] == [Verdict.DELIVER] * 2
    return fused, values


def test_a_value_that_is_missing_none_or_of_another_type_refuses_whichever_it_is():
    fused, values = permitting()
    for number, column in enumerate(fused.layout.columns):
        value = values[number]
        wrong = [None, "yes", 0.5, int(value) if column.boolean else bool(value)]
        if column.fact == "consent_state":
            wrong += [-1, 7]
        for each in wrong:
            decisions, _ = fused.decide((*values[:number], each, *values[number + 1 :]))
            assert {one.verdict for one in decisions} == {REFUSE}, (column, each)
            assert {one.reason for one in decisions} == {f"facts_incomplete:{column.fact}"}


@pytest.mark.parametrize("values", [None, (), (True,), [], "f", 7])
def test_values_that_are_no_record_refuse(values):
    fused, good = permitting()
    for each in (values, good[:-1], (*good, 1), list(good)[:3]):
        assert {one.verdict for one in fused.decide(each)[0]} == {REFUSE}


def test_a_standing_with_a_field_of_another_type_never_permits():
    fused, _ = permitting()
    for name in Wishes.__struct_fields__:
        for wrong in (None, "x", 7, True, {"offers/email": None, "email": None, "mens": None}):
            standing = Standing(slot=1, version=9, wishes=replace(person().wishes, **{name: wrong}))
            try:
                values = fused.layout.values(standing, {}, NOW, 60)
            except (TypeError, AttributeError, ValueError):
                continue  # no decision at all
            permitted = {one.verdict for one in fused.decide(values)[0]} == {Verdict.DELIVER}
            assert not permitted or name in NOT_NEEDED, (name, wrong)


NOT_NEEDED = {"requests", "shared", "quiet", "language", "time_zone", "age_at_least"}
"""What this message does not depend on: it names no attribute and asks for no age."""
