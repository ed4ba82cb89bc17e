"""The journey of one person from the first question to the last, as it is read aloud, step by step.

What a screen reader is given at each step is kept in `readings/`, and reviewed like code:
`make readings` writes it anew. A page that was read before is told by what differs. The reading is
the same on every width and in every colour; without scripts only what is in `without-scripts.txt`
differs from it.
"""

from __future__ import annotations

import os
import re
import time
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest

from reciprocity.platform import Reciprocity
from tests.browser.test_person import LIMIT_S, overflow, violations
from tests.http.running import Server, serving
from tests.shop import Clock
from tests.starting import started_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

READINGS = Path(__file__).parent / "readings"
WRITE = os.environ.get("READINGS") == "write"
ADDRESS = "ann@example.com"
OURS = re.compile(r"http://(?:localhost:8080|127\.0\.0\.1:\d+)(/[epu]/[\w.-]+)")
VARIANTS = [
    (390, "light", True), (1280, "dark", True), (390, "dark", False), (1280, "light", False),
]  # fmt: skip


class Place(NamedTuple):
    """A running shop that knows nobody yet."""

    server: Server
    folder: Path

    def send(self, campaign: str) -> None:
        """Send *campaign*, as an operator does."""
        with Reciprocity.open(self.folder, Clock()) as shop:
            assert shop.send(campaign, "operator:tests").delivered == 1

    def kinds(self) -> list[str]:
        """What the journal has of the only person."""
        with Reciprocity.open(self.folder, Clock()) as shop:
            return [told.kind for told in shop.journal.history(0)]

    def letters(self) -> set[str]:
        folder = self.folder / "maildir" / "new"
        found = folder.iterdir() if folder.exists() else ()
        return {path.read_text().replace("=\n", "").replace("=3D", "=") for path in found}

    def link(self, where: str, before: set[str]) -> str:
        """The link to *where* in the letter that came since there were those of *before*."""
        end = time.monotonic() + LIMIT_S
        while not (new := self.letters() - before):
            assert time.monotonic() < end, "no mail came"
            time.sleep(0.05)
        found = [path for path in OURS.findall(new.pop()) if path.startswith(where)]
        return self.server.url + found[0]


class Reading:
    """The page of one journey, and what it was heard to say."""

    def __init__(self, page: Page, *, scripts: bool) -> None:
        self.page, self.scripts = page, scripts
        self.steps: list[str] = []
        self._read: dict[str, list[str]] = {}

    def step(self, name: str) -> None:
        """Take down the page as it is read, of one read before what differs; all can use it."""
        path, lines = urlsplit(self.page.url).path, heard(self.page).splitlines()
        before, self._read[path] = self._read.get(path), lines
        told = lines if before is None else changed(before, lines)
        self.steps.append("\n".join((f"# {name}", "", *told, "")))
        assert overflow(self.page) <= 0, name
        if self.scripts:
            assert violations(self.page) == [], name

    def press(self, button: str, *, step: str = "") -> None:
        """Press *button*, and take down what comes."""
        self.page.get_by_role("button", name=button, exact=True).first.click()
        self.page.wait_for_load_state()
        if step:
            self.step(step)


def heard(page: Page) -> str:
    """The accessibility tree of *page* in its order, without what differs from run to run."""
    text = page.locator("body").aria_snapshot()
    text = re.sub(r"127\.0\.0\.1:\d+", "SERVER", text)
    text = re.sub(r"(/(?:u|p|e|notices)/)[\w.-]+", r"\1TOKEN", text)
    return re.sub(r"p_[a-z2-7]{26}", "PSEUDONYM", text)


def changed(before: list[str], after: list[str]) -> list[str]:
    """What differs, with the two lines around it."""
    found = list(unified_diff(before, after, lineterm="", n=2))[2:]
    return ["..." if line.startswith("@@") else line for line in found]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder = started_in(tmp_path)
    with serving(folder) as server:
        yield Place(server, folder)


