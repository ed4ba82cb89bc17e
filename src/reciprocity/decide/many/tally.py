"""Tally: what a count has found so far, kept beside the snapshot so that it goes on if stopped.

It is good for one question: the same instant, history, messages and key of the draws. It has counts
of people and nobody of them.
"""

import hmac
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from reciprocity.decide.many.snapshot import Snapshot
from reciprocity.journal.copies import COUNTING

__all__ = ["Tally"]

_FRESH: Final = ".tmp"


class Tally(msgspec.Struct, kw_only=True):
    """*people* of the first *parts* of the snapshot: how many met which code of each message.

    *chosen* has how many each message, by its number, is the choice for.
    """

    question: str
    met: list[Counter[int]]
    chosen: Counter[int] = msgspec.field(default_factory=Counter)
    parts: int = 0
    people: int = 0

    @classmethod
    def of(cls, snapshot: Snapshot, queries: Sequence[str], messages: int, key: bytes) -> "Tally":
        """What an earlier count had found when it was stopped; nothing, if none was.

        It is the same if all its *queries* are, of the same parts in the same order. *key* is that
        of the draws, and cannot be told from the file.
        """
        parts = [(part.number, part.size()) for part in snapshot.parts]
        told = (snapshot.at, snapshot.position, parts, *queries)
        question = hmac.digest(key, repr(told).encode(), "sha256").hex()
        found = _read(snapshot.place / COUNTING)
        if found is not None and found.question == question:
            return found
        return cls(question=question, met=[Counter() for _ in range(messages)])

    def keep(self, place: Path) -> None:
        """Write it down in *place*, whole or not at all; a full disk stops no count."""
        fresh = place / (COUNTING + _FRESH)
        with suppress(OSError):
            fresh.write_bytes(msgspec.json.encode(self))
            fresh.replace(place / COUNTING)


def _read(path: Path) -> Tally | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Tally, dec_hook=_counted)
    except (OSError, msgspec.DecodeError):
        return None


def _counted(_: type, told: object) -> Counter[int]:
    """Texts in JSON, numbers here."""
    read: dict[int, int] = msgspec.convert(told, dict[int, int], strict=False)
    return Counter(read)
