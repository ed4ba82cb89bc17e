"""One submission to one witness over HTTP, trusting nothing of how it answers.

A witness may be slow, silent, broken or hostile. What it can cost is bounded: so many seconds in
all, so many bytes, no redirect followed, no proxy, no cookie, nothing decompressed. A thread that
waits at the end of its time has its connection cut under it.
"""

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Generic, NamedTuple, TypeVar

from reciprocity.errors import Unavailable
from reciprocity.tlog.submission import SIZE_TYPE

__all__ = ["Answer", "Line", "ask_all"]

MOST_BYTES: Final = 2**16
_MOST_WORDS: Final = 160
_CONFLICT: Final = 409
_Given = TypeVar("_Given")
_Got = TypeVar("_Got")


class Answer(NamedTuple):
    """What a witness answered."""

    status: int
    content_type: str
    body: bytes

    @property
    def tells_size(self) -> bool:
        """Is it a 409 that tells the size the witness knows?"""
        told = self.content_type.partition(";")[0].strip()
        return self.status == _CONFLICT and told == SIZE_TYPE

    @property
    def words(self) -> str:
        """The status and the first line of the body, fit to be shown."""
        line = plain(self.body.partition(b"\n")[0].decode("ascii", "replace"))
        return f"answered {self.status}: {line}" if line else f"answered {self.status}"


def plain(text: str) -> str:
    """*text* in printable ASCII on one short line: it may come from anybody."""
    shown = "".join(one if " " <= one <= "~" else "?" for one in text[:_MOST_WORDS])
    return shown.strip()


class Line:
    """The way to one witness, which can be cut while another thread waits on it."""

    def __init__(self, limit_s: float) -> None:
        """A way that is cut *limit_s* seconds from now."""
        self._end = monotonic() + limit_s
        self._socket: socket.socket | None = None
        self._is_cut = False

    def post(self, url: str, body: bytes) -> Answer:
        """The answer to *body*; raises `Unavailable` saying why there is none."""
        import httpx  # noqa: PLC0415 - slow to import, and most commands ask no witness

        try:
            with (
                httpx.Client(timeout=self._left(), trust_env=False) as client,
                client.stream(
                    "POST",
                    url,
                    content=body,
                    headers={"Accept-Encoding": "identity", "User-Agent": "reciprocity"},
                    extensions={"trace": self._trace},
                ) as got,
            ):
                data = b""
                for chunk in got.iter_raw():
                    data += chunk
                    self._left()
                    if len(data) > MOST_BYTES:
                        raise Unavailable(f"answered with more than {MOST_BYTES} bytes")
                self._left()  # a body without a length ends where the way is cut, as if whole
                return Answer(got.status_code, got.headers.get("content-type", ""), data)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            self._left()
            raise Unavailable(plain(f"cannot be asked: {error or type(error).__name__}")) from error

    def _left(self) -> float:
        left = self._end - monotonic()
        if left <= 0 or self._is_cut:
            raise Unavailable("did not answer in time")
        return left

    def _trace(self, event: str, told: dict[str, Any]) -> None:
        """Keep the socket of the connection just made (httpcore's name for it may change)."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._socket = told["return_value"].get_extra_info("socket")

    def cut(self) -> None:
        """Wake whoever waits on this way; it fails there."""
        self._is_cut = True
        if self._socket is not None:
            with suppress(OSError):  # of the plain socket: TLS would first say goodbye
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Ask(threading.Thread, Generic[_Given, _Got]):
    """One witness being asked; a daemon, so that no process waits for its end."""

    def __init__(self, work: Callable[[_Given, Line], _Got], given: _Given, limit_s: float) -> None:
        super().__init__(daemon=True)
        self.line, self.got, self.fault = Line(limit_s), list[_Got](), list[BaseException]()
        self._work, self._given = work, given

    def run(self) -> None:
        try:
            self.got.append(self._work(self._given, self.line))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever started this
            self.fault.append(error)


def ask_all(
    work: Callable[[_Given, Line], _Got],
    given: Sequence[_Given],
    limit_s: float,
    otherwise: Callable[[_Given], _Got],
) -> list[_Got]:
    """What *work* gives for each of *given*, all at once, in their order.

    *otherwise* is taken for those not done after *limit_s* seconds. What *work* raises is raised.
    """
    end = monotonic() + limit_s
    asks = [_Ask(work, one, limit_s) for one in given]
    for ask in asks:
        ask.start()
    for ask in asks:
        ask.join(max(0.0, end - monotonic()))
    found = []
    for one, ask in zip(given, asks, strict=True):
        if ask.is_alive():
            ask.line.cut()
        for fault in ask.fault[:1]:
            raise fault
        found.append(ask.got[0] if ask.got else otherwise(one))
    return found
