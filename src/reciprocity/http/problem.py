"""Refusals as JSON (RFC 9457): each has a name that stays, and says what to do next.

Nothing under `/v1` is ever answered with a page. What went wrong inside is in the server's log and
not in the answer.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

from reciprocity.http.frame import headers

__all__ = ["Kind", "Problem", "Refusal", "refused"]

_TYPE: Final = "urn:reciprocity:problem:"


class Kind(Enum):
    """A refusal's published name, its status, its title, and what to do."""

    BAD_REQUEST = ("bad-request", 400, "The request cannot be read", "Mend it and send it again.")
    NO_IDEMPOTENCY_KEY = (
        "idempotency-key-missing", 400, "A write must have a name",
        "Send `Idempotency-Key: ID`, a fresh one for each act and the same one for a retry.",
    )  # fmt: skip
    NO_KEY = (
        "no-key", 401, "A key is needed",
        "Send `Authorization: Bearer KEY` with a key that is in force.",
    )  # fmt: skip
    NO_SCOPE = (
        "no-scope", 403, "The key does not allow this",
        "Ask an operator for a key with the scope that this needs.",
    )  # fmt: skip
    NO_WRITE_KEY = (
        "no-write-key", 401, "A write key is needed",
        "Send a write key that is in force, as the user of `Authorization: Basic`.",
    )  # fmt: skip
    ORIGIN = (
        "origin", 403, "The site is not one that the brand lists",
        "A yes is taken from the origins in `site.origins` of the brand file alone.",
    )  # fmt: skip
    PRIVACY_SIGNAL = (
        "privacy-signal", 403, "The browser says that its person is not to be asked",
        "Take no for an answer.",
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
    IN_PROGRESS = (
        "in-progress", 409, "This very write is being done",
        "Wait a moment and send it again with the same Idempotency-Key.",
    )  # fmt: skip
    NOTICE_CHANGED = (
        "notice-changed", 409, "The words changed since they were shown",
        "Show the new ones and ask anew.",
    )  # fmt: skip
    CONFLICT = (
        "conflict", 409, "The person's history kept moving on",
        "Nothing was written. Send it again with the same Idempotency-Key.",
    )  # fmt: skip
    PERSON_KNOWN = (
        "person-known", 409, "The person is known already",
        "Somebody is known by one of these identities: act for them instead.",
    )  # fmt: skip
    TOO_LARGE = ("too-large", 413, "The body is too large", "Send less at a time.")
    NOT_JSON = (
        "unsupported-media-type", 415, "The body is no JSON",
        "Send JSON, and call it so in `Content-Type`.",
    )  # fmt: skip
    INVALID = (
        "invalid", 422, "The request says what cannot be done",
        "Mend what `errors` lists. Nothing was written; the Idempotency-Key may be used again.",
    )  # fmt: skip
    KEY_REUSED = (
        "idempotency-key-reused", 422, "The Idempotency-Key was used for another write",
        "Make a fresh one for each act; nothing more was written.",
    )  # fmt: skip
    TOO_MANY = (
        "too-many-requests", 429, "Too many requests", "Wait as long as `Retry-After` says.",
    )  # fmt: skip
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


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a refusal; *type* never changes its meaning. *errors* are all that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[str, ...] = ()


class Refusal(Exception):
    """Ends a request with a problem of this *kind*."""

    def __init__(self, kind: Kind, detail: str = "", errors: Sequence[str] = ()) -> None:
        """*detail* stands in the place of the kind's own advice; it never names a person."""
        super().__init__(kind.type)
        self.kind, self.detail, self.errors = kind, detail or kind.advice, tuple(errors)


_BY_STATUS: Final = {
    404: Kind.NOT_FOUND, 405: Kind.NO_METHOD, 413: Kind.TOO_LARGE, 415: Kind.NOT_JSON,
    429: Kind.TOO_MANY, 503: Kind.UNAVAILABLE,
}  # fmt: skip
_AGAIN: Final = {409: "1", 429: "1", 503: "5"}
"""In how many seconds to ask again, by status."""


def refused(error: Exception, sent: Mapping[str, str] | None = None) -> Response[bytes]:
    """The problem that *error* is to whoever asked; unknown ones are faults.

    It goes out with the headers *sent*, or with those of every page.
    """
    more: dict[str, str] = {}
    errors: tuple[str, ...] = ()
    if isinstance(error, Refusal):
        kind, detail, errors = error.kind, error.detail, error.errors
    elif isinstance(error, ValidationException):
        kind, detail, errors = Kind.INVALID, Kind.INVALID.advice, _faults(error)
    elif isinstance(error, HTTPException):
        other = Kind.BAD_REQUEST if error.status_code < Kind.FAULT.status else Kind.FAULT
        kind = _BY_STATUS.get(error.status_code, other)
        detail, more = kind.advice, dict(error.headers or {})
    else:
        kind, detail = Kind.FAULT, Kind.FAULT.advice
    if kind is Kind.NO_KEY:
        more["WWW-Authenticate"] = "Bearer"
    if kind.status in _AGAIN and kind is not Kind.PERSON_KNOWN:
        more["Retry-After"] = _AGAIN[kind.status]
    said = Problem(
        type=kind.type, title=kind.title, status=kind.status, detail=detail, errors=errors
    )
    return Response(
        msgspec.json.encode(said),
        status_code=kind.status,
        media_type="application/problem+json",
        headers={**(headers() if sent is None else sent), **more},
    )


def _faults(error: ValidationException) -> tuple[str, ...]:
    """What is wrong with a parameter or the body, as `WHERE: WHAT`."""
    told = error.extra if isinstance(error.extra, list) else []
    return tuple(
        f"{fault.get('key', 'body')}: {fault['message']}" for fault in told if "message" in fault
    )
