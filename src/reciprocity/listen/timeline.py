"""The timeline: every event of a person as plain sentences, each a code and its parameters.

Nothing is left out and nothing added: an entry for each event, newest first, found again in the
person's proof by its position. Codes are published names; the pages hold the words.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reciprocity.events import Act, Attempt, AuditPublished, Feedback, Held, Outcome
from reciprocity.listen.deliveries import Became, Followed, Step
from reciprocity.listen.items import Named, speaker
from reciprocity.listen.messages import Spoken
from reciprocity.listen.sayings import Code, Sentence, sayings
from reciprocity.model import Instant

if TYPE_CHECKING:
    from reciprocity.journal.leaf import Told

__all__ = ["CODES", "Entry", "Group", "timeline"]


class Group(StrEnum):
    """What a reader filters by.

    `shared` is kept for data that leaves for a processor, which no event tells of yet; what the
    person shares themselves is a choice.
    """

    CHOICE = "choice"
    SENT = "sent"
    HELD = "held"
    SHARED = "shared"
    PROOF = "proof"
    OTHER = "other"


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event: where it stands, and what it says.

    *sentences* has at least one: of an act the head says what kind of act it is and who said it,
    each further one a part of it. *happened_at* is the source's word for when, *at* when it was
    recorded. An entry of the group `proof` is about all people, every other about this person.
    """

    position: int
    at: Instant
    happened_at: Instant
    kind: str
    group: Group
    sentences: tuple[Sentence, ...]


_CHOICE, _SENT, _HELD, _OTHER = Group.CHOICE, Group.SENT, Group.HELD, Group.OTHER

CODES: Final[dict[str, tuple[Group, Code]]] = {
    "person.imported": (_OTHER, Code.IMPORT_SPOKE),
    "person.registered": (_OTHER, Code.BECAME_KNOWN),
    "consent.requested": (_CHOICE, Code.YES_TO_CONFIRM),
    "consent.confirmed": (_CHOICE, Code.CONFIRMED),
    "consent.granted": (_CHOICE, Code.SAID_YES),
    "consent.refused": (_CHOICE, Code.SAID_NO),
    "consent.withdrawn": (_CHOICE, Code.TOOK_BACK),
    "objection.made": (_CHOICE, Code.OBJECTED),
    "objection.lifted": (_CHOICE, Code.LIFTED_OBJECTION),
    "preferences.set": (_CHOICE, Code.SET_PREFERENCES),
    "profile.set": (_CHOICE, Code.SET_PROFILE),
    "contact_point.set": (_OTHER, Code.SET_CONTACT_POINT),
    "contact_point.bounced": (_OTHER, Code.CONTACT_POINT_BOUNCED),
    "contact_point.suppressed": (_OTHER, Code.CONTACT_POINT_SUPPRESSED),
    "age.stated": (_CHOICE, Code.STATED_AGE),
    "erasure.requested": (_CHOICE, Code.ASKED_ERASURE),
    "erasure.undone": (_CHOICE, Code.UNDID_ERASURE),
    "delivery.attempted": (_SENT, Code.SENDING),
    "delivery.delivered": (_SENT, Code.WAS_DELIVERED),
    "delivery.failed": (_SENT, Code.WAS_NOT_TAKEN),
    "delivery.cancelled": (_HELD, Code.WAS_STOPPED),
    "delivery.unknown": (_SENT, Code.IS_UNKNOWN),
    "delivery.bounced": (_SENT, Code.WAS_RETURNED),
    "delivery.complained": (_SENT, Code.WAS_UNWANTED),
    "delivery.held": (_HELD, Code.HELD_BACK),
    "feedback.given": (_CHOICE, Code.FOUND_USEFUL),
}
"""By kind: the group of an event about one person, and the code of its head."""

_ATTEMPTS: Final = {
    Became.OPEN: Code.SENDING,
    Became.DELIVERED: Code.SENT,
    Became.UNKNOWN: Code.PERHAPS_SENT,
    Became.FAILED: Code.NOT_SENT,
    Became.CANCELLED: Code.STOPPED_AT_DOOR,
    Became.BOUNCED: Code.SENT_CAME_BACK,
    Became.COMPLAINED: Code.SENT_UNWANTED,
}
"""An attempt is told by what became of it: one that was stopped was never sent."""


