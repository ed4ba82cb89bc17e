"""The log over HTTP: the files of an export, cached as long as they hold, without keys too."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from reciprocity.prove.export import export_log
from reciprocity.prove.page import verifier_page
from reciprocity.prove.verify import verify_log
from tests.http.running import LIMIT_S, Server, serving
from tests.shop import add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reciprocity]:
    with new_shop(tmp_path_factory.mktemp("log")) as shop:
        add_people(shop, 700)
        yield shop


@pytest.fixture(scope="module")
def server(shop: Reciprocity) -> Iterator[Server]:
    with serving(shop.journal.folder) as server:
        yield server


def got(server: Server, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """The bare answer: status, headers, bytes."""
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=LIMIT_S)) as to:
        to.request(method, path)
        answer = to.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


def test_every_file_of_an_export_is_served_byte_for_byte(
    shop: Reciprocity, server: Server, tmp_path: Path
) -> None:
    export_log(shop.journal, tmp_path / "log")
    files = [path for path in (tmp_path / "log").rglob("*") if path.is_file()]
    assert len(files) > 6
    for path in files:
        status, headers, data = got(server, f"/log/{path.relative_to(tmp_path / 'log')}")
        assert (status, data) == (200, path.read_bytes()), path
        if path.name == "checkpoint":
            assert headers["content-type"] == "text/plain; charset=utf-8"
            assert "immutable" not in headers["cache-control"]
            assert int(headers["cache-control"].partition("max-age=")[2].split(",")[0]) <= 5
        else:
            assert headers["content-type"] == "application/octet-stream"
            assert headers["cache-control"] == "public, max-age=31536000, immutable"


def test_somebody_who_mirrors_it_can_verify_the_mirror(
    shop: Reciprocity, server: Server, tmp_path: Path
) -> None:
    export_log(shop.journal, tmp_path / "log")
    for path in [path for path in (tmp_path / "log").rglob("*") if path.is_file()]:
        path.write_bytes(got(server, f"/log/{path.relative_to(tmp_path / 'log')}")[2])
    key = got(server, "/log/key")[2].decode().split("\n")[0]
    assert verify_log(tmp_path / "log", [key]).personal == 700


def test_a_partial_tile_once_served_stays(shop: Reciprocity, server: Server) -> None:
    before = got(server, "/log/tile/0/000.p/9")
    withdraw(shop, 5)
    assert got(server, "/log/tile/0/000.p/9") == before
    assert before[2] == got(server, "/log/tile/0/000")[2][: 9 * 32]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/999", "tile/0/002.p/256", "tile/0/002.p/0", "tile/0/2", "tile/64/000", "tile/9/000",
        "tile/entries/999", "tile/0/000.p/", "tile/", "tile/../checkpoint", "tile/0/002.p/255",
        "tile/0/x000/000", "tile/entries/000.p/01", "checkpoints", "tile/0/%00",
    ],
)  # fmt: skip
def test_what_there_is_not_is_not_found(server: Server, path: str) -> None:
    status, headers, _ = got(server, f"/log/{path}")
    assert status == 404
    assert "immutable" not in headers.get("cache-control", "")


def test_nothing_of_it_can_be_changed_from_outside(server: Server) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert got(server, "/log/checkpoint", method)[0] == 405


def test_the_page_that_checks_is_at_hand(server: Server) -> None:
    status, headers, data = got(server, "/verify")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert data.decode() == verifier_page()


def test_a_page_of_another_site_may_read_it(server: Server) -> None:
    assert got(server, "/log/checkpoint")[1]["access-control-allow-origin"] == "*"


def test_it_is_served_while_the_keys_are_out_of_reach(shop: Reciprocity, server: Server) -> None:
    keys = shop.brand.master_key
    away = keys.rename(keys.with_suffix(".away"))
    try:
        assert got(server, "/log/checkpoint")[0] == 200
        assert got(server, "/log/tile/0/001")[0] == 200
    finally:
        away.rename(keys)
