"""What a program may write: make a person known, and record what they said.

Every write has an `Idempotency-Key` and is answered once it is durable: what was recorded, and
what stands after it. The journal says `operator:NAME`, the name of the program's key, so that its
word is never taken for the person's own.
"""

from typing import Annotated, Final, TypeVar

import msgspec
from litestar import Response, post
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, HeaderParameter
from msgspec import Meta, Struct, field
from msgspec.structs import replace

from reciprocity.brand import CONFIRMATION
from reciprocity.consent.draft import Drafted
from reciprocity.errors import Conflict, InputError
from reciprocity.http.api.acts import ActSaid, MaybeWord, Word, drafts_of, proved
from reciprocity.http.api.counter import AnyRequest, Program, let_in, program_of
from reciprocity.http.api.keys import Scope
from reciprocity.http.api.once import (
    InProgress,
    Written,
    act_id_of,
    mark_of,
    record,
    written_before,
)
from reciprocity.http.api.person import Person, person_after, slot_of
from reciprocity.http.api.problem import Kind, Refusal
from reciprocity.http.api.reading import receipt_path
from reciprocity.http.frame import headers, threaded
from reciprocity.http.way_in import Asking
from reciprocity.model import Instant
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import register

__all__ = ["NewPerson", "Recorded", "WrittenEvent", "act", "add"]

_WRITE: Final = {"scope": Scope.CONSENT_WRITE}
_HEADER: Final = "Idempotency-Key"
IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name=_HEADER,
        description="A fresh id for each act, such as a UUID; the same one for a retry.",
    ),
]
_NOBODY_YET: Final = -1


class NewPerson(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person by the id that the brand's other systems have, by addresses, or by both.

    *addresses* maps a channel to an address; *confirmed* says that the person proved to hold them.
    """

    method: Word
    external_id: Annotated[str, Meta(max_length=200)] = ""
    addresses: dict[str, Annotated[str, Meta(max_length=320)]] = field(default_factory=dict)
    confirmed: bool = False
    place: MaybeWord = ""


class WrittenEvent(Struct, frozen=True, kw_only=True):
    """One event that the request wrote."""

    kind: str
    position: int
    version: int
    at: Instant
    receipt: str


class Recorded(Struct, frozen=True, kw_only=True):
    """What was *recorded*, and what stood right after it."""

    recorded: list[WrittenEvent]
    stands: Person


_act_said: Final = msgspec.json.Decoder(ActSaid)
_new_person: Final = msgspec.json.Decoder(NewPerson)
_Body = TypeVar("_Body")


async def named_json(
    connection: ASGIConnection[BaseRouteHandler, object, object, State], handler: BaseRouteHandler
) -> None:
    """Let in who may write, and only JSON under a name; raises `Refusal` for anything else."""
    await let_in(connection, handler)
    if connection.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refusal(Kind.NOT_JSON)
    if not connection.headers.get(_HEADER):
        raise Refusal(Kind.NO_IDEMPOTENCY_KEY)


@post("/people", operation_id="addPerson", status_code=201, opt=_WRITE, guards=[named_json])
async def add(
    request: AnyRequest, state: State, idempotency_key: IdempotencyKey
) -> Response[Recorded]:
    """Make a person known; nothing is granted by it."""
    program, said = program_of(request), _read(await request.body(), _new_person)
    doing: InProgress = state.in_progress
    act_id = act_id_of(program.key.name, idempotency_key)

    def work() -> Recorded:
        with doing.alone(act_id):
            return _answered(program.shop, _add(program, act_id, said))

    return _answer(201, await threaded(work))


@post(
    "/people/{person:str}/acts",
    operation_id="recordAct",
    status_code=200,
    opt=_WRITE,
    guards=[named_json],
)
async def act(
    person: FromPath[str],
    request: AnyRequest,
    state: State,
    idempotency_key: IdempotencyKey,
) -> Response[Recorded]:
    """Record what the person said; answers once no decision can be made without it."""
    program, said = program_of(request), _read(await request.body(), _act_said)
    doing: InProgress = state.in_progress
    asking: Asking = state.asking
    act_id = act_id_of(program.key.name, idempotency_key)

    def work() -> Recorded:
        with doing.alone(act_id):
            return _answered(program.shop, _act(program, asking, person, act_id, said))

    return _answer(200, await threaded(work))


def _read(body: bytes, decoder: msgspec.json.Decoder[_Body]) -> _Body:
    """The request in *body*, read strictly: a text is no number, an unknown field no field."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Refusal(Kind.INVALID, errors=[str(error)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(Kind.BAD_REQUEST, "Send a body that is JSON.") from error


def _add(program: Program, act_id: str, said: NewPerson) -> list[Written]:
    shop, mark = program.shop, mark_of("person", _NOBODY_YET, said)
    try:
        done = register(
            shop.journal,
            shop.statement,
            actor=program.key.actor,
            external_id=said.external_id,
            addresses=said.addresses,
            confirmed=said.confirmed,
            method=said.method,
            place=said.place,
            source=mark,
            act_id=act_id,
        )
    except InputError as error:
        raise Refusal(Kind.INVALID, errors=error.problems) from error
    except Conflict:
        if before := written_before(shop, act_id, mark):
            return before
        raise Refusal(Kind.PERSON_KNOWN) from None
    if done.again:
        return written_before(shop, act_id, mark)
    kind = "person.registered"
    return [Written(kind=kind, slot=done.slot, position=done.position, version=done.version,
                    at=done.at)]  # fmt: skip


def _act(
    program: Program, asking: Asking, person: str, act_id: str, said: ActSaid
) -> list[Written]:
    shop, slot = program.shop, slot_of(program.shop, person)
    evidence, mark = proved(said), mark_of("act", slot, said)

    def drafted() -> list[Drafted]:
        saying = shop.saying(program.key.actor, said.method, place=said.place)
        drafts = drafts_of(said, saying, shop.wishes(slot))
        return [(kind, replace(body, evidence=evidence)) for kind, body in drafts]

    try:
        written, before = record(shop, slot, act_id, mark, drafted)
    except InputError as error:
        raise Refusal(Kind.INVALID, errors=error.problems) from error
    if not before and any(each.kind == "consent.requested" for each in written):
        asking.for_person(slot, CONFIRMATION)
    return written


def _answered(shop: Reciprocity, written: list[Written]) -> Recorded:
    if not written:  # erased in this very moment
        raise Refusal(Kind.UNKNOWN_PERSON)
    last = written[-1]
    return Recorded(
        recorded=[
            WrittenEvent(
                kind=each.kind,
                position=each.position,
                version=each.version,
                at=each.at,
                receipt=receipt_path(each.position),
            )
            for each in written
        ],
        stands=person_after(shop, last.slot, last.version, last.position, last.at),
    )


def _answer(status: int, told: Recorded) -> Response[Recorded]:
    return Response(told, status_code=status, media_type="application/json", headers=headers())
