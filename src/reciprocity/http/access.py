"""The access log: a line for each answer, and nothing in it of who asked or of any link.

Lines are written for all answers of a turn of the server's loop together: a record of `logging` for
each took as long as a sixth of a decision. They look as its records do.
"""

import asyncio
import io
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from reciprocity.http.api.quick import App, Receive, Send, Told
from reciprocity.http.metrics import Metrics

__all__ = ["AccessLog", "logged"]

_EVENTS: Final = frozenset(
    f"/v1/{each}" for each in ("events", "batch", "track", "identify", "page")
)
_OPEN_PATHS: Final = _EVENTS | {
    "/healthz", "/readyz", "/metrics", "/enter", "/me", "/verify", "/promises", "/promises.json",
    "/notices", "/.well-known/gpc.json",
}  # fmt: skip
_SECRET_BELOW: Final = frozenset({
    "u", "p", "e", "me", "log", "static", "join", "notices", "v1", "sdk",
})  # fmt: skip
_TOGETHER: Final = 32
"""Lines in one write: what a pipe takes whole, so that workers do not write into each other's."""


class AccessLog:
    """Lines for *stream*, written when the loop's turn is over; used on the loop alone."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.time) -> None:
        """Write to *stream*, with the time of *clock* in seconds since 1970."""
        self._stream, self._clock = stream, clock
        self._waiting: list[tuple[str, str, int, float]] = []

    def note(self, method: str, kind: str, status: int, seconds: float) -> None:
        """A line for one answer, soon."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.write)
        self._waiting.append((method, kind, status, seconds))

    def write(self) -> None:
        """Write what waits; nobody goes without an answer because a log cannot be written.

        One that takes lines and is read by nobody holds up whoever writes to it, as any pipe does.
        """
        waiting, self._waiting = self._waiting, []
        seconds, ms = divmod(int(self._clock() * 1000), 1000)
        when = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(seconds))},{ms:03}"
        lines = [
            f"{when} INFO reciprocity.access: {method} {kind} {status} {seconds * 1000:.1f} ms\n"
            for method, kind, status, seconds in waiting
        ]
        try:
            for begin in range(0, len(lines), _TOGETHER):
                self._stream.write("".join(lines[begin : begin + _TOGETHER]))
                self._stream.flush()
        except (OSError, ValueError):  # full, gone, or closed
            return


def logged(app: App, counted: Metrics, log: AccessLog | None = None) -> App:
    """*app*, with a line in *log* for each answer: method, kind of path, status, duration.

    All are *counted*. Never the path itself, since a link is a secret, nor who asked.
    """
    log = log or AccessLog(sys.stderr or io.StringIO())

    async def answer(scope: Told, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status, noted, start = 0, False, time.perf_counter()

        def note() -> None:
            nonlocal noted
            if not noted:
                noted = True
                took, kind = time.perf_counter() - start, _kind(scope["path"])
                log.note(scope["method"], kind, status, took)
                counted.note(kind, status, took)

        async def sent(message: Told) -> None:
            nonlocal status
            status = message.get("status", status)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                note()  # before it leaves: whoever has an answer finds it counted
            await send(message)

        try:
            await app(scope, receive, sent)
        finally:
            note()

    return answer


def _kind(path: str) -> str:
    if path in _OPEN_PATHS:
        return path
    first = path.split("/", 2)[1] if path.count("/") > 1 else ""
    return f"/{first}/..." if first in _SECRET_BELOW else "other"
