"""Verifying the answer to a challenge: the slots were drawn, and each is opened whole.

The auditor brings what the brand must not be asked for: the hash they handed over, how many slots
were agreed, and the checkpoint they noted before they showed their value (`Agreed`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import (
    Json,
    from_base64,
    hashes_of,
    keys_from,
    number,
    open_under,
    read_json,
    text,
    utf8,
)
from reciprocity.prove.verify.erasure import Erasure, Opening
from reciprocity.prove.verify.person import Committed, listed
from reciprocity.prove.verify.public import clear_entry, public_entry
from reciprocity.tlog.merkle import check_consistency
from reciprocity.tlog.note import Checkpoint
from reciprocity.tlog.policy import Policy

__all__ = ["FORMAT", "Agreed", "VerifiedChallenge", "draw_slots", "verify_challenge"]

FORMAT: Final = "reciprocity-challenge@v1"
MOST_VALUE: Final = 1_000
_FIELDS: Final = (
    "begun", "checkpoint", "drawn", "epoch", "format", "noted", "slots", "statements", "value",
)  # fmt: skip
_HEADLINE: Final = b"reciprocity challenge\n"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the auditor knows by themselves, so that the brand need not be believed in it.

    *commitment* is the SHA-256 (hex) that they handed over, *count* how many slots were agreed, and
    *noted* the checkpoint (a signed note) that they held before they showed the value.
    """

    commitment: str
    count: int
    noted: bytes


@dataclass(frozen=True, slots=True)
class VerifiedChallenge:
    """An answer that holds; *slots* as they were drawn, *decided* deliveries decided again.

    *epoch_at* (ms since 1970) is when the histories were fixed, and *before_begun* how many events
    of the log came between that and the challenge: the epoch says nothing of them. Nothing of an
    erased person can be opened any more. Of those *erased_since* the epoch it is shown that the
    erasure is of the history the epoch committed to; *not_shown* are those who wrote in between,
    of whom not even that is. *erasures* says when each was recorded: many of them, or one from
    after the value was shown, would be a question to the brand. *noted* is the size of the
    checkpoint that the auditor noted.
    """

    number: int
    epoch: int
    epoch_at: int
    before_begun: int
    slots: tuple[int, ...]
    people: int
    erased: int
    erased_since: int
    not_shown: int
    erasures: tuple[Erasure, ...]
    unused: int
    decided: int
    noted: int
    origin: str
    size: int
    root: str
    cosigned_by: tuple[str, ...]


def draw_slots(value: str, log: Checkpoint, slots: int, count: int) -> list[int]:
    r"""The slots that *value* and *log*, as it was right after the beginning, draw among *slots*.

    Of *log* its origin, size and root count, and nothing else that a checkpoint may say.

    >>> draw_slots("seven", Checkpoint("log.example/shop", 9, bytes(32)), 1000, 3)
    [222, 118, 421]
    """
    plain = Checkpoint(log.origin, log.size, log.root).encode()
    seed = sha256(_HEADLINE + value.encode() + b"\n" + plain.encode()).digest()
    drawn: dict[int, None] = {}
    place = 0
    while len(drawn) < min(count, slots):
        found = int.from_bytes(sha256(seed + place.to_bytes(8, "big")).digest(), "big") % slots
        drawn.setdefault(found)
        place += 1
    return list(drawn)


def verify_challenge(
    data: bytes, keys: Sequence[str], policy: Policy | None = None, *, agreed: Agreed
) -> VerifiedChallenge:
    """What the answer in *data* shows of what was *agreed*, under *keys* or those of *policy*.

    A policy's witnesses must have cosigned the checkpoint that the auditor noted; the answer's own
    goes on from it. Raises `ProofError` saying what does not hold, `InputError` for a key that is
    none.
    """
    verifiers = keys_from(keys, policy)
    said = read_json(data, "challenge", _FIELDS)
    if said["format"] != FORMAT:
        raise ProofError(f"challenge: is of format {said['format']!r}, expected {FORMAT}")
    noted, cosigned_by = open_under(agreed.noted, verifiers, policy)
    checkpoint, _ = open_under(utf8(said, "checkpoint", "challenge"), verifiers)
    _check_goes_on(said, noted, checkpoint)
    begun, index, _ = clear_entry(said["begun"], "challenge.begun", checkpoint)
    _check_agreed(said, cast("Json", begun["body"]), agreed)
    if noted.size <= index:
        raise ProofError(
            f"challenge: the checkpoint noted has {noted.size} events, and the challenge was begun "
            f"after it, at {index}: the value must not be shown before one that holds it is noted"
        )
    committed = _epoch(said, begun, index, checkpoint)
    after = Checkpoint(checkpoint.origin, index + 1, _drawn_root(said, index + 1, checkpoint))
    drawn = draw_slots(text(said, "value", "challenge"), after, committed.slots, agreed.count)
    opening = Opening(committed, checkpoint, _statements(said, checkpoint), index, noted.size)
    for one in _answered(said, drawn):
        opening.open(one)
    return VerifiedChallenge(
        number=number(cast("Json", begun["body"]), "number", "challenge", 1),
        epoch=committed.number,
        epoch_at=committed.at,
        before_begun=index - committed.size,
        slots=tuple(drawn),
        people=opening.people,
        erased=opening.erased,
        erased_since=opening.erased_since,
        not_shown=opening.not_shown,
        erasures=tuple(opening.erasures),
        unused=opening.unused,
        decided=opening.decided,
        noted=noted.size,
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        cosigned_by=cosigned_by,
    )


