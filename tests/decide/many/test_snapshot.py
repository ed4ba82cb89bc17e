"""A snapshot says what the standings say: after news, after time, after whatever went wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from reciprocity.decide.many.count import count, explain
from reciprocity.decide.many.parquet import PartFile
from reciprocity.decide.many.snapshot import snapshot_at
from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.errors import InputError, Unavailable
from reciprocity.events import Act, Quiet
from reciprocity.journal.cache import Kept, StandingCache
from reciprocity.journal.copies import PART, copies_of
from reciprocity.journal.entry import Entry
from reciprocity.model import Verdict
from reciprocity.platform import Reciprocity
from tests.shop import DAY, Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.decide.prepare import Prepared

SPRING = "spring"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[Reciprocity]:
    with new_shop(tmp_path, clock=clock) as made:
        add_people(made, 30, {"garden": 2})
        add_people(made, 20, {"kitchen": 2})
        add_people(made, 10, {"garden": 1, "kitchen": 2})  # equal scores: a draw decides
        add_people(made, 5, {"garden": -1})
        yield made


def equal(shop: Reciprocity, at: int | None = None) -> None:
    """Both engines plan alike."""
    told = shop.plan(SPRING, at, engine="duckdb")
    assert told == replace(shop.plan(SPRING, told.at), at=told.at)
    assert told.people == shop.journal.count()


def messages(shop: Reciprocity) -> list[Prepared]:
    stated = statements_in_force(shop.journal)
    return list(prepare_all(stated, campaign_in_force(shop.journal, SPRING)).values())


def rows(shop: Reciprocity) -> dict[int, dict[str, object]]:
    place = copies_of(shop.journal.folder)
    return {
        row["slot"]: row
        for path in sorted(place.glob("people-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    }  # fmt: skip


# --- it follows -----------------------------------------------------------------------------------


def test_what_people_do_is_followed_and_nobody_else_is_read_again(shop, clock):
    equal(shop)
    before = rows(shop)
    withdraw(shop, 3)
    new = add_people(shop, 2)
    act = Act(actor="person", method="web", quiet=Quiet(start=0, end=1_439))
    shop.journal.append([Entry(kind="preferences.set", body=act, slot=7)])
    clock.at += 1
    read: list[tuple[int, int]] = []
    shop.plan(SPRING, engine="duckdb", on_snapshot=lambda *told: read.append(told))
    assert read == [(4, 4)]
    equal(shop)
    changed = {slot for slot, row in rows(shop).items() if row != before.get(slot)}
    assert changed == {3, 7, *new}


def test_what_was_sent_counts_and_leaves_the_caps_by_the_clock_alone(shop, clock):
    equal(shop)
    shop.send(SPRING, "operator:tests")
    for days in (0, 7, 30, 365):
        equal(shop, clock.at + days * DAY)
    equal(shop, clock.at + DAY)  # and back again


def test_a_time_zone_nobody_had_before_is_read(shop, clock):
    equal(shop)
    for slot, zone in ((1, "Asia/Tokyo"), (2, "Mars/Olympus"), (4, "America/New_York")):
        act = Act(actor="person", method="web", time_zone=zone, quiet=Quiet(start=500, end=900))
        shop.journal.append([Entry(kind="preferences.set", body=act, slot=slot)])
    for hours in (0, 9, 21):
        equal(shop, clock.at + hours * 3_600_000)


def test_another_brand_file_makes_it_anew(shop, clock):
    equal(shop)
    file = shop.brand.folder / "brand.toml"
    file.write_text(file.read_text().replace("cap_7_days = 3", "cap_7_days = 0"))
    clock.at += 1
    with Reciprocity.open(file.parent, clock) as again:
        again.apply("operator:tests")
        equal(again)
        assert again.plan(SPRING, engine="duckdb").messages["garden"].deliver == 0


def test_people_of_several_parts(shop, clock):
    everyone = list(shop.journal.everyone())
    cache = StandingCache(shop.journal.folder / "standing.db")
    far = [
        Kept(replace(kept.standing, slot=begin + number), kept.clear, kept.pseudonym[::-1] + b"x")
        for begin in (PART - 3, PART, 3 * PART - 1, 5 * PART)
        for number, kept in enumerate(everyone[begin % 7 : begin % 7 + 2])
    ]
    cache.begin()
    cache.write_kept(far, clock.at)
    cache.commit()
    cache.close()
    equal(shop)
    assert len(list(copies_of(shop.journal.folder).glob("people-*"))) == 6
    stated = statements_in_force(shop.journal)
    with snapshot_at(shop.journal, stated, clock.at) as snapshot:
        for kept in far:
            slot = kept.standing.slot
            assert [one.verdict for one in explain(snapshot, messages(shop), clock.at, slot)] == [
                Verdict.DELIVER, Verdict.REFUSE,
            ]  # fmt: skip
        assert explain(snapshot, messages(shop), clock.at, 4 * PART) == []
        assert explain(snapshot, messages(shop), clock.at, 2**40) == []


# --- whom it must not have ------------------------------------------------------------------------


def test_an_erased_person_is_in_no_file(shop, clock):
    equal(shop)
    place = copies_of(shop.journal.folder)
    (place / "people-000000.tmp").write_bytes(b"left behind by somebody who was killed")
    shop.erase(3, "operator:tests", now=True)
    assert not list(place.glob("*-000000.parquet"))
    assert not list(place.glob("*.tmp"))
    clock.at += 1
    equal(shop)
    assert 3 not in rows(shop)


def erased_elsewhere(shop, slot):
    """What a machine has whose snapshot knows nothing of an erasure on another one."""
    place = copies_of(shop.journal.folder)
    shutil.copytree(place, place.with_name("kept"))
    shop.erase(slot, "operator:tests", now=True)
    shutil.rmtree(place)
    place.with_name("kept").rename(place)
    return place


def test_whoever_another_machine_erased_leaves_the_files_here_with_the_next_tick(shop):
    equal(shop)
    before = set(copies_of(shop.journal.folder).glob("*.parquet"))
    place = erased_elsewhere(shop, 3)
    assert set(place.glob("*.parquet")) == before
    shop.tick("operator:tests")
    gone = before - set(place.glob("*.parquet"))
    assert gone == {path for path in before if path.name.endswith("-000000.parquet")}
    assert gone


def test_whoever_another_machine_erased_is_in_no_plan_made_here_before_that(shop, clock):
    equal(shop)
    assert 3 in rows(shop)
    erased_elsewhere(shop, 3)
    withdraw(shop, 4)  # so that the part is written anew
    clock.at += 1
    equal(shop)
    assert 3 not in rows(shop)


def test_no_address_and_no_value_that_was_not_shared(shop):
    equal(shop)
    place = copies_of(shop.journal.folder)
    assert place.stat().st_mode & 0o077 == 0
    for path in place.glob("*.parquet"):
        assert b"example.com" not in path.read_bytes()


# --- whatever goes wrong --------------------------------------------------------------------------


def test_it_is_good_for_one_instant_only(shop, clock):
    stated = statements_in_force(shop.journal)
    with snapshot_at(shop.journal, stated, clock.at) as snapshot:
        for at in (clock.at - 1, clock.at + 1):
            with pytest.raises(InputError, match="good for the instant"):
                count(snapshot, messages(shop), at, b"")
            with pytest.raises(InputError, match="good for the instant"):
                explain(snapshot, messages(shop), at, 1)
    with pytest.raises(InputError, match="before the journal's last event"):
        shop.plan(SPRING, clock.at - DAY, engine="duckdb")


def test_making_it_may_be_stopped_anywhere(shop, clock):
    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            shop.plan(SPRING, engine="duckdb", on_snapshot=stop)
    equal(shop)
    withdraw(shop, 5)
    clock.at += 1
    with pytest.raises(KeyboardInterrupt):
        shop.plan(SPRING, engine="duckdb", on_snapshot=stop)
    withdraw(shop, 6)
    with pytest.raises(KeyboardInterrupt):
        shop.plan(SPRING, engine="duckdb", progress=stop)
    equal(shop)


def test_a_file_cut_short_is_made_anew(shop):
    equal(shop)
    place = copies_of(shop.journal.folder)
    for name in ("people-000000.parquet", "sent-000000.parquet", "made.json"):
        whole = (place / name).read_bytes()
        (place / name).write_bytes(whole[: len(whole) // 2])
        equal(shop)
        (place / name).unlink()
        equal(shop)


def test_a_file_with_something_else_in_it_is_said_so(shop):
    equal(shop)
    path = copies_of(shop.journal.folder) / "people-000000.parquet"
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(Unavailable, match="delete the folder"):
        shop.plan(SPRING, engine="duckdb")


def test_a_row_with_anything_missing_is_refused_whichever_it_is(shop, clock):
    stated = statements_in_force(shop.journal)
    with snapshot_at(shop.journal, stated, clock.at) as snapshot:
        part = PartFile(copies_of(shop.journal.folder), 0)
        whole = pq.read_table(part.people)
        good = explain(snapshot, messages(shop), clock.at, 0)
        assert good[0].verdict is Verdict.DELIVER
        refused = set()
        for number, each in enumerate(snapshot.rows.stored):
            if each.name in {"slot", "version", "since", "until", "w1"}:
                continue  # of no fact; a message reads no word that it does not need
            nothing = pa.nulls(whole.num_rows, whole.schema.field(number).type)
            pq.write_table(
                whole.set_column(number, whole.schema.field(number), nothing), part.people
            )
            told = explain(snapshot, messages(shop), clock.at, 0)[0]
            assert told.verdict is Verdict.REFUSE, each
            refused.add(told.reason)
        assert {one.partition(":")[0] for one in refused} == {
            "facts_incomplete", "attribute_not_shared",
        }  # fmt: skip
        for number, each in enumerate(snapshot.rows.stored):
            if each.sql != "BIGINT":
                continue
            text = pa.array(["1"] * whole.num_rows)
            pq.write_table(whole.set_column(number, each.name, text), part.people)
            with pytest.raises(Unavailable, match="other columns"):
                explain(snapshot, messages(shop), clock.at, 0)


def test_a_state_of_consent_that_was_never_published_is_refused(shop, clock):
    stated = statements_in_force(shop.journal)
    with snapshot_at(shop.journal, stated, clock.at) as snapshot:
        part = PartFile(copies_of(shop.journal.folder), 0)
        whole = pq.read_table(part.people)
        column = next(each for each in snapshot.rows.packed
                      if each == ("consent_state", "offers/email"))  # fmt: skip
        bits = snapshot.rows.packed[column]
        number = whole.schema.get_field_index(bits.word)
        words = [word | 7 << bits.shift for word in whole[bits.word].to_pylist()]
        pq.write_table(whole.set_column(number, bits.word, pa.array(words)), part.people)
        told = explain(snapshot, messages(shop), clock.at, 0)
        assert {one.reason for one in told} == {"facts_incomplete:consent_state"}


def test_the_last_day_there_is_can_be_planned_for(shop):
    last = 253_402_300_799_000  # 9999-12-31T23:59:59Z: some zones are past it
    told = shop.plan(SPRING, last, engine="duckdb")
    assert told == shop.plan(SPRING, last)


def test_several_at_once_plan_alike(shop, clock):
    with ThreadPoolExecutor(4) as pool:
        plans = list(pool.map(lambda _: shop.plan(SPRING, clock.at, engine="duckdb"), range(8)))
    assert {repr(one) for one in plans} == {repr(shop.plan(SPRING, clock.at))}


def test_without_duckdb_the_command_says_what_to_install(shop):
    code = (
        "import sys; sys.modules['duckdb'] = None\n"
        "from reciprocity.cli import main\n"
        f"sys.argv = ['reciprocity', '--brand', {str(shop.brand.folder)!r}, 'plan', 'spring',"
        " '--engine', 'duckdb']\nsys.exit(main())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "pip install 'reciprocity[duckdb]'" in told.stderr.replace("\n", " ")


def test_random_news_at_random_times(shop, clock):
    dice = Random(5)
    for _ in range(8):
        clock.at += dice.choice([1, 3_600_000, 20 * DAY])
        for slot in dice.sample(range(60), 4):
            withdraw(shop, slot)
        if dice.random() < 0.5:
            add_people(shop, 3, {"kitchen": dice.choice([1, 2])})
        if dice.random() < 0.3:
            shop.send(SPRING, "operator:tests")
        equal(shop, None if dice.random() < 0.6 else clock.at + dice.choice([1, DAY, 400 * DAY]))
