"""What a program may read: the brand's statement in force, what stands for a person, receipts."""

import threading
from collections.abc import Iterator
from typing import Final

import msgspec
from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath
from msgspec import Struct

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.consent.state import Wishes
from reciprocity.decide.answers import answers_now
from reciprocity.decide.statements import statements_in_force
from reciprocity.errors import InputError
from reciprocity.http.api.keys import ApiKeys, Scope
from reciprocity.http.api.problem import Kind, Refusal
from reciprocity.http.desk import Desk
from reciprocity.http.frame import headers, threaded
from reciprocity.model import ConsentState, Instant
from reciprocity.platform import Reciprocity

__all__ = ["Consent", "Counter", "Person", "api_router"]

_BEARER: Final = "bearer "
AnyRequest = Request[object, object, State]


class Consent(Struct, frozen=True, kw_only=True):
    """One purpose, or behaviour, on one channel; *since* is 0 where nobody answered.

    Nothing but `given` permits, and not even that against an objection.
    """

    purpose: str
    channel: str
    state: ConsentState
    since: Instant


class Person(Struct, frozen=True, kw_only=True):
    """What stands for one person after *version* events: choices and names, no address, no value.

    *pauses* end at an instant; *caps* are (per 7 days, per 30 days); *shared* names attributes by
    purpose. *erase_at* is 0 unless erasure was asked for.
    """

    person: str
    version: int
    consent: tuple[Consent, ...]
    objections: tuple[str, ...]
    topics: dict[str, int]
    caps: dict[str, tuple[int | None, int | None]]
    pauses: dict[str, Instant]
    shared: dict[str, tuple[str, ...]]
    language: str
    time_zone: str
    erase_at: Instant


class Counter:
    """Where programs are served: the brand's desk, and its keys, opened when first asked for.

    Not earlier: withdrawals are taken whatever becomes of this file.
    """

    def __init__(self, desk: Desk) -> None:
        """Serve the brand of *desk*."""
        self.desk, self._lock = desk, threading.Lock()
        self._keys: ApiKeys | None = None

    def admit(self, authorization: str, scope: Scope) -> Reciprocity:
        """The brand, for a program whose key allows *scope*; raises `Refusal` for any other."""
        token = authorization[len(_BEARER) :].strip()
        key = None
        if authorization[: len(_BEARER)].lower() == _BEARER:
            key = self._opened().let_in(token)
        if key is None:
            raise Refusal(Kind.NO_KEY)
        if scope not in key.scopes:
            raise Refusal(Kind.NO_SCOPE, f"Ask an operator for a key with the scope {scope}.")
        return self.desk.shop()

    def knows(self, token: str, scope: Scope) -> bool:
        """Is *token* a key that allows *scope*?"""
        key = self._opened().let_in(token)
        return key is not None and scope in key.scopes

    def _opened(self) -> ApiKeys:
        with self._lock:
            if self._keys is None:
                self._keys = ApiKeys(self.desk.folder, self.desk.clock)
            return self._keys

    def close(self) -> None:
        """Close the keys."""
        if self._keys is not None:
            self._keys.close()


@get("/brand")
async def brand(request: AnyRequest, state: State) -> Response[bytes]:
    """The brand's statement in force: purposes, topics, notices, channels."""
    told = request.headers.get("authorization", "")
    return await threaded(lambda: _answer(state.counter.admit(told, Scope.PEOPLE_READ).statement))


@get("/people/{person:str}")
async def stands(person: FromPath[str], request: AnyRequest, state: State) -> Response[bytes]:
    """What stands for the person with this external id, or pseudonym."""
    told = request.headers.get("authorization", "")
    return await threaded(
        lambda: _answer(_person(state.counter.admit(told, Scope.PEOPLE_READ), person))
    )


@get("/receipts/{position:int}")
async def receipt(position: FromPath[int], request: AnyRequest, state: State) -> Response[bytes]:
    """The receipt of an event in a person's history, under the newest checkpoint.

    An erased event is answered like one whose keys are out of reach: the journal cannot tell.
    """
    told = request.headers.get("authorization", "")
    return await threaded(lambda: _receipt(state.counter.admit(told, Scope.PEOPLE_READ), position))


def _receipt(shop: Reciprocity, position: int) -> Response[bytes]:
    if not 0 <= position < shop.journal.state().size:
        raise Refusal(Kind.NOT_FOUND)
    if shop.journal.told(position).slot < 0:  # what operators did is for auditors
        raise Refusal(Kind.NOT_FOUND)
    made = shop.receipt(position).encode()
    return Response(made, media_type="application/json", headers=headers())


def _person(shop: Reciprocity, name: str) -> Person:
    try:
        slot = shop.find(name if name.startswith("p_") else f"id:{name}")
    except InputError:
        raise Refusal(Kind.UNKNOWN_PERSON) from None
    journal = shop.journal
    statements, kept = statements_in_force(journal), journal.kept(slot)
    at = max(journal.clock(), journal.state().last_at)
    wishes = kept.standing.wishes if kept else Wishes()
    return Person(
        person=journal.pseudonym(slot),
        version=kept.standing.version if kept else 0,
        consent=tuple(_consent(statements.brand, statements.laws, wishes, at)),
        objections=tuple(sorted(wishes.objections)),
        topics={name: told.level for name, told in sorted(wishes.topics.items())},
        caps=wishes.caps,
        pauses={name: until for name, until in wishes.pauses.items() if until > at},
        shared=wishes.shared,
        language=wishes.language,
        time_zone=wishes.time_zone,
        erase_at=wishes.erase_at,
    )


def _consent(
    told: BrandStatement, laws: tuple[LawPack, ...], wishes: Wishes, at: int
) -> Iterator[Consent]:
    """A row for each purpose and channel that asks for a yes, and each behaviour."""
    for one in answers_now(told, laws, wishes, at):
        since = one.answer.at if one.answer else 0
        yield Consent(purpose=one.purpose, channel=one.channel, state=one.state, since=since)


def _answer(told: Struct) -> Response[bytes]:
    return Response(msgspec.json.encode(told), media_type="application/json", headers=headers())


def api_router() -> Router:
    """Everything under `/v1`."""
    return Router("/v1", route_handlers=[brand, stands, receipt])
