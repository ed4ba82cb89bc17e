"""From a withdrawal to the last possible send: the figure that is published.

For each withdrawal W: the largest, over the attempts it covers that stand below it and had no
outcome yet, of (outcome's `recorded_at`, else `handover_by`) - W's `recorded_at`; else 0. An
attempt that was stopped at the door did not go, and counts as 0; one that is called unknown, maybe
days later, could still go until its `handover_by`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from reciprocity.consent.state import Wishes
from reciprocity.decide.prepare import Ground
from reciprocity.events import Act, Attempt
from reciprocity.journal.leaf import Told
from reciprocity.model import Basis, ConsentState

__all__ = ["Open", "Withdrawals", "takes_back"]

_TAKEN_BACK = (ConsentState.WITHDRAWN, ConsentState.REFUSED)
_STOOD = (ConsentState.GIVEN, ConsentState.PENDING)
_ERASURE = "erasure.requested"


class Open(NamedTuple):
    """An attempt without an outcome so far; *ground* is None where its statements do not hold."""

    told: Told
    attempt: Attempt
    ground: Ground | None


class Withdrawals:
    """The withdrawals of one person, each with its largest delay so far."""

    def __init__(self) -> None:
        """None seen yet."""
        self._delays: list[int] = []
        self._waiting: dict[int, list[tuple[int, int]]] = {}

    def see(self, told: Told, act: Act, opened: dict[int, Open], before: Wishes) -> None:
        """An act of a person who wished *before*; what it takes back waits for open attempts."""
        covered = [one for one in opened.values() if _covers(told.kind, act, one)]
        if not covered and not takes_back(told.kind, act, before):
            return
        number = len(self._delays)
        self._delays.append(0)
        for one in covered:
            self._waiting.setdefault(one.told.position, []).append((number, told.at))

    def close(self, opened: Open, outcome: str, at: int) -> int:
        """An attempt had its *outcome* at *at*; how many withdrawals had come in before it."""
        waiting = self._waiting.pop(opened.told.position, ())
        if outcome in ("failed", "cancelled"):
            return 0
        if outcome == "unknown":
            at = min(at, opened.attempt.handover_by)
        for number, since in waiting:
            self._delays[number] = max(self._delays[number], at - since)
        return sum(since <= at for _, since in waiting)

    def so_far(self, still_open: Iterable[Open]) -> tuple[tuple[int, ...], int]:
        """The delay of each withdrawal if nothing more came, and how many overtook open attempts.

        An attempt *still_open* may go until its `handover_by`. Changes nothing: the news of it
        may yet come.
        """
        if not self._delays:
            return (), 0
        delays, overtaken = self._delays.copy(), 0
        for one in still_open:
            last_at = one.attempt.handover_by
            for number, since in self._waiting.get(one.told.position, ()):
                delays[number] = max(delays[number], last_at - since)
                overtaken += since <= last_at
        return tuple(delays), overtaken


def takes_back(kind: str, act: Act, before: Wishes) -> bool:
    """Does *act* take a yes back that stood *before*, or ask to be erased?

    A no from somebody who never said yes takes nothing back: counted, thousands of them in an
    import would press the published figure to 0.
    """
    if kind == _ERASURE:
        return True
    standing = {key for key, answer in before.answers.items() if answer.state in _STOOD}
    standing |= before.requests.keys()
    if any(not objection.lifted for objection in act.objections):
        return bool(standing)
    return any(
        row.state in _TAKEN_BACK and f"{row.purpose}/{row.channel}" in standing
        for row in act.consent
    )


def _covers(kind: str, act: Act, opened: Open) -> bool:
    """Is the open attempt one that *act* would have stopped?

    A no or an objection to a purpose above covers it too, as it does in every decision.
    """
    if kind == _ERASURE:
        return True
    if opened.ground is None or opened.attempt.basis != Basis.CONSENT:
        return False
    ground = opened.ground
    if any(
        not objection.lifted and f"{objection.purpose}/{objection.channel}" in ground.objections
        for objection in act.objections
    ):
        return True
    keys = {ground.key, *ground.above}
    return any(
        row.state in _TAKEN_BACK and f"{row.purpose}/{row.channel}" in keys for row in act.consent
    )
