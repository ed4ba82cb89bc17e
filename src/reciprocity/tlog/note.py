"""The texts a log signs and hands out: signed notes, checkpoints and proofs (C2SP).

A *note* is a text and its signatures. A *checkpoint* is a note that says "this log has so many
leaves under this root". A *log proof* is one leaf's way into one checkpoint, made to be kept.
Every parser takes one spelling only: what it accepts encodes to the same bytes again, so that no
two readers can take different meanings from one text. Cryptography comes in from outside, as
objects that sign and verify.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, Self

from reciprocity.errors import ProofError
from reciprocity.tlog.merkle import HASH_BYTES, MAX_SIZE, check_inclusion

__all__ = [
    "COSIGNATURE_V1",
    "ED25519",
    "MAX_NOTE_BYTES",
    "MAX_SIGNATURES",
    "Checkpoint",
    "LogProof",
    "Note",
    "OpenedNote",
    "Signature",
    "Signer",
    "Verifier",
    "VerifierKey",
    "open_checkpoint",
    "open_note",
    "open_proof",
    "sign_note",
]

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
"""Signature types (signed-note): a log's own, and a witness's with a time in it. Both Ed25519."""

MAX_NOTE_BYTES = 2**18
MAX_SIGNATURES = 100
"""Bounds that C2SP leaves to the reader; it asks for 16 signatures, 5 kB each, at the least."""

_KEY_ID_BYTES = 4
_PUBLIC_KEY_BYTES = 32
_DASH = "\u2014 "
_PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")


class Signer(Protocol):
    """One key that signs."""

    @property
    def name(self) -> str:
        """The key's name, for a log its origin."""

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell the keys of one name apart; see `VerifierKey.key_id`."""

    def sign(self, message: bytes) -> bytes:
        """The signature of *message*."""


class Verifier(Protocol):
    """One key that is known and believed."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell the keys of one name apart."""

    def verify(self, message: bytes, signature: bytes) -> None:
        """Hold that *signature* is this key's for *message*; must raise `ProofError` if not."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as it is handed out: `name+id+base64(type || key)`.

    >>> key = VerifierKey.parse(
    ...     "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    ... )
    >>> key.name, key.algorithm, key.key_id.hex()
    ('PeterNeumann', 1, 'c74f20a3')
    """

    name: str
    algorithm: int
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || type || key) (signed-note)."""
        named = _to_bytes(self.name) + b"\n"
        return sha256(named + bytes([self.algorithm]) + self.public_key).digest()[:_KEY_ID_BYTES]

    def encode(self) -> str:
        """The key as one line of text; refuses a key that `parse` would refuse."""
        _check_name(self.name)
        known = self.algorithm in (ED25519, COSIGNATURE_V1)
        if not known or len(self.public_key) != _PUBLIC_KEY_BYTES:
            message = f"verifier key: type {self.algorithm} with {len(self.public_key)} bytes"
            raise ProofError(f"{message}, expected 1 or 4 with {_PUBLIC_KEY_BYTES}")
        key = _to_base64(bytes([self.algorithm]) + self.public_key)
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key that *text* spells; refuses one whose id does not follow from the key."""
        name, _, key = _split(text, "+", 3, "verifier key")
        data = _from_base64(key, "verifier key")
        parsed = cls(name, data[0] if data else 0, data[1:])
        if parsed.encode() != text:
            raise ProofError(f"verifier key: its id is not {parsed.key_id.hex()}, which follows")
        return parsed


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note, believed by nobody yet."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and one to a hundred signatures of it.

    Whoever adds a signature to a note made elsewhere (a witness's, say) parses it, adds the line
    and encodes it; the lines already there stay byte for byte.
    """

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The note as bytes; refuses what `parse` would refuse."""
        lines = []
        for one in self.signatures:
            _check_name(one.name)
            if len(one.key_id) != _KEY_ID_BYTES or not one.signature:
                raise ProofError("note: a signature without a key id or without bytes")
            lines.append(f"{_DASH}{one.name} {_to_base64(one.key_id + one.signature)}\n")
        if not self.text.endswith("\n") or not 1 <= len(lines) <= MAX_SIGNATURES:
            message = f"note: needs a text that ends in a newline and 1 to {MAX_SIGNATURES}"
            raise ProofError(f"{message} signatures, found {len(lines)}")
        data = _to_bytes(f"{self.text}\n{''.join(lines)}")
        _to_text(data, "note")
        return data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The note in *data*, its signatures unchecked: `open_note` checks them."""
        text = _to_text(data, "note")
        split = text.rfind("\n\n")
        lines = text[split + 2 :].split("\n")
        if split < 0 or lines.pop() or not 1 <= len(lines) <= MAX_SIGNATURES:
            message = f"note: no blank line before 1 to {MAX_SIGNATURES} lines of signatures"
            raise ProofError(message)
        return cls(text[: split + 1], tuple(map(_parse_signature, lines)))


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note's text, and the verifiers whose signature it bears: those, and no others."""

    text: str
    signed_by: tuple[Verifier, ...]


def sign_note(text: str, signers: Sequence[Signer]) -> bytes:
    """*text* as a note signed by *signers*, in their order."""
    message = _to_bytes(text)
    return Note(text, tuple(Signature(s.name, s.key_id, s.sign(message)) for s in signers)).encode()


def open_note(data: bytes, verifiers: Sequence[Verifier]) -> OpenedNote:
    """The text in *data* and who of *verifiers* signed it; refuses it when nobody did.

    Signatures of other keys are ignored, also where they share a name or an id with a known one.
    One bad signature of a known key refuses the whole note. A key that signed twice counts once,
    yet both signatures must hold. Whoever needs a certain key, or k of n, looks at `signed_by`.
    """
    known = {(one.name, one.key_id): one for one in verifiers}
    if len(known) != len(verifiers):
        raise ProofError("verifiers: two of them share a name and a key id")
    note = Note.parse(data)
    message = note.text.encode()
    signed_by: dict[tuple[str, bytes], Verifier] = {}
    for one in note.signatures:
        verifier = known.get((one.name, one.key_id))
        if verifier is not None:
            verifier.verify(message, one.signature)
            signed_by[one.name, one.key_id] = verifier
    if not signed_by:
        raise ProofError(f"note: none of its {len(note.signatures)} signatures is by a known key")
    return OpenedNote(note.text, tuple(signed_by.values()))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its origin, how many leaves it has, and under which root.

    >>> print(Checkpoint("log.example/brand", 0, sha256().digest()).encode(), end="")
    log.example/brand
    0
    47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def encode(self) -> str:
        """The text to sign; refuses what `parse` would refuse."""
        if not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_BYTES:
            message = f"checkpoint: size {self.size} with a root of {len(self.root)} bytes"
            raise ProofError(f"{message}, expected 0 to 2^53 - 1 with {HASH_BYTES}")
        lines = [self.origin, str(self.size), _to_base64(self.root), *self.extensions]
        if not all(lines) or any("\n" in line for line in lines):
            raise ProofError("checkpoint: a line is empty or more than one line")
        text = "".join(f"{line}\n" for line in lines)
        _to_text(_to_bytes(text), "checkpoint")
        return text

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint that *text* spells; no signature is looked at here."""
        *lines, rest = text.split("\n")
        if len(lines) < 3 or rest:  # noqa: PLR2004 - origin, size, root
            raise ProofError(
                f"checkpoint: {len(lines)} whole lines, expected 3 or more and no rest"
            )
        origin, size, root, *extensions = lines
        number = _parse_number(size, "checkpoint size")
        parsed = cls(origin, number, _from_base64(root, "checkpoint root"), tuple(extensions))
        parsed.encode()
        return parsed


def open_checkpoint(data: bytes, log: Verifier, origin: str | None = None) -> Checkpoint:
    """The checkpoint that *log* signed in the note *data*, for *origin*, or raise.

    The origin defaults to the name of the log's key, as C2SP recommends. It is always compared: a
    key that signs for two logs must not let one pass for the other.
    """
    checkpoint = Checkpoint.parse(open_note(data, [log]).text)
    if checkpoint.origin != (log.name if origin is None else origin):
        raise ProofError("checkpoint: its origin is not that of the log asked for")
    return checkpoint


@dataclass(frozen=True, slots=True)
class LogProof:
    """One leaf's way into one checkpoint (C2SP tlog-proof): kept as a file, checked offline.

    `checkpoint` is the signed note byte for byte. `extra` is vouched for by nobody.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def encode(self) -> bytes:
        """The proof as bytes; refuses what `parse` would refuse."""
        too_long = len(self.hashes) > MAX_SIZE.bit_length()
        if not 0 <= self.index <= MAX_SIZE or too_long:
            message = f"log proof: index {self.index} with {len(self.hashes)} hashes is too large"
            raise ProofError(message)
        if any(len(one) != HASH_BYTES for one in self.hashes):
            raise ProofError(f"log proof: a hash is not {HASH_BYTES} bytes")
        Checkpoint.parse(Note.parse(self.checkpoint).text)
        lines = [_PROOF_HEADER, f"index {self.index}", *map(_to_base64, self.hashes), "", ""]
        if self.extra:
            lines.insert(1, f"extra {_to_base64(self.extra)}")
        data = "\n".join(lines).encode() + self.checkpoint
        _to_text(data, "log proof")
        return data

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The proof in *data*, unchecked: `open_proof` checks it."""
        head, _, checkpoint = _to_text(data, "log proof").partition("\n\n")
        header, *lines = head.split("\n")
        if header != _PROOF_HEADER or not lines:
            raise ProofError(f"log proof: does not begin with {_PROOF_HEADER} and an index")
        extra = b""
        if lines[0].startswith("extra "):
            extra = _from_base64(lines.pop(0).removeprefix("extra "), "log proof extra")
        if not lines or not lines[0].startswith("index "):
            raise ProofError("log proof: has no index line where it belongs")
        index = _parse_number(lines[0].removeprefix("index "), "log proof index")
        hashes = tuple(_from_base64(line, "log proof hash") for line in lines[1:])
        parsed = cls(index, hashes, checkpoint.encode(), extra)
        if parsed.encode() != data:
            raise ProofError("log proof: an extra line without data")
        return parsed


def open_proof(
    data: bytes, leaf_hash: bytes, log: Verifier, origin: str | None = None
) -> Checkpoint:
    """The checkpoint under which *log* holds *leaf_hash*, by the log proof in *data*, or raise.

    Checks the signature, the origin and the way from leaf to root. Cosignatures are the caller's:
    open the proof's checkpoint with the witnesses' verifiers and count `signed_by`.
    """
    proof = LogProof.parse(data)
    checkpoint = open_checkpoint(proof.checkpoint, log, origin)
    check_inclusion(proof.hashes, proof.index, leaf_hash, checkpoint.size, checkpoint.root)
    return checkpoint


def _parse_signature(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise ProofError("note: a signature line does not begin with a dash and a space")
    name, key = _split(line.removeprefix(_DASH), " ", 2, "note signature")
    _check_name(name)
    data = _from_base64(key, "note signature")
    if len(data) <= _KEY_ID_BYTES:
        raise ProofError("note: a signature without a key id or without bytes")
    return Signature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _check_name(name: str) -> None:
    """Refuse a key name with a space of any script, a plus or a control character, or none."""
    if not name or any(one.isspace() or one == "+" or one < " " for one in name):
        raise ProofError("key name: empty, or with a space, a plus or a control character in it")


def _split(text: str, mark: str, parts: int, what: str) -> list[str]:
    """*text* cut at its first *mark*s into so many *parts*; what is left stays in the last."""
    found = text.split(mark, parts - 1)
    if len(found) < parts:
        raise ProofError(f"{what}: {len(found)} parts, expected {parts}")
    return found


def _parse_number(text: str, what: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > MAX_SIZE:
        raise ProofError(f"{what}: not a plain decimal number from 0 to 2^53 - 1")
    return int(text)


def _to_base64(data: bytes) -> str:
    return b64encode(data).decode()


def _from_base64(text: str, what: str) -> bytes:
    """The bytes *text* spells in the one way RFC 4648, section 4, writes them."""
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise ProofError(f"{what}: not base64") from error
    if _to_base64(data) != text:
        raise ProofError(f"{what}: base64, but not in its one canonical spelling")
    return data


def _to_bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ProofError("text: cannot be written as UTF-8") from error


def _to_text(data: bytes, what: str) -> str:
    """*data* as text: UTF-8, no control character but newline, not oversized."""
    if len(data) > MAX_NOTE_BYTES:
        raise ProofError(f"{what}: {len(data)} bytes, at most {MAX_NOTE_BYTES}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ProofError(f"{what}: not UTF-8") from error
    if _CONTROL.search(text):
        raise ProofError(f"{what}: a control character in it")
    return text
