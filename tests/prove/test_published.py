"""Audits published: each goes on from the one before, their sum is the whole, and a gap shows."""

from __future__ import annotations

import random
from collections import Counter
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import msgspec
import pytest

from reciprocity.errors import Conflict, Damaged
from reciprocity.events import AuditPublished, Latency, Outcome
from reciprocity.journal.backup import back_up, newest
from reciprocity.journal.entry import Entry
from reciprocity.journal.restore import restore
from reciprocity.leave import erase as erasing
from reciprocity.platform import Reciprocity
from reciprocity.prove.audit import replayed
from reciprocity.prove.figures import Figures, added, by_kind
from reciprocity.prove.published import audit_new, due, overdue, publish, published
from tests.place import lose
from tests.prove.busy import Busy
from tests.prove.test_replay import honest_attempt, overtaken, plant
from tests.shop import DAY, Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path

    from reciprocity.events import Attempt

HOUR = 3_600_000


def totals(shop: Reciprocity) -> tuple[int, int, dict[str, int], int]:
    """What the newest statement says in all."""
    said = published(shop.journal)[-1].said
    return said.deliveries, said.erased, said.breaches, said.near_misses


def in_full(shop: Reciprocity) -> tuple[int, int, dict[str, int], int]:
    """What one run over everything finds."""
    found = shop.audit()
    kinds = dict(sorted(by_kind(found.breaches).items()))
    return found.deliveries, found.erased, kinds, found.near_misses


def delays(figures: Figures) -> Counter[int]:
    """What stands of the delays: added ones less those they replaced."""
    counted = Counter(figures.delays)
    counted.subtract(figures.revised)
    return +counted


@pytest.mark.parametrize("seed", range(8))
def test_runs_over_what_is_new_add_up_to_one_run_over_all(tmp_path: Path, seed: int) -> None:
    dice, clock = random.Random(seed), Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        busy, parts, positions = Busy(shop, clock, dice, 6), list[Figures](), Counter[int]()
        for _ in range(10):
            for _ in range(dice.randint(0, 25)):
                busy.step()
            before = published(shop.journal)
            since = before[-1].said.size if before else 0
            parts.append(replayed(shop.journal, since=since)[0])
            found, stated = publish(shop.journal)
            assert stated.said.mode == ("new" if since else "full")
            assert found.since == since
            assert totals(shop) == in_full(shop)
            positions.update(one.position for one in found.breaches if one.person)
        whole, _ = replayed(shop.journal)
        # breaches of the erased are stated again by their erasure, under its own position
        alive = Counter(one.position for one in whole.breaches if one.person)
        assert alive <= positions
        assert delays(added(parts)) == Counter(whole.delays)
        assert sum(each.said.withdrawals for each in published(shop.journal)) == len(whole.delays)


@pytest.mark.parametrize("seed", range(8))
def test_the_cut_may_be_anywhere(tmp_path: Path, seed: int) -> None:
    dice, clock = random.Random(seed), Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        busy, since, parts = Busy(shop, clock, dice, 3), 0, list[Figures]()
        for _ in range(25):
            for _ in range(dice.randint(0, 4)):
                busy.step(erasing=False)
            parts.append(replayed(shop.journal, since=since)[0])
            since = shop.journal.state().size
        whole, sum_of_parts = replayed(shop.journal)[0], added(parts)
        assert sum_of_parts.deliveries == whole.deliveries
        assert sum_of_parts.near_misses == whole.near_misses
        assert Counter(map(str, sum_of_parts.breaches)) == Counter(map(str, whole.breaches))
        assert delays(sum_of_parts) == Counter(whole.delays)


