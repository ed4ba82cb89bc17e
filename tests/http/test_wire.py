"""What a connection may send without saying anything is bounded, on the real server."""

from __future__ import annotations

import socket
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from reciprocity.http.wire import MOST_HEAD_BYTES
from tests.http.running import LIMIT_S, Server, serving
from tests.shop import new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /enter HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
FLOOD = 64 * 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with new_shop(tmp_path_factory.mktemp("wire")) as shop:
        folder = shop.journal.folder
    with serving(folder) as server:
        yield server


def connected(server: Server) -> socket.socket:
    where = urlsplit(server.url)
    return socket.create_connection((where.hostname, where.port), timeout=LIMIT_S)


def memory(server: Server) -> int:
    """The server's memory, in bytes."""
    told = Path(f"/proc/{server.process.pid}/statm").read_text().split()
    return int(told[1]) * 4_096


@pytest.mark.parametrize(
    "begun",
    [b"GET /", GET + b"X-Long: ", CHUNKED + b"X-Trailer: "],
    ids=["a line", "a header", "a trailer"],
)
def test_what_never_ends_is_cut_off(server: Server, begun: bytes) -> None:
    before, sent = memory(server), 0
    with closing(connected(server)) as to:
        to.sendall(begun)
        with suppress(ConnectionError):
            while sent < FLOOD:
                to.sendall(b"a" * 65_536)
                sent += 65_536
    assert sent < FLOOD
    assert memory(server) - before < FLOOD // 4
    assert server.ask("GET", "/healthz").status == 200


def test_a_head_of_many_headers_is_refused_in_words(server: Server) -> None:
    with closing(connected(server)) as to:
        for number in range(MOST_HEAD_BYTES // 20 + 5_000):
            with suppress(ConnectionError):
                to.sendall(f"X-{number:06}: {number:06}\r\n".encode() if number else GET)
        with suppress(ConnectionError):
            assert to.recv(4_096).startswith(b"HTTP/1.1 400 ")
    assert server.ask("GET", "/healthz").status == 200


def test_a_long_head_that_ends_and_requests_on_one_connection_are_answered(server: Server) -> None:
    with closing(connected(server)) as to:
        for _ in range(3):
            to.sendall(GET + b"X-Long: " + b"a" * (MOST_HEAD_BYTES - 4_096) + b"\r\n\r\n")
            answer = b""
            while not answer.endswith(b"ok\n"):
                answer += to.recv(4_096)
            assert answer.startswith(b"HTTP/1.1 200 ")
