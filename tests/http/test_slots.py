"""A place on a page: told only once it is on record, and to nobody who did not say yes there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from litestar.testing import TestClient

from reciprocity.collect.collector import web_id
from reciprocity.http.api.keys import Scope
from reciprocity.http.app import make_app
from reciprocity.http.desk import Desk
from reciprocity.http.site import MOST_BYTES
from reciprocity.http.speech import speech
from reciprocity.http.telling import Telling
from reciprocity.listen.feedback import MOST_WORDS
from reciprocity.listen.sayings import Code, Sentence
from tests.http.api_client import fresh, new_key, problem
from tests.http.at_site import new_site
from tests.http.running import serving
from tests.shop import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from reciprocity.platform import Reciprocity

ORIGIN = "https://www.harbour-vale.example"
FRONT = "/v1/slots/front"
SECRET = "s" * 43


class Page:
    """A page of the site, and the server behind it."""

    def __init__(self, desk: Desk, client: TestClient) -> None:
        self.desk, self.client = desk, client

    @property
    def shop(self) -> Reciprocity:
        return self.desk.shop()

    def send(self, path: str, body: object, **headers: str) -> Response:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "text/plain", "Origin": ORIGIN, **headers}
        return self.client.post(path, content=text, headers=told)

    def answer(self, what: str, **more: object) -> None:
        told: dict[str, object] = {"act": str(uuid4()), "person": SECRET, "answer": what}
        if what == "yes":
            notice = self.client.get("/v1/prompts/here").json()["notice"]
            told |= {"purposes": ["shown"], "notice": notice, "language": "en",
                     "topics": {"garden": 2, "bread": 1}}  # fmt: skip
        got = self.send("/v1/prompts/here", {**told, **more})
        assert got.status_code == 200, got.text

    def look(self, person: str = SECRET) -> dict[str, Any]:
        got = self.send(FRONT, {"person": person})
        assert got.status_code == 200, got.text
        return dict(got.json())

    def show(self, message: str = "bulbs", act: str = "", **headers: str) -> dict[str, Any]:
        body = {"person": SECRET, "act": act or str(uuid4()), "campaign": "home",
                "message": message}  # fmt: skip
        got = self.send(f"{FRONT}/impressions", body, **headers)
        assert got.status_code == 200, got.text
        return dict(got.json())

    def kinds(self) -> list[str]:
        journal = self.shop.journal
        return [told.kind for told in journal.history(self.shop.find(f"id:{web_id(SECRET)}"))]


def links(told: dict[str, Any]) -> list[str]:
    """Where the links below a message lead: why it came, and the way out."""
    return [one[1]["href"] for one in told["shows"][2][2:] if one[0] == "a"]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    clock = Clock()
    desk = Desk(new_site(tmp_path, ORIGIN, clock), clock)
    with TestClient(make_app(desk), raise_server_exceptions=True) as client:
        yield Page(desk, client)


def test_a_place_is_advised_shown_and_rated_by_whoever_said_yes(page):
    page.answer("yes")
    assert page.look() == {
        "decision": {"verdict": "deliver"}, "campaign": "home", "message": "bulbs",
    }  # fmt: skip
    told = page.show(**{"Accept-Language": "de"})
    assert told["decision"] == {"verdict": "deliver"}
    heading, body, ways, noted = told["shows"]
    assert heading == ["h2", {}, "Bulbs are in"]
    assert body == ["div", {}, ["p", {}, "Tulips and crocuses, ",
                                ["strong", {}, "three for two"], "."]]  # fmt: skip
    assert ways[1] == {"lang": "de", "dir": "ltr"}
    assert noted[1] == {"lang": "de", "dir": "ltr", "role": "status"}
    assert page.kinds()[-2:] == ["delivery.attempted", "delivery.delivered"]
    for useful in (True, False):
        word = {"person": SECRET, "attempt": told["attempt"], "useful": useful}
        assert page.send(f"{FRONT}/feedback", word).json() == {"stored": True}
    assert page.kinds()[-2:] == ["feedback.given", "feedback.given"]
    why = page.client.get("/p/" + links(told)[0].rpartition("/")[2])
    assert "Bulbs are in" in why.text


def test_nobody_who_did_not_say_yes_is_shown_anything(page):
    assert page.look()["decision"] == {"verdict": "refuse", "reason": "unknown_person"}
    assert page.show() == {"decision": {"verdict": "refuse", "reason": "unknown_person"}}
    assert page.shop.journal.count() == 0


def test_what_was_advised_is_not_shown_after_a_withdrawal(page):
    page.answer("yes")
    assert page.look()["message"] == "bulbs"
    page.answer("withdraw")
    assert page.show() == {"decision": {"verdict": "refuse", "reason": "withdrawn"}}
    assert "delivery.attempted" not in page.kinds()


def test_the_link_in_a_message_takes_the_yes_back(page):
    page.answer("yes")
    stop = links(page.show())[1]
    got = page.client.post("/u/" + stop.rpartition("/")[2], data={"List-Unsubscribe": "One-Click"})
    assert got.status_code == 200
    assert page.look()["decision"]["reason"] == "withdrawn"


def test_a_word_that_is_not_recorded_any_more_is_not_called_stored(page):
    page.answer("yes")
    attempt = page.show()["attempt"]

    def say(number: int) -> bool:
        word = {"person": SECRET, "attempt": attempt, "useful": number % 2 == 0}
        return page.send(f"{FRONT}/feedback", word).json()["stored"]

    assert [say(number) for number in range(MOST_WORDS + 2)] == [True] * MOST_WORDS + [False, True]
    assert page.kinds().count("feedback.given") == MOST_WORDS


def test_an_impression_sent_again_is_the_same_one(page):
    page.answer("yes")
    act = str(uuid4())
    first = page.show(act=act)
    assert page.show(act=act) == first
    assert page.kinds().count("delivery.attempted") == 1
    body = {"person": SECRET, "act": act, "campaign": "home", "message": "flour"}
    got = page.send(f"{FRONT}/impressions", body)
    problem(got, "idempotency-key-reused", 422)
    assert page.kinds().count("delivery.attempted") == 1


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [
        ("", {"person": "short"}, ("bad-request", 400)),
        ("", {"more": 1}, ("bad-request", 400)),
        ("/impressions", {"act": "1"}, ("bad-request", 400)),
        ("/impressions", {"message": "unheard-of"}, ("not-found", 404)),
        ("/impressions", {"campaign": "spring"}, ("not-found", 404)),
        ("/feedback", {"attempt": 1}, ("invalid", 422)),
        ("/feedback", {"attempt": 0}, ("bad-request", 400)),
        ("/feedback", {"person": "t" * 43}, ("unknown-person", 404)),
    ],
)
def test_what_cannot_be_read_is_refused(page, path, change, expected):
    page.answer("yes")
    bodies: dict[str, dict[str, object]] = {
        "": {"person": SECRET},
        "/impressions": {"person": SECRET, "act": str(uuid4()), "campaign": "home",
                         "message": "bulbs"},
        "/feedback": {"person": SECRET, "attempt": 4, "useful": True},
    }  # fmt: skip
    problem(page.send(FRONT + path, {**bodies[path], **change}), *expected)


@pytest.mark.parametrize("body", [b"", b"[", b"\xff", b"[" * 50_000, b"null"])
def test_rubbish_is_refused(page, body):
    problem(page.send(FRONT, body), "bad-request", 400)


def test_too_much_is_refused(page):
    problem(page.send(FRONT, b" " * (MOST_BYTES + 1)), "too-large", 413)


def test_who_asks_too_often_is_held_back_and_others_are_not(tmp_path):
    with serving(new_site(tmp_path, ORIGIN)) as server:
        body = json.dumps({"person": SECRET}).encode()

        def ask(network: str) -> int:
            headers = {"Content-Type": "text/plain", "X-Forwarded-For": network}
            return server.ask("POST", FRONT, body, headers).status

        assert {ask("192.0.2.9") for _ in range(200)} == {200, 429}
        assert ask("192.0.2.10") == 200


def test_programs_are_advised_and_show_under_their_key(page):
    page.answer("yes")
    person = web_id(SECRET)
    key = new_key(page.desk.folder, page.desk.clock)
    asked = {"person": person, "place": "front"}
    got = page.client.post("/v1/decisions", json=asked, headers=key)
    bulbs = {"campaign": "home", "message": "bulbs", "channel": "site", "place": "front",
             "decision": {"verdict": "deliver"}}  # fmt: skip
    assert got.json()["decisions"][0] == bulbs
    assert len(got.json()["decisions"]) == 2
    many = {"people": [person, "nobody"], "place": "front"}
    first, second = page.client.post("/v1/decisions:batch", json=many, headers=key).json()["people"]
    assert first == got.json()
    assert {one["decision"]["reason"] for one in second["decisions"]} == {"unknown_person"}
    odd = page.client.post("/v1/decisions", json={**asked, "channel": "mail"}, headers=key)
    assert (odd.status_code, "'mail' is not declared" in odd.text) == (422, True)
    everything = page.client.post("/v1/decisions", json={"person": person}, headers=key).json()
    assert {one["channel"] for one in everything["decisions"]} == {"site", "email"}
    name = fresh()
    shown = {**asked, "campaign": "home", "message": "bulbs"}
    told = [
        page.client.post("/v1/impressions", json=shown, headers={**key, "Idempotency-Key": name})
        for _ in range(2)
    ]
    assert told[0].json()["shown"]["subject"] == "Bulbs are in"
    assert told[0].json() == told[1].json()
    assert page.kinds().count("delivery.attempted") == 1
    problem(page.client.post("/v1/impressions", json=shown, headers=key),
            "idempotency-key-missing", 400)  # fmt: skip
    got = page.client.post("/v1/decisions", json={**asked, "person": "nobody"}, headers=key)
    reasons = {one["decision"]["reason"] for one in got.json()["decisions"]}
    assert reasons == {"unknown_person"}


def test_a_key_to_look_does_not_show(page):
    key = new_key(page.desk.folder, page.desk.clock, Scope.DECISIONS)
    shown = {"person": "C-1", "place": "front", "campaign": "home", "message": "bulbs"}
    told = {**key, "Idempotency-Key": fresh()}
    problem(page.client.post("/v1/impressions", json=shown, headers=told), "no-scope", 403)
    got = page.client.post("/v1/decisions", json=shown, headers=key)
    problem(got, "invalid", 422)


@pytest.mark.parametrize(
    ("code", "channel", "words"),
    [
        (Code.SENT, "site", "Shown on a page: “Bulbs are in”"),
        (Code.SENT, "email", "Sent: “Bulbs are in”"),
        (Code.WAS_DELIVERED, "site", "It was shown on a page"),
        (Code.WAS_DELIVERED, "email", "The mail server took it"),
        (Code.POINT, "site", "this site: you are known there from now on"),
        (Code.POINT, "email", "E-mail: a new address"),
    ],
)
def test_what_a_page_showed_is_not_told_as_mail(page, code: Code, channel: str, words: str):
    telling = Telling(speech("en"), page.desk.shop().statement, "UTC")
    said = {"channel": channel, "subject": "Bulbs are in"}
    assert telling.sentence(Sentence(code=code, said=said)) == words
