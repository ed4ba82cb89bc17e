"""Consents written over HTTP: durable, each once, answered with what stands after it.

64 clients keep a connection each and write as fast as they are answered, to one server and to two
that share a brand. Each has a key of its own, as every act has its own Idempotency-Key. The client
runs on the same machine, so its share is in every figure; beside it stands the journal alone.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from benchmarks.table import Row, as_markdown
from reciprocity.events import Act, ConsentRow
from reciprocity.http.api.keys import ApiKeys, Scope
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity
from tests.http.running import serving
from tests.shop import Clock, add_people, new_shop

__all__ = ["rows"]

CLIENTS: Final = 64
PEOPLE: Final = 2_000
ACTS: Final = 6_000
WARM_UP: Final = 600
_names = count(1)


class Measured(NamedTuple):
    """How many a second, and each one's time in ms, sorted."""

    rate: float
    took: list[float]

    @property
    def p99(self) -> float:
        """The time that one in a hundred exceeds."""
        return self.took[len(self.took) * 99 // 100]


def rows() -> list[Row]:
    """Writes a second and their 99th percentile, for one server and for two: one for each core."""
    with TemporaryDirectory() as place:
        with new_shop(Path(place), clock=Clock()) as shop:
            slots = add_people(shop, PEOPLE)
            people = [shop.journal.pseudonym(slot) for slot in slots]
            keys, folder = _keys(shop.journal.folder), shop.journal.folder
            alone = _journal_alone(shop, slots)
        one, two = (_served(folder, people, keys, servers) for servers in (1, 2))
    return [
        Row(work=f"consent writes over HTTP, {CLIENTS} clients", measured=one.rate, unit="/s",
            limit=alone, limit_is="the journal alone, one by one"),
        Row(work="consent write over HTTP, p99", measured=one.p99, unit="ms"),
        Row(work="the same, two servers of one brand", measured=two.rate, unit="/s",
            limit=one.rate, limit_is="one server", at_least=2_000),
        Row(work="the same, p99", measured=two.p99, unit="ms", limit=one.p99,
            limit_is="one server", at_most=90),
    ]  # fmt: skip


def _keys(folder: Path) -> list[str]:
    with closing(ApiKeys(folder, Clock())) as keys:
        return [keys.add(f"c{n}", [Scope.CONSENT_WRITE], 30).token for n in range(CLIENTS)]


def _journal_alone(shop: Reciprocity, slots: Sequence[int]) -> float:
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
    act = Act(actor="operator:bench", method="phone", consent=(row,))
    begun = perf_counter()
    for slot in slots[:500]:
        shop.journal.append([Entry(kind="consent.withdrawn", body=act, slot=slot)])
    return 500 / (perf_counter() - begun)


def _served(folder: Path, people: Sequence[str], keys: Sequence[str], servers: int) -> Measured:
    with ExitStack() as running:
        urls = [running.enter_context(serving(folder)).url for _ in range(servers)]
        asyncio.run(_written(urls, people, keys, WARM_UP))
        return asyncio.run(_written(urls, people, keys, ACTS))


async def _written(
    urls: Sequence[str], people: Sequence[str], keys: Sequence[str], acts: int
) -> Measured:
    """*acts* withdrawals, by all clients together, each after the answer to its last."""
    took: list[float] = []
    waiting = iter(range(acts))

    async def client(number: int) -> None:
        host = urlsplit(urls[number % len(urls)])
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        for each in waiting:
            begun = perf_counter()
            writer.write(_request(people[each * 7 % len(people)], keys[number]))
            await _answer(reader)
            took.append((perf_counter() - begun) * 1_000)
        writer.close()
        await writer.wait_closed()

    begun = perf_counter()
    await asyncio.gather(*map(client, range(CLIENTS)))
    return Measured(acts / (perf_counter() - begun), sorted(took))


def _request(person: str, key: str) -> bytes:
    body = '{"act":"withdraw","method":"phone","purposes":["offers"]}'
    return (
        f"POST /v1/people/{person}/acts HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Idempotency-Key: bench-{next(_names)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"act was answered {head[:40]!r}")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)


if __name__ == "__main__":
    sys.stdout.write(as_markdown(rows()))
