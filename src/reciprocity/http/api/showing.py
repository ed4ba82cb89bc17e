"""What the brand's own site may show to whom, for programs that build its pages.

`POST /v1/decisions` advises and writes nothing. `POST /v1/impressions` hands the words over, once
they are in the person's history as delivered; a page that shows them was told so, or has none.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec
from litestar import Response, post
from litestar.datastructures import State
from msgspec import Meta, Struct

from reciprocity.decide.live import Advised
from reciprocity.deliver.onsite import NOBODY, Shown
from reciprocity.errors import Conflict, InputError
from reciprocity.http.api.body import read_body
from reciprocity.http.api.counter import AnyRequest, Counter, program_of
from reciprocity.http.api.keys import Scope
from reciprocity.http.api.once import act_id_of
from reciprocity.http.api.person import slot_of
from reciprocity.http.api.writing import IdempotencyKey
from reciprocity.http.frame import headers, threaded
from reciprocity.http.limit import network_of
from reciprocity.http.problem import Kind, Refusal
from reciprocity.model import Decision, Id, MaybeId, Verdict
from reciprocity.platform import Reciprocity

if TYPE_CHECKING:
    from reciprocity.http.api.lane import Lane

__all__ = [
    "Advising", "AdvisingMany", "Asking", "AskingForMany", "Impression", "Showing", "advise",
    "advise_many", "impression", "show",
]  # fmt: skip

MOST_PEOPLE: Final = 100


class Asking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who, by an external id or a pseudonym; of messages on a *channel*, for a *place*, of all."""

    person: str
    channel: MaybeId = ""
    place: MaybeId = ""


class Advising(Struct, frozen=True, kw_only=True):
    """What is decided of each live message that was asked for, the best to deliver first."""

    decisions: list[Advised]


class AskingForMany(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same of several people; each is answered, in their order."""

    people: Annotated[list[str], Meta(max_length=MOST_PEOPLE)]
    channel: MaybeId = ""
    place: MaybeId = ""


class AdvisingMany(Struct, frozen=True, kw_only=True):
    """What is decided for each person, in the order in which they were named."""

    people: list[Advising]


class Showing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The message that was advised for a place, now in sight."""

    person: str
    place: Id
    campaign: Id
    message: Id


class Impression(Struct, frozen=True, kw_only=True):
    """The words, which are on record as delivered; or none, and the *decision* that says why."""

    decision: Decision
    shown: Shown | None


_asking_for_many: Final = msgspec.json.Decoder(AskingForMany)
_asking: Final = msgspec.json.Decoder(Asking)
_showing: Final = msgspec.json.Decoder(Showing)
_Told = TypeVar("_Told", bound=Struct)
_DELIVERED: Final = Decision(verdict=Verdict.DELIVER)


@post("/decisions", operation_id="advise", status_code=200)
async def advise(request: AnyRequest, state: State) -> Response[Advising]:
    """What this person may get now, of all that is live; it informs, and nothing is written."""

    def work(shop: Reciprocity, body: bytes) -> Advising:
        return advised_for(shop, _called(request), body)

    lane: Lane = state.lane
    return _answer(await lane.do(await _admitted(request, state, work)))


@post("/decisions:batch", operation_id="adviseMany", status_code=200)
async def advise_many(request: AnyRequest, state: State) -> Response[AdvisingMany]:
    """What each of several people may get now; it informs, and nothing is written."""

    def work(shop: Reciprocity, body: bytes) -> AdvisingMany:
        said = read_body(_called(request), body, _asking_for_many)
        found = [_advising(shop, one, said.channel, said.place) for one in said.people]
        return AdvisingMany(people=found)

    return _answer(await threaded(await _admitted(request, state, work)))


async def _admitted(
    request: AnyRequest, state: State, work: Callable[[Reciprocity, bytes], _Told]
) -> Callable[[], _Told]:
    """*work* for whoever has a key; who has none is told so first, whatever else is wrong."""
    counter: Counter = state.counter
    told, network = request.headers.get("authorization", ""), network_of(request)
    body = await request.body()

    def admitted() -> _Told:
        return work(counter.deciding(told, network), body)

    return admitted


def advised_for(shop: Reciprocity, media_type: str, body: bytes) -> Advising:
    """What is decided for the person that *body* names; raises `Refusal` for one that is none."""
    said = read_body(media_type, body, _asking)
    return _advising(shop, said.person, said.channel, said.place)


def _advising(shop: Reciprocity, person: str, channel: str, place: str) -> Advising:
    name = person if person.startswith("p_") else f"id:{person}"
    try:
        return Advising(decisions=shop.decide(name, channel=channel, place=place))
    except InputError as error:
        raise Refusal(Kind.INVALID, errors=error.problems) from error


@post("/impressions", operation_id="show", status_code=200, opt={"scope": Scope.IMPRESSIONS_WRITE})
async def show(request: AnyRequest, idempotency_key: IdempotencyKey = "") -> Response[Impression]:
    """The words of a message, decided anew and on record as delivered before this answers."""
    said = read_body(_called(request), await request.body(), _showing)
    program = program_of(request)
    act_id = act_id_of(program.key.name, idempotency_key)

    def work() -> Impression:
        slot = _slot(program.shop, said.person)
        if slot is None:
            return Impression(decision=NOBODY, shown=None)
        return impression(program.shop, slot, said.place, said.campaign, said.message, act_id)

    return _answer(await threaded(work))


def impression(
    shop: Reciprocity, slot: int, place: Id, campaign: Id, message: Id, act_id: str
) -> Impression:
    """What came of showing *message*; raises `Refusal` where there is no such message."""
    try:
        told = shop.on_site.show(slot, place, campaign, message, act_id)
    except InputError as error:
        raise Refusal(Kind.NOT_FOUND, "Name what was advised for this place.") from error
    except Conflict as error:
        raise Refusal(Kind.KEY_REUSED) from error
    if isinstance(told, Decision):
        return Impression(decision=told, shown=None)
    return Impression(decision=_DELIVERED, shown=told)


def _slot(shop: Reciprocity, person: str) -> int | None:
    """The person's slot; None for one who is not known, which is a decision and no fault."""
    try:
        return slot_of(shop, person)
    except Refusal:
        return None


def _called(request: AnyRequest) -> str:
    return request.headers.get("content-type", "")


def _answer(told: Struct) -> Response:  # type: ignore[type-arg]
    return Response(told, media_type="application/json", headers=headers())
