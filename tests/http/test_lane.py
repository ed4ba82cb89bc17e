"""Work that comes meanwhile is done together, each for itself."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from reciprocity.http.api.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

Result = TypeVar("Result")


def running(work: Coroutine[Any, Any, Result]) -> Result:
    """What *work* gives on a loop of its own, in a thread of its own: a browser's may run here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@contextmanager
def never() -> Iterator[bool]:
    """Nothing is ever at hand."""
    yield False


def test_what_is_at_hand_is_done_at_once_unless_others_wait():
    @contextmanager
    def always() -> Iterator[bool]:
        yield True

    async def asked() -> tuple[bool, bool]:
        lane, here = Lane(always), threading.get_ident()
        at_once = await lane.do(threading.get_ident) == here
        waiting = Lane(never)
        first = asyncio.create_task(waiting.do(threading.get_ident))
        return at_once, await first != here

    assert running(asked()) == (True, True)


def test_each_gets_its_own_result_or_error_and_one_thread_does_them():
    threads: set[int] = set()

    def work(number: int) -> int:
        threads.add(threading.get_ident())
        if number % 7 == 3:
            raise KeyError(number)
        return number * 2

    async def all_of_them() -> list[object]:
        lane = Lane(never)
        asked = [lane.do(lambda n=number: work(n)) for number in range(300)]
        return await asyncio.gather(*asked, return_exceptions=True)

    found = running(all_of_them())
    assert len(threads) < 20  # and not three hundred
    for number, result in enumerate(found):
        if number % 7 == 3:
            assert isinstance(result, KeyError)
            assert result.args == (number,)
        else:
            assert result == number * 2


def test_who_no_longer_waits_holds_nobody_up():
    begun, go = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go.wait(20)
        return "slow"

    async def given_up() -> str:
        lane = Lane(never)
        first = asyncio.create_task(lane.do(slow))
        await asyncio.to_thread(begun.wait, 20)
        second = asyncio.create_task(lane.do(lambda: "second"))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go.set()
        return await asyncio.wait_for(second, 20)

    assert running(given_up()) == "second"
