"""Every message that is live: those of all campaigns in force, prepared once for each statement.

What is asked for one person is asked of all of them at once: each is decided, then the choice is
made among those that may be delivered, as for a campaign that is about to be sent.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.decide.choose import OUTRANKED, draw, picked
from reciprocity.decide.fused import Fused, fuse
from reciprocity.decide.gather import brand_offset
from reciprocity.decide.one import decide_one
from reciprocity.decide.prepare import Prepared, Statements
from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.decide.zones import zone_offset
from reciprocity.errors import InputError
from reciprocity.journal.cache import Kept
from reciprocity.journal.journal import Journal
from reciprocity.model import Decision, Id, Instant, Verdict

__all__ = ["Advised", "Found", "Live", "LiveMessage", "Living", "advised", "judge_fused", "ranked"]

_CAMPAIGN: Final = "campaign:"
_OWN: Final = "own"
_APART: Final = 2**40
"""More than any score: what waits or is refused ranks by how far it got, and only then by that."""
_WAITS: Final = 2**48
_REFUSALS: Final = 2**50


class LiveMessage(NamedTuple):
    """A message of a campaign in force, and the positions of the statements it rests on."""

    prepared: Prepared
    stated: tuple[int, int, int, int]


class Living(NamedTuple):
    """The brand file in force and all messages of all campaigns, in the order of their names."""

    brand: BrandStatement
    messages: tuple[LiveMessage, ...]
    fused: dict[tuple[Id, Id], Fused]


class Found(NamedTuple):
    """What is decided of one message; *place* is 0 for the best of those to deliver, then 1, ..."""

    prepared: Prepared
    decision: Decision
    score: int
    place: int = 0


class Advised(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is decided of one message for one person, after choice; `deliver` are those chosen."""

    campaign: Id
    message: Id
    channel: Id
    decision: Decision
    place: str = ""


class Live:
    """What is live in one journal; may be shared between threads."""

    def __init__(self, journal: Journal) -> None:
        """Of *journal*; nothing is read before it is asked for."""
        self._journal = journal
        self._made: tuple[Mapping[str, int], Living] | None = None

    def now(self) -> Living:
        """What is in force now, read anew only when another statement came into force."""
        forced, made = self._journal.forced(), self._made
        if made is None or made[0] != forced:
            stated = statements_in_force(self._journal)
            made = forced, Living(stated.brand, tuple(self._messages(stated, forced)), {})
            self._made = made
        return made[1]

    def _messages(self, stated: Statements, forced: Mapping[str, int]) -> Iterator[LiveMessage]:
        for name in sorted(forced):
            campaign = name.removeprefix(_CAMPAIGN)
            if campaign in {name, _OWN}:
                continue
            told = campaign_in_force(self._journal, campaign)
            at = (stated.brand_at, stated.rulebook_at, stated.laws_at, told.position)
            with suppress(InputError):  # it no longer goes with the brand file: nobody gets it
                yield from [LiveMessage(one, at) for one in prepare_all(stated, told).values()]

    def decided(
        self, kept: Kept | None, at: Instant, key: bytes, *, channel: Id = "", place: Id = ""
    ) -> list[Found]:
        """What is decided at *at* of each message not yet closed, the best first (`ranked`).

        *kept* is None for a person nobody knows, of whom every message says so; *key* is that of
        the draws. Only messages on *channel*, or for *place*, where one is named. The choice is
        made: what could be delivered but has no room beside a better one is `outranked`.
        """
        fused = self._fused(at, channel, place)
        return [] if fused is None else ranked(judge_fused(fused, kept, at, key))

    def _fused(self, at: Instant, channel: Id, place: Id) -> Fused | None:
        """The function that decides these messages, made anew when one opens or closes."""
        living = self.now()
        fused = living.fused.get((channel, place))
        if fused is None or not fused.since <= at < fused.until:
            wanted = [
                one.prepared
                for one in living.messages
                if at < one.prepared.closes
                and channel in {"", one.prepared.message.channel}
                and place in {"", one.prepared.message.place}
            ]
            if not wanted:
                return None
            fused = living.fused[channel, place] = fuse(wanted, at)
        return fused


