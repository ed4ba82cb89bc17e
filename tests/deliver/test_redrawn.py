"""A brand file that changes what stands already: nobody's no is undone by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reciprocity.consent.draft import grant, object_to, refuse
from reciprocity.errors import InputError
from reciprocity.platform import Reciprocity
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
    except InputError:
        file.write_text(before, "utf-8")
        raise


@pytest.mark.parametrize("how", [object_to, refuse])
def test_a_purpose_does_not_leave_the_no_that_covers_it(shop, clock, how) -> None:
    shop.act(0, lambda: how(shop.saying("person", "web"), ["marketing"]))
    assert shop.send("spring", "operator:tests").delivered == 1
    with pytest.raises(InputError, match="stand below marketing no longer, and 1 people"):
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
