"""What the page says: the brand's own words, its language, and no more than is known."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import asdict, replace

from reciprocity.brand import BrandStatement, Controller
from reciprocity.deliver.link import Link
from reciprocity.http.page import ask_page, done_page, no_page, unknown_page
from reciprocity.http.words import words_in
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
    for page in (ask_page(BRAND, LINK), done_page(BRAND, LINK)):
        assert items(page) == [["Offers", "Monthly news"], ["Polls"], ["Your orders"]]
        assert "Letters" not in page


def test_service_messages_are_named_only_where_there_are_any() -> None:
    purposes = {name: each for name, each in BRAND.purposes.items() if name == "offers"}
    page = ask_page(replace(BRAND, purposes=purposes), LINK)
    assert items(page) == [["Offers"]]
    assert "do not depend on your yes" not in page


def test_where_nothing_rests_on_a_yes_there_is_no_button() -> None:
    purposes = {"order": BRAND.purposes["order"]}
    page = ask_page(replace(BRAND, purposes=purposes), LINK._replace(purpose="order"))
    assert "There is nothing to stop here" in page
    assert "<form" not in page


def test_a_purpose_declared_no_more_stops_all_on_the_channel() -> None:
    page = ask_page(BRAND, LINK._replace(purpose="retired"))
    assert items(page) == [["Offers", "Monthly news", "Polls"], ["Your orders"]]


def test_done_promises_only_what_is_known() -> None:
    page = done_page(BRAND, LINK)
    assert "A message already on its way may still arrive." in page
    assert "unless you say yes again" in page
    assert "<form" not in page


def test_the_brands_words_are_text_not_markup() -> None:
    page = unknown_page(BRAND)
    assert "Bread &amp; &lt;Butter&gt;" in page
    assert "<Butter>" not in page


@pytest.mark.parametrize(
    ("language", "spoken", "title"),
    [("en", "en", "Stopped"), ("de", "de", "Beendet"), ("de-AT", "de", "Beendet"),
     ("fr", "en", "Stopped")],
)  # fmt: skip
def test_it_speaks_the_brands_language_or_english(language: str, spoken: str, title: str) -> None:
    page = done_page(replace(BRAND, language=language), LINK)
    assert f'<html lang="{spoken}">' in page
    assert f"<h1>{title}</h1>" in page


def test_every_language_says_everything() -> None:
    english, german = asdict(words_in("en")), asdict(words_in("de"))
    for name, text in english.items():
        assert german[name].count("{brand}") == text.count("{brand}"), name
        assert german[name] != text, name


def test_no_placeholder_is_left_on_any_page() -> None:
    for language in ("en", "de"):
        brand = replace(BRAND, language=language)
        for page in (ask_page(brand, LINK), done_page(brand, LINK), no_page(brand)):
            assert "{brand}" not in page
            assert "privacy@small.example" in page
