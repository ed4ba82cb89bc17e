"""The example of a web application: each customer sees what they said yes to, once, on record."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reciprocity.consent.draft import grant, withdraw
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import register
from tests.http.at_site import new_site
from tests.shop import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APP = Path(__file__).parents[2] / "examples" / "web_app" / "app.py"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Reciprocity]:
    clock = Clock()
    with Reciprocity.open(new_site(tmp_path, "https://shop.example", clock), clock) as opened:
        slot = register(
            opened.journal, opened.statement, actor="operator:tests", external_id="C-1041"
        ).slot
        saying = opened.saying("person", "counter")
        opened.act(slot, lambda: grant(saying, ["shown"]))
        opened.act(slot, lambda: prefer(saying, Preferences(topics={"garden": 2})))
        yield opened


@pytest.fixture
def page(shop: Reciprocity) -> Callable[[str], str]:
    application: Any = runpy.run_path(str(APP))["application"](shop)

    def ask(customer: str) -> str:
        told = application({"QUERY_STRING": f"customer={customer}"}, lambda *_: None)
        return b"".join(told).decode()

    return ask


def test_a_customer_who_said_yes_sees_it_once_and_it_is_on_record(shop, page):
    first = page("C-1041")
    assert "<h2>Bulbs are in</h2>" in first
    assert "Why this message" in first
    kinds = [told.kind for told in shop.journal.history(0)]
    assert kinds[-2:] == ["delivery.attempted", "delivery.delivered"]
    assert "<h2>" not in page("C-1041")


def test_nobody_else_sees_anything(shop, page):
    for customer in ("", "C-7", "%3Cscript%3E"):
        assert "<h2>" not in page(customer)
    opened = shop.saying("person", "counter")
    shop.act(0, lambda: withdraw(opened, shop.wishes(0)))
    assert "<h2>" not in page("C-1041")
    assert "delivery.attempted" not in [told.kind for told in shop.journal.history(0)]
