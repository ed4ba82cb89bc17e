"""An audit: the journal as a whole, then every history replayed, on one core or on several.

A run over all judges everything below its checkpoint. A run *since* a position judges what was
recorded from there on: it folds the whole history of everyone who has a new event, and opens
nobody else's. What is new is what all figures come to now, less what they came to at *since*:

    deliveries   attempts recorded since; less those counted then, without news, that turned out
                 since to have failed or been cancelled
    breaches     of attempts recorded since; and what news recorded since shows of earlier ones
                 (late hand-over, arrival after a stop)
    near misses  found since; overtaken attempts without news were counted as if they went at
                 their `handover_by`, and are counted anew once news of them comes
    delays       of withdrawals recorded since, and of earlier ones whose delay changed because
                 news came of an attempt that was open then
    erased       deliveries to people erased since: they leave `deliveries` and count here. What
                 their erasure states is taken less what it says was counted before

So the sum over any runs in a row is what one run over all of it finds. The journal is checked
whole in either case; but what lies inside the events of people whom a run does not open (their
text, and whether the columns agree with it) only a run over all can find changed. Nobody is erased
while an audit runs, and no history is judged of who is erased.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reciprocity.errors import Unavailable
from reciprocity.events import ErasureDone
from reciprocity.journal.journal import Journal
from reciprocity.journal.lease import AUDITS, WAIT_MS, lease
from reciprocity.journal.read import Reader
from reciprocity.prove.figures import Audit, Figures, added, buried, result
from reciprocity.prove.replay import Replay
from reciprocity.prove.whole import Signed, check_whole, gaps, signed
from reciprocity.prove.workers import EVERYONE, Order, Progress, Slots, judge, share_out

__all__ = ["audit", "audit_person", "nobody_is_erased", "replayed"]

_MOVE: Final = 512


@contextmanager
def nobody_is_erased(journal: Journal) -> Iterator[None]:
    """Hold erasures off; raises `Unavailable` while one is going on for longer than it should."""
    with lease(journal.folder / AUDITS, shared=True, wait_ms=WAIT_MS) as held:
        if not held:
            raise Unavailable("somebody is being erased just now: audit again in a moment")
        yield


def audit(
    journal: Journal,
    progress: Progress | None = None,
    *,
    processes: int = 1,
    since: int = 0,
) -> Audit:
    """Replay what was recorded from position *since* on, in *processes*; changes nothing.

    *progress* is told (people done, people). The result is the same whatever *processes* is.
    Raises `Damaged` when the journal contradicts itself, `Unavailable` when a process ends before
    its work does: there is no result of a part.
    """
    figures, under = replayed(journal, progress, processes=processes, since=since)
    return result(figures, under, since)


def replayed(
    journal: Journal,
    progress: Progress | None = None,
    *,
    processes: int = 1,
    since: int = 0,
) -> tuple[Figures, Signed]:
    """As `audit`: the figures, and the checkpoint under which they were found."""
    with nobody_is_erased(journal), journal.reading() as reader:
        state = journal.state()
        under = signed(state, journal.verifier())
        erasures = [
            (told, told.body)
            for told in reader.brand_events("person.erased")
            if isinstance(told.body, ErasureDone) and told.position < under.size
        ]
        order = Order(
            folder=str(journal.folder),
            master_key=str(journal.master_key),
            since=since,
            under=under,
            erased=tuple(body.slot for _, body in erasures),
        )
        slots: Slots = reader.touched(since, under.size) if since else range(state.next_slot)
        move = progress or (lambda _done, _all: None)
        if processes > 1:
            figures = share_out(order, slots, processes, move)
        else:
            figures = _alone(reader, order, slots, move)
        graves = [buried(told, body, since) for told, body in erasures if told.position >= since]
        return added([figures, *graves]), under


def _alone(reader: Reader, order: Order, slots: Slots, progress: Progress) -> Figures:
    """All of it in this process."""
    check_whole(reader, order.under)
    replay = Replay(reader, gaps(reader, order.under.size), order.since)
    wanted = EVERYONE if isinstance(slots, range) else slots
    for done, slot in enumerate(judge(reader, replay, order, wanted), start=1):
        if done % _MOVE == 0:
            progress(slot + 1 if isinstance(slots, range) else done, len(slots))
    progress(len(slots), len(slots))
    return replay.take()


def audit_person(journal: Journal, slot: int) -> Audit:
    """Replay the deliveries to one person (before they are erased)."""
    replay = Replay(journal)
    replay.person(journal.history(slot), slot)
    return result(replay.take(), signed(journal.state(), journal.verifier()))
