"""Spark: the same query over the same files, where one machine is outgrown.

It runs in whatever session there is, or in a local one that it begins and ends. The files must be
where every executor finds them: a folder that all share. Draws are made by a function of ours, so
that the key they need stands in no query that a cluster keeps.
"""

import hmac
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType

from reciprocity.decide.lower import Lowered, lower
from reciprocity.decide.many.choice import (
    CONTESTED,
    best_of_equals,
    best_of_several,
    contest,
    may_be_several,
    picked,
)
from reciprocity.decide.many.count import Counted, as_decisions, count_stopped
from reciprocity.decide.many.dialect import SPARK
from reciprocity.decide.many.snapshot import Snapshot
from reciprocity.decide.many.speech import Query, query_for
from reciprocity.decide.prepare import Prepared
from reciprocity.errors import InputError, Unavailable
from reciprocity.model import Instant

__all__ = ["count"]

_PUSHING: Final = ",".join(
    f"org.apache.spark.sql.catalyst.optimizer.{rule}"
    for rule in ("PushDownPredicates", "PushPredicateThroughNonJoin")
)
_SETTINGS: Final = {
    "spark.sql.optimizer.excludedRules": _PUSHING,
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
}
"""Pushing a filter down, or what it implies, writes out all that it rests on, once more for each
name in it; and a query of this size as one method is more than the Java machine compiles: it would
be interpreted.
"""
_TYPES: Final = {"BIGINT": "bigint", "SMALLINT": "smallint", "BOOLEAN": "boolean"}


def count(
    snapshot: Snapshot,
    messages: Sequence[Prepared],
    at: Instant,
    key: bytes,
    progress: Callable[[int, int], None] | None = None,
) -> Counted:
    """What *messages*, of one occasion, meet at *at*, as `count.count` has it, equal to the letter.

    *progress* is told (people done, people) at the end. Raises `InputError` for an instant that is
    not the snapshot's and where Spark cannot start, `Unavailable` when a part cannot be read.
    """
    snapshot.good_at(at)
    if len({one.occasion for one in messages}) != 1:
        raise InputError("messages are not of one occasion: count one campaign at a time")
    met = [Counter[int]() for _ in messages]
    if not snapshot.parts:
        return Counted(0, tuple(Counter() for _ in messages), (0,) * len(messages))
    with _session() as spark:
        attempts = _relations(spark, snapshot, messages[0].occasion)
        lowered = [lower(one, at, attempts=attempts) for one in messages]
        query = query_for(lowered, snapshot.rows, at, messages[0].time_zone, SPARK)
        people = count_stopped(spark.sql(query.heads).collect(), query, met)
        chosen = _take(spark, query, lowered, key, met)
    if progress:
        progress(people, snapshot.people)
    return Counted(
        people=people,
        met=tuple(as_decisions(each, lowered[n], query) for n, each in enumerate(met)),
        chosen=tuple(chosen[number] for number in range(len(messages))),
    )


@contextmanager
def _session() -> Iterator[SparkSession]:
    """The session there is; else one of this machine, which ends with the block."""
    there = SparkSession.getActiveSession()
    if there is None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        spark = there or (
            SparkSession.builder.appName("reciprocity")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", "8")
            .getOrCreate()
        )
    except (PySparkException, OSError) as error:
        raise InputError(
            "engine spark cannot start: it needs Java 17 or newer (JAVA_HOME), or a session of "
            "yours; or plan with --engine duckdb"
        ) from error
    before = {name: spark.conf.get(name, None) for name in _SETTINGS}
    for name, value in _SETTINGS.items():
        spark.conf.set(name, value)
    try:
        yield spark
    except (PySparkException, Py4JError) as error:
        raise Unavailable(
            f"snapshot cannot be counted by Spark ({str(error).splitlines()[0][:200]}): if a file "
            "cannot be read, delete the folder `snapshot`, it is made anew; nothing was lost"
        ) from error
    finally:
        if there is None:
            spark.stop()
        else:
            for name, told in before.items():
                spark.conf.unset(name) if told is None else spark.conf.set(name, told)


def _relations(spark: SparkSession, snapshot: Snapshot, occasion: str) -> bool:
    """The relations that queries name, `part` and `sent`; was anything attempted for *occasion*?"""
    people = spark.read.parquet(*(str(part.people) for part in snapshot.parts))
    wanted = {each.name: _TYPES[each.sql] for each in snapshot.rows.stored}
    if dict(people.dtypes) != wanted:
        raise Unavailable(
            "snapshot has other columns than this release reads: delete the folder "
            f"{snapshot.place.name}, it is made anew from the journal; nothing was lost"
        )
    people.createOrReplaceTempView("part")
    sent = spark.read.parquet(*(str(part.sent) for part in snapshot.parts))
    sent = sent.where(sent["occasion"] == occasion)
    sent.createOrReplaceTempView("sent")
    return not sent.isEmpty()


def _take(
    spark: SparkSession,
    query: Query,
    lowered: Sequence[Lowered],
    key: bytes,
    met: Sequence[Counter[int]],
) -> Counter[int]:
    """Count in *met* those whom not every group stops; for how many each message is chosen."""
    several, numbers = may_be_several(lowered), range(len(lowered))
    people = spark.sql(picked(query, len(lowered), SPARK, several=several))
    people.createOrReplaceTempView("person")
    values = ", ".join([*(f"{n}, least(v{n}, 0)" for n in numbers), f"{len(lowered)}, pick"])
    chosen = Counter[int]()
    for number, code, times in spark.sql(
        f"SELECT n, code, count(*) FROM (SELECT stack({len(lowered) + 1}, {values}) AS (n, code) "  # noqa: S608
        "FROM person) AS told GROUP BY n, code"
    ).collect():
        if number < len(lowered):
            met[number][code] += times
        else:
            chosen[code] += times
    if chosen[CONTESTED]:
        contested = spark.sql(f"SELECT slot, mask FROM person WHERE pick = {CONTESTED}")  # noqa: S608
        chosen += _drawn(spark, contested, query, lowered, key)
    return Counter({number: times for number, times in chosen.items() if number >= 0})


def _drawn(
    spark: SparkSession,
    contested: DataFrame,
    query: Query,
    lowered: Sequence[Lowered],
    key: bytes,
) -> Counter[int]:
    """For how many of those whose choice takes draws each message is chosen."""

    def drawn(occasion: str, slot: int, name: str) -> int:  # as `choose.draw`; executors lack that
        told = f"{occasion}\n{slot}\n{name}".encode()
        return int.from_bytes(hmac.digest(key, told, "sha256")[:4], "big") >> 1

    spark.udf.register("draw", drawn, LongType())
    with _kept(contested, "contested"):
        if not may_be_several(lowered):
            return Counter(dict(spark.sql(best_of_equals(lowered, SPARK)).collect()))
        with _kept(spark.sql(contest(query)), "contest"):
            return Counter(dict(spark.sql(best_of_several(query, lowered, SPARK)).collect()))


@contextmanager
def _kept(rows: DataFrame, name: str) -> Iterator[None]:
    """*rows* under *name*, worked out once however often they are asked for."""
    rows.persist().createOrReplaceTempView(name)
    try:
        yield
    finally:
        rows.unpersist()
