"""All addresses of the JSON API, and what they have in common."""

from typing import Final

from litestar import Router

from reciprocity.http.api.counter import let_in
from reciprocity.http.api.reading import brand, decided, events, receipt, stands
from reciprocity.http.api.writing import act, add

__all__ = ["MOST_BYTES", "api_router"]

MOST_BYTES: Final = 65_536


def api_router() -> Router:
    """Everything that a key opens; `counter`, `in_progress`, `asking` are in the state."""
    return Router(
        "/v1",
        route_handlers=[
            Router("", route_handlers=[brand, stands, events, receipt, decided], guards=[let_in]),
            Router("", route_handlers=[add, act]),
        ],
        request_max_body_size=MOST_BYTES,
    )