@pytest.fixture(params=VARIANTS, ids=lambda told: "-".join(map(str, told)))
def reading(request: pytest.FixtureRequest, browser: Browser, place: Place) -> Iterator[Reading]:
    """A fresh browser; what it asks of others, or logs as an error, fails the test."""
    width, scheme, scripts = request.param
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale="en",
        java_script_enabled=scripts,
    )  # fmt: skip
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    strangers: list[str] = []
    page.on("request", lambda one: strangers.append(one.url)
            if not one.url.startswith((place.server.url, "data:", "blob:")) else None)  # fmt: skip
    yield Reading(page, scripts=scripts)
    context.close()
    assert errors == []
    assert strangers == []


def test_from_the_first_question_to_the_last(reading: Reading, place: Place) -> None:
    opts_in(reading, place)
    chooses(reading, place)
    receives_and_rates(reading, place)
    lowers_and_withdraws(reading, place)
    checks_and_takes_along(reading, place)
    erases_and_stays(reading)
    assert place.kinds()[0] == "person.registered"
    assert place.kinds()[-2:] == ["erasure.requested", "erasure.undone"]
    compare(reading)


def compare(reading: Reading) -> None:
    """Hold the reading against the one that was reviewed; without scripts, what differs from it."""
    told, file = "\n".join(reading.steps), READINGS / "with-scripts.txt"
    if not reading.scripts:
        told = "\n".join((*changed(file.read_text().splitlines(), told.splitlines()), ""))
        file = READINGS / "without-scripts.txt"
    if WRITE:
        file.write_text(told)
    assert told == file.read_text(), "see what differs, and if it is right: make readings"


def opts_in(reading: Reading, place: Place) -> None:
    page, before = reading.page, place.letters()
    page.goto(f"{place.server.url}/join/picks")
    reading.step("Asked")
    page.get_by_label("Offers that fit me").check()
    page.get_by_label("Garden", exact=True).check()
    page.get_by_label("How large is your garden?").select_option("small")
    page.fill("#address", ADDRESS)
    reading.press("Yes, to what I ticked", step="Said yes, and asked to look into the mail")
    page.goto(place.link("/e/", before))
    reading.step("Opened the link in the mail: nothing is confirmed by that")
    assert place.kinds()[-1] != "consent.confirmed"
    page.locator("main form button").first.click()
    reading.step("Confirmed")
    assert "consent.confirmed" in place.kinds()


def chooses(reading: Reading, place: Place) -> None:
    page, before = reading.page, place.letters()
    page.goto(f"{place.server.url}/enter")
    reading.step("Asked for the way in")
    page.fill("#address", ADDRESS)
    reading.press("Send me the link", step="Was told the same as anybody")
    page.goto(place.link("/e/", before))
    reading.press("Open my page", step="Their own page")
    page.get_by_role("radiogroup", name="Growing vegetables").get_by_text("love it").click()
    if reading.scripts:
        page.get_by_text("Not saved yet").wait_for()
    reading.press("Save", step="Chose more, and saved")


def receives_and_rates(reading: Reading, place: Place) -> None:
    before = place.letters()
    place.send("spring")
    reading.page.goto(place.link("/p/", before))
    reading.step("Why this message came")
    reading.press("Useful", step="Found it useful")


def lowers_and_withdraws(reading: Reading, place: Place) -> None:
    page = reading.page
    stop = page.url.replace("/p/", "/u/").removesuffix("/word")
    page.goto(page.url.removesuffix("/word"))
    page.get_by_role("radio", name="2", exact=True).check()
    reading.press("Less, please", step="Wanted less")
    page.goto(stop)
    reading.step("Looked at what would stop")
    page.locator("main form button").first.click()
    reading.step("Stopped")
    assert place.kinds()[-1] == "consent.withdrawn"


def checks_and_takes_along(reading: Reading, place: Place) -> None:
    page = reading.page
    page.goto(f"{place.server.url}/me")
    reading.step("Their own page again")
    if reading.scripts:
        reading.press("Check that nothing was changed or left out")
        page.get_by_text("Nothing was changed. This is everything").wait_for()
        with page.expect_download() as taken:
            page.get_by_role("link", name="Take it", exact=True).click()
        assert taken.value.suggested_filename.endswith(".zip")


def erases_and_stays(reading: Reading) -> None:
    reading.press("Erase my data", step="Asked to be erased")
    reading.press("Stay after all", step="Stayed after all")
    reading.press("Close this page", step="Closed the page")
