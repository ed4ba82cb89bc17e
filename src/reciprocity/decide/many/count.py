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

__all__ = ["Counted", "asking", "count", "explain"]

_MEMORY: Final = "768MB"
_BLOCK: Final = 64
_MASK: Final = 62
"""Messages to a mask."""
_AT_ONCE: Final = 16
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
    with asking(snapshot) as db:
        lowered = _lowered(db, snapshot, messages, at)
        query = query_for(lowered, snapshot.rows, at, messages[0].time_zone)
        for begin in range(0, len(snapshot.parts), _AT_ONCE):
            parts = snapshot.parts[begin : begin + _AT_ONCE]
            _part(db, parts, snapshot, messages[0].occasion)
            done += _stopped(db, query, met)
            _take(db, query, lowered, key, met, chosen)
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
    with asking(snapshot) as db:
        lowered = _lowered(db, snapshot, messages, at)
        query = query_for(lowered, snapshot.rows, at, messages[0].time_zone, waits=True)
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
    sent.filter(f"occasion = '{_quoted(occasion)}'").create_view("sent", replace=True)


# -- choice --


def _stopped(db: duckdb.DuckDBPyConnection, query: Query, met: Sequence[Counter[int]]) -> int:
    """Count in *met* those in `part` whom every group stops; the number of all in it."""
    people = 0
    for *heads, times in db.execute(query.heads).fetchall():
        people += times
        if all(heads):
            for counter, group in zip(met, query.groups, strict=True):
                counter[heads[group]] += times
    return people


def _take(
    db: duckdb.DuckDBPyConnection,
    query: Query,
    lowered: Sequence[Lowered],
    key: bytes,
    met: Sequence[Counter[int]],
    chosen: Counter[int],
) -> None:
    """Count in *met* and *chosen* those in `part` whom not every group stops."""
    several = lowered[0].prepared.limit > 1 or len(lowered) > _MASK
    db.execute(_counts(query, len(lowered), several=several))
    columns = ", ".join(f"h{n}" for n in range(len(lowered)))
    ((*histograms, picks),) = db.execute(f"SELECT {columns}, picks FROM told").fetchall()  # noqa: S608
    for counter, histogram in zip(met, histograms, strict=True):
        counter.update(histogram or {})
    for number, times in (picks or {}).items():
        if number >= 0:
            chosen[number] += times
    if (picks or {}).get(-2):
        sql = _best_of_several(query, lowered) if several else _best_of_equals(lowered)
        inner, outer = _pads(key)
        chosen.update(dict(db.execute(sql, {"inner": inner, "outer": outer}).fetchall()))


def _counts(query: Query, messages: int, *, several: bool) -> str:
    """Makes `told`, of one row: a histogram of codes a message, one of picks, who is contested.

    A pick is the message's number, -1 where nothing is chosen, and -2 where it takes draws: scores
    are equal, or *several* may be chosen. The greatest rank is sought twice, the second time with
    the places of messages turned round: scores are equal where these two find different messages.
    *contested* has the slots, and the messages of the greatest score as bits of a mask.
    """
    numbers, ones = range(messages), (1 << query.bits) - 1
    first = f"greatest({', '.join(f'v{n}' for n in numbers)})"
    last = f"greatest({', '.join(f'xor(v{n}, {ones})' for n in numbers)})"
    more = " + ".join(f"CAST(v{n} > 0 AS INTEGER)" for n in numbers) if several else "0"
    pick = (
        "CASE WHEN first <= 0 THEN -1 "
        f"WHEN more > 1 OR first <> xor(last, {ones}) THEN -2 ELSE {ones} - (first & {ones}) END"
    )
    best = [f"CASE WHEN v{n} >> {query.bits} = best THEN {1 << n} ELSE 0 END" for n in numbers]
    mask = "0" if several else f"CASE WHEN pick = -2 THEN {' + '.join(best)} END"
    histograms = ", ".join(f"histogram(least(v{n}, 0)) AS h{n}" for n in numbers)
    return (
        f"CREATE OR REPLACE TEMP TABLE told AS SELECT {histograms}, histogram(pick) AS picks, "  # noqa: S608
        "list(struct_pack(slot := slot, mask := mask)) FILTER (WHERE pick = -2) AS contested "
        f"FROM (SELECT *, {mask} AS mask FROM "
        f"(SELECT *, {pick} AS pick, first >> {query.bits} AS best FROM "
        f"(SELECT *, {first} AS first, {last} AS last, {more} AS more FROM ({query.open}))))"
    )


