"""A yes from the brand's own site: kept once, under the words shown, and only from where it may."""

from __future__ import annotations

import json
import logging
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from litestar.testing import TestClient

from reciprocity.cli import main
from reciprocity.collect.collector import web_id
from reciprocity.http.app import make_app
from reciprocity.http.desk import Desk
from reciprocity.http.join import unfair
from reciprocity.http.limit import Limit
from reciprocity.http.sdk import MODULES
from reciprocity.http.site import MOST_BYTES
from reciprocity.model import ConsentState
from reciprocity.prove.receipt import Receipt, check_receipt
from tests.http.at_site import new_site
from tests.http.running import serving
from tests.shop import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from reciprocity.platform import Reciprocity

ORIGIN = "https://www.harbour-vale.example"
HERE = "/v1/prompts/here"


class Asked:
    """The server, and what a page would send to it."""

    def __init__(self, desk: Desk, client: TestClient) -> None:
        self.desk, self.client = desk, client
        self.notice: str = client.get(HERE).json()["notice"]

    @property
    def shop(self) -> Reciprocity:
        return self.desk.shop()

    def yes(self, person: str, /, **more: object) -> dict[str, object]:
        told = {"act": str(uuid4()), "person": person, "answer": "yes", "purposes": ["shown"],
                "behaviours": ["purchases"], "topics": {"garden": 2}, "notice": self.notice,
                "language": "en"}  # fmt: skip
        return {**told, **more}

    def send(self, body: object, **headers: str) -> Response:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "text/plain", "Origin": ORIGIN, **headers}
        return self.client.post(HERE, content=text, headers=told)

    def states(self, person: str) -> dict[str, ConsentState]:
        wishes = self.shop.wishes(self.shop.find(f"id:{web_id(person)}"))
        return {key: answer.state for key, answer in wishes.answers.items()}


def secret() -> str:
    return urlsafe_b64encode(uuid4().bytes + uuid4().bytes).decode().rstrip("=")


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    clock = Clock()
    desk = Desk(new_site(tmp_path, ORIGIN, clock), clock)
    with TestClient(make_app(desk), raise_server_exceptions=True) as client:
        yield Asked(desk, client)


def reason(got: Response) -> tuple[int, str]:
    assert got.headers["content-type"].startswith("application/problem+json")
    told = got.json()
    assert told["status"] == got.status_code
    assert told["detail"]
    return got.status_code, told["type"].removeprefix("urn:reciprocity:problem:")


