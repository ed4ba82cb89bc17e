"""What other systems report of people, in Segment's form, read strictly and one by one.

A body is one event or a batch of them. What is no JSON object of that shape is refused whole; an
event that is not as it must be is refused by itself, and the others stand.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from reciprocity.errors import InputError
from reciprocity.model import Instant
from reciprocity.vault.observed import Value

__all__ = ["MOST_EVENTS", "PAGE", "Reason", "Report", "Reported", "read_event", "read_report"]

MOST_EVENTS: Final = 1_000
MOST_EVENT_BYTES: Final = 32_768
MOST_TEXT: Final = 500
PAGE: Final = "page"
"""How a brand file names every page view among a behaviour's events."""
DAY_MS: Final = 86_400_000
_MOST_WHOLE: Final = 2**53
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = _EPOCH.resolution * 1_000

_Text = Annotated[str, Meta(min_length=1, max_length=200)]


class Reason(StrEnum):
    """Why an event was dropped; the list is closed."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNKNOWN_TYPE = "unknown_type"
    PRIVACY_SIGNAL = "privacy_signal"
    NOT_AUTHORISED = "not_authorised"
    NOT_DECLARED = "not_declared"
    UNKNOWN_PERSON = "unknown_person"
    NO_CONSENT = "no_consent"
    LEAVING = "leaving"


class Reported(Struct, frozen=True, rename="camel", kw_only=True):
    """One event as it came; what else it holds (context, traits) is not read, and so not kept.

    A *message_id* is asked for: without it an event that is sent again would count twice.
    """

    type: Literal["track", "page", "identify"]
    message_id: _Text
    user_id: _Text | None = None
    anonymous_id: _Text | None = None
    event: _Text | None = None
    timestamp: str | None = None
    properties: dict[str, Raw] | None = None

    def name(self) -> str:
        """What the brand file calls it among a behaviour's events; empty for an identify."""
        if self.type == "page":
            return PAGE
        return self.event or "" if self.type == "track" else ""

    def at(self, arrived: Instant) -> Instant:
        """When it happened: by its own word, unless that is none or over a day from *arrived*."""
        if self.timestamp is None:
            return arrived
        try:
            told = datetime.fromisoformat(self.timestamp)
            told = told if told.tzinfo else told.replace(tzinfo=UTC)
            at = (told - _EPOCH) // _MILLISECOND
        except (ValueError, OverflowError):
            return arrived
        return at if abs(at - arrived) <= DAY_MS else arrived

    def kept(self, fields: frozenset[str]) -> dict[str, Value]:
        """Those of its properties that are named in *fields* and are plain values."""
        found = {}
        for name in sorted(fields.intersection(self.properties or ())):
            value = _value((self.properties or {})[name])
            if value is not None:
                found[name] = value
        return found


class Report(Struct, frozen=True, kw_only=True):
    """A body as it came: its events, not read yet, and the write key that it names."""

    events: tuple[Raw, ...]
    write_key: str = ""


class _Batch(Struct, frozen=True, rename="camel", kw_only=True):
    batch: list[Raw] | None = None
    write_key: str = ""


class _Typed(Struct, frozen=True):
    type: str = ""


_batch: Final = msgspec.json.Decoder(_Batch)
_typed: Final = msgspec.json.Decoder(_Typed)
_event: Final = msgspec.json.Decoder(Reported)
_plain: Final = msgspec.json.Decoder(str | int | float | bool)
_object: Final = msgspec.json.Decoder(dict[str, Raw])
_BAD: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def read_report(body: bytes, kind: str = "") -> Report:
    """The events of *body*; with *kind* a single event is taken to be of that type.

    Raises `InputError` for what is no JSON object, or holds more than `MOST_EVENTS`.
    """
    try:
        told = _batch.decode(body)
        if told.batch is not None:
            events = tuple(told.batch)
        elif kind:
            events = (_as(kind, body),)
        else:
            events = (Raw(body),)
    except _BAD as error:
        raise InputError(
            "body is no report of events: expected a JSON object, one event or "
            '{"batch": [...]}, as the Segment libraries send it'
        ) from error
    if len(events) > MOST_EVENTS:
        raise InputError(f"batch holds {len(events)} events, expected at most {MOST_EVENTS}")
    return Report(events=events, write_key=told.write_key)


def _as(kind: str, body: bytes) -> Raw:
    """The event in *body* with its type written in, as its address says it."""
    event = {**_object.decode(body), "type": Raw(msgspec.json.encode(kind))}
    return Raw(msgspec.json.encode(event))


def read_event(raw: Raw) -> Reported | Reason:
    """The event in *raw*, or why it is none that can be taken."""
    if len(memoryview(raw)) > MOST_EVENT_BYTES:
        return Reason.TOO_LARGE
    try:
        event = _event.decode(raw)
    except _BAD:
        return _why_not(raw)
    if event.type == "track" and event.event is None:
        return Reason.MALFORMED
    if event.user_id is None and event.anonymous_id is None:
        return Reason.MALFORMED
    return event


def _why_not(raw: Raw) -> Reason:
    try:
        kind = _typed.decode(raw).type
    except _BAD:
        return Reason.MALFORMED
    known = kind in {"", "track", "page", "identify"}
    return Reason.MALFORMED if known else Reason.UNKNOWN_TYPE


def _value(raw: Raw) -> Value | None:
    """The value in *raw*, if it is plain and not longer than a value is."""
    try:
        value: Value = _plain.decode(raw)
    except _BAD:
        return None
    if isinstance(value, str):
        return value if len(value) <= MOST_TEXT else None
    if isinstance(value, float):
        return value
    return value if -_MOST_WHOLE < value < _MOST_WHOLE else None
