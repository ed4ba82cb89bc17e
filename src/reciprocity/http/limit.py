"""How often one address may ask: a bucket each, in memory, so that one cannot crowd out the rest.

An address is kept as a keyed hash that dies with the process, IPv6 by its /64 network. Behind a
server that speaks TLS on this machine it is the last that this server names in `X-Forwarded-For`;
where it names none, nobody can be told apart, and nobody is held back here.
"""

from collections.abc import Callable
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from time import monotonic
from typing import Final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from reciprocity.http.buckets import Buckets, OwnRooms, Room

__all__ = ["AnyConnection", "Limit", "asker", "network_of"]

AnyConnection = (
    ASGIConnection[BaseRouteHandler, object, object, State] | Request[object, object, State]
)
_NETWORK_BITS: Final = 64
_NAME_BYTES: Final = 16


class Limit:
    """Buckets of *burst* requests that fill by *each_second*; safe to share between threads.

    And between the workers of a server, if their *buckets* are.
    """

    def __init__(
        self,
        each_second: float,
        burst: int,
        clock: Callable[[], float] = monotonic,
        buckets: Buckets | None = None,
    ) -> None:
        """Begin with full buckets; *clock* tells seconds."""
        self._rate, self._burst, self._clock = each_second, burst, clock
        self._buckets = buckets or OwnRooms().of(Room.PAGES)

    def takes(self, who: str) -> bool:
        """May *who* ask now? Empty is nobody who could be told apart, who always may."""
        if not who:
            return True
        key = self._buckets.key
        name = blake2b(who.encode(), key=key, digest_size=_NAME_BYTES).digest()
        return self._buckets.take(name, self._rate, self._burst, self._clock())


def network_of(connection: AnyConnection) -> str:
    """The network that asks, empty if it cannot be told."""
    lines = connection.headers.getall("x-forwarded-for", [])
    return asker(connection.client.host if connection.client else "", lines[-1] if lines else "")


def asker(peer: str, forwarded: str) -> str:
    """The network that asks, where *peer* holds the connection; empty if it cannot be told.

    *forwarded* is the last line of `X-Forwarded-For`, if there is any: those before it are what
    whoever asked said of themselves.

    >>> asker("192.0.2.7", "10.0.0.1")
    '192.0.2.7'
    >>> asker("127.0.0.1", "10.0.0.1, 2001:db8::7"), asker("127.0.0.1", "")
    ('2001:db8::/64', '')
    """
    address = _address(peer)
    if address is None:
        return ""
    if address.is_loopback:
        address = _address(forwarded.rpartition(",")[2])
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _NETWORK_BITS), strict=False))
    return "" if address is None else str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.strip())
    except ValueError:
        return None
