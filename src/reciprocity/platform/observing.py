"""The collector, wired: what is a yes to looking is read as every decision reads it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from reciprocity.collect.collector import Collector, InForce
from reciprocity.collect.joining import join_people
from reciprocity.consent.state import Wishes
from reciprocity.decide.gather import consent_state, objected
from reciprocity.decide.prepare import DAY_MS, Ground, Statements, ground_of
from reciprocity.decide.statements import in_force_for, statements_in_force
from reciprocity.journal.journal import Journal
from reciprocity.model import OBSERVE, ConsentState, Id, Instant

__all__ = ["ACTOR", "collector_of", "forget_due"]

ACTOR: Final = "operator:collector"
"""Who joins two people when one of the brand's own systems reports that they are one."""


def collector_of(journal: Journal) -> Collector:
    """The collector of *journal*'s brand, under whatever is in force when a report comes."""
    in_force = _remembered(journal)

    def link(stays: int, other: int) -> None:
        forced, origin = in_force(), journal.state().origin
        if not journal.observed.is_linked(stays, other, origin):
            join_people(journal, forced.brand, forced.laws, stays, other, actor=ACTOR)
            journal.observed.note_link(stays, other, origin)

    return Collector(journal, in_force, link)


def forget_due(journal: Journal) -> int:
    """Delete what is older than its behaviour's `keep_days`, and what no yes stands for any more.

    A withdrawal deletes by itself; this finds what ended without an event (a yes that ran out, a
    behaviour that is no longer declared), or while a withdrawal could not delete. How many rows.
    """
    forced, at = _in_force(statements_in_force(journal)), journal.clock()
    today = at // DAY_MS

    def standing(slots: Sequence[int]) -> set[tuple[int, Id]]:
        kept = journal.kept_many(slots)
        return {
            (slot, behaviour)
            for slot, one in kept.items()
            if not one.standing.erased
            for behaviour in forced.brand.behaviours
            if forced.given(one.standing.wishes, behaviour, at)
        }

    return journal.observed.sweep(standing) + sum(
        journal.observed.expire(name, today - told.keep_days)
        for name, told in forced.brand.behaviours.items()
    )


def _remembered(journal: Journal) -> Callable[[], InForce]:
    """What is in force, read anew only when another statement came into force."""
    last: tuple[tuple[int, int, int, int], InForce] | None = None

    def look() -> InForce:
        nonlocal last
        if last is None or last[0] != in_force_for(journal, ""):
            stated = statements_in_force(journal)
            key = (stated.brand_at, stated.rulebook_at, stated.laws_at, -1)  # and no campaign
            last = key, _in_force(stated)
        return last[1]

    return look


def _in_force(stated: Statements) -> InForce:
    grounds = {
        name: ground_of(name, OBSERVE, told.validity_days, stated)
        for name, told in stated.brand.behaviours.items()
    }
    return InForce(brand=stated.brand, laws=stated.laws, given=partial(_given, grounds))


def _given(grounds: dict[Id, Ground], wishes: Wishes, behaviour: Id, at: Instant) -> bool:
    ground = grounds.get(behaviour)
    return (
        ground is not None
        and consent_state(wishes, ground, at) is ConsentState.GIVEN
        and not objected(wishes, ground)
    )