def judge_fused(fused: Fused, kept: Kept | None, at: Instant, key: bytes) -> list[Found]:
    """Each message of *fused* decided for one person, and the choice made with the draw *key*."""
    if kept is None or kept.standing.erased:
        return [Found(*one) for one in _plainly(fused.messages, None, at)]
    standing, messages = kept.standing, fused.messages
    offset = zone_offset(standing.wishes.time_zone, at)
    if offset is None:
        offset = brand_offset(messages[0], at)
    values = fused.layout.values(standing, kept.clear, at, offset)
    decided, scored = fused.decide(values)
    decisions, scores, left = list(decided), list(scored), dict(fused.limits)
    sent = Counter(one.occasion for one in standing.sent if one.occasion in left)
    if sent:
        left.update((name, left[name] - before) for name, before in sent.items())
        _with_attempts(fused, sent, decisions, scores, kept, at)
    drawn = partial(_drawn, fused.messages, key, standing.slot)
    return _chosen(fused, decisions, scores, left, fused.fits(values), drawn)


def _with_attempts(
    fused: Fused, sent: Container[str], decisions: list[Decision], scores: list[int], kept: Kept,
    at: Instant,
) -> None:  # fmt: skip
    """Put right what was decided as if nothing was attempted for the occasions *sent*."""
    for number, one in enumerate(fused.messages):
        if one.occasion in sent:
            ((_, decisions[number], scores[number]),) = _plainly([one], kept, at)


def _plainly(
    messages: Sequence[Prepared], kept: Kept | None, at: Instant
) -> Iterator[tuple[Prepared, Decision, int]]:
    """Each of *messages* decided by itself, from all its facts."""
    standing, clear = (kept.standing, kept.clear) if kept else (None, {})
    offset = zone_offset(standing.wishes.time_zone, at) if standing else None
    for one in decide_one(messages, standing, clear, at, offset):
        yield one.prepared, one.decision, one.score


def _drawn(messages: Sequence[Prepared], key: bytes, slot: int, number: int) -> tuple[int, str]:
    one = messages[number]
    return -draw(key, one.occasion, slot, one.message_id), one.message_id


def _chosen(
    fused: Fused, decisions: list[Decision], scores: Sequence[int], left: Mapping[str, int],
    fits: Mapping[str, int], drawn: Callable[[int], tuple[int, str]],
) -> list[Found]:  # fmt: skip
    """What was decided, where of all that may be delivered only what is `picked` remains so."""
    ready = [number for number, one in enumerate(decisions) if one.verdict is Verdict.DELIVER]
    won = picked({number: scores[number] for number in ready}, fused.rooms, left, fits, drawn)
    places = [0] * len(decisions)
    for place, number in enumerate(won):
        places[number] = place
    for number in set(ready).difference(won):
        decisions[number] = OUTRANKED
    return list(map(Found, fused.messages, decisions, scores, places))


def ranked(found: Sequence[Found]) -> list[Found]:
    """The best to deliver first, then what waits, then refusals, those that got furthest first.

    Of equals the higher score comes first; what is equal in that too stays in its order.
    """
    rules = found[0].prepared.compiled.rulebook.rules if found else ()
    reached = {rule.reason: _REFUSALS - number * _APART for number, rule in enumerate(rules)}
    past = _REFUSALS - len(reached) * _APART
    ranks = [
        place if decision.verdict is Verdict.DELIVER
        else _WAITS - score if decision.verdict is Verdict.WAIT
        else reached.get(decision.reason, past) - score
        for _, decision, score, place in found
    ]  # fmt: skip
    return [found[number] for number in sorted(range(len(found)), key=ranks.__getitem__)]


def advised(found: Iterable[Found]) -> list[Advised]:
    """*found* as a caller is told of it."""
    return [
        Advised(
            campaign=one.prepared.occasion,
            message=one.prepared.message_id,
            channel=one.prepared.message.channel,
            place=one.prepared.message.place,
            decision=one.decision,
        )
        for one in found
    ]
