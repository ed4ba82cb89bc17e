"""Receipts: one event, the salt that opens its leaf, and the way from the leaf to a checkpoint.

A receipt is a JSON file of about a kilobyte that a person keeps. It says what was recorded, and
it holds for ever, also after erasure and without asking the brand: whoever has the log's
verifier key can check it (`check_receipt`). The file is four fields of text:

    {"event": the event's canonical JSON, "format": "reciprocity-receipt@v1",
     "proof": a C2SP tlog-proof, "salt": base64, empty for a public event}
"""

from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from reciprocity.errors import Damaged, ProofError
from reciprocity.events import KINDS, Envelope, Scope, canonical, read_event
from reciprocity.tlog.merkle import hash_leaf
from reciprocity.tlog.note import Checkpoint, Verifier, open_proof

if TYPE_CHECKING:  # checking a receipt must not load the journal
    from reciprocity.journal.entry import Appended

__all__ = ["Receipt", "check_receipt", "read_receipt", "receipt_for"]

FORMAT: Final = "reciprocity-receipt@v1"
_CLEAR_BYTES: Final = 16_384
_SALT_BYTES: Final = 32
_MOST_BYTES: Final = 1 << 20


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receipt as its file holds it; see the module's text."""

    event: str
    format: str = FORMAT
    proof: str
    salt: str

    def encode(self) -> bytes:
        """The file's bytes."""
        return canonical(self) + b"\n"


def receipt_for(appended: "Appended", proof: bytes = b"") -> Receipt:
    """The receipt of what was just *appended* (with `prove=True`), or under another *proof*."""
    return Receipt(
        event=appended.text.decode(),
        proof=(proof or appended.proof).decode(),
        salt=b64encode(appended.salt).decode(),
    )


def read_receipt(data: bytes) -> Receipt:
    """The receipt in *data*; raises `ProofError` when it is none."""
    if len(data) > _MOST_BYTES:
        raise ProofError(f"receipt is {len(data)} bytes, expected at most {_MOST_BYTES}")
    try:
        receipt = msgspec.json.decode(data, type=Receipt)
    except msgspec.MsgspecError as error:
        raise ProofError(f"receipt is not one: {error}") from error
    if receipt.format != FORMAT:
        raise ProofError(f"receipt is of format {receipt.format!r}, expected {FORMAT}")
    return receipt


def leaf_of(receipt: Receipt) -> bytes:
    """The leaf that the receipt's event and salt make; raises `ProofError` if they make none."""
    text = receipt.event.encode()
    try:
        salt = b64decode(receipt.salt, validate=True)
        said = read_event(text)
        kind = KINDS.get((said.kind, said.v))
    except (ValueError, Damaged) as error:
        raise ProofError(f"receipt holds no event: {error}") from error
    if kind is None:
        raise ProofError(f"receipt is of an event kind not known here: {said.kind!r}")
    if canonical(msgspec.json.decode(text)) != text:
        raise ProofError("receipt's event is not in its one canonical spelling")
    if kind.scope is Scope.PUBLIC:
        clear = len(text) < _CLEAR_BYTES
        return b"\x03" + text if clear else b"\x04" + sha256(text).digest()
    if len(salt) != _SALT_BYTES:
        raise ProofError(f"receipt's salt is {len(salt)} bytes, expected {_SALT_BYTES}")
    return bytes([kind.scope]) + sha256(salt + text).digest()


def check_receipt(receipt: Receipt, log: Verifier, origin: str | None = None) -> Checkpoint:
    """Hold that *log* signed a checkpoint under which the receipt's event stands.

    Gives that checkpoint; raises `ProofError` saying what did not match. That nothing *else* was
    recorded about the person is not shown by one receipt.
    """
    return open_proof(receipt.proof.encode(), hash_leaf(leaf_of(receipt)), log, origin)


def event_of(receipt: Receipt) -> Envelope:
    """What the receipt says was recorded (check it first)."""
    return read_event(receipt.event.encode())
