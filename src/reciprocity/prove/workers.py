"""Histories shared out among processes of this machine (`journal/processes.py`); they only read.

Each process opens the journal's files itself and replays one range of people after the other.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.journal.processes import serve, shared_out
from reciprocity.journal.read import Reader, reading
from reciprocity.prove.figures import Figures, added
from reciprocity.prove.replay import Replay
from reciprocity.prove.whole import Signed, check_whole, gaps

__all__ = ["EVERYONE", "Order", "Progress", "Slots", "judge", "processes_for", "share_out"]

Progress = Callable[[int, int], None]
Slots = range | Sequence[int]

_MODULE: Final = "reciprocity.prove.workers"
_FEW, _MOST = 20_000, 4
_TASKS_EACH: Final = 16
"""So many that no process is idle for long at the end, so few that handing out costs nothing."""
EVERYONE: Final = range(-(2**63), 2**63)
"""Every slot there could be: a row under one that was never given is a fault to be found."""


class Order(Struct, frozen=True, kw_only=True):
    """What to read, and how far; *erased* are the slots whose histories are nobody's any more."""

    folder: str
    master_key: str
    since: int
    under: Signed
    erased: tuple[int, ...]


class _Task(Struct, frozen=True, kw_only=True):
    """Replay the slots from *first* to *last*, or *slots*, or check the journal as a *whole*."""

    first: int = 0
    last: int = 0
    slots: tuple[int, ...] = ()
    whole: bool = False
    people: int = 0


_order: Final = msgspec.json.Decoder(Order)
_task: Final = msgspec.json.Decoder(_Task)


def _tasks(slots: Slots, parts: int) -> list[_Task]:
    """The histories of *slots* in about *parts* tasks, in order."""
    step = max(1, -(-len(slots) // parts))
    cut = [slots[start : start + step] for start in range(0, len(slots), step)]
    if not isinstance(slots, range):
        return [_Task(slots=tuple(part), people=len(part)) for part in cut]
    edges = [EVERYONE.start, *(part[0] for part in cut[1:]), EVERYONE.stop]
    sizes = [len(part) for part in cut] or [0]
    return [
        _Task(first=first, last=stop - 1, people=people)
        for (first, stop), people in zip(pairwise(edges), sizes, strict=True)
    ]


def judge(reader: Reader, replay: Replay, order: Order, slots: Slots) -> Iterator[int]:
    """Replay the histories of *slots*, and yield the slot of each when it is done."""
    for slot, history in reader.histories(order.under.size, slots, without=frozenset(order.erased)):
        replay.person(history, slot)
        yield slot


def processes_for(events: int) -> int:
    """How many processes fit so many *events*: starting them costs what 20,000 take.

    >>> processes_for(19_999)
    1
    """
    return min(_MOST, os.cpu_count() or 1) if events >= _FEW else 1


# --- who hands out ------------------------------------------------------------------------------


def share_out(order: Order, slots: Slots, processes: int, progress: Progress) -> Figures:
    """The figures of *slots*, and the check of the whole, done by *processes* processes.

    *progress* is told (people done, people). Raises what a process raised, and `Unavailable` when
    one ended before its work was done. None is left when this returns or raises.
    """
    tasks = [_Task(whole=True), *_tasks(slots, processes * _TASKS_EACH)]
    found, done = {}, 0
    for task, figures in shared_out(_MODULE, order, tasks, processes, Figures):
        found[id(task)] = figures
        done += task.people
        progress(done, len(slots))
    return added(found[id(task)] for task in tasks)


# --- the process --------------------------------------------------------------------------------


@contextmanager
def _opened(line: bytes) -> Iterator[Callable[[bytes], Figures]]:
    order = _order.decode(line)
    with reading(Path(order.folder), Path(order.master_key)) as reader:
        replay = Replay(reader, gaps(reader, order.under.size), order.since)
        yield lambda task: _done(reader, replay, order, _task.decode(task))


def _done(reader: Reader, replay: Replay, order: Order, task: _Task) -> Figures:
    if task.whole:
        check_whole(reader, order.under)
        return Figures()
    for _ in judge(reader, replay, order, task.slots or range(task.first, task.last + 1)):
        pass
    return replay.take()


if __name__ == "__main__":
    serve(_opened)
