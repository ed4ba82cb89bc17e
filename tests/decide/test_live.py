"""All live messages for one person: decided by the same rules, chosen as a campaign would be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError
from reciprocity.model import Verdict
from reciprocity.platform import Reciprocity
from tests.shop import DAY, Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUMMER = """
[campaigns.summer]
title = "Summer"
opens = 2026-01-01T00:00:00Z
closes = 2027-06-01T00:00:00Z

[campaigns.summer.messages.shade]
purpose = "offers"
channel = "email"
subject = "Shade"
text = "Under the trees."
topics = { garden = 3 }
"""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[Reciprocity]:
    with new_shop(tmp_path, clock=clock) as made:
        brand = made.brand.folder / "brand.toml"
        brand.write_text(brand.read_text() + SUMMER)
    with Reciprocity.open(brand.parent, clock) as opened:
        opened.apply("operator:tests")
        yield opened


def told(shop: Reciprocity, person: str, **more: str) -> list[tuple[str, str, str]]:
    return [
        (one.message, str(one.decision.verdict), one.decision.reason)
        for one in shop.decide(person, **more)
    ]


def test_each_live_message_is_decided_and_the_best_comes_first(shop):
    add_people(shop, 1, {"garden": 2, "kitchen": 1})
    assert told(shop, "p0@example.com") == [
        ("shade", "deliver", ""), ("garden", "deliver", ""), ("kitchen", "refuse", "outranked"),
    ]  # fmt: skip


def test_it_is_what_why_says_of_each_but_for_the_choice(shop):
    slots = add_people(shop, 6, {"garden": 1, "kitchen": -1})
    withdraw(shop, slots[2])
    for slot in slots:
        for one in shop.decide(f"p{slot}@example.com"):
            alone = shop.why(slot, one.campaign, one.message).decision
            assert one.decision == alone or one.decision.reason == "outranked"


def test_of_a_person_nobody_knows_each_message_says_so(shop):
    assert {reason for *_, reason in told(shop, "nobody@example.com")} == {"unknown_person"}
    assert len(told(shop, "rubbish \n")) == 3


def test_it_can_be_asked_of_one_channel_or_place(shop):
    add_people(shop, 1, {"garden": 2})
    assert len(told(shop, "p0@example.com", channel="email")) == 3
    with pytest.raises(InputError, match="channel 'site' is not declared: the brand has email"):
        told(shop, "p0@example.com", channel="site")
    assert told(shop, "p0@example.com", place="front") == []


def test_what_was_sent_counts_at_once(shop):
    add_people(shop, 1, {"garden": 2, "kitchen": 0})
    shop.send("summer", "operator:tests")
    assert ("shade", "refuse", "sent_this_message") in told(shop, "p0@example.com")


def test_a_campaign_that_ended_is_not_live_and_a_new_one_is(shop, clock):
    add_people(shop, 1, {"garden": 2})
    assert len(told(shop, "p0@example.com")) == 3
    brand = shop.brand.folder / "brand.toml"
    brand.write_text(brand.read_text().replace("messages.shade", "messages.leaves"))
    with Reciprocity.open(brand.parent, clock) as other:
        other.apply("operator:tests")
    assert {name for name, *_ in told(shop, "p0@example.com")} == {"garden", "kitchen", "leaves"}
    clock.at += 400 * DAY
    assert told(shop, "p0@example.com") == []


def test_threads_may_ask_while_others_write(shop):
    slots = add_people(shop, 20, {"garden": 2})

    def ask(slot: int) -> Verdict:
        return shop.decide(f"p{slot}@example.com")[0].decision.verdict

    with ThreadPoolExecutor(8) as pool:
        before = list(pool.map(ask, slots))
        left = [pool.submit(withdraw, shop, slot) for slot in slots]
        for each in left:
            each.result()
        after = list(pool.map(ask, slots))
    assert set(before) == {Verdict.DELIVER}
    assert set(after) == {Verdict.REFUSE}
