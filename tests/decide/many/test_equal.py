"""A population on DuckDB is decided as each person alone is, to the letter."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from reciprocity.decide.choose import choose
from reciprocity.decide.many.count import count, explain
from reciprocity.decide.many.layout import rows_of
from reciprocity.decide.many.parquet import PartFile, write_part
from reciprocity.decide.many.snapshot import Snapshot
from reciprocity.decide.one import decide_one
from reciprocity.decide.zones import zone_offset
from reciprocity.model import Decision, Verdict
from tests.decide.conditions import conditions
from tests.decide.people import person_of, prepared_of, stated_of
from tests.decide.samples import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reciprocity.decide.one import Judged
    from reciprocity.decide.prepare import Prepared, Statements
    from reciprocity.journal.cache import Kept

KEY = bytes(range(32))


def snapshot_of(place: Path, stated: Statements, people: Sequence[Kept], at: int) -> Snapshot:
    rows, row_of = rows_of(stated)
    part = PartFile(place, 0)
    sent = [
        (kept.standing.slot, one.occasion, one.message)
        for kept in people for one in kept.standing.sent
    ]  # fmt: skip
    write_part(part, rows, None, [([row_of(kept, at) for kept in people], sent)])
    return Snapshot(place, rows, at, 7, len(people), (part,))


def alone(messages: Sequence[Prepared], kept: Kept, at: int) -> list[Judged]:
    offset = zone_offset(kept.standing.wishes.time_zone, at)
    return decide_one(messages, kept.standing, kept.clear, at, offset)


def plain(decision: Decision) -> Decision:
    return Decision(verdict=decision.verdict, reason=decision.reason)


@settings(max_examples=12)
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