@pytest.mark.parametrize("outcome", ["delivered", "failed", "cancelled", "unknown"])
def test_news_of_an_attempt_counted_before_changes_what_was_counted(
    tmp_path: Path, outcome: str
) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        attempt = honest_attempt(shop, slot)
        from_before = _attempted(shop, slot, attempt)
        withdraw(shop, slot)
        publish(shop.journal)
        assert totals(shop)[0] == 1  # it may have left
        assert published(shop.journal)[-1].said.withdrawal_to_last_send_ms.max == 30_000
        clock.at += 1_500
        _news(shop, slot, from_before, outcome)
        found, _ = publish(shop.journal)
        assert totals(shop) == in_full(shop)
        assert found.withdrawals == 0
        assert found.deliveries == (0 if outcome in {"delivered", "unknown"} else -1)
        # a changed delay is told again; a withdrawal after which nothing left counts as 0
        expected = {"delivered": 1_500, "unknown": 1_500, "failed": 0, "cancelled": 0}[outcome]
        assert found.withdrawal_to_last_send_ms.max == expected


def _attempted(shop: Reciprocity, slot: int, attempt: Attempt) -> int:
    kept = shop.journal.kept(slot)
    assert kept is not None
    version = kept.standing.version
    entry = Entry(kind="delivery.attempted", body=attempt, slot=slot, expect=version)
    (appended,) = shop.journal.append([entry])
    return appended.version


def _news(shop: Reciprocity, slot: int, attempt: int, outcome: str) -> None:
    body = Outcome(attempt=attempt)
    shop.journal.append([Entry(kind=f"delivery.{outcome}", body=body, slot=slot)])


