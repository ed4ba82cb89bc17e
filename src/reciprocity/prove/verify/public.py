"""The public events that everybody must be able to read: clear text, with exactly their fields.

Epochs, challenges and what a log says of itself are what a log is held to. One with a field more
could be made so long that its leaf is a hash, under which whoever counts the log never sees it; so
nothing is accepted of them but what the format names.
"""

from collections.abc import Mapping
from typing import Final, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import CLEAR_BYTES, Entry, Json, check_entry, text
from reciprocity.tlog.note import Checkpoint

__all__ = ["check_clear", "clear_entry", "must_be_clear", "public_entry"]

_FAMILIES: Final = ("challenge.", "epoch.", "log.")
_FIELDS: Final[Mapping[str, tuple[set[str], set[str]]]] = {
    "challenge.answered": (
        {"erased", "number", "people", "root", "size", "unused", "value"}, set(),
    ),
    "challenge.begun": ({"commitment", "count", "epoch", "number"}, set()),
    "epoch.published": ({"number", "root", "size", "slots", "sum_n"}, set()),
    "log.key_changed": (
        {"new_key", "new_signature", "old_key", "old_signature", "origin"}, set(),
    ),
    "log.opened": ({"key", "origin", "software"}, set()),
    "log.restored": (
        {"key", "old_origin", "old_root", "old_size", "origin", "restored_size"},
        {"next_slot", "old_checkpoint"},
    ),
}  # fmt: skip
"""Of each kind the fields its body must have, and those it may."""
_ENVELOPE: Final = {"at", "body", "happened_at", "kind", "v"}


def must_be_clear(kind: object) -> bool:
    """Is *kind* one that everybody must be able to read?"""
    return isinstance(kind, str) and kind.startswith(_FAMILIES)


def check_clear(event: Json, what: str) -> Json:
    """The body of *event*, a kind that must be clear; refuses all but the fields of its format."""
    kind, body = text(event, "kind", what), cast("Json", event["body"])
    if kind not in _FIELDS or event["v"] != 1:
        raise ProofError(
            f"{what}: {kind} of version {event['v']} is not known: take a newer verifier, or ask "
            "what it says"
        )
    must, may = _FIELDS[kind]
    if event.keys() != _ENVELOPE or not must <= body.keys() <= must | may:
        raise ProofError(f"{what}: {kind} has other fields than {', '.join(sorted(must))}")
    return body


def clear_entry(said: object, kind: str, checkpoint: Checkpoint) -> Entry:
    """The event in *said*, held to be in the log in clear text, of *kind* and with its fields."""
    event, index, leaf_hash = public_entry(said, checkpoint, kind)
    if event["kind"] != kind:
        raise ProofError(f"{kind}: the event is {event['kind']!r}")
    check_clear(event, kind)
    if len(text(cast("Json", said), "event", kind).encode()) >= CLEAR_BYTES:
        raise ProofError(f"{kind}: is too long to stand in the log in clear text")
    return event, index, leaf_hash


def public_entry(said: object, checkpoint: Checkpoint, what: str) -> Entry:
    """The event in *said*, held to be in the log under no salt: everybody can read it there."""
    if isinstance(said, dict) and said.get("salt") != "":
        raise ProofError(f"{what}: is a leaf that only the brand can open, expected a public one")
    return check_entry(said, checkpoint, what)
