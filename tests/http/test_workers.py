"""Several workers are one server: one address, one limit for a key, one set of figures."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from reciprocity.http.api.keys import ApiKeys, Scope
from reciprocity.http.buckets import OwnRooms, Room, SharedRooms
from reciprocity.http.limit import Limit
from reciprocity.journal.journal import now_ms
from reciprocity.journal.restore import check_tree
from reciprocity.platform import Reciprocity
from tests.http.running import LIMIT_S, Server
from tests.shop import add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SERVE = """
import sys
from pathlib import Path
from reciprocity.http.serve import run
run(Path(sys.argv[1]), port=0, workers=3, key_rate=float(sys.argv[2]),
    announce=lambda url: print(url, flush=True))
"""


@contextmanager
def served(folder: Path, key_rate: float = 500) -> Iterator[Server]:
    log = folder.parent / "server.log"
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder), str(key_rate)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), log.read_text()
        yield Server(process, url, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(LIMIT_S)
        assert process.stdout
        process.stdout.close()


def workers_of(server: Server) -> list[int]:
    """The processes whose parent is the server."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            told = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, NotADirectoryError):
            continue
        if int(told[1]) == server.process.pid and told[0] != "Z":
            found.append(int(entry.name))
    return sorted(found)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Reciprocity]:
    with new_shop(tmp_path) as made:
        add_people(made, 5)
        yield made


def key_for(shop: Reciprocity, *scopes: Scope) -> dict[str, str]:
    with closing(ApiKeys(shop.brand.folder, now_ms)) as keys:
        return {"Authorization": f"Bearer {keys.add('tests', scopes, 30).token}"}


def test_all_of_them_answer_and_write_one_log(shop: Reciprocity) -> None:
    key = key_for(shop, Scope.CONSENT_WRITE, Scope.PEOPLE_READ, Scope.METRICS)
    with served(shop.brand.folder) as server:
        assert len(workers_of(server)) == 3

        def write(number: int) -> int:
            body = b'{"external_id": "w%d", "method": "tests"}' % number
            told = {**key, "Content-Type": "application/json", "Idempotency-Key": f"k{number}"}
            return server.ask("POST", "/v1/people", body, told).status

        with ThreadPoolExecutor(9) as pool:
            assert set(pool.map(write, range(60))) <= {200, 201}
        assert write(7) in {200, 201}  # the same act, whichever worker is asked
        figures = server.ask("GET", "/metrics").text
        counted = [
            float(found) for found in re.findall(
                r'http_requests_total\{kind="/v1/\.\.\.",status="20\d"\} (\S+)', figures
            )
        ]  # fmt: skip
        assert sum(counted) == 61  # of all workers, whoever is asked
    with Reciprocity.open(shop.brand.folder) as again:
        check_tree(again.journal)
        assert again.journal.count() == 65
    assert server.process.returncode == 0


def test_a_key_has_one_limit_with_all_of_them(shop: Reciprocity) -> None:
    key = key_for(shop, Scope.PEOPLE_READ)
    rate = 20
    with served(shop.brand.folder, rate) as server:

        def flood(_: int) -> list[int]:
            with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=LIMIT_S)) as to:
                told = []
                for _ in range(25):
                    to.request("GET", "/v1/brand", headers=key)
                    got = to.getresponse()
                    got.read()
                    told.append(got.status)
                return told

        begun = time.monotonic()
        with ThreadPoolExecutor(12) as pool:
            told = [status for one in pool.map(flood, range(12)) for status in one]
        took = time.monotonic() - begun
    assert told.count(200) <= 2 * rate + took * rate + 1
    assert told.count(200) >= 2 * rate
    assert set(told) == {200, 429}


def test_who_dies_is_replaced_and_all_go_with_the_first(shop: Reciprocity) -> None:
    with served(shop.brand.folder) as server:
        first = workers_of(server)
        time.sleep(5.5)  # who ends at once is not started again and again
        os.kill(first[0], signal.SIGKILL)
        until = time.monotonic() + LIMIT_S
        while len(workers_of(server)) < 3 or first[0] in workers_of(server):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert server.ask("GET", "/healthz").status == 200
        left = workers_of(server)
        server.process.kill()
        while any(Path(f"/proc/{each}").exists() for each in left):
            assert time.monotonic() < until + LIMIT_S
            time.sleep(0.05)


def test_what_stands_in_the_way_is_said_and_nobody_stays(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(tmp_path), "5"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode != 0
    assert "reciprocity apply" in done.stderr


# --- buckets --------------------------------------------------------------------------------------


def test_a_bucket_fills_as_in_one_process() -> None:
    now = 0.0
    handle = SharedRooms.make()
    try:
        rooms = [OwnRooms(), SharedRooms(handle), SharedRooms(handle)]
        limits = [Limit(2, 3, lambda: now, room.of(Room.KEYS)) for room in rooms]
        own, first, second = limits
        for step in (0, 0, 0, 0, 0.4, 0.2, 5, 0, 0, 0, 0.5):
            now += step
            shared = first if round(now * 10) % 2 else second
            assert shared.takes("a") == own.takes("a")
        assert second.takes("b")
        elsewhere = Limit(2, 3, lambda: now, rooms[1].of(Room.PAGES))
        assert elsewhere.takes("a")  # another room
        for number in range(300_000):  # far more than there is room for
            first.takes(f"many {number}")
        assert own.takes("new")
        assert first.takes("new")
    finally:
        os.close(handle)


def test_threads_and_processes_take_no_more_than_there_is() -> None:
    handle = SharedRooms.make()
    taken: list[int] = []

    def take(times: int) -> int:
        limit = Limit(0, 500, buckets=SharedRooms(handle).of(Room.KEYS))
        return sum(limit.takes("all") for _ in range(times))

    shared = Limit(0, 500, buckets=SharedRooms(handle).of(Room.KEYS))
    pid = os.fork()
    if not pid:
        os._exit(take(400) % 251)
    threads = [
        threading.Thread(target=lambda: taken.append(sum(shared.takes("all") for _ in range(300))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, status = os.waitpid(pid, 0)
    assert (sum(taken) + os.waitstatus_to_exitcode(status)) % 251 == 500 % 251
    os.close(handle)
