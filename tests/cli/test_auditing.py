"""Audits on the command line: published, listed, late, and a breach that shows in the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reciprocity.platform import Reciprocity
from tests.prove.test_replay import honest_attempt, plant
from tests.shop import withdraw

if TYPE_CHECKING:
    from tests.cli.conftest import Shop


def test_an_audit_is_published_and_listed(shop: Shop) -> None:
    shop.yes("ann", "kitchen=2")
    listed = shop.done("audit", "list")
    assert "no audit was published yet" in listed.out
    assert "overdue" not in listed.out
    assert "published as audit 1" in shop.done("audit", "--publish").out
    shop.done("send", "spring")
    found = shop.done("audit", "--new", "--json").json
    assert (found["deliveries"], found["since"] > 0) == (1, True)
    assert "of what is new since event" in shop.done("audit", "--new", "--publish").out
    listed = shop.done("audit", "list", "--json").json
    assert listed["overdue"] is False
    assert [each["said"]["mode"] for each in listed["audits"]] == ["full", "new"]
    assert [each["said"]["deliveries"] for each in listed["audits"]] == [0, 1]
    table = shop.done("audit", "list").out
    assert "full" in table
    assert "overdue" not in table


def test_any_number_of_processes_finds_the_same(shop: Shop) -> None:
    shop.yes("ann", "kitchen=2")
    shop.done("send", "spring")
    one, two = (shop.done("audit", "--json", "--processes", n).json for n in (1, 2))
    assert one == two


def test_a_breach_that_is_new_ends_a_published_audit_with_1_and_stays_in_the_totals(
    shop: Shop,
) -> None:
    shop.yes("ann", "kitchen=2")
    with Reciprocity.open(shop.folder) as open_shop:
        slot = open_shop.find("id:ann")
        attempt = honest_attempt(open_shop, slot)
        withdraw(open_shop, slot)
        plant(open_shop, slot, attempt)
    assert "no_consent" in shop.refused("audit", "--publish", code=1).out
    shop.done("audit", "--new", "--publish")
    listed = shop.done("audit", "list", "--json").json["audits"]
    assert [each["said"]["breaches"] for each in listed] == [{"no_consent": 1}] * 2
    assert [each["new_breaches"] for each in listed] == [1, 0]
