"""Where programs are let in: the brand's desk, its API keys, and how often each key may ask.

A route says in its `opt` which scope it needs; the guard here runs before anything of the request
is read, so that whoever has no key learns nothing from what is wrong with a body.
"""

import threading
from collections.abc import Callable
from typing import Final, NamedTuple

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from reciprocity.http.api.keys import ApiKey, ApiKeys, Scope
from reciprocity.http.buckets import Room, Rooms
from reciprocity.http.desk import Desk
from reciprocity.http.frame import threaded
from reciprocity.http.limit import Limit, network_of
from reciprocity.http.problem import Kind, Refusal
from reciprocity.platform import Reciprocity

__all__ = ["EACH_SECOND", "AnyRequest", "Counter", "Program", "let_in", "program_of"]

EACH_SECOND: Final = 500
"""How many requests a second a key may make, unless the server is told otherwise."""
_SECONDS_AT_ONCE: Final = 2
_STRANGERS: Final = (5, 50)
_BRIEFLY_MS: Final = 5
"""How long the server waits for whoever writes to the keys: nothing of it is needed to let in."""
_BEARER: Final = "bearer "
_PLACE: Final = "program"

Connection = ASGIConnection[BaseRouteHandler, object, object, State]
AnyRequest = Request[object, object, State]


Network = str | Callable[[], str]
"""A network, or how to tell it: only of whoever has no key it matters."""


class Program(NamedTuple):
    """Who asks, by their key, and the brand that they ask."""

    key: ApiKey
    shop: Reciprocity


class Counter:
    """Where programs are served: the brand's desk, and its keys, opened when first asked for.

    Not earlier: withdrawals are taken whatever becomes of this file.
    """

    def __init__(self, desk: Desk, each_second: float, rooms: Rooms) -> None:
        """Serve the brand of *desk*, each key *each_second* requests a second."""
        self.desk, self._lock = desk, threading.Lock()
        self._keys: ApiKeys | None = None
        burst = max(1, round(each_second * _SECONDS_AT_ONCE))
        self._paces = Limit(each_second, burst, buckets=rooms.of(Room.KEYS))
        self._strangers = Limit(*_STRANGERS, buckets=rooms.of(Room.STRANGERS))

    def admit(self, authorization: str, scope: Scope, network: Network = "") -> ApiKey:
        """The key that allows *scope*; raises `Refusal` for any other.

        *network* is where the request comes from: without a key one may ask only now and then.
        """
        token = authorization[len(_BEARER) :].strip()
        key = None
        if authorization[: len(_BEARER)].lower() == _BEARER:
            key = self._opened().let_in(token)
        if key is None:
            raise self.turned_away(network if isinstance(network, str) else network())
        if not self._paces.takes(key.name):
            raise Refusal(Kind.TOO_MANY)
        if scope not in key.scopes:
            raise Refusal(Kind.NO_SCOPE, f"Ask an operator for a key with the scope {scope}.")
        return key

    def turned_away(self, network: str, kind: Kind = Kind.NO_KEY, detail: str = "") -> Refusal:
        """What to tell whoever has no key that is in force: *kind*, or that they ask too often."""
        return Refusal(kind, detail) if self._strangers.takes(network) else Refusal(Kind.TOO_MANY)

    def deciding(self, authorization: str, network: Network) -> Reciprocity:
        """The brand, for whoever may ask what is decided; raises `Refusal` for any other."""
        self.admit(authorization, Scope.DECISIONS, network)
        return self.desk.shop()

    def knows(self, token: str, scope: Scope) -> bool:
        """Is *token* a key that allows *scope*?"""
        key = self._opened().let_in(token)
        return key is not None and scope in key.scopes

    def _opened(self) -> ApiKeys:
        with self._lock:
            if self._keys is None:
                self._keys = ApiKeys(self.desk.folder, self.desk.clock, busy_ms=_BRIEFLY_MS)
            return self._keys

    def close(self) -> None:
        """Close the keys."""
        if self._keys is not None:
            self._keys.close()


async def let_in(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in whose key allows the scope in the route's `opt`; raises `Refusal` for any other."""
    counter: Counter = connection.app.state.counter
    told, scope = connection.headers.get("authorization", ""), handler.opt["scope"]
    network = network_of(connection)

    def admitted() -> Program:
        return Program(counter.admit(told, scope, network), counter.desk.shop())

    connection.state[_PLACE] = await threaded(admitted)


def program_of(request: AnyRequest) -> Program:
    """Who was let in."""
    program: Program = request.state[_PLACE]
    return program
