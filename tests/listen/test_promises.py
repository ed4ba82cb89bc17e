"""Promised and delivered, counted from a person's own events, by the promise of their yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reciprocity.collect.proposition import terms_of
from reciprocity.consent.draft import grant, withdraw
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.errors import InputError
from reciprocity.events import Attempt
from reciprocity.listen.deliveries import Followed
from reciprocity.listen.messages import Messages
from reciprocity.listen.promises import Kept, Promise, promises
from reciprocity.model import Benefit, Measure
from reciprocity.platform import count_promises
from tests.shop import DAY, MAILDIR, Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity

PROPOSITION = """
[propositions.picks]
title = "Picks"
purposes = ["offers"]
topics = ["garden"]
gives = [
    {{ measure = "picks", amount = {picks}, period_days = 30 }},
    {{ measure = "at_most", amount = 8, period_days = 30 }},
]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Reciprocity, Clock, int]]:
    """A shop and somebody who said yes to its proposition, and loves the garden."""
    clock = Clock()
    with new_shop(tmp_path, MAILDIR + PROPOSITION.format(picks=1), clock) as opened:
        (slot,) = add_people(opened, 1)
        say_yes(opened, slot)
        yield opened, clock, slot


def say_yes(shop: Reciprocity, slot: int) -> None:
    notice = terms_of(shop.statement, shop.laws, "picks", "en")[0].notice
    saying = shop.saying("person", "join_page", notice=notice, notice_language="en")
    shop.act(slot, lambda: grant(saying, ["offers"]))


def told(shop: Reciprocity, slot: int, at: int) -> dict[Measure, Promise]:
    messages = Messages(shop.journal.statements())
    read = Followed(shop.journal.history(slot), messages)
    return {one.measure: one for one in promises(read, messages.offers, at)}


def test_a_first_period_runs_then_it_is_kept_with_its_record(
    shop: tuple[Reciprocity, Clock, int],
) -> None:
    opened, clock, slot = shop
    begun = clock.at
    clock.at += DAY
    opened.send("spring", "operator:tests")
    (attempt,) = (one for one in opened.journal.history(slot) if isinstance(one.body, Attempt))
    first = told(opened, slot, begun + 10 * DAY)[Measure.PICKS]
    assert (first.state, first.records, first.running) == (Kept.RUNNING, (), (attempt.position,))
    assert first.ends == begun + 30 * DAY
    later = told(opened, slot, begun + 31 * DAY)[Measure.PICKS]
    assert (later.state, later.records, later.running) == (Kept.KEPT, (attempt.position,), ())
    assert (later.began, later.ended) == (begun, begun + 30 * DAY)
    after = told(opened, slot, begun + 61 * DAY)[Measure.PICKS]
    assert (after.state, after.records) == (Kept.SHORT, ())


def test_what_the_person_wanted_less_of_is_not_held_against_the_brand(
    shop: tuple[Reciprocity, Clock, int],
) -> None:
    opened, clock, slot = shop
    begun = clock.at
    saying = opened.saying("person", "preference_page")
    pauses = Preferences(pauses={"*": begun + 5 * DAY})
    opened.act(slot, lambda: prefer(saying, pauses))
    assert told(opened, slot, begun + 31 * DAY)[Measure.PICKS].state is Kept.OWN_WISH
    assert told(opened, slot, begun + 61 * DAY)[Measure.PICKS].state is Kept.SHORT
    clock.at = begun + 62 * DAY
    later = opened.saying("person", "preference_page")
    opened.act(slot, lambda: prefer(later, Preferences(topics={"garden": 0})))
    assert told(opened, slot, begun + 91 * DAY)[Measure.PICKS].state is Kept.OWN_WISH


def test_a_promise_ends_with_the_yes_and_begins_anew_with_another(
    shop: tuple[Reciprocity, Clock, int],
) -> None:
    opened, clock, slot = shop
    clock.at += 40 * DAY
    saying = opened.saying("person", "page")
    opened.act(slot, lambda: withdraw(saying, opened.wishes(slot), ["offers"]))
    assert told(opened, slot, clock.at) == {}
    clock.at += DAY
    say_yes(opened, slot)
    assert told(opened, slot, clock.at + 1)[Measure.PICKS].since == clock.at


def test_a_yes_keeps_the_promise_it_was_given_for(shop: tuple[Reciprocity, Clock, int]) -> None:
    opened, clock, slot = shop
    file = opened.brand.folder / "brand.toml"
    file.write_text(file.read_text().replace("amount = 1,", "amount = 3,"))
    clock.at += DAY
    with type(opened).create(opened.brand.folder, clock) as again:
        again.apply("operator:tests")
        assert told(again, slot, clock.at)[Measure.PICKS].amount == 1
        say_yes(again, slot)
        assert told(again, slot, clock.at + 1)[Measure.PICKS].amount == 3


