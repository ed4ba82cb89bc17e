"""From an event to what is stored of it, and back: seal, salt, commitment, leaf.

    personal  leaf = 0x01 || SHA-256(r || event), r = HMAC-SHA-256(k, version || event); sealed
              under the person's proof key. Nothing in the leaf tells whose it is, and once k is
              destroyed nothing ever can.
    brand     leaf = 0x02 || SHA-256(r || event), r random and kept inside what is sealed.
    public    leaf = 0x03 || event, or 0x04 || SHA-256(event) with the event beside it if it is
              over 16 KB.

What is sealed starts with a format byte: 0 for the text as it is, 1 for packed text
(`journal/packing.py`); a later release can write another form beside these. Events are opened
with suspicion: seal, leaf and columns must all tell the same story.
"""

import os
from hashlib import sha256
from typing import Final, NamedTuple

from msgspec import Struct

from reciprocity.errors import Damaged, InputError
from reciprocity.events import Body, Envelope, Scope, read_body, read_event
from reciprocity.journal.packing import pack, unpack
from reciprocity.keys import KeyPair, commit, open_sealed, seal

__all__ = [
    "Row",
    "Stored",
    "Told",
    "chain_start",
    "open_brand",
    "open_personal",
    "open_public",
    "salt_of",
]

PLAIN: Final = b"\0"
PACKED: Final = b"\1"
CLEAR_BYTES: Final = 16_384
MUST_BE_CLEAR: Final = ("challenge.", "epoch.", "log.")
SALT_BYTES: Final = 32
_PERSONAL, _BRAND = bytes([Scope.PERSONAL]), bytes([Scope.BRAND])
_CLEAR, _HASHED = bytes([Scope.PUBLIC]), bytes([Scope.PUBLIC_STORED])


class Row(NamedTuple):
    """A row of `event`, as it is read."""

    position: int
    slot: int | None
    version: int | None
    recorded_at: int | None
    happened_at: int | None
    kind: str | None
    sealed: bytes | None
    leaf: bytes


class Stored(NamedTuple):
    """What is written of an event, and the salt that opens its leaf (empty if it is public)."""

    sealed: bytes | None
    leaf: bytes
    salt: bytes


class Told(Struct, frozen=True, kw_only=True, gc=False):
    """An event, opened and checked: where it stands, and what it says."""

    position: int
    slot: int
    version: int
    at: int
    happened_at: int
    kind: str
    v: int
    body: Body
    leaf: bytes
    text: bytes
    salt: bytes

    @property
    def leaf_hash(self) -> bytes:
        """The hash of its leaf (RFC 6962)."""
        return sha256(b"\0" + self.leaf).digest()


def salt_of(pair: KeyPair, version: int, text: bytes) -> bytes:
    """The salt r of a person's event *version*, whose JSON is *text*.

    The text is in it because a version can be written twice: after a restore the next event
    takes the number of a lost one, and a receipt of that one must not open this one's leaf.
    """
    return commit(pair.commit, version.to_bytes(8, "big") + text)


def chain_start(pair: KeyPair) -> bytes:
    """h_0 of a person's chain over their leaves: theirs alone, and gone with the key.

    From a known start anybody who holds the erased person's last head could find their leaves
    among all others by trying.
    """
    return commit(pair.commit, bytes(8))


def store_personal(pair: KeyPair, slot: int, version: int, text: bytes) -> Stored:
    """What to write of a personal event whose JSON is *text*."""
    salt = salt_of(pair, version, text)
    sealed = seal(pair.seal, PACKED + pack(text), b"%d/%d" % (slot, version))
    return Stored(sealed, _PERSONAL + sha256(salt + text).digest(), salt)


def store_brand(pair: KeyPair, text: bytes) -> Stored:
    """What to write of a brand event."""
    salt = os.urandom(SALT_BYTES)
    return Stored(
        seal(pair.seal, PLAIN + salt + text, b"brand"), _BRAND + sha256(salt + text).digest(), salt
    )


def store_public(kind: str, text: bytes) -> Stored:
    """What to write of a public event of *kind*.

    Raises `InputError` for one too long for clear text of a kind that everybody must be able to
    read in the log: under a hash nobody would count it.
    """
    if len(text) < CLEAR_BYTES:
        return Stored(None, _CLEAR + text, b"")
    if kind.startswith(MUST_BE_CLEAR):
        raise InputError(
            f"event {kind} has {len(text)} bytes: it must stand in the log in clear text, of less "
            f"than {CLEAR_BYTES}"
        )
    return Stored(text, _HASHED + sha256(text).digest(), b"")


def open_personal(pair: KeyPair, row: Row) -> Told:
    """The event in *row*, opened with its person's keys; raises `Damaged` if anything differs."""
    slot, version, sealed = row.slot, row.version, row.sealed
    if slot is None or version is None or sealed is None:
        raise Damaged(f"event {row.position} is not personal, or erased: there is nothing to open")
    text = _plain(open_sealed(pair.seal, sealed, b"%d/%d" % (slot, version)), row.position)
    salt = salt_of(pair, version, text)
    if row.leaf != _PERSONAL + sha256(salt + text).digest():
        raise Damaged(f"event {row.position} is not the one its leaf commits to")
    return _told(row, text, salt)


def open_brand(pair: KeyPair, row: Row) -> Told:
    """The brand event in *row*, opened with the brand's keys."""
    if row.sealed is None:
        raise Damaged(f"event {row.position} has lost its sealed text")
    plain = _plain(open_sealed(pair.seal, row.sealed, b"brand"), row.position)
    salt, text = plain[:SALT_BYTES], plain[SALT_BYTES:]
    if row.leaf != _BRAND + sha256(salt + text).digest():
        raise Damaged(f"event {row.position} is not the one its leaf commits to")
    return _told(row, text, salt)


def open_public(row: Row) -> Told:
    """The public event in *row*."""
    if row.leaf[:1] == _CLEAR:
        return _told(row, row.leaf[1:], b"")
    text = row.sealed or b""
    if row.leaf != _HASHED + sha256(text).digest():
        raise Damaged(f"event {row.position} is not the one its leaf commits to")
    return _told(row, text, b"")


def _plain(opened: bytes, position: int) -> bytes:
    if opened[:1] == PACKED:
        return unpack(opened[1:])
    if opened[:1] == PLAIN:
        return opened[1:]
    raise Damaged(f"event {position} is sealed in a form this release does not know: upgrade")


def _told(row: Row, text: bytes, salt: bytes) -> Told:
    said: Envelope = read_event(text)
    slot = -1 if row.slot is None else row.slot
    columns = (slot, row.version or 0, row.recorded_at, row.happened_at, row.kind)
    if columns != (said.slot, said.version, said.at, said.happened_at, said.kind):
        raise Damaged(f"event {row.position} says other than its columns: keep the file, restore")
    return Told(
        position=row.position,
        slot=slot,
        version=said.version,
        at=said.at,
        happened_at=said.happened_at,
        kind=said.kind,
        v=said.v,
        body=read_body(said.kind, said.body, said.v),
        leaf=row.leaf,
        text=text,
        salt=salt,
    )
