"""Refusals as JSON (RFC 9457): each has a name that stays, and says what to do next.

Nothing under `/v1` is ever answered with a page. What went wrong inside is in the server's log and
not in the answer.
"""

from enum import Enum
from typing import Final

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from reciprocity.http.frame import headers

__all__ = ["Kind", "Problem", "Refusal", "refused"]

_TYPE: Final = "urn:reciprocity:problem:"


class Kind(Enum):
    """A refusal's published name, its status, its title, and what to do."""

    BAD_REQUEST = ("bad-request", 400, "The request cannot be read", "Mend it and send it again.")
    NO_KEY = (
        "no-key", 401, "A key is needed",
        "Send `Authorization: Bearer KEY` with a key that is in force.",
    )  # fmt: skip
    NO_SCOPE = (
        "no-scope", 403, "The key does not allow this",
        "Ask an operator for a key with the scope that this needs.",
    )  # fmt: skip
    NOT_FOUND = ("not-found", 404, "There is no such thing", "Check the address.")
    UNKNOWN_PERSON = (
        "unknown-person", 404, "The person is not known",
        "Give an external id or a pseudonym; an erased person is found by none.",
    )  # fmt: skip
    NO_METHOD = (
        "method-not-allowed", 405, "This cannot be done here",
        "Use one of the methods in the header `Allow`.",
    )  # fmt: skip
    TOO_LARGE = ("too-large", 413, "The body is too large", "Send less at a time.")
    FAULT = (
        "fault", 500, "The server failed",
        "It is a fault of the server; its log says more. Nothing says that it was done.",
    )  # fmt: skip
    UNAVAILABLE = (
        "unavailable", 503, "This cannot be answered now",
        "Try again later; the log of the server says what stands in the way.",
    )  # fmt: skip

    def __init__(self, name: str, status: int, title: str, advice: str) -> None:
        """Take a row of the table apart."""
        self.type, self.status, self.title, self.advice = _TYPE + name, status, title, advice


class Problem(Struct, frozen=True, kw_only=True):
    """The body of a refusal; *type* never changes its meaning."""

    type: str
    title: str
    status: int
    detail: str


class Refusal(Exception):
    """Ends a request with a problem of this *kind*."""

    def __init__(self, kind: Kind, detail: str = "") -> None:
        """*detail* stands in the place of the kind's own advice; it never names a person."""
        super().__init__(kind.type)
        self.kind, self.detail = kind, detail or kind.advice


_BY_STATUS: Final = {
    404: Kind.NOT_FOUND, 405: Kind.NO_METHOD, 413: Kind.TOO_LARGE, 503: Kind.UNAVAILABLE,
}  # fmt: skip


def refused(error: Exception) -> Response[bytes]:
    """The problem that *error* is to whoever asked; unknown ones are faults."""
    more: dict[str, str] = {}
    if isinstance(error, Refusal):
        kind, detail = error.kind, error.detail
    elif isinstance(error, HTTPException):
        other = Kind.BAD_REQUEST if error.status_code < Kind.FAULT.status else Kind.FAULT
        kind = _BY_STATUS.get(error.status_code, other)
        detail, more = kind.advice, dict(error.headers or {})
    else:
        kind, detail = Kind.FAULT, Kind.FAULT.advice
    if kind is Kind.NO_KEY:
        more["WWW-Authenticate"] = "Bearer"
    said = Problem(type=kind.type, title=kind.title, status=kind.status, detail=detail)
    return Response(
        msgspec.json.encode(said),
        status_code=kind.status,
        media_type="application/problem+json",
        headers={**headers(), **more},
    )
