"""The laws of consent: how far each word reaches, and what it cannot change.

One place, used by the fold, so that history alone decides, imports included. A law never raises:
what it does not recognise gives nothing. The page `docs/explanation/consent.md` says the same in
plain words.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from msgspec import Struct

from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.events import Act, ConsentRow, Objection, PointSet, TopicLevel
from reciprocity.model import ConsentState, Instant

__all__ = [
    "DAY_MS",
    "DECLARED",
    "IMPORT",
    "OBSERVED",
    "OPERATOR",
    "PERSON",
    "REACH",
    "Reach",
    "Said",
    "answer_key",
    "answered",
    "consent_state_at",
    "ends_at",
    "erasure_due",
    "hear",
    "is_import",
    "objected",
    "pointed",
    "rated",
]

DAY_MS: Final = 86_400_000
PERSON: Final = "person"
"""The actor of what a person says for themselves."""
OPERATOR: Final = "operator:"
"""The actor of what staff say on someone's behalf begins so; their id follows."""
IMPORT: Final = "import"
"""The actor of what a file says; `:NAME` may follow."""
DECLARED: Final = "declared"
"""The source of a topic level that the person chose."""
OBSERVED: Final = "observed:"
"""The source of a topic level read off a behaviour begins so; the behaviour's id follows."""

_REFUSED, _WITHDRAWN = ConsentState.REFUSED, ConsentState.WITHDRAWN
_GIVEN, _PENDING = ConsentState.GIVEN, ConsentState.PENDING
_UNVERIFIED = ConsentState.UNVERIFIED


class Reach(IntEnum):
    """How far the word of an act reaches: each step can do all that the one before can."""

    TAKES = 0  # takes away, whoever says it
    FILLS = 1  # says what nobody has said yet
    SETS = 2  # says what holds from now on


_T, _F, _S = Reach.TAKES, Reach.FILLS, Reach.SETS

REACH: Final[dict[str, tuple[Reach, Reach]]] = {
    "person.imported": (_F, _F),
    "person.registered": (_S, _F),
    "consent.requested": (_F, _T),
    "consent.confirmed": (_S, _T),
    "consent.granted": (_S, _F),
    "objection.lifted": (_S, _T),
    "preferences.set": (_S, _F),
    "profile.set": (_S, _F),
    "contact_point.set": (_S, _F),
    "age.stated": (_S, _F),
    "erasure.undone": (_S, _T),
}
"""By kind: the reach of a person's word (or an operator's for them), and that of an import's.

A kind that is not here only takes away. That is why such acts can be accepted without keys and
with a clock set back: nothing in them, whatever it says, lets a message leave.
"""


class Said(Struct, frozen=True, gc=False):
    """Whose word an act is, how far it reaches, and when it was said.

    *said_at* is the source's instant, never later than *at*, when it was recorded. *own* is a
    word of the person or of an operator acting for them. *evidenced* says that an import knows
    when, how and to which text the person said yes.
    """

    kind: str
    reach: Reach
    own: bool
    by_person: bool
    imported: bool
    evidenced: bool
    at: Instant
    said_at: Instant
    version: int
    notice: str


def is_import(kind: str, actor: str) -> bool:
    """Does the import law govern this act?

    >>> is_import("person.imported", "operator:ada"), is_import("consent.granted", "import:crm")
    (True, True)
    >>> is_import("consent.granted", "important")
    False
    """
    return kind == "person.imported" or actor == IMPORT or actor.startswith("import:")


def hear(kind: str, act: Act, at: Instant, happened_at: Instant, version: int) -> Said:
    """Whose word *act* is, and how far it reaches.

    An actor that is neither the person, an operator nor an import can only take away. An instant
    in the future is no instant: it counts as now, and evidence from the future is none.
    """
    actor, evidence = act.actor, act.evidence
    by_person = actor == PERSON or actor.startswith("person:")
    imported = is_import(kind, actor)
    own = not imported and (by_person or actor.startswith(OPERATOR))
    said_at = happened_at
    if imported and evidence is not None and evidence.when:
        said_at = evidence.when
    reaches = REACH.get(kind)
    return Said(
        kind, reaches[imported] if reaches and (own or imported) else _T, own,
        own and by_person, imported,
        evidence is not None and 0 < evidence.when <= at and bool(evidence.how and evidence.text),
        at, said_at if 0 < said_at <= at else at, version, act.notice,
    )  # fmt: skip


