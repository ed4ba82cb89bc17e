"""What a person said, and what was sent to them: their history folded, event by event.

A delivery records the facts it was decided on, and the brand wrote them. What follows from the
person's own events is derived here once more, by the laws of consent (`laws.py`) and in the order
of the log. Parts of another type are refused, and so are kinds and versions that are not known
here: a newer release may have made them, and nobody can tell what they hold back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import Json, flag, newer, number, number_or, text, text_or
from reciprocity.prove.verify.laws import (
    FILLS,
    SETS,
    Answer,
    Key,
    Point,
    Said,
    answered,
    erasure_due,
    hear,
    objected,
    pointed,
)

__all__ = ["BASES", "Attempt", "OwnWords"]

BASES: Final = ("consent", "contract", "legal_duty")
"""The grounds in law that are known here."""
_ATTEMPTED: Final = "delivery.attempted"
_ACTS: Final = frozenset({
    "person.imported", "person.registered", "consent.requested", "consent.confirmed",
    "consent.granted", "consent.refused", "consent.withdrawn", "objection.made",
    "objection.lifted", "preferences.set", "profile.set", "contact_point.set",
    "contact_point.bounced", "contact_point.suppressed", "age.stated", "erasure.requested",
    "erasure.undone",
})  # fmt: skip
_WEIGHTS: Final[Mapping[str, int]] = {
    "delivery.cancelled": 0,
    "delivery.unknown": 1,
    "delivery.failed": 2,
    "delivery.delivered": 3,
    "delivery.bounced": 4,
    "delivery.complained": 5,
}
"""What may become of an attempt, and how much each news weighs."""
_ARRIVED: Final = frozenset({"delivery.delivered", "delivery.bounced", "delivery.complained"})
_STOPPED: Final = frozenset({"delivery.cancelled", "delivery.failed"})
_KNOWN: Final = frozenset({*_ACTS, *_WEIGHTS, _ATTEMPTED, "delivery.held", "feedback.given"})
_LAST_MINUTE: Final = 1_439
_CAP: Final = (int, type(None))

Caps = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt says of itself, each part of its type; *at* is when it was recorded."""

    message: str
    occasion: str
    purpose: str
    channel: str
    basis: str
    consent: int
    point: int
    decided_at: int
    handover_by: int
    counts_until: int
    at: int

    @classmethod
    def read(cls, event: Json, what: str) -> "Attempt":
        """The attempt in *event*."""
        body = cast("Json", event["body"])
        basis = text_or(body, "basis", "consent", what)
        if basis not in BASES:
            raise ProofError(f"{what}: its basis {basis!r} is none that is known here")
        return cls(
            message=text(body, "message", what),
            occasion=text(body, "occasion", what),
            purpose=text(body, "purpose", what),
            channel=text(body, "channel", what),
            basis=basis,
            consent=number(body, "consent", what),
            point=number(body, "point", what),
            decided_at=number(body, "decided_at", what),
            handover_by=number(body, "handover_by", what),
            counts_until=number(body, "counts_until", what),
            at=number(event, "at", what),
        )


