"""A person's journey in a real browser: in, look, choose, check, take along, leave; as shown."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from reciprocity.deliver.link import Link
from reciprocity.platform import Reciprocity
from reciprocity.vault.observed import Observation, keep_observed
from tests.collect.watched import say_yes, watching
from tests.http.running import Server, serving
from tests.shop import START, Clock, add_people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

WIDTHS = (320, 390, 1280)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LIMIT_S = 20


class Place(NamedTuple):
    """A running shop with twenty people, of whom each test takes one of its own."""

    server: Server
    folder: Path
    people: Iterator[int]

    def letters(self) -> list[str]:
        texts = [path.read_text().replace("=\n", "") for path in
                 (self.folder / "maildir" / "new").iterdir()]  # fmt: skip
        return [text for text in texts if "/e/" in text]

    def link(self, page: Page, address: str) -> str:
        """Ask for the link as a person does, and find it in the mail."""
        before = set(self.letters())
        page.goto(f"{self.server.url}/enter")
        page.fill("#address", address)
        page.get_by_role("button", name="Send me the link").click()
        return self.newest(before)

    def newest(self, before: set[str]) -> str:
        """The link in the mail that came since there were those of *before*."""
        end = time.monotonic() + LIMIT_S
        while not (new := set(self.letters()) - before):
            assert time.monotonic() < end, "no mail came"
            time.sleep(0.05)
        return self.server.url + re.search(r"harbour\.example(/e/[\w.-]+)", new.pop())[1]  # type: ignore[index]

    def enter(self, page: Page) -> int:
        """Open the page of a person nobody used yet; their slot."""
        slot = next(self.people)
        page.goto(self.link(page, f"p{slot}@example.com"))
        page.get_by_role("button", name="Open my page").click()
        page.wait_for_url("**/me")
        return slot


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("person")
    with watching(folder) as shop:
        slots = add_people(shop, 20)
        shop.send("spring", "operator:tests")
        for slot in slots:
            say_yes(shop, slot, "purchases")
            seen = Observation(slot, "purchases", "m", "Order Completed", START, {})
            assert keep_observed(shop.journal, [seen], {slot: shop.journal.version(slot)})
        home = shop.brand.folder
    with serving(home) as server:
        yield Place(server, home, iter(slots))


@pytest.fixture
def asked(page: Page) -> list[str]:
    """Every address that the page asks for, in their order."""
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    return urls


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    return [f"{one['id']}: {node['html']}" for one in found.response["violations"]
            for node in one["nodes"]]  # fmt: skip


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def settle(page: Page, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]


def test_the_whole_journey(page: Page, place: Place, asked: list[str]) -> None:
    place.enter(page)
    assert page.get_by_role("heading", level=1).inner_text().startswith("What you told us")
    assert page.get_by_text("1 message about it came").is_visible()
    page.get_by_role("radiogroup", name="Kitchen").get_by_text("love it").click()
    assert page.get_by_text("Not saved yet").is_visible()
    page.get_by_text("1 of 2 would have reached you").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    assert page.get_by_role("status").filter(has_text="Saved.").is_visible()
    assert page.get_by_role("radio", name="love it").nth(1).is_checked()
    page.get_by_role("button", name="Check that nothing was changed or left out").click()
    result = page.locator("#result")
    result.filter(has_text="Nothing was changed. This is everything").wait_for()
    with page.expect_download() as proof:
        page.get_by_role("link", name="Take the proof with you").click()
    assert proof.value.suggested_filename == "proof.json"
    page.get_by_role("button", name="Stop offers and news").click()
    assert page.get_by_text("Stopped. You get nothing more").is_visible()
    page.get_by_role("button", name="Erase my data").click()
    assert page.get_by_text("Everything stopped.").is_visible()
    page.get_by_role("button", name="Stay after all").click()
    assert page.get_by_text("You stay.").is_visible()
    page.get_by_role("button", name="Close this page").click()
    page.wait_for_url("**/enter")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((place.server.url, "data:,"))] == []


def test_without_scripts_it_shows_saves_and_tries_the_same(browser: Browser, place: Place) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    place.enter(page)
    for gone in ("#check", ".chips", "#remember"):
        assert not page.locator(gone).is_visible()
    page.get_by_role("radiogroup", name="Garden").get_by_text("not for me").click()
    page.get_by_role("button", name="Try these choices").click()
    assert page.get_by_text("0 of 2 would have reached you").is_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    assert page.get_by_role("status").filter(has_text="Saved.").is_visible()
    context.close()


def test_what_was_observed_is_deleted_with_one_press(page: Page, place: Place) -> None:
    place.enter(page)
    expect(page.locator("#observed")).to_contain_text("1 kept, of 21 September 2026.")
    page.get_by_role("button", name="Delete all: Past purchases").click()
    expect(page.locator("#told")).to_contain_text("Deleted.")
    expect(page.locator("#observed")).to_have_count(0)


def test_a_check_remembers_only_if_allowed_and_goes_on_from_there(page: Page, place: Place) -> None:
    place.enter(page)
    button = page.get_by_role("button", name="Check that nothing was changed or left out")
    button.click()
    page.locator("#result").filter(has_text="Nothing was changed").wait_for()
    assert page.evaluate("localStorage.length") == 0
    page.get_by_label("Remember here what was seen").check()
    button.click()
    page.wait_for_timeout(300)
    assert page.evaluate("localStorage.length") == 1
    page.get_by_role("radiogroup", name="Kitchen").get_by_text("like it").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Remember here what was seen").check()
    button.click()
    page.locator("#result").filter(has_text="It goes on from what was seen here before").wait_for()


def test_records_are_filtered_and_the_filter_says_so(page: Page, place: Place) -> None:
    place.enter(page)
    chip = page.get_by_role("button", name=re.compile(r"^Your choices \(\d+\)"))
    chip.click()
    assert chip.get_attribute("aria-pressed") == "true"
    shown = page.locator(".log > li:visible")
    assert set(shown.evaluate_all("all => all.map(one => one.dataset.group)")) == {"choice"}
    page.get_by_role("link", name=re.compile("^Record")).first.click()  # a figure leads to it
    expect(chip).to_have_attribute("aria-pressed", "false")
    expect(page.locator(":target")).to_be_visible()
    assert len(set(shown.evaluate_all("all => all.map(one => one.dataset.group)"))) > 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everybody_can_read_every_page(
    page: Page, place: Place, width: int, scheme: str, shots: Path
) -> None:
    settle(page, width, scheme)
    with Reciprocity.open(place.folder, Clock()) as shop:
        kept = shop.journal.kept(0)
        assert kept is not None
        (sent,) = (one for one in kept.standing.sent if one.occasion.startswith("spring"))
        token = shop.links.make(Link(0, sent.version, "offers", "email"))
    slot = next(place.people)
    into = place.link(page, f"p{slot}@example.com")
    pages = {"home": f"{place.server.url}/", "enter": f"{place.server.url}/enter",
             "stop": f"{place.server.url}/u/{token}",
             "less": f"{place.server.url}/p/{token}", "promises": f"{place.server.url}/promises",
             "notices": f"{place.server.url}/notices", "verify": f"{place.server.url}/verify",
             "link": into}  # fmt: skip
    for name, url in pages.items():
        page.goto(url)
        readable(page, shots / f"{name}-{width}-{scheme}.png")
    page.get_by_role("button", name="Open my page").click()
    page.wait_for_url("**/me")
    readable(page, shots / f"me-{width}-{scheme}.png")


@pytest.mark.parametrize("language", ["de", "ar", "xx"])
def test_in_every_language_it_fits_and_reads_in_its_direction(
    browser: Browser, place: Place, language: str, shots: Path
) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 900}, extra_http_headers={"Accept-Language": language}
    )
    page = context.new_page()
    slot = next(place.people)
    page.goto(f"{place.server.url}/enter")
    page.fill("#address", f"p{slot}@example.com")
    before = set(place.letters())
    page.locator("main button").click()
    page.goto(place.newest(before))
    page.locator("main button").click()
    page.wait_for_url("**/me")
    readable(page, shots / f"me-320-{language}.png")
    assert page.evaluate("document.dir") == ("ltr" if language == "de" else "rtl")
    context.close()


def readable(page: Page, shot: Path) -> None:
    page.screenshot(path=shot, full_page=True)
    assert violations(page) == []
    assert overflow(page) <= 0