# --- answers ------------------------------------------------------------------------------------


def answer_key(purpose: str, channel: str) -> str:
    """The key of an answer or objection in `Wishes`."""
    return f"{purpose}/{channel}"


def ends_at(answer: Answer, validity_days: int) -> Instant:
    """When a yes ends: at its stated end, and *validity_days* after it was said at the latest.

    >>> ends_at(Answer(state=ConsentState.GIVEN, version=1, at=5, until=9), 1)
    9
    >>> ends_at(Answer(state=ConsentState.GIVEN, version=1, at=5), 1)
    86400005
    """
    latest = answer.at + validity_days * DAY_MS
    return min(answer.until, latest) if answer.until else latest


def consent_state_at(wishes: Wishes, key: str, at: Instant) -> ConsentState:
    """The state of `purpose/channel` at *at*: a yes, or a request, that has run out is `expired`.

    A yes without a stated end still ends with the brand's validity (`ends_at`), which the brand
    file in force knows and history does not.
    """
    answer = wishes.answers.get(key)
    if answer is None:
        return ConsentState.NEVER_ASKED
    state = answer.state
    if (state is _GIVEN and 0 < answer.until <= at) or (state is _PENDING and answer.until <= at):
        return ConsentState.EXPIRED
    return state


def answered(
    answer: Answer | None, request: Answer | None, row: ConsentRow, said: Said
) -> tuple[Answer | None, Answer | None]:
    """The answer and the waiting request for one purpose x channel after *row* was said.

    Both are None where there is none; *answer* is never `pending` (that is a request). A no and
    a withdrawal apply whoever says them. A yes needs its kind of event; everything else that a
    row may say, `expired` or a yes inside a `preferences.set`, changes nothing.
    """
    state = row.state
    if state is _REFUSED or state is _WITHDRAWN:
        return _taken(answer, request, row, said)
    if said.reach is _T:
        return answer, request
    if said.imported:
        if said.kind in {"person.imported", "consent.granted"} and state in {_GIVEN, _UNVERIFIED}:
            return _filled(answer, row, said), request
    elif state is _GIVEN and said.kind == "consent.granted":
        return _word(row, said), None
    elif state is _GIVEN and said.kind == "consent.confirmed":
        return _confirmed(answer, request, row, said)
    elif state is _PENDING and said.kind == "consent.requested":
        return answer, _word(row, said)
    return answer, request


def _word(row: ConsentRow, said: Said, notice: str = "") -> Answer:
    return Answer(
        state=row.state, version=said.version, at=said.said_at, until=row.until, own=said.own,
        notice=said.notice or notice, reason=row.reason,
    )  # fmt: skip


def _taken(
    answer: Answer | None, request: Answer | None, row: ConsentRow, said: Said
) -> tuple[Answer | None, Answer | None]:
    if not said.imported:
        return _word(row, said), None
    # The import law: only the person's own yes, more than a day later, outweighs what a file says.
    request = request if request is not None and _outweighs(request, said) else None
    if answer is not None:
        if answer.state is _GIVEN and _outweighs(answer, said):
            return answer, request
        if answer.state in {_REFUSED, _WITHDRAWN}:
            return answer, request  # nothing left to take: the first no keeps its place
    return _word(row, said), request


def _outweighs(answer: Answer, said: Said) -> bool:
    return answer.own and answer.at > said.said_at + DAY_MS


