"""Choice: which message each person gets, as SQL over the ranks that `speech` makes.

It is what `choose.picked` does. Nearly everybody has one greatest rank and needs nothing else;
draws are worked out only for the *contested*: who has equal scores, or may get more than one.
"""

from collections.abc import Sequence

from reciprocity.decide.lower import Lowered
from reciprocity.decide.many.dialect import Dialect, quoted
from reciprocity.decide.many.speech import Query
from reciprocity.decide.prepare import Prepared
from reciprocity.model import Basis

__all__ = [
    "CONTESTED",
    "best_of_equals",
    "best_of_several",
    "contest",
    "may_be_several",
    "picked",
]

CONTESTED = -2
"""The pick of whoever's choice takes draws; -1 is that of whoever gets nothing."""
_MASK = 62
"""Messages to a mask."""


def may_be_several(lowered: Sequence[Lowered]) -> bool:
    """Must the choice be made the long way for all contested?"""
    return lowered[0].prepared.limit > 1 or len(lowered) > _MASK


def picked(query: Query, messages: int, dialect: Dialect, *, several: bool) -> str:
    """Those whom not every group stops, with `pick` and `mask`.

    A pick is a message's number, or see `CONTESTED`. The greatest rank is sought twice, the second
    time with the places of messages turned round: scores are equal where these two find different
    messages. `mask` has the messages of the greatest score as bits, for the contested.
    """
    numbers, ones = range(messages), (1 << query.bits) - 1
    first = f"greatest({', '.join(f'v{n}' for n in numbers)}, -{2**30})"
    turned = (dialect.xor.format(f"v{n}", ones) for n in numbers)
    last = f"greatest({', '.join(turned)}, -{2**30})"
    more = " + ".join(f"CAST(v{n} > 0 AS INTEGER)" for n in numbers) if several else "0"
    tied = f"more > 1 OR first <> {dialect.xor.format('last', ones)}"
    pick = (
        f"CASE WHEN first <= 0 THEN -1 WHEN {tied} THEN {CONTESTED} "
        f"ELSE {ones} - (first & {ones}) END"
    )
    best = [f"CASE WHEN (v{n} >> {query.bits}) = best THEN {1 << n} ELSE 0 END" for n in numbers]
    mask = "0" if several else f"CASE WHEN pick = {CONTESTED} THEN {' + '.join(best)} END"
    return (
        f"SELECT *, {mask} AS mask FROM "  # noqa: S608  (see `speech`)
        f"(SELECT *, {pick} AS pick, first >> {query.bits} AS best FROM "
        f"(SELECT *, {first} AS first, {last} AS last, {more} AS more FROM ({query.open}) AS o) "
        "AS f) AS p"
    )


def best_of_equals(lowered: Sequence[Lowered], dialect: Dialect) -> str:
    """For how many in `contested` (slot, mask) each message has the greatest draw of the mask's.

    Of equal draws the lesser name wins.
    """
    messages = [one.prepared for one in lowered]
    places = {name: -n for n, name in enumerate(sorted(one.message_id for one in messages))}
    ready = " UNION ALL ".join(
        f"SELECT slot, {n} AS n, {places[one.message_id]} AS place, "  # noqa: S608
        f"'{quoted(one.message_id)}' AS name FROM contested WHERE (mask & {1 << n}) <> 0"
        for n, one in enumerate(messages)
    )
    draw = dialect.draw.format(occasion=quoted(messages[0].occasion))
    return f"""
        WITH drawn AS (
            SELECT slot, n, {draw} * {len(places)} + place AS rank FROM ({ready}) AS r
        ), chosen AS (SELECT max_by(n, rank) AS n FROM drawn GROUP BY slot)
        SELECT n, count(*) FROM chosen GROUP BY n
        """  # noqa: S608


def contest(query: Query) -> str:
    """What was decided of those in `contested`: what `best_of_several` names `contest`."""
    return f"SELECT * FROM ({query.open}) AS o WHERE slot IN (SELECT slot FROM contested)"  # noqa: S608


def best_of_several(query: Query, lowered: Sequence[Lowered], dialect: Dialect) -> str:
    """For how many in `contest` each message is chosen where more than one may be.

    By score, then draw, then name. Of a channel's messages the first have room under its caps; of
    all that have, the first are within the occasion's limit.
    """
    messages = [one.prepared for one in lowered]
    ready = " UNION ALL ".join(
        f"SELECT slot, {n} AS n, '{quoted(one.message_id)}' AS name, '{quoted(_channel(one))}' "  # noqa: S608
        f"AS channel, s{n} AS score, {query.left[n]} AS remaining, {query.fits[n]} AS fits "
        f"FROM contest WHERE v{n} > 0"
        for n, one in enumerate(messages)
    )
    draw = dialect.draw.format(occasion=quoted(messages[0].occasion))
    ranks = "ORDER BY score DESC, draw DESC, name"
    return f"""
        WITH drawn AS (SELECT *, {draw} AS draw FROM ({ready}) AS r),
        in_channel AS (
            SELECT *, row_number() OVER (PARTITION BY slot, channel {ranks}) AS place FROM drawn
        ), in_all AS (
            SELECT n, remaining, row_number() OVER (PARTITION BY slot {ranks}) AS place
            FROM in_channel WHERE place <= fits
        )
        SELECT n, count(*) FROM in_all WHERE place <= remaining GROUP BY n
        """  # noqa: S608


def _channel(one: Prepared) -> str:
    """The channel whose caps count; none for what is not based on consent."""
    return one.message.channel if one.basis is Basis.CONSENT else ""
