"""Short work: done at once where nothing has to be waited for, else together in one thread.

A thread for each request spends more time on handing the interpreter around than on a decision,
and one thread beside the loop still spends as much on it as on the decision. So whatever has all it
needs at hand is done on the loop itself; what would wait for a lock, for acts to be sealed or for a
database on another machine goes beside it, with all else that comes meanwhile.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Final, NamedTuple, TypeVar, cast

from reciprocity.http.frame import threaded

__all__ = ["Lane"]

_MOST_TOGETHER: Final = 64
_Result = TypeVar("_Result")
AtHand = Callable[[], AbstractContextManager[bool]]


class _Waiting(NamedTuple):
    work: Callable[[], object]
    done: "asyncio.Future[object]"


class Lane:
    """One thread's worth of work; all that is asked of it happens on the server's loop."""

    def __init__(self, at_hand: AtHand) -> None:
        """*at_hand* says, around the work, whether it may be done without waiting for anybody."""
        self._at_hand = at_hand
        self._waiting: list[_Waiting] = []
        self._serving: asyncio.Task[None] | None = None

    async def do(self, work: Callable[[], _Result]) -> _Result:
        """What *work* gives, or raises; it must be short, for others wait behind it."""
        if self._serving is None:
            with self._at_hand() as free:
                if free:
                    return work()
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(work, done))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        return cast("_Result", await done)

    async def _serve(self) -> None:
        """Do all that waits, and what comes meanwhile, until nothing does."""
        try:
            while self._waiting:
                together = self._waiting[:_MOST_TOGETHER]
                del self._waiting[:_MOST_TOGETHER]
                found = await threaded(partial(_all_tried, together))
                for one, (result, error) in zip(together, found, strict=True):
                    if one.done.done():  # whoever asked is gone
                        continue
                    if error is None:
                        one.done.set_result(result)
                    else:
                        one.done.set_exception(error)
        finally:
            self._serving = None


def _all_tried(together: list[_Waiting]) -> list[tuple[object, Exception | None]]:
    return [_tried(one.work) for one in together]


def _tried(work: Callable[[], object]) -> tuple[object, Exception | None]:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 - it is told to whoever asked, and to nobody else
        return None, error
