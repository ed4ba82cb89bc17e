"""The person's own words held against what a delivery recorded: neither forgotten nor bent.

A delivery records the facts it was decided on, and the brand wrote them. Many follow from the
person's own events, so here they are derived once more, by as little of the law as is certain: only
acts of the person, or of an operator for them, never of an import, and only where a fact that is
*less* careful than the history would let more be sent. What cannot be derived without the brand's
campaign (topics of the message, its audience) is left to the replay.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import Json, text_or

__all__ = ["OwnWords", "check_facts"]

_DAY_MS: Final = 86_400_000
_SETS: Final = frozenset({
    "person.registered", "consent.confirmed", "consent.granted", "preferences.set", "profile.set",
    "contact_point.set", "age.stated", "erasure.undone", "objection.lifted",
})  # fmt: skip
"""Kinds in which the person says what holds from now on."""


class OwnWords:
    """What the person said, and what was sent to them, event by event."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.caps: dict[str, tuple[int | None, int | None]] = {}
        self.pauses: dict[str, int] = {}
        self.quiet: tuple[int, int] | None = None
        self.objections: set[tuple[str, str]] = set()
        self.leaving = False
        self.oldest = 0
        self._sent: dict[int, tuple[Json, int]] = {}
        self._settled: set[int] = set()

    def see(self, version: int, event: Json) -> None:
        """Take the next event in."""
        kind, body = str(event["kind"]), cast("Json", event["body"])
        if kind == "delivery.attempted":
            self._sent[version] = body, _whole(event.get("at"))
        elif kind.startswith("delivery."):
            self._outcome(kind, body)
        else:
            self._act(kind, body)

    def _outcome(self, kind: str, body: Json) -> None:
        """An attempt that was stopped, or may be tried anew, counts for nothing."""
        named = _whole(body.get("attempt"))
        again = body.get("again") is True
        undone = kind == "delivery.cancelled" or (kind == "delivery.failed" and again)
        if named not in self._settled and undone:
            self._sent.pop(named, None)
        self._settled.add(named)

    def _act(self, kind: str, body: Json) -> None:
        self.oldest = max(self.oldest, _whole(body.get("age_at_least")))
        if kind == "erasure.requested":
            self.leaving = True
        elif kind == "erasure.undone":
            self.leaving = False
        actor = _word(body.get("actor"))
        if kind == "person.imported" or actor == "import" or actor.startswith("import:"):
            return
        for row in _rows(body.get("objections")):
            key = _word(row.get("purpose")), _word(row.get("channel", "*"))
            if row.get("lifted") is True:
                self.objections.discard(key)
            else:
                self.objections.add(key)
        if kind in _SETS:
            self._sets(body)

    def _sets(self, body: Json) -> None:
        for channel, pair in _named(body.get("caps")):
            if isinstance(pair, list) and len(pair) == 2:  # noqa: PLR2004 - 7 and 30 days
                self.caps[channel] = (_maybe(pair[0]), _maybe(pair[1]))
        for channel, until in _named(body.get("pauses")):
            self.pauses[channel] = _whole(until)
        quiet = body.get("quiet")
        if isinstance(quiet, dict):
            self.quiet = _whole(quiet.get("start")), _whole(quiet.get("end"))
        elif body.get("quiet_unset") is True:
            self.quiet = None

    def sent(self, holds: Callable[[Json, int], bool]) -> int:
        """How many attempts that count *holds* is true of, given body and instant."""
        return sum(holds(body, at) for body, at in self._sent.values())


def check_facts(
    words: OwnWords, facts: Mapping[str, int], attempt: Json, at: int, brand: Json, what: str
) -> None:
    """Hold that what *attempt* recorded as *facts* is at least as careful as the person's *words*.

    *at* is when it was recorded, *brand* the brand file it names. Raises `ProofError` naming the
    fact.
    """
    _check_basis(attempt, brand, what)
    channel, decided = _word(attempt.get("channel")), _whole(attempt.get("decided_at"))
    paused = max(words.pauses.get(channel, 0), words.pauses.get("*", 0))
    purposes = _above(brand, _word(attempt.get("purpose")))
    objected = any(
        purpose in {*purposes, "*"} and on in {channel, "*"} for purpose, on in words.objections
    )
    least = {
        "person_erased": int(words.leaving),
        "objected": int(objected),
        "pause_active": int(paused > decided),
        "message_attempts": words.sent(
            lambda body, _: _same(body, attempt, ("message", "occasion")) and _counts(body, at)
        ),
        "cap_7_used": words.sent(_within(attempt, decided - 7 * _DAY_MS)),
        "cap_30_used": words.sent(_within(attempt, decided - 30 * _DAY_MS)),
    }
    for name, value in least.items():
        if name in facts and facts[name] < value:
            raise ProofError(f"{what}: records {name} {facts[name]}, the history says {value}")
    week, month = words.caps.get(channel, (None, None))
    most = {
        "cap_7_most": week,
        "cap_30_most": month,
        "stated_age": max(words.oldest, _whole(brand.get("everyone_at_least"))),
    }
    for name, bound in most.items():
        if bound is not None and name in facts and facts[name] > bound:
            raise ProofError(f"{what}: records {name} {facts[name]}, the person said {bound}")
    quiet = (facts.get("quiet_from"), facts.get("quiet_until"))
    if words.quiet is not None and None not in quiet and quiet != words.quiet:
        raise ProofError(f"{what}: records another quiet time than the person's own")


def _check_basis(attempt: Json, brand: Json, what: str) -> None:
    """Hold that the ground in law is that of the purpose in the brand file, which it names."""
    purposes = brand.get("purposes")
    told = purposes.get(_word(attempt.get("purpose"))) if isinstance(purposes, dict) else None
    if not isinstance(told, dict):
        raise ProofError(f"{what}: is for a purpose that the brand file does not have")
    basis = text_or(told, "basis", "consent", what)
    mine = text_or(attempt, "basis", "consent", what)
    if basis != mine:
        raise ProofError(f"{what}: records the basis {mine!r}, the brand file says {basis!r}")


def _within(attempt: Json, since: int) -> Callable[[Json, int], bool]:
    """Is an attempt one that the cap of *attempt*'s channel counts, later than *since*?"""
    return lambda body, at: (
        body.get("channel") == attempt.get("channel")
        and body.get("basis", "consent") == "consent"
        and at > since
    )


def _same(one: Json, other: Json, names: Sequence[str]) -> bool:
    return all(one.get(name) == other.get(name) for name in names)


def _counts(body: Json, at: int) -> bool:
    """Does an attempt still count at *at*, by its own word?"""
    return _whole(body.get("counts_until")) > at


def _above(brand: Json, purpose: str) -> set[str]:
    """*purpose* and those above it in the brand file."""
    purposes, found = brand.get("purposes"), set[str]()
    while purpose and purpose not in found:
        found.add(purpose)
        told = purposes.get(purpose) if isinstance(purposes, dict) else None
        purpose = _word(told.get("parent")) if isinstance(told, dict) else ""
    return found


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int:
    return value if type(value) is int else 0


def _maybe(value: object) -> int | None:
    return value if type(value) is int else None


def _rows(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _named(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, dict) else []
