"""A snapshot of people who are in no journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reciprocity.decide.many.layout import rows_of
from reciprocity.decide.many.parquet import PartFile, write_part
from reciprocity.decide.many.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reciprocity.decide.prepare import Statements
    from reciprocity.journal.cache import Kept


def snapshot_of(place: Path, stated: Statements, people: Sequence[Kept], at: int) -> Snapshot:
    rows, row_of = rows_of(stated)
    part = PartFile(place, 0)
    sent = [
        (kept.standing.slot, one.occasion, one.message)
        for kept in people for one in kept.standing.sent
    ]  # fmt: skip
    write_part(part, rows, None, [([row_of(kept, at) for kept in people], sent)])
    return Snapshot(place, rows, at, 7, len(people), (part,))
