"""A brand that looks at purchases and visits, people in it, and what is reported of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import Raw

from reciprocity.collect.collector import Sender, web_id
from reciprocity.consent.draft import grant, withdraw
from reciprocity.vault.people import register
from tests.shop import Clock, new_shop

if TYPE_CHECKING:
    from pathlib import Path

    from reciprocity.collect.collector import Collected
    from reciprocity.platform import Reciprocity

BROWSER_ID = "s3cret-of-ann-0123456789"
SERVER, BROWSER = Sender(trusted=True), Sender()
LOOKS = """
events = ["Order Completed", "Order Refunded"]
fields = ["sku", "total", "gift"]

[behaviours.visits]
title = "Pages you look at"
gives = "Help with what you look for"
events = ["page"]
fields = ["path"]
keep_days = 7
"""


def watching(folder: Path, clock: Clock | None = None) -> Reciprocity:
    """A brand whose collector takes purchases and page views."""
    shop = new_shop(folder, clock=clock or Clock())
    file = shop.brand.folder / "brand.toml"
    shop.close()
    told = file.read_text()
    gives = 'gives = "Offers that fit what you bought"\n'
    asked = 'behaviours = ["purchases"]'
    assert told.count(gives) == told.count(asked) == 1
    told = told.replace(gives, gives + LOOKS)
    file.write_text(told.replace(asked, 'behaviours = ["purchases", "visits"]'))
    again = type(shop).create(file.parent, shop.journal.clock)
    again.apply("operator:tests")
    return again


def person(shop: Reciprocity, external_id: str, *yes: str) -> int:
    """A person called *external_id*, who says yes to looking at each of *yes*."""
    slot = register(
        shop.journal, shop.statement, actor="person", method="web", external_id=external_id
    ).slot
    if yes:
        say_yes(shop, slot, *yes)
    return slot


def browser(shop: Reciprocity, *yes: str, secret: str = BROWSER_ID) -> int:
    """The person whose browser holds *secret*."""
    return person(shop, web_id(secret), *yes)


def say_yes(shop: Reciprocity, slot: int, *behaviours: str) -> None:
    shop.act(slot, lambda: grant(shop.saying("person", "web"), behaviours))


def take_back(shop: Reciprocity, slot: int, *behaviours: str) -> None:
    saying = shop.saying("person", "web")
    shop.act(slot, lambda: withdraw(saying, shop.wishes(slot), behaviours, ("observe",)))


def bought(message_id: str = "m1", **more: object) -> dict[str, object]:
    """An order of ann's, with *more* said of it."""
    return {
        "type": "track", "event": "Order Completed", "messageId": message_id, "userId": "ann",
        "properties": {"sku": "bulb-7", "total": 12.5, "card": "4111 1111"}, **more,
    }  # fmt: skip


def take(shop: Reciprocity, *events: object, sender: Sender = SERVER) -> Collected:
    """What the collector makes of *events*; bytes are taken as they are."""
    raws = [Raw(one if isinstance(one, bytes) else json.dumps(one).encode()) for one in events]
    return shop.collector.take(raws, sender)


def reasons(collected: Collected) -> list[tuple[int, str]]:
    return [(one.index, str(one.reason)) for one in collected.dropped]
