"""What an analyst asks of one purpose's view: put on record, then answered."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from reciprocity.decide.many.named_views import drop_views
from reciprocity.decide.statements import statements_in_force
from reciprocity.deliver.campaign import instant_of
from reciprocity.deliver.population import needing
from reciprocity.errors import Conflict
from reciprocity.events import OperatorActed, canonical
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import Id

if TYPE_CHECKING:
    from reciprocity.decide.many.standing_views import StandingView
    from reciprocity.decide.many.views import Answer

__all__ = ["LEAST", "ask", "publish_views", "view_now"]

LEAST = 10
"""The least size of a group in an answer, where no other is asked for."""
Progress = Callable[[int, int], None]


def ask(
    journal: Journal,
    purpose: Id,
    sql: str,
    *,
    actor: str,
    least: int = LEAST,
    on_snapshot: Progress | None = None,
    progress: Progress | None = None,
) -> "Answer":
    """What the SELECT *sql* comes to over what people share for *purpose* now.

    That *actor* asked it stands in the log before anything is answered. No group of fewer than
    *least* people is in the answer. Raises `InputError` for anything but a counting SELECT over
    that view, which has the purpose's own name.
    """
    with needing("duckdb", "sql"):
        from reciprocity.decide.many.snapshot import snapshot_at  # noqa: PLC0415
        from reciprocity.decide.many.views import answer, loaded, question_for  # noqa: PLC0415
    stated = statements_in_force(journal)
    question = question_for(stated.brand, purpose, sql, least)
    detail = canonical({"least": least, "purpose": purpose, "sql": sql})
    asked = OperatorActed(actor=actor, act="sql", detail=msgspec.Raw(detail))
    journal.append([Entry(kind="operator.acted", body=asked)])
    with ExitStack() as open_:
        with snapshot_at(journal, stated, instant_of(journal, None), on_snapshot) as snapshot:
            made = loaded(snapshot, stated, purpose, question, progress)
            db = open_.enter_context(made)
        return answer(db, question, least)  # others may have the snapshot meanwhile


def view_now(journal: Journal, purpose: Id, on_snapshot: Progress | None = None) -> str:
    """A CREATE VIEW of *purpose* over the snapshot as it stands now; see `view_of`."""
    with needing("duckdb", "sql"):
        from reciprocity.decide.many.snapshot import snapshot_at  # noqa: PLC0415
        from reciprocity.decide.many.views import view_of  # noqa: PLC0415
    stated = statements_in_force(journal)
    with snapshot_at(journal, stated, instant_of(journal, None), on_snapshot) as snapshot:
        return view_of(snapshot, stated, purpose)


def publish_views(
    journal: Journal,
    purposes: Sequence[Id],
    *,
    actor: str,
    on_snapshot: Progress | None = None,
    progress: Progress | None = None,
) -> "list[StandingView]":
    """Make a view of each of *purposes* in the brand's own database, from what stands now.

    That *actor* did so stands in the log first. Views of other purposes stay as they are. Raises
    `InputError` for a purpose that is not declared, `Conflict` where another brand file was put in
    force meanwhile: then there is no view any more.
    """
    with needing("duckdb", "views"):
        from reciprocity.decide.many.snapshot import snapshot_at  # noqa: PLC0415
        from reciprocity.decide.many.standing_views import publish_view  # noqa: PLC0415
        from reciprocity.decide.many.views import visible  # noqa: PLC0415
    stated = statements_in_force(journal)
    for purpose in purposes:
        visible(stated.brand, purpose)  # all of them are declared, or none is published
    detail = canonical({"purposes": sorted(purposes)})
    asked = OperatorActed(actor=actor, act="views", detail=msgspec.Raw(detail))
    journal.append([Entry(kind="operator.acted", body=asked)])
    with snapshot_at(journal, stated, instant_of(journal, None), on_snapshot) as snapshot:
        made = [
            publish_view(journal.folder, snapshot, stated, purpose, progress)
            for purpose in purposes
        ]
    now = statements_in_force(journal)
    if (now.brand_at, now.laws_at) != (stated.brand_at, stated.laws_at):
        drop_views(journal.folder)
        raise Conflict("another brand file was put in force meanwhile: publish the views anew")
    return made
