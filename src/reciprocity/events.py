"""Every sentence the journal can hold: its kind, its scope and the shape of its body.

An event is canonical JSON (RFC 8785 for our types: ASCII keys, sorted, no floats, integers below
2**53), encoded once and never again. A name, once published here, keeps its meaning for ever: a
body that must change becomes the next *version* of its kind beside the old one. Bodies hold ids,
states, instants and commitments, never an address or an attribute's value: those live in the
vault, where they can be corrected or destroyed without touching history.
"""

from enum import IntEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from reciprocity.errors import Damaged
from reciprocity.model import ConsentState, Id, Instant, Level, Mask, Minute, Place, Whole

__all__ = [
    "KINDS",
    "Act",
    "Attempt",
    "Body",
    "CampaignStated",
    "ConsentRow",
    "Envelope",
    "ErasureDone",
    "Evidence",
    "Held",
    "Kind",
    "LogOpened",
    "LogRestored",
    "Objection",
    "OperatorActed",
    "Outcome",
    "PointSet",
    "Quiet",
    "Scope",
    "Stated",
    "TopicLevel",
    "canonical",
    "encode_event",
    "read_body",
    "read_event",
]


class Scope(IntEnum):
    """Who can open an event; the value is the first byte of its leaf (see `prove/receipt.py`)."""

    PERSONAL = 1
    BRAND = 2
    PUBLIC = 3
    PUBLIC_STORED = 4  # a public body over 16 KB: the leaf holds its hash, the body stands beside


class Body(
    Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=True
):
    """What an event says; unset fields are left out of the JSON.

    A field this release does not know is refused, not passed over: it may be what holds a
    message back. So a field may be added to a kind, and older releases then stop and say so.
    """


# --- what a person wishes, or what is said about them ------------------------------------------


class Evidence(Body, kw_only=True, frozen=True, gc=False):
    """How an import knows of a yes: without *when*, *how* and *text* a grant is `unverified`."""

    when: Instant = 0
    how: str = ""
    text: str = ""


class ConsentRow(Body, kw_only=True, frozen=True, gc=False):
    """One person x purpose x channel answer; *purpose* may be a behaviour, on channel `observe`.

    *until* is the instant a yes ends, stated when it was given. *reason* says why this row is
    here: `asked`, `cascade:PURPOSE`, `import`, ...
    """

    purpose: Id
    channel: Id
    state: ConsentState
    until: Instant = 0
    reason: str = "asked"


class Objection(Body, kw_only=True, frozen=True, gc=False):
    """A GDPR 21 objection (*lifted* takes it back) to a purpose and those below it, or to `*`."""

    purpose: str
    channel: str = "*"
    lifted: bool = False


class TopicLevel(Body, kw_only=True, frozen=True, gc=False):
    """How much a person wants of a topic; *source* is `declared` or `observed:BEHAVIOUR`."""

    level: Level
    source: str = "declared"


class Quiet(Body, kw_only=True, frozen=True, gc=False):
    """The hours of the person's own day in which waiting beats sending (minutes, half-open)."""

    start: Minute
    end: Minute


class PointSet(Body, kw_only=True, frozen=True, gc=False):
    """A contact point came, was confirmed, bounced or left; its value is in the vault.

    *point* is the version of the event that brought it, 0 in that event itself. *commitment* is
    a keyed hash of the value. A new point retires the one before it on the same channel.
    *suppressed* says that its address is on the brand's suppression list.
    """

    channel: Id
    point: int = 0
    commitment: str = ""
    confirmed: bool = False
    bounced: bool = False
    suppressed: bool = False
    retired: bool = False


class Act(Body, kw_only=True, frozen=True, gc=False):
    """What one person, or someone for them, said in one go; every part is optional.

    *caps* maps a channel to the most per 7 and per 30 days (None: no wish). *pauses* maps a
    channel, or `*`, to the instant the pause ends (0 takes it back). *shared* lists, per purpose,
    all attributes now shared for it. *told* names the attributes told, corrected or taken back,
    and *profile* commits to all values that stand then.
    """

    actor: str
    method: str
    place: str = ""
    notice: str = ""
    notice_language: str = ""
    source: str = ""
    evidence: Evidence | None = None
    consent: tuple[ConsentRow, ...] = ()
    objections: tuple[Objection, ...] = ()
    topics: dict[Id, TopicLevel] | None = None
    caps: dict[Id, tuple[int | None, int | None]] | None = None
    quiet: Quiet | None = None
    quiet_unset: bool = False
    pauses: dict[Place, Instant] | None = None
    language: str = ""
    time_zone: str = ""
    points: tuple[PointSet, ...] = ()
    shared: dict[Id, tuple[Id, ...]] | None = None
    told: tuple[Id, ...] = ()
    profile: str = ""
    age_at_least: Annotated[int, Meta(ge=0, le=150)] = 0
    erase_at: Instant = 0


# --- what was sent ------------------------------------------------------------------------------


