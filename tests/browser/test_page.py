"""The page that checks, from the disk and without a network: what people see, on every screen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from reciprocity.prove.page import verifier_page
from reciprocity.prove.verify import verify_person
from reciprocity.tlog.note import Checkpoint, Note
from tests.browser.test_person import violations
from tests.prove.verify.forge import KEY, lived, person, receipt, spelled, spoken
from tests.prove.verify.lies import EPOCH, FIRST, TRUTHS, body, says
from tests.prove.verify.mutations import PERSON, changed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.prove.verify.conftest import Given


OTHER = "harbour.example/shop+2f701efc+AQwTLqdmH4AqCfTMJXsuLhSuXg0BJvC8eCPZ7mMe6ckp"


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
    expect(opened.locator(".verdict h2")).to_contain_text("It holds: complete for the first")
    assert "4 records about you" in opened.inner_text(".verdict")
    assert "1 message was decided again" in opened.inner_text(".verdict")
    told = opened.locator(".events li p").all_inner_texts()
    assert told[0].startswith("You took a yes back: offers by email (taken back)")
    assert told[1] == "The message of record 2 was taken"
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
    expect(opened.locator(".verdict h2")).to_contain_text("It holds: complete for the first")
    opened.evaluate(
        """() => { for (const key of Object.keys(localStorage)) {
             const seen = JSON.parse(localStorage.getItem(key));
             for (const one of seen) one.root = "00".repeat(32);
             localStorage.setItem(key, JSON.stringify(seen)); } }"""
    )
    for file in (given.person, given.receipt):
        choose(opened, tmp_path, file)
        expect(opened.locator(".verdict.bad")).to_contain_text("cannot have two pasts")


def test_a_log_that_goes_on_from_what_was_seen_is_said_to(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    remember(opened, state(given.seen))
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict")).to_contain_text("goes on from the")
    assert len(remembered(opened)) == 2


def test_a_log_that_grew_from_another_past_is_noticed(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    remember(opened, state(given.seen) | {"root": "00" * 32})
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict.bad")).to_contain_text("does not lead to the old root")
    assert len(remembered(opened)) == 1


def test_what_does_not_say_how_it_grew_makes_nothing_forgotten(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    remember(opened, state(given.seen) | {"root": "00" * 32})
    said = json.loads(given.person)
    said["consistency"] = []
    choose(opened, tmp_path, json.dumps(said).encode())
    expect(opened.locator(".verdict")).to_contain_text("does not say how it grew")
    assert remembered(opened)[0]["root"] == "00" * 32
    choose(opened, tmp_path, given.person)  # and now it does: from another past
    expect(opened.locator(".verdict.bad")).to_contain_text("does not lead to the old root")


def test_an_older_file_is_no_alarm_and_said_to_be_older(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    remember(opened, {"size": 10**6, "root": "00" * 32})
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict")).to_contain_text("older than what this device saw")


@pytest.mark.parametrize("junk", ["", "7", "[7]", "{}", '[{"size":1,"root":7}]', "not json"])
def test_what_is_no_memory_is_none(opened: Page, tmp_path: Path, given: Given, junk: str) -> None:
    opened.evaluate("([key, junk]) => localStorage.setItem(key, junk)", [SEEN + ORIGIN, junk])
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict h2")).to_contain_text("It holds: complete for the first")
    assert len(remembered(opened)) == 1


SEEN, ORIGIN = "reciprocity-seen:", "harbour.example/shop"


def state(note: bytes) -> dict[str, Any]:
    """The state that a checkpoint signs, as a device remembers it."""
    seen = Checkpoint.parse(Note.parse(note).text)
    return {"size": seen.size, "root": seen.root.hex()}


def remember(page: Page, seen: dict[str, Any]) -> None:
    """Let the device have seen that state."""
    page.evaluate(
        "([key, seen]) => localStorage.setItem(key, JSON.stringify([seen]))", [SEEN + ORIGIN, seen]
    )


def remembered(page: Page) -> list[dict[str, Any]]:
    """What the device has seen of the log."""
    found: list[dict[str, Any]] = page.evaluate(
        "key => JSON.parse(localStorage.getItem(key))", SEEN + ORIGIN
    )
    return found


def test_a_file_may_be_dropped_anywhere(opened: Page, given: Given) -> None:
    opened.evaluate(
        """text => {
          const dropped = new DataTransfer();
          dropped.items.add(new File([text], "proof.json"));
          document.body.dispatchEvent(
            new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }""",
        given.person.decode(),
    )
    expect(opened.locator(".verdict h2")).to_contain_text("It holds: complete for the first")


def test_a_huge_file_is_not_read(opened: Page, tmp_path: Path, given: Given) -> None:
    choose(opened, tmp_path, given.receipt)
    expect(opened.locator(".verdict h2")).to_have_text("It holds")
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    opened.set_input_files("#file", huge)
    expect(opened.locator(".verdict.bad")).to_contain_text("larger than any proof")
    opened.locator("#key").press("End")
    opened.locator("#key").blur()  # a change of the key checks nothing that was not read
    expect(opened.locator(".verdict.bad")).to_contain_text("larger than any proof")


def test_nothing_is_fetched_and_nothing_could_be(
    browser: Browser, tmp_path: Path, given: Given
) -> None:
    (tmp_path / "verify.html").write_text(verifier_page(), "utf-8")
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"file://{tmp_path}/verify.html#key={given.key.replace('+', '%2B')}")
    choose(page, tmp_path, given.person)
    expect(page.locator(".verdict h2")).to_contain_text("It holds: complete for the first")
    assert [url.split("#")[0] for url in asked] == [f"file://{tmp_path}/verify.html"]
    refused = page.evaluate(
        """async () => {
          const refused = [];
          addEventListener("securitypolicyviolation",
            (event) => refused.push(event.effectiveDirective));
          await fetch("http://127.0.0.1:9/").catch(() => null);
          const script = document.createElement("script");
          script.textContent = "window.stranger = 1";
          document.head.append(script);
          const style = document.createElement("style");
          document.head.append(Object.assign(style, { textContent: "a{}" }));
          document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/a.png" }));
          await new Promise((done) => setTimeout(done, 100));
          return [window.stranger ?? null, ...refused.sort()];
        }"""
    )
    assert refused == [None, "connect-src", "img-src", "script-src-elem", "style-src-elem"]
    context.close()


def test_a_page_by_plain_http_says_why_it_cannot_check(
    browser: Browser, tmp_path: Path, given: Given
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route("http://plain.example/", lambda route: route.fulfill(
        body=verifier_page(), content_type="text/html"))  # fmt: skip
    page.goto("http://plain.example/")
    choose(page, tmp_path, given.receipt)
    page.fill("#key", given.key)
    page.locator("#key").blur()
    expect(page.locator(".verdict.bad")).to_contain_text("from your disk or by https")
    context.close()


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "Put in the log's key"),
        ("rubbish", "cannot be read"),
        (OTHER, "not signed with the key"),
    ],
)
def test_a_key_that_is_missing_or_wrong_is_told_apart(
    opened: Page, tmp_path: Path, given: Given, key: str, why: str
) -> None:
    opened.fill("#key", key)
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict.bad")).to_contain_text(why)


def test_every_wish_is_told_in_words(opened: Page, tmp_path: Path, given: Given) -> None:
    opened.fill("#key", KEY)
    choose(opened, tmp_path, person(lived(given.person)).encode())
    expect(opened.locator(".verdict h2")).to_contain_text("It holds: complete for the first")
    told = "\n".join(opened.locator(".events li p").all_inner_texts())
    for words in (
        "The message of record 10 was taken", "The message of record 8 was not taken",
        "everything by post", "at most 2 in 7 days, at most 5 in 30 days",
        "nothing everywhere until",
        "quiet from 01:00 to 02:00", "no pause by email", "offers by email (yes, until",
        "You no longer ask to be erased",
    ):  # fmt: skip
        assert words in told, words


def test_an_event_of_no_date_is_shown_all_the_same(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    body = {"consent": [None], "caps": [], "pauses": {"*": 2**53 - 1}, "quiet": None}
    told = {"at": 2**53 - 1, "body": body}
    event = spelled(spoken(json.loads(given.receipt)["event"]) | told)
    opened.fill("#key", KEY)
    choose(opened, tmp_path, receipt(event).encode())
    expect(opened.locator(".verdict h2")).to_have_text("It holds")


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


def test_for_how_much_of_the_log_it_is_complete_is_said_first(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    found = verify_person(given.person, [given.key])
    choose(opened, tmp_path, given.person)
    part = f"complete for the first {found.epoch_size} of {found.size} records of the log"
    expect(opened.locator(".verdict h2")).to_have_text(f"It holds: {part}")
    assert f"by at least {found.fewest_rules} rules" in opened.inner_text(".verdict")
    assert opened.locator(".warning").count() == 0


def test_an_old_epoch_is_warned_of(opened: Page, tmp_path: Path, given: Given) -> None:
    opened.fill("#key", KEY)
    told = lived(given.person)
    size = 10 + 3 * 5  # five events are below it
    choose(opened, tmp_path, person(body(EPOCH, size=size, sum_n=5)(told), covered=5).encode())
    expect(opened.locator(".verdict h2")).to_contain_text("complete for the first 25 of 90 records")
    newer, behind = opened.locator(".warning").all_inner_texts()
    assert newer.startswith("Mind: 8 records of yours are newer than that")
    assert behind.startswith("Mind: The log has 64 records behind that")


def test_a_message_that_no_rule_was_put_to_is_warned_of(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    opened.fill("#key", KEY)
    truth = TRUTHS["no rules, and nothing against it"]
    choose(opened, tmp_path, person(truth(lived(given.person))).encode())
    expect(opened.locator(".warning")).to_contain_text("decided by no rule at all")


def test_what_a_newer_release_made_is_not_called_false(
    opened: Page, tmp_path: Path, given: Given
) -> None:
    opened.fill("#key", KEY)
    newer = says(FIRST, lambda e: e.update(v=2))
    choose(opened, tmp_path, person(newer(lived(given.person))).encode())
    expect(opened.locator(".verdict.bad h2")).to_have_text("It was not checked")
    assert "get a newer page" in opened.inner_text(".verdict")


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


CONTRASTS = """
() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = channels(color).map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((channels(color)[3] ?? 1) === 1) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const one of document.body.querySelectorAll("*:not(script)")) {
    const speaks = [...one.childNodes].some((inner) => inner.nodeType === 3 && inner.data.trim());
    if (!speaks || !one.checkVisibility()) continue;
    const pair = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => b - a);
    found.push([(pair[0] + 0.05) / (pair[1] + 0.05), one.tagName + "." + one.className]);
  }
  return found;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(
    opened: Page, tmp_path: Path, given: Given, scheme: str
) -> None:
    opened.emulate_media(color_scheme=scheme)
    opened.click("#more summary")
    for file, verdict in ((given.person, ".verdict:not(.bad)"), (b"{}", ".verdict.bad")):
        choose(opened, tmp_path, file)
        expect(opened.locator(verdict)).to_be_visible()
        ratios = opened.evaluate(CONTRASTS)
        assert len(ratios) >= 20
        assert min(ratios)[0] >= 4.5, min(ratios)  # WCAG 2.2, 1.4.3


def test_what_has_the_focus_is_seen_to(opened: Page) -> None:
    for _ in range(5):
        opened.keyboard.press("Tab")
        assert (
            opened.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
            >= 2
        )


def test_the_answer_gets_the_focus_and_its_name(opened: Page, tmp_path: Path, given: Given) -> None:
    choose(opened, tmp_path, given.person)
    expect(opened.locator(".verdict")).to_be_visible()
    assert opened.evaluate("document.activeElement.id") == "result"
    assert opened.get_by_role("region", name="It holds: complete for the first").count() == 1
    levels = opened.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => h.tagName)")
    assert levels == ["H1", "H2", "H2", "H2"]
    assert violations(opened) == []


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
