"""An attempt: what permitted a message, written down before anything is handed over.

Whoever hands over, by mail or on a page, records the same: the facts as they were decided on, the
yes and the contact point by their versions, and the statements that were in force.
"""

from typing import Final

from reciprocity.decide.one import Judged
from reciprocity.decide.prepare import DAY_MS
from reciprocity.deliver.letters import content_hash
from reciprocity.events import Attempt
from reciprocity.journal.standing import Standing
from reciprocity.journal.turn import STALE_MS
from reciprocity.model import Basis

__all__ = ["COUNTED_DAYS", "HANDOVER_MS", "attempt_of"]

HANDOVER_MS: Final = 30_000
"""A message that was not handed over in this time is decided anew."""
COUNTED_DAYS: Final = 30


def attempt_of(
    judged: Judged, standing: Standing, stated: tuple[int, int, int, int], at: int, draw: int
) -> Attempt:
    """The attempt to deliver what was *judged* at *at* for the person with *standing*.

    *stated* are the positions of brand file, rulebook, law packs and campaign.
    """
    prepared, wishes = judged.prepared, standing.wishes
    message, ground = prepared.message, prepared.ground
    answer = wishes.answers.get(ground.key) if prepared.basis is Basis.CONSENT else None
    return Attempt(
        message=prepared.message_id,
        purpose=message.purpose,
        channel=message.channel,
        occasion=prepared.occasion,
        content=content_hash(message),
        point=wishes.points[message.channel].version,
        consent=answer.version if answer else 0,
        stated=stated,
        facts=tuple(map(int, judged.facts)),
        atoms=judged.atoms,
        score=judged.score,
        draw=draw,
        basis=prepared.basis,
        decided_at=at,
        handover_by=at + HANDOVER_MS,
        # Caps count from when it is recorded, which is up to STALE_MS after *at*.
        counts_until=max(at + COUNTED_DAYS * DAY_MS + STALE_MS, prepared.closes),
    )
