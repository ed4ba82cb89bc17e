"""The course of a log: each public statement follows on from those before it.

Times do not fall; epochs count what stands below them, follow each other and cover more each time;
a challenge is begun by a commitment of its own and answered once. What no rule can forbid, since it
may happen to anybody, is counted instead: how far epochs lag behind, and how long none came.
"""

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import Json, from_hex, number, text
from reciprocity.prove.verify.keys import KeyStatement
from reciprocity.prove.verify.public import check_clear, must_be_clear

__all__ = ["Course"]


@dataclass(slots=True)
class Course:
    """What the public events seen so far come to.

    *personal_at* are the places of the personal leaves, in order; whoever reads the log adds them.
    *roots* are (size, root) that answers to challenges state of the log, to be held against it.
    *most_behind* is the largest number of personal leaves between what an epoch covers and the
    epoch itself, *longest_ms* the longest time between two of them.
    """

    personal_at: "array[int]" = field(default_factory=lambda: array("Q"))
    keys: list[KeyStatement] = field(default_factory=list)
    roots: list[tuple[int, bytes]] = field(default_factory=list)
    origin: str = ""
    at: int = 0
    epochs: int = 0
    epoch_index: int = -1
    epoch_at: int = 0
    epoch_size: int = 0
    epoch_slots: int = 0
    most_behind: int = 0
    longest_ms: int = 0
    begun: dict[int, tuple[int, str]] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)

    def see(self, index: int, event: Json) -> None:
        """Hold the public *event* at *index* against what came before; raises `ProofError`."""
        what = f"{text(event, 'kind', 'event')} at leaf {index}"
        at = number(event, "at", what)
        if at < self.at:
            raise ProofError(f"{what}: is recorded before the statement it follows")
        self.at = at
        if must_be_clear(event["kind"]):
            body = check_clear(event, what)
            self._hold(cast("str", event["kind"]), index, body, what)

    def behind(self) -> int:
        """How many personal leaves the newest epoch does not cover."""
        return len(self.personal_at) - bisect_left(self.personal_at, self.epoch_size)

    def unanswered(self) -> tuple[int, ...]:
        """The challenges that were begun and not answered."""
        return tuple(sorted(self.begun.keys() - self.answered))

    def _hold(self, kind: str, index: int, body: Json, what: str) -> None:
        if kind == "epoch.published":
            self._epoch(index, body, what)
        elif kind == "challenge.begun":
            self._begun(index, body, what)
        elif kind == "challenge.answered":
            self._answered(index, body, what)
        else:
            self._key(kind, index, body, what)

    def _key(self, kind: str, index: int, body: Json, what: str) -> None:
        origin = text(body, "origin", what)
        if kind == "log.opened" and index:
            raise ProofError(f"{what}: a log begins once, at leaf 0")
        if kind == "log.key_changed" and self.origin not in {"", origin}:
            raise ProofError(f"{what}: is of another log than {self.origin}")
        self.origin = origin
        self.keys.append((index, kind, body))

    def _epoch(self, index: int, body: Json, what: str) -> None:
        size, slots = number(body, "size", what), number(body, "slots", what)
        from_hex(text(body, "root", what), f"{what} root")
        if number(body, "number", what) != self.epochs + 1:
            raise ProofError(f"{what}: is not number {self.epochs + 1}, which follows")
        if size > index or slots < self.epoch_slots:
            raise ProofError(f"{what}: goes back behind the one before it, or covers itself")
        if size <= self.epoch_index:
            raise ProofError(
                f"{what}: covers {size} leaves and so goes back behind the epoch before it, at "
                f"{self.epoch_index}: every event since is left out"
            )
        below = bisect_left(self.personal_at, size)
        if number(body, "sum_n", what) != below:
            raise ProofError(f"{what}: states {body['sum_n']} personal events, the log has {below}")
        if self.epochs:
            self.longest_ms = max(self.longest_ms, self.at - self.epoch_at)
        self.most_behind = max(self.most_behind, len(self.personal_at) - below)
        self.epochs, self.epoch_index, self.epoch_at = self.epochs + 1, index, self.at
        self.epoch_size, self.epoch_slots = size, slots

    def _begun(self, index: int, body: Json, what: str) -> None:
        commitment, named = text(body, "commitment", what), number(body, "epoch", what, 1)
        number(body, "count", what, 1)
        if number(body, "number", what) != len(self.begun) + 1:
            raise ProofError(f"{what}: is not number {len(self.begun) + 1}, which follows")
        if commitment in {one for _, one in self.begun.values()}:
            raise ProofError(f"{what}: begins with a commitment that another was begun with")
        if not self.epochs - 1 <= named <= self.epochs:  # one may just have come in between
            raise ProofError(f"{what}: names epoch {named}, the newest is {self.epochs}")
        self.begun[len(self.begun) + 1] = index, commitment

    def _answered(self, index: int, body: Json, what: str) -> None:
        which, size = number(body, "number", what, 1), number(body, "size", what)
        if which not in self.begun or which in self.answered:
            raise ProofError(f"{what}: challenge {which} was never begun, or is answered again")
        begun_at, commitment = self.begun[which]
        if sha256(text(body, "value", what).encode()).hexdigest() != commitment:
            raise ProofError(f"{what}: the value is not the one that was committed to")
        if not begun_at < size <= index:
            raise ProofError(f"{what}: the checkpoint noted does not lie between it and challenge")
        self.roots.append((size, from_hex(text(body, "root", what), f"{what} root")))
        self.answered.add(which)
