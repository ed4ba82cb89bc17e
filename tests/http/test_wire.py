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


H2C = b"Connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


@pytest.mark.parametrize("pieces", [1, 2])
def test_an_offer_of_another_protocol_is_passed_over_and_its_body_read(
    server: Server, pieces: int
) -> None:
    """As some programs make it unasked; what it comes with may be a withdrawal."""
    body = b"[" * 9
    head = b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    sent = head + H2C + b"Content-Length: %d\r\n\r\n" % len(body)
    told = []
    with closing(connected(server)) as to:
        for each in (sent + body,) if pieces == 1 else (sent, body):
            to.sendall(each)
        told.append(to.recv(4_096))
        to.sendall(GET + H2C + b"\r\n")
        told.append(to.recv(4_096))
        to.sendall(GET + b"\r\n")
        told.append(to.recv(4_096))
    assert told[0].startswith(b"HTTP/1.1 401 ")  # read whole, and no key
    assert [each[:13] for each in told[1:]] == [b"HTTP/1.1 200 "] * 2


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/people"])
def test_who_is_spoken_for_is_what_the_last_line_says(server: Server, path: str) -> None:
    """Lines before it are the word of whoever asks, who could be somebody else each time."""
    told = []
    with closing(connected(server)) as to:
        for number in range(60):
            to.sendall(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                f"X-Forwarded-For: 10.1.0.{number}\r\n"
                f"X-Forwarded-For: 198.51.100.7, 203.0.113.{len(path)}\r\n\r\n".encode()
            )
            told.append(to.recv(4_096)[:12])
    assert told[0] == b"HTTP/1.1 401"
    assert told[-1] == b"HTTP/1.1 429"
