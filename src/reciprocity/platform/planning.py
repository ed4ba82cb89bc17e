"""A campaign planned by the engine that suits how many people there are; every one plans alike."""

from collections.abc import Callable

from reciprocity.deliver.campaign import Plan, make_plan
from reciprocity.deliver.population import plan_population
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
    on_snapshot: Progress | None = None,
) -> Plan:
    """The plan of *campaign* by *engine*; *on_snapshot* is told how its file of people grows."""
    if engine is Engine.DUCKDB:
        return plan_population(journal, campaign, at=at, progress=progress, on_snapshot=on_snapshot)
    return make_plan(journal, campaign, at=at, progress=progress)
