"""Verifying the answer to a challenge: the slots were drawn, and each is opened whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import (
    Json,
    check_entry,
    from_base64,
    from_hex,
    hashes_of,
    keys_from,
    number,
    open_under,
    read_json,
    text,
    utf8,
)
from reciprocity.prove.verify.person import (
    Committed,
    chained,
    check_commitment,
    check_events,
    decide_again,
    listed,
)
from reciprocity.tlog.merkle import HASH_BYTES
from reciprocity.tlog.note import Checkpoint, Note
from reciprocity.tlog.policy import Policy

__all__ = ["FORMAT", "VerifiedChallenge", "draw_slots", "verify_challenge"]

FORMAT: Final = "reciprocity-challenge@v1"
_FIELDS: Final = ("begun", "checkpoint", "epoch", "format", "slots", "statements", "value")
_SLOT: Final = {"blind", "chain", "events", "head", "path", "slot", "version"}
_HEADLINE: Final = b"reciprocity challenge\n"


@dataclass(frozen=True, slots=True)
class VerifiedChallenge:
    """An answer that holds; *slots* as they were drawn, *decided* deliveries decided again.

    Of those *erased_since* the epoch nothing can be opened any more, nor checked: many of them
    would be a question to the brand.
    """

    number: int
    epoch: int
    slots: tuple[int, ...]
    people: int
    erased: int
    erased_since: int
    unused: int
    decided: int
    origin: str
    size: int
    root: str
    cosigned_by: tuple[str, ...]


def draw_slots(value: str, checkpoint: str, slots: int, count: int) -> list[int]:
    r"""The slots that *value* and the text of a *checkpoint* draw among *slots*.

    >>> draw_slots("seven", "log.example/shop\n9\nroot\n", 1000, 3)
    [553, 875, 179]
    """
    seed = sha256(_HEADLINE + value.encode() + b"\n" + checkpoint.encode()).digest()
    drawn: dict[int, None] = {}
    place = 0
    while len(drawn) < min(count, slots):
        found = int.from_bytes(sha256(seed + place.to_bytes(8, "big")).digest(), "big") % slots
        drawn.setdefault(found)
        place += 1
    return list(drawn)


def verify_challenge(
    data: bytes, keys: Sequence[str], policy: Policy | None = None
) -> VerifiedChallenge:
    """What the answer in *data* shows under one of *keys*, or those of *policy*.

    Raises `ProofError` saying what does not hold, `InputError` for a key that is none.
    """
    verifiers = keys_from(keys, policy)
    said = read_json(data, "challenge", _FIELDS)
    if said["format"] != FORMAT:
        raise ProofError(f"challenge: is of format {said['format']!r}, expected {FORMAT}")
    note = utf8(said, "checkpoint", "challenge")
    checkpoint, cosigned_by = open_under(note, verifiers, policy)
    value = text(said, "value", "challenge")
    begun, index = _stated(said["begun"], "challenge.begun", checkpoint)
    if sha256(utf8(said, "value", "challenge")).hexdigest() != begun.get("commitment"):
        raise ProofError("challenge: the value is not the one that was committed to")
    committed = Committed.read(said["epoch"], checkpoint)
    if committed.number != begun.get("epoch") or committed.index > index:
        raise ProofError("challenge: the epoch is not the one it was begun with")
    drawn = draw_slots(
        value, Note.parse(note).text, committed.slots, number(begun, "count", "challenge", 1)
    )
    statements = {
        entry[1]: entry[0]
        for entry in (
            check_entry(one, checkpoint, f"statement {place + 1}")
            for place, one in enumerate(listed(said, "statements"))
        )
    }
    answers = listed(said, "slots")
    found = [one.get("slot") if isinstance(one, dict) else None for one in answers]
    if found != drawn:
        raise ProofError(f"challenge: slots {drawn} were drawn, {found} are answered")
    opened = [_opened(cast("Json", one), committed, checkpoint, statements) for one in answers]
    kinds = [kind for kind, _ in opened]
    return VerifiedChallenge(
        number=number(begun, "number", "challenge", 1),
        epoch=committed.number,
        slots=tuple(drawn),
        people=kinds.count("person"),
        erased=kinds.count("erased"),
        erased_since=kinds.count("erased since"),
        unused=kinds.count("unused"),
        decided=sum(decided for _, decided in opened),
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        cosigned_by=cosigned_by,
    )


def _stated(said: object, kind: str, checkpoint: Checkpoint) -> tuple[Json, int]:
    event, index, _ = check_entry(said, checkpoint, kind)
    if event["kind"] != kind or event["v"] != 1:
        raise ProofError(f"challenge: holds a {event['kind']!r} where {kind} belongs")
    return cast("Json", event["body"]), index


def _opened(
    said: Json, committed: Committed, checkpoint: Checkpoint, statements: Mapping[int, Json]
) -> tuple[str, int]:
    """What sort of slot it is, and how many deliveries of it were decided again."""
    what = f"slot {said.get('slot')}"
    if said.keys() != _SLOT:
        raise ProofError(f"{what}: expected exactly {', '.join(sorted(_SLOT))}")
    slot, version = number(said, "slot", what), number(said, "version", what)
    blind = from_base64(text(said, "blind", what), f"{what} blind")
    path = hashes_of(said, "path", what)
    given = listed(said, "events")
    kind, head, decided = "unused", bytes(HASH_BYTES), 0
    if text(said, "chain", what):
        found, events = check_events(given, checkpoint)
        if found != slot or len(events) != version or events[-1][1] >= committed.size:
            raise ProofError(f"{what}: its events are not the {version} of before the epoch")
        kind = "person"
        head = chained(from_base64(text(said, "chain", what), f"{what} chain"), events)
        decided = decide_again(events, statements)
    elif given:
        buried, index = _buried(given, slot, checkpoint)
        if index >= committed.size:
            return "erased since", 0
        kind, head = "erased", _buried_head(said, buried, version, what)
    elif version:
        raise ProofError(f"{what}: has {version} events, and none is opened")
    check_commitment(committed, slot, version, head, blind, path)
    return kind, decided


def _buried(given: list[object], slot: int, checkpoint: Checkpoint) -> tuple[Json, int]:
    """What the erasure of *slot* states, and where it stands in the log."""
    event, index, _ = check_entry(given[0], checkpoint, f"slot {slot} erasure")
    body = cast("Json", event["body"])
    if len(given) != 1 or event["kind"] != "person.erased" or body.get("slot") != slot:
        raise ProofError(f"slot {slot}: neither opened nor shown to be erased")
    return body, index


def _buried_head(said: Json, body: Json, version: int, what: str) -> bytes:
    """The head of an erased slot, as its erasure states it."""
    if (body.get("version"), body.get("head")) != (version, said["head"]):
        raise ProofError(f"{what}: its erasure states another count or head")
    return from_hex(text(said, "head", what), f"{what} head")
