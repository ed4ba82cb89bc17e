"""The jobs of `tick`: one holder at a time, and the last success on show."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reciprocity.deliver.jobs import Jobs
from reciprocity.deliver.outbox import Queued
from reciprocity.errors import Damaged, InputError, Unavailable
from reciprocity.journal.lease import lease
from tests.shop import DAY, START, Clock, add_people, new_shop

if TYPE_CHECKING:
    from pathlib import Path

    from reciprocity.platform import Reciprocity


def test_a_job_held_by_another_is_left_to_it(tmp_path: Path) -> None:
    with closing(Jobs(tmp_path, Clock())) as one, closing(Jobs(tmp_path, Clock())) as other:
        inner = one.run("erase", lambda: other.run("erase", lambda: "twice", "left"), "")
        assert inner == "left"
        assert other.run("erase", lambda: "done", "left") == "done"


def test_only_a_success_is_noted(tmp_path: Path) -> None:
    clock = Clock()
    with closing(Jobs(tmp_path, clock)) as jobs:
        jobs.run("send", lambda: None, None)
        clock.at += 5
        with pytest.raises(ZeroDivisionError):
            jobs.run("send", lambda: 1 // 0, 0)
        assert jobs.last_success() == {"send": START}


def test_a_tick_shows_when_each_job_last_succeeded(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        ticked = shop.tick("operator:tests")
        jobs = ("epoch", "erase", "observed", "promises", "send", "sweep")
        assert ticked.last_success == dict.fromkeys(jobs, START)
        clock.at += 60_000
        again = dict.fromkeys(jobs, START + 60_000) | {"promises": START}  # once a day
        assert shop.tick("operator:tests").last_success == again


def proofs(shop: Reciprocity) -> list[int]:
    """How many epochs, audits and scorecards were published."""
    kinds = ("epoch.published", "audit.published", "scorecard.published")
    return [len(shop.journal.brand_events(kind)) for kind in kinds]


@pytest.mark.files  # it is one of the files that is damaged
def test_a_job_that_fails_keeps_no_other_from_its_turn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        assert shop.tick("operator:tests").last_success["send"] == START
        before = proofs(shop)
        add_people(shop, 1)  # else there is nothing new to publish an epoch of
        shop.post.outbox.put([Queued("adrift", slot, "garden", 0, 0)])  # of no campaign there is
        (shop.brand.folder / "observed.db").write_bytes(b"no database" * 1000)
        clock.at += DAY
        with pytest.raises(Damaged, match="cannot be read"):
            shop.tick("operator:tests")
        assert "send failed too: campaign 'adrift' is not in force" in caplog.text
        assert proofs(shop) == [count + 1 for count in before]
        with closing(Jobs(shop.brand.folder, clock)) as jobs:
            since = jobs.last_success()
        assert {since.pop(name) for name in ("send", "observed")} == {START}
        assert set(since) == {"audit", "epoch", "erase", "promises", "sweep"}
        assert set(since.values()) == {START + DAY}


def test_proofs_do_not_wait_for_whoever_is_sending(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop, lease(tmp_path / "shop" / "send.lock") as held:
        assert held
        clock.at += DAY
        with pytest.raises(Unavailable, match="another process is sending"):
            shop.tick("operator:tests")
        assert proofs(shop) == [1, 1, 1]


def test_the_first_failure_is_raised_when_all_is_done(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        shop.post.outbox.put([Queued("adrift", slot, "garden", 0, 0)])
        for days in (1, 2):
            clock.at += DAY
            with pytest.raises(InputError, match="adrift"):
                shop.tick("operator:tests")
            assert proofs(shop)[1] == days
