"""A population on DuckDB is decided as each person alone is, to the letter."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reciprocity.decide.choose import choose
from reciprocity.decide.many.count import count, explain
from reciprocity.decide.one import decide_one
from reciprocity.decide.prepare import prepare
from reciprocity.decide.zones import zone_offset
from reciprocity.model import Decision, Verdict
from tests.decide.conditions import conditions
from tests.decide.many.random_snapshot import snapshot_of
from tests.decide.people import person_of, prepared_of, stated_of
from tests.decide.samples import DAY, MENS, NOW, SPRING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reciprocity.decide.one import Judged
    from reciprocity.decide.prepare import Prepared, Statements
    from reciprocity.journal.cache import Kept

KEY = bytes(range(32))


def alone(messages: Sequence[Prepared], kept: Kept, at: int) -> list[Judged]:
    offset = zone_offset(kept.standing.wishes.time_zone, at)
    return decide_one(messages, kept.standing, kept.clear, at, offset)


def plain(decision: Decision) -> Decision:
    return Decision(verdict=decision.verdict, reason=decision.reason)


@settings(max_examples=6)
@given(st.integers(0, 2**32), conditions)
def test_every_decision_and_every_choice_is_equal(seed, condition):
    dice = Random(seed)
    with TemporaryDirectory() as place:
        assert_equal(Path(place), dice, stated_of(dice, condition))


def assert_equal(tmp_path: Path, dice: Random, stated: Statements) -> None:
    everything = prepared_of(dice, 12, stated)
    people = [person_of(dice, slot, everything) for slot in range(150)]
    snapshot = snapshot_of(tmp_path, stated, people, NOW)
    for occasion in ("spring", "summer"):
        messages = [one for one in everything if one.occasion == occasion]
        met = [Counter() for _ in messages]
        chosen = Counter()
        for kept in people:
            before = alone(messages, kept, NOW)
            if kept.standing.slot % 40 == 0:
                told = explain(snapshot, messages, NOW, kept.standing.slot)
                assert told == [one.decision for one in before]
            for counter, one in zip(met, before, strict=True):
                counter[plain(one.decision)] += 1
            chosen.update(
                one.message_id
                for one in choose(before, KEY, kept.standing.slot)
                if one.decision.verdict is Verdict.DELIVER
            )
        counted = count(snapshot, messages, NOW, KEY)
        assert counted.people == len(people)
        assert [dict(each) for each in counted.met] == [dict(each) for each in met]
        assert list(counted.chosen) == [chosen[one.message_id] for one in messages]


def test_more_rules_than_codes_were_thought_of(tmp_path):
    dice = Random(1)
    rules = [f"stated_age = {100_000 + n}" for n in range(600)]
    assert_equal(tmp_path, dice, stated_of(dice, *rules, "stated_age >= 18"))


def test_more_messages_than_a_mask_has_bits_also_without_topics(tmp_path):
    dice = Random(2)
    stated = stated_of(dice)
    for count_ in (63, 70):
        (spring,) = (replace(SPRING, closes=NOW + DAY, limit=1),)
        named = {
            f"m{n}": replace(MENS, topics={"mens": 1 + n % 3} if n % 2 else {})
            for n in range(count_)
        }
        messages = [prepare(name, one, "spring", spring, stated) for name, one in named.items()]
        people = [person_of(dice, slot, messages) for slot in range(60)]
        place = tmp_path / str(count_)
        place.mkdir()
        snapshot = snapshot_of(place, stated, people, NOW)
        counted = count(snapshot, messages, NOW, KEY)
        chosen = Counter()
        for kept in people:
            after = choose(alone(messages, kept, NOW), KEY, kept.standing.slot)
            chosen.update(
                one.message_id for one in after if one.decision.verdict is Verdict.DELIVER
            )
        assert list(counted.chosen) == [chosen[one.message_id] for one in messages]
        assert chosen
