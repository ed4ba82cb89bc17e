"""Planning for everybody at once: the same plan as `campaign.make_plan`, by DuckDB or Spark.

It reads a snapshot of standings, which is brought up to the plan's instant first.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reciprocity.decide.statements import campaign_in_force, prepare_all, statements_in_force
from reciprocity.deliver.campaign import Plan, counts_of, instant_of
from reciprocity.errors import InputError
from reciprocity.journal.journal import Journal
from reciprocity.model import Engine, Instant

__all__ = ["needing", "plan_population"]

Progress = Callable[[int, int], None]


@contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """Around imports that *extra* of this package brings; `InputError` says what *what* needs."""
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"{what} needs {error.name or extra}, which is not installed: "
            f"run pip install 'reciprocity[{extra}]' (in a checkout: pip install -e '.[{extra}]')"
        ) from error


def plan_population(
    journal: Journal,
    campaign_id: str,
    *,
    engine: Engine = Engine.DUCKDB,
    at: Instant | None = None,
    on_snapshot: Progress | None = None,
    progress: Progress | None = None,
) -> Plan:
    """The plan of *campaign_id* at *at* (now, by default), equal to `make_plan`'s.

    *on_snapshot* is told (people read, to read), then *progress* (people counted, people). Raises
    `InputError` where *engine* is not installed, `Unavailable` where the snapshot cannot be written
    or read.
    """
    with needing(engine, f"engine {engine}"):  # slow to import too: most commands need neither
        from reciprocity.decide.many.snapshot import snapshot_at  # noqa: PLC0415

        if engine is Engine.SPARK:
            from reciprocity.decide.many.spark import count  # noqa: PLC0415
        else:
            from reciprocity.decide.many.count import count  # noqa: PLC0415
    at = instant_of(journal, at)
    statements = statements_in_force(journal)
    prepared = prepare_all(statements, campaign_in_force(journal, campaign_id))
    with snapshot_at(journal, statements, at, on_snapshot) as snapshot:
        key = journal.keys.brand.draw
        counted = count(snapshot, list(prepared.values()), at, key, progress)
    counts = {}
    for name, met in zip(prepared, counted.met, strict=True):
        tally = Counter({(one.verdict, one.reason): times for one, times in met.items()})
        counts[name] = counts_of(tally)
    return Plan(
        campaign=campaign_id,
        at=at,
        position=snapshot.position,
        people=counted.people,
        messages=counts,
        chosen=dict(zip(prepared, counted.chosen, strict=True)),
        unchosen=sum(each.deliver for each in counts.values()) - sum(counted.chosen),
    )
