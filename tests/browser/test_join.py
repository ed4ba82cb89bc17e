"""The page of a proposition in a real browser: fair as it is shown, usable without a script."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from reciprocity.collect.fair_choice.rendered import check_rendered
from reciprocity.collect.proposition import LANGUAGES, terms_of
from reciprocity.platform import Reciprocity
from tests.browser.test_person import RULES
from tests.http.running import Server, serving
from tests.shop import Clock
from tests.starting import started_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from reciprocity.collect.fair_choice import Asked

WIDTHS = (320, 390, 1280)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    folder = started_in(tmp_path_factory.mktemp("join"), opens=date(2026, 10, 1))
    with serving(folder) as server:
        yield server, folder


def asked(folder: Path, language: str) -> Asked:
    with Reciprocity.open(folder) as shop:
        return terms_of(shop.statement, shop.laws, "picks", language)[1]


def opened(
    browser: Browser, server: Server, language: str, width: int, scheme: str = "light"
) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, locale=language,
        color_scheme="dark" if scheme == "dark" else "light", java_script_enabled=True,
    )  # fmt: skip
    page = context.new_page()
    page.goto(f"{server.url}/join/picks")
    return page


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_a_fair_choice_as_it_is_shown(
    browser: Browser, place: tuple[Server, Path], language: str, width: int
) -> None:
    server, folder = place
    page = opened(browser, server, language, width)
    found = check_rendered(page, language=language, asked=asked(folder, language))
    assert [f"{one.code}: {one.message}" for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_everybody_can_use_it(
    browser: Browser, place: tuple[Server, Path], shots: Path, language: str, scheme: str
) -> None:
    page = opened(browser, place[0], language, 390, scheme)
    page.screenshot(path=shots / f"join-{language}-{scheme}-390.png", full_page=True)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.violations_count == 0, found.generate_report()
    page.context.close()


def test_a_yes_by_keyboard_and_a_no_by_click_without_a_script(
    browser: Browser, place: tuple[Server, Path]
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en")
    page = context.new_page()
    page.goto(f"{place[0].url}/join/picks")
    page.get_by_role("button", name="No, to all of it").click()
    page.get_by_text("Nothing was kept, and nothing is sent to you.").wait_for()
    assert context.cookies() == []
    page.goto(f"{place[0].url}/join/picks")
    page.get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    page.get_by_label(re.compile("^Your e.mail address")).fill("ada@example.com")
    page.get_by_role("button", name="Yes, to what I ticked").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Your yes counts once you press its button.").wait_for()
    context.close()


def test_topics_are_tried_wholly_in_the_page(
    browser: Browser, place: tuple[Server, Path], shots: Path
) -> None:
    server, folder = place
    with Reciprocity.open(folder, Clock()) as shop:
        shop.send("spring", "operator:tests")
    context = browser.new_context(viewport={"width": 390, "height": 900}, locale="en")
    page = context.new_page()
    page.goto(f"{server.url}/join/picks/try")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shown = page.locator("#messages > li:visible")
    every = shown.count()
    page.get_by_label("Kitchen").check()
    page.get_by_text(f"About what you ticked: 1 of {every}").wait_for()
    assert shown.count() == 1
    page.screenshot(path=shots / "try-390.png", full_page=True)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.violations_count == 0, found.generate_report()
    page.get_by_label("Kitchen").uncheck()
    page.get_by_text("Tick a topic to see").wait_for()
    assert shown.count() == every > 1
    assert asked == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert context.cookies() == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_staff_can_use_their_form(
    browser: Browser, place: tuple[Server, Path], shots: Path, language: str, scheme: str
) -> None:
    page = opened(browser, place[0], language, 1280, scheme)
    page.goto(f"{place[0].url}/staff/picks")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=shots / f"staff-{language}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.violations_count == 0, found.generate_report()
    page.context.close()
