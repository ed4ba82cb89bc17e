"""`POST /v1/events` and Segment's own addresses: what shops and their pages report of people.

A browser sends `text/plain`, so that it need not ask first; it is let in by the secret that is its
`anonymousId`. A server sends its write key, which is looked at before anything of the body is. The
answer says of each event that was dropped why; it carries no cookie and allows no other site to
read it.
"""

import zlib
from base64 import b64decode
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from litestar import MediaType, Response, Router, post
from litestar.datastructures import State

from reciprocity.collect.collector import Collected, Sender
from reciprocity.collect.reported import read_report
from reciprocity.errors import InputError
from reciprocity.http.buckets import Room, Rooms
from reciprocity.http.frame import headers, threaded
from reciprocity.http.limit import Limit, network_of
from reciprocity.http.problem import Kind, Refusal
from reciprocity.http.site import AnyRequest

if TYPE_CHECKING:
    from reciprocity.http.api.counter import Counter
    from reciprocity.http.desk import Desk

__all__ = [
    "MOST_SENT_BYTES",
    "MOST_UNPACKED_BYTES",
    "WriteKey",
    "events_limit",
    "events_router",
    "no_write_key",
]

MOST_SENT_BYTES: Final = 65_536
MOST_UNPACKED_BYTES: Final = 524_288
WriteKey = Callable[[str], bool]
"""Is this a write key of the brand's?"""
_GZIP: Final = 16 + zlib.MAX_WBITS
_TYPES: Final = frozenset({"application/json", "text/plain"})
_PLACES: Final = ("/events", "/batch", "/track", "/identify", "/page")
_KINDS: Final = frozenset({"track", "identify", "page"})
_EACH_SECOND: Final = 50
_BURST: Final = 500


def events_limit(rooms: Rooms) -> Limit:
    """How often one network may report without a key in the request's head."""
    return Limit(_EACH_SECOND, _BURST, buckets=rooms.of(Room.EVENTS))


def no_write_key(_key: str) -> bool:
    """No key is one: servers are let in only where the application is given their keys."""
    return False


def events_router() -> Router:
    """The routes; `desk` and `write_key` are in the application's state."""
    return Router(
        "/v1",
        route_handlers=[collect],
        request_max_body_size=MOST_SENT_BYTES,
    )


@post(list(_PLACES), status_code=200)
async def collect(request: AnyRequest, state: State) -> Response[bytes]:
    """Keep what may be kept of the events in the body; say of the others why not."""
    desk: Desk = state.desk
    counter: Counter = state.counter
    network = network_of(request)
    trusted = await _has_key(request, state, network)
    body = _unpacked(request, await request.body())
    last = request.url.path.rstrip("/").rpartition("/")[2]
    try:
        report = read_report(body, last if last in _KINDS else "")
    except InputError as error:
        raise Refusal(Kind.BAD_REQUEST, str(error)) from error
    key = "" if trusted else report.write_key

    def work() -> Collected:
        if key and not state.write_key(key):
            raise counter.turned_away(network, Kind.NO_WRITE_KEY)
        sender = Sender(trusted=trusted or bool(key), signal=_asks_not_to(request))
        return desk.shop().collector.take(report.events, sender)

    text = msgspec.json.encode(await threaded(work))
    return Response(text, media_type=MediaType.JSON, headers=headers())


async def _has_key(request: AnyRequest, state: State, network: str) -> bool:
    """Does the head of the request name a write key? False where it names none.

    Raises `Refusal` for a key that is none, and for a *network* that comes too often without one.
    """
    counter: Counter = state.counter
    told = request.headers.get("authorization", "")
    if not told:
        if not state.events_limit.takes(network):
            raise Refusal(Kind.TOO_MANY)
        return False
    try:
        key = _key_in(told)
    except InputError as error:
        raise counter.turned_away(network, Kind.NO_WRITE_KEY, str(error)) from error
    if not await threaded(lambda: state.write_key(key)):
        raise counter.turned_away(network, Kind.NO_WRITE_KEY)
    return True


def _asks_not_to(request: AnyRequest) -> bool:
    """Does the browser ask not to be watched? Any word of it but a plain no is a yes."""
    return any(
        request.headers.get(name, "0").strip() not in {"", "0"} for name in ("sec-gpc", "dnt")
    )


def _key_in(authorization: str) -> str:
    """The write key that is the user of Basic *authorization*; `InputError` if there is none."""
    scheme, _, told = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InputError("Authorization is not Basic, expected the write key.")
    try:
        key = b64decode(told.strip(), validate=True).decode().partition(":")[0]
    except ValueError:  # no Base64, or no text in it
        key = ""
    if not key:
        raise InputError("Authorization holds no write key.")
    return key


def _unpacked(request: AnyRequest, body: bytes) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES:
        raise Refusal(Kind.NOT_JSON)
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return body
    if coding != "gzip":
        raise Refusal(Kind.NOT_JSON, "Encode the body with gzip, or not at all.")
    unpacking = zlib.decompressobj(_GZIP)
    try:
        plain = unpacking.decompress(body, MOST_UNPACKED_BYTES)
    except zlib.error as error:
        raise Refusal(Kind.BAD_REQUEST, "The body is no gzip.") from error
    if unpacking.unconsumed_tail:
        raise Refusal(Kind.TOO_LARGE, f"The body unpacks to more than {MOST_UNPACKED_BYTES} bytes.")
    if not unpacking.eof or unpacking.unused_data:
        raise Refusal(Kind.BAD_REQUEST, "The body is no whole gzip, or more than one.")
    return plain
