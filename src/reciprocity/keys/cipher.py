"""Keys derived, texts sealed, values committed to and blinded: no file, only arithmetic."""

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reciprocity.errors import Damaged

__all__ = [
    "KEY_BYTES",
    "NONCE_BYTES",
    "KeyPair",
    "PersonKeys",
    "blind",
    "commit",
    "derive",
    "forget_ciphers",
    "mint",
    "open_sealed",
    "pseudonym_text",
    "read_pseudonym",
    "seal",
]

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_INNER: Final = bytes(i ^ 0x36 for i in range(256))
_OUTER: Final = bytes(i ^ 0x5C for i in range(256))
_PAD_256: Final = bytes(32)
_COUNTER: Final = (1).to_bytes(4, "big")
_INFO: Final = b"reciprocity/1 seal+commit"
_PSEUDONYM: Final = re.compile(r"p_[a-z2-7]{26}")
_DIGITS: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv"
)


class KeyPair(NamedTuple):
    """The two keys derived from one: *seal* encrypts (AES-256-GCM), *commit* makes salts."""

    seal: bytes
    commit: bytes


class PersonKeys(NamedTuple):
    """One person's keys as they lie unwrapped in memory, and the pseudonym that dies with them."""

    slot: int
    pseudonym: bytes
    proof: bytes
    vault: bytes


def derive(key: bytes) -> KeyPair:
    """The seal and commit keys of *key*: one SHA-512 over it (NIST SP 800-56C, one-step), halved.

    *key* is uniformly random and of one length, so a single hash tells its halves and itself
    apart as well as HKDF would, at a fifth of the time; it runs once an event. A test demands
    that it agrees with the library's `ConcatKDFHash`.
    """
    block = hashlib.sha512(_COUNTER + key + _INFO).digest()
    return KeyPair(block[:32], block[32:])


def commit(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 of *message* under the 32-byte *key* (RFC 2104), 32 bytes."""
    padded = key + _PAD_256
    return hashlib.sha256(
        padded.translate(_OUTER) + hashlib.sha256(padded.translate(_INNER) + message).digest()
    ).digest()


def blind(index_key: bytes, namespace: str, value: str) -> bytes:
    """The 16 bytes under which *value* is found in the blind index; *namespace* keeps kinds apart.

    Callers fold the value first (an address to its canonical spelling): the index cannot.
    """
    return commit(index_key, namespace.encode() + b"\0" + value.encode())[:16]


def pseudonym_text(pseudonym: bytes) -> str:
    """How a pseudonym is written: `p_` and 26 letters and digits.

    >>> pseudonym_text(bytes(16))
    'p_aaaaaaaaaaaaaaaaaaaaaaaaaa'
    """
    return "p_" + base64.b32encode(pseudonym).decode().rstrip("=").lower()


def read_pseudonym(text: str) -> bytes | None:
    """The pseudonym that is written *text*, or None if that is none.

    >>> read_pseudonym(pseudonym_text(bytes(range(16)))) == bytes(range(16))
    True
    """
    if not _PSEUDONYM.fullmatch(text):
        return None
    number = int(text[2:].translate(_DIGITS), 32)
    if number % 4:  # two bits too many, which are always 0: each pseudonym is written one way
        return None
    return (number >> 2).to_bytes(16)


def seal(key: bytes, text: bytes, bound: bytes) -> bytes:
    """*text* under AES-256-GCM: a random nonce, then ciphertext and tag, bound to *bound*.

    The nonce is random, not the version: after a restore a version can be written twice.
    """
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text, bound)


def open_sealed(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    """The text that `seal` took; raises `Damaged` when key, text or binding is another."""
    try:
        return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise Damaged(
            "sealed record does not open: its key, its place or its bytes are not the ones it was "
            "sealed with; keep the files and compare with a backup"
        ) from error


@lru_cache(maxsize=8)
def _cipher(key: bytes) -> AESGCM:
    """The events of one person are opened in a row; setting a key up takes half of each opening."""
    return AESGCM(key)


def forget_ciphers() -> None:
    """Leave no used key in memory: one of them is being destroyed."""
    _cipher.cache_clear()


def mint(slots: Sequence[int]) -> list[PersonKeys]:
    """New random keys and pseudonyms for *slots*, kept nowhere yet."""
    step = 16 + 2 * KEY_BYTES
    noise = os.urandom(step * len(slots))
    return [
        PersonKeys(slot, noise[at : at + 16], noise[at + 16 : at + 48], noise[at + 48 : at + step])
        for slot, at in zip(slots, range(0, len(noise), step), strict=True)
    ]
