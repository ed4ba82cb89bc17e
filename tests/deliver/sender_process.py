"""A sender in a process of its own, which dies where it is told to; started by the kill tests.

It reads one order a line (JSON) and answers each with one line. For every order it forks, so that
nothing is imported twice: the child opens the brand, does what is ordered, and is a real process
that dies a real death (SIGKILL), either by its own hand at the n-th passing of a named step or by
its parent's after some milliseconds.

    {"folder": ..., "at": ms, "do": "send" | "tick", "step": name, "number": n}
    {"folder": ..., "at": ms, "do": "send", "after_ms": 12.5}

The answer is {"killed": true} or {"killed": false, "said": the report}. Nothing in the product
knows of this: the steps are the product's own functions, wrapped here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reciprocity.deliver import campaign, run, send
from reciprocity.deliver.email.maildir import Maildir
from reciprocity.deliver.outbox import Outbox
from reciprocity.deliver.send import Sender
from reciprocity.journal.appender import Appender
from reciprocity.journal.safekeeping import Safekeeping
from reciprocity.platform import Reciprocity

if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE, AFTER = "before", "after"
ROWS = "among the rows"
BATCH = 8  # smaller than the product's, so that few people make many batches

STEPS: dict[str, tuple[object, str, str]] = {
    "before settling what is open": (run, "settle", BEFORE),
    "after settling what is open": (run, "settle", AFTER),
    "while planning": (campaign, "decide_one", BEFORE),
    "before the plan is stated": (run, "state_plan", BEFORE),
    "after the plan is stated": (run, "state_plan", AFTER),
    "while queueing": (Outbox, "put", ROWS),
    "after queueing": (Outbox, "put", AFTER),
    "before deciding a batch": (Sender, "_decide", BEFORE),
    "before a turn is written": (Appender, "_write", BEFORE),
    "before a turn is committed": (Appender, "_lock_cache", BEFORE),
    "after a turn is committed": (Appender, "_update_cache", BEFORE),
    "after the cache is written": (Safekeeping, "keep", BEFORE),
    "after the mark is written": (Safekeeping, "keep", AFTER),
    "after the attempts are on record": (Sender, "_record", AFTER),
    "after the letters are written": (Sender, "_write", AFTER),
    "before a letter is handed over": (Maildir, "_named", BEFORE),
    "after a letter is handed over": (Maildir, "_named", AFTER),
    "after the hand-over": (Maildir, "hand_over", AFTER),
    "after the outcomes are on record": (Sender, "_hand_over", AFTER),
    "before the outbox is settled": (Outbox, "settle", BEFORE),
    "after the outbox is settled": (Outbox, "settle", AFTER),
}


def kill_at(step: str, number: int) -> None:
    """Let this process die at the *number*-th passing of *step*."""
    owner, name, when = STEPS[step]
    original: Callable[..., object] = getattr(owner, name)
    passed = 0

    def pass_by() -> None:
        nonlocal passed
        passed += 1
        if passed == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def each(rows: list[object]):
        for row in rows:
            pass_by()
            yield row

    def wrapped(*given: object, **named: object) -> object:
        if when == BEFORE:
            pass_by()
        if when == ROWS:
            given = (given[0], each(given[1]))
        answer = original(*given, **named)
        if when == AFTER:
            pass_by()
        return answer

    setattr(owner, name, wrapped)


def work(order: dict[str, object]) -> object:
    """Do what is ordered; the report."""
    send.BATCH = BATCH
    if "step" in order:
        kill_at(order["step"], order["number"])
    with Reciprocity.open(Path(order["folder"]), lambda: order["at"]) as shop:
        if order["do"] == "tick":
            return shop.send_waiting()
        return shop.send("spring", "operator:tests")


def obey(order: dict[str, object]) -> dict[str, object]:
    """Fork a child for *order* and tell how it ended."""
    said, told = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(told, msgspec.json.encode(work(order)))
            status = 0
        finally:
            os._exit(status)
    os.close(told)
    if "after_ms" in order:
        time.sleep(order["after_ms"] / 1_000)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(said, "rb") as answer:
        report = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"killed": True}
    return {"killed": False, "said": json.loads(report) if report else None}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(obey(json.loads(line))) + "\n")
        sys.stdout.flush()
