"""`/sdk/1/...`: the modules that pages of other sites load, under an address that stays.

They are served small, as `make sdk` made them of the files in `static/`; a test holds the two
together.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

__all__ = ["MODULES", "sdk_router", "served"]

MODULES: Final = ("reciprocity.js", "reciprocity-prompt.js", "reciprocity-slot.js")
_KEPT: Final = "public, max-age=3600"


@cache
def served(name: str) -> str:
    """The module *name* as it is served."""
    return (files("reciprocity") / "static" / "sdk" / name).read_text("utf-8")


@get("/1/{name:str}", sync_to_thread=False, include_in_schema=False)
def module(name: FromPath[str], request: Request[object, object, State]) -> Response[bytes]:
    """One of the modules; any page may load it, and keep it for an hour."""
    if name not in MODULES:
        raise NotFoundException
    data = served(name).encode()
    etag = f'"{sha256(data).hexdigest()[:32]}"'
    told = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": _KEPT,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match", "") == etag:
        return Response(b"", status_code=304, headers=told)
    return Response(data, media_type="text/javascript", headers=told)


def sdk_router() -> Router:
    """The modules of version 1."""
    return Router("/sdk", route_handlers=[module])
