"""Decisions are answered without the framework in the very words that the framework gives."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from litestar.testing import TestClient

from reciprocity.http.api.keys import ApiKeys, Scope
from reciprocity.http.api.quick import App, Receive, Send, Told, quick
from reciprocity.http.api.routes import MOST_BYTES
from reciprocity.http.app import make_app
from reciprocity.http.desk import Desk
from reciprocity.storage import connect
from tests.shop import Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity

JSON = {"content-type": "application/json"}
BODIES = {
    "somebody": (b'{"person":"PERSON"}', JSON),
    "on a channel": (b'{"person":"PERSON","channel":"email"}', JSON),
    "for a place": (b'{"person":"PERSON","place":"front"}', JSON),
    "nobody": (b'{"person":"nobody"}', JSON),
    "a pseudonym of nobody": (b'{"person":"p_aaaaaaaaaaaaaaaaaaaaaaaaaa"}', JSON),
    "called JSON in another way": (
        b'{"person":"PERSON"}', {"content-type": "Application/JSON; charset=utf-8"}),
    "not called JSON": (b'{"person":"PERSON"}', {"content-type": "text/plain"}),
    "called nothing": (b'{"person":"PERSON"}', {}),
    "empty": (b"", JSON),
    "no JSON": (b"{", JSON),
    "no object": (b"[]", JSON),
    "a number": (b'{"person":5}', JSON),
    "one field more": (b'{"person":"x","more":1}', JSON),
    "no person": (b'{"channel":"email"}', JSON),
    "no text": (b'{"person":"\xff"}', JSON),
    "deep": (b"[" * 20_000, JSON),
    "too large": (b'{"person":"' + b"x" * MOST_BYTES + b'"}', JSON),
    "as large as may be": (b'{"person":"' + b"x" * (MOST_BYTES - 13) + b'"}', JSON),
}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Reciprocity]:
    with new_shop(tmp_path) as made:
        add_people(made, 3, {"garden": 2, "kitchen": 1})
        withdraw(made, 1)
        yield made


@pytest.fixture
def keys(shop: Reciprocity) -> dict[str, str]:
    with closing(ApiKeys(shop.brand.folder, Clock())) as kept:
        return {
            "of the scope": kept.add("asks", [Scope.DECISIONS], 30).token,
            "of another scope": kept.add("writes", [Scope.CONSENT_WRITE], 30).token,
        }


FRAMEWORK = {"x-way": "framework"}


class Ways:
    """A server with the short way, which a header of the tests leads around."""

    def __init__(self, desk: Desk) -> None:
        app = make_app(desk, key_rate=1_000)
        self.desk, self.faults, short = desk, list[Exception](), list[App]()
        short.append(quick(app, MOST_BYTES, self.faults.append))

        async def either(scope: Told, receive: Receive, send: Send) -> None:
            around = (b"x-way", b"framework") in scope.get("headers", ())
            await (app if around else short[0])(scope, receive, send)  # type: ignore[operator]

        self.client = TestClient(either)

    def both(self, body: bytes, headers: dict[str, str]) -> list[tuple[object, ...]]:
        """Status, headers and body by the framework, and by the short way."""
        return [self.told(body, {**headers, **FRAMEWORK}), self.told(body, headers)]

    def told(self, body: bytes, headers: dict[str, str]) -> tuple[object, ...]:
        got = self.client.post("/v1/decisions", content=body, headers=headers)
        return got.status_code, dict(got.headers), got.content


@pytest.fixture
def ways(shop: Reciprocity) -> Iterator[Ways]:
    made = Ways(Desk(shop.brand.folder, Clock()))
    with made.client:
        yield made
    assert made.faults == []


@pytest.mark.parametrize("what", BODIES)
def test_both_say_the_same_to_whoever_has_a_key(
    shop: Reciprocity, ways: Ways, keys: dict[str, str], what: str
) -> None:
    body, headers = BODIES[what]
    for slot in (0, 1):
        said = body.replace(b"PERSON", shop.journal.pseudonym(slot).encode())
        let_in = {**headers, "authorization": f"bearer {keys['of the scope']}"}
        slow, fast = ways.both(said, let_in)
        assert fast == slow
        assert slow[0] in {200, 400, 413, 415, 422}


@pytest.mark.parametrize("authorization", [
    None, "", "Bearer", "Bearer x", "Basic x", "Bearer rk_000000000000_" + "a" * 43, "another",
])  # fmt: skip
def test_both_refuse_the_same_whatever_else_is_wrong(
    ways: Ways, keys: dict[str, str], authorization: str | None
) -> None:
    said = f"Bearer {keys['of another scope']}" if authorization == "another" else authorization
    headers = {**JSON, **({} if said is None else {"authorization": said})}
    for body in (b'{"person":"nobody"}', b"{"):
        slow, fast = ways.both(body, headers)
        assert fast == slow
        assert slow[0] in {401, 403}


def test_other_addresses_and_methods_are_the_frameworks(
    ways: Ways,
) -> None:
    fast = ways.client
    assert fast.get("/healthz").status_code == 200
    assert fast.get("/v1/decisions").status_code == 405
    assert fast.post("/v1/decisions:batch").status_code == 401
    assert fast.post("/v1/decisions/").status_code in {401, 404}


def test_what_would_have_to_be_waited_for_is_done_beside_the_loop(
    shop: Reciprocity, ways: Ways, keys: dict[str, str]
) -> None:
    """While somebody holds the journal in this process, the loop goes on answering others."""
    headers = {**JSON, "authorization": f"Bearer {keys['of the scope']}"}
    body = b'{"person":"%s"}' % shop.journal.pseudonym(0).encode()
    assert ways.told(body, headers)[0] == 200
    journal = ways.desk.shop().journal
    answered = threading.Event()

    def ask() -> None:
        ways.told(body, headers)
        answered.set()

    with journal._lock:
        asking = threading.Thread(target=ask)
        asking.start()
        assert not answered.wait(0.3)
        assert ways.client.get("/healthz").status_code == 200
    assert answered.wait(30)
    asking.join()


def test_acts_that_wait_to_be_sealed_are_sealed_first(
    shop: Reciprocity, ways: Ways, keys: dict[str, str]
) -> None:
    headers = {**JSON, "authorization": f"Bearer {keys['of the scope']}"}
    body = b'{"person":"%s"}' % shop.journal.pseudonym(0).encode()
    assert b'"deliver"' in ways.told(body, headers)[2]  # type: ignore[operator]
    withdraw(shop, 0)  # by another process
    assert b'"deliver"' not in ways.told(body, headers)[2]  # type: ignore[operator]


@pytest.mark.files
def test_whoever_writes_to_the_keys_holds_nobody_up(
    shop: Reciprocity, ways: Ways, keys: dict[str, str]
) -> None:
    """The first use of a day is noted there, and need not be."""
    headers = {**JSON, "authorization": f"Bearer {keys['of the scope']}"}
    body = b'{"person":"%s"}' % shop.journal.pseudonym(0).encode()
    with closing(connect(shop.brand.folder / "api_keys.db", durable=True)) as other:
        other.begin()
        assert [ways.told(body, headers)[0] for _ in range(3)] == [200] * 3
        with closing(ApiKeys(shop.brand.folder, Clock())) as kept:
            assert {key.last_used_on for key in kept.all()} == {-1}
        other.rollback()
    assert ways.told(body, headers)[0] == 200
    with closing(ApiKeys(shop.brand.folder, Clock())) as kept:
        assert {key.name for key in kept.all() if key.last_used_on > 0} == {"asks"}


def test_a_scope_of_a_newer_release_is_none_here(
    shop: Reciprocity, ways: Ways, keys: dict[str, str]
) -> None:
    headers = {**JSON, "authorization": f"Bearer {keys['of the scope']}"}
    with closing(connect(shop.brand.folder / "api_keys.db", durable=True)) as db:
        db.execute("UPDATE api_key SET scopes = scopes || ' of:tomorrow'")
    assert ways.told(b'{"person":"nobody"}', headers)[0] == 200
