"""From a withdrawal to the last possible send: the figure that is published.

For each withdrawal W: the largest, over the attempts it covers that stand below it and had no
outcome yet, of (outcome's `recorded_at`, else `handover_by`) - W's `recorded_at`; else 0. An
attempt that was stopped at the door did not go, and counts as 0.
"""

from typing import NamedTuple

from reciprocity.events import Act, Attempt
from reciprocity.journal.leaf import Told
from reciprocity.model import ANYWHERE, EVERYTHING, ConsentState

__all__ = ["Open", "Withdrawals"]

_TAKEN_BACK = (ConsentState.WITHDRAWN, ConsentState.REFUSED)


class Open(NamedTuple):
    """An attempt without an outcome so far."""

    told: Told
    attempt: Attempt
    purpose: str


class Withdrawals:
    """All withdrawals of a replay, each with its largest delay so far."""

    def __init__(self) -> None:
        """None seen yet."""
        self._delays: list[int] = []
        self._waiting: dict[int, list[tuple[int, int]]] = {}

    def see(self, told: Told, act: Act, opened: dict[int, Open]) -> None:
        """An act of a person; if it takes something away, it waits for the attempts it covers."""
        if not takes_back(act):
            return
        number = len(self._delays)
        self._delays.append(0)
        for one in opened.values():
            if one.attempt.basis == "consent" and _covers(act, one):
                self._waiting.setdefault(one.told.position, []).append((number, told.at))

    def close(self, opened: Open, outcome: str, at: int) -> int:
        """An attempt had its *outcome* at *at*; how many withdrawals had come in before it."""
        waiting = self._waiting.pop(opened.told.position, [])
        if outcome in ("failed", "cancelled"):
            return 0
        for number, since in waiting:
            self._delays[number] = max(self._delays[number], at - since)
        return len(waiting)

    def quantiles(self) -> tuple[int, int, int]:
        """The 50th and 99th percentile (nearest rank) and the largest delay, in ms."""
        delays = sorted(self._delays)
        if not delays:
            return 0, 0, 0
        last = len(delays) - 1
        return delays[last // 2], delays[-(-99 * len(delays) // 100) - 1], delays[last]


def takes_back(act: Act) -> bool:
    """Does *act* take a yes back, object, or ask to be erased?"""
    return (
        act.erase_at > 0
        or any(not objection.lifted for objection in act.objections)
        or any(row.state in _TAKEN_BACK for row in act.consent)
    )


def _covers(act: Act, opened: Open) -> bool:
    """Is the open attempt one that *act* would have stopped?"""
    if act.erase_at:
        return True
    channel = opened.attempt.channel
    if any(
        not objection.lifted
        and objection.purpose in (opened.purpose, EVERYTHING)
        and objection.channel in (channel, ANYWHERE)
        for objection in act.objections
    ):
        return True
    return any(
        row.state in _TAKEN_BACK and row.purpose == opened.purpose and row.channel == channel
        for row in act.consent
    )
