"""Opening the slots that a challenge drew: a person's whole history, or why there is none.

Erased is easily said. So an erasure counts only with the fields of its format and, where it came
before the epoch, with the count and head that the epoch committed to. One that came after it shows
as much only if the person did nothing in between: their last head cannot be made anew without
them. Whatever can be shown of it, when it was recorded is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import (
    Json,
    check_entry,
    from_base64,
    from_hex,
    hashes_of,
    number,
    text,
)
from reciprocity.prove.verify.person import (
    Committed,
    chained,
    check_commitment,
    check_events,
    decide_again,
    listed,
)
from reciprocity.tlog.merkle import HASH_BYTES
from reciprocity.tlog.note import Checkpoint

__all__ = ["Erasure", "Opening"]

_SLOT: Final = {"blind", "chain", "events", "head", "path", "slot", "version"}
_MUST: Final = {"head", "requested_at", "slot", "version"}
_MAY: Final = {"asked_by", "breaches", "counted", "delays", "deliveries", "near_misses"}


@dataclass(frozen=True, slots=True)
class Erasure:
    """That *slot* was erased: at which *index* and instant (*at*, as the brand says) it stands.

    *recorded* is `before the epoch`, `before the challenge`, `before the value` (the checkpoint
    that the auditor noted holds it) or `after the value`. *shown* is whether the epoch's own
    commitment for the slot opens to what the erasure states.
    """

    slot: int
    index: int
    at: int
    recorded: str
    shown: bool


@dataclass(slots=True)
class Opening:
    """Opens one slot after the other, and counts what they were.

    *begun* is where the challenge stands in the log, *noted* the size that the auditor noted.
    """

    committed: Committed
    checkpoint: Checkpoint
    statements: Mapping[int, Json]
    begun: int
    noted: int
    people: int = 0
    unused: int = 0
    decided: int = 0
    erasures: list[Erasure] = field(default_factory=list)

    @property
    def erased(self) -> int:
        """How many were erased before the epoch."""
        return sum(one.index < self.committed.size for one in self.erasures)

    @property
    def erased_since(self) -> int:
        """How many were erased after it, with the history that it committed to."""
        return sum(one.index >= self.committed.size and one.shown for one in self.erasures)

    @property
    def not_shown(self) -> int:
        """How many are said to be erased after it, and no more can be shown of them."""
        return sum(not one.shown for one in self.erasures)

    def open(self, said: Json) -> None:
        """Hold that *said* opens its slot as the epoch has it; raises `ProofError`."""
        what = f"slot {said.get('slot')}"
        if said.keys() != _SLOT:
            raise ProofError(f"{what}: expected exactly {', '.join(sorted(_SLOT))}")
        number(said, "slot", what)
        version, given = number(said, "version", what), listed(said, "events")
        if text(said, "chain", what):
            self._commits(said, version, self._person(said, given, version, what), what)
            self.people += 1
        elif given:
            self._erased(said, given, version, what)
        elif version or text(said, "head", what):
            raise ProofError(f"{what}: has {version} events, and none is opened")
        else:
            self._commits(said, 0, bytes(HASH_BYTES), what)
            self.unused += 1

    def _commits(self, said: Json, version: int, head: bytes, what: str) -> None:
        slot, path = number(said, "slot", what), hashes_of(said, "path", what)
        blind = from_base64(text(said, "blind", what), f"{what} blind")
        check_commitment(self.committed, slot, version, head, blind, path)

    def _person(self, said: Json, given: list[object], version: int, what: str) -> bytes:
        """The head of a person's chain, once their events are held to be those of the slot."""
        slot, events = check_events(given, self.checkpoint)
        whole = slot == said["slot"] and len(events) == version
        if not whole or events[-1][1] >= self.committed.size:
            raise ProofError(f"{what}: its events are not the {version} of before the epoch")
        if text(said, "head", what):
            raise ProofError(f"{what}: states a head, which follows from its events")
        self.decided += decide_again(events, self.statements)
        return chained(from_base64(text(said, "chain", what), f"{what} chain"), events)

    def _erased(self, said: Json, given: list[object], version: int, what: str) -> None:
        event, index, _ = check_entry(given[0], self.checkpoint, f"{what} erasure")
        body = cast("Json", event["body"])
        alone = len(given) == 1 and (event["kind"], event["v"]) == ("person.erased", 1)
        if not alone or "slot" in event or body.get("slot") != said["slot"]:
            raise ProofError(f"{what}: neither opened nor shown to be erased")
        if not _MUST <= body.keys() <= _MUST | _MAY:
            raise ProofError(f"{what}: its erasure has other fields than an erasure has")
        count, shown = number(body, "version", what, 1), bool(text(said, "head", what))
        if shown:
            if (body["version"], body["head"]) != (version, said["head"]):
                raise ProofError(f"{what}: its erasure states another count or head")
            head = from_hex(text(said, "head", what), f"{what} head")
            self._commits(said, version, head, what)
        elif index < self.committed.size or not 0 < version < count:
            raise ProofError(
                f"{what}: its erasure states {count} events, the epoch {version}: it must be shown "
                "that they are the same"
            )
        at = number(event, "at", what)
        self.erasures.append(
            Erasure(number(body, "slot", what), index, at, self._recorded(index), shown)
        )

    def _recorded(self, index: int) -> str:
        if index < self.committed.size:
            return "before the epoch"
        if index < self.begun:
            return "before the challenge"
        return "before the value" if index < self.noted else "after the value"
