"""Choose: among the messages that may be delivered, those that matter most to the person.

Rules refuse, scores only rank. The choice is made once for an occasion; permission is decided anew
whenever a message is about to leave.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from reciprocity.decide.facts import POSITIONS
from reciprocity.decide.one import Judged
from reciprocity.decide.prepare import Room
from reciprocity.model import Decision, Verdict

__all__ = ["OUTRANKED", "choose", "draw", "picked"]

OUTRANKED: Final = Decision(verdict=Verdict.REFUSE, reason="outranked")
_SENT, _LIMIT = POSITIONS["occasion_attempts"], POSITIONS["occasion_limit"]
_CAPS: Final = (
    (POSITIONS["cap_7_used"], POSITIONS["cap_7_most"]),
    (POSITIONS["cap_30_used"], POSITIONS["cap_30_most"]),
)
_EVER: Final = 2**62


def picked(
    scores: Mapping[int, int],
    rooms: Sequence[Room],
    left: Mapping[str, int],
    fits: Mapping[str, int],
    drawn: Callable[[int], tuple[int, str]],
) -> list[int]:
    """Which of the messages numbered in *scores* are chosen, the best first.

    The highest score comes first, equal scores in the order of *drawn*, which is asked only where
    scores are equal. Each takes a place of its room: *left* is how many more of an occasion the
    person may get, *fits* how many more of a channel the caps allow.
    """
    left, fits = dict(left), {**fits, "": _EVER}
    won: list[int] = []

    def settle(equal: list[int]) -> None:
        if len(equal) > 1:
            equal.sort(key=drawn)
        for number in equal:
            occasion, channel = rooms[number]
            if left[occasion] > 0 and fits[channel] > 0:
                left[occasion] -= 1
                fits[channel] -= 1
                won.append(number)

    equal: list[int] = []
    for number in sorted(scores, key=scores.__getitem__, reverse=True):
        occasion, channel = rooms[number]
        if left[occasion] <= 0 or fits[channel] <= 0:
            continue  # what is taken does not come back
        if equal and scores[equal[0]] != scores[number]:
            settle(equal)
            equal = []
        equal.append(number)
    settle(equal)
    return won


def choose(judged: Sequence[Judged], key: bytes, slot: int) -> list[Judged]:
    """The same messages in the same order; of those to `deliver` only the `picked` remain so.

    What finds no room becomes `outranked`. Every message that could be delivered has its draw
    recorded.
    """
    settled = [
        replace(each, draw=draw(key, each.prepared.occasion, slot, each.message_id))
        if each.decision.verdict is Verdict.DELIVER
        else each
        for each in judged
    ]
    ready = [
        number for number, each in enumerate(settled) if each.decision.verdict is Verdict.DELIVER
    ]
    rooms = [each.prepared.room for each in settled]
    won = picked(
        {number: settled[number].score for number in ready},
        rooms,
        {rooms[number].occasion: _left(settled[number]) for number in ready},
        {rooms[number].channel: _fits(settled[number]) for number in ready},
        lambda number: (-settled[number].draw, settled[number].message_id),
    )
    for number in set(ready).difference(won):
        settled[number] = replace(settled[number], decision=OUTRANKED)
    return settled


def draw(key: bytes, occasion: str, slot: int, message: str) -> int:
    """A number below 2**31 that nobody without *key* can foresee and anybody with it can check.

    The first 31 bits of HMAC-SHA256 over occasion, slot and message, joined by newlines.

    >>> draw(b"key", "spring", 7, "mens") == draw(b"key", "spring", 7, "mens") < 2**31
    True
    """
    told = f"{occasion}\n{slot}\n{message}".encode()
    return int.from_bytes(hmac.digest(key, told, "sha256")[:4]) >> 1


def _left(judged: Judged) -> int:
    return judged.facts[_LIMIT] - judged.facts[_SENT]


def _fits(judged: Judged) -> int:
    return min(judged.facts[most] - judged.facts[used] for used, most in _CAPS)
