"""Count: what each message would meet for everybody, and for how many it is the choice.

Parts of a snapshot are asked one after the other, each by one query, so that progress can be shown
and memory is bounded. Whoever could get several messages with equal scores, or more than one of
them, is handed on to a second query that draws and chooses as `choose` does.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Final, NamedTuple

import duckdb

from reciprocity.decide.lower import Lowered, lower
from reciprocity.decide.many.choice import (
    CONTESTED,
    best_of_equals,
    best_of_several,
    contest,
    may_be_several,
    picked,
)
from reciprocity.decide.many.dialect import DUCKDB, quoted
from reciprocity.decide.many.parquet import PartFile
from reciprocity.decide.many.snapshot import Snapshot
from reciprocity.decide.many.speech import Query, decision_of, query_for
from reciprocity.decide.many.tally import Tally
from reciprocity.decide.prepare import Prepared
from reciprocity.errors import InputError, Unavailable
from reciprocity.journal.copies import COUNTING
from reciprocity.model import Decision, Instant

__all__ = ["Counted", "as_decisions", "asking", "count", "count_stopped", "explain"]

_MEMORY: Final = "768MB"
_BLOCK: Final = 64
_INTERRUPTED: Final = "Query interrupted"
_AT_ONCE: Final = 8
"""Parts to a query."""


class Counted(NamedTuple):
    """For each message how many people met which decision (its instant left out), before choice.

    *chosen* has the people each is the choice for.
    """

    people: int
    met: tuple[Counter[Decision], ...]
    chosen: tuple[int, ...]


def count(
    snapshot: Snapshot,
    messages: Sequence[Prepared],
    at: Instant,
    key: bytes,
    progress: Callable[[int, int], None] | None = None,
) -> Counted:
    """What *messages*, of one occasion, meet at *at*; the choice is made with the draw *key*.

    *progress* is told (people done, people). When it is stopped, the next count of the very same
    goes on. Raises `InputError` for an instant that is not the snapshot's, `Unavailable` when a
    part cannot be read.
    """
    snapshot.good_at(at)
    parts, occasion = snapshot.parts, messages[0].occasion
    with asking(snapshot) as db:
        lowered = _lowered(db, snapshot, messages, at)
        query = query_for(lowered, snapshot.rows, at, messages[0].time_zone, DUCKDB)
        asked = _asked(query, lowered)
        tally = Tally.of(snapshot, asked, len(messages), key)
        for begin in range(tally.parts, len(parts), _AT_ONCE):
            _part(db, parts[begin : begin + _AT_ONCE], snapshot, occasion)
            heads = db.execute(asked.heads).fetchall()
            tally.people += count_stopped(heads, query, tally.met)
            _take(db, asked, key, tally)
            tally.parts = min(begin + _AT_ONCE, len(parts))
            tally.keep(snapshot.place)
            if progress:
                progress(tally.people, snapshot.people)
    (snapshot.place / COUNTING).unlink(missing_ok=True)
    return Counted(
        people=tally.people,
        met=tuple(as_decisions(each, lowered[n], query) for n, each in enumerate(tally.met)),
        chosen=tuple(tally.chosen[number] for number in range(len(messages))),
    )


def explain(
    snapshot: Snapshot, messages: Sequence[Prepared], at: Instant, slot: int
) -> list[Decision]:
    """What is decided of each of *messages* for the person in *slot*, by the same query.

    Empty for a slot that the snapshot does not have.
    """
    snapshot.good_at(at)
    parts = [part for part in snapshot.parts if part.has(slot)]
    if not parts:
        return []
    with asking(snapshot) as db:
        lowered = _lowered(db, snapshot, messages, at)
        query = query_for(lowered, snapshot.rows, at, messages[0].time_zone, DUCKDB, waits=True)
        _part(db, parts, snapshot, messages[0].occasion)
        columns = ", ".join(f"v{n}, u{n}" for n in range(len(messages)))
        sql = f"SELECT {columns} FROM ({query.decided}) WHERE slot = ?"  # noqa: S608
        found = db.execute(sql, [slot]).fetchall()
    return [
        decision_of(one, query, code, until)
        for row in found
        for one, code, until in zip(lowered, row[::2], row[1::2], strict=True)
    ]


@contextmanager
def asking(snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own, of bounded memory; what does not fit is spilled beside the snapshot."""
    spill = snapshot.place / "spill"
    with duckdb.connect() as db:
        db.execute(f"SET memory_limit = '{_MEMORY}'")
        db.execute("SET temp_directory = ?", [str(spill)])
        db.execute("SET preserve_insertion_order = false")
        try:
            yield db
        except RuntimeError as error:  # DuckDB's word for a signal that came while it worked
            if str(error) != _INTERRUPTED:
                raise
            raise KeyboardInterrupt from error
        except duckdb.Error as error:
            raise Unavailable(
                f"snapshot cannot be read ({str(error).splitlines()[0]}): delete the folder "
                f"{snapshot.place.name}, it is made anew from the journal; nothing was lost"
            ) from error


