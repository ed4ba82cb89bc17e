"""Gather: from a person's standing and what the brand has in force to the facts of a decision.

Here, once, the unknown becomes the refusing value; after this every fact is total. Nothing reads a
clock: the instant and the person's zone offset are arguments. A replay gathers again, from the
standing below an attempt, and compares.
"""

from collections.abc import Mapping
from typing import Final

from reciprocity.consent.state import Point, Wishes
from reciprocity.decide.facts import (
    BASIS_CODES,
    CONSENT_CODES,
    FACTS,
    POSITIONS,
    Facts,
    Source,
    restored,
)
from reciprocity.decide.prepare import DAY_MS, Ground, Prepared
from reciprocity.decide.zones import zone_offset
from reciprocity.errors import InputError
from reciprocity.events import Attempt
from reciprocity.journal.standing import Sent, Standing
from reciprocity.model import ANYWHERE, ConsentState

__all__ = [
    "brand_offset",
    "caps",
    "consent_state",
    "facts_of",
    "gather",
    "in_quiet_time",
    "minute_of_day",
    "objected",
    "pause_until",
    "quiet_ends_at",
    "quiet_of",
    "recheck",
    "rederive",
    "topic_level",
    "zone_offset",
]

MINUTE_MS: Final = 60_000
DAY_MINUTES: Final = 1_440
WEEK_MS: Final = 7 * DAY_MS
MONTH_MS: Final = 30 * DAY_MS
"""The month of a cap: 30 days."""

_GIVEN, _PENDING = ConsentState.GIVEN, ConsentState.PENDING
_AGAINST: Final = (ConsentState.REFUSED, ConsentState.WITHDRAWN)
_NOTHING: Final = Wishes()
_NO_POINT: Final = Point(version=0)
_NO_CAPS: Final = (None, None)
_OFFSET, _KNOWN = POSITIONS["zone_offset"], POSITIONS["attributes_known"]
_SCORE: Final = POSITIONS["topic_score"]


def gather(
    prepared: Prepared,
    standing: Standing | None,
    attributes: Mapping[str, object],
    at: int,
    offset_minutes: int | None,
) -> tuple[Facts, int]:
    """The facts of one message for one person at *at*, and the mask of atoms.

    *standing* is None for a person nobody knows. *attributes* holds the values shared for the
    message's purpose, by name. *offset_minutes* is the person's zone offset; None, an unknown
    zone, is the brand's.
    """
    seen, atoms = prepared.observe(attributes)
    known = seen == prepared.all_known
    if offset_minutes is None:
        offset_minutes = brand_offset(prepared, at)
    return facts_of(prepared, standing, at, offset_minutes, known=known, atoms=atoms), atoms


def facts_of(
    prepared: Prepared, standing: Standing | None, at: int, offset: int, *, known: bool, atoms: int
) -> Facts:
    """The facts, from the recorded ones (*offset*, *known*, *atoms*) and the person's standing.

    Of a person who is unknown or erased there is no history: each fact of it reads its refusing
    value.
    """
    wishes = _NOTHING if standing is None else standing.wishes
    sent = () if standing is None else standing.sent
    ground, channel = prepared.ground, prepared.message.channel
    point, paused = wishes.points.get(channel, _NO_POINT), pause_until(wishes, channel)
    lowest, score = _topics(prepared, wishes, at)
    minute = minute_of_day(at, offset)
    start, end = quiet_of(prepared, wishes)
    facts = (
        standing is not None,
        standing is None or standing.erased or wishes.erase_at != 0,
        point is not _NO_POINT,
        point.confirmed,
        point.bounced,
        point.suppressed,
        objected(wishes, ground),
        CONSENT_CODES[consent_state(wishes, ground, at)],
        BASIS_CODES[prepared.basis],
        max(wishes.age_at_least, prepared.everyone_at_least),
        prepared.minimum_age,
        prepared.law_allows,
        prepared.named.issubset(wishes.shared.get(prepared.message.purpose, ())),
        known,
        bool(prepared.topics),
        lowest,
        score,
        known and prepared.audience(atoms),
        *_attempts(prepared, sent),
        prepared.limit,
        prepared.opens <= at < prepared.closes,
        prepared.closes,
        paused > at,
        paused,
        *caps(prepared, wishes, sent, at),
        offset,
        minute,
        start,
        end,
        quiet_ends_at(at, minute, start, end),
    )
    return facts if standing is not None and not standing.erased else _without_history(facts)


