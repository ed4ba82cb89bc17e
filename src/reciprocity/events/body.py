"""What all bodies share: who can open them, how strictly they are read, and their one JSON text."""

from enum import IntEnum
from typing import Final

import msgspec
from msgspec import Struct

__all__ = ["Body", "Scope", "canonical"]


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


_encoder: Final = msgspec.json.Encoder(order="sorted")


def canonical(value: object) -> bytes:
    """The one JSON text of *value*: sorted keys, no spaces (RFC 8785 for our types).

    >>> canonical({"b": 1, "a": ("x", None)})
    b'{"a":["x",null],"b":1}'
    """
    return _encoder.encode(value)