class OwnWords:
    """What the person said, and what was sent to them, up to some event."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.answers: dict[Key, Answer] = {}
        self._requests: dict[Key, Answer] = {}
        self.objections: dict[Key, bool] = {}
        self.points: dict[str, Point] = {}
        self.caps: dict[str, Caps] = {}
        self.pauses: dict[str, int] = {}
        self.quiet: tuple[int, int] | None = None
        self.age = self.erase_at = 0
        self._made: dict[int, Attempt] = {}
        self._counted: dict[int, Attempt] = {}
        self._outcomes: dict[int, str] = {}

    def see(self, version: int, event: Json) -> None:
        """Take the next event in; raises `ProofError` for one that cannot be understood whole."""
        kind, what = str(event["kind"]), f"event {version}"
        if kind not in _KNOWN or event["v"] != 1:
            raise newer(what, event)
        if kind == _ATTEMPTED:
            self._made[version] = self._counted[version] = Attempt.read(event, what)
        elif kind in _WEIGHTS:
            self._outcome(kind, event, what)
        elif kind in _ACTS:
            self._act(version, event)

    def sent(self, holds: Callable[[Attempt], bool]) -> int:
        """How many attempts *holds* is true of, of those that count.

        One that was stopped at the door, or may be tried anew, counts for nothing.
        """
        return sum(map(holds, self._counted.values()))

    def _outcome(self, kind: str, event: Json, what: str) -> None:
        body = cast("Json", event["body"])
        named, again = number(body, "attempt", what), flag(body, "again", what)
        if (attempt := self._made.get(named)) is None:
            if kind in _ARRIVED:
                raise ProofError(f"{what}: a message came that was never on record")
            return
        before = self._outcomes.get(named)
        if before is None:
            if kind == "delivery.cancelled" or (kind == "delivery.failed" and again):
                self._counted.pop(named)
            self._check_handed_over(kind, event, attempt, what)
        elif kind in _ARRIVED and before in _STOPPED:
            raise ProofError(f"{what}: a message came that is on record as stopped")
        if before is None or _WEIGHTS[kind] > _WEIGHTS[before]:
            self._outcomes[named] = kind

    @staticmethod
    def _check_handed_over(kind: str, event: Json, attempt: Attempt, what: str) -> None:
        """Hold that it was not handed over after it had to be decided anew."""
        at, told = number(event, "at", what), number(event, "happened_at", what)
        happened = told if attempt.at <= told <= at else at
        if kind == "delivery.delivered" and happened > attempt.handover_by:
            raise ProofError(f"{what}: it was handed over too late, on a decision of before")

    def _act(self, version: int, event: Json) -> None:
        said, body = hear(version, event), cast("Json", event["body"])
        what = f"event {version}"
        objected(self.objections, self.answers, body, said)
        pointed(self.points, self.answers, body, said)
        answered(self.answers, self._requests, body, said)
        if said.kind.startswith("erasure."):
            self.erase_at = erasure_due(self.erase_at, body, said)
        age, quiet = number_or(body, "age_at_least", 0, what), _quiet(body, what)
        caps, pauses = _caps(body, what), _pauses(body, what)
        unset = flag(body, "quiet_unset", what)
        if said.reach == SETS:
            self.age = age or self.age
            self.quiet = quiet or (None if unset else self.quiet)
        elif said.reach == FILLS:
            self.age = self.age or age
            self.quiet = self.quiet or quiet
        self._wish(said, caps, pauses)

    def _wish(self, said: Said, caps: dict[str, Caps], pauses: dict[str, int]) -> None:
        if said.reach == SETS:
            caps, pauses = self.caps | caps, self.pauses | pauses
        elif said.reach == FILLS:
            caps, pauses = caps | self.caps, pauses | self.pauses
        else:
            return
        self.caps = {name: pair for name, pair in caps.items() if pair != (None, None)}
        self.pauses = {name: until for name, until in pauses.items() if until}


def _caps(body: Json, what: str) -> dict[str, Caps]:
    found = {}
    for channel, pair in _named(body, "caps", what).items():
        if not isinstance(pair, list) or [type(one) in _CAP for one in pair] != [True, True]:
            raise ProofError(f"{what}: its caps are not two numbers for each channel")
        found[channel] = (pair[0], pair[1])
    return found


def _pauses(body: Json, what: str) -> dict[str, int]:
    told = _named(body, "pauses", what)
    return {channel: number(told, channel, f"{what} pause") for channel in told}


def _quiet(body: Json, what: str) -> tuple[int, int] | None:
    if "quiet" not in body:
        return None
    told = _named(body, "quiet", what)
    start, end = number(told, "start", what), number(told, "end", what)
    if max(start, end) > _LAST_MINUTE:
        raise ProofError(f"{what}: its quiet time is no time of a day")
    return start, end


def _named(body: Json, name: str, what: str) -> Json:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise ProofError(f"{what}: {name} is no object")
    return value
