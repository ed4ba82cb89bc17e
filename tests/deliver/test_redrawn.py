"""A brand file that changes what stands already: nobody's no is undone by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reciprocity.consent.draft import grant, object_to, refuse, request, withdraw
from reciprocity.deliver.run import sole_sender
from reciprocity.errors import InputError, ReciprocityError, Unavailable
from reciprocity.platform import Reciprocity
from tests.http.at_site import new_site
from tests.shop import Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHILD = 'title = "Offers"\nparent = "marketing"\n'
ALONE = 'title = "Offers"\n'
ASKED = 'purposes = ["offers"]'
ABOVE = '[purposes.marketing]\ntitle = "Offers and news"\n'


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[Reciprocity]:
    """Two people who said yes to offers, which stand below marketing; both on e-mail."""
    with new_shop(tmp_path, clock=clock) as made:
        changed(
            made,
            clock,
            (ABOVE, ABOVE + 'channels = ["email"]\n'),
            ('"offers"]\nbeh', '"offers", "marketing"]\nbeh'),
        )
        add_people(made, 2)
        yield made


def changed(shop: Reciprocity, clock: Clock, *changes: tuple[str, str]) -> list[str]:
    """Change the brand file and put it in force."""
    file = shop.brand.folder / "brand.toml"
    text = before = file.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, "utf-8")
    try:
        with Reciprocity.open(shop.brand.folder, clock) as again:
            return again.apply("operator:tests")
    except ReciprocityError:
        file.write_text(before, "utf-8")
        raise


@pytest.mark.parametrize("how", [object_to, refuse])
def test_a_purpose_does_not_leave_the_no_that_covers_it(shop, clock, how) -> None:
    shop.act(0, lambda: how(shop.saying("person", "web"), ["marketing"]))
    assert shop.send("spring", "operator:tests").delivered == 1
    with pytest.raises(InputError, match=r"stand below marketing no longer, .* covers it \(1\)"):
        changed(shop, clock, (CHILD, ALONE))
    clock.at += 60_000
    assert shop.send("spring", "operator:tests").delivered == 0
    assert shop.audit().breaches == ()


def test_where_nobody_said_no_above_it_a_purpose_may_leave(shop, clock) -> None:
    shop.act(0, lambda: object_to(shop.saying("person", "web")))  # to everything: it covers all
    shop.act(1, lambda: refuse(shop.saying("person", "web"), ["marketing"]))
    shop.act(1, lambda: grant(shop.saying("person", "web"), ["offers"]))  # and came back to this
    assert "brand" in changed(shop, clock, (CHILD, ALONE))
    assert shop.send("spring", "operator:tests").delivered == 1


def test_nor_does_it_leave_by_going_away_and_coming_back(shop, clock) -> None:
    shop.act(0, lambda: object_to(shop.saying("person", "web"), ["marketing"]))
    offers = "[purposes.offers]\n" + CHILD + 'channels = ["email"]\nattributes = ["visits"]\n'
    text = (shop.brand.folder / "brand.toml").read_text("utf-8")
    begin = text.index("[campaigns.spring]")
    changed(
        shop, clock, (offers, ""), (text[begin:], ""), ('purposes = ["offers", ', "purposes = ["),
    )  # fmt: skip
    with pytest.raises(InputError, match="purpose offers would stand below marketing no longer"):
        changed(
            shop, clock,
            ("[purposes.order]", offers.replace(CHILD, ALONE) + "\n[purposes.order]"),
            ('purposes = ["marketing"]', 'purposes = ["offers", "marketing"]'),
        )  # fmt: skip


SOONER, LATER = "closes = 2027-06-01T00:00:00Z", "closes = 2027-09-01T00:00:00Z"


def test_a_campaign_gets_no_later_end_while_somebody_sends(shop, clock) -> None:
    with sole_sender(shop.brand.folder), pytest.raises(Unavailable, match="is sending"):
        changed(shop, clock, (SOONER, LATER))
    assert "campaign:spring" in changed(shop, clock, (SOONER, LATER))  # nobody had it yet
    shop.send("spring", "operator:tests")
    with pytest.raises(InputError, match="spring was sent already and would now close later"):
        changed(shop, clock, (LATER, "closes = 2027-10-01T00:00:00Z"))


def test_what_a_site_may_have_shown_gets_no_later_end_either(tmp_path: Path, clock: Clock) -> None:
    folder = new_site(tmp_path, "https://www.harbour-vale.example", clock)
    opened = "2026-01-01T00:00:00Z\ncloses = 2099-06"
    later = opened.replace("2026", "2099")
    refused = pytest.raises(InputError, match="has opened, so that a site may have shown it")
    with Reciprocity.open(folder, clock) as site:
        with refused:
            changed(site, clock, (opened, opened.replace("06", "07")))
        text = (folder / "brand.toml").read_text("utf-8")
        home = text[text.index("[campaigns.home]") :]
        changed(site, clock, (home, ""))  # ended, and to begin again
        with refused:
            changed(
                site,
                clock,
                ("[channels.site]", home.replace("2099-06", "2099-07") + "\n[channels.site]"),
            )
        unopened = home.replace("home", "later").replace(opened, later)
        unopened = unopened.replace("bulbs", "roots").replace("flour", "bread")
        changed(site, clock, ("[channels.site]", unopened + "\n[channels.site]"))
        assert "campaign:later" in changed(site, clock, (later, later.replace("06", "07")))


KEEPS = 'gives = "Offers that fit what you bought"\n'
BOUGHT = KEEPS + 'events = ["Order Completed"]\nfields = ["sku"]\nkeep_days = 30\n'


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (('["Order Completed"]', '["Order Completed", "Medicine Viewed"]'), "event 'Medicine Vi"),
        (('["sku"]', '["sku", "diagnosis"]'), "field 'diagnosis'"),
        (("keep_days = 30", "keep_days = 90"), "90 days and not 30"),
    ],
)
def test_a_yes_to_a_behaviour_does_not_grow_by_itself(shop, clock, more, words: str) -> None:
    changed(shop, clock, (KEEPS, BOUGHT))
    shop.act(0, lambda: grant(shop.saying("person", "web"), ["purchases"]))
    with pytest.raises(InputError, match=rf"more than people said yes to \(1 of them\): {words}"):
        changed(shop, clock, more)
    assert changed(shop, clock, ("keep_days = 30", "keep_days = 10"))  # less is no question
    shop.act(0, lambda: withdraw(shop.saying("person", "web"), shop.wishes(0), ["purchases"]))
    assert changed(shop, clock, ("keep_days = 10", "keep_days = 30"))


ORDERS = 'basis = "contract"\n'


@pytest.mark.parametrize(
    "say",
    [
        lambda shop: object_to(shop.saying("person", "web"), ["offers"]),
        lambda shop: object_to(shop.saying("person", "web")),
        lambda shop: withdraw(shop.saying("person", "web"), shop.wishes(0), ["marketing"]),
    ],
)
def test_a_purpose_does_not_stop_asking_whom_said_no_to_it(shop, clock, say) -> None:
    shop.act(0, lambda: say(shop))
    words = "would rest on consent no longer, and people who said no to it"
    text = (shop.brand.folder / "brand.toml").read_text("utf-8")
    campaign = text[text.index("[campaigns.spring]") :]
    changes = (
        (ABOVE, ABOVE + ORDERS), (CHILD, CHILD + ORDERS), (campaign, ""),
        ('purposes = ["offers", "marketing"]', "purposes = []"),
    )  # fmt: skip
    with pytest.raises(InputError, match=words):
        changed(shop, clock, *changes)


def test_a_yes_that_waits_beside_an_earlier_no_does_not_grow_either(shop, clock) -> None:
    changed(shop, clock, (KEEPS, BOUGHT))
    shop.act(0, lambda: refuse(shop.saying("person", "web"), ["purchases"]))
    shop.act(0, lambda: request(shop.saying("person", "web"), ["purchases"]))
    with pytest.raises(InputError, match="would keep more than people said yes to"):
        changed(shop, clock, ('["sku"]', '["sku", "diagnosis"]'))