def test_a_yes_to_another_notice_promises_nothing(tmp_path: Path) -> None:
    with new_shop(tmp_path, MAILDIR + PROPOSITION.format(picks=1), Clock()) as opened:
        (slot,) = add_people(opened, 1)
        assert told(opened, slot, opened.journal.clock()) == {}


def test_the_brand_is_told_once_a_day_to_whom_it_kept_no_promise(
    shop: tuple[Reciprocity, Clock, int],
) -> None:
    opened, clock, slot = shop
    clock.at += DAY
    opened.send("spring", "operator:tests")
    clock.at += 30 * DAY
    add_people(opened, 1)  # the clock of the log moves with what is recorded
    rows = {row.measure: row for row in count_promises(opened.journal)}
    assert (rows["picks"].people, rows["picks"].kept, rows["picks"].short) == (1, 1, [])
    assert opened.tick("operator:tests").not_kept == ()
    clock.at += 30 * DAY
    done = opened.tick("operator:tests")
    (line,) = done.shortfalls()
    assert line.startswith("promise of picks (picks 1 in 30 days) was not kept to 1 of 1")
    (short,) = done.not_kept
    assert (short.measure, short.short, short.people) == ("picks", [slot], 1)
    clock.at += DAY // 2
    assert opened.tick("operator:tests").not_kept == ()
    clock.at += DAY // 2
    assert len(opened.tick("operator:tests").not_kept) == 1
    opened.erase(slot, "operator:tests", now=True)
    assert count_promises(opened.journal) == []


def test_more_than_was_promised_is_not_kept(shop: tuple[Reciprocity, Clock, int]) -> None:
    opened, clock, slot = shop
    clock.at += DAY
    opened.send("spring", "operator:tests")
    messages = Messages(opened.journal.statements())
    offers = {
        notice: (name, replace(one, gives=(Benefit(measure=Measure.AT_MOST, amount=1),)))
        for notice, (name, one) in messages.offers.items()
    }
    read = Followed(opened.journal.history(slot), messages)
    begun = clock.at - DAY
    (so_far,) = promises(read, offers, clock.at)
    assert (so_far.state, so_far.ends) == (Kept.RUNNING, begun + 30 * DAY)
    (kept,) = promises(read, offers, begun + 30 * DAY)
    assert kept.state is Kept.KEPT
    none = {
        notice: (name, replace(one, gives=(replace(one.gives[0], amount=0),)))
        for notice, (name, one) in offers.items()
    }
    (short,) = promises(read, none, clock.at)
    assert (short.state, len(short.records)) == (Kept.SHORT, 1)  # at once: it cannot be mended


def test_a_yes_that_ran_out_and_is_given_again_begins_anew(
    shop: tuple[Reciprocity, Clock, int],
) -> None:
    opened, clock, slot = shop
    clock.at += 800 * DAY
    say_yes(opened, slot)
    picks = told(opened, slot, clock.at + DAY)[Measure.PICKS]
    assert (picks.since, picks.state) == (clock.at, Kept.RUNNING)


def test_a_limit_that_the_caps_do_not_hold_is_refused(tmp_path: Path) -> None:
    loose = PROPOSITION.format(picks=1).replace("amount = 8", "amount = 7")
    with pytest.raises(InputError) as refused:
        new_shop(tmp_path, MAILDIR + loose)
    assert "promises at most 7 in 30 days, and the caps of email let 8 come" in str(refused.value)


def test_at_most_counts_the_fullest_stretch_wherever_it_begins(
    shop: tuple[Reciprocity, Clock, int],
) -> None:
    opened, clock, slot = shop
    begun = clock.at
    for number, day in enumerate((25, 33, 41, 49), 1):
        clock.at = begun + day * DAY
        file = opened.brand.folder / "brand.toml"
        file.write_text(
            file.read_text().replace("[campaigns.spring", f"[campaigns.spring{number}")
            if number == 1
            else file.read_text().replace(
                f"[campaigns.spring{number - 1}", f"[campaigns.spring{number}"
            )
        )
        with type(opened).create(opened.brand.folder, clock) as again:
            again.apply("operator:tests")
            again.send(f"spring{number}", "operator:tests")
    found = told(opened, slot, begun + 56 * DAY)[Measure.AT_MOST]
    assert (found.state, len(found.records)) == (Kept.KEPT, 4)
    assert len(found.running) == 3
    assert found.began == begun + 25 * DAY
