"""`POST /v1/decisions` without the framework: it is asked thousands of times a second.

Its requests are read by the same functions, and answered in the same words, as by the route that
describes it in the API's document (`showing.advise`); a test sends both whatever it can think of.
What the framework does for a request costs as much as deciding it.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Litestar, Response

from reciprocity.errors import ReciprocityError
from reciprocity.http.api.counter import Counter
from reciprocity.http.api.showing import advised_for
from reciprocity.http.frame import headers
from reciprocity.http.limit import asker
from reciprocity.http.problem import Kind, Refusal, refused

if TYPE_CHECKING:
    from reciprocity.http.api.lane import Lane

__all__ = ["App", "Receive", "Send", "Told", "quick"]

Told = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Told]]
Send = Callable[[Told], Awaitable[None]]
App = Callable[[Told, Receive, Send], Awaitable[None]]
"""An ASGI application, as the specification has it."""

PATH: Final = "/v1/decisions"
_FORWARDED: Final = b"x-forwarded-for"
_READ: Final = frozenset({b"authorization", b"content-type", _FORWARDED})


class _Gone(Exception):
    """Nobody waits for the answer any more."""


def quick(app: Litestar, most_bytes: int, failed: Callable[[Exception], None]) -> App:
    """*app*, but for the one address; a body may have *most_bytes*.

    *failed* is told what went wrong inside, which no answer says.
    """
    counter: Counter = app.state.counter
    lane: Lane = app.state.lane
    framework: App = app  # type: ignore[assignment] # its own names for the same types

    async def answer(scope: Told, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await framework(scope, receive, send)
            return
        try:
            body = await _body(receive, most_bytes)
            told = _headers(scope["headers"])
            status, content, sent = 200, await lane.do(_work(counter, scope, told, body)), _SENT
        except _Gone:
            return
        except Exception as error:  # noqa: BLE001 - whoever asks is told in words of our own
            if not isinstance(error, Refusal):
                failed(error)
            kind = Refusal(Kind.UNAVAILABLE) if isinstance(error, ReciprocityError) else error
            status, content, sent = _refusal(refused(kind))
        await send({
            "type": "http.response.start",
            "status": status,
            "headers": [*sent, (b"content-length", b"%d" % len(content))],
        })  # fmt: skip
        await send({"type": "http.response.body", "body": content})

    return answer


def _work(
    counter: Counter, scope: Told, told: dict[bytes, str], body: bytes
) -> Callable[[], bytes]:
    """Let in, read, decide, and write the answer: all in one go."""

    def work() -> bytes:
        def network() -> str:
            client = scope.get("client")
            return asker(client[0] if client else "", told.get(_FORWARDED, ""))

        shop = counter.deciding(told.get(b"authorization", ""), network)
        return msgspec.json.encode(advised_for(shop, told.get(b"content-type", ""), body))

    return work


async def _body(receive: Receive, most_bytes: int) -> bytes:
    """The request's body; raises `Refusal` for one that is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most_bytes:
            raise Refusal(Kind.TOO_LARGE)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """Those that are read: the first of each name, but the last that says who is spoken for."""
    told: dict[bytes, str] = {}
    for name, value in raw:
        if name in _READ and (name not in told or name == _FORWARDED):
            told[name] = value.decode("latin-1")
    return told


def _sent(told: dict[str, str], media_type: str) -> list[tuple[bytes, bytes]]:
    named = {**told, "content-type": media_type}
    return [(name.lower().encode(), value.encode()) for name, value in named.items()]


def _refusal(response: Response[bytes]) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    media_type = str(response.media_type)
    return response.status_code or 500, response.content, _sent(response.headers, media_type)


_SENT: Final = _sent(headers(), "application/json")
