"""Every message that is live: those of all campaigns in force, prepared once for each statement.

What is asked for one person is asked of all of them at once: each is decided, then the choice is
made among those that may be delivered, as for a campaign that is about to be sent.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.decide.choose import choose
from reciprocity.decide.one import Judged, decide_one
from reciprocity.decide.prepare import Prepared, Statements
from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.decide.zones import zone_offset
from reciprocity.errors import InputError
from reciprocity.journal.cache import Kept
from reciprocity.journal.journal import Journal
from reciprocity.model import Decision, Id, Instant, Verdict

__all__ = ["Advised", "Live", "LiveMessage", "Living", "advised", "judge_live", "ranked"]

_CAMPAIGN: Final = "campaign:"
_OWN: Final = "own"
_ORDER: Final = {Verdict.DELIVER: 0, Verdict.WAIT: 1, Verdict.REFUSE: 2}


class LiveMessage(NamedTuple):
    """A message of a campaign in force, and the positions of the statements it rests on."""

    prepared: Prepared
    stated: tuple[int, int, int, int]


class Living(NamedTuple):
    """The brand file in force and all messages of all campaigns, in the order of their names."""

    brand: BrandStatement
    messages: tuple[LiveMessage, ...]


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
            made = forced, Living(stated.brand, tuple(self._messages(stated, forced)))
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

    def wanted(self, at: Instant, wanted: Callable[[Prepared], bool]) -> list[Prepared]:
        """The messages not yet closed at *at* for which *wanted* holds."""
        return [
            one.prepared
            for one in self.now().messages
            if at < one.prepared.closes and wanted(one.prepared)
        ]


def judge_live(
    messages: Iterable[Prepared], kept: Kept | None, at: Instant, key: bytes
) -> list[Judged]:
    """Each of *messages* decided for one person, and the choice made with the draw *key*.

    *kept* is None for a person nobody knows, of whom every message says so.
    """
    if kept is None or kept.standing.erased:
        return decide_one(messages, None, {}, at, None)
    offset = zone_offset(kept.standing.wishes.time_zone, at)
    judged = decide_one(messages, kept.standing, kept.clear, at, offset)
    return choose(judged, key, kept.standing.slot)


def ranked(judged: Iterable[Judged]) -> list[Judged]:
    """The best to deliver first, then what waits, then refusals, those that got furthest first."""
    found = list(judged)
    rules = found[0].prepared.compiled.rulebook.rules if found else ()
    reached = {rule.reason: number for number, rule in enumerate(rules)}

    def rank(one: Judged) -> tuple[int, int, int, int, str]:
        refused = one.decision.verdict is Verdict.REFUSE
        stopped = reached.get(one.decision.reason, len(reached)) if refused else 0
        place = _ORDER[one.decision.verdict]
        return place, -stopped, -one.score, -one.draw, one.message_id

    return sorted(found, key=rank)


def advised(judged: Iterable[Judged]) -> list[Advised]:
    """*judged* as a caller is told of it, `ranked`."""
    return [
        Advised(
            campaign=one.prepared.occasion,
            message=one.message_id,
            channel=one.prepared.message.channel,
            place=one.prepared.message.place,
            decision=one.decision,
        )
        for one in ranked(judged)
    ]
