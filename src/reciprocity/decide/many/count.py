"""Count: what each message would meet for everybody, and for how many it is the choice.

Parts of a snapshot are asked one after the other, each by one query, so that progress can be shown
and memory is bounded. Whoever could get several messages with equal scores, or more than one of
them, is handed on to a second query that draws and chooses as `choose` does.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Final, NamedTuple

import duckdb

from reciprocity.decide.lower import Lowered, lower
from reciprocity.decide.many.parquet import PartFile
from reciprocity.decide.many.snapshot import Snapshot
from reciprocity.decide.many.speech import Query, decision_of, query_for
from reciprocity.decide.prepare import Prepared
from reciprocity.errors import InputError, Unavailable
from reciprocity.model import Basis, Decision, Instant

__all__ = ["Counted", "count", "explain"]

_MEMORY: Final = "768MB"
_BLOCK: Final = 64
_AT_ONCE: Final = 4
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

    *progress* is told (people done, people). Raises `InputError` for an instant that is not the
    snapshot's, `Unavailable` when a part cannot be read.
    """
    snapshot.good_at(at)
    met = [Counter[int]() for _ in messages]
    chosen = Counter[int]()
    done = 0
    with _asking(snapshot) as db:
        lowered = _lowered(db, snapshot, messages, at)
        query = query_for(lowered, snapshot.rows, at, messages[0].time_zone)
        for begin in range(0, len(snapshot.parts), _AT_ONCE):
            parts = snapshot.parts[begin : begin + _AT_ONCE]
            _part(db, parts, snapshot, messages[0].occasion)
            db.execute(f"CREATE OR REPLACE TEMP TABLE told AS {_counts(query, lowered)}")
            columns = ", ".join([*(f"h{n}" for n in range(len(messages))), "picks", "people"])
            (row,) = db.execute(f"SELECT {columns} FROM told").fetchall()  # noqa: S608
            *codes, picks, people = row
            for counter, histogram in zip(met, codes, strict=True):
                counter.update(histogram or {})
            chosen.update({number: times for number, times in (picks or {}).items() if number >= 0})
            chosen.update(_contested(db, lowered, key))
            done += people
            if progress:
                progress(done, snapshot.people)
    return Counted(
        people=done,
        met=tuple(_as_decisions(each, lowered[number], query) for number, each in enumerate(met)),
        chosen=tuple(chosen[number] for number in range(len(messages))),
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
    with _asking(snapshot) as db:
        lowered = _lowered(db, snapshot, messages, at)
        query = query_for(lowered, snapshot.rows, at, messages[0].time_zone, waits=True)
        _part(db, parts, snapshot, messages[0].occasion)
        columns = ", ".join(f"k{n}, u{n}" for n in range(len(messages)))
        sql = f"SELECT {columns} FROM ({query.decided}) WHERE slot = ?"  # noqa: S608
        found = db.execute(sql, [slot]).fetchall()
    return [
        decision_of(one, query, code, until)
        for row in found
        for one, code, until in zip(lowered, row[::2], row[1::2], strict=True)
    ]


@contextmanager
def _asking(snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own, of bounded memory; what does not fit is spilled beside the snapshot."""
    spill = snapshot.place / "spill"
    with duckdb.connect() as db:
        db.execute(f"SET memory_limit = '{_MEMORY}'")
        db.execute("SET temp_directory = ?", [str(spill)])
        db.execute("SET preserve_insertion_order = false")
        try:
            yield db
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
    db: duckdb.DuckDBPyConnection, parts: Sequence[PartFile], snapshot: Snapshot, occasion: str
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
    sent.filter(f"occasion = '{_quoted(occasion)}'").create_view("sent", replace=True)


# -- choice --


def _counts(query: Query, lowered: Sequence[Lowered]) -> str:
    """One row: a histogram of codes a message, one of picks, and who is contested, as a list.

    A pick is the message's number, -1 where nothing is chosen, and -2 where it takes draws.
    """
    numbers = range(len(lowered))
    ready = [f"(k{n} = 0 AND {query.room[n]})" for n in numbers]
    best = f"greatest({', '.join(f'CASE WHEN r{n} THEN s{n} END' for n in numbers)})"
    several = " + ".join(f"CAST(r{n} AS INTEGER)" for n in numbers)
    tied = " + ".join(f"CAST(r{n} AND s{n} = best AS INTEGER)" for n in numbers)
    many = "several > 1" if lowered[0].prepared.limit > 1 else "FALSE"
    pick = (
        "CASE WHEN several = 0 THEN -1 "
        f"WHEN several > 1 AND ({many} OR {tied} > 1) THEN -2 "
        + " ".join(f"WHEN r{n} AND s{n} = best THEN {n}" for n in numbers)
        + " END"
    )
    person = ", ".join([
        "slot := slot",
        f"ready := [{', '.join(f'r{n}' for n in numbers)}]",
        f"scores := [{', '.join(f's{n}' for n in numbers)}]",
        f"lefts := [{', '.join(query.left)}]",
        f"fits := [{', '.join(query.fits)}]",
    ])  # fmt: skip
    first = ", ".join(f"{text} AS r{n}" for n, text in enumerate(ready))
    histograms = ", ".join(f"histogram(k{n}) AS h{n}" for n in numbers)
    return (
        f"SELECT {histograms}, histogram(pick) AS picks, count(*) AS people, "  # noqa: S608
        f"list(struct_pack({person})) FILTER (WHERE pick = -2) AS contested FROM "
        f"(SELECT *, CAST({pick} AS SMALLINT) AS pick FROM "
        f"(SELECT *, {best} AS best, {several} AS several FROM "
        f"(SELECT *, {first} FROM ({query.decided}))))"
    )


def _contested(
    db: duckdb.DuckDBPyConnection, lowered: Sequence[Lowered], key: bytes
) -> dict[int, int]:
    """For how many of those whose choice takes draws each message is chosen.

    It is what `choose.picked` does: by score, then draw, then name. Of a channel's messages the
    first have room under its caps; of all that have, the first are within the occasion's limit.
    """
    messages = [one.prepared for one in lowered]
    names = ", ".join(
        f"({n}, '{_quoted(one.message_id)}', '{_quoted(_channel(one))}')"
        for n, one in enumerate(messages)
    )
    best = "WHERE score = best" if messages[0].limit == 1 else ""
    inner, outer = _pads(key)
    found = db.execute(
        f"""
        WITH person AS (SELECT unnest(contested) AS p FROM told),
        message AS (SELECT * FROM (VALUES {names}) AS m (n, name, channel)),
        ready AS (
            SELECT p.slot AS slot, n, name, channel, p.scores[n + 1] AS score,
                p.lefts[n + 1] AS "left", p.fits[n + 1] AS fits,
                max(score) OVER (PARTITION BY p.slot) AS best
            FROM person, message WHERE p.ready[n + 1]
        ),
        drawn AS (
            SELECT *, {_draw("$inner", "$outer", messages[0].occasion)} AS draw FROM ready {best}
        ),
        under_caps AS (
            SELECT * FROM drawn QUALIFY
                row_number() OVER (
                    PARTITION BY slot, channel ORDER BY score DESC, draw DESC, name
                ) <= fits
        ),
        chosen AS (
            SELECT n FROM under_caps QUALIFY
                row_number() OVER (PARTITION BY slot ORDER BY score DESC, draw DESC, name) <= "left"
        )
        SELECT n, count(*) FROM chosen GROUP BY n
        """,  # noqa: S608
        {"inner": inner, "outer": outer},
    ).fetchall()
    return dict(found)


def _channel(one: Prepared) -> str:
    """The channel whose caps count; none for what is not based on consent."""
    return one.message.channel if one.basis is Basis.CONSENT else ""


def _pads(key: bytes) -> tuple[bytes, bytes]:
    """What HMAC-SHA256 (RFC 2104) puts before the text, and before the hash of that."""
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return bytes(each ^ 0x36 for each in block), bytes(each ^ 0x5C for each in block)


def _draw(inner: str, outer: str, occasion: str) -> str:
    """`choose.draw` as DuckDB works it out."""
    told = f"encode('{_quoted(occasion)}' || chr(10) || slot || chr(10) || name)"
    hashed = f"sha256({outer} || unhex(sha256({inner} || {told})))"
    return f"CAST('0x' || {hashed}[1:8] AS BIGINT) >> 1"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _as_decisions(codes: Counter[int], one: Lowered, query: Query) -> Counter[Decision]:
    told = Counter[Decision]()
    for code, times in codes.items():
        told[decision_of(one, query, code)] += times
    return told
