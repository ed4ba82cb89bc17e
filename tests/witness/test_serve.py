"""Witnesses as processes: over HTTP, two at once on one state, and killed at any moment."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError, Unavailable
from reciprocity.tlog.submission import MAX_BYTES, parse_lines
from reciprocity.witness.folder import add_logs, init_witness
from reciprocity.witness.serve import run
from tests.witness.running import RACERS, SmallLog, race, races, serving, start

if TYPE_CHECKING:
    from pathlib import Path

LOG, FORK = SmallLog(200), SmallLog(200, fork=1)
NAME = "witness.example/<w>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_witness(tmp_path / "w", NAME, [LOG.key.text], bytes(range(32)))
    return tmp_path / "w"


def test_every_status_over_http(folder: Path) -> None:
    with serving(folder) as server:
        got = server.ask(LOG.ask(0, 7))
        assert got.status == 200
        assert len(parse_lines(got.body)) == 1
        assert server.ask(LOG.ask(0, 9)) == (409, "text/x.tlog.size", b"7\n")
        assert server.ask(FORK.ask(7, 7)) == (409, "text/x.tlog.size", b"7\n")
        assert server.ask(FORK.ask(7, 9)).status == 422
        assert server.ask(b"old").status == 400
        assert server.ask(b"x" * (MAX_BYTES + 1)).status == 413
        assert server.ask(b"", "GET").status == 405
        assert server.ask(b"", "GET", "/other").status == 404
        page = server.ask(b"", "GET", "/")
        assert page.content_type.startswith("text/html")
        assert b"witness.example/&lt;w&gt;+" in page.body
        assert f"<td>{LOG.key.name}</td><td>7</td>".encode() in page.body
        assert b"yes, 1 times" in page.body
    assert "Traceback" not in server.log.read_text()


def test_two_processes_on_one_state_cosign_one_of_eight_histories(folder: Path) -> None:
    logs = races(40)
    add_logs(folder, [histories[0].key.text for histories in logs])
    with serving(folder) as one, serving(folder) as two:
        for histories in logs:
            found = race(histories, lambda who, body: (one, two)[who % 2].ask(body).status)
            assert found == [200, *[409] * (RACERS - 1)]


def test_a_witness_killed_around_its_answer_never_cosigns_two_roots_of_one_size(
    folder: Path,
) -> None:
    """Kill it at ten moments of a stream of requests; then show it another history."""
    server, size = start(folder), 0
    try:
        for number in range(10):
            timer = threading.Timer(0.003 * number, server.kill)
            timer.start()
            while True:
                try:
                    got = server.ask(LOG.ask(size, size + 1))
                except (OSError, HTTPException):  # hung up before, or in, its answer
                    break
                assert got.status == 200
                size += 1
            timer.join()
            server = start(folder)
            got = server.ask(FORK.ask(0, 0))
            assert got.status in {200, 409}
            known = int(got.body) if got.status == 409 else 0
            assert known - size in {0, 1}  # an answer may be lost, nothing that was answered
            size = known
            if size > 1:
                assert server.ask(FORK.ask(size, size)).status == 409
                assert server.ask(FORK.ask(size, size + 1)).status == 422
        assert size
    finally:
        server.kill()


def test_a_body_that_never_ends_is_cut_off(folder: Path) -> None:
    with serving(folder) as server:
        endless = (b"x" * 65_536 for _ in range(100))
        with suppress(OSError):  # it may hang up before all was sent
            assert server.ask(endless).status == 413
        assert server.ask(LOG.ask(0, 7)).status == 200


def test_what_cannot_be_served_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises((InputError, Unavailable), match="list of logs"):
        run(tmp_path)
    with pytest.raises(InputError, match="no-such-host"):
        run(folder, host="no-such-host.invalid")
