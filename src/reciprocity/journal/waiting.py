"""Group commit without a timer: whoever comes while a turn is written goes into the next one.

The thread that finds nobody serving serves: it takes all that waits, writes one turn, and hands
the serving on to the first of those who came meanwhile. Nobody waits for a clock.
"""

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from reciprocity.errors import ReciprocityError
from reciprocity.journal.entry import Appended, Entry

__all__ = ["Answer", "Request", "Ticket", "Waiting", "uncollected"]

MOST_IN_A_TURN: Final = 4_096

Request = Sequence[Entry]
Answer = list[Appended] | ReciprocityError


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the cycle collector for a turn, which makes no cycles: it took a third of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Ticket:
    """Requests on their way: their answers, or the error that stopped the whole transaction.

    The *gate* is shut until the ticket is done, or its thread is to serve the next turn.
    """

    __slots__ = ("answers", "done", "error", "gate", "prove", "requests")

    def __init__(self, requests: Sequence[Request], *, prove: bool) -> None:
        self.requests, self.prove = requests, prove
        self.answers: list[Answer] = []
        self.error: BaseException | None = None
        self.done = False
        self.gate = threading.Lock()
        self.gate.acquire()


class Waiting:
    """The tickets that wait for the next turn."""

    def __init__(self, turn: Callable[[Sequence[Ticket]], None]) -> None:
        """Let *turn* write what waits; it is called by one thread at a time."""
        self._turn = turn
        self._lock = threading.Lock()
        self._queue: list[Ticket] = []
        self._serving = False

    def go(self, ticket: Ticket) -> None:
        """Return when *ticket* is done; raises what stopped its turn."""
        with self._lock:
            self._queue.append(ticket)
            serving, self._serving = self._serving, True
        if serving:
            try:
                ticket.gate.acquire()
            except BaseException:  # interrupted: nobody may be left waiting for this thread
                self._step_back(ticket)
                raise
        if not ticket.done:
            self._serve()
        if ticket.error is not None:
            raise ticket.error

    def _serve(self) -> None:
        with self._lock:
            tickets = self._queue[:MOST_IN_A_TURN]
            del self._queue[:MOST_IN_A_TURN]
        try:
            self._turn(tickets)
        except BaseException as error:  # noqa: BLE001 - each waiter raises it, whatever it is
            for ticket in tickets:
                ticket.error = error
        for ticket in tickets:
            ticket.done = True
        with self._lock:
            self._hand_on()
        for ticket in tickets:
            ticket.gate.release()

    def _hand_on(self) -> None:
        self._serving = bool(self._queue)
        if self._serving:
            self._queue[0].gate.release()

    def _step_back(self, ticket: Ticket) -> None:
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)
                if ticket.gate.acquire(blocking=False):  # it was to serve next
                    self._hand_on()
