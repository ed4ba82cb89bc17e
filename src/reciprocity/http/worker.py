"""One worker of a server: `python -m reciprocity.http.worker`, started by `workers` alone."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

from reciprocity.http.buckets import SharedRooms
from reciprocity.http.serve import serve_on

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Serve on the socket, with the limits, while the pipe is open: handles of the parent's."""
    handles, folder, key_rate = arguments[:3], Path(arguments[3]), float(arguments[4])
    listening, limits, alive = map(int, handles)
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
    with socket.socket(fileno=listening) as shared:
        serve_on(shared, folder, _ready, key_rate=key_rate, rooms=SharedRooms(limits))


def _ready(_url: str) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def _end_with(alive: int) -> None:
    """End when the parent does."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
