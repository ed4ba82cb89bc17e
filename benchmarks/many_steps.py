"""The steps of `many`, each run as a process of its own.

Not a benchmark itself. Each prints one line of JSON: CPU, wall seconds, memory, what it found.
"""

import hmac
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from benchmarks.many import MESSAGES, weighed
from reciprocity.decide.many import count as by_duckdb
from reciprocity.decide.many import spark as by_spark
from reciprocity.decide.many.count import Counted
from reciprocity.decide.many.snapshot import Snapshot, snapshot_at
from reciprocity.decide.many.views import answer, loaded, question_for, view_of
from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.decide.zones import zone_offset
from reciprocity.journal.copies import PART
from reciprocity.platform import Reciprocity
from tests.shop import Clock

Array = NDArray[Any]
_GROUP: Final = 65_536
_ATTRIBUTES: Final = ("visits", "region", "member")
_NAMED: Final = (
    (), ("visits",), ("visits", "region"), ("member",), ("member", "visits"), ("region",),
)  # fmt: skip
"""Which attributes each audience names."""


@contextmanager
def _snapshot(folder: str, at: int, people: int = 0) -> Iterator[tuple[Reciprocity, Snapshot, int]]:
    """The shop, its snapshot (of the first *people*, if so many are asked for), people read."""
    read = [0]

    def on_read(done: int, _: int) -> None:
        read[0] = done

    with (
        Reciprocity.open(Path(folder), Clock(at)) as shop,
        snapshot_at(shop.journal, statements_in_force(shop.journal), at, on_read) as made,
    ):
        parts = made.parts[: -(-people // PART)] if people else made.parts
        yield shop, made._replace(parts=parts), read[0]


def make(folder: str, at: int) -> dict[str, object]:
    """Make the snapshot, or bring it up to *at*."""
    with _snapshot(folder, at) as (_, snapshot, read):
        return {"people": snapshot.people, "read": read}


def plan(folder: str, at: int, people: int) -> tuple[dict[str, object], float, float]:
    """The counts of all messages by DuckDB, with the CPU and wall time of nothing else."""
    return _counted(by_duckdb.count, folder, at, people)


def plan_by_spark(folder: str, at: int, people: int) -> tuple[dict[str, object], float, float]:
    """The same by Spark in local mode, its start left out, the second time of two."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    config = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "8"}
    spark = SparkSession.builder.config(map=config).getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    _counted(by_spark.count, folder, at, people)
    told = _counted(by_spark.count, folder, at, people)
    spark.stop()
    return told


def _counted(
    count: Callable[..., Counted], folder: str, at: int, people: int
) -> tuple[dict[str, object], float, float]:
    with _snapshot(folder, at, people) as (shop, snapshot, _):
        stated = statements_in_force(shop.journal)
        messages = prepare_all(stated, campaign_in_force(shop.journal, "big"))
        begun, cpu = perf_counter(), _cpu()
        told = count(snapshot, list(messages.values()), at, shop.journal.keys.brand.draw)
        spent = _cpu() - cpu, perf_counter() - begun
    met = {
        name: {one.reason: times for one, times in each.items()}
        for name, each in zip(messages, told.met, strict=True)
    }
    return {"met": met, "chosen": dict(zip(messages, told.chosen, strict=True))}, *spent


def scan(folder: str, at: int, people: int) -> tuple[dict[str, object], float, float]:
    """The greatest value of each column that the plan reads, and nothing else."""
    with _snapshot(folder, at, people) as (_, snapshot, _):
        files = [str(part.people) for part in snapshot.parts]
        names = ", ".join(
            f"max({each.name})" for each in snapshot.rows.stored
            if each.name not in {"version", "since", "until"}
        )  # fmt: skip
        begun, cpu = perf_counter(), _cpu()
        with duckdb.connect() as db:
            db.read_parquet(files).aggregate(names).fetchall()
        return {}, _cpu() - cpu, perf_counter() - begun


def ask(folder: str, at: int, people: int) -> tuple[dict[str, object], float, float]:
    """A question on raw files, on a view over them, and as `sql` answers it; wall seconds each."""
    query = "SELECT region, count(*), avg(visits) FROM offers GROUP BY region"
    with _snapshot(folder, at, people) as (shop, snapshot, _):
        stated = statements_in_force(shop.journal)
        files = [str(part.people) for part in snapshot.parts]
        columns = {name: column for name, (_, column) in snapshot.rows.attributes.items()}
        region, visits = columns["region"], columns["visits"]
        took = {}
        with duckdb.connect() as db:
            db.execute(view_of(snapshot, stated, "offers"))
            for name in ("raw", "view", "raw", "view"):  # the second time counts
                begun = perf_counter()
                if name == "raw":
                    raw = db.read_parquet(files)
                    raw.aggregate(f"{region}, count(*), avg({visits})", region).fetchall()
                else:
                    db.execute(query).fetchall()
                took[name] = perf_counter() - begun
        begun = perf_counter()
        question = question_for(stated.brand, "offers", query, 10)
        with loaded(snapshot, stated, "offers", question) as db:
            answer(db, question, 10)
        took["sql"] = perf_counter() - begun
    return {**took}, 0.0, 0.0


def by_hand(folder: str, at: int, people: int) -> tuple[dict[str, object], float, float]:
    """The same counts by numpy, written for this brand and these messages alone."""
    with _snapshot(folder, at, people) as (shop, snapshot, _):
        hand = _Hand(snapshot, at, shop.journal.keys.brand.draw)
        begun, cpu = perf_counter(), _cpu()
        for part in snapshot.parts:
            for batch in pq.ParquetFile(part.people).iter_batches(_GROUP, columns=hand.columns):
                hand.take({name: batch.column(name) for name in hand.columns})
        spent = _cpu() - cpu, perf_counter() - begun
    return hand.found(), *spent


class _Hand:
    """What somebody who knows this brand would write: masks, in the order of the rules."""

    def __init__(self, snapshot: Snapshot, at: int, key: bytes) -> None:
        rows = snapshot.rows
        self.rows, self.at, self.key = rows, at, key
        self.reasons = ["", "erased", "suppressed", "unreachable", "objected", "never_asked",
                        "pending", "refused", "withdrawn", "expired", "unverified",
                        "attribute_not_shared", "topic_refused", "not_relevant",
                        "outside_audience", "paused", "cap_reached", "quiet_time"]  # fmt: skip
        self.code = {name: number for number, name in enumerate(self.reasons)}
        self.columns = [
            each.name for each in rows.stored if each.name not in {"version", "since", "until"}
        ]
        self.met = np.zeros((MESSAGES, len(self.reasons)), np.int64)
        self.chosen = Counter[int]()
        self.messages = weighed()

    def found(self) -> dict[str, object]:
        """The counts, as `plan` tells them."""
        met = {
            f"m{n}": {name: int(times) for name, times in zip(self.reasons, row, strict=True)
                      if times}
            for n, row in enumerate(self.met)
        }  # fmt: skip
        return {"met": met, "chosen": {f"m{n}": self.chosen[n] for n in range(MESSAGES)}}

    def take(self, batch: dict[str, Any]) -> None:
        """Count one row group."""
        value = {
            name: batch[name].to_numpy(zero_copy_only=False)
            for name in self.columns if not name.startswith("a")
        }  # fmt: skip
        ready = self._group(value)
        visits, region, member = (self._attribute(batch, name) for name in _ATTRIBUTES)
        audiences = (
            np.ones(len(visits), bool), visits > 3,
            (visits <= 10) & ((region == 1) | (region == 2)), member, ~member & (visits > 8),
            region != 3,
        )  # fmt: skip
        may = {name: self._may(value, batch, name) for name in _ATTRIBUTES}
        topics = {name: self._level(value, name) for name in
                  {name for one in self.messages for name, _ in one.topics}}  # fmt: skip
        waits = self._waits(value)
        codes = np.empty((MESSAGES, len(visits)), np.uint8)
        scores = np.empty((MESSAGES, len(visits)), np.int16)
        for number, one in enumerate(self.messages):
            (first, weight), (second, other) = one.topics
            score = topics[first] * weight + topics[second] * other
            code = np.where(audiences[one.audience], waits, self.code["outside_audience"])
            code = np.where(score <= 0, self.code["not_relevant"], code)
            refused = (topics[first] < 0) | (topics[second] < 0)
            code = np.where(refused, self.code["topic_refused"], code)
            for name in _NAMED[one.audience]:
                code = np.where(may[name], code, self.code["attribute_not_shared"])
            code = np.where(ready > 0, ready, code)
            codes[number], scores[number] = code, score
            self.met[number] += np.bincount(code, minlength=len(self.reasons))
        self._choose(value["slot"], codes == 0, scores)

    def _bits(self, value: dict[str, Array], fact: str, of: str) -> Array:
        bits = next(b for c, b in self.rows.packed.items() if c == (fact, of))
        return (value[bits.word] >> bits.shift) & (2**bits.width - 1)

    def _level(self, value: dict[str, Array], name: str) -> Array:
        return (self._bits(value, "topic_score", name) - 2).astype(np.int16)

    def _may(self, value: dict[str, Array], batch: dict[str, Any], name: str) -> Array:
        """Is attribute *name* shared for offers, and known?"""
        _, column = self.rows.attributes[name]
        known = batch[column].is_valid().to_numpy(zero_copy_only=False)
        return known & (self._bits(value, "attributes_shared", f"offers/{name}") != 0)

    def _attribute(self, batch: dict[str, Any], name: str) -> Array:
        _, column = self.rows.attributes[name]
        return (
            batch[column].fill_null(False if name == "member" else 0).to_numpy(zero_copy_only=False)
        )

    def _group(self, value: dict[str, Array]) -> Array:
        """What stops all messages alike, or 0."""
        email = "email"
        state = self._bits(value, "consent_state", "offers/email")
        of_state = np.array([
            self.code[name] if name else 0 for name in
            ("never_asked", "pending", "", "refused", "withdrawn", "expired", "unverified")
        ], np.uint8)  # fmt: skip
        code = of_state[state]
        objected = self._bits(value, "objected", "offers/email") != 0
        code = np.where(objected, self.code["objected"], code)
        reached = (
            (self._bits(value, "point_active", email) != 0)
            & (self._bits(value, "point_bounced", email) == 0)
            & (self._bits(value, "point_confirmed", email) != 0)
        )
        code = np.where(reached, code, self.code["unreachable"])
        suppressed = self._bits(value, "point_suppressed", email) != 0
        code = np.where(suppressed, self.code["suppressed"], code)
        return np.where(self._bits(value, "person_erased", "") != 0, self.code["erased"], code)

    def _waits(self, value: dict[str, Array]) -> Array:
        plain = {column.fact: value[name] for column, name in self.rows.plain.items()}
        names = list(self.rows.zones)
        offsets = np.array([
            zone_offset(name or "Europe/London", self.at) or 0 for name in names
        ])  # fmt: skip
        minute = (self.at // 60_000 + offsets[value["zone"]]) % 1_440
        start = np.where(value["quiet_start"] < 0, 0, value["quiet_start"])
        end = np.where(value["quiet_end"] < 0, 0, value["quiet_end"])
        quiet = ((start < end) & (minute >= start) & (minute < end)) | (
            (start > end) & ((minute >= start) | (minute < end))
        )
        full = (plain["cap_7_used"] >= plain["cap_7_most"]) | (
            plain["cap_30_used"] >= plain["cap_30_most"]
        )
        code = np.where(quiet, self.code["quiet_time"], 0)
        code = np.where(full, self.code["cap_reached"], code)
        return np.where(plain["pause_until"] > self.at, self.code["paused"], code).astype(np.uint8)

    def _choose(self, slots: Array, ready: Array, scores: Array) -> None:
        """The best of each person, by score and then by the keyed draw."""
        ranked = np.where(ready, scores, -1)
        best = ranked.max(axis=0)
        first = ranked.argmax(axis=0)
        tied = (ranked == best) & ready
        several = tied.sum(axis=0)
        for number, times in zip(*np.unique(first[several == 1], return_counts=True), strict=True):
            self.chosen[int(number)] += int(times)
        for person in np.flatnonzero(several > 1):
            slot = int(slots[person])
            self.chosen[max(
                (int(n) for n in np.flatnonzero(tied[:, person])),
                key=lambda n: (self._draw(slot, n), -n),
            )] += 1  # fmt: skip

    def _draw(self, slot: int, number: int) -> int:
        told = f"big\n{slot}\nm{number}".encode()
        return int.from_bytes(hmac.digest(self.key, told, "sha256")[:4]) >> 1


def _cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


STEPS: Final[dict[str, Callable[..., Any]]] = {
    "snapshot": make, "plan": plan, "scan": scan, "numpy": by_hand, "spark": plan_by_spark,
    "ask": ask,
}  # fmt: skip

if __name__ == "__main__":
    step, place, *numbers = sys.argv[1:]
    start, before = perf_counter(), _cpu()
    done = STEPS[step](place, *map(int, numbers))
    found, cpu, wall = (
        done if isinstance(done, tuple) else (done, _cpu() - before, perf_counter() - start)
    )
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + children.ru_maxrss) / 1_024
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": memory, "found": found}))
