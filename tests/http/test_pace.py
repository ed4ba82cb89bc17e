"""Whoever asks too often is held back by network, and nobody else is: a real server, told apart.

The last server that speaks for somebody else is on this machine, as behind a server for TLS.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from reciprocity.deliver.link import Link
from reciprocity.http.api.keys import Scope
from tests.http.api_client import new_key
from tests.http.running import FORM, Server, serving
from tests.shop import Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE, SAME, OTHER = (
    {"X-Forwarded-For": told} for told in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
)
FLOOD = 90


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with new_shop(tmp_path_factory.mktemp("paced")) as shop:
        add_people(shop, 1)
        return shop.journal.folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving(folder) as server:
        yield server


def test_who_has_no_key_is_held_back_by_network_and_a_key_is_not(
    server: Server, folder: Path
) -> None:
    key = new_key(folder, Clock(), Scope.PEOPLE_READ)
    told = [server.ask("GET", "/v1/brand", headers=ONE).status for _ in range(FLOOD)]
    assert set(told[:50]) == {401}
    assert 429 in told[50:]
    assert server.ask("GET", "/v1/brand", headers=SAME | key).status == 200
    assert server.ask("GET", "/v1/brand", headers=OTHER).status == 401


@pytest.mark.parametrize(
    ("number", "bogus", "body"),
    [
        (1, basic("wk_none"), b'{"batch": []}'),
        (2, {"Authorization": "Basic !"}, b'{"batch": []}'),
        (3, {}, b'{"batch": [], "writeKey": "wk_none"}'),
    ],
)
def test_reports_with_a_key_that_is_none_are_held_back_and_with_one_in_force_not(
    server: Server, folder: Path, number: int, bogus: dict[str, str], body: bytes
) -> None:
    added = new_key(folder, Clock(), Scope.EVENTS_WRITE, name=f"shop-{number}")
    key = basic(added["Authorization"].partition(" ")[2])
    one, other = ({"X-Forwarded-For": f"192.0.{net}.{number}"} for net in (2, 3))

    def ask(headers: dict[str, str], sent: bytes = body) -> int:
        told = {"Content-Type": "application/json", **headers}
        return server.ask("POST", "/v1/events", sent, told).status

    told = [ask(one | bogus) for _ in range(FLOOD)]
    assert set(told[:50]) == {401}
    assert 429 in told[50:]
    assert ask(one | key, b'{"batch": []}') == 200
    assert ask(one, b'{"batch": []}') == 200  # a browser of that network has a bucket of its own
    assert ask(other | bogus) == 401


def test_forms_from_one_network_are_held_back_and_from_another_not(server: Server) -> None:
    def ask(network: dict[str, str]) -> int:
        return server.ask("POST", "/me", b"", network | FORM).status

    told = [ask(ONE) for _ in range(FLOOD)]
    assert 429 not in told[:60]
    assert 429 in told[60:]
    got = server.ask("POST", "/enter", b"address=", SAME | FORM)
    assert (got.status, got.headers["retry-after"]) == (429, "1")
    assert "Please try again in a minute" in got.text
    assert ask(OTHER) != 429
    assert server.ask("GET", "/enter", headers=ONE).status == 200


def test_words_on_messages_are_held_back_by_network_and_what_lowers_is_not(
    server: Server, folder: Path
) -> None:
    with new_shop(folder.parent) as shop:
        path = f"/p/{shop.links.make(Link(0, 1, 'offers', 'email'))}"
    one, other = ({"X-Forwarded-For": f"198.51.100.{number}"} for number in (1, 2))

    def ask(network: dict[str, str]) -> int:
        return server.ask("POST", f"{path}/word", b"word=useful", network | FORM).status

    told = [ask(one) for _ in range(FLOOD)]
    assert set(told[:60]) == {404}  # a link of no message
    assert 429 in told[60:]
    assert ask(other) == 404
    assert server.ask("POST", path, b"most=2", one | FORM).status == 200


def test_what_only_takes_away_is_never_held_back(server: Server, folder: Path) -> None:
    with new_shop(folder.parent) as shop:
        path = f"/u/{shop.links.make(Link(0, 1, 'offers', 'email'))}"
    body = b"List-Unsubscribe=One-Click"
    assert {server.ask("POST", path, body, ONE | FORM).status for _ in range(FLOOD)} == {200}