def _lowered(
    db: duckdb.DuckDBPyConnection, snapshot: Snapshot, messages: Sequence[Prepared], at: Instant
) -> list[Lowered]:
    """*messages* lowered; what was attempted for their occasion is asked only if anything was."""
    if len({one.occasion for one in messages}) != 1:
        raise InputError("messages are not of one occasion: count one campaign at a time")
    files = [str(part.sent) for part in snapshot.parts]
    asked = "SELECT slot FROM read_parquet(?) WHERE occasion = ? LIMIT 1"
    found = db.execute(asked, [files, messages[0].occasion]).fetchall() if files else []
    return [lower(one, at, attempts=bool(found)) for one in messages]


def _part(
    db: duckdb.DuckDBPyConnection,
    parts: Sequence[PartFile],
    snapshot: Snapshot,
    occasion: str,
) -> None:
    """The relations that queries name: `part` and `sent`, of *parts* and *occasion* alone."""
    people = db.read_parquet([str(part.people) for part in parts])
    wanted = {each.name: each.sql for each in snapshot.rows.stored}
    found = dict(zip(people.columns, map(str, people.types), strict=True))
    if found != wanted:
        raise Unavailable(
            "snapshot has other columns than this release reads: delete the folder "
            f"{snapshot.place.name}, it is made anew from the journal; nothing was lost"
        )
    people.create_view("part", replace=True)
    sent = db.read_parquet([str(part.sent) for part in parts])
    sent.filter(f"occasion = '{quoted(occasion)}'").create_view("sent", replace=True)


def count_stopped(rows: Iterable[Sequence[int]], query: Query, met: Sequence[Counter[int]]) -> int:
    """Count in *met* those whom every group stops, by the *rows* of `Query.heads`; all people."""
    people = 0
    for *heads, times in rows:
        people += times
        if all(heads):
            for counter, group in zip(met, query.groups, strict=True):
                counter[heads[group]] += times
    return people


class _Asked(NamedTuple):
    """All that is asked of each part, in order; *contest* is empty where nobody may get several."""

    heads: str
    open_to: str
    contest: str
    best: str


def _asked(query: Query, lowered: Sequence[Lowered]) -> _Asked:
    several = may_be_several(lowered)
    return _Asked(
        heads=query.heads,
        open_to=picked(query, len(lowered), DUCKDB, several=several),
        contest=contest(query) if several else "",
        best=best_of_several(query, lowered, DUCKDB)
        if several
        else best_of_equals(lowered, DUCKDB),
    )


def _take(db: duckdb.DuckDBPyConnection, asked: _Asked, key: bytes, tally: Tally) -> None:
    """Count in *tally* those in `part` whom not every group stops."""
    numbers = range(len(tally.met))
    histograms = ", ".join(f"histogram(least(v{n}, 0)) AS h{n}" for n in numbers)
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE told AS SELECT {histograms}, histogram(pick) AS picks, "  # noqa: S608
        f"list(struct_pack(slot := slot, mask := mask)) FILTER (WHERE pick = {CONTESTED}) AS who "
        f"FROM ({asked.open_to})"
    )
    columns = ", ".join(f"h{n}" for n in numbers)
    ((*codes, picks),) = db.execute(f"SELECT {columns}, picks FROM told").fetchall()  # noqa: S608
    for counter, histogram in zip(tally.met, codes, strict=True):
        counter.update(histogram or {})
    for number, times in (picks or {}).items():
        if number >= 0:
            tally.chosen[number] += times
    if (picks or {}).get(CONTESTED):
        db.execute(
            "CREATE OR REPLACE TEMP TABLE contested AS "
            "SELECT p.slot AS slot, p.mask AS mask FROM (SELECT unnest(who) AS p FROM told)"
        )
        if asked.contest:
            db.execute(f"CREATE OR REPLACE TEMP TABLE contest AS {asked.contest}")
        inner, outer = _pads(key)
        drawn = db.execute(asked.best, {"inner": inner, "outer": outer}).fetchall()
        tally.chosen.update(dict(drawn))


def _pads(key: bytes) -> tuple[bytes, bytes]:
    """What HMAC-SHA256 (RFC 2104) puts before the text, and before the hash of that."""
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return bytes(each ^ 0x36 for each in block), bytes(each ^ 0x5C for each in block)


def as_decisions(codes: Counter[int], one: Lowered, query: Query) -> Counter[Decision]:
    """*codes* of the message as decisions, without the instants to wait for."""
    told = Counter[Decision]()
    for code, times in codes.items():
        told[decision_of(one, query, code)] += times
    return told
