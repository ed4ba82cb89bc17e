"""What is asked of the journal, and what it answers: entries in, positions and receipts out."""

from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.errors import Damaged, InputError
from reciprocity.events import Body, Stated, canonical, read_body
from reciprocity.model import Profile

__all__ = [
    "ANY_VERSION",
    "LATEST",
    "SAME_NEW",
    "TAKES_AWAY",
    "Appended",
    "Entry",
    "act_part",
    "encodable",
    "sensitive_in",
]

ANY_VERSION: Final = -1
"""Append whatever the person's version is: for acts that only take away, and for reports."""
SAME_NEW: Final = -2
"""The slot of the person that an earlier entry of the same request made."""

TAKES_AWAY: Final = frozenset(
    {
        "consent.refused",
        "consent.withdrawn",
        "objection.made",
        "contact_point.bounced",
        "contact_point.suppressed",
        "erasure.requested",
        "delivery.delivered",
        "delivery.failed",
        "delivery.cancelled",
        "delivery.unknown",
        "delivery.bounced",
        "delivery.complained",
        "delivery.held",
        "suppression.added",
        "person.erased",
        "operator.acted",
    }
)
"""Kinds taken even when the clock is set back: none of them can let a message leave."""

LATEST: Final = 2**53
"""Instants, like all integers of events, lie below this."""


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """One event to append, with the vault row that goes with it.

    *expect* is the version the writer decided from; the append is refused if history moved on.
    *new* makes a person, found from here on by these digests (none: by the pseudonym alone).
    *index* and *unindex* change what an existing person is found by. Each digest comes with the
    channel whose contact point it is of, or an empty text. *profile* replaces the vault's blob.
    *in_force* names the statement that this event puts into force. *suppress* lists digests that
    are never to be written to again.
    """

    kind: str
    body: Body
    slot: int = -1
    expect: int = ANY_VERSION
    happened_at: int = 0
    act_id: str = ""
    new: tuple[tuple[str, bytes], ...] | None = None
    index: tuple[tuple[str, bytes], ...] = ()
    unindex: tuple[bytes, ...] = ()
    profile: Profile | None = None
    in_force: str = ""
    suppress: tuple[bytes, ...] = ()


class Appended(Struct, frozen=True, kw_only=True, gc=False):
    """Where an entry came to stand; *text*, *salt* and *proof* make a receipt, where asked for.

    *again* says that the act id was known: this is the answer given the first time.
    """

    position: int
    at: int
    slot: int = -1
    version: int = 0
    text: bytes = b""
    salt: bytes = b""
    proof: bytes = b""
    again: bool = False


def act_part(act_id: str, part: int) -> str:
    """The act id of the *part*-th event of one act: the first keeps the id as it was given."""
    return f"{act_id}#{part}" if part else act_id


def encodable(kind: str, body: Body, v: int = 1) -> tuple[bytes, Body]:
    """The JSON of *body*, and the body as whoever reads it later will see it.

    Raises `InputError` if it would not: msgspec checks shapes when it reads, not when a record is
    made, and one body that does not read back would make a whole history unreadable.
    """
    try:
        text = canonical(body)
        return text, read_body(kind, text, v)
    except (Damaged, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"event {kind} cannot be written: {error}") from error


def sensitive_in(statement: Stated) -> frozenset[str]:
    """The attributes that a brand statement calls sensitive; raises `InputError` if it is none."""
    try:
        attributes = msgspec.json.decode(statement.body, type=BrandStatement).attributes
    except msgspec.MsgspecError as error:
        raise InputError(f"brand statement has another shape: {error}") from error
    return frozenset(name for name, each in attributes.items() if each.sensitive)
