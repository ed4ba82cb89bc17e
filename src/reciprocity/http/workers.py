"""Several worker processes on one address: one server to whoever asks.

They share the listening socket, the limits (`buckets`) and the figures of `/metrics`; all else they
share is in the brand's databases. Who ends is started anew, unless it cannot even start; when this
process goes, by whatever way, they go.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final

from reciprocity.errors import Unavailable
from reciprocity.http.buckets import SharedRooms

__all__ = ["FIGURES", "serve_by"]

FIGURES: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that says where the workers' figures are; read when `prometheus_client` loads."""
_GRACE_S: Final = 15
_LOOK_S: Final = 0.1
_SOON_S: Final = 5
_READY: Final = b"ready\n"
_log = logging.getLogger("reciprocity.workers")


def serve_by(
    workers: int,
    listening: socket.socket,
    folder: Path,
    key_rate: float,
    announce: Callable[[], None],
) -> None:
    """Serve the brand in *folder* on *listening* by so many processes until told to end.

    *announce* is called when all of them answer. Raises `Unavailable` if one cannot start.
    """
    limits = SharedRooms.make()
    alive, held = os.pipe()  # nobody writes: it ends when this process does
    try:
        with TemporaryDirectory(prefix="reciprocity-figures-") as figures, _told_to_end() as told:
            handles = (listening.fileno(), limits, alive)
            start = _starter(handles, folder, key_rate, figures)
            started: list[tuple[subprocess.Popen[bytes], float]] = []
            try:
                started += [start() for _ in range(workers)]
                for process, _ in started:
                    _wait_until_ready(process)
                announce()
                _keep_up(started, start, told)
            finally:
                _end([process for process, _ in started])
    finally:
        for handle in (limits, alive, held):
            os.close(handle)


_Started = tuple["subprocess.Popen[bytes]", float]


def _starter(
    handles: tuple[int, int, int], folder: Path, key_rate: float, figures: str
) -> Callable[[], _Started]:
    def start() -> _Started:
        command = [sys.executable, "-m", "reciprocity.http.worker"]
        told = [*map(str, handles), str(folder), str(key_rate)]
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, *told],
            stdout=subprocess.PIPE,
            pass_fds=handles,
            env={**os.environ, FIGURES: figures},
            start_new_session=True,  # Ctrl-C reaches this process, which tells them
        )
        return process, time.monotonic()

    return start


def _wait_until_ready(process: "subprocess.Popen[bytes]") -> None:
    if process.stdout is None or process.stdout.readline() != _READY:
        raise Unavailable("a worker of the server could not start: its own words are above")


def _keep_up(started: list[_Started], start: Callable[[], _Started], told: list[int]) -> None:
    """Start anew whoever ended, until this process is told to end."""
    while not told:
        time.sleep(_LOOK_S)
        for place, (process, since) in enumerate(started):
            if process.poll() is None or told:
                continue
            if time.monotonic() - since < _SOON_S:
                raise Unavailable("a worker of the server ends as soon as it starts")
            _log.error("a worker ended with %s: another takes its place", process.returncode)
            started[place] = start()


def _end(processes: "list[subprocess.Popen[bytes]]") -> None:
    """Let each answer what it is asked, then end; whoever does not is killed."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    until = time.monotonic() + _GRACE_S
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def _told_to_end() -> Iterator[list[int]]:
    """Empty until a signal says that this process is to end."""
    told: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    before = {number: signal.signal(number, hear) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
