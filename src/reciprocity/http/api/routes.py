"""All addresses of the JSON API, and what they have in common."""

from functools import cache
from typing import Final

from litestar import Response, Router, get

from reciprocity.http.api.counter import let_in
from reciprocity.http.api.openapi import describe
from reciprocity.http.api.reading import brand, decided, events, receipt, stands
from reciprocity.http.api.showing import advise, advise_many, show
from reciprocity.http.api.writing import act, add
from reciprocity.http.frame import headers

__all__ = ["MOST_BYTES", "api_router", "document"]

MOST_BYTES: Final = 65_536


@get("/openapi.json", sync_to_thread=False)
def openapi() -> Response[bytes]:
    """The description of the API; it is the same for every brand, and needs no key."""
    return Response(document(), media_type="application/json", headers=headers())


@cache
def document() -> bytes:
    """The OpenAPI document, made once."""
    return describe(keyed_router())


def api_router() -> Router:
    """The whole API; `counter` and `clerk` are in the application's state."""
    return Router("", route_handlers=[keyed_router(), Router("/v1", route_handlers=[openapi])])


def keyed_router() -> Router:
    """Everything that a key opens."""
    keyed = [brand, stands, events, receipt, decided, show]
    return Router(
        "/v1",
        route_handlers=[
            Router("", route_handlers=keyed, guards=[let_in]),
            Router("", route_handlers=[add, act, advise, advise_many]),
        ],
        request_max_body_size=MOST_BYTES,
    )
