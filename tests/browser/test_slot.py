"""A place in a page of another origin: empty until a yes, and until what it shows is on record."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.test_person import RULES
from tests.browser.test_prompt import Host, Place, button, kept, opened, say_yes
from tests.browser.test_prompt import visit as visit  # noqa: PLC0414 - a fixture
from tests.http.at_site import new_site
from tests.http.running import serving
from tests.shop import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext, Page

HTML = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Another site</title>
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<script type="module" src="{brand}/sdk/1/reciprocity-slot.js"></script></head>
<body><main><h1>Another site</h1>
<reciprocity-prompt proposition="here"></reciprocity-prompt>
<svg {marks} width="1" height="1" aria-hidden="true"></svg>
<reciprocity-slot name="front"></reciprocity-slot></main></body></html>"""
SLOT = "reciprocity-slot"
DELIVERED = ["delivery.attempted", "delivery.delivered"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    host = Host(HTML)
    threading.Thread(target=host.server.serve_forever, daemon=True).start()
    folder = new_site(tmp_path_factory.mktemp("slot"), host.origin, Clock())
    with serving(folder) as server:
        host.brand = server.url
        yield Place(host, server, folder)
    host.server.shutdown()
    host.server.server_close()


def welcome(visit: Callable[..., BrowserContext], place: Place, marks: str = "") -> Page:
    """A page whose person just said yes to what fits them, and likes the garden."""
    page = opened(visit(), place, marks=marks)
    page.locator("input[name=topics][value=garden]").check()
    say_yes(page)
    page.get_by_text("Stored: your yes counts.").wait_for()
    return page


def test_without_a_yes_it_asks_nothing_and_shows_nothing(visit, place):
    context, before = visit(), place.kinds()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = opened(context, place)
    page.locator(button("yes")).wait_for()
    page.wait_for_timeout(300)
    assert not [url for url in asked if "/v1/slots" in url]
    assert page.locator(f"{SLOT} > *").count() == 0
    assert kept(page) == []
    assert place.kinds() == before


def test_after_a_yes_the_message_comes_once_it_is_on_record(visit, place, shots):
    at_show: list[list[str]] = []
    page = opened(visit(), place)

    def look(route):
        got = route.fetch()  # the answer of the brand, held back here
        at_show.append([str(page.locator(f"{SLOT} > *").count()), *place.kinds()[-2:]])
        route.fulfill(response=got)

    page.route("**/impressions", look)
    page.locator("input[name=topics][value=garden]").check()
    say_yes(page)
    page.get_by_role("heading", name="Bulbs are in").wait_for()
    assert at_show == [["0", *DELIVERED]]
    expect(page.locator(f"{SLOT} strong")).to_have_text("three for two")
    page.screenshot(path=shots / "slot-1280.png", full_page=True)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert found.violations_count == 0, found.generate_report()


def test_what_is_out_of_sight_is_no_impression(visit, place):
    page = welcome(visit, place, "height=9000")
    page.wait_for_timeout(500)
    assert "delivery.attempted" not in place.kinds()[-2:]
    page.locator(SLOT).evaluate("(one) => one.scrollIntoView()")
    page.get_by_role("heading", name="Bulbs are in").wait_for()
    assert place.kinds()[-2:] == DELIVERED


def test_one_tap_says_useful_or_not(visit, place):
    page = welcome(visit, place)
    page.get_by_role("button", name="Not for me").click()
    expect(page.locator(f"{SLOT} [role=status]")).to_have_text("Thank you: noted.")
    assert place.kinds()[-3:] == [*DELIVERED, "feedback.given"]


def test_why_and_the_way_out_lead_to_the_brands_pages(visit, place):
    page = welcome(visit, place)
    page.get_by_role("heading", name="Bulbs are in").wait_for()
    links = page.locator(f"{SLOT} a").evaluate_all("(all) => all.map((one) => one.href)")
    assert [link.rpartition("/")[0][-2:] for link in links] == ["/p", "/u"]
    page.goto(f"{place.server.url}/p/{links[0].rpartition('/')[2]}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Bulbs are in").first).to_be_visible()


def test_a_yes_taken_back_empties_the_place(visit, place):
    page = welcome(visit, place)
    page.get_by_role("heading", name="Bulbs are in").wait_for()
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator(f"{SLOT} > *")).to_have_count(0)
    page.get_by_text("Taken back, and stored.").wait_for()
    assert place.kinds()[-1] == "consent.withdrawn"


def test_a_yes_taken_back_between_the_advice_and_the_sight_shows_nothing(visit, place):
    page = welcome(visit, place, "height=9000")
    page.wait_for_timeout(300)  # advised by now
    secret = page.evaluate("JSON.parse(localStorage.reciprocity).body.person")
    body = {"act": str(uuid4()), "person": secret, "answer": "withdraw"}
    got = place.server.ask("POST", "/v1/prompts/here", json.dumps(body).encode())
    assert got.status == 200
    page.locator(SLOT).evaluate("(one) => one.scrollIntoView()")
    page.wait_for_timeout(500)
    assert page.locator(f"{SLOT} > *").count() == 0
    assert "delivery.attempted" not in place.kinds()[-2:]
