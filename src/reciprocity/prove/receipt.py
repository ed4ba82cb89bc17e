"""Receipts: one event, the salt that opens its leaf, and the way from the leaf to a checkpoint.

A receipt is a JSON file of about a kilobyte that a person keeps. It says what was recorded, and
it holds for ever, also after erasure and without asking the brand: whoever has the log's
verifier key can check it (`check_receipt`). The file is four fields of text:

    {"event": the event's canonical JSON, "format": "reciprocity-receipt@v1",
     "proof": a C2SP tlog-proof, "salt": base64, empty for a public event}
"""

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

import msgspec

from reciprocity.errors import ProofError
from reciprocity.events import canonical
from reciprocity.prove.verify.entry import leaf_of
from reciprocity.prove.verify.receipt import FORMAT
from reciprocity.tlog.merkle import hash_leaf
from reciprocity.tlog.note import Checkpoint, Verifier, open_proof

if TYPE_CHECKING:  # checking a receipt must not load the journal
    from reciprocity.journal.entry import Appended

__all__ = ["Receipt", "check_receipt", "read_receipt", "receipt_for"]

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


def check_receipt(receipt: Receipt, log: Verifier, origin: str | None = None) -> Checkpoint:
    """Hold that *log* signed a checkpoint under which the receipt's event stands.

    Gives that checkpoint; raises `ProofError` saying what did not match. That nothing *else* was
    recorded about the person is not shown by one receipt.
    """
    try:
        salt = b64decode(receipt.salt, validate=True)
    except ValueError as error:
        raise ProofError(f"receipt's salt is not base64: {error}") from error
    _, leaf = leaf_of(receipt.event, salt, "receipt's event")
    return open_proof(receipt.proof.encode(), hash_leaf(leaf), log, origin)
