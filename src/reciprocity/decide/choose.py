"""Choose: among the messages that may be delivered, those that matter most to the person.

Rules refuse, scores only rank. The choice is made once for an occasion; permission is decided anew
whenever a message is about to leave.
"""

import hmac
from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from reciprocity.decide.facts import POSITIONS
from reciprocity.decide.one import Judged
from reciprocity.model import Basis, Decision, Verdict

__all__ = ["choose", "draw"]

OUTRANKED: Final = Decision(verdict=Verdict.REFUSE, reason="outranked")
_SENT, _LIMIT = POSITIONS["occasion_attempts"], POSITIONS["occasion_limit"]
_CAPS: Final = (
    (POSITIONS["cap_7_used"], POSITIONS["cap_7_most"]),
    (POSITIONS["cap_30_used"], POSITIONS["cap_30_most"]),
)


def choose(judged: Sequence[Judged], key: bytes, slot: int) -> list[Judged]:
    """The same messages in the same order; of those to `deliver` only the chosen remain so.

    The highest score comes first, equal scores by the greater draw. A chosen message counts
    towards its occasion's limit and, if based on consent, its channel's caps; what finds no room
    left becomes `outranked`. Every message that could be delivered has its draw recorded.
    """
    ready = [
        replace(each, draw=draw(key, each.prepared.occasion, slot, each.message_id))
        for each in judged
        if each.decision.verdict is Verdict.DELIVER
    ]
    ready.sort(key=lambda each: (-each.score, -each.draw, each.message_id))
    taken: Counter[str] = Counter()
    settled: dict[tuple[str, str], Judged] = {}
    for each in ready:
        fits = _has_room(each, taken)
        if fits:
            taken.update(_uses(each))
        settled[_identity(each)] = each if fits else replace(each, decision=OUTRANKED)
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


def _uses(judged: Judged) -> tuple[str, ...]:
    """What a chosen message takes room in: its occasion and, on consent, its channel."""
    prepared = judged.prepared
    occasion = f"occasion {prepared.occasion}"
    if prepared.basis is not Basis.CONSENT:
        return (occasion,)
    return occasion, f"channel {prepared.message.channel}"


def _has_room(judged: Judged, taken: Counter[str]) -> bool:
    """Is there room for one more, after those *taken* in this very choice?"""
    facts, (occasion, *channel) = judged.facts, _uses(judged)
    if facts[_SENT] + taken[occasion] >= facts[_LIMIT]:
        return False
    return all(facts[used] + taken[each] < facts[most] for each in channel for used, most in _CAPS)
