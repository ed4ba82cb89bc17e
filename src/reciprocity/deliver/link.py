"""The token in every message's unsubscribe link: unguessable, opaque, and older than any key.

A token seals who was written to (slot), by which attempt (version) and for what (purpose and
channel) under AES-SIV (RFC 5297), so that the same attempt always makes the same token. It names
the key it was made with, and keys are kept for as long as mails lie in mailboxes: rotation makes
a new one and forgets none. The keys lie in clear beside the journal, so that a link works while
the master key is out of reach; whoever steals them can only take away.
"""

import os
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from reciprocity.errors import InputError
from reciprocity.journal.store import explained

__all__ = ["Link", "Links"]

_KEY_BYTES: Final = 64
_MOST_CHARACTERS: Final = 400


class Link(NamedTuple):
    """What a token stands for."""

    slot: int
    version: int
    purpose: str
    channel: str


class Links:
    """Makes and reads tokens with the keys in the journal's own database."""

    def __init__(self, db: sqlite3.Connection, at: int = 0) -> None:
        """Load all keys, making the first one if there is none."""
        with explained("read link keys"):
            rows = db.execute("SELECT id, key FROM link_key ORDER BY id").fetchall()
        if not rows:
            rotate(db, at)
            rows = db.execute("SELECT id, key FROM link_key ORDER BY id").fetchall()
        self._keys = {number: AESSIV(key) for number, key in rows}
        self._newest = rows[-1][0]

    def make(self, link: Link) -> str:
        """The token of *link*, URL-safe, the same each time until the keys are rotated."""
        text = f"{link.slot}/{link.version}/{link.purpose}/{link.channel}".encode()
        sealed = self._keys[self._newest].encrypt(text, None)
        return urlsafe_b64encode(bytes([self._newest % 256]) + sealed).rstrip(b"=").decode()

    def read(self, token: str) -> Link:
        """What *token* stands for; raises `InputError` for one we did not make."""
        try:
            if not token.isascii() or len(token) > _MOST_CHARACTERS:
                raise ValueError
            data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            key = next(key for number, key in self._keys.items() if number % 256 == data[0])
            slot, version, purpose, channel = key.decrypt(data[1:], None).decode().split("/")
            return Link(int(slot), int(version), purpose, channel)
        except (ValueError, IndexError, StopIteration, Base64Error, InvalidTag):
            raise InputError(
                "link is not one of ours, or was cut short: copy it whole from the message"
            ) from None


def rotate(db: sqlite3.Connection, at: int) -> None:
    """Make tokens with a new key from here on; those made before keep working."""
    with explained("keep a link key"):
        db.execute(
            "INSERT INTO link_key (id, key, made_at) "
            "SELECT COALESCE(MAX(id), 0) + 1, ?, ? FROM link_key",
            (os.urandom(_KEY_BYTES), at),
        )
