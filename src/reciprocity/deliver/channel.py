"""The door out: a letter is handed over at most once, and what became of it is said in one word.

A transport decides nothing: who gets what was decided, journaled and checked again before it is
called. It only says, for each letter, whether the next system has it. `unknown` is an honest
answer; a second try is not, so a transport never repeats a letter that may have gone.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from reciprocity.model import Instant

__all__ = [
    "LATE",
    "MOVED_ON",
    "Clock",
    "Handed",
    "Letter",
    "Result",
    "Still",
    "Transport",
    "cancelled",
    "failed",
    "is_late",
]

Clock = Callable[[], int]
"""Milliseconds since 1970 in UTC; the same clock that set the letters' `handover_by`."""

LATE: Final = "late"
MOVED_ON: Final = "history_moved_on"


class Result(StrEnum):
    """Whether the next system has the letter; also the last word of the event `delivery.…`."""

    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Letter(Struct, frozen=True, kw_only=True):
    """One finished message for one recipient.

    *message_id* is stable: the same attempt always has the same one, with its angle brackets.
    *sender* and *recipient* are bare addresses (the envelope, not the headers). *content* is the
    whole message with CRLF line ends. After *handover_by* it must not be handed over any more.
    """

    message_id: str
    sender: str
    recipient: str
    content: bytes
    handover_by: Instant


class Handed(Struct, frozen=True, kw_only=True):
    """What became of one letter.

    *reason* is a code (`late`, `550 5.1.1`, `disk`), never the server's own words: they may quote
    the address. *again* is true only if the letter was certainly not handed over and the hindrance
    may pass. *hard_bounce* says that this address takes no mail. *at* is when the next system took
    it, by the transport's clock: outcomes are recorded with their batch, later than that.
    """

    outcome: Result
    reason: str = ""
    again: bool = False
    hard_bounce: bool = False
    at: Instant = 0


Still = Callable[[Letter], bool]
"""May this letter still go? False once the person's history moved on since it was decided."""


class Transport(Protocol):
    """A way out of the house."""

    def hand_over(self, letters: Sequence[Letter], still: Still) -> Sequence[Handed]:
        """What became of each letter, in the order given; blocks until all is said.

        *still* is the door: asked of each letter at the last moment at which it can be taken
        back, and a letter it denies is `cancelled`, never handed over. It may be asked earlier
        too, and from several threads at once.

        Each letter is handed over at most once. One that is late comes back as `failed`, reason
        `late`, again. A letter that fails must neither stop nor repeat the others, and no single
        wait may last until a letter's `handover_by`. All this is said by values; if it raises
        after all, every letter of the call is `unknown`.
        """

    def close(self) -> None:
        """Let go of connections and files; the transport cannot be used afterwards."""


def cancelled() -> Handed:
    """The letter was stopped at the door: the person's history moved on."""
    return Handed(outcome=Result.CANCELLED, reason=MOVED_ON, again=True)


def failed(reason: str, *, again: bool = False, hard_bounce: bool = False) -> Handed:
    """The letter was certainly not handed over, because of *reason*."""
    return Handed(outcome=Result.FAILED, reason=reason, again=again, hard_bounce=hard_bounce)


def is_late(letter: Letter, at: Instant) -> bool:
    """Is it too late, at the instant *at*, to hand over *letter*? The last millisecond is too.

    >>> letter = Letter(message_id="", sender="", recipient="", content=b"", handover_by=1000)
    >>> is_late(letter, 999), is_late(letter, 1000)
    (False, True)
    """
    return at >= letter.handover_by
