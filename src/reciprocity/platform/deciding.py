"""What is decided now: for one person of one message or of all, for many people of one message.

It informs. Whatever leaves through the gate is decided anew when it leaves.
"""

from collections.abc import Sequence
from typing import Final

from reciprocity.decide.live import Advised, Live, advised
from reciprocity.decide.one import Why, decide_one, why
from reciprocity.decide.prepare import Prepared
from reciprocity.decide.zones import zone_offset
from reciprocity.deliver.run import prepared_for
from reciprocity.errors import InputError
from reciprocity.journal.cache import Kept
from reciprocity.journal.journal import Journal
from reciprocity.model import Decision, Id, Instant
from reciprocity.vault.people import find

__all__ = ["decide_now", "decide_people", "why_now"]

_SOME: Final = 1_000


def why_now(journal: Journal, slot: int, campaign: Id, message: Id) -> Why:
    """What is decided of *message* for one person now, and the facts that decide it."""
    prepared = prepared_for(journal, campaign).get(message)
    if prepared is None:
        raise InputError(f"campaign {campaign} has no message {message[:64]!r}")
    kept, at = journal.kept(slot), journal.clock()
    offset = zone_offset(kept.standing.wishes.time_zone, at) if kept else None
    standing, clear = (kept.standing, kept.clear) if kept else (None, {})
    return why(decide_one([prepared], standing, clear, at, offset)[0])


def decide_now(
    journal: Journal, live: Live, person: str, channel: Id = "", place: Id = ""
) -> list[Advised]:
    """What is decided now of each live message for *person*, the best to deliver first.

    *person* is called by an address, an external id (`id:...`) or a pseudonym; for one who is not
    known each decision is `unknown_person`. Only messages on *channel*, or for *place*, where one
    is named. The choice is made: what could be delivered but has no room beside a better one is
    `outranked`. Raises `InputError` for a channel that the brand does not have: nothing for this
    person there is another answer.
    """
    if channel and channel not in (known := live.now().brand.channels):
        raise InputError(
            f"channel {channel[:64]!r} is not declared: the brand has {', '.join(known)}"
        )
    at = max(journal.clock(), journal.state().last_at)
    try:
        kept = journal.kept(find(journal, person))
    except InputError:
        kept = None
    return advised(live.decided(kept, at, journal.keys.brand.draw, channel=channel, place=place))


def decide_people(
    journal: Journal, people: Sequence[str], campaign: Id, message: Id
) -> list[Decision]:
    """What is decided of *message* now for each of *people*, in their order; nothing is chosen.

    Called as in `decide_now`; who is not known gets `unknown_person`. Raises `InputError` for a
    message that is not in force.
    """
    prepared = prepared_for(journal, campaign).get(message)
    if prepared is None:
        raise InputError(f"campaign {campaign} has no message {message[:64]!r}")
    at = max(journal.clock(), journal.state().last_at)
    decisions: list[Decision] = []
    for begin in range(0, len(people), _SOME):
        slots = [_slot_of(journal, one) for one in people[begin : begin + _SOME]]
        kept = journal.kept_many([slot for slot in dict.fromkeys(slots) if slot >= 0])
        decisions += [_decided(prepared, kept.get(slot), at) for slot in slots]
    return decisions


def _slot_of(journal: Journal, person: str) -> int:
    """The slot of *person*; -1 for somebody who is not known."""
    try:
        return find(journal, person)
    except InputError:
        return -1


def _decided(prepared: Prepared, kept: Kept | None, at: Instant) -> Decision:
    standing, clear = (kept.standing, kept.clear) if kept else (None, {})
    offset = zone_offset(standing.wishes.time_zone, at) if standing else None
    return decide_one([prepared], standing, clear, at, offset)[0].decision
