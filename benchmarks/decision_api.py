"""Decisions over HTTP: twenty live messages for one person, decided and chosen, by one server.

32 clients keep a connection each and ask as fast as they are answered, each of another person.
They run on the same machine, so their share is in every figure; beside it stand the plainest answer
of the same server, and the library alone.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from benchmarks.table import Row, as_markdown, median_seconds
from reciprocity.decide.fused import fuse
from reciprocity.decide.one import decide_one
from reciprocity.http.api.keys import ApiKeys, Scope
from reciprocity.platform import Reciprocity
from tests.http.running import serving
from tests.shop import Clock, add_people, new_shop

__all__ = ["rows"]

CLIENTS: Final = 32
PEOPLE: Final = 500
ASKED: Final = 4_000
WARM_UP: Final = 400
MESSAGES: Final = (20, 100)
_CAMPAIGN: Final = """
[campaigns.more{n}]
title = "More"
opens = 2026-01-01T00:00:00Z
closes = 2027-06-01T00:00:00Z
[campaigns.more{n}.messages.more{n}]
purpose = "offers"
channel = "email"
subject = "More"
text = "More of it."
topics = {{ garden = {weight}, kitchen = {kitchen} }}
audience = "visits >= {visits}"
"""


class Measured(NamedTuple):
    """How many a second, and each one's time in ms, sorted."""

    rate: float
    took: list[float]


def rows() -> list[Row]:
    """The library with twenty and a hundred messages, then twenty over HTTP."""
    with TemporaryDirectory() as place:
        compiled, alone, fused = {}, {}, {}
        for count in MESSAGES:
            shop = _shop(Path(place) / str(count), count)
            with shop:
                begun = perf_counter()
                shop.decide("p0@example.com")
                compiled[count] = perf_counter() - begun
                alone[count] = median_seconds(lambda shop=shop: _asked(shop), 7) / PEOPLE
                fused[count] = _fused(shop)
        with _shop(Path(place) / "served", MESSAGES[0]) as shop:
            folder = shop.journal.folder
            with closing(ApiKeys(folder, Clock())) as keys:
                told_keys = [
                    keys.add(f"c{n}", [Scope.DECISIONS], 30).token for n in range(CLIENTS)
                ]  # each may ask so often only
            names = [shop.journal.pseudonym(slot) for slot in range(PEOPLE)]
        with serving(folder) as server:
            plain = _measure(server.url, lambda _: b"GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n")
            told = _measure(
                server.url,
                lambda n: _request(names[n * 7 % PEOPLE], told_keys[n % CLIENTS]),
            )
    few, many = MESSAGES
    return [
        Row(work=f"{many} messages read, compiled and bound", measured=compiled[many] * 1_000,
            unit="ms", at_most=150),
        Row(work=f"one person x {many} messages decided, standing at hand",
            measured=fused[many].fused * 1e6, unit="us", limit=fused[many].apart * 1e6,
            limit_is="each message by itself", at_most=25),
        Row(work=f"one person x {few} messages: found, read, decided, chosen, ranked",
            measured=alone[few] * 1e6, unit="us"),
        Row(work=f"one person x {many} messages: found, read, decided, chosen, ranked",
            measured=alone[many] * 1e6, unit="us"),
        Row(work=f"POST /v1/decisions, {few} messages, {CLIENTS} clients", measured=told.rate,
            unit="/s", limit=plain.rate, limit_is="/healthz of the same server", at_least=3_000),
        Row(work="the same, p99", measured=told.took[len(told.took) * 99 // 100], unit="ms",
            at_most=20),
    ]  # fmt: skip


def _shop(place: Path, messages: int) -> Reciprocity:
    with new_shop(place, clock=Clock()) as shop:
        brand = shop.brand.folder / "brand.toml"
        more = [
            _CAMPAIGN.format(n=n, weight=1 + n % 5, kitchen=1 + n // 5, visits=n % 7)
            for n in range(messages - 2)
        ]
        brand.write_text(brand.read_text() + "".join(more))
    opened = Reciprocity.open(brand.parent, Clock())
    opened.apply("operator:bench")
    add_people(opened, PEOPLE, {"garden": 2, "kitchen": 1})
    return opened


class Fused(NamedTuple):
    """Seconds a person: all messages by one function, and each by itself, the same people."""

    fused: float
    apart: float


def _fused(shop: Reciprocity) -> Fused:
    """Decisions and scores from a standing already read, both ways equal."""
    at = shop.journal.clock()
    messages = [one.prepared for one in shop.live.now().messages]
    made = fuse(messages, at)
    with shop.journal.population() as (_, everyone):
        people = [(kept.standing, kept.clear) for kept in everyone]

    def together() -> None:
        for standing, clear in people:
            made.decide(made.layout.values(standing, clear, at, 0))

    def apart() -> None:
        for standing, clear in people[:50]:
            decide_one(made.messages, standing, clear, at, 0)

    for standing, clear in people:
        told = made.decide(made.layout.values(standing, clear, at, 0))[0]
        plain = decide_one(made.messages, standing, clear, at, 0)
        if [one.decision for one in plain] != list(told):
            raise RuntimeError("one function for all messages decides otherwise than each alone")
    return Fused(
        median_seconds(together, 7) / len(people), median_seconds(apart, 3) / len(people[:50])
    )


def _asked(shop: Reciprocity) -> None:
    for number in range(PEOPLE):
        shop.decide(f"p{number}@example.com")


def _measure(url: str, request: Callable[[int], bytes]) -> Measured:
    asyncio.run(_answered(url, request, WARM_UP))
    return asyncio.run(_answered(url, request, ASKED))


async def _answered(url: str, request: Callable[[int], bytes], asked: int) -> Measured:
    took: list[float] = []
    waiting = iter(range(asked))
    host = urlsplit(url)

    async def client() -> None:
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        for number in waiting:
            begun = perf_counter()
            writer.write(request(number))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"request was answered {head[:40]!r}")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            took.append((perf_counter() - begun) * 1_000)
        writer.close()
        await writer.wait_closed()

    begun = perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return Measured(asked / (perf_counter() - begun), sorted(took))


def _request(person: str, key: str) -> bytes:
    body = f'{{"person":"{person}","channel":"email"}}'
    return (
        f"POST /v1/decisions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


if __name__ == "__main__":
    sys.stdout.write(as_markdown(rows()))
