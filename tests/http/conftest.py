"""A shop, its people, and a browser-like client for it; the clock is set by hand."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
from litestar.testing import TestClient

from reciprocity.http.app import make_app
from reciprocity.http.desk import Desk
from tests.shop import Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from reciprocity.platform import Reciprocity

LIMIT_S = 20


class Site(NamedTuple):
    """The server of a shop, its own view of the same folder, and the clock of both."""

    shop: Reciprocity
    client: TestClient
    clock: Clock

    def letters(self, where: str) -> list[str]:
        """The letters with a link to *where* (`/e/`, `/p/`, ...), oldest first."""
        folder = self.shop.brand.folder / "maildir" / "new"
        if not folder.exists():
            return []
        found = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        texts = [path.read_text().replace("=\n", "") for path in found]
        return [text for text in texts if f"harbour.example{where}" in text]

    def link(self, address: str = "p0@example.com") -> str:
        """Ask for a link to one's page, and take it out of the mail."""
        before = len(self.letters("/e/"))
        assert self.client.post("/enter", data={"address": address}).status_code == 200
        return self.newest(before)

    def newest(self, before: int) -> str:
        """The link in the mail that comes after the *before* that were there."""
        end = time.monotonic() + LIMIT_S
        while len(self.letters("/e/")) <= before:
            assert time.monotonic() < end, "no mail came"
            time.sleep(0.01)
        while self.in_flight():  # what became of it is written after it went
            assert time.monotonic() < end, "nobody said what became of the mail"
            time.sleep(0.01)
        return link_in(self.letters("/e/")[-1])

    def in_flight(self) -> bool:
        """Is there an attempt whose outcome nobody has told yet?"""
        return any(
            not sent.outcome for kept in self.shop.journal.everyone() for sent in kept.standing.sent
        )

    def enter(self, address: str = "p0@example.com") -> Response:
        """Open the page of the person with *address*."""
        return self.client.post(self.link(address))

    def page(self) -> str:
        got = self.client.get("/me")
        assert got.status_code == 200
        return got.text

    def form(self) -> dict[str, str]:
        """What the form of choices on the page would send as it stands."""
        page = self.page()
        part = page.partition('id="choices-form"')[2].partition("</form>")[0]
        return {**fields(part), "whole": "1"}

    def save(self, changed: dict[str, str | None]) -> Response:
        """Save the form with fields *changed*; None takes one out."""
        told = {**self.form(), **changed}
        data = {name: value for name, value in told.items() if value is not None}
        return self.client.post("/me", data=data)


def link_in(letter: str) -> str:
    return re.search(r"harbour\.example(/e/[\w.-]+)", letter)[1]  # type: ignore[index]


def fields(html: str) -> dict[str, str]:
    """Each field of a form with its value; boxes and buttons to choose only where chosen."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", html):
        told = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if told.get("type") in {"checkbox", "radio"} and not re.search(r"\schecked", tag):
            continue
        if "name" in told:
            found[told["name"]] = told.get("value", "")
    choices = re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', html, re.DOTALL)
    for name, inside in choices:
        chosen = re.search(r"<option(?: value=\"([^\"]*)\")?[^>]*selected[^>]*>([^<]*)", inside)
        found[name] = (chosen[1] or chosen[2]) if chosen else ""
    return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, 3)
        yield from visiting(shop, clock)


def visiting(shop: Reciprocity, clock: Clock) -> Iterator[Site]:
    """The application of *shop*, and a browser at it."""
    desk = Desk(shop.brand.folder, clock)
    with TestClient(
        make_app(desk), base_url="https://harbour.example", raise_server_exceptions=True
    ) as client:
        client.follow_redirects = False
        yield Site(shop, client, clock)