def test_the_words_are_the_notice_and_can_be_kept(asked):
    got = asked.client.get(f"{HERE}?language=ar-EG")
    told = got.json()
    assert (told["language"], told["direction"]) == ("ar", "rtl")
    assert [one["id"] for one in told["purposes"] + told["behaviours"]] == ["shown", "purchases"]
    assert asked.shop.journal.in_force(f"notice:{told['notice']}") is not None
    assert got.headers["access-control-allow-origin"] == "*"
    again = asked.client.get(f"{HERE}?language=ar", headers={"If-None-Match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_words_are_fair_in_every_language(asked):
    assert "here" in asked.shop.statement.propositions
    assert unfair(asked.shop.statement) == ()


def test_a_yes_is_stored_with_its_notice_and_a_receipt_that_holds(asked):
    person = secret()
    told = asked.send(asked.yes(person)).json()
    assert told["stored"] is True
    assert asked.states(person) == {
        "shown/site": ConsentState.GIVEN, "purchases/observe": ConsentState.GIVEN,
    }  # fmt: skip
    event = asked.shop.journal.told(told["position"])
    assert (event.kind, event.body.notice, event.body.method) == (
        "consent.granted", asked.notice, "prompt",
    )  # fmt: skip
    check_receipt(Receipt(**told["receipt"]), asked.shop.journal.verifier())
    slot = asked.shop.find(f"id:{told['person']}")
    assert asked.shop.wishes(slot).topics["garden"].level == 2


def test_no_file_holds_the_secret(asked):
    person = secret()
    asked.send(asked.yes(person))
    asked.send({"act": str(uuid4()), "person": person, "answer": "withdraw"})
    for path in asked.desk.folder.rglob("*"):
        if path.is_file():
            assert person.encode() not in path.read_bytes(), path.name


def test_the_same_act_sent_again_is_one_grant_with_the_same_answer(asked):
    person = secret()
    body = asked.yes(person)
    with ThreadPoolExecutor(4) as pool:
        positions = {asked_one.json()["position"] for asked_one in
                     pool.map(lambda _: asked.send(body), range(8))}  # fmt: skip
    assert len(positions) == 1
    slot = asked.shop.find(f"id:{web_id(person)}")
    kinds = [one.kind for one in asked.shop.journal.history(slot)]
    assert kinds == ["person.registered", "consent.granted", "preferences.set"]


def test_a_yes_that_comes_late_a_second_time_does_not_undo_a_withdrawal(asked):
    person = secret()
    body = asked.yes(person)
    first = asked.send(body).json()
    back = {"act": str(uuid4()), "person": person, "answer": "withdraw"}
    assert asked.send(back).json()["stored"] is True
    assert asked.send(body).json()["position"] == first["position"]
    assert set(asked.states(person).values()) == {ConsentState.WITHDRAWN}


def test_more_can_be_said_yes_to_later_and_part_of_it_taken_back(asked):
    person = secret()
    asked.send(asked.yes(person, behaviours=[]))
    later = asked.yes(person, purposes=[])
    assert asked.send(later).json()["position"] == asked.send(later).json()["position"]
    part = {"act": str(uuid4()), "person": person, "answer": "withdraw", "purposes": ["shown"]}
    asked.send(part, Origin="https://anywhere.example")
    assert asked.states(person) == {
        "shown/site": ConsentState.WITHDRAWN, "purchases/observe": ConsentState.GIVEN,
    }  # fmt: skip


def test_only_who_knows_the_secret_can_take_back(asked):
    person = secret()
    asked.send(asked.yes(person))
    for other in (secret(), web_id(person).removeprefix("web:")):
        got = asked.send({"act": str(uuid4()), "person": other, "answer": "withdraw"})
        assert reason(got) == (404, "unknown-person")
    assert ConsentState.WITHDRAWN not in asked.states(person).values()


def test_an_act_of_somebody_else_is_not_answered_with_theirs(asked):
    one, other, act = secret(), secret(), str(uuid4())
    first = asked.send(asked.yes(one, act=act)).json()
    second = asked.send(asked.yes(other, act=act)).json()
    assert first["position"] != second["position"]


@pytest.mark.parametrize("before", ["yes", "withdraw"])
def test_a_withdrawal_is_recorded_whatever_had_its_act_id_before(asked, before):
    person, act = secret(), str(uuid4())
    asked.send(asked.yes(person))
    back = {"act": act, "person": person, "answer": "withdraw"}
    part = {**back, "behaviours": ["purchases"]}
    first = asked.send(asked.yes(person, act=act) if before == "yes" else part).json()
    second = asked.send(back).json()
    assert second["stored"] is True
    assert second["position"] > first["position"]
    assert set(asked.states(person).values()) == {ConsentState.WITHDRAWN}
    assert asked.send(back).json()["position"] == second["position"]


def test_another_yes_under_the_same_act_id_is_another_act_and_each_is_kept_once(asked):
    person, act = secret(), str(uuid4())
    one = asked.yes(person, act=act, behaviours=[])
    other = asked.yes(person, act=act, purposes=[])
    positions = [asked.send(body).json()["position"] for body in (one, other, one, other)]
    assert positions[0] < positions[1]
    assert positions[2:] == positions[:2]
    assert set(asked.states(person).values()) == {ConsentState.GIVEN}


def test_the_order_of_names_makes_no_other_act(asked):
    person, act = secret(), str(uuid4())
    body = asked.yes(person, act=act, topics={"garden": 2, "bread": 1})
    first = asked.send(body).json()
    turned = {**body, "topics": {"bread": 1, "garden": 2}, "purposes": ["shown", "shown"]}
    assert asked.send(turned).json()["position"] == first["position"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Origin": "https://elsewhere.example"}, (403, "origin")),
        ({"Origin": "null"}, (403, "origin")),
        ({"Origin": ""}, (403, "origin")),
        ({"Sec-GPC": "1"}, (403, "privacy-signal")),
        ({"DNT": "1"}, (403, "privacy-signal")),
    ],
)
def test_no_yes_is_taken_from_elsewhere_or_from_who_is_not_to_be_asked(asked, headers, expected):
    size = asked.shop.journal.state().size
    assert reason(asked.send(asked.yes(secret()), **headers)) == expected
    assert asked.shop.journal.state().size == size


def test_a_withdrawal_is_taken_under_every_signal(asked):
    person = secret()
    asked.send(asked.yes(person))
    back = {"act": str(uuid4()), "person": person, "answer": "withdraw"}
    assert asked.send(back, **{"Sec-GPC": "1", "DNT": "1"}).json()["stored"] is True
    assert set(asked.states(person).values()) == {ConsentState.WITHDRAWN}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"notice": "of-yesterday"}, (409, "notice-changed")),
        ({"purposes": ["offers"]}, (422, "invalid")),
        ({"topics": {"kitchen": 2}}, (422, "invalid")),
        ({"purposes": [], "behaviours": []}, (422, "invalid")),
        ({"topics": {"garden": 3}}, (400, "bad-request")),
        ({"person": "short"}, (400, "bad-request")),
        ({"act": "1"}, (400, "bad-request")),
        ({"answer": "maybe"}, (400, "bad-request")),
        ({"more": 1}, (400, "bad-request")),
    ],
)
def test_a_yes_that_does_not_fit_stores_nothing(asked, change: dict[str, Any], expected):
    size = asked.shop.journal.state().size
    assert reason(asked.send(asked.yes(secret(), **change))) == expected
    assert asked.shop.journal.state().size == size


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 60_000, b'"' + b"x" * 100])
def test_a_body_that_is_none_is_refused(asked, body):
    assert reason(asked.send(body)) == (400, "bad-request")


