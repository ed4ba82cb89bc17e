"""What the pages of any site may ask of us: JSON in and out, without cookies or credentials.

A page of another server sends its body as `text/plain`, so that no preflight is needed, and any
page may read the answer, because nothing in it is anybody's but who sent the secret. Refusals are
problems, as everywhere under `/v1`.
"""

import logging
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from msgspec import Meta

from reciprocity.collect.collector import web_id
from reciprocity.errors import ReciprocityError
from reciprocity.http.buckets import Buckets
from reciprocity.http.limit import Limit, network_of
from reciprocity.http.problem import Kind, Refusal, refused
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import EXTERNAL

__all__ = [
    "HANDLERS", "HEADERS", "MOST_BYTES", "Act", "AnyRequest", "Secret", "known", "read",
    "said", "site_limit",
]  # fmt: skip

MOST_BYTES: Final = 65_536
_EACH_SECOND: Final = 20
_BURST: Final = 120
HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_log = logging.getLogger(__name__)
_Shape = TypeVar("_Shape")

AnyRequest = Request[object, object, State]
Act = Annotated[str, Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""The UUID of an act: sent again, it is the same act."""
Secret = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{22,86}$")]
"""What a browser made when its person said yes: whoever holds it is that person."""


def site_limit(buckets: Buckets) -> Limit:
    """How often one network may ask."""
    return Limit(_EACH_SECOND, _BURST, buckets=buckets)


async def read(request: AnyRequest, shape: type[_Shape], limit: Limit) -> _Shape:
    """The body as *shape*; raises `Refusal` for another one, and for a network too quick."""
    if not limit.takes(network_of(request)):
        raise Refusal(Kind.TOO_MANY)
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(Kind.BAD_REQUEST) from error


def known(shop: Reciprocity, secret: str) -> int | None:
    """The slot of whoever holds *secret*; None if nobody is known by it."""
    return shop.journal.find(shop.journal.digest(EXTERNAL, web_id(secret)))


def said(told: object, status: int = 200, more: Mapping[str, str] | None = None) -> Response[bytes]:
    """*told* as JSON; bytes are JSON already."""
    body = told if isinstance(told, bytes) else msgspec.json.encode(told)
    headers = {**HEADERS, **(more or {})}
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def _refused(_request: AnyRequest, error: HTTPException | Refusal) -> Response[bytes]:
    return refused(error, HEADERS)


def _out_of_reach(_request: AnyRequest, error: ReciprocityError) -> Response[bytes]:
    _log.error("page of a site could not be answered: %s", error)
    again = "Nothing was stored: try again, as the same act."
    return refused(Refusal(Kind.UNAVAILABLE, again), HEADERS)


def _failed(_request: AnyRequest, error: Exception) -> Response[bytes]:
    _log.error("request of a site's page failed", exc_info=error)
    return refused(error, HEADERS)


HANDLERS: Final[ExceptionHandlersMap] = {
    HTTPException: _refused,
    Refusal: _refused,
    ReciprocityError: _out_of_reach,
    Exception: _failed,
}
"""How routes for sites say what they refuse."""
