"""A witness's signature of a checkpoint, with the time in it (C2SP tlog-cosignature, Ed25519).

    cosignature/v1
    time 1679315147
    <the checkpoint's text>

It says: at that time, this was the largest tree that the witness had seen of the log of that
origin, and it holds everything the witness had cosigned before. What a witness signs is these two
lines and the text; what it writes is the time in eight bytes, then the signature. A witness's key
has a type of its own, so that no cosignature passes for a log's signature or the other way about.
Cryptography comes in from outside, as objects that sign and verify.
"""

from dataclasses import dataclass
from typing import Final, Self

from reciprocity.errors import ProofError
from reciprocity.tlog.merkle import MAX_SIZE
from reciprocity.tlog.note import Signature, Signer, Verifier

__all__ = ["MAX_TIME", "Cosignature", "check_cosignature", "cosign", "cosigned_message"]

MAX_TIME: Final = MAX_SIZE
"""The latest time, in seconds since 1970: the largest whole number a browser holds exactly.

C2SP allows 2^63 - 1, and lets readers refuse what lies in the future.
"""

_HEADER: Final = "cosignature/v1"
_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Cosignature:
    """What a witness writes behind its key id: when it signed (seconds since 1970), and that."""

    time: int
    signature: bytes

    def encode(self) -> bytes:
        """The time in eight bytes, big-endian, and the 64 of the signature."""
        if not 0 <= self.time <= MAX_TIME or len(self.signature) != _SIGNATURE_BYTES:
            message = f"cosignature: time {self.time} with {len(self.signature)} bytes"
            raise ProofError(f"{message}, expected 0 to 2^53 - 1 with {_SIGNATURE_BYTES}")
        return self.time.to_bytes(_TIME_BYTES, "big") + self.signature

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The cosignature in *data*, believed by nobody yet."""
        if len(data) != _TIME_BYTES + _SIGNATURE_BYTES:
            message = f"cosignature: {len(data)} bytes, expected {_TIME_BYTES + _SIGNATURE_BYTES}"
            raise ProofError(message)
        parsed = cls(int.from_bytes(data[:_TIME_BYTES], "big"), data[_TIME_BYTES:])
        parsed.encode()
        return parsed


def cosigned_message(text: str, time: int) -> bytes:
    r"""What a witness signs of a checkpoint's *text* at *time*, in seconds since 1970.

    >>> cosigned_message("log.example/a\n0\n\n", 1679315147)[:31]
    b'cosignature/v1\ntime 1679315147\n'
    """
    return f"{_HEADER}\ntime {time}\n{text}".encode()


def cosign(text: str, witness: Signer, time: int) -> Signature:
    """The signature line that *witness* adds to a note of *text* at *time* (seconds since 1970).

    Whoever calls this has checked that the tree grew from what the witness cosigned before, and
    has stored the new checkpoint.
    """
    cosignature = Cosignature(time, witness.sign(cosigned_message(text, time)))
    return Signature(witness.name, witness.key_id, cosignature.encode())


def check_cosignature(text: str, line: Signature, witness: Verifier) -> int:
    """When *witness* cosigned *text*, by the signature *line* of its note; or raise.

    In seconds since 1970, by the witness's own clock. Raises `ProofError` also for a line of
    another key.
    """
    if (line.name, line.key_id) != (witness.name, witness.key_id):
        raise ProofError("cosignature: is by another key than the witness's")
    cosignature = Cosignature.parse(line.signature)
    witness.verify(cosigned_message(text, cosignature.time), cosignature.signature)
    return cosignature.time
