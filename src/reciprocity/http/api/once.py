"""A write is done once, however often it is sent: the journal itself is what remembers it.

The act id is made of the API key's name and the `Idempotency-Key`, so a retry after a lost answer,
or after a crash between the append and the answer, finds the act that was written. A mark of what
was asked stands in the sealed event, so that a key used for something else is told from a retry. So
nothing is kept beside the journal, nothing expires, and two servers of one brand agree. With the
person's history the memory ends: an erased person's writes are not known any more.
"""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from reciprocity.events import Act
from reciprocity.http.problem import Kind, Refusal
from reciprocity.journal.entry import act_part
from reciprocity.platform import Reciprocity

if TYPE_CHECKING:
    from reciprocity.journal.journal import Journal
    from reciprocity.journal.leaf import Told

__all__ = ["Written", "act_id_of", "mark_of", "written_before"]

_KEY: Final = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,200})"|([\x21\x23-\x7e]{1,200})')
"""A structured header's string, as the IETF draft has it, or the same without quotes."""
_MARK_CHARACTERS: Final = 22
_NAMESPACE: Final = "request"
_MOST_PARTS: Final = 8


class Written(Struct, frozen=True, kw_only=True):
    """An event that was written for a request."""

    kind: str
    slot: int
    position: int
    version: int
    at: int


def act_id_of(program: str, header: str) -> str:
    """The act id of a write by the API key *program*; `Refusal` for a header that names none.

    >>> act_id_of("till", '"a"') == act_id_of("till", "a") != act_id_of("desk", "a")
    True
    """
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise Refusal(Kind.NO_IDEMPOTENCY_KEY)
    named = f"{program}/{found[1] or found[2]}"
    return f"api/{sha256(named.encode()).hexdigest()}"


def mark_of(journal: "Journal", what: str, whom: int, said: object) -> str:
    """What tells one request from another: *said* of the person in slot *whom*, by a keyed hash.

    Keyed by the brand's own key, since a request may hold an address: whoever reads the event, or
    its receipt, must not be able to try addresses against it.
    """
    text = msgspec.json.encode([what, whom, said], order="sorted").decode()
    digest = urlsafe_b64encode(journal.digest(_NAMESPACE, text)).decode()
    return f"api:{digest[:_MARK_CHARACTERS]}"


def written_before(shop: Reciprocity, act_id: str, mark: str) -> list[Written]:
    """What was written for *act_id*; nothing, if it is new. `Refusal` if it was another request."""
    found: list[Told] = []
    with shop.journal.reading() as reader:
        for part in range(_MOST_PARTS):
            told = reader.acted(act_part(act_id, part))
            if told is None:
                break
            found.append(told)
    if any(not isinstance(told.body, Act) or told.body.source != mark for told in found):
        raise Refusal(Kind.KEY_REUSED)
    return [
        Written(
            kind=told.kind, slot=told.slot, position=told.position, version=told.version, at=told.at
        )
        for told in found
    ]  # fmt: skip
