"""A count may be stopped: what it had found stays, and is good for the very same question only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, NoReturn

import pytest
from msgspec.structs import replace

from reciprocity.decide.many.count import Counted, asking, count
from reciprocity.decide.many.snapshot import Snapshot, snapshot_at
from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.journal.cache import Kept, StandingCache
from reciprocity.journal.copies import COUNTING, PART, copies_of
from reciprocity.platform import Reciprocity
from tests.shop import DAY, Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.decide.prepare import Prepared

COPIES, STEPS = 20, 3
"""Times that one part stands in the list, and queries that takes."""
KEY = b"key of the draws"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Reciprocity]:
    with new_shop(tmp_path, clock=Clock()) as made:
        slots = add_people(made, 30, {"garden": 2, "kitchen": 1})
        add_people(made, 10, {"garden": 1, "kitchen": 1})  # equal scores: a draw decides
        withdraw(made, slots[3])
        yield made


@pytest.fixture
def messages(shop: Reciprocity) -> list[Prepared]:
    stated = statements_in_force(shop.journal)
    return list(prepare_all(stated, campaign_in_force(shop.journal, "spring")).values())


@pytest.fixture
def large(shop: Reciprocity) -> Iterator[Snapshot]:
    """A snapshot of many parts."""
    with snapshot_at(shop.journal, statements_in_force(shop.journal), shop.journal.clock()) as made:
        yield made._replace(parts=made.parts * COPIES, people=made.people * COPIES)


def counted(
    snapshot: Snapshot, messages: list[Prepared], key: bytes = KEY, stop_at: int = 0
) -> tuple[Counted | None, list[int]]:
    """What a count finds, None if it is stopped before its step *stop_at*; how far it was when."""
    seen: list[int] = []

    def move(done: int, _: int) -> None:
        seen.append(done)
        if len(seen) == stop_at:
            raise KeyboardInterrupt

    try:
        return count(snapshot, messages, snapshot.at, key, move), seen
    except KeyboardInterrupt:
        return None, seen


def test_it_goes_on_where_it_was_stopped_and_finds_the_same(large, messages):
    whole, steps = counted(large, messages)
    assert whole is not None
    assert len(steps) == STEPS
    assert steps[-1] == whole.people == large.people
    for stop_at in (1, 2):
        stopped, seen = counted(large, messages, stop_at=stop_at)
        assert stopped is None
        assert seen == steps[:stop_at]
        assert counted(large, messages) == (whole, steps[stop_at:])
        assert not (large.place / COUNTING).exists()


def test_stopped_again_and_again_it_ends(large, messages):
    whole, _ = counted(large, messages)
    found = [counted(large, messages, stop_at=1)[0] for _ in range(STEPS)]
    assert found == [None] * STEPS  # the last stop was after the last part
    assert counted(large, messages) == (whole, [])


def test_another_question_begins_anew(large, messages):
    for other in (
        lambda: counted(large, messages, b"another key"),
        lambda: counted(large, messages[:1]),
        lambda: counted(large._replace(at=large.at + 1), messages),
        lambda: counted(large._replace(position=large.position + 1), messages),
    ):
        counted(large, messages, stop_at=2)
        found, seen = other()
        assert len(seen) == STEPS
        assert found is not None
        assert found.people == large.people


THIRD = """
[campaigns.spring.messages.third]
purpose = "offers"
channel = "email"
subject = "Third"
text = "Third."
topics = { garden = 2 }
"""


def test_another_campaign_of_the_same_form_begins_anew(tmp_path):
    """Other names draw otherwise, and another limit lets others through."""
    with new_shop(tmp_path, clock=Clock()) as made:
        brand = made.brand.folder / "brand.toml"
        text = brand.read_text() + THIRD
        spring = text[text.index("[campaigns.spring]") :]
        autumn = spring.replace("spring", "autumn").replace("messages.", "messages.late_")
        title = 'title = "Spring"\n'
        assert title in text
        three, two = (f"{title}limit = {number}\n" for number in (3, 2))
        brand.write_text(text.replace(title, three) + autumn.replace(title, two))
    with Reciprocity.open(brand.parent, Clock()) as shop:
        shop.apply("operator:tests")
        add_people(shop, 60, {"garden": 1, "kitchen": 1})
        at = shop.journal.clock() + 1
        for campaign, other in (("spring", "autumn"), ("autumn", "spring")):
            with pytest.raises(KeyboardInterrupt):
                shop.plan(campaign, at, stopping, engine="duckdb")
            assert shop.plan(other, at, engine="duckdb") == shop.plan(other, at)


@pytest.mark.parametrize("what", ["people", "sent"])
def test_a_part_that_was_made_anew_meanwhile_is_counted_once(shop, what):
    parts = range(10)
    everyone = list(shop.journal.everyone())[:4]
    with closing(StandingCache(shop.journal.folder / "standing.db")) as cache:
        cache.begin()
        cache.write_kept([
            Kept(replace(one.standing, slot=part * PART + number), one.clear, bytes([part, number]))
            for part in parts[1:] for number, one in enumerate(everyone[: 1 + part % 4])
        ], shop.journal.clock())  # fmt: skip
        cache.commit()
    at = shop.journal.clock() + 1
    whole = shop.plan("spring", at)
    for number in (0, 3, 7):
        with pytest.raises(KeyboardInterrupt):
            shop.plan("spring", at, stopping, engine="duckdb")
        (copies_of(shop.journal.folder) / f"{what}-{number:06d}.parquet").unlink()
        assert shop.plan("spring", at, engine="duckdb") == whole


def stopping(*_: object) -> None:
    raise KeyboardInterrupt


def test_another_process_asks_the_very_same(shop):
    """However Python shuffles its sets there."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom reciprocity.platform import Reciprocity\n"
        "import reciprocity.decide.many.tally as tally\n"
        "tally.Tally.keep = lambda self, place: print(self.question)\n"
        f"with Reciprocity.open(Path({str(shop.brand.folder)!r})) as shop:\n"
        f"    shop.plan('spring', {shop.journal.clock() + DAY}, engine='duckdb')\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (1, 2, 3)
    }  # fmt: skip
    assert len(told) == 1
    assert len(told.pop().strip()) == 64


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"question": 1}', b"\xff"])
def test_rubbish_in_its_place_is_nothing(large, messages, rubbish):
    whole, _ = counted(large, messages)
    (large.place / COUNTING).write_bytes(rubbish)
    assert counted(large, messages)[0] == whole


def test_it_says_nothing_of_the_key(large, messages):
    counted(large, messages, stop_at=1)
    told = (large.place / COUNTING).read_bytes()
    assert KEY not in told
    assert KEY.hex().encode() not in told


def test_an_erasure_takes_it_away(shop):
    shop.plan("spring", engine="duckdb")
    kept = copies_of(shop.journal.folder) / COUNTING
    kept.write_bytes(b"{}")
    shop.erase(3, "operator:tests", now=True)
    assert not kept.exists()


def test_a_signal_while_a_query_runs_is_a_stop_and_no_fault(large):
    def interrupted() -> NoReturn:
        with asking(large) as db:
            threading.Timer(0.5, signal.raise_signal, [signal.SIGINT]).start()
            db.execute(
                "SELECT count(*) FROM range(100_000_000) a, range(100) b "
                "WHERE hash(a.range) % 7 = b.range % 7"
            ).fetchall()
        raise AssertionError("nothing stopped it")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with asking(large) as db:
        assert db.execute("SELECT 42").fetchone() == (42,)
