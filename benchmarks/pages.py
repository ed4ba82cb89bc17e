"""A person's own page as a browser gets it: bytes, requests, and the time to the first byte.

The person has a hundred events, the server is a process of its own, beside the plainest answer that
the same server gives.
"""

import re
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from benchmarks.table import Row, as_markdown
from tests.http.running import FORM, Server, serving
from tests.shop import Clock, add_people, new_shop, withdraw

__all__ = ["rows"]

EVENTS = 100
RUNS = 200


def rows() -> list[Row]:
    """The page of a person with a hundred events, and the simplest answer of the same server."""
    with TemporaryDirectory() as place:
        with new_shop(Path(place), clock=Clock()) as shop:
            (slot, *_) = add_people(shop, 50)
            shop.send("spring", "operator:bench")
            while len(shop.journal.history(slot)) < EVENTS:
                withdraw(shop, slot)
            home = shop.brand.folder
        with serving(home) as server:
            cookie = _enter(server, home)
            page = server.ask("GET", "/me", headers={"Cookie": cookie})
            if page.status != 200:
                raise RuntimeError(f"page answered {page.status}")
            loads = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page.text)
            first = _first_byte_ms(server, "/me", cookie)
            plain = _first_byte_ms(server, "/healthz", cookie)
    return [
        Row(work=f"own page, {EVENTS} events: first byte", measured=first, unit="ms",
            limit=plain, limit_is="/healthz of the same server", at_most=20),
        Row(work="own page: HTML", measured=len(page.text.encode()) / 1000, unit="KB", at_most=40),
        Row(work="own page: requests", measured=1 + len(loads), unit="", at_most=3),
    ]  # fmt: skip


def _enter(server: Server, home: Path) -> str:
    server.ask("POST", "/enter", b"address=p0%40example.com", FORM)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for mail in (home / "maildir" / "new").iterdir():
            found = re.search(r"/e/[\w.-]+", mail.read_text().replace("=\n", ""))
            if found:
                entered = server.ask("POST", found[0], b"", FORM)
                return entered.headers["set-cookie"].partition(";")[0]
        time.sleep(0.05)
    raise TimeoutError("no mail with a link came")


def _first_byte_ms(server: Server, path: str, cookie: str) -> float:
    """The median over some runs, on one connection that is kept open."""
    times = []
    with closing(HTTPConnection(urlsplit(server.url).netloc)) as to:
        for _ in range(RUNS):
            begun = time.perf_counter()
            to.request("GET", path, headers={"Cookie": cookie})
            answer = to.getresponse()
            times.append((time.perf_counter() - begun) * 1000)
            answer.read()
    return median(times)


if __name__ == "__main__":
    sys.stdout.write(as_markdown(rows()))
