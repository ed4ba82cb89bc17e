"""Verifying a receipt: one event, in one signed log. That it was the only one it cannot say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import Json, check_leaf, keys_from, open_under, read_json, text
from reciprocity.tlog.merkle import check_inclusion
from reciprocity.tlog.note import LogProof
from reciprocity.tlog.policy import Policy

__all__ = ["FORMAT", "VerifiedReceipt", "verify_receipt"]

FORMAT: Final = "reciprocity-receipt@v1"


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """A receipt that holds: its event, its position, and the checkpoint (root in hex) above it."""

    event: Json
    position: int
    origin: str
    size: int
    root: str
    cosigned_by: tuple[str, ...]


def verify_receipt(
    data: bytes, keys: Sequence[str], policy: Policy | None = None
) -> VerifiedReceipt:
    """What the receipt in *data* proves under one of *keys*, verifier keys as `log key` prints.

    A *policy* asks for cosignatures besides, and may name the log's key itself.

    Raises `ProofError` saying why the receipt does not hold, `InputError` for a key that is none.
    """
    verifiers = keys_from(keys, policy)
    said = read_json(data, "receipt", ("event", "format", "proof", "salt"))
    if said["format"] != FORMAT:
        raise ProofError(f"receipt: is of format {said['format']!r}, expected {FORMAT}")
    event, leaf_hash = check_leaf(said, "receipt's event")
    try:
        proof = LogProof.parse(text(said, "proof", "receipt").encode())
    except UnicodeEncodeError as error:
        raise ProofError("receipt: its proof cannot be written as UTF-8") from error
    checkpoint, cosigned_by = open_under(proof.checkpoint, verifiers, policy)
    check_inclusion(proof.hashes, proof.index, leaf_hash, checkpoint.size, checkpoint.root)
    return VerifiedReceipt(
        event=event,
        position=proof.index,
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        cosigned_by=cosigned_by,
    )
