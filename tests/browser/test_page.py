"""The page that checks, from the disk and without a network: what people see, on every screen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from reciprocity.prove.page import verifier_page
from reciprocity.tlog.note import Checkpoint, Note
from tests.prove.verify.mutations import PERSON, changed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.prove.verify.conftest import Given


@pytest.fixture
def opened(page: Page, tmp_path: Path, given: Given) -> Page:
    """The page, opened from a file with the key in its address; nothing may be fetched."""
    (tmp_path / "verify.html").write_text(verifier_page(), "utf-8")
    page.context.set_offline(True)
    page.goto(f"file://{tmp_path}/verify.html#key={given.key.replace('+', '%2B')}")
    return page


def choose(page: Page, folder: Path, data: bytes) -> None:
    """Choose a file with *data* in it."""
    file = folder / f"chosen-{len(list(folder.iterdir()))}.json"
    file.write_bytes(data)
    page.set_input_files("#file", file)


def test_a_proof_is_checked_and_told_in_plain_words(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict h2")).to_have_text("It holds: this is all of it")
    assert "4 records about you" in opened.inner_text(".verdict")
    assert "1 message was decided again" in opened.inner_text(".verdict")
    told = opened.locator(".events li p").all_inner_texts()
    assert told[0].startswith("You took a yes back. offers by email: withdrawn")
    assert len(told) == 4


def test_a_receipt_is_checked_and_says_what_it_does_not_show(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    choose(opened, tmp_path, given.receipt)
    expect(opened.locator(".verdict h2")).to_have_text("It holds")
    assert "does not show that nothing else was recorded" in opened.inner_text(".verdict")


def test_what_is_missing_is_named(opened: Page, tmp_path: Path, given: Given) -> None:
    choose(opened, tmp_path, changed(given.person, PERSON["an event in the middle is missing"]))
    expect(opened.locator(".verdict.bad h2")).to_have_text("It does not hold")
    assert "version 2 is missing" in opened.inner_text(".verdict")


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"{}", b"[" * 50_000, b'{"format":"reciprocity-person@v1"}']
)
def test_rubbish_is_refused_in_words(opened: Page, tmp_path: Path, data: bytes) -> None:
    choose(opened, tmp_path, data)
    expect(opened.locator(".verdict.bad")).to_be_visible()
    assert "fault" not in opened.inner_text(".verdict")


def test_nothing_in_a_file_becomes_markup(opened: Page, tmp_path: Path, given: Given) -> None:
    said = json.loads(given.receipt)
    said["format"] = "<img src=x onerror=alert(1)>"
    choose(opened, tmp_path, json.dumps(said).encode())
    expect(opened.locator(".verdict.bad")).to_be_visible()
    assert opened.locator("#result img").count() == 0


def test_a_log_with_two_pasts_is_noticed(opened: Page, tmp_path: Path, given: Given) -> None:
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict h2")).to_have_text("It holds: this is all of it")
    opened.evaluate(
        """() => { for (const key of Object.keys(localStorage)) {
             const seen = JSON.parse(localStorage.getItem(key));
             localStorage.setItem(key, JSON.stringify({...seen, root: "00".repeat(32)})); } }"""
    )
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict.bad")).to_contain_text("cannot have two pasts")


def test_a_log_that_goes_on_from_what_was_seen_is_said_to(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    remember(opened, given.seen)
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict")).to_contain_text("goes on from the")
    said = json.loads(given.person)
    said["consistency"] = []
    choose(opened, tmp_path, json.dumps(said).encode())  # now the newer state is remembered
    expect(opened.locator(".verdict h2")).to_have_text("It holds: this is all of it")
    assert "goes on" not in opened.inner_text(".verdict")


def test_a_log_that_grew_from_another_past_is_noticed(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    remember(opened, given.seen, root="00" * 32)
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict.bad")).to_contain_text("does not lead to the old root")


def remember(page: Page, note: bytes, root: str = "") -> None:
    """Let the device have seen the checkpoint in *note*, or one of that size with another root."""
    seen = Checkpoint.parse(Note.parse(note).text)
    told = {"origin": seen.origin, "size": seen.size, "root": root or seen.root.hex()}
    page.evaluate(
        "seen => localStorage.setItem(`reciprocity-seen:${seen.origin}`, JSON.stringify(seen))",
        told,
    )


def test_another_key_changes_the_answer_at_once(opened: Page, tmp_path: Path, given: Given) -> None:
    choose(opened, tmp_path, given.receipt)
    expect(opened.locator(".verdict h2")).to_have_text("It holds")
    opened.fill("#key", "")
    opened.locator("#key").blur()
    expect(opened.locator(".verdict.bad")).to_contain_text("no verifier key was given")


def test_witnesses_that_are_asked_for_and_missing_show(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    choose(opened, tmp_path, given.receipt)
    opened.click("summary")
    opened.fill("#quorum", "1")
    opened.locator("#quorum").blur()
    expect(opened.locator(".verdict.bad")).to_contain_text("0 known witnesses cosigned it")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen(
    opened: Page, tmp_path: Path, given: Given, width: int, scheme: str
) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    opened.emulate_media(color_scheme=scheme)
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict")).to_be_visible()
    opened.locator("details").last.locator("summary").click()
    wide = opened.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    opened.screenshot(path=tmp_path / f"{width}-{scheme}.png", full_page=True)


def test_it_is_usable_by_keyboard_and_labelled(opened: Page) -> None:
    for box in opened.locator("input, textarea").all():
        identity = box.get_attribute("id")
        assert opened.locator(f"label[for={identity}]").count() == 1
    reached = set()
    for _ in range(8):
        opened.keyboard.press("Tab")
        reached.add(opened.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"key", "file", "SUMMARY"} <= reached
    levels = opened.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => h.tagName)")
    assert levels[0] == "H1"
    assert levels.count("H1") == 1
