"""A consent receipt on paper: one sheet of A4, however much was said."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from reciprocity.brand import notice_hash
from reciprocity.events import Act, ConsentRow
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.prove.printable import printable
from tests.shop import add_people, new_shop

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

TEXT = "We would like to send you offers that fit what you tell us."
LONG = "Straße und Größe wählen WWWW " * 400


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        act = Act(
            actor="person", method="web", notice=notice_hash("start", "en", TEXT),
            notice_language="en", shared={"offers": ("visits",)},
            consent=(ConsentRow(purpose="offers", channel="email", state=ConsentState.REFUSED),),
        )  # fmt: skip
        (appended,) = shop.journal.append([Entry(kind="consent.refused", body=act, slot=slot)])
        return copy.deepcopy(shop.consent_receipt(appended.position))


def sheets(page: Page, html: str) -> int:
    page.set_content(html)
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", page.pdf(prefer_css_page_size=True)))


def test_a_usual_receipt_is_one_sheet(page: Page, document: dict[str, Any]) -> None:
    html = printable(document)
    assert sheets(page, html) == 1
    assert "Its proof is too long" not in html
    assert "Nothing is sent for it" in html
    assert "Take a yes back" not in html


def test_the_fullest_is_one_sheet_too_and_says_what_was_cut(
    page: Page, document: dict[str, Any]
) -> None:
    record = document["dpv:hasRecordOfActivity"]
    (process,) = record["dpv:hasProcess"]
    process["dpv:hasPurpose"]["dct:title"] = LONG
    process["dpv:hasPersonalData"] = [{"dct:title": LONG}] * 5
    process["dpv:hasConsentStatus"]["dpv:hasIndicationMethod"] = LONG
    process["dpv:hasConsentStatus"]["dct:valid"] = "2027-01-01T00:00:00.000Z"
    record["dpv:hasProcess"] = [process] * 30
    record["dpv:hasNotice"]["dct:description"] = LONG
    html = printable(document)
    assert sheets(page, html) == 1
    assert "and 25 more, in the file of this receipt" in html
    assert "This is its beginning" in html
    proof = document["reciprocity:receipts"]["act"]
    proof["event"] += "W" * (2_600 - len(json.dumps(proof, ensure_ascii=False)))
    html = printable(document)
    assert "can be saved as a file" in html
    assert sheets(page, html) == 1
    proof["event"] += "W"
    html = printable(document)
    assert sheets(page, html) == 1
    assert "Its proof is too long for this sheet" in html


@pytest.mark.parametrize("width", [390, 1280])
def test_on_a_screen_nothing_runs_over(page: Page, document: dict[str, Any], width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(printable(document))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
