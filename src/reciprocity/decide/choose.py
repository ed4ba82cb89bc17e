"""Choose: among the messages that may be delivered, those that matter most to the person.

Rules refuse, scores only rank. The choice is made once for an occasion; permission is decided anew
whenever a message is about to leave.
"""

import hmac
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from msgspec.structs import replace

from reciprocity.decide.facts import POSITIONS
from reciprocity.decide.one import Judged
from reciprocity.model import Basis, Decision, Verdict

__all__ = ["OUTRANKED", "Contender", "choose", "draw", "picked"]

OUTRANKED: Final = Decision(verdict=Verdict.REFUSE, reason="outranked")
_SENT, _LIMIT = POSITIONS["occasion_attempts"], POSITIONS["occasion_limit"]
_CAPS: Final = (
    (POSITIONS["cap_7_used"], POSITIONS["cap_7_most"]),
    (POSITIONS["cap_30_used"], POSITIONS["cap_30_most"]),
)


class Contender(NamedTuple):
    """A message that may be delivered: what it ranks by, and what it takes room in.

    *left* is how many more of its *occasion* the person may get, *fits* how many more of its
    *channel* the caps allow; the channel is empty for one that is not based on consent.
    """

    score: int
    message: str
    occasion: str
    channel: str
    left: int
    fits: int


def picked(contenders: Sequence[Contender], drawn: Callable[[int], int]) -> list[int]:
    """Which of *contenders* are chosen, by their number, the best first.

    The highest score comes first, equal scores by the greater draw: *drawn* is asked only where
    scores are equal. A chosen message counts towards its occasion's limit and its channel's caps.
    """
    of_occasion: dict[str, int] = {}
    of_channel: dict[str, int] = {}
    won: list[int] = []
    scores = [one.score for one in contenders]

    def has_room(number: int) -> bool:
        _, _, occasion, channel, left, fits = contenders[number]
        if channel and of_channel.get(channel, 0) >= fits:
            return False
        return of_occasion.get(occasion, 0) < left

    ranks = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    for _, equal in groupby(ranks, key=scores.__getitem__):
        run = list(filter(has_room, equal))
        if len(run) > 1:
            run.sort(key=lambda number: (-drawn(number), contenders[number].message))
        for number in filter(has_room, run):
            one = contenders[number]
            of_occasion[one.occasion] = of_occasion.get(one.occasion, 0) + 1
            of_channel[one.channel] = of_channel.get(one.channel, 0) + 1
            won.append(number)
    return won


def choose(judged: Sequence[Judged], key: bytes, slot: int) -> list[Judged]:
    """The same messages in the same order; of those to `deliver` only the `picked` remain so.

    What finds no room becomes `outranked`. Every message that could be delivered has its draw
    recorded.
    """
    ready = [
        replace(each, draw=draw(key, each.prepared.occasion, slot, each.message_id))
        for each in judged
        if each.decision.verdict is Verdict.DELIVER
    ]
    won = set(picked([_contender(each) for each in ready], lambda number: ready[number].draw))
    settled = {
        _identity(each): each if number in won else replace(each, decision=OUTRANKED)
        for number, each in enumerate(ready)
    }
    return [settled.get(_identity(each), each) for each in judged]


def draw(key: bytes, occasion: str, slot: int, message: str) -> int:
    """A number below 2**31 that nobody without *key* can foresee and anybody with it can check.

    The first 31 bits of HMAC-SHA256 over occasion, slot and message, joined by newlines.

    >>> draw(b"key", "spring", 7, "mens") == draw(b"key", "spring", 7, "mens") < 2**31
    True
    """
    told = f"{occasion}\n{slot}\n{message}".encode()
    return int.from_bytes(hmac.digest(key, told, "sha256")[:4]) >> 1


def _identity(judged: Judged) -> tuple[str, str]:
    return judged.prepared.occasion, judged.message_id


def _contender(judged: Judged) -> Contender:
    prepared, facts = judged.prepared, judged.facts
    consent = prepared.basis is Basis.CONSENT
    return Contender(
        score=judged.score,
        message=judged.message_id,
        occasion=prepared.occasion,
        channel=prepared.message.channel if consent else "",
        left=facts[_LIMIT] - facts[_SENT],
        fits=min(facts[most] - facts[used] for used, most in _CAPS),
    )
