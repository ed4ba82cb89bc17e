"""Real witnesses as processes of their own, a small log to show them, and a plain client.

`python -m tests.witness.running FOLDER [PORT]` is the process.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from reciprocity.tlog.merkle import Frontier, Growth, hash_leaf, prove_consistency, root_at
from reciprocity.tlog.note import Checkpoint, sign_note
from reciprocity.tlog.submission import Submission
from reciprocity.witness.serve import run
from tests.tlog.keys import Key, log_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
LIMIT_S = 30


class SmallLog:
    """A log of *size* leaves; those from *fork* on are of another history, the *variant*."""

    def __init__(
        self, size: int, fork: int = 2**53, key: Key | None = None, variant: int = 1
    ) -> None:
        self.key = key or log_key(1)
        leaves = [hash_leaf(b"%d %d" % (one, variant * (one >= fork))) for one in range(size)]
        self.tree: Growth = Frontier().extend(leaves)

    def root(self, size: int) -> bytes:
        return root_at(size, self.tree)

    def note(self, size: int, extension: str = "") -> bytes:
        more = (extension,) if extension else ()
        checkpoint = Checkpoint(self.key.name, size, self.root(size), more)
        return sign_note(checkpoint.encode(), [self.key])

    def ask(self, old_size: int, size: int) -> bytes:
        """The body of a submission that holds."""
        proof = tuple(prove_consistency(old_size, size, self.tree))
        return Submission(old_size, proof, self.note(size)).encode()


RACERS = 8


def races(count: int) -> list[list[SmallLog]]:
    """So many logs, each in eight histories that have nothing in common."""
    keys = [log_key(100 + number, f"log.example/{number}") for number in range(count)]
    return [[SmallLog(1, 0, key, variant) for variant in range(RACERS)] for key in keys]


def race(logs: list[SmallLog], ask: Callable[[int, bytes], int]) -> list[int]:
    """The statuses of *ask* (number of who asks, body), asked for all of *logs* at one moment."""
    start, found = threading.Barrier(len(logs)), list[int]()

    def run_up(number: int) -> None:
        body = logs[number].ask(0, 1)
        start.wait(LIMIT_S)
        found.append(ask(number, body))

    threads = [threading.Thread(target=run_up, args=(one,)) for one in range(len(logs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    return sorted(found)


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes


class Server(NamedTuple):
    """A running witness."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def ask(
        self, body: bytes | Iterator[bytes], method: str = "POST", path: str = "/add-checkpoint"
    ) -> Answer:
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=LIMIT_S)) as to:
            to.request(method, path, body)
            got = to.getresponse()
            return Answer(got.status, got.getheader("content-type") or "", got.read())

    def kill(self) -> None:
        """As a power cut would, but for the disk."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT_S)


def start(folder: Path, port: int = 0) -> Server:
    """The witness in *folder*, answering."""
    log = folder.parent / f"{folder.name}.log"
    command = [sys.executable, "-m", "tests.witness.running", str(folder), str(port)]
    with log.open("a") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout
    url = process.stdout.readline().strip()
    process.stdout.close()
    if not url.startswith("http://127.0.0.1:"):
        process.wait(LIMIT_S)
        raise AssertionError(log.read_text())
    return Server(process, url, log)


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[Server]:
    """The witness in *folder* until the end of the block."""
    server = start(folder, port)
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(LIMIT_S)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run(Path(sys.argv[1]), port=int(sys.argv[2]), announce=say)
