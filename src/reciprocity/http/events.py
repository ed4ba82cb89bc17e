"""`POST /v1/events` and Segment's own addresses: what shops and their pages report of people.

A browser sends `text/plain`, so that it need not ask first; it is let in by the secret that is its
`anonymousId`. A server sends its write key. The answer says of each event that was dropped why; it
carries no cookie and allows no other site to read it.
"""

import binascii
import logging
import zlib
from base64 import b64decode
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from litestar import MediaType, Request, Response, Router, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from reciprocity.collect.collector import Collected, Sender
from reciprocity.collect.reported import read_report
from reciprocity.errors import InputError, ReciprocityError
from reciprocity.http.frame import threaded

if TYPE_CHECKING:
    from reciprocity.http.desk import Desk

__all__ = ["MOST_SENT_BYTES", "MOST_UNPACKED_BYTES", "WriteKey", "events_router", "no_write_key"]

MOST_SENT_BYTES: Final = 65_536
MOST_UNPACKED_BYTES: Final = 524_288
WriteKey = Callable[[str], bool]
"""Is this a write key of the brand's?"""
_GZIP: Final = 16 + zlib.MAX_WBITS
_TYPES: Final = frozenset({"application/json", "text/plain"})
_PLACES: Final = ("/events", "/batch", "/track", "/identify", "/page")
_KINDS: Final = frozenset({"track", "identify", "page"})
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_log = logging.getLogger(__name__)

AnyRequest = Request[object, object, State]


def no_write_key(_key: str) -> bool:
    """No key is one: servers are let in only where the application is given their keys."""
    return False


def events_router() -> Router:
    """The routes; `desk` and `write_key` are in the application's state."""
    return Router(
        "/v1",
        route_handlers=[collect],
        request_max_body_size=MOST_SENT_BYTES,
        exception_handlers={
            HTTPException: _refused,
            ReciprocityError: _out_of_reach,
            Exception: _failed,
        },
    )


@post(list(_PLACES), status_code=200)
async def collect(request: AnyRequest, state: State) -> Response[bytes]:
    """Keep what may be kept of the events in the body; say of the others why not."""
    desk: Desk = state.desk
    body = _unpacked(request, await request.body())
    last = request.url.path.rstrip("/").rpartition("/")[2]
    try:
        report = read_report(body, last if last in _KINDS else "")
    except InputError as error:
        raise HTTPException(str(error), status_code=400) from error
    key = _key_of(request) or report.write_key

    def work() -> Collected:
        if key and not state.write_key(key):
            raise HTTPException("write key is not known here", status_code=401)
        sender = Sender(trusted=bool(key), signal=_asks_not_to(request))
        return desk.shop().collector.take(report.events, sender)

    return _answer(200, await threaded(work), MediaType.JSON)


def _asks_not_to(request: AnyRequest) -> bool:
    """Does the browser ask not to be watched? Any word of it but a plain no is a yes."""
    return any(
        request.headers.get(name, "0").strip() not in {"", "0"} for name in ("sec-gpc", "dnt")
    )


def _key_of(request: AnyRequest) -> str:
    """The write key that the request names as its user (Basic), or an empty text."""
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return ""
    if scheme.lower() != "basic":
        raise HTTPException("authorization is not Basic, expected the write key", status_code=401)
    try:
        key = b64decode(told.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeError):
        key = ""
    if not key:
        raise HTTPException("authorization holds no write key", status_code=401)
    return key


def _unpacked(request: AnyRequest, body: bytes) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES:
        raise HTTPException("body is neither application/json nor text/plain", status_code=415)
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return body
    if coding != "gzip":
        raise HTTPException("body is encoded, expected gzip or nothing", status_code=415)
    unpacking = zlib.decompressobj(_GZIP)
    try:
        plain = unpacking.decompress(body, MOST_UNPACKED_BYTES)
    except zlib.error as error:
        raise HTTPException("body is no gzip", status_code=400) from error
    if unpacking.unconsumed_tail:
        raise HTTPException(
            f"body unpacks to more than {MOST_UNPACKED_BYTES} bytes", status_code=413
        )
    if not unpacking.eof or unpacking.unused_data:
        raise HTTPException("body is no whole gzip, or more than one", status_code=400)
    return plain


# --- answers --------------------------------------------------------------------------------------


def _answer(status: int, told: object, kind: str) -> Response[bytes]:
    text = msgspec.json.encode(told)
    return Response(text, status_code=status, media_type=kind, headers=_HEADERS)


def _problem(status: int, title: str) -> Response[bytes]:
    """What went wrong with the whole request (RFC 9457)."""
    return _answer(status, {"status": status, "title": title}, "application/problem+json")


def _refused(_: AnyRequest, error: HTTPException) -> Response[bytes]:
    return _problem(error.status_code, error.detail)


def _out_of_reach(_: AnyRequest, error: ReciprocityError) -> Response[bytes]:
    _log.error("events could not be kept: %s", error)
    return _problem(503, "nothing was kept: send it again later")


def _failed(_: AnyRequest, error: Exception) -> Response[bytes]:
    _log.error("report failed", exc_info=error)
    return _problem(500, "nothing was kept")
