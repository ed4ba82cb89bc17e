"""The token in every message's unsubscribe link: unguessable, opaque, and older than any key.

A token seals who was written to (slot), by which attempt (version) and for what (purpose and
channel) under AES-SIV (RFC 5297), so that the same attempt always makes the same token. It names
the key it was made with, and keys are kept for as long as mails lie in mailboxes: rotation makes
a new one and forgets none. The keys lie in clear beside the journal, so that a link works while
the master key is out of reach; whoever steals them can only take away.

A token that opens a person's page or confirms a yes gives, so it carries besides a code that only
the brand's own key makes: `Entries`.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from reciprocity.errors import InputError
from reciprocity.journal.store import rotate_link_key
from reciprocity.storage import Database, explained

__all__ = ["Entries", "Link", "Links"]

_NUMBERS: Final = 256
_MOST_CHARACTERS: Final = 400
_CODE_BYTES: Final = 16


class Link(NamedTuple):
    """What a token stands for."""

    slot: int
    version: int
    purpose: str
    channel: str


class Links:
    """Makes and reads tokens with the keys in the journal's own database."""

    def __init__(self, db: Database, at: int | None = None) -> None:
        """Load all keys; with an instant *at*, make the first one if there is none.

        Without *at* nothing is written, and no token can be made before a first key is there.
        """
        rows = _keys(db)
        if not rows and at is not None:
            rotate_link_key(db, at)
            rows = _keys(db)
        self._keys = {number: AESSIV(key) for number, key in rows}

    def make(self, link: Link) -> str:
        """The token of *link*, URL-safe, the same each time until the keys are rotated."""
        newest = max(self._keys)
        text = f"{link.slot}/{link.version}/{link.purpose}/{link.channel}".encode()
        return _written(bytes([newest % _NUMBERS]) + self._keys[newest].encrypt(text, None))

    def read(self, token: str) -> Link:
        """What *token* stands for; raises `InputError` for one we did not make.

        A token has one spelling: with a character more or less, even one that says nothing, it
        is not ours.
        """
        try:
            data = _read(token)
            text = self._opened(data[0], data[1:])
            slot, version, purpose, channel = text.decode().split("/")
            return Link(int(slot), int(version), purpose, channel)
        except (ValueError, IndexError, InvalidTag):
            raise InputError(
                "link is not one of ours, or was cut short: copy it whole from the message"
            ) from None

    def _opened(self, number: int, sealed: bytes) -> bytes:
        """Try every key of that number: they return after 256 rotations."""
        for key_id, key in self._keys.items():
            if key_id % _NUMBERS == number:
                with suppress(InvalidTag):
                    return key.decrypt(sealed, None)
        raise InvalidTag


class Entries:
    """Makes and reads the tokens that give: in mails that a person asked for, and in no others."""

    def __init__(self, links: Links, digest: Callable[[str, str], bytes]) -> None:
        """Tokens of *links*, each with the brand's keyed *digest* of (namespace, text)."""
        self._links, self._digest = links, digest

    def make(self, link: Link) -> str:
        """The token of *link*, URL-safe, the same each time until the keys are rotated."""
        token = self._links.make(link)
        return f"{token}.{self._code(token)}"

    def read(self, text: str) -> Link:
        """What *text* stands for; raises `InputError` for one we did not make."""
        token, _, code = text.partition(".")
        link = self._links.read(token)
        if not hmac.compare_digest(code.encode(), self._code(token).encode()):
            raise InputError("link is not one of ours: ask for another one")
        return link

    def _code(self, token: str) -> str:
        return _written(self._digest("entry", token)[:_CODE_BYTES])


def _keys(db: Database) -> list[tuple[int, bytes]]:
    with explained("read link keys"):
        return db.execute("SELECT id, key FROM link_key ORDER BY id").fetchall()


def _written(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _read(token: str) -> bytes:
    if len(token) > _MOST_CHARACTERS or not token.isascii():
        raise ValueError
    data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    if _written(data) != token:
        raise ValueError
    return data