def test_a_body_over_64_kib_is_refused(asked):
    assert reason(asked.send(b" " * (MOST_BYTES + 1))) == (413, "too-large")


def test_a_proposition_that_wants_an_address_is_not_asked_here(asked):
    assert reason(asked.client.get("/v1/prompts/picks")) == (404, "not-found")
    got = asked.client.post("/v1/prompts/picks", content=json.dumps(asked.yes(secret())),
                            headers={"Origin": ORIGIN})  # fmt: skip
    assert reason(got) == (404, "not-found")
    assert asked.client.get("/join/here").status_code == 404


def test_who_asks_too_often_is_held_back_and_the_rest_is_not(tmp_path):
    with serving(new_site(tmp_path, ORIGIN)) as server:

        def ask(address: str) -> int:
            return server.ask("GET", HERE, headers={"X-Forwarded-For": address}).status

        many = [ask("192.0.2.1") for _ in range(200)]
        assert many[:120] == [200] * 120
        assert 429 in many
        assert ask("192.0.2.2") == 200
        assert "192.0.2" not in server.log.read_text()


def test_a_bucket_empties_and_fills_for_each_by_itself():
    now = 0.0
    limit = Limit(2, 3, lambda: now)
    assert [limit.takes("a") for _ in range(4)] == [True, True, True, False]
    assert limit.takes("b")
    assert all(limit.takes("") for _ in range(9))
    now = 0.5
    assert [limit.takes("a"), limit.takes("a")] == [True, False]


def test_of_ten_thousand_a_second_from_one_network_few_get_through_and_others_are_not_touched():
    now = 0.0
    limit = Limit(20, 120, lambda: now)
    through = 0
    for number in range(10_000):
        now = number / 10_000
        through += limit.takes("192.0.2.9")
        assert number % 1_000 or limit.takes(f"192.0.2.{100 + number // 1_000}")
    assert 120 <= through <= 140


def test_the_modules_may_be_loaded_from_any_page(asked):
    for name in MODULES:
        got = asked.client.get(f"/sdk/1/{name}")
        assert got.headers["cross-origin-resource-policy"] == "cross-origin"
        assert got.headers["access-control-allow-origin"] == "*"
        again = asked.client.get(f"/sdk/1/{name}", headers={"If-None-Match": got.headers["etag"]})
        assert again.status_code == 304
    assert asked.client.get("/sdk/1/person.js").status_code == 404


def test_the_modules_are_made_of_the_files_that_are_read():
    """Whoever changes one runs `make sdk`; the browser's tests run what is served."""
    static = files("reciprocity") / "static"
    told = (static / "sdk" / "SOURCES").read_text().split()
    assert dict(zip(told[1::2], told[::2], strict=True)) == {
        name: sha256((static / name).read_bytes()).hexdigest() for name in MODULES
    }


def test_the_log_of_the_server_has_no_secret(asked, caplog):
    person = secret()
    with caplog.at_level(logging.DEBUG):
        asked.send(asked.yes(person))
        asked.send(asked.yes(person, notice="other"))
    assert person not in caplog.text


def test_what_is_asked_on_a_site_has_no_code_to_print(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--brand", str(asked.shop.brand.folder), "qr", "here"]) == 2
    assert "is asked on your site: it has no page" in " ".join(capsys.readouterr().err.split())
