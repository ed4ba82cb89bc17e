"""Every kind there is, and the text of an event: written once, read back in its exact shape."""

from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.errors import Damaged
from reciprocity.events.audited import AuditPublished, ScorecardPublished
from reciprocity.events.body import Body, Scope
from reciprocity.events.challenged import ChallengeAnswered, ChallengeBegun
from reciprocity.events.sent import Attempt, Feedback, Held, Outcome
from reciprocity.events.stated import (
    CampaignStated,
    Epoch,
    ErasureDone,
    LogKeyChanged,
    LogOpened,
    LogRestored,
    OperatorActed,
    Stated,
)
from reciprocity.events.wishes import Act
from reciprocity.model import Instant

__all__ = ["KINDS", "Envelope", "Kind", "encode_event", "read_body", "read_event"]


class Kind(Struct, frozen=True):
    """A published kind: its scope, the type of its body, and what it means in one line."""

    scope: Scope
    body: type[Body]
    meaning: str


_P, _B, _C = Scope.PERSONAL, Scope.BRAND, Scope.PUBLIC

KINDS: Final[dict[tuple[str, int], Kind]] = {
    ("person.imported", 1): Kind(_P, Act, "an import spoke of this person"),
    ("person.registered", 1): Kind(_P, Act, "a person became known without being asked anything"),
    ("consent.requested", 1): Kind(_P, Act, "a yes was given that still needs confirming"),
    ("consent.confirmed", 1): Kind(_P, Act, "a pending yes was confirmed"),
    ("consent.granted", 1): Kind(_P, Act, "yes"),
    ("consent.refused", 1): Kind(_P, Act, "no"),
    ("consent.withdrawn", 1): Kind(_P, Act, "a yes was taken back"),
    ("objection.made", 1): Kind(_P, Act, "an objection to use was made (GDPR 21)"),
    ("objection.lifted", 1): Kind(_P, Act, "an objection was taken back by the person"),
    ("preferences.set", 1): Kind(_P, Act, "topics, caps, quiet time, pause, language or zone"),
    ("profile.set", 1): Kind(_P, Act, "attributes were told, corrected, shared or unshared"),
    ("contact_point.set", 1): Kind(_P, Act, "a contact point came, was confirmed or left"),
    ("contact_point.bounced", 1): Kind(_P, Act, "a contact point does not take mail"),
    ("contact_point.suppressed", 1): Kind(_P, Act, "a contact point is on the suppression list"),
    ("age.stated", 1): Kind(_P, Act, "the person states to be of at least an age"),
    ("erasure.requested", 1): Kind(_P, Act, "the person asked to be erased: nothing is sent"),
    ("erasure.undone", 1): Kind(_P, Act, "the request to be erased was taken back in time"),
    ("delivery.attempted", 1): Kind(_P, Attempt, "a message is handed over from here on"),
    ("delivery.delivered", 1): Kind(_P, Outcome, "the next system took the message"),
    ("delivery.failed", 1): Kind(_P, Outcome, "the next system did not take the message"),
    ("delivery.cancelled", 1): Kind(_P, Outcome, "stopped at the door: history moved on"),
    ("delivery.unknown", 1): Kind(_P, Outcome, "nobody can say whether it was handed over"),
    ("delivery.bounced", 1): Kind(_P, Outcome, "it came back later"),
    ("delivery.complained", 1): Kind(_P, Outcome, "the person called it unwanted"),
    ("delivery.held", 1): Kind(_P, Held, "held back in the outbox, and why"),
    ("feedback.given", 1): Kind(_P, Feedback, "the person said of a message if it was useful"),
    ("campaign.stated", 1): Kind(_B, CampaignStated, "a campaign came into force"),
    ("campaign.planned", 1): Kind(_B, CampaignStated, "a plan was made: versions and counts"),
    ("operator.acted", 1): Kind(_B, OperatorActed, "an operator looked, exported or signed"),
    ("suppression.added", 1): Kind(_B, OperatorActed, "an address is never to be written to"),
    ("gap.signed", 1): Kind(_B, OperatorActed, "an operator signs: no withdrawal was lost"),
    ("person.erased", 1): Kind(_B, ErasureDone, "a person's keys are destroyed"),
    ("log.opened", 1): Kind(_C, LogOpened, "a log begins"),
    ("log.restored", 1): Kind(_C, LogRestored, "a new origin after a restore lost events"),
    ("log.key_changed", 1): Kind(_C, LogKeyChanged, "the log signs with another key from here on"),
    ("epoch.published", 1): Kind(_C, Epoch, "how many events each person has, committed to"),
    ("challenge.begun", 1): Kind(_C, ChallengeBegun, "an auditor will draw people to look at"),
    ("challenge.answered", 1): Kind(_C, ChallengeAnswered, "the people drawn were opened"),
    ("brand.applied", 1): Kind(_C, Stated, "a brand file came into force"),
    ("rulebook.applied", 1): Kind(_C, Stated, "a rulebook came into force"),
    ("laws.applied", 1): Kind(_C, Stated, "law packs came into force"),
    ("notice.published", 1): Kind(_C, Stated, "a notice can be shown from here on"),
    ("audit.published", 1): Kind(_C, Stated, "the result of a replay; was never written"),
    ("audit.published", 2): Kind(_C, AuditPublished, "the result of a replay"),
    ("scorecard.published", 1): Kind(_C, ScorecardPublished, "how the brand's promises stand"),
}
"""Every kind and version there is; `docs/reference/events.md` is tested to list them all."""

_decoders: Final = {key: msgspec.json.Decoder(kind.body) for key, kind in KINDS.items()}


class Envelope(
    Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=True
):
    """An event as it is sealed: *at* is `recorded_at`, *v* the kind's version."""

    at: Instant
    body: msgspec.Raw
    happened_at: Instant
    kind: str
    slot: int = -1
    v: int
    version: int = 0


_envelope_decoder: Final = msgspec.json.Decoder(Envelope)


def encode_event(
    kind: str,
    body: bytes,
    at: int,
    happened_at: int,
    *,
    slot: int = -1,
    version: int = 0,
    v: int = 1,
) -> bytes:
    """The canonical JSON of an event whose *body* is canonical already.

    Written by hand because this is the hottest line of the journal; a test demands that it equals
    `canonical(Envelope(...))`. Brand and public events have neither slot nor version.

    >>> encode_event("log.opened", b"{}", at=5, happened_at=5)
    b'{"at":5,"body":{},"happened_at":5,"kind":"log.opened","v":1}'
    """
    if version:
        return b'{"at":%d,"body":%b,"happened_at":%d,"kind":"%b","slot":%d,"v":%d,"version":%d}' % (
            at, body, happened_at, kind.encode(), slot, v, version,
        )  # fmt: skip
    return b'{"at":%d,"body":%b,"happened_at":%d,"kind":"%b","v":%d}' % (
        at, body, happened_at, kind.encode(), v,
    )  # fmt: skip


def read_event(text: bytes) -> Envelope:
    """The envelope of an event's JSON; raises `Damaged` if it is none."""
    try:
        return _envelope_decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise Damaged(f"event text is not an event: {error}") from error


def read_body(kind: str, body: bytes | msgspec.Raw, v: int = 1) -> Body:
    """The body of an event of *kind*; raises `Damaged` for a kind or shape never published."""
    try:
        return _decoders[kind, v].decode(body)
    except KeyError:
        raise Damaged(
            f"event kind {kind!r} version {v} is not known here: "
            "it was written by a newer release; upgrade before reading this journal"
        ) from None
    except msgspec.MsgspecError as error:
        raise Damaged(f"event body of {kind} has another shape: {error}") from error
