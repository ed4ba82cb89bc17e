"""The laws of consent once more, for whoever checks: what one act makes of what stood before.

Written apart from the laws that decide (`consent/laws.py`), so that a mistake there is not made
twice; docs/explanation/consent.md says the same in plain words. What an act says is read strictly:
a part of another type is refused, for nobody can tell whether it would have held a message back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import Json, flag, listed_in, number, number_or, text, text_or

__all__ = [
    "FILLS",
    "SETS",
    "TAKES",
    "Answer",
    "Key",
    "Point",
    "Said",
    "answered",
    "erasure_due",
    "hear",
    "objected",
    "pointed",
]

TAKES, FILLS, SETS = 0, 1, 2
"""How far a word reaches: takes away, says what nobody has said yet, says what holds from now."""
_DAY_MS: Final = 86_400_000
_REACH: Final[Mapping[str, tuple[int, int]]] = {
    "person.imported": (FILLS, FILLS),
    "person.registered": (SETS, FILLS),
    "consent.requested": (FILLS, TAKES),
    "consent.confirmed": (SETS, TAKES),
    "consent.granted": (SETS, FILLS),
    "objection.lifted": (SETS, TAKES),
    "preferences.set": (SETS, FILLS),
    "profile.set": (SETS, FILLS),
    "contact_point.set": (SETS, FILLS),
    "age.stated": (SETS, FILLS),
    "erasure.undone": (SETS, TAKES),
}
"""By kind: how far a person's word reaches (or an operator's for them), and how far an import's."""
_STATES: Final = frozenset({
    "never_asked", "pending", "given", "refused", "withdrawn", "expired", "unverified",
})  # fmt: skip
_AGAINST: Final = frozenset({"refused", "withdrawn"})
_FILLING: Final = frozenset({"person.imported", "consent.granted"})

Key = tuple[str, str]
"""A purpose and a channel."""


