"""Verifying a receipt with the file and a key alone: no journal opened, no server, no account.

The key is best had from somewhere else than the receipt: from the brand's site, or from a witness.
Without one, the brand's own journal says which keys it signed with, which shows that journal and
receipt agree and no more.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from reciprocity.errors import InputError, ProofError
from reciprocity.events import LogOpened, LogRestored, read_body, read_event
from reciprocity.journal.signing import LogVerifier
from reciprocity.prove.receipt import check_receipt, event_of, read_receipt
from reciprocity.tlog.note import LogProof

__all__ = ["Verified", "keys_of", "verify_receipt"]


class Verified(Struct, frozen=True, kw_only=True):
    """A receipt that holds: its event, its position, and the checkpoint (root in hex) above it."""

    event: msgspec.Raw
    position: int
    origin: str
    size: int
    root: str


def verify_receipt(data: bytes, keys: Sequence[str]) -> Verified:
    """What the receipt in *data* proves under one of *keys*, verifier keys as `log key` prints.

    Raises `ProofError` saying why the receipt does not hold, `InputError` for a key that is none.
    """
    receipt, refused = read_receipt(data), ProofError("receipt is not checked: no key was given")
    for log in [_verifier(key) for key in keys]:
        try:
            checkpoint = check_receipt(receipt, log)
        except ProofError as error:
            refused = error
            continue
        event_of(receipt)
        return Verified(
            event=msgspec.Raw(receipt.event.encode()),
            position=LogProof.parse(receipt.proof.encode()).index,
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root.hex(),
        )
    raise refused


def _verifier(key: str) -> LogVerifier:
    try:
        return LogVerifier.parse(key.strip())
    except (ProofError, ValueError) as error:
        raise InputError(
            f"verifier key is none ({error}): give the line that `reciprocity log key` prints"
        ) from error


def keys_of(journal_file: Path) -> list[str]:
    """The verifier keys that the log in *journal_file* says it signs with, newest first.

    They are public statements, so no key of the brand is needed. Raises `InputError` when there
    is no such journal.
    """
    if not journal_file.exists():
        raise InputError(f"journal {journal_file} is not there: give the verifier key with --key")
    try:
        with closing(
            sqlite3.connect(f"{journal_file.absolute().as_uri()}?mode=ro", uri=True)
        ) as db:
            rows = db.execute(
                "SELECT leaf FROM event WHERE kind IN ('log.opened', 'log.restored') "
                "ORDER BY position DESC"
            ).fetchall()
    except sqlite3.Error as error:
        raise InputError(f"journal {journal_file} cannot be read ({error}): give --key") from error
    events = [read_event(leaf[1:]) for (leaf,) in rows]
    bodies = [read_body(event.kind, event.body, event.v) for event in events]
    return [body.key for body in bodies if isinstance(body, LogOpened | LogRestored)]
