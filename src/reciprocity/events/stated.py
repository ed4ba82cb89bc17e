"""What the brand states or does: public statements, and what is kept under the brand's key."""

import msgspec

from reciprocity.events.audited import Counted
from reciprocity.events.body import Body
from reciprocity.model import Id, Instant

__all__ = [
    "CampaignStated",
    "Epoch",
    "ErasureDone",
    "LogKeyChanged",
    "LogOpened",
    "LogRestored",
    "OperatorActed",
    "Stated",
]


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


class LogKeyChanged(Body, kw_only=True, frozen=True, gc=False):
    """The log signs with *new_key* from here on; the checkpoint that holds this is signed by both.

    Both signatures (base64, Ed25519) are over the text `reciprocity log key change`, origin, old
    and new verifier key, a line each: whoever trusts the old key may follow to the new one.
    """

    origin: str
    old_key: str
    new_key: str
    old_signature: str
    new_signature: str


class Epoch(Body, kw_only=True, frozen=True, gc=False):
    """How many events each person has, committed to at once (docs/reference/proof-formats.md).

    Covers the events at positions below *size*. *root* (hex) is that of an RFC 6962 tree over all
    *slots*, each leaf holding a slot's count and chain head, blinded; *sum_n* is the sum of the
    counts, which is the number of personal leaves below *size*.
    """

    number: int
    size: int
    slots: int
    root: str
    sum_n: int


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
    *counted* is how much of that the last published audit knew of; None where nothing tells.
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
    counted: Counted | None = None
