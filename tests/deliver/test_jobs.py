"""The jobs of `tick`: one holder at a time, and the last success on show."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reciprocity.deliver.jobs import Jobs
from tests.shop import START, Clock, new_shop

if TYPE_CHECKING:
    from pathlib import Path


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
