"""The facts: everything a decision may look at, each total, typed and with a declared source.

A record of facts is a flat tuple in the published order of `FACTS`, of booleans and integers
(instants are milliseconds, enums are codes). Nothing is ever None: what is unknown has become the
*refusing value* once, in `gather`. The order is published, because a journal holds such tuples
for ever: a new fact is appended, none is moved, renamed or removed.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from reciprocity.decide.tree import Term, TermType
from reciprocity.errors import Damaged
from reciprocity.model import Basis, ConsentState

__all__ = [
    "BASIS_CODES",
    "CONSENT_CODES",
    "FACTS",
    "POSITIONS",
    "TERMS",
    "Fact",
    "Facts",
    "Source",
    "first_wrong",
    "recorded",
    "restored",
    "shown",
]

Facts = tuple[int, ...]
"""Values in the order of `FACTS`; booleans are `bool`, all else `int`."""


class Source(StrEnum):
    """Where a fact comes from, and so how a replay finds it again.

    *history*: the person's events below a version. *statement*: what the brand had in force at a
    position. *recorded*: kept with the attempt, since it cannot be derived again.
    """

    HISTORY = "history"
    STATEMENT = "statement"
    RECORDED = "recorded"


class Fact(Struct, frozen=True, kw_only=True):
    """One fact: *refusing* is what it reads when it cannot be known."""

    name: str
    type: TermType
    source: Source
    refusing: int
    meaning: str
    values: tuple[str, ...] = ()


CONSENT_CODES: Final = {state: code for code, state in enumerate(ConsentState)}
"""The published code of each state of consent."""
BASIS_CODES: Final = {basis: code for code, basis in enumerate(Basis)}
"""The published code of each basis."""

_H, _S, _R = Source.HISTORY, Source.STATEMENT, Source.RECORDED
_B, _I, _A, _E = TermType.BOOLEAN, TermType.INTEGER, TermType.INSTANT, TermType.ENUM
_STATES, _BASES = tuple(map(str, ConsentState)), tuple(map(str, Basis))
_MANY: Final = 1_000_000


def _fact(
    name: str, kind: TermType, source: Source, refusing: int, meaning: str,
    values: tuple[str, ...] = (),
) -> Fact:  # fmt: skip
    return Fact(
        name=name, type=kind, source=source, refusing=refusing, meaning=meaning, values=values
    )


FACTS: Final[tuple[Fact, ...]] = (
    _fact("person_known", _B, _H, False, "the journal knows this person"),
    _fact("person_erased", _B, _H, True, "the person is erased, or asked to be"),
    _fact("point_active", _B, _H, False, "there is a contact point on the channel"),
    _fact("point_confirmed", _B, _H, False, "the contact point is confirmed"),
    _fact("point_bounced", _B, _H, True, "the contact point does not take messages"),
    _fact("point_suppressed", _B, _H, True, "the contact point is on the suppression list"),
    _fact(
        "objected", _B, _H, True,
        "an objection stands to the purpose, one above it, or everything, on the channel or all",
    ),
    _fact(
        "consent_state", _E, _H, 0,
        "the answer for purpose and channel, after expiry and after later answers higher up",
        _STATES,
    ),
    _fact("basis", _E, _S, 0, "the ground in law of the message's purpose", _BASES),
    _fact("stated_age", _I, _H, 0, "years the person is stated to have at least"),
    _fact("minimum_age", _I, _S, 1_000, "years needed, the strictest of purpose and law"),
    _fact("law_allows", _B, _S, False, "no law pack forbids this basis on this kind of channel"),
    _fact(
        "attributes_shared", _B, _H, False,
        "every attribute that the message, its audience or a rule names is shared for the purpose",
    ),
    _fact(
        "attributes_known", _B, _R, False,
        "every attribute that the message, its audience or a rule names has a value of its type",
    ),
    _fact("topics_named", _B, _S, True, "the message names topics"),
    _fact(
        "topic_lowest", _I, _H, -2,
        "the lowest level the person gave any topic of the message or one above it (unset: 0)",
    ),
    _fact(
        "topic_score", _I, _H, 0,
        "sum of weight times level over the message's topics (unset: 0)",
    ),
    _fact("in_audience", _B, _R, False, "the message's audience holds, by the recorded atoms"),
    _fact("message_attempts", _I, _H, _MANY, "attempts of this message for this occasion"),
    _fact("occasion_attempts", _I, _H, _MANY, "attempts of any message for this occasion"),
    _fact("occasion_limit", _I, _S, 0, "most messages a person gets for this occasion"),
    _fact("message_open", _B, _S, False, "the message has opened and has not closed"),
    _fact("message_closes", _A, _S, 0, "when the message closes"),
    _fact("pause_active", _B, _H, True, "a pause on the channel, or on all, has not ended"),
    _fact("pause_until", _A, _H, 0, "when the later of these pauses ends, 0 for none"),
    _fact("cap_7_used", _I, _H, _MANY, "consent-based attempts on the channel in 7 days"),
    _fact("cap_7_most", _I, _H, 0, "most in 7 days, the lower of the brand's and the person's"),
    _fact("cap_30_used", _I, _H, _MANY, "consent-based attempts on the channel in 30 days"),
    _fact("cap_30_most", _I, _H, 0, "most in 30 days, the lower of the brand's and the person's"),
    _fact(
        "cap_free_at", _A, _H, 0,
        "when both caps have room by ageing alone: now if they have, 0 for never",
    ),
    _fact("zone_offset", _I, _R, 0, "minutes of the person's clock ahead of UTC"),
    _fact("minute_of_day", _I, _H, 0, "minute of the person's own day, 0 to 1439"),
    _fact("quiet_from", _I, _H, 0, "minute in which quiet time begins"),
    _fact("quiet_until", _I, _H, 1_440, "minute in which quiet time has ended"),
    _fact("quiet_ends_at", _A, _H, 0, "when the quiet time that runs now ends, 0 for none"),
)  # fmt: skip
"""Every fact of this release, in the published order."""

POSITIONS: Final = {fact.name: position for position, fact in enumerate(FACTS)}
TERMS: Final = tuple(
    Term(name=fact.name, type=fact.type, source=fact.source.value, values=fact.values)
    for fact in FACTS
)
"""The facts as a rulebook states them."""


def first_wrong(values: object, terms: Sequence[Term]) -> str:
    """The name of the first fact that is missing or of another type, "" if there is none.

    None, a boolean for an integer (or the reverse), a number with a fraction and a code that was
    never published are all of another type. Values beyond the last fact are wrong as a whole,
    since nobody can say what they mean: the answer is then `facts`.
    """
    if type(values) is not tuple:
        return "facts"
    for value, term in zip(values, terms, strict=False):
        if type(value) is not (bool if term.type is TermType.BOOLEAN else int):
            return term.name
        if term.type is TermType.ENUM and not 0 <= value < len(term.values):
            return term.name
    if len(values) < len(terms):
        return terms[len(values)].name
    return "facts" if len(values) > len(terms) else ""


def recorded(facts: Facts) -> tuple[int, ...]:
    """*facts* as the journal keeps them, booleans as 0 and 1.

    >>> recorded((True, False, 7))
    (1, 0, 7)
    """
    return tuple([int(value) for value in facts])


def restored(values: Sequence[int], terms: Sequence[Term]) -> Facts:
    """The facts that `recorded` wrote; raises `Damaged` where none can have written *values*.

    A code that was never published is left for the decision to refuse.
    """
    if len(values) != len(terms):
        raise Damaged(f"recorded facts are {len(values)}, their rulebook names {len(terms)}")
    boolean = TermType.BOOLEAN
    facts = tuple(
        [
            value == 1 if term.type is boolean else value
            for value, term in zip(values, terms, strict=True)
        ]
    )
    if facts != tuple(values):
        raise Damaged("recorded facts hold a yes or no that is neither 0 nor 1")
    return facts


def shown(term: Term, value: int) -> str:
    """*value* as people read it: an enum by its published word, a boolean as yes or no."""
    if term.type is TermType.BOOLEAN:
        return "yes" if value else "no"
    return term.values[value] if term.type is TermType.ENUM else str(value)
