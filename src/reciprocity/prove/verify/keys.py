"""Which key speaks for a log: the one its own statements name last, and no other.

A key once superseded is dropped. Whoever stole it can still sign, but no checkpoint of a log that
holds the change: the first that does is signed by both, and every later one by the new key.
"""

from collections.abc import Sequence
from typing import Final

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import Json, from_base64, text
from reciprocity.tlog.note import ED25519
from reciprocity.tlog.signing import LogVerifier, key_change_text

__all__ = ["KeyStatement", "speaking"]

_CHANGED: Final = "log.key_changed"
_SIGNATURE_BYTES: Final = 64

KeyStatement = tuple[int, str, Json]
"""A public event that names the log's key: where it stands, its kind, its body."""


def speaking(
    trusted: Sequence[LogVerifier], stated: Sequence[KeyStatement], size: int
) -> list[LogVerifier]:
    """The keys that speak for the log of *size* leaves: what *trusted* ones lead to by *stated*.

    *stated* are all of `log.opened`, `log.restored` and `log.key_changed`, in order. With any of
    them that is one key; without, the trusted ones. Raises `ProofError` for a change whose
    signatures do not hold or which does not follow on, also one of keys that nobody trusts: a log
    that says it changed its key, and did not, cannot be read as one; and where no trusted key leads
    to the one that speaks.
    """
    known, now = {key.verifier_key.encode(): key for key in trusted}, ""
    for index, kind, body in stated:
        if index >= size:
            break
        what = f"{kind} at leaf {index}"
        if kind != _CHANGED:
            now = text(body, "key", what)
            _key(now, text(body, "origin", what), what)
            continue
        old, new = text(body, "old_key", what), text(body, "new_key", what)
        if now and old != now:
            raise ProofError(f"{what}: replaces {old}, but the log signed with {now}")
        changed = _check_change(body, old, new, what)
        if known.pop(old, None) is not None:
            known[new] = changed
        now = new
    if not now:
        return list(known.values())
    if now not in known:
        raise ProofError(
            f"log: of {size} leaves signs with {now}, and no key that was given leads to it: ask "
            "somebody else than the brand for its key"
        )
    return [known[now]]


def _check_change(body: Json, old: str, new: str, what: str) -> LogVerifier:
    """The new key, once both are held to have signed the change."""
    origin = text(body, "origin", what)
    message, keys = (
        key_change_text(origin, old, new),
        (_key(old, origin, what), _key(new, origin, what)),
    )
    for key, name in zip(keys, ("old_signature", "new_signature"), strict=True):
        signature = from_base64(text(body, name, what), f"{what} {name}", _SIGNATURE_BYTES)
        try:
            key.verify(message, signature)
        except ProofError as error:
            raise ProofError(f"{what}: its {name} does not hold") from error
    return keys[1]


def _key(spelled: str, origin: str, what: str) -> LogVerifier:
    try:
        key = LogVerifier.parse(spelled)
    except (ProofError, ValueError) as error:
        raise ProofError(f"{what}: names a key that is none ({error})") from error
    if key.name != origin or key.verifier_key.algorithm != ED25519:
        raise ProofError(f"{what}: names a key that is not one of {origin}")
    return key