@dataclass(frozen=True, slots=True)
class Said:
    """Whose word an act is, how far it reaches, and when it was said at the source."""

    kind: str
    reach: int
    own: bool
    by_person: bool
    imported: bool
    evidenced: bool
    at: int
    said_at: int
    version: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The last word on one purpose and channel, or a request that waits to be confirmed."""

    state: str
    version: int
    at: int
    until: int
    own: bool


@dataclass(frozen=True, slots=True)
class Point:
    """The one active contact point of a channel; *version* names it and the event it came with."""

    version: int
    confirmed: bool
    bounced: bool
    suppressed: bool


def hear(version: int, event: Json) -> Said:
    """Whose word the act in *event* is; an actor that nobody knows can only take away."""
    what, kind, body = f"event {version}", str(event["kind"]), cast("Json", event["body"])
    actor, at = text(body, "actor", what), number(event, "at", what)
    imported = kind == "person.imported" or actor == "import" or actor.startswith("import:")
    by_person = not imported and (actor == "person" or actor.startswith("person:"))
    own = by_person or (not imported and actor.startswith("operator:"))
    when, evidenced = _evidence(body, at, what)
    said_at = when if imported and when else number(event, "happened_at", what)
    reach = _REACH[kind][imported] if kind in _REACH and (own or imported) else TAKES
    return Said(
        kind, reach, own, by_person, imported, evidenced, at,
        said_at if 0 < said_at <= at else at, version,
    )  # fmt: skip


def _evidence(body: Json, at: int, what: str) -> tuple[int, bool]:
    """When an import says the yes was given (0: it does not), and whether that is evidence."""
    if "evidence" not in body:
        return 0, False
    told = body["evidence"]
    if not isinstance(told, dict):
        raise ProofError(f"{what}: its evidence is no object")
    when = number_or(told, "when", 0, what)
    how, shown = text_or(told, "how", "", what), text_or(told, "text", "", what)
    return when, 0 < when <= at and bool(how and shown)


def answered(
    answers: dict[Key, Answer], requests: dict[Key, Answer], body: Json, said: Said
) -> None:
    """Bring *answers*, and the *requests* that wait beside them, up to the rows in *body*."""
    what = f"event {said.version}"
    for row in listed_in(body, "consent", what):
        key = text(row, "purpose", what), text(row, "channel", what)
        state, until = text(row, "state", what), number_or(row, "until", 0, what)
        if state not in _STATES:
            raise ProofError(f"{what}: {state!r} is no state of consent")
        word = Answer(state, said.version, said.said_at, until, said.own)
        answer, request = _after(answers.get(key), requests.get(key), word, said)
        for where, value in ((answers, answer), (requests, request)):
            if value is None:
                where.pop(key, None)
            else:
                where[key] = value


_Pair = tuple[Answer | None, Answer | None]


def _after(answer: Answer | None, request: Answer | None, word: Answer, said: Said) -> _Pair:
    """Answer and request once *word* was said; what is not recognised changes nothing."""
    if word.state in _AGAINST:
        return _taken(answer, request, word, said)
    if said.reach == TAKES:
        return answer, request
    if said.imported:
        if said.kind in _FILLING and word.state in {"given", "unverified"}:
            return _filled(answer, word, said), request
    elif word.state == "given" and said.kind == "consent.granted":
        return word, None
    elif word.state == "given" and said.kind == "consent.confirmed":
        live = request is not None and said.at < request.until
        return (word, None) if live else (answer, request)
    elif word.state == "pending" and said.kind == "consent.requested":
        return answer, word
    return answer, request


def _taken(answer: Answer | None, request: Answer | None, word: Answer, said: Said) -> _Pair:
    """A no counts, whoever says it; an import's not over the person's yes of a day later."""
    if not said.imported:
        return word, None
    left = request if request is not None and _outweighs(request, said) else None
    if answer is not None:
        if answer.state == "given" and _outweighs(answer, said):
            return answer, left
        if answer.state in _AGAINST:
            return answer, left
    return word, left


def _outweighs(answer: Answer, said: Said) -> bool:
    return answer.own and answer.at > said.said_at + _DAY_MS


def _filled(answer: Answer | None, word: Answer, said: Said) -> Answer:
    """An imported yes fills a gap; with evidence it renews what only an import ever said."""
    if not said.evidenced or word.state == "unverified":
        return answer or Answer("unverified", word.version, word.at, word.until, own=False)
    if answer is None or answer.state == "unverified":
        return word
    renews = answer.state == "given" and not answer.own and word.at > answer.at
    return word if renews else answer


def objected(
    objections: dict[Key, bool], answers: Mapping[Key, Answer], body: Json, said: Said
) -> None:
    """Bring *objections* (with whether the person made each) up to those in *body*.

    The person may lift any, staff what the person did not make, an import none.
    """
    what = f"event {said.version}"
    for told in listed_in(body, "objections", what):
        key = text(told, "purpose", what), text_or(told, "channel", "*", what)
        if flag(told, "lifted", what):
            lifts = said.kind == "objection.lifted" and said.reach == SETS
            if lifts and (said.by_person or not objections.get(key, False)):
                objections.pop(key, None)
        elif key not in objections:
            answer = answers.get(key)
            given = answer is not None and answer.state == "given" and _outweighs(answer, said)
            if not (said.imported and given):
                objections[key] = said.by_person
        elif said.by_person:
            objections[key] = True


def pointed(
    points: dict[str, Point], answers: Mapping[Key, Answer], body: Json, said: Said
) -> None:
    """Bring the active *points* up to those in *body*: a new one takes the place of the old."""
    what = f"event {said.version}"
    for told in listed_in(body, "points", what):
        channel, named = text(told, "channel", what), number_or(told, "point", 0, what)
        confirmed, bounced, suppressed, retired = (
            flag(told, name, what) for name in ("confirmed", "bounced", "suppressed", "retired")
        )
        confirmed = confirmed and (said.reach == SETS or (said.imported and said.reach == FILLS))
        active = points.get(channel)
        if not named:
            active = Point(said.version, confirmed, bounced, suppressed)
            retired = retired or said.reach == TAKES
        elif active is None or active.version != named:
            continue
        else:
            since = said.imported and _granted_since(channel, answers, said)
            active = Point(
                named, active.confirmed or confirmed, active.bounced or (bounced and not since),
                active.suppressed or suppressed,
            )  # fmt: skip
        if retired:
            points.pop(channel, None)
        else:
            points[channel] = active


def _granted_since(channel: str, answers: Mapping[Key, Answer], said: Said) -> bool:
    return any(
        on == channel and answer.state == "given" and _outweighs(answer, said)
        for (_, on), answer in answers.items()
    )


def erasure_due(erase_at: int, body: Json, said: Said) -> int:
    """When the person is to be erased (0: they did not ask); it is undone only in time."""
    told = number_or(body, "erase_at", 0, f"event {said.version}")
    if said.kind == "erasure.requested":
        due = told or said.at or 1
        return min(due, erase_at) if erase_at else due
    undone = said.kind == "erasure.undone" and said.reach == SETS and said.at < erase_at
    return 0 if undone else erase_at
