"""HTTP/1.1 as httptools reads it, with the one limit that it lacks: how much it takes unheard.

It reads faster than one in Python, but gathers a head, or a trailer, however long, before it says a
word of it. Here a connection is refused that sends too much without saying anything.
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["MOST_HEAD_BYTES", "BoundedProtocol"]

MOST_HEAD_BYTES: Final = 65_536
"""The most that a request's line and headers may have, or a trailer."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _unheard = 0
    """Bytes since the parser last told of a head, a part of a body, or an end."""

    def data_received(self, data: bytes) -> None:
        """Read on, unless too much came without an end of the head."""
        self._unheard += len(data)
        super().data_received(data)
        if self._unheard > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Request header fields too large.")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._unheard = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body came."""
        self._unheard = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unheard = 0
        super().on_message_complete()
