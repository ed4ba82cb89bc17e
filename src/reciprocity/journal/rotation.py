"""Changing the log's key: one public event signed by the old and the new, and never two logs.

    next       the new key is kept beside the old one
    event      `log.key_changed` is appended; the checkpoint above it is signed by both
    promotion  the new key takes the old one's place, and the old one is destroyed

A stop in between leaves either the old key in use (the event never came to stand; the next key
was never used, and the next change replaces it) or the new one (it did, and the promotion is made
up for).
"""

from base64 import b64encode
from typing import TYPE_CHECKING, Final

from reciprocity.errors import Damaged, InputError, Unavailable
from reciprocity.events import LogKeyChanged
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.lease import lease
from reciprocity.journal.read import Reader
from reciprocity.keys import KeyStore
from reciprocity.tlog.note import VerifierKey
from reciprocity.tlog.signing import LogSigner, key_change_text

if TYPE_CHECKING:
    from reciprocity.journal.journal import Journal

__all__ = ["IN_FORCE", "rotate_log_key", "settled_signer"]

IN_FORCE: Final = "log.key"


def rotate_log_key(journal: "Journal") -> Appended:
    """Let the log sign with a new key from here on; what was signed before still holds.

    Whoever trusts the old key follows the event to the new one; hand the new key out as well.
    Raises `Unavailable` when another process is just doing the same.
    """
    with lease(journal.folder / "rotate.lock") as held:
        if not held:
            raise Unavailable("another process is changing the log's key: look again")
        journal.appender.refresh()  # finishes a change that was stopped, before another begins
        old = journal.signer()
        new = LogSigner(old.name, journal.keys.prepare_signer())
        old_key, new_key = old.verifier_key.encode(), new.verifier_key.encode()
        message = key_change_text(old.name, old_key, new_key)
        body = LogKeyChanged(
            origin=old.name,
            old_key=old_key,
            new_key=new_key,
            old_signature=b64encode(old.sign(message)).decode(),
            new_signature=b64encode(new.sign(message)).decode(),
        )
        entry = Entry(kind="log.key_changed", body=body, in_force=IN_FORCE)
        return journal.append([entry], prove=True)[0]


def settled_signer(origin: str, position: int | None, reader: Reader, keys: KeyStore) -> LogSigner:
    """The signer of the log now, once a change that was stopped half-way is finished.

    *position* is that of the newest change. Raises `Unavailable` for a key store older than it.
    """
    following, stated = keys.next_signer(), _stated_key(position, reader)
    if following is not None and following.public_key().public_bytes_raw() == stated:
        keys.promote_signer()
    signer = LogSigner(origin, keys.signer())
    if stated is not None and signer.verifier_key.public_key != stated:
        raise Unavailable(
            "key store is older than the last change of the log's key: restore the keys.db that "
            "belongs to this journal"
        )
    return signer


def _stated_key(position: int | None, reader: Reader) -> bytes | None:
    """The public key that the newest change names."""
    if position is None:
        return None
    body = reader.told(position).body
    if not isinstance(body, LogKeyChanged):
        raise Damaged(f"event {position} is no change of the log's key: restore a backup")
    return VerifierKey.parse(body.new_key).public_key


def both_signers(body: LogKeyChanged, origin: str, keys: KeyStore) -> list[LogSigner]:
    """The new and the old signer, for the checkpoint above *body*; raises if it names others."""
    following = keys.next_signer()
    old = LogSigner(origin, keys.signer())
    if following is None:
        raise InputError("log key changes by `reciprocity log rotate-key` only")
    new = LogSigner(origin, following)
    named = (body.origin, body.old_key, body.new_key)
    if named != (origin, old.verifier_key.encode(), new.verifier_key.encode()):
        raise InputError("key change names other keys than the log's own: begin it again")
    return [new, old]