def recheck(prepared: Prepared, standing: Standing | None, attempt: Attempt) -> tuple[str, ...]:
    """The names of all that *attempt* recorded and that *standing*, below it, does not bear out."""
    return rederive(prepared, standing, attempt)[1]


def rederive(
    prepared: Prepared, standing: Standing | None, attempt: Attempt
) -> tuple[Facts, tuple[str, ...]]:
    """The facts of *attempt* derived anew, and the names of all that it recorded otherwise.

    *prepared* is the attempt's message under the statements it names. Facts that are recorded
    because nobody can derive them again (zone offset, atoms, whether attributes were known) are
    taken from the attempt; all that follows from them is derived. Raises `Damaged` if what was
    recorded cannot be facts of that rulebook.
    """
    terms, told = prepared.compiled.rulebook.facts, attempt.facts
    if len(told) != len(terms):
        restored(told, terms)  # says so
    derived = facts_of(
        prepared,
        standing,
        attempt.decided_at,
        told[_OFFSET],
        known=told[_KNOWN] == 1,
        atoms=attempt.atoms,
    )[: len(terms)]
    wrong = []
    if derived != told:  # else there is nothing to restore: a fifth of a replay
        told = restored(told, terms)
        wrong = [
            term.name
            for term, mine, theirs in zip(terms, derived, told, strict=False)
            if mine != theirs
        ]
    if attempt.score != derived[_SCORE]:
        wrong.append("score")
    if attempt.basis != prepared.basis:
        wrong.append("attempt_basis")
    return derived, tuple(wrong)


def consent_state(wishes: Wishes, ground: Ground, at: int) -> ConsentState:
    """The state of consent on *ground* at *at*, which is `given` only if a yes truly stands.

    A yes ends when it said it would, or when the brand or the law now in force no longer lets it
    live, whichever is earlier; a pending one ends likewise. A no or a withdrawal that came later
    anywhere above in the tree of purposes now in force covers it: the tree may have been redrawn
    since the withdrawal, and then no row of the journal says so.
    """
    answer = wishes.answers.get(ground.key)
    if answer is None:
        return ConsentState.NEVER_ASKED
    if answer.state is _PENDING:
        return _PENDING if at < answer.until else ConsentState.EXPIRED
    if answer.state is not _GIVEN:
        return answer.state
    for key in ground.above:
        over = wishes.answers.get(key)
        if over is not None and over.version > answer.version and over.state in _AGAINST:
            return over.state
    ends = answer.at + ground.longest_ms
    if answer.until and answer.until < ends:
        ends = answer.until
    return _GIVEN if at < ends else ConsentState.EXPIRED


def objected(wishes: Wishes, ground: Ground) -> bool:
    """Does an objection stand to the purpose, one above it or all, on this channel or all?

    A later yes does not lift an objection; only lifting it does.
    """
    return not ground.objections.isdisjoint(wishes.objections.keys())


def brand_offset(prepared: Prepared, at: int) -> int:
    """The offset of the brand's own zone, for whoever's is unknown; `InputError` without one."""
    offset = zone_offset(prepared.time_zone, at)
    if offset is None:
        raise InputError(
            f"brand time zone {prepared.time_zone[:64]!r} is unknown here: "
            "name an IANA zone in brand.toml and apply it"
        )
    return offset


def _without_history(facts: Facts) -> Facts:
    """*facts* with every fact of history refusing; that the person is known stays as it is."""
    known, *others = facts
    return (known, *(
        fact.refusing if fact.source is Source.HISTORY else value
        for fact, value in zip(FACTS[1:], others, strict=True)
    ))  # fmt: skip


def topic_level(prepared: Prepared, wishes: Wishes, name: str, at: int) -> int:
    """The level that counts for topic *name*; an observed one only on a yes to the looking."""
    told = wishes.topics.get(name)
    if told is None:
        return 0
    if told.source != "declared":
        ground = prepared.observed.get(told.source)
        if ground is None or objected(wishes, ground):
            return 0
        if consent_state(wishes, ground, at) is not _GIVEN:
            return 0
    return told.level


