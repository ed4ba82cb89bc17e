"""Work shared out among processes of this machine, which only read the journal.

Each process is handed an order and then one task after the other, as JSON lines on its standard
input, and answers each on its standard output. It ends when that input does: no process outlives
the one that began it by more than one task. A process that fails, or dies, ends the whole work with
an error, never with what the others found.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from queue import SimpleQueue
from typing import IO, Final, TypeVar, cast

import msgspec
from msgspec import Struct

from reciprocity import errors
from reciprocity.errors import ReciprocityError, Unavailable

__all__ = ["serve", "shared_out"]

_Task = TypeVar("_Task", bound=Struct)
_Answer = TypeVar("_Answer", bound=Struct)


class _Line(Struct, frozen=True, kw_only=True):
    """The answer to a task, or the name and message of the *error* that it ended with."""

    answer: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    message: str = ""


_line: Final = msgspec.json.Decoder(_Line)


def shared_out(
    module: str,
    order: Struct,
    tasks: Sequence[_Task],
    processes: int,
    answer: type[_Answer],
) -> Iterator[tuple[_Task, _Answer]]:
    """Each of *tasks* with its answer, as soon as one of *processes* has it; none is left then.

    *module* is run as a program and calls `serve`. Raises what a process raised, and `Unavailable`
    when one ended before its work was done.
    """
    idle: SimpleQueue[_Worker] = SimpleQueue()

    def ask(task: _Task) -> bytes:
        worker = idle.get()
        try:
            return worker.ask(task)
        finally:
            idle.put(worker)

    with ExitStack() as ending:
        pool = ThreadPoolExecutor(processes)
        ending.callback(pool.shutdown, cancel_futures=True)  # once the processes are gone
        for _ in range(processes):
            idle.put(ending.enter_context(closing(_Worker(module, order))))
        futures = {pool.submit(ask, task): task for task in tasks}
        for future in as_completed(futures):
            yield futures[future], msgspec.json.decode(future.result(), type=answer)


class _Worker:
    """One process, and the two pipes to it."""

    def __init__(self, module: str, order: Struct) -> None:
        """Begin it, out of reach of the terminal's Ctrl-C: whoever began it ends it."""
        paths = os.pathsep.join(path for path in sys.path if path)
        self._module = module
        self._process = subprocess.Popen(  # noqa: S603  (our own module, by our own interpreter)
            [sys.executable, "-P", "-m", module],
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

    def ask(self, task: Struct) -> bytes:
        """What *task* comes to; raises what was raised there."""
        self._write(task)
        line = self._from.readline()
        if not line.endswith(b"\n"):
            raise Unavailable(
                f"process of {self._module} ended with code {self._process.wait()} before its work "
                "was done: there is no result of a part; run it again"
            )
        told = _line.decode(line)
        if told.error:
            raised: type[ReciprocityError] = getattr(errors, told.error)
            raise raised(told.message)
        return bytes(told.answer)

    def close(self) -> None:
        """Kill it, if it is still there."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._to, self._from):
            with suppress(BrokenPipeError):
                pipe.close()


def serve(
    opened: Callable[[bytes], AbstractContextManager[Callable[[bytes], Struct]]],
) -> None:
    """Answer the tasks of standard input until it ends.

    *opened* makes of the order, for as long as there are tasks, what answers one.
    """
    lines, out = sys.stdin.buffer, sys.stdout.buffer
    with suppress(BrokenPipeError), opened(lines.readline()) as done:
        for line in lines:
            try:
                told = _Line(answer=msgspec.Raw(msgspec.json.encode(done(line))))
            except ReciprocityError as error:
                told = _Line(error=type(error).__name__, message=str(error))
            out.write(msgspec.json.encode(told) + b"\n")
            out.flush()
