"""Short work that comes meanwhile is done together, in one thread beside the server's loop.

A thread for each request spends more time on handing the interpreter around than on a decision.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, TypeVar, cast

from reciprocity.http.frame import threaded

__all__ = ["Lane"]

_MOST_TOGETHER: Final = 64
_Result = TypeVar("_Result")


class _Waiting(NamedTuple):
    work: Callable[[], object]
    done: "asyncio.Future[object]"


class Lane:
    """One thread's worth of work; all that is asked of it happens on the server's loop."""

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self._waiting: list[_Waiting] = []
        self._serving: asyncio.Task[None] | None = None

    async def do(self, work: Callable[[], _Result]) -> _Result:
        """What *work* gives, or raises; it must be short, for others wait behind it."""
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
