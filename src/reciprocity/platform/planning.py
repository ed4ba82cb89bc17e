"""A campaign planned by the engine that suits how many people there are; every one plans alike."""

from collections.abc import Callable

from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.deliver.campaign import Plan, Planned, instant_of, make_plan
from reciprocity.deliver.population import needing, plan_population
from reciprocity.errors import InputError
from reciprocity.journal.journal import Journal
from reciprocity.model import Decision, Engine, Id, Instant

__all__ = ["plan_by", "why_by_query"]

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


def why_by_query(
    journal: Journal,
    slot: int,
    campaign: Id,
    message: Id,
    on_snapshot: Progress | None = None,
) -> Decision | None:
    """What the query of `plan --engine duckdb` decides of *message* for one row, now.

    None for somebody who is not in the snapshot: unknown, or erased. Raises `InputError` for a
    message that is not in force.
    """
    with needing("duckdb", "an explanation by its query"):
        from reciprocity.decide.many.count import explain  # noqa: PLC0415
        from reciprocity.decide.many.snapshot import snapshot_at  # noqa: PLC0415
    stated = statements_in_force(journal)
    prepared = prepare_all(stated, campaign_in_force(journal, campaign))
    if message not in prepared:
        raise InputError(f"campaign {campaign} has no message {message[:64]!r}")
    at = instant_of(journal, None)
    with snapshot_at(journal, stated, at, on_snapshot) as snapshot:
        told = explain(snapshot, list(prepared.values()), at, slot)
    return dict(zip(prepared, told, strict=True))[message] if told else None
