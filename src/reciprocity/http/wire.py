"""HTTP/1.1 as httptools reads it, with the one limit that it lacks: how much it takes unheard.

It reads faster than one in Python, but gathers a head, or a trailer, however long, before it says a
word of it. Here a connection is refused that sends too much without saying anything. And it sends
an answer's head and body apart: here they go together, which is a fifth of a short answer's time.
"""

import asyncio
import re
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["MOST_HEAD_BYTES", "BoundedProtocol"]

MOST_HEAD_BYTES: Final = 65_536
"""The most that a request's line and headers may have, or a trailer; more, if read at once."""


_HEAD: Final = b"HTTP/1.1 "
_UPGRADE: Final = re.compile(rb"\r\nUpgrade:", re.IGNORECASE)
"""An offer to go on in another protocol (RFC 9110, 7.8), which is taken here as not made: the
parser would stop there and leave the body, which may be a withdrawal, unread.
"""


class _Together:
    """A connection's transport, on which an answer's head waits for its body; all else passes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self._held = transport, b""
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes) -> None:
        """Send *data* after what waits, or let it wait until this turn of the loop is over."""
        if self._held:
            data, self._held = self._held + data, b""
        elif data.startswith(_HEAD):
            self._held = data
            self._loop.call_soon(self._send)  # a body may come late, or never
            return
        self._transport.write(data)

    def _send(self) -> None:
        if self._held and not self._transport.is_closing():
            self._transport.write(self._held)
        self._held = b""

    def close(self) -> None:
        """Send what waits, and close."""
        self._send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        """Everything else is the transport's own."""
        return getattr(self._transport, name)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _unheard = 0
    """Bytes since the parser last told of a head, a part of a body, or an end."""
    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, with answers that go in one piece."""
        super().connection_made(cast("asyncio.Transport", _Together(transport)))

    def data_received(self, data: bytes) -> None:
        """Read on, unless too much came without an end of the head."""
        self._unheard += len(data)
        if not self._in_body and _UPGRADE.search(data):
            head, end, rest = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(rb"\r\nIgnored:", head) + end + rest
        super().data_received(data)
        if self._unheard > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Request header fields too large.")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._unheard, self._in_body = 0, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body came."""
        self._unheard = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unheard, self._in_body = 0, False
        super().on_message_complete()