def test_who_has_nothing_new_is_not_opened(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        one, other = add_people(shop, 2)
        plant(shop, one, honest_attempt(shop, one))
        publish(shop.journal)
        plant(shop, other, honest_attempt(shop, other))
        shop.journal.keys.begin()
        shop.journal.keys.destroy(one)  # so that opening them would fail
        shop.journal.keys.commit()
        assert audit_new(shop.journal).deliveries == 1
        with pytest.raises(Damaged):
            shop.audit()


def test_an_audit_changes_nothing_unless_it_is_published(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        Busy(shop, Clock(), random.Random(1), 3)
        before = shop.journal.state()
        shop.audit()
        audit_new(shop.journal)
        assert shop.journal.state() == before
        publish(shop.journal)
        assert shop.journal.state().size == before.size + 1


def test_what_is_published_is_counts_and_nothing_else(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        busy = Busy(shop, clock, random.Random(3), 6)
        for _ in range(60):
            busy.step()
        _, stated = publish(shop.journal)
        told = shop.journal.told(stated.position)
        assert shop.journal.reader.row(stated.position).leaf[1:] == told.text  # in clear
        body = msgspec.json.decode(told.text)["body"]
        assert body.keys() == set(AuditPublished.__struct_fields__) - {"missed"}
        words = {key for key, value in body.items() if not isinstance(value, int)}
        assert words == {"mode", "root", "breaches", "withdrawal_to_last_send_ms"}
        assert set(body["breaches"]) <= {
            "no_consent", "facts_differ", "rule_refuses", "late_handover", "double",
        }  # fmt: skip
        assert body["root"] == shop.journal.root(body["size"]).hex()


def test_an_erasure_that_was_not_replayed_makes_the_next_audit_judge_all(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        one, other = add_people(shop, 2)
        overtaken(shop, one, clock)
        plant(shop, other, honest_attempt(shop, other))
        publish(shop.journal)
        clock.at += 31_000
        erasing.erase(shop.journal, one, operator="operator:ada", now=True)
        found, stated = publish(shop.journal)
        assert (found.since, stated.said.mode) == (0, "full")
        assert totals(shop) == in_full(shop) == (1, 1, {}, 0)
        plant(shop, other, honest_attempt(shop, other))
        assert publish(shop.journal)[1].said.mode == "new"
        assert totals(shop) == in_full(shop)


def test_a_restore_between_two_audits_loses_and_doubles_nothing(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        busy = Busy(shop, clock, random.Random(4), 6)
        for _ in range(40):
            busy.step()
        publish(shop.journal)
        for _ in range(10):
            busy.step()
        back_up(shop.journal, tmp_path / "j", tmp_path / "k", keep_days=3_000)
        for _ in range(20):
            busy.step()
        publish(shop.journal)
        gone = set(shop.journal.erased())
        brand = shop.brand
    for name in ("journal.db", "keys.db", "standing.db"):
        lose(brand.folder, name)
    from_journal, from_keys = newest(tmp_path / "j", tmp_path / "k")
    restore(
        brand.folder, journal_from=from_journal, keys_from=from_keys,
        master_key=brand.master_key, safekeeping=brand.safekeeping, clock=clock,
        operator="operator:ada",
    )  # fmt: skip
    with Reciprocity.open(brand.folder, clock) as again:
        assert [each.said.number for each in published(again.journal)] == [1]
        for slot in sorted(set(busy.slots) - gone)[:2]:
            if again.journal.kept(slot):
                withdraw(again, slot)
        publish(again.journal)
        assert totals(again) == in_full(again)
        assert [each.said.number for each in published(again.journal)] == [1, 2]


def test_two_who_publish_at_once_do_not_both_publish(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as one:
        busy = Busy(one, clock, random.Random(6), 4)
        for _ in range(20):
            busy.step()
        both, answers = Barrier(2), list[object]()

        def stop(done: int, people: int) -> None:
            if done == people:
                both.wait(timeout=20)  # both have judged, neither has published

        def run(shop: Reciprocity) -> None:
            try:
                answers.append(publish(shop.journal, stop)[1].said.number)
            except Conflict as error:
                answers.append(str(error))

        with Reciprocity.open(one.brand.folder, clock) as other:
            threads = [Thread(target=run, args=(shop,)) for shop in (one, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sorted(map(str, answers)) == [
            "1", "audit 1 was published by another process meanwhile",
        ]  # fmt: skip
        assert [each.said.number for each in published(one.journal)] == [1]
        assert publish(one.journal)[1].said.number == 2


def test_a_statement_of_another_log_is_not_carried_on(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        said = AuditPublished(
            number=1, mode="full", since=0, size=3, root="00" * 32, deliveries=0, erased=0,
            breaches={}, near_misses=0, withdrawals=0,
            withdrawal_to_last_send_ms=Latency(p50=0, p99=0, max=0),
        )  # fmt: skip
        shop.journal.append([Entry(kind="audit.published", body=said)])
        with pytest.raises(Damaged, match="another log"):
            audit_new(shop.journal)


# --- nightly ------------------------------------------------------------------------------------


def test_the_night_s_audit_is_done_by_tick_once_a_day(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, 3)
        shop.send("spring", "operator:tests")
        assert shop.tick("operator:tests").audited is None  # the log was opened just now
        clock.at += DAY
        audited = shop.tick("operator:tests").audited
        assert audited is not None
        assert (audited.said.number, audited.said.deliveries, audited.new_breaches) == (1, 3, 0)
        assert shop.tick("operator:tests").audited is None
        clock.at += DAY - 1
        assert shop.tick("operator:tests").audited is None
        clock.at += 1
        ticked = shop.tick("operator:tests")
        assert ticked.audited is not None
        assert (ticked.audited.said.mode, ticked.audited.said.missed) == ("new", 0)
        assert ticked.last_success["audit"] == clock.at


@pytest.mark.parametrize(
    ("later", "missed"), [(DAY, 0), (2 * DAY - 1, 0), (2 * DAY, 1), (9 * DAY + HOUR, 8)]
)
def test_missed_nights_are_stated_in_public(tmp_path: Path, later: int, missed: int) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        assert publish(shop.journal)[1].said.missed == 0
        clock.at += later
        assert publish(shop.journal)[1].said.missed == missed
        assert [each.at for each in published(shop.journal)] == [clock.at - later, clock.at]


def test_an_audit_older_than_26_hours_is_overdue(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        assert not overdue(shop.journal)  # the log was opened just now
        clock.at += 26 * HOUR + 1
        assert overdue(shop.journal)
        publish(shop.journal)
        clock.at += 26 * HOUR
        assert not overdue(shop.journal)
        assert due(shop.journal)
        clock.at += 1
        assert overdue(shop.journal)