class Attempt(Body, kw_only=True, frozen=True, gc=False):
    """A message is about to be handed over: all that permitted it, so that a replay can judge it.

    *stated* are the positions of the brand file, rulebook, law packs and campaign in force.
    *facts* are values in the order of that rulebook's facts (booleans as 0 and 1), true at
    *decided_at*. *point* and *consent* are versions of the person's own events (0: none needed).
    *content* is the first 22 characters of the base64url SHA-256 of the canonical JSON of the
    message's [subject, text, html]; the campaign statement that *stated* names holds them whole.
    *counts_until* is when the attempt stops mattering to any cap or limit.
    """

    message: Id
    purpose: Id
    channel: Id
    occasion: str
    content: str
    point: int
    consent: int
    stated: tuple[int, int, int, int]
    facts: tuple[Whole, ...]
    atoms: Mask = 0
    score: Whole = 0
    draw: int = 0
    basis: str = "consent"
    decided_at: Instant
    handover_by: Instant
    counts_until: Instant


class Outcome(Body, kw_only=True, frozen=True, gc=False):
    """What became of an attempt (named by its version); *again* says that it may be tried anew."""

    attempt: int
    reason: str = ""
    again: bool = False


class Held(Body, kw_only=True, frozen=True, gc=False):
    """A message that reached the outbox was held back; noted once for each reason."""

    message: Id
    occasion: str
    reason: str
    until: Instant = 0


# --- what the brand states or does --------------------------------------------------------------


class LogOpened(Body, kw_only=True, frozen=True, gc=False):
    """The first statement of a log: its origin, its verifier key, and the software's version."""

    origin: str
    key: str
    software: str


class LogRestored(Body, kw_only=True, frozen=True, gc=False):
    """The first statement of a new origin after a restore lost the end of the old log.

    *old_checkpoint* is the newest one of the old log that safekeeping knew, signed. Slots below
    *next_slot* may have been given in what was lost, and are given to nobody again.
    """

    origin: str
    key: str
    old_origin: str
    old_size: int
    old_root: str
    old_checkpoint: str = ""
    restored_size: int
    next_slot: int = 0


class Stated(Body, kw_only=True, frozen=True, gc=False):
    """A public body came into force: *name* of what, *hash* and the *body* itself.

    *hash* is the base64url SHA-256 of the canonical JSON of [name, "", body as text]. Who put it
    into force is an `operator.acted` of the same act, under the brand's key: the log is public.
    """

    name: str
    hash: str
    body: msgspec.Raw


class CampaignStated(Body, kw_only=True, frozen=True, gc=False):
    """A campaign came into force (under the brand's key until it is released) or was planned."""

    campaign: Id
    actor: str
    stated: tuple[int, int, int] = (0, 0, 0)
    body: msgspec.Raw = msgspec.Raw(b"null")


class OperatorActed(Body, kw_only=True, frozen=True, gc=False):
    """An operator looked at, exported, suppressed or signed something; *detail* says what."""

    actor: str
    act: str
    detail: msgspec.Raw = msgspec.Raw(b"null")


class ErasureDone(Body, kw_only=True, frozen=True, gc=False):
    """A person's keys are destroyed; the slot stays, with its count of events and chain head.

    *asked_by* is who asked for it. *deliveries* counts what had left to them, *breaches* are the
    kinds of what a replay found wrong with it, one for each, *near_misses* and *delays* (ms from
    each withdrawal to the last possible send) what it found besides: afterwards nobody can.
    """

    slot: int
    version: int
    head: str
    requested_at: Instant
    asked_by: str = ""
    deliveries: int = 0
    breaches: tuple[str, ...] = ()
    near_misses: int = 0
    delays: tuple[int, ...] = ()


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
    ("campaign.stated", 1): Kind(_B, CampaignStated, "a campaign came into force"),
    ("campaign.planned", 1): Kind(_B, CampaignStated, "a plan was made: versions and counts"),
    ("operator.acted", 1): Kind(_B, OperatorActed, "an operator looked, exported or signed"),
    ("suppression.added", 1): Kind(_B, OperatorActed, "an address is never to be written to"),
    ("gap.signed", 1): Kind(_B, OperatorActed, "an operator signs: no withdrawal was lost"),
    ("person.erased", 1): Kind(_B, ErasureDone, "a person's keys are destroyed"),
    ("log.opened", 1): Kind(_C, LogOpened, "a log begins"),
    ("log.restored", 1): Kind(_C, LogRestored, "a new origin after a restore lost events"),
    ("brand.applied", 1): Kind(_C, Stated, "a brand file came into force"),
    ("rulebook.applied", 1): Kind(_C, Stated, "a rulebook came into force"),
    ("laws.applied", 1): Kind(_C, Stated, "law packs came into force"),
    ("notice.published", 1): Kind(_C, Stated, "a notice can be shown from here on"),
    ("audit.published", 1): Kind(_C, Stated, "the result of a replay"),
}
"""Every kind and version there is; `docs/reference/events.md` is tested to list them all."""

_encoder: Final = msgspec.json.Encoder(order="sorted")
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


def canonical(value: object) -> bytes:
    """The one JSON text of *value*: sorted keys, no spaces (RFC 8785 for our types).

    >>> canonical({"b": 1, "a": ("x", None)})
    b'{"a":["x",null],"b":1}'
    """
    return _encoder.encode(value)


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
