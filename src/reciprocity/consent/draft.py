"""The act that says what a person asked for: complete, checked, ready to be appended.

Each function returns (kind, act). A draft lists every answer it hits, because the event must be
readable without the brand file of its day: a withdrawal names each purpose below, a grant only
what was asked. Drafts that give refuse what the brand does not declare; those that take away
refuse only a name that is neither declared nor stands in the person's own answers.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reciprocity.brand import BrandStatement, LawPack, ancestors, descendants
from reciprocity.consent.laws import DAY_MS, OPERATOR, PERSON
from reciprocity.consent.state import Answer, Wishes
from reciprocity.errors import InputError
from reciprocity.events import Act, ConsentRow, Objection, PointSet
from reciprocity.model import ANYWHERE, EVERYTHING, OBSERVE, WEB, Basis, ConsentState, Instant

__all__ = [
    "REQUEST_DAYS",
    "Drafted",
    "Saying",
    "confirm",
    "grant",
    "lift",
    "object_to",
    "raise_problems",
    "refuse",
    "request",
    "said_by",
    "validity_days",
    "waiting",
    "withdraw",
    "withdraw_all",
    "withdrawn_rows",
]

REQUEST_DAYS: Final = 7
"""How long a yes waits to be confirmed."""

Drafted = tuple[str, Act]
"""The kind of an event and its body."""


class Saying(Struct, frozen=True, kw_only=True):
    """In whose name something is said, how, where and when, and under which statements.

    *actor* is `person` or `operator:ID`; *method* how it was said (`preference_page`, `phone`,
    ...); *notice* the id of the text that was shown, in *notice_language*.
    """

    brand: BrandStatement
    laws: tuple[LawPack, ...]
    actor: str
    method: str
    at: Instant
    place: str = ""
    notice: str = ""
    notice_language: str = ""
    source: str = ""


def grant(saying: Saying, purposes: Sequence[str], channels: Sequence[str] = ()) -> Drafted:
    """A yes to *purposes* (or behaviours), on *channels* or on all that each is declared for.

    Each yes ends after the brand's validity, or the shortest that a law pack allows. Nothing
    above or below is granted with it. A yes to be met on a site is also what the site knows the
    person by: its contact point there. A purpose that wants confirming (`confirm`) is drafted by
    `request` unless the person is known to hold the contact point: the caller knows.
    """
    problems = _speaker(saying)
    pairs = _askable(saying.brand, purposes, channels, problems)
    raise_problems(problems)
    points = _met(saying.brand, pairs)
    return "consent.granted", said_by(saying, consent=_given(saying, pairs), points=points)


def request(saying: Saying, purposes: Sequence[str], channels: Sequence[str] = ()) -> Drafted:
    """A yes that waits `REQUEST_DAYS` to be confirmed; until then it changes no answer."""
    problems = _speaker(saying)
    pairs = _askable(saying.brand, purposes, channels, problems)
    raise_problems(problems)
    until = saying.at + REQUEST_DAYS * DAY_MS
    rows = tuple(
        ConsentRow(purpose=purpose, channel=channel, state=ConsentState.PENDING, until=until)
        for purpose, channel in pairs
    )
    return "consent.requested", said_by(saying, consent=rows)


def waiting(wishes: Wishes, at: int, before: int | None = None) -> dict[str, Answer]:
    """The requests that wait in *wishes* at *at*, by `PURPOSE/CHANNEL`.

    With *before*, those alone that were made by events before that version of the person's.
    """
    return {
        key: answer
        for answers in (wishes.answers, wishes.requests)
        for key, answer in answers.items()
        if answer.state is ConsentState.PENDING
        and answer.until > at
        and (before is None or answer.version < before)
    }


def confirm(
    saying: Saying,
    wishes: Wishes,
    purposes: Sequence[str] = (),
    channels: Sequence[str] = (),
    before: int | None = None,
) -> Drafted:
    """The confirmation of the requests that wait in *wishes* (all, or those named).

    With *before* only of those that were made before that version: a mail confirms what was asked
    when it was sent, and nothing that somebody asked for since.

    Raises `InputError` if none of them waits any more: the person is to be asked anew.
    """
    problems = _speaker(saying)
    asked = [key.rsplit("/", 1) for key in waiting(wishes, saying.at, before)]
    pairs = [
        (purpose, channel)
        for purpose, channel in asked
        if (not purposes or purpose in purposes)
        and (not channels or channel in channels)
        and _consent_based(saying.brand, purpose)
    ]
    if not pairs:
        problems.append("request to confirm is not there or has run out: ask the person anew")
    raise_problems(problems)
    points = _met(saying.brand, pairs)
    return "consent.confirmed", said_by(saying, consent=_given(saying, pairs), points=points)


def refuse(saying: Saying, purposes: Sequence[str], channels: Sequence[str] = ()) -> Drafted:
    """A no to what was asked, and to nothing else.

    Answers below keep their rows; a decision holds a later no above them against them all the
    same.
    """
    problems: list[str] = []
    pairs = _askable(saying.brand, purposes, channels, problems)
    raise_problems(problems)
    rows = tuple(
        ConsentRow(purpose=purpose, channel=channel, state=ConsentState.REFUSED)
        for purpose, channel in pairs
    )
    return "consent.refused", said_by(saying, consent=rows)


# --- taking away --------------------------------------------------------------------------------


def withdraw(
    saying: Saying, wishes: Wishes, purposes: Sequence[str] = (), channels: Sequence[str] = ()
) -> Drafted:
    """A yes taken back, for *purposes* and all below them, on *channels*; default everything."""
    problems = _unknown(saying.brand, wishes, purposes, channels)
    rows = withdrawn_rows(saying.brand, wishes, purposes, channels)
    if not rows and not problems:
        problems.append("withdrawal hits nothing: these purposes are not used on these channels")
    raise_problems(problems)
    return "consent.withdrawn", said_by(saying, consent=rows)


def withdraw_all(saying: Saying, wishes: Wishes, purpose: str, channel: str) -> Drafted:
    """One click in a message of *purpose* on *channel*: the whole tree that holds the purpose.

    Everything consent-based from the root of its tree down, on that channel, behaviours and
    other channels not. A purpose that the brand no longer declares, or a tree in which nothing
    rests on consent, takes every purpose on the channel along. Never refused.
    """
    root = (purpose, *ancestors(saying.brand, purpose))[-1]
    tree = (root,) if root in saying.brand.purposes else ()
    rows = withdrawn_rows(saying.brand, wishes, tree, (channel,))
    rows = rows or withdrawn_rows(saying.brand, wishes, (), (channel,))
    if all(row.purpose != purpose for row in rows) and _consent_based(saying.brand, purpose):
        rows = (_withdrawn(purpose, channel, "asked"), *rows)
    return "consent.withdrawn", said_by(saying, consent=rows)


def withdrawn_rows(
    brand: BrandStatement, wishes: Wishes, purposes: Sequence[str], channels: Sequence[str]
) -> tuple[ConsentRow, ...]:
    """Every answer that a withdrawal hits: what was named, and each purpose below, with why.

    *purposes* empty means all, behaviours included; *channels* empty means all. A purpose is hit
    on the channels it is declared for and on those where the person ever answered. Purposes
    that do not rest on consent are not hit.
    """
    answered = {tuple(key.rsplit("/", 1)) for key in (*wishes.answers, *wishes.requests)}
    asked = tuple(purposes) or (
        *brand.purposes,
        *brand.behaviours,
        *sorted({purpose for purpose, _ in answered}),
    )
    reasons = dict.fromkeys(asked, "asked")
    for purpose in asked:
        for each in descendants(brand, purpose):
            reasons.setdefault(each, f"cascade:{purpose}")
    return tuple(
        _withdrawn(purpose, channel, reason)
        for purpose, reason in reasons.items()
        if _consent_based(brand, purpose)
        for channel in _used(brand, purpose, answered)
        if not channels or channel in channels
    )


def object_to(
    saying: Saying, purposes: Sequence[str] = (EVERYTHING,), channels: Sequence[str] = (ANYWHERE,)
) -> Drafted:
    """An objection to use (GDPR 21) for *purposes* and those below them, on *channels*."""
    wild = (EVERYTHING, ANYWHERE)
    named = [purpose for purpose in purposes if purpose not in wild]
    on = [channel for channel in channels if channel not in wild]
    raise_problems(_unknown(saying.brand, Wishes(), named, on))
    told = tuple(
        Objection(purpose=purpose, channel=channel) for purpose in purposes for channel in channels
    )
    return "objection.made", said_by(saying, objections=told)


def lift(
    saying: Saying, wishes: Wishes, purposes: Sequence[str] = (), channels: Sequence[str] = ()
) -> Drafted:
    """Objections taken back: those that stand, or of them those named exactly.

    What the person objected to themselves, only they can take back: an operator who tries is
    refused here, and the fold would not heed them.
    """
    problems = _speaker(saying)
    lifted = []
    for key, (_, by_person) in wishes.objections.items():
        purpose, channel = key.rsplit("/", 1)
        if (purposes and purpose not in purposes) or (channels and channel not in channels):
            continue
        if by_person and saying.actor.startswith(OPERATOR):
            problems.append(
                f"objection {key} was made by the person: only they can take it back, "
                "on their own page"
            )
        lifted.append(Objection(purpose=purpose, channel=channel, lifted=True))
    if not lifted:
        problems.append("objection to lift is not there: see what stands with `person show`")
    raise_problems(problems)
    return "objection.lifted", said_by(saying, objections=tuple(lifted))


# --- shared ---------------------------------------------------------------------------------------


def said_by(saying: Saying, **parts: object) -> Act:
    """An act in the name of *saying* with these *parts*."""
    act = Act(
        actor=saying.actor,
        method=saying.method,
        place=saying.place,
        notice=saying.notice,
        notice_language=saying.notice_language,
        source=saying.source,
    )
    return replace(act, **parts)


def validity_days(brand: BrandStatement, laws: Iterable[LawPack], purpose: str) -> int:
    """How long a yes to *purpose*, or to a behaviour, holds: the brand's word, the law's at most.

    0 for what the brand does not declare.
    """
    declared = brand.purposes.get(purpose) or brand.behaviours.get(purpose)
    if declared is None:
        return 0
    return min([declared.validity_days, *(law.maximum_validity_days for law in laws)])


def raise_problems(problems: Sequence[str]) -> None:
    """Raise one `InputError` that lists them all, if there are any."""
    if problems:
        raise InputError(problems[0], tuple(problems))


def _given(saying: Saying, pairs: Iterable[tuple[str, str]]) -> tuple[ConsentRow, ...]:
    return tuple(
        ConsentRow(
            purpose=purpose,
            channel=channel,
            state=ConsentState.GIVEN,
            until=saying.at + validity_days(saying.brand, saying.laws, purpose) * DAY_MS,
        )
        for purpose, channel in pairs
    )


def _met(brand: BrandStatement, pairs: Iterable[tuple[str, str]]) -> tuple[PointSet, ...]:
    """The sites among the channels of *pairs*: a yes to be met there is all that they need."""
    channels = sorted({channel for _, channel in pairs} & brand.channels.keys())
    sites = [channel for channel in channels if brand.channels[channel].kind == WEB]
    return tuple(PointSet(channel=channel, confirmed=True) for channel in sites)


def _withdrawn(purpose: str, channel: str, reason: str) -> ConsentRow:
    return ConsentRow(purpose=purpose, channel=channel, state=ConsentState.WITHDRAWN, reason=reason)


def _speaker(saying: Saying) -> list[str]:
    if saying.actor == PERSON or saying.actor.startswith(OPERATOR):
        return []
    return [f"actor is {saying.actor!r}: only {PERSON!r} or '{OPERATOR}ID' can give something"]


def _consent_based(brand: BrandStatement, purpose: str) -> bool:
    declared = brand.purposes.get(purpose)
    return declared is None or declared.basis is Basis.CONSENT


def _channels(brand: BrandStatement, purpose: str) -> tuple[str, ...]:
    if purpose in brand.behaviours:
        return (OBSERVE,)
    declared = brand.purposes.get(purpose)
    return declared.channels if declared is not None else ()


def _used(brand: BrandStatement, purpose: str, answered: set[tuple[str, ...]]) -> list[str]:
    also = sorted(channel for name, channel in answered if name == purpose)
    return list(dict.fromkeys((*_channels(brand, purpose), *also)))


def _askable(
    brand: BrandStatement, purposes: Sequence[str], channels: Sequence[str], problems: list[str]
) -> list[tuple[str, str]]:
    """The purpose x channel pairs that may be asked about; what may not goes to *problems*."""
    pairs = []
    if not purposes:
        problems.append("purpose is missing: name at least one")
    for purpose in dict.fromkeys(purposes):
        on = _channels(brand, purpose)
        if purpose not in brand.purposes and purpose not in brand.behaviours:
            problems.append(f"purpose {purpose!r} is not declared: the brand file lists them")
        elif not _consent_based(brand, purpose):
            problems.append(f"purpose {purpose!r} does not rest on consent: nobody is asked for it")
        elif not on:
            problems.append(f"purpose {purpose!r} has no channels: add them in the brand file")
        else:
            used = [channel for channel in on if not channels or channel in channels]
            if not used:
                problems.append(f"purpose {purpose!r} is used only on {', '.join(on)}")
            pairs += [(purpose, channel) for channel in used]
    problems += [
        f"channel {channel!r} is not declared: the brand file lists them"
        for channel in dict.fromkeys(channels)
        if channel not in brand.channels and channel != OBSERVE
    ]
    return pairs


def _unknown(
    brand: BrandStatement, wishes: Wishes, purposes: Sequence[str], channels: Sequence[str]
) -> list[str]:
    answered = [key.rsplit("/", 1) for key in (*wishes.answers, *wishes.requests)]
    known = {*brand.purposes, *brand.behaviours, *(purpose for purpose, _ in answered)}
    on = {*brand.channels, OBSERVE, *(channel for _, channel in answered)}
    return [
        *(f"purpose {each!r} is not declared: the brand file lists them"
          for each in purposes if each not in known),
        *(f"channel {each!r} is not declared: the brand file lists them"
          for each in channels if each not in on),
    ]  # fmt: skip