def _best_of_equals(lowered: Sequence[Lowered]) -> str:
    """For how many of the contested each message has the greatest draw of those in the mask.

    Of equal draws the lesser name wins, as in `choose.picked`.
    """
    messages = [one.prepared for one in lowered]
    names = sorted(one.message_id for one in messages)
    ready = " UNION ALL ".join(
        f"SELECT p.slot AS slot, {n} AS n, {-names.index(one.message_id)} AS place, "  # noqa: S608
        f"'{_quoted(one.message_id)}' AS name FROM person WHERE (p.mask & {1 << n}) <> 0"
        for n, one in enumerate(messages)
    )
    return f"""
        WITH person AS (SELECT unnest(contested) AS p FROM told),
        drawn AS (
            SELECT slot, n, {_draw(messages[0].occasion)} * {len(names)} + place AS rank
            FROM ({ready})
        ), chosen AS (SELECT arg_max(n, rank) AS n FROM drawn GROUP BY slot)
        SELECT n, count(*) FROM chosen GROUP BY n
        """  # noqa: S608


def _best_of_several(query: Query, lowered: Sequence[Lowered]) -> str:
    """For how many of the contested each message is chosen where more than one may be.

    It is what `choose.picked` does: by score, then draw, then name. Of a channel's messages the
    first have room under its caps; of all that have, the first are within the occasion's limit.
    """
    messages = [one.prepared for one in lowered]
    ready = " UNION ALL ".join(
        f"SELECT slot, {n} AS n, '{_quoted(one.message_id)}' AS name, '{_quoted(_channel(one))}' "  # noqa: S608
        f'AS channel, s{n} AS score, {query.left[n]} AS "left", {query.fits[n]} AS fits '
        f"FROM contest WHERE v{n} > 0"
        for n, one in enumerate(messages)
    )
    ranks = "ORDER BY score DESC, draw DESC, name"
    return f"""
        WITH contest AS (
            SELECT * FROM ({query.open})
            WHERE slot IN (SELECT p.slot FROM (SELECT unnest(contested) AS p FROM told))
        ),
        drawn AS (SELECT *, {_draw(messages[0].occasion)} AS draw FROM ({ready})),
        under_caps AS (
            SELECT * FROM drawn
            QUALIFY row_number() OVER (PARTITION BY slot, channel {ranks}) <= fits
        ), chosen AS (
            SELECT n FROM under_caps
            QUALIFY row_number() OVER (PARTITION BY slot {ranks}) <= "left"
        )
        SELECT n, count(*) FROM chosen GROUP BY n
        """  # noqa: S608


def _channel(one: Prepared) -> str:
    """The channel whose caps count; none for what is not based on consent."""
    return one.message.channel if one.basis is Basis.CONSENT else ""


def _pads(key: bytes) -> tuple[bytes, bytes]:
    """What HMAC-SHA256 (RFC 2104) puts before the text, and before the hash of that."""
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return bytes(each ^ 0x36 for each in block), bytes(each ^ 0x5C for each in block)


def _draw(occasion: str) -> str:
    """`choose.draw` of `slot` and `name`, as DuckDB works it out from the two pads."""
    told = f"encode('{_quoted(occasion)}' || chr(10) || slot || chr(10) || name)"
    hashed = f"sha256($outer || unhex(sha256($inner || {told})))"
    return f"(CAST('0x' || {hashed}[1:8] AS BIGINT) >> 1)"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _as_decisions(codes: Counter[int], one: Lowered, query: Query) -> Counter[Decision]:
    told = Counter[Decision]()
    for code, times in codes.items():
        told[decision_of(one, query, code)] += times
    return told
