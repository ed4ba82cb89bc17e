"""The log's Ed25519 key as `tlog.note` wants it: one that signs, one that is believed."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from reciprocity.errors import ProofError
from reciprocity.tlog.note import VerifierKey

__all__ = ["LogSigner", "LogVerifier", "key_change_text"]

_ED25519: Final = 1


class LogVerifier:
    """A log's public key, from its verifier key text."""

    def __init__(self, key: VerifierKey) -> None:
        """Believe *key*."""
        self.verifier_key, self.name, self.key_id = key, key.name, key.key_id
        self._public = Ed25519PublicKey.from_public_bytes(key.public_key)

    @classmethod
    def parse(cls, text: str) -> "LogVerifier":
        """From the one line of text that `reciprocity log key` prints."""
        return cls(VerifierKey.parse(text))

    def verify(self, message: bytes, signature: bytes) -> None:
        """Hold that *signature* is this key's for *message*, or raise `ProofError`."""
        try:
            self._public.verify(signature, message)
        except InvalidSignature:
            raise ProofError("note: a signature is not by the key it names") from None


class LogSigner:
    """A log's private key under the log's name."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        """Sign for *name*."""
        self._private = private
        self.verifier_key = VerifierKey(name, _ED25519, private.public_key().public_bytes_raw())
        self.name, self.key_id = name, self.verifier_key.key_id

    def sign(self, message: bytes) -> bytes:
        """The signature of *message*."""
        return self._private.sign(message)


def key_change_text(origin: str, old_key: str, new_key: str) -> bytes:
    """What both keys of a log sign when it changes from the one to the other."""
    return f"reciprocity log key change\n{origin}\n{old_key}\n{new_key}\n".encode()
