"""Software that writes attempts no appender would take: what a replay must find all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reciprocity.events import Outcome
from reciprocity.journal.entry import Entry
from reciprocity.journal.turn import Turn

if TYPE_CHECKING:
    from reciprocity.events import Attempt
    from reciprocity.journal.entry import Appended
    from reciprocity.platform import Reciprocity


class LaxTurn(Turn):
    """A turn that takes every attempt as it is."""

    def _check_attempt(self, entry: Entry, attempt: Attempt) -> None:
        pass


def append_laxly(shop: Reciprocity, entry: Entry) -> Appended:
    """Append *entry* with everything an event needs, and none of the checks of an attempt."""
    appender = shop.journal.appender
    with appender.alone():
        state = appender._look()
        turn = LaxTurn(appender._before(state, [entry]))
        (appended,) = turn.admit([entry])
        edge = appender._edge.copy()
        _, tiles = edge.extend(turn.written.leaf_hashes)
        appender._write(turn, edge, tiles)
    return appended


def plant_laxly(shop: Reciprocity, slot: int, attempt: Attempt) -> None:
    """An attempt on record, and delivered, whatever it says."""
    entry = Entry(kind="delivery.attempted", body=attempt, slot=slot)
    outcome = Outcome(attempt=append_laxly(shop, entry).version)
    shop.journal.append([Entry(kind="delivery.delivered", body=outcome, slot=slot)])
