"""Every message that is live: those of all campaigns in force, prepared once for each statement.

What is asked for one person is asked of all of them at once: each is decided, then the choice is
made among those that may be delivered, as for a campaign that is about to be sent.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.decide.choose import OUTRANKED, Contender, draw, picked
from reciprocity.decide.fused import Fused, fuse
from reciprocity.decide.gather import brand_offset
from reciprocity.decide.one import decide_one
from reciprocity.decide.prepare import Prepared, Statements
from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.decide.zones import zone_offset
from reciprocity.errors import InputError
from reciprocity.journal.cache import Kept
from reciprocity.journal.journal import Journal
from reciprocity.model import Basis, Decision, Id, Instant, Verdict

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
    decisions, scores = fused.decide(values)
    found = list(map(Found, messages, decisions, scores))
    left = [one.limit for one in messages]
    if standing.sent and not fused.occasions.isdisjoint(one.occasion for one in standing.sent):
        _with_attempts(found, left, kept, at)
    return _choose(found, left, fused.fits(values), key, standing.slot)


def _with_attempts(found: list[Found], left: list[int], kept: Kept, at: Instant) -> None:
    """Put right what was decided as if nothing was attempted for the occasion."""
    sent = Counter(one.occasion for one in kept.standing.sent)
    for number, one in enumerate(found):
        if before := sent[one.prepared.occasion]:
            (plain,) = _plainly([one.prepared], kept, at)
            found[number] = Found(*plain)
            left[number] -= before


def _plainly(
    messages: Sequence[Prepared], kept: Kept | None, at: Instant
) -> Iterator[tuple[Prepared, Decision, int]]:
    """Each of *messages* decided by itself, from all its facts."""
    standing, clear = (kept.standing, kept.clear) if kept else (None, {})
    offset = zone_offset(standing.wishes.time_zone, at) if standing else None
    for one in decide_one(messages, standing, clear, at, offset):
        yield one.prepared, one.decision, one.score


def _choose(
    found: list[Found], left: Sequence[int], fits: Mapping[str, int], key: bytes, slot: int
) -> list[Found]:
    """*found* where of what may be delivered only what is `picked` remains so, with its place."""
    messages = [one.prepared for one in found]
    ready = [number for number, one in enumerate(found) if one.decision.verdict is Verdict.DELIVER]
    contenders = []
    for number in ready:
        one, channel = messages[number], messages[number].message.channel
        contenders.append(
            Contender(
                found[number].score, one.message_id, one.occasion,
                channel if one.basis is Basis.CONSENT else "", left[number], fits[channel],
            )
        )  # fmt: skip

    def drawn(number: int) -> int:
        return draw(key, contenders[number].occasion, slot, contenders[number].message)

    won = {ready[number]: place for place, number in enumerate(picked(contenders, drawn))}
    for number in ready:
        place = won.get(number)
        if place is None:
            found[number] = Found(messages[number], OUTRANKED, found[number].score)
        else:
            found[number] = found[number]._replace(place=place)
    return found


def ranked(found: Sequence[Found]) -> list[Found]:
    """The best to deliver first, then what waits, then refusals, those that got furthest first.

    Of equals the higher score comes first; what is equal in that too stays in its order.
    """
    rules = found[0].prepared.compiled.rulebook.rules if found else ()
    reached = {rule.reason: number for number, rule in enumerate(rules)}

    def rank(one: Found) -> int:
        _, decision, score, place = one
        if decision.verdict is Verdict.DELIVER:
            return place
        if decision.verdict is Verdict.WAIT:
            return _WAITS - score
        return _REFUSALS - reached.get(decision.reason, len(reached)) * _APART - score

    return sorted(found, key=rank)


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
