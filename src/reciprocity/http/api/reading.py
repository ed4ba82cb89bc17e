"""What a program may read: the brand's statement, what stands for a person, events, receipts."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.errors import InputError
from reciprocity.events import read_event
from reciprocity.http.api.clerk import receipt_path
from reciprocity.http.api.counter import AnyRequest, program_of
from reciprocity.http.api.keys import Scope
from reciprocity.http.api.person import Person, person_now, slot_of
from reciprocity.http.frame import headers, threaded
from reciprocity.http.problem import Kind, Refusal
from reciprocity.journal.leaf import Told
from reciprocity.model import Decision, Instant
from reciprocity.platform import Reciprocity
from reciprocity.prove.receipt import Receipt

__all__ = ["Event", "Events", "brand", "decided", "events", "receipt", "stands"]

MOST_EVENTS: Final = 200
_CURSOR: Final = re.compile(r"v1\.([0-9]{1,15})")
_MOST_CURSOR: Final = 64
_READ: Final = {"scope": Scope.PEOPLE_READ}


class Event(Struct, frozen=True, kw_only=True):
    """One event of a person's history: what was said is in *body*, whose shape *kind* names."""

    position: int
    version: int
    at: Instant
    happened_at: Instant
    kind: str
    body: dict[str, Any]
    receipt: str


class Events(Struct, frozen=True, kw_only=True):
    """Some events, oldest first; *cursor* asks for those after them, now or later."""

    events: list[Event]
    cursor: str
    more: bool


@get("/brand", operation_id="readBrand", opt=_READ)
async def brand(request: AnyRequest) -> Response[BrandStatement]:
    """The brand's statement in force: purposes, topics, propositions, notices, channels."""
    shop = program_of(request).shop
    return _answer(await threaded(lambda: shop.statement))


@get("/people/{person:str}", operation_id="readPerson", opt=_READ)
async def stands(person: FromPath[str], request: AnyRequest) -> Response[Person]:
    """What stands for the person with this external id, or pseudonym."""
    shop = program_of(request).shop
    return _answer(await threaded(lambda: person_now(shop, slot_of(shop, person))))


@get("/people/{person:str}/events", operation_id="listEvents", opt=_READ)
async def events(
    person: FromPath[str],
    request: AnyRequest,
    cursor: Annotated[str, QueryParameter(max_length=_MOST_CURSOR)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_EVENTS)] = 50,
) -> Response[Events]:
    """A person's events, oldest first, at most *limit* of them after *cursor*.

    A page never changes: what is appended meanwhile comes after it.
    """
    shop = program_of(request).shop
    return _answer(await threaded(lambda: _events(shop, person, cursor, limit)))


@get("/receipts/{position:int}", operation_id="readReceipt", opt=_READ)
async def receipt(position: FromPath[int], request: AnyRequest) -> Response[Receipt]:
    """The receipt of an event in a person's history, under the newest checkpoint.

    An erased event is answered like one whose keys are out of reach: the journal cannot tell.
    """
    shop = program_of(request).shop
    return _answer(await threaded(lambda: _receipt(shop, position)))


@get(
    "/people/{person:str}/decisions/{campaign:str}/{message:str}",
    operation_id="decide",
    opt={"scope": Scope.DECISIONS},
)
async def decided(
    person: FromPath[str], campaign: FromPath[str], message: FromPath[str], request: AnyRequest
) -> Response[Decision]:
    """Whether the person may get this message now, and the first reason if not.

    It informs: whoever sends through the gate is decided upon anew when the message leaves.
    """
    shop = program_of(request).shop
    return _answer(await threaded(lambda: _decided(shop, person, campaign, message)))


def _events(shop: Reciprocity, person: str, cursor: str, limit: int) -> Events:
    after, slot = _after(cursor), slot_of(shop, person)
    found = shop.journal.history(slot, after + limit + 2)[after:]
    shown = found[:limit]
    last = shown[-1].version if shown else after
    return Events(
        events=[_event(told) for told in shown],
        cursor=urlsafe_b64encode(f"v1.{last}".encode()).decode(),
        more=len(found) > limit,
    )


def _event(told: Told) -> Event:
    return Event(
        position=told.position,
        version=told.version,
        at=told.at,
        happened_at=told.happened_at,
        kind=told.kind,
        body=msgspec.json.decode(read_event(told.text).body),
        receipt=receipt_path(told.position),
    )


def _after(cursor: str) -> int:
    """The version that *cursor* stands at; raises `Refusal` for one that was not given out."""
    if not cursor:
        return 0
    try:
        text = urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise Refusal(Kind.INVALID, errors=["cursor: expected one that an answer gave"])
    return int(found[1])


def _receipt(shop: Reciprocity, position: int) -> Receipt:
    if not 0 <= position < shop.journal.state().size:
        raise Refusal(Kind.NOT_FOUND)
    if shop.journal.told(position).slot < 0:  # what operators did is for auditors
        raise Refusal(Kind.NOT_FOUND)
    return shop.receipt(position)


def _decided(shop: Reciprocity, person: str, campaign: str, message: str) -> Decision:
    slot = slot_of(shop, person)
    try:
        return shop.why(slot, campaign, message).decision
    except InputError:
        raise Refusal(
            Kind.NOT_FOUND, "Name a campaign in force, and one of its messages."
        ) from None


def _answer(told: Struct) -> Response:  # type: ignore[type-arg]
    return Response(told, media_type="application/json", headers=headers())
