"""How a log asks a witness for its cosignature (C2SP tlog-witness, `add-checkpoint`).

    old 20852014
    <hashes of the consistency proof, one a line>

    <the checkpoint, signed>

One parser for both ends: what it accepts encodes to the same bytes again. The answers a witness
gives are here too, since both sides must spell them alike.
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final, Self

from reciprocity.errors import ProofError
from reciprocity.tlog.merkle import HASH_BYTES, MAX_SIZE
from reciprocity.tlog.note import MAX_NOTE_BYTES, Checkpoint, Note, Signature

__all__ = [
    "MAX_BYTES",
    "MAX_HASHES",
    "SIZE_TYPE",
    "Submission",
    "parse_lines",
    "parse_size",
    "signature_lines",
]

MAX_HASHES: Final = 63
"""The most hashes a consistency proof may have (tlog-witness)."""

MAX_BYTES: Final = MAX_NOTE_BYTES + 64 * (MAX_HASHES + 1)
"""The largest submission: a note, its proof and the line before it."""

SIZE_TYPE: Final = "text/x.tlog.size"
"""The content type in which a witness says the size that it knows (status 409)."""

_OLD: Final = "old "
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Submission:
    """A log's *note* for a witness that knows it at *old_size* leaves, and the *proof* it grew.

    The note is a checkpoint, signed; its signatures are unchecked here.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The body to send; refuses what `parse` would refuse."""
        if not 0 <= self.old_size <= MAX_SIZE or len(self.proof) > MAX_HASHES:
            message = f"submission: old size {self.old_size} with {len(self.proof)} hashes"
            raise ProofError(f"{message}, expected 0 to 2^53 - 1 with at most {MAX_HASHES}")
        if any(len(one) != HASH_BYTES for one in self.proof):
            raise ProofError(f"submission: a hash is not {HASH_BYTES} bytes")
        Checkpoint.parse(Note.parse(self.note).text)
        hashes = (b64encode(one).decode() for one in self.proof)
        return "\n".join([f"{_OLD}{self.old_size}", *hashes, "", ""]).encode() + self.note

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The submission in *data*; raises `ProofError` unless it is spelled as C2SP asks."""
        if len(data) > MAX_BYTES:
            raise ProofError(f"submission: {len(data)} bytes, at most {MAX_BYTES}")
        head, _, note = data.partition(b"\n\n")
        try:
            first, *hashes = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise ProofError("submission: not ASCII before its first empty line") from error
        if not first.startswith(_OLD):
            raise ProofError("submission: does not begin with `old ` and a size")
        if len(hashes) > MAX_HASHES:
            raise ProofError(f"submission: {len(hashes)} hashes, at most {MAX_HASHES}")
        parsed = cls(_size(first.removeprefix(_OLD)), tuple(map(_hash, hashes)), note)
        if parsed.encode() != data:
            raise ProofError("submission: not in its one canonical spelling")
        return parsed

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note says, believed by nobody yet; raises `ProofError` for no checkpoint."""
        return Checkpoint.parse(Note.parse(self.note).text)


def parse_size(data: bytes) -> int:
    """The size in a witness's answer of status 409: a decimal number and a newline."""
    text = data.decode("ascii", "replace")
    if not text.endswith("\n"):
        raise ProofError("tree size: no newline behind it")
    return _size(text.removesuffix("\n"))


def signature_lines(signatures: list[Signature]) -> bytes:
    """*signatures* as a witness answers them: the lines they would be in a note."""
    return Note("\n", tuple(signatures)).encode().removeprefix(b"\n\n")


def parse_lines(data: bytes) -> tuple[Signature, ...]:
    """The signature lines in a witness's answer, believed by nobody yet."""
    note = Note.parse(b"\n\n" + data)
    if note.text != "\n":
        raise ProofError("cosignatures: other lines than signatures in the answer")
    return note.signatures


def _size(text: str) -> int:
    if not _SIZE.fullmatch(text) or int(text) > MAX_SIZE:
        raise ProofError("tree size: not a plain decimal number from 0 to 2^53 - 1")
    return int(text)


def _hash(line: str) -> bytes:
    try:
        return b64decode(line, validate=True)
    except ValueError as error:
        raise ProofError("submission: a line of the consistency proof is not base64") from error
