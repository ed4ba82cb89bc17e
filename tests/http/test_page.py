"""What the page says: the brand's own words, its language, and no more than is known."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from reciprocity.brand import BrandStatement, Controller
from reciprocity.deliver.link import Link
from reciprocity.http.page import ask_page, done_page, no_page, unknown_page
from reciprocity.http.speech import LANGUAGES, choose_language
from reciprocity.model import Basis, Channel, Purpose

LINK = Link(0, 1, "offers", "email")
EMAIL = ("email",)
BRAND = BrandStatement(
    id="small",
    name="Bread & <Butter>",
    domain="small.example",
    language="en",
    time_zone="Europe/Berlin",
    controller=Controller(
        name="Small Ltd", address="1 Lane", email="privacy@small.example", territory=("DE",)
    ),
    channels={"email": Channel(title="E-mail", kind="email")},
    purposes={
        "offers": Purpose(title="Offers", channels=EMAIL),
        "news": Purpose(title="Monthly news", parent="offers", channels=EMAIL),
        "polls": Purpose(title="Polls", channels=EMAIL),
        "letters": Purpose(title="Letters", channels=("post",)),
        "order": Purpose(title="Your orders", basis=Basis.CONTRACT, channels=EMAIL),
    },
)


def items(page: str) -> list[list[str]]:
    """The titles in each list of the page."""
    lists = re.findall("<ul.*?</ul>", page, re.DOTALL)
    return [re.findall("<li>(.*?)</li>", each) for each in lists]


def test_it_names_what_stops_what_stays_and_what_comes_anyway() -> None:
    for page in (ask_page(BRAND, LINK, "en"), done_page(BRAND, LINK, "en")):
        assert items(page) == [["Offers", "Monthly news"], ["Polls"], ["Your orders"]]
        assert "Letters" not in page


def test_service_messages_are_named_only_where_there_are_any() -> None:
    purposes = {name: each for name, each in BRAND.purposes.items() if name == "offers"}
    page = ask_page(replace(BRAND, purposes=purposes), LINK, "en")
    assert items(page) == [["Offers"]]
    assert "do not depend on your yes" not in page


def test_where_nothing_rests_on_a_yes_there_is_no_button() -> None:
    purposes = {"order": BRAND.purposes["order"]}
    page = ask_page(replace(BRAND, purposes=purposes), LINK._replace(purpose="order"), "en")
    assert "There is nothing to stop here" in page
    assert "<form" not in page


def test_a_purpose_declared_no_more_stops_all_on_the_channel() -> None:
    page = ask_page(BRAND, LINK._replace(purpose="retired"), "en")
    assert items(page) == [["Offers", "Monthly news", "Polls"], ["Your orders"]]


def test_done_promises_only_what_is_known() -> None:
    page = done_page(BRAND, LINK, "en")
    assert "A message already on its way may still arrive." in page
    assert "unless you say yes again" in page
    assert "<form" not in page


def test_the_brands_words_are_text_not_markup() -> None:
    page = unknown_page(BRAND, "en")
    assert "Bread &amp; &lt;Butter&gt;" in page
    assert "<Butter>" not in page


@pytest.mark.parametrize(
    ("language", "direction", "title"),
    [("en", "ltr", "Stopped"), ("de", "ltr", "Beendet"), ("ar", "rtl", "توقّفت"),
     ("xx", "rtl", "Stóppéd")],
)  # fmt: skip
def test_it_speaks_the_readers_language(language: str, direction: str, title: str) -> None:
    page = done_page(BRAND, LINK, language)
    tag = "en-x-pseudo" if language == "xx" else language
    assert f'<html lang="{tag}" dir="{direction}">' in page
    assert f"<h1>{title}</h1>" in page


@pytest.mark.parametrize(
    ("wishes", "language"),
    [(("",), "en"), (("de-AT",), "de"), (("fr",), "en"), (("fr", "de"), "de"),
     (("fr-CH, fr;q=0.9, ar;q=0.5, de;q=0.7", "en"), "de"), (("de;q=0, en",), "en"),
     (("de;q=nothing", "ar"), "ar"), ((",;q=,,", "de"), "de"), (("x" * 90_000, "de"), "de")],
)  # fmt: skip
def test_the_readers_wish_comes_first_then_the_brands(
    wishes: tuple[str, ...], language: str
) -> None:
    assert choose_language(*wishes) == language


def test_no_placeholder_is_left_on_any_page() -> None:
    for language in (*LANGUAGES, "xx"):
        for page in (ask_page(BRAND, LINK, language), done_page(BRAND, LINK, language),
                     no_page(BRAND, language)):  # fmt: skip
            assert "%(" not in page
            assert "privacy@small.example" in page
