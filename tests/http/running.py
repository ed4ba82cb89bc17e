"""The real server as a process of its own, and a plain client for it.

`python -m tests.http.running serve FOLDER [KEY]`, where KEY is a write key, and `... decide FOLDER
SLOT` are the two processes.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from reciprocity.http.serve import run
from reciprocity.platform import Reciprocity
from tests.shop import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LIMIT_S = 30


class Answer(NamedTuple):
    """What the server said."""

    status: int
    headers: dict[str, str]
    text: str


class Server(NamedTuple):
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own, without cookies."""
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=LIMIT_S)) as to:
            to.request(method, path, body, headers or {})
            got = to.getresponse()
            names = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, names, got.read().decode())

    def click(self, token: str) -> Answer:
        """What a mail program's own button sends (RFC 8058)."""
        return self.ask("POST", f"/u/{token}", ONE_CLICK, FORM)


def started(*arguments: str, log: Path) -> subprocess.Popen[str]:
    """This file as a process; what it says on stderr goes to *log*."""
    command = [sys.executable, "-m", "tests.http.running", *arguments]
    with log.open("a") as errors:
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)


@contextmanager
def serving(folder: Path, write_key: str = "") -> Iterator[Server]:
    """The server of the brand in *folder*, on a free port; *write_key* is one it knows."""
    log = folder.parent / "server.log"
    with started("serve", str(folder), write_key, log=log) as process:
        assert process.stdout
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), log.read_text()
            yield Server(process, url, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(LIMIT_S)


def content(folder: Path) -> list[str]:
    """Every row of the journal's database, to see whether anything changed."""
    with closing(sqlite3.connect(folder / "journal.db")) as db:
        return list(db.iterdump())


def decide(folder: Path, slot: int) -> None:
    """Decide again and again; a line for each: when it began, and what came out.

    Ends after a while, and when it is ended.
    """
    with Reciprocity.open(folder, Clock()) as shop:
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            began = time.monotonic_ns()
            decision = shop.why(slot, "spring", "garden").decision
            say(f"{began} {decision.verdict} {decision.reason}")


def say(line: str) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        known = [key for key in sys.argv[3:] if key]
        run(
            Path(sys.argv[2]), port=0, announce=say, clock=Clock(),
            write_key=lambda key: key in known,
        )  # fmt: skip
    else:
        decide(Path(sys.argv[2]), int(sys.argv[3]))
