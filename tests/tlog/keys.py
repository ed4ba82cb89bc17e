"""Keys of logs and witnesses for tests, each from a number: the same on every run."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reciprocity.tlog.note import COSIGNATURE_V1, ED25519, VerifierKey


class Key:
    """A private key under a name, of a log or of a witness."""

    def __init__(self, name: str, number: int, algorithm: int) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
        public = self._private.public_key().public_bytes_raw()
        self.public = VerifierKey(name, algorithm, public)
        self.name, self.key_id = name, self.public.key_id

    @property
    def text(self) -> str:
        return self.public.encode()

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


def log_key(number: int, name: str = "log.example/brand") -> Key:
    return Key(name, number, ED25519)


def witness_key(number: int, name: str = "") -> Key:
    return Key(name or f"witness.example/w{number}", 1000 + number, COSIGNATURE_V1)
