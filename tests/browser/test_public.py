"""What anybody may read, and what was promised to one person, as a browser shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reciprocity.collect.proposition import terms_of
from reciprocity.consent.draft import grant
from tests.browser.test_person import Place, readable
from tests.http.running import serving
from tests.shop import DAY, MAILDIR, START, Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PROPOSITION = """
[propositions.picks]
title = "Picks for your garden"
purposes = ["offers"]
topics = ["garden"]
gives = [
    { measure = "picks", amount = 2, period_days = 7 },
    { measure = "at_most", amount = 3, period_days = 7 },
]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A shop that promised two messages a week and sent one; the server stands at its end."""
    clock = Clock(START - 8 * DAY)
    with new_shop(tmp_path_factory.mktemp("public"), MAILDIR + PROPOSITION, clock) as shop:
        slots = add_people(shop, 2)
        notice = terms_of(shop.statement, shop.laws, "picks", "en")[0].notice
        saying = shop.saying("person", "join_page", notice=notice, notice_language="en")
        for slot in slots:
            shop.act(slot, lambda: grant(saying, ["offers"]))
        clock.at += DAY
        shop.send("spring", "operator:tests")
        clock.at += 7 * DAY
        shop.tick("operator:tests")
        home = shop.brand.folder
    with serving(home) as server:
        yield Place(server, home, iter(slots))


def opened(browser: Browser, language: str, width: int, scheme: str) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        extra_http_headers={"Accept-Language": language},
    )
    return context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_everybody_can_read_promises_and_notices(
    browser: Browser, place: Place, language: str, width: int, scheme: str, shots: Path
) -> None:
    page = opened(browser, language, width, scheme)
    for name in ("", "promises", "notices"):
        page.goto(f"{place.server.url}/{name}")
        readable(page, shots / f"{name or 'home'}-short-{language}-{width}-{scheme}.png")
        assert page.evaluate("document.dir") == ("rtl" if language == "ar" else "ltr")
    assert page.context.cookies() == []
    page.context.close()


def test_failures_are_first_and_a_notice_is_found_from_there(page: Page, place: Place) -> None:
    page.goto(f"{place.server.url}/promises")
    stands = page.locator(".ledger .big").all_inner_texts()
    assert stands[0] == "Not kept"
    assert stands == sorted(stands, key=["Not kept", "Kept", "Not yet measured"].index)
    assert page.get_by_text("2 promises were not kept in the last full period").is_visible()
    page.get_by_role("link", name="All our notices").click()
    one = page.locator("article", has_text="proposition-picks (en)")
    one.get_by_role("link").click()
    assert page.locator("article").count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_a_promise_that_was_not_kept_is_told_to_whom_it_was_made(
    page: Page, place: Place, width: int, scheme: str, shots: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    place.enter(page)
    part = page.locator(".ledger > li", has_text="at least 2")
    assert part.locator(".bad").inner_text().startswith("Not kept:")
    readable(page, shots / f"me-short-{width}-{scheme}.png")
    page.get_by_role("link", name="Offers (E-mail)").click()
    assert page.get_by_role("heading", name="proposition-picks (en)").is_visible()
