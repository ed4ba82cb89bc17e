"""The collector: events a second a core, in batches of 100, in the process itself and over HTTP.

Of people who said yes, each batch of others than the last. Beside it the limit of the same run:
the same bytes read as JSON and the same rows written durably to a bare SQLite table, a batch a
commit. A core: CPU seconds are counted, of the server's process for HTTP; the disk is waited for
in both and counted in neither.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import msgspec

from benchmarks.table import Row, as_markdown
from reciprocity.collect.collector import Sender
from reciprocity.collect.reported import read_report
from reciprocity.consent.draft import grant
from reciprocity.journal.entry import Entry
from reciprocity.model import Profile
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import EXTERNAL
from tests.collect.watched import watching
from tests.http.running import Server, serving
from tests.shop import START

__all__ = ["rows"]

PEOPLE = 2_000
BATCHES = 200
BATCH = 100
EVENTS = BATCHES * BATCH
KEY = "wk_bench"
SEALED_BYTES = 130


def rows() -> list[Row]:
    """Events/s/core in the process and over HTTP, each beside what the machine could do."""
    with TemporaryDirectory() as place:
        shop = watching(Path(place))
        with shop:
            _people(shop)
            limit = _bare(Path(place), _bodies("bare"))
            inside = _inside(shop, _bodies("inside"))
            home = shop.brand.folder
        with serving(home, write_key=KEY) as server:
            outside = _over_http(server, _bodies("http"))
    bare = "JSON read, rows inserted durably"
    return [
        Row(work=f"collector, batches of {BATCH}: the core", measured=inside, unit="events/s/core",
            limit=limit, limit_is=bare, at_least=4_000),
        Row(work=f"collector, batches of {BATCH}: over HTTP", measured=outside,
            unit="events/s/core", limit=limit, limit_is=bare, at_least=4_000),
    ]  # fmt: skip


def _people(shop: Reciprocity) -> None:
    """People who all say yes to their purchases being looked at."""
    kind, act = grant(shop.saying("person", "bench"), ("purchases",))
    entries = []
    for number in range(PEOPLE):
        name = f"person-{number}"
        digest = shop.journal.digest(EXTERNAL, name)
        profile = Profile(external_id=name)
        entries.append([Entry(kind=kind, body=act, new=(("", digest),), profile=profile)])
    for start in range(0, PEOPLE, 500):
        shop.journal.append_many(entries[start : start + 500])


def _bodies(run: str) -> list[bytes]:
    """Batches as a shop's server sends them, with what it sends along and nobody keeps."""
    context = {"library": {"name": "analytics-python", "version": "2.4.0"}, "ip": "192.0.2.7"}
    return [
        json.dumps({"writeKey": KEY, "batch": [
            {
                "type": "track", "event": "Order Completed", "messageId": f"{run}-{batch}-{each}",
                "userId": f"person-{(batch * BATCH + each) * 7 % PEOPLE}", "anonymousId": None,
                "timestamp": "2026-09-21T14:00:00.000Z", "context": context, "integrations": {},
                "properties": {"sku": f"bulb-{each}", "total": 12.5 + each, "currency": "EUR",
                               "coupon": None, "products": [{"sku": "a"}, {"sku": "b"}]},
            }
            for each in range(BATCH)
        ]}).encode()
        for batch in range(BATCHES)
    ]  # fmt: skip


def _bare(folder: Path, bodies: Sequence[bytes]) -> float:
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE bare (slot, digest, behaviour, day, sealed, "
                   "PRIMARY KEY (slot, digest)) WITHOUT ROWID")  # fmt: skip
        begun, day, sealed = time.process_time(), START // 86_400_000, bytes(SEALED_BYTES)
        for body in bodies:
            events = msgspec.json.decode(body)["batch"]
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT INTO bare VALUES (?, ?, ?, ?, ?)",
                [(int(one["userId"][7:]), one["messageId"].encode(), "purchases", day, sealed)
                 for one in events],
            )  # fmt: skip
            db.execute("COMMIT")
        return EVENTS / (time.process_time() - begun)


def _inside(shop: Reciprocity, bodies: Sequence[bytes]) -> float:
    begun, kept = time.process_time(), 0
    for body in bodies:
        kept += shop.collector.take(read_report(body).events, Sender(trusted=True)).kept
    taken = time.process_time() - begun
    _all_kept(kept)
    return EVENTS / taken


def _over_http(server: Server, bodies: Sequence[bytes]) -> float:
    kept, headers = 0, {"Content-Type": "application/json"}
    with closing(HTTPConnection(urlsplit(server.url).netloc)) as to:
        begun = _cpu_seconds(server.process.pid)
        for body in bodies:
            to.request("POST", "/v1/batch", body, headers)
            kept += json.loads(to.getresponse().read())["kept"]
        taken = _cpu_seconds(server.process.pid) - begun
    _all_kept(kept)
    return EVENTS / taken


def _all_kept(kept: int) -> None:
    if kept != EVENTS:
        raise RuntimeError(f"{kept} of {EVENTS} events were kept")


def _cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, from /proc (hundredths of a second)."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / 100


if __name__ == "__main__":
    sys.stdout.write(as_markdown(rows()))