def timeline(read: Followed, audits: Iterable["Told"] = ()) -> tuple[Entry, ...]:
    """All that the journal has about one person, newest first.

    *audits* are the `audit.published` events, of which those appear that cover something of the
    history *read*.
    """
    first = read.steps[0].told.position
    entries = [_entry(step, read) for step in read.steps]
    entries += [
        _audit(told, told.body)
        for told in audits
        if isinstance(told.body, AuditPublished) and told.body.size > first
    ]
    return tuple(sorted(entries, key=lambda entry: -entry.position))


def _entry(step: Step, read: Followed) -> Entry:
    told, body = step.told, step.told.body
    group, code = CODES[told.kind]
    if isinstance(body, Act):
        return _told(told, group, (_head(told, body, code), *sayings(step)))
    tell: dict[type, Callable[[Step, Followed], Sentence]] = {
        Attempt: _attempt,
        Outcome: _outcome,
        Held: _held,
        Feedback: _feedback,
    }
    sentence = tell[type(body)](step, read)
    if sentence.code is Code.STOPPED_AT_DOOR:
        group = Group.HELD
    return _told(told, group, (sentence,))


def _told(told: "Told", group: Group, sentences: tuple[Sentence, ...]) -> Entry:
    return Entry(
        position=told.position,
        at=told.at,
        happened_at=told.happened_at,
        kind=told.kind,
        group=group,
        sentences=sentences,
    )


def _head(told: "Told", act: Act, code: Code) -> Sentence:
    """What kind of act it was, whose, and how and where it was said; never which operator.

    *evidenced_at* is when an import says that the person said it.
    """
    said: dict[str, Named] = {"by": str(speaker(told.kind, act)), "method": act.method}
    for name in ("place", "notice", "notice_language", "source"):
        if value := getattr(act, name):
            said[name] = value
    if act.evidence is not None and act.evidence.when:
        said["evidenced_at"] = act.evidence.when
    return Sentence(code=code, said=said)


def _attempt(step: Step, read: Followed) -> Sentence:
    delivery = read.sent[step.told.version]
    said = _named(delivery.message)
    said["purpose"], said["basis"] = delivery.message.purpose, delivery.basis
    reasons = {"topics": delivery.topics, "behaviours": delivery.behaviours}
    uses = {str(use): names for use, names in delivery.message.uses.items()}
    said.update({name: names for name, names in (reasons | uses).items() if names})
    return Sentence(code=_ATTEMPTS[delivery.became], said=said)


def _outcome(step: Step, read: Followed) -> Sentence:
    told, body = step.told, step.told.body
    said: dict[str, Named] = {}
    if isinstance(body, Outcome):
        delivery = read.sent.get(body.attempt)
        said = {**_named(delivery.message), "attempt": delivery.position} if delivery else {}
        said |= {"reason": body.reason} if body.reason else {}
        said |= {"again": True} if body.again else {}
    return Sentence(code=CODES[told.kind][1], said=said)


def _feedback(step: Step, read: Followed) -> Sentence:
    body = step.told.body
    useful = isinstance(body, Feedback) and body.useful
    delivery = read.sent.get(body.attempt) if isinstance(body, Feedback) else None
    said = {**_named(delivery.message), "attempt": delivery.position} if delivery else {}
    return Sentence(code=Code.FOUND_USEFUL if useful else Code.NOT_FOR_ME, said=said)


def _held(step: Step, read: Followed) -> Sentence:
    held = read.held[step.told.version]
    said: dict[str, Named] = {**_named(held.message), "reason": held.reason}
    if held.until:
        said["until"] = held.until
    if held.came >= 0:
        said["came"] = held.came
    return Sentence(code=Code.WAITED if held.until else Code.HELD_BACK, said=said)


def _named(message: Spoken) -> dict[str, Named]:
    names = ("campaign", "message", "channel", "title", "subject")
    found = ((name, getattr(message, name)) for name in names)
    return {name: value for name, value in found if value}


def _audit(told: "Told", body: AuditPublished) -> Entry:
    """An audit of everybody: how far it saw, and what it found in all."""
    said: dict[str, Named] = {
        "number": body.number,
        "mode": body.mode,
        "since": body.since,
        "size": body.size,
        "deliveries": body.deliveries,
        "breaches": sum(body.breaches.values()),
        "near_misses": body.near_misses,
    }
    return _told(told, Group.PROOF, (Sentence(code=Code.AUDITED, said=said),))
