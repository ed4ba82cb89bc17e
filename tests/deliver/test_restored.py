"""After a restore: what may have left in the lost range does not leave once more."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError
from reciprocity.journal.backup import back_up, newest
from reciprocity.journal.restore import restore, sign_gap
from reciprocity.platform import Reciprocity
from reciprocity.platform.apply import resume
from tests.place import lose_all
from tests.shop import Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def restored(tmp_path: Path, clock: Clock) -> Iterator[Reciprocity]:
    """A shop that sent its campaign and then lost that: the backup is older, the gap is signed."""
    with lost(tmp_path, clock) as shop:
        yield shop


@contextmanager
def lost(place: Path, clock: Clock, *, sent_before: bool = False) -> Iterator[Reciprocity]:
    """A shop brought back from a backup, made before its campaign was sent, or just after."""
    journals, keys = place / "journals", place / "keys"
    with new_shop(place, clock=clock) as shop:
        add_people(shop, 2)
        if sent_before:
            assert shop.send("spring", "operator:tests").delivered == 2
        for each in (journals, keys):
            each.mkdir()
        back_up(shop.journal, journals, keys)
        clock.at += 60_000
        assert shop.send("spring", "operator:tests").delivered == (0 if sent_before else 2)
        folder, master, safe = shop.brand.folder, shop.brand.master_key, shop.brand.safekeeping
    lose_all(folder)
    found, with_keys = newest(journals, keys)
    restore(
        folder, journal_from=found, keys_from=with_keys, master_key=master, safekeeping=safe,
        clock=clock, operator="operator:tests",
    )  # fmt: skip
    with Reciprocity.open(folder, clock) as again:
        sign_gap(again.journal, "operator:ann")
        sign_gap(again.journal, "operator:ben")
        yield again


def test_a_campaign_that_may_have_left_in_the_lost_range_is_not_sent_again(restored) -> None:
    assert restored.journal.state().gap == 0
    assert restored.send("spring", "operator:tests").delivered == 0
    with pytest.raises(InputError, match="gap resume spring"):
        restored.apply("operator:tests")
    assert restored.audit().breaches == ()


def test_it_is_sent_once_an_operator_said_that_nothing_of_it_left(restored) -> None:
    resume(restored.journal, restored.brand, "spring", "operator:ann")
    assert restored.apply("operator:tests") == []
    assert restored.send("spring", "operator:tests").delivered == 2
    assert restored.audit().breaches == ()
    for name, words in (("spring", "somebody said so already"), ("none", "not in brand.toml")):
        with pytest.raises(InputError, match=words):
            resume(restored.journal, restored.brand, name, "operator:ann")


def test_one_of_another_id_that_opens_later_needs_no_such_word(restored, clock) -> None:
    file = restored.brand.folder / "brand.toml"
    text = file.read_text("utf-8").replace("campaigns.spring", "campaigns.summer")
    file.write_text(text.replace("opens = 2026-01-01", "opens = 2027-01-01"), "utf-8")
    with Reciprocity.open(restored.brand.folder, clock) as again:
        assert "campaign:summer" in again.apply("operator:tests")


def test_nor_is_one_that_the_lost_range_itself_put_in_force(restored, clock) -> None:
    file = restored.brand.folder / "brand.toml"
    text = file.read_text("utf-8").replace("campaigns.spring", "campaigns.lost")
    file.write_text(text, "utf-8")  # this log never heard of it, and it had opened
    with (
        Reciprocity.open(restored.brand.folder, clock) as again,
        pytest.raises(InputError, match="campaign lost had opened before the log was restored"),
    ):
        again.apply("operator:tests")


def test_a_later_beginning_does_not_make_it_another(restored, clock) -> None:
    file = restored.brand.folder / "brand.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("opens = 2026-01-01", "opens = 2027-01-01"), "utf-8")
    with (
        Reciprocity.open(restored.brand.folder, clock) as again,
        pytest.raises(InputError, match="campaign spring had opened before the log was restored"),
    ):
        again.apply("operator:tests")


def test_nor_is_its_end_moved_by_the_operators_word(tmp_path: Path, clock: Clock) -> None:
    with lost(tmp_path, clock, sent_before=True) as shop:
        file = shop.brand.folder / "brand.toml"
        text = file.read_text("utf-8")
        file.write_text(text.replace("closes = 2027-06-01", "closes = 2028-06-01"), "utf-8")
        with (
            Reciprocity.open(shop.brand.folder, clock) as again,
            pytest.raises(InputError, match="was sent already and would now close later"),
        ):
            resume(again.journal, again.brand, "spring", "operator:ann")
