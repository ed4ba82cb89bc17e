"""The safekeeping mark against the journal: no log is extended that a receipt contradicts."""

from reciprocity.errors import Damaged, Unavailable
from reciprocity.events import LogRestored
from reciprocity.journal.log_reader import State
from reciprocity.journal.read import Reader
from reciprocity.journal.safekeeping import Mark, Safekeeping
from reciprocity.tlog.merkle import root_at

__all__ = ["catch_up_mark", "check_mark"]


def catch_up_mark(safekeeping: Safekeeping, reader: Reader, state: State, root: bytes) -> None:
    """Bring the mark to *state*, whose *root* is given.

    No receipt leaves, by a retried act either, before its checkpoint is in safekeeping. Raises
    `Unavailable` when safekeeping knows a log that this one did not come from.
    """
    mark = safekeeping.mark
    if mark.size and mark.origin != state.origin:
        told = reader.brand_events("log.restored")
        last = told[-1].body if told else None
        if not isinstance(last, LogRestored) or (
            (last.old_origin, last.old_size, last.old_root)
            != (mark.origin, mark.size, mark.root.hex())
        ):
            raise Unavailable(
                f"safekeeping knows the log {mark.origin}, the journal here is of "
                f"{state.origin}: name the journal's own place, or restore the newest backup"
            )
    safekeeping.keep(
        Mark(
            origin=state.origin,
            size=state.size,
            root=root,
            checkpoint=state.checkpoint,
            next_slot=state.next_slot,
        )
    )


def check_mark(mark: Mark, reader: Reader, state: State) -> None:
    """Hold that the log contains the one a receipt left with; a forked one is never extended."""
    if mark.origin != state.origin or not 0 < mark.size <= state.size:
        return
    if root_at(mark.size, reader.tile_reader(state.size)) != mark.root:
        raise Damaged(
            f"journal differs from the safekeeping mark at size {mark.size}: events a receipt "
            "was given for are not in it; restore the right backup"
        )