def _topics(prepared: Prepared, wishes: Wishes, at: int) -> tuple[int, int]:
    """The lowest level, and the weighted sum."""
    lowest = score = 0
    for name, weight in prepared.topics:
        if name in wishes.topics:
            level = topic_level(prepared, wishes, name, at)
            score += weight * level
            lowest = min(lowest, level)
    return lowest, score


def _attempts(prepared: Prepared, sent: tuple[Sent, ...]) -> tuple[int, int]:
    """How often this message, and any message, was attempted for the occasion."""
    mine = [each.message for each in sent if each.occasion == prepared.occasion]
    return mine.count(prepared.message_id), len(mine)


def caps(
    prepared: Prepared, wishes: Wishes, sent: tuple[Sent, ...], at: int
) -> tuple[int, int, int, int, int]:
    """Used and most in 7 days, used and most in 30 days, and when both have room.

    They are those of the message's channel; of the message nothing else matters. An attempt later
    than *at* counts too: whoever decides with an old clock reading must not thereby miss what has
    been sent since.
    """
    week, month = prepared.cap_7, prepared.cap_30
    own_week, own_month = wishes.caps.get(prepared.message.channel, _NO_CAPS)
    week = week if own_week is None else min(week, own_week)
    month = month if own_month is None else min(month, own_month)
    if not sent:
        return 0, week, 0, month, at if week and month else 0
    times = sorted(
        each.at for each in sent
        if each.channel == prepared.message.channel and each.basis == "consent"
    )  # fmt: skip
    in_week = [each for each in times if each > at - WEEK_MS]
    in_month = [each for each in times if each > at - MONTH_MS]
    free = 0
    if week and month:
        free = max(_free_at(in_week, week, WEEK_MS, at), _free_at(in_month, month, MONTH_MS, at))
    return len(in_week), week, len(in_month), month, free


def _free_at(times: list[int], most: int, window_ms: int, at: int) -> int:
    """When a cap of *most* (above 0) has room again, if nothing is sent meanwhile.

    >>> _free_at([10, 20, 30], most=2, window_ms=100, at=50)
    120
    """
    return at if len(times) < most else times[len(times) - most] + window_ms


def pause_until(wishes: Wishes, channel: str) -> int:
    """When the later of the pauses on *channel* and on all ends; 0 for none."""
    return max(wishes.pauses.get(channel, 0), wishes.pauses.get(ANYWHERE, 0))


def quiet_of(prepared: Prepared, wishes: Wishes) -> tuple[int, int]:
    """The minutes in which quiet time begins and has ended: the person's own, or the channel's."""
    quiet = wishes.quiet
    return prepared.quiet if quiet is None else (quiet.start, quiet.end)


def minute_of_day(at: int, offset: int) -> int:
    """The minute of the day, 0 to 1439, on a clock that is *offset* minutes ahead of UTC."""
    return (at // MINUTE_MS + offset) % DAY_MINUTES


def quiet_ends_at(at: int, minute: int, quiet_from: int, quiet_until: int) -> int:
    """When the quiet time that runs at *minute* ends; 0 if none runs."""
    if not in_quiet_time(minute, quiet_from, quiet_until):
        return 0
    return at - at % MINUTE_MS + (quiet_until - minute) % DAY_MINUTES * MINUTE_MS


def in_quiet_time(minute: int, quiet_from: int, quiet_until: int) -> bool:
    """Is *minute* inside the quiet time that runs from *quiet_from* to *quiet_until*?

    All three are minutes of the person's own day, 0 to 1439. A quiet time may pass midnight. The
    first minute is quiet and the last is not, so two adjacent quiet times neither overlap nor
    leave a gap.

    >>> in_quiet_time(23 * 60, quiet_from=22 * 60, quiet_until=7 * 60)
    True

    A quiet time that ends when it starts is empty, not the whole day: a person who wants the whole
    day pauses the channel instead.

    >>> in_quiet_time(9 * 60, quiet_from=9 * 60, quiet_until=9 * 60)
    False
    """
    if quiet_from <= quiet_until:
        return quiet_from <= minute < quiet_until
    return minute >= quiet_from or minute < quiet_until