def _check_goes_on(said: Json, noted: Checkpoint, checkpoint: Checkpoint) -> None:
    """Hold that the answer's log goes on from what the auditor noted of it."""
    given = _object(said, "noted", {"proof", "size"})
    if noted.origin != checkpoint.origin or number(given, "size", "noted") != noted.size:
        raise ProofError(
            f"challenge: is answered for a checkpoint of {given['size']} events of "
            f"{checkpoint.origin}; noted was one of {noted.size} of {noted.origin}"
        )
    proof = hashes_of(given, "proof", "noted")
    _consistent(proof, noted, checkpoint, "does not go on from the checkpoint that was noted")


def _drawn_root(said: Json, size: int, checkpoint: Checkpoint) -> bytes:
    """The root right after the beginning, held to be that of the log's first *size* events."""
    given = _object(said, "drawn", {"proof", "root"})
    root = from_base64(text(given, "root", "drawn"), "drawn root")
    proof, before = hashes_of(given, "proof", "drawn"), Checkpoint(checkpoint.origin, size, root)
    _consistent(proof, before, checkpoint, "was not drawn by the log's root when it was begun")
    return root


def _consistent(proof: list[bytes], old: Checkpoint, new: Checkpoint, says: str) -> None:
    if old.size > new.size:
        raise ProofError(f"challenge: {says}: has {new.size} events, after {old.size}")
    try:
        check_consistency(proof, old.size, old.root, new.size, new.root)
    except ProofError as error:
        raise ProofError(f"challenge: {says} ({error})") from error


def _object(said: Json, name: str, fields: set[str]) -> Json:
    given = said[name]
    if not isinstance(given, dict) or given.keys() != fields:
        raise ProofError(f"{name}: expected exactly {', '.join(sorted(fields))}")
    return given


def _check_agreed(said: Json, begun: Json, agreed: Agreed) -> None:
    """Hold that what was begun is what the auditor agreed to, and that the value is theirs."""
    value = utf8(said, "value", "challenge")
    if begun["commitment"] != agreed.commitment or sha256(value).hexdigest() != agreed.commitment:
        raise ProofError("challenge: the value is not the one that was committed to")
    if number(begun, "count", "challenge", 1) != agreed.count:
        raise ProofError(
            f"challenge: was begun for {begun['count']} slots, {agreed.count} were agreed"
        )
    if len(value) > MOST_VALUE:
        raise ProofError(f"challenge: the value has {len(value)} bytes, at most {MOST_VALUE}")


def _epoch(said: Json, begun: Json, index: int, checkpoint: Checkpoint) -> Committed:
    """The epoch that the histories were fixed by, which the beginning names."""
    clear_entry(said["epoch"], "epoch.published", checkpoint)
    committed = Committed.read(said["epoch"], checkpoint)
    named = number(cast("Json", begun["body"]), "epoch", "challenge")
    if committed.number != named or not committed.size <= committed.index < index:
        raise ProofError("challenge: the epoch is not the one it was begun with")
    return committed


def _statements(said: Json, checkpoint: Checkpoint) -> Mapping[int, Json]:
    """The public statements that the deliveries name, each at its place in the log."""
    entries = (
        public_entry(one, checkpoint, f"statement {place}")
        for place, one in enumerate(listed(said, "statements"), 1)
    )
    return {index: event for event, index, _ in entries}


def _answered(said: Json, drawn: list[int]) -> list[Json]:
    """What is said of each slot, held to be those that were *drawn*, in their order."""
    answers = listed(said, "slots")
    found = [one.get("slot") if isinstance(one, dict) else None for one in answers]
    if found != drawn:
        raise ProofError(f"challenge: slots {drawn} were drawn, {found} are answered")
    return cast("list[Json]", answers)
