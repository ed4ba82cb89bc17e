"""What an attempt says of itself beyond its facts: held against history and statements.

The facts of an attempt are derived anew (`decide/gather.py`). The fields beside them steer what
comes after: the channel and `counts_until` decide what later caps count, the instants what may be
called late. A sender that writes them wrongly would go unseen where only facts are compared.
"""

from itertools import compress
from operator import not_
from typing import Final

from reciprocity.consent.state import Wishes
from reciprocity.decide.facts import POSITIONS
from reciprocity.decide.prepare import DAY_MS, Prepared
from reciprocity.decide.zones import zone_offset
from reciprocity.deliver.attempt import COUNTED_DAYS, HANDOVER_MS
from reciprocity.deliver.letters import content_hash
from reciprocity.events import Attempt
from reciprocity.journal.turn import STALE_MS
from reciprocity.model import Basis

__all__ = ["misstated"]

ZONE_MINUTES: Final = 60
"""How far a recorded zone offset may be off: zone data of another year differ by an hour."""
_OFFSET: Final = POSITIONS["zone_offset"]
_NAMES: Final = (
    "purpose", "channel", "content", "point", "consent", "decided_at", "handover_by",
    "counts_until", "zone_offset",
)  # fmt: skip


def misstated(prepared: Prepared, wishes: Wishes, attempt: Attempt, at: int) -> tuple[str, ...]:
    """The names of all that *attempt*, recorded at *at*, says wrongly of itself.

    *wishes* are the person's below the attempt. What it is called here is what it is called in
    the event; `zone_offset` is the one recorded fact that can be held against something.
    """
    message = prepared.message
    point = wishes.points.get(message.channel)
    answer = wishes.answers.get(prepared.ground.key) if prepared.basis is Basis.CONSENT else None
    decided_at = attempt.decided_at
    holds = (
        attempt.purpose == message.purpose,
        attempt.channel == message.channel,
        attempt.content == content_hash(message),
        point is not None and attempt.point == point.version,
        attempt.consent == (answer.version if answer else 0),
        decided_at <= at <= decided_at + STALE_MS,
        attempt.handover_by <= decided_at + HANDOVER_MS,
        attempt.counts_until >= max(decided_at + COUNTED_DAYS * DAY_MS, prepared.closes),
        _zone_holds(prepared, wishes, attempt),
    )
    return () if all(holds) else tuple(compress(_NAMES, map(not_, holds)))


def _zone_holds(prepared: Prepared, wishes: Wishes, attempt: Attempt) -> bool:
    """Is the recorded offset one that the person's zone, or the brand's, may have had?

    A zone that nobody knows here may be known where it was decided: then nothing can be said.
    """
    own = zone_offset(wishes.time_zone, attempt.decided_at)
    if own is None and wishes.time_zone:
        return True
    expected = zone_offset(prepared.time_zone, attempt.decided_at) if own is None else own
    return expected is None or abs(attempt.facts[_OFFSET] - expected) <= ZONE_MINUTES
