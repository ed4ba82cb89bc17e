"""Histories shared out among processes of this machine; they only read.

Each process opens the journal's files itself and is handed one range of people after the other,
as JSON lines on its standard input, and answers each with figures on its standard output. It ends
when that input does: no process outlives the one that began it by more than one task. A process
that fails, or dies, ends the whole run with an error, never with what the others found.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing, suppress
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Final, cast

import msgspec
from msgspec import Struct

from reciprocity import errors
from reciprocity.errors import ReciprocityError, Unavailable
from reciprocity.journal.read import Reader, reading
from reciprocity.prove.figures import Figures, added
from reciprocity.prove.replay import Replay
from reciprocity.prove.whole import Signed, check_whole, gaps

__all__ = ["EVERYONE", "Order", "Progress", "Slots", "judge", "processes_for", "share_out"]

Progress = Callable[[int, int], None]
Slots = range | Sequence[int]

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


class _Answer(Struct, frozen=True, kw_only=True):
    """The *figures* of a task, or the name and message of the *error* that it ended with."""

    figures: Figures = Figures()
    error: str = ""
    message: str = ""


_order: Final = msgspec.json.Decoder(Order)
_task: Final = msgspec.json.Decoder(_Task)
_answer: Final = msgspec.json.Decoder(_Answer)


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
    idle: SimpleQueue[_Worker] = SimpleQueue()

    def ask(task: _Task) -> Figures:
        worker = idle.get()
        try:
            return worker.ask(task)
        finally:
            idle.put(worker)

    with ExitStack() as ending:
        pool = ThreadPoolExecutor(processes)
        ending.callback(pool.shutdown, cancel_futures=True)  # once the processes are gone
        for _ in range(processes):
            idle.put(ending.enter_context(closing(_Worker(order))))
        futures = {pool.submit(ask, task): task.people for task in tasks}
        done = 0
        for future in as_completed(futures):
            future.result()
            done += futures[future]
            progress(done, len(slots))
        return added(future.result() for future in futures)


class _Worker:
    """One process, and the two pipes to it."""

    def __init__(self, order: Order) -> None:
        """Begin it, out of reach of the terminal's Ctrl-C: whoever began it ends it."""
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "reciprocity.prove.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,
        )
        self._to = cast("IO[bytes]", self._process.stdin)
        self._from = cast("IO[bytes]", self._process.stdout)
        self._write(order)

    def _write(self, said: Struct) -> None:
        with suppress(BrokenPipeError):  # who died is found when no answer comes
            self._to.write(msgspec.json.encode(said) + b"\n")
            self._to.flush()

    def ask(self, task: _Task) -> Figures:
        """What *task* comes to; raises what was raised there."""
        self._write(task)
        line = self._from.readline()
        if not line.endswith(b"\n"):
            raise Unavailable(
                f"process of the audit ended with code {self._process.wait()} before its work was "
                "done: there is no result of a part; audit again"
            )
        answer = _answer.decode(line)
        if answer.error:
            raised: type[ReciprocityError] = getattr(errors, answer.error)
            raise raised(answer.message)
        return answer.figures

    def close(self) -> None:
        """Kill it, if it is still there: it only reads."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._to, self._from):
            with suppress(BrokenPipeError):
                pipe.close()


# --- the process --------------------------------------------------------------------------------


def _serve() -> None:
    """Answer the tasks of standard input until it ends."""
    lines, out = sys.stdin.buffer, sys.stdout.buffer
    order = _order.decode(lines.readline())
    with reading(Path(order.folder), Path(order.master_key)) as reader:
        replay = Replay(reader, gaps(reader, order.under.size), order.since)
        for line in lines:
            try:
                answer = _Answer(figures=_done(reader, replay, order, _task.decode(line)))
            except ReciprocityError as error:
                answer = _Answer(error=type(error).__name__, message=str(error))
            out.write(msgspec.json.encode(answer) + b"\n")
            out.flush()


def _done(reader: Reader, replay: Replay, order: Order, task: _Task) -> Figures:
    if task.whole:
        check_whole(reader, order.under)
        return Figures()
    for _ in judge(reader, replay, order, task.slots or range(task.first, task.last + 1)):
        pass
    return replay.take()


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        _serve()
