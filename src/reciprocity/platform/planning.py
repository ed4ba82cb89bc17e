"""A campaign planned by the engine that suits how many people there are; every one plans alike."""

from collections.abc import Callable

from reciprocity.deliver.campaign import Plan, Planned, make_plan
from reciprocity.deliver.population import plan_population
from reciprocity.errors import InputError
from reciprocity.journal.journal import Journal
from reciprocity.model import Engine, Id, Instant

__all__ = ["plan_by"]

Progress = Callable[[int, int], None]


def plan_by(
    engine: Engine,
    journal: Journal,
    campaign: Id,
    at: Instant | None = None,
    progress: Progress | None = None,
    *,
    on_snapshot: Progress | None = None,
    on_person: Callable[[Planned], None] | None = None,
) -> Plan:
    """The plan of *campaign* by *engine*; *on_snapshot* is told how its file of people grows.

    *on_person* sees everyone, and needs the engine that does: raises `InputError` with another.
    """
    if engine is Engine.PYTHON:
        return make_plan(journal, campaign, at=at, progress=progress, on_person=on_person)
    if on_person is not None:
        raise InputError(f"engine {engine} looks at nobody alone: plan with engine python")
    return plan_population(
        journal, campaign, engine=engine, at=at, progress=progress, on_snapshot=on_snapshot
    )
