"""What is decided for one person now: of one message with its facts, or of all that are live.

It informs. Whatever leaves through the gate is decided anew when it leaves.
"""

from reciprocity.decide.live import Advised, Live, advised
from reciprocity.decide.one import Why, decide_one, why
from reciprocity.decide.zones import zone_offset
from reciprocity.deliver.run import prepared_for
from reciprocity.errors import InputError
from reciprocity.journal.journal import Journal
from reciprocity.model import Id
from reciprocity.vault.people import find

__all__ = ["decide_now", "why_now"]


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
    `outranked`.
    """
    at = max(journal.clock(), journal.state().last_at)
    try:
        kept = journal.kept(find(journal, person))
    except InputError:
        kept = None
    return advised(live.decided(kept, at, journal.keys.brand.draw, channel=channel, place=place))
