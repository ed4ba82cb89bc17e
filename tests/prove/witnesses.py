"""Witnesses for a brand: honest ones as processes, and servers that only look like one."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from reciprocity.tlog.policy import Policy
from reciprocity.witness.folder import init_witness, open_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reciprocity.journal.journal import Journal


def folders(place: Path, journal: Journal, count: int) -> list[Path]:
    """So many new witnesses that know the brand's log."""
    made = [place / f"w{number}" for number in range(count)]
    log = journal.signer().verifier_key.encode()
    for number, folder in enumerate(made):
        init_witness(folder, f"witness.example/{number}", [log], bytes([number + 1] * 32))
    return made


def policy_text(threshold: int, urls: dict[Path, str]) -> str:
    """A policy that asks for so many of the witnesses in these folders, at these urls."""
    lines = [
        f"witness {folder.name} {open_key(folder).verifier_key.encode()} {url}"
        for folder, url in urls.items()
    ]
    members = " ".join(folder.name for folder in urls)
    return "\n".join([*lines, f"group g {threshold} {members}", "quorum g", ""])


def policy(threshold: int, urls: dict[Path, str]) -> Policy:
    return Policy.parse(policy_text(threshold, urls).encode())


@contextmanager
def pretending(answer: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """The url of a server that does *answer* with each connection and the request it read."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take(to: socket.socket) -> None:
            with to, suppress(OSError):
                answer(to, to.recv(65_536))

        def serve() -> None:
            while True:
                try:
                    to, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=take, args=(to,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def replying(
    status: str, body: bytes = b"", *headers: str
) -> Callable[[socket.socket, bytes], None]:
    """An answer that is sent whole."""

    def answer(to: socket.socket, _: bytes) -> None:
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        to.sendall("\r\n".join([*head, "", ""]).encode() + body)

    return answer
