"""The attempt that the sender would record, for tests that then bend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reciprocity.decide.one import decide_one
from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.decide.zones import zone_offset
from reciprocity.deliver.attempt import attempt_of

if TYPE_CHECKING:
    from reciprocity.events import Attempt
    from reciprocity.platform import Reciprocity


def attempt_now(shop: Reciprocity, slot: int, message: str) -> Attempt:
    """An attempt to deliver *message* of the campaign `spring` now, whatever is decided of it."""
    stated, statements = (
        campaign_in_force(shop.journal, "spring"),
        statements_in_force(shop.journal),
    )
    prepared, kept = prepare_all(statements, stated)[message], shop.journal.kept(slot)
    assert kept is not None
    at = shop.journal.clock()
    offset = zone_offset(kept.standing.wishes.time_zone, at)
    (judged,) = decide_one([prepared], kept.standing, kept.clear, at, offset)
    positions = (
        statements.brand_at, statements.rulebook_at, statements.laws_at, stated.position,
    )  # fmt: skip
    return attempt_of(judged, kept.standing, positions, at, 0)
