"""The access log: a whole line for each answer, soon after it, and never in an answer's way."""

from __future__ import annotations

import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.http.running import LIMIT_S, Server, serving, started
from tests.shop import new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO reciprocity\.access: "
    r"([A-Z]+) (\S+) (\d{3}) \d+\.\d ms"
)
FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_shop(tmp_path_factory.mktemp("logged")) as shop:
        yield shop.journal.folder


def test_each_answer_has_a_whole_line_however_many_come_together(folder: Path) -> None:
    asked = [("GET", "/healthz"), ("GET", "/u/secret"), ("PUT", "/healthz"), ("GET", "/away")]
    with serving(folder) as server, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda each: server.ask(*each), asked * 50))
    lines = [line for line in server.log.read_text().splitlines() if "access" in line]
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    told = [one.groups() for one in found if one]
    assert {one: told.count(one) for one in told} == {
        ("GET", "/healthz", "200"): 50, ("GET", "/u/...", "404"): 50,
        ("PUT", "/healthz", "405"): 50, ("GET", "other", "404"): 50,
    }  # fmt: skip


def test_an_answer_is_counted_before_anybody_has_it(folder: Path) -> None:
    counted = r'http_requests_total\{kind="/healthz",status="200"\} (\S+)'
    with serving(folder) as server:
        for number in range(1, 20):
            server.ask("GET", "/healthz")
            found = re.search(counted, server.ask("GET", "/metrics").text)
            assert found
            assert float(found[1]) == number


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is Linux's")
def test_a_log_that_cannot_be_written_keeps_nobody_from_an_answer(folder: Path) -> None:
    with started("serve", str(folder), "", log=FULL) as process:
        try:
            assert process.stdout
            server = Server(process, process.stdout.readline().strip(), FULL)
            assert [server.ask("GET", "/healthz").status for _ in range(5)] == [200] * 5
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(LIMIT_S)