def _filled(answer: Answer | None, row: ConsentRow, said: Said) -> Answer:
    """An imported yes fills a gap; later evidence renews what only an import ever said."""
    if not said.evidenced or row.state is _UNVERIFIED:
        return answer or Answer(
            state=_UNVERIFIED, version=said.version, at=said.said_at, until=row.until, own=False,
            notice=said.notice, reason=row.reason,
        )  # fmt: skip
    if answer is None or answer.state is _UNVERIFIED:
        return _word(row, said)
    if answer.state is _GIVEN and not answer.own and said.said_at > answer.at:
        return _word(row, said)
    return answer


def _confirmed(
    answer: Answer | None, request: Answer | None, row: ConsentRow, said: Said
) -> tuple[Answer | None, Answer | None]:
    if request is None or request.until <= said.at:
        return answer, request
    return _word(row, said, request.notice), None


# --- objections, topics, contact points, erasure -------------------------------------------------


def objected(
    objections: Mapping[str, tuple[int, bool]],
    told: Objection,
    said: Said,
    answers: Mapping[str, Answer],
) -> tuple[int, bool] | None:
    """The objection (version, made by the person) that stands after *told*, or None.

    Anybody may make one; a file's is outweighed only by the person's own yes to exactly this,
    more than a day later. The person may lift any, staff what the person did not make
    themselves, an import none.
    """
    key = answer_key(told.purpose, told.channel)
    stands = objections.get(key)
    if told.lifted:
        lifts = said.kind == "objection.lifted" and said.reach is _S
        return None if lifts and (said.by_person or not (stands and stands[1])) else stands
    if stands is not None and (stands[1] or not said.by_person):
        return stands
    if said.imported:
        answer = answers.get(key)
        if answer is not None and answer.state is _GIVEN and _outweighs(answer, said):
            return stands
    return said.version, said.by_person


def rated(stands: TopicLevel | None, told: TopicLevel, said: Said) -> TopicLevel | None:
    """The level of one topic after *told*: what a person declares beats what is observed.

    A file's "declared" fills a gap or replaces what was observed, never what was declared. A
    source that is neither is not recognised and says nothing.
    """
    declared = stands is not None and stands.source == DECLARED
    if told.source == DECLARED:
        return told if said.reach is _S or (said.reach is _F and not declared) else stands
    observes = said.reach is not _T and told.source.startswith(OBSERVED)
    return told if observes and not declared else stands


def pointed(
    active: Point | None, told: PointSet, said: Said, answers: Mapping[str, Answer]
) -> Point | None:
    """The active contact point of a channel after *told*.

    A new one (`point` 0) takes the place of the one before it, since the vault's address changed
    with it; an act that only takes away leaves none. News of a point that is no longer active
    changes nothing, and no news makes a point good again: a new one does.
    """
    confirmed = told.confirmed and (
        said.reach is _S or (said.imported and said.reach is _F)
    )  # a request never confirms
    if not told.point:
        if said.reach is _T or told.retired:
            return None
        return Point(
            version=said.version, confirmed=confirmed, bounced=told.bounced,
            suppressed=told.suppressed,
        )  # fmt: skip
    if active is None or active.version != told.point:
        return active
    if told.retired:
        return None
    bounced = told.bounced and not (said.imported and _granted_since(told.channel, said, answers))
    return Point(
        version=active.version,
        confirmed=active.confirmed or confirmed,
        bounced=active.bounced or bounced,
        suppressed=active.suppressed or told.suppressed,
    )


def _granted_since(channel: str, said: Said, answers: Mapping[str, Answer]) -> bool:
    ending = f"/{channel}"
    return any(
        answer.state is _GIVEN and _outweighs(answer, said)
        for key, answer in answers.items()
        if key.endswith(ending)
    )


def erasure_due(erase_at: Instant, told: Instant, said: Said) -> Instant:
    """When the person is to be erased (0: they did not ask); a request is undone only in time."""
    if said.kind == "erasure.requested":
        due = told or said.at or 1
        return min(due, erase_at) if erase_at else due
    undone = said.kind == "erasure.undone" and said.reach is _S and said.at < erase_at
    return 0 if undone else erase_at
