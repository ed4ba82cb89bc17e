"""Verifying a person's proof: these are their events, they are all, and each send was permitted.

The steps are those of docs/reference/proof-formats.md, "Person's proof", in its order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import (
    Entry,
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
    text_or,
    utf8,
)
from reciprocity.prove.verify.rules import Rulebook
from reciprocity.prove.verify.wishes import OwnWords, check_facts
from reciprocity.tlog.merkle import HASH_BYTES, check_consistency, check_inclusion
from reciprocity.tlog.note import Checkpoint
from reciprocity.tlog.policy import Policy

__all__ = [
    "FORMAT",
    "Committed",
    "VerifiedPerson",
    "chained",
    "check_commitment",
    "check_events",
    "decide_again",
    "listed",
    "verify_person",
]

FORMAT: Final = "reciprocity-person@v1"
_FIELDS: Final = (
    "chain", "checkpoint", "consistency", "epoch", "events", "format", "statements",
)  # fmt: skip
_EPOCH: Final = ("blind", "event", "index", "path", "proof", "version")
_TAKES_BACK: Final = ("consent.refused", "consent.withdrawn")
_BRAND, _RULEBOOK = 0, 1


@dataclass(frozen=True, slots=True)
class VerifiedPerson:
    """A proof that holds: the person's events, how many of them an epoch shows to be all.

    *covered* events are complete as of epoch number *epoch*, stated at *epoch_at* (ms since 1970);
    later ones are in the log, but only the next epoch will show that none is missing: look at the
    date. *decided* is how many deliveries were decided again, *consistent_with* the size of the
    checkpoint that was seen before (0 without one). *root* is in hex.
    """

    events: tuple[Json, ...]
    slot: int
    covered: int
    epoch: int
    epoch_at: int
    decided: int
    consistent_with: int
    origin: str
    size: int
    root: str
    cosigned_by: tuple[str, ...]


def verify_person(
    data: bytes, keys: Sequence[str], policy: Policy | None = None, seen: bytes = b""
) -> VerifiedPerson:
    """What the person's proof in *data* shows under one of *keys*, or those of *policy*.

    *seen* is a checkpoint of the log seen before, which it must go on from. Raises `ProofError`
    saying what does not hold, by version where it is one event, `InputError` for a key that is
    none.
    """
    verifiers = keys_from(keys, policy)
    said = read_json(data, "proof", _FIELDS)
    if said["format"] != FORMAT:
        raise ProofError(f"proof: is of format {said['format']!r}, expected {FORMAT}")
    note = utf8(said, "checkpoint", "proof")
    checkpoint, cosigned_by = open_under(note, verifiers, policy)
    consistent = _check_seen(said, checkpoint, open_under(seen, verifiers)[0] if seen else None)
    slot, events = check_events(listed(said, "events"), checkpoint)
    statements = {
        entry[1]: entry[0]
        for entry in _entries(listed(said, "statements"), "statement", checkpoint)
    }
    chain = from_base64(text(said, "chain", "proof"), "proof chain")
    epoch, covered = _check_epoch(said["epoch"], slot, events, chain, checkpoint)
    return VerifiedPerson(
        events=tuple(event for event, _, _ in events),
        slot=slot,
        covered=covered,
        epoch=epoch.number,
        epoch_at=epoch.at,
        decided=decide_again(events, statements),
        consistent_with=consistent,
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        cosigned_by=cosigned_by,
    )


def _check_seen(said: Json, checkpoint: Checkpoint, seen: Checkpoint | None) -> int:
    """Hold that the log goes on from what was *seen* of it; its size then."""
    grown = {}
    for one in listed(said, "consistency"):
        if not isinstance(one, dict) or one.keys() != {"proof", "size"}:
            raise ProofError("consistency: expected exactly proof, size")
        grown[number(one, "size", "consistency")] = hashes_of(one, "proof", "consistency")
    if seen is None:
        return 0
    if seen.origin != checkpoint.origin:
        raise ProofError(f"consistency: {seen.origin} was seen before, this is {checkpoint.origin}")
    if seen.size == checkpoint.size:
        grown.setdefault(seen.size, [])
    if seen.size not in grown:
        raise ProofError(
            f"consistency: the proof does not say how the log grew from {seen.size} events: ask "
            f"for one with `--since {seen.size}`"
        )
    check_consistency(grown[seen.size], seen.size, seen.root, checkpoint.size, checkpoint.root)
    return seen.size


def listed(said: Json, name: str) -> list[object]:
    """The list under *name*; refuses anything else."""
    listed = said[name]
    if not isinstance(listed, list):
        raise ProofError(f"proof: {name} is no list")
    return listed


def _entries(listed: Iterable[object], what: str, checkpoint: Checkpoint) -> Iterable[Entry]:
    for place, one in enumerate(listed):
        yield check_entry(one, checkpoint, f"{what} {place + 1}")


def check_events(listed: list[object], checkpoint: Checkpoint) -> tuple[int, list[Entry]]:
    """The slot and the events, of versions 1 to n at rising indices."""
    events = list(_entries(listed, "event", checkpoint))
    if not events:
        raise ProofError("proof: holds no event")
    slot, before = number(events[0][0], "slot", "event 1"), -1
    for version, (event, index, _) in enumerate(events, 1):
        found = number(event, "version", f"event {version}", 1)
        if number(event, "slot", f"event {version}") != slot:
            raise ProofError(f"event {version}: is of another slot than those before it")
        if found != version:
            raise ProofError(f"version {version} is missing: the next event is version {found}")
        if index <= before:
            raise ProofError(f"version {version} stands in the log before the one it follows")
        before = index
    return slot, events


@dataclass(frozen=True, slots=True)
class Committed:
    """An epoch that is in the log: which, where, and what it commits to."""

    number: int
    at: int
    index: int
    size: int
    slots: int
    root: bytes

    @classmethod
    def read(cls, said: object, checkpoint: Checkpoint) -> Self:
        """The epoch in the entry *said*, held to be in the log."""
        event, index, _ = check_entry(said, checkpoint, "epoch")
        if event["kind"] != "epoch.published" or event["v"] != 1:
            raise ProofError(f"epoch: the event is {event['kind']!r}, expected epoch.published")
        body = cast("Json", event["body"])
        return cls(
            number(body, "number", "epoch", 1),
            number(event, "at", "epoch"),
            index,
            number(body, "size", "epoch"),
            number(body, "slots", "epoch"),
            from_hex(text(body, "root", "epoch"), "epoch root"),
        )


def chained(chain: bytes, events: Iterable[Entry]) -> bytes:
    """The head of the chain over *events*, from its start *chain*."""
    head = chain
    for _, _, leaf_hash in events:
        head = sha256(head + leaf_hash).digest()
    return head


def check_commitment(
    epoch: Committed, slot: int, version: int, head: bytes, blind: bytes, path: list[bytes]
) -> None:
    """Hold that *epoch* commits to exactly *version* events of *slot*, chained up to *head*."""
    placed = slot.to_bytes(8, "big") + version.to_bytes(8, "big")
    leaf_hash = sha256(b"\0" + placed + head + blind).digest()
    try:
        check_inclusion(path, slot, leaf_hash, epoch.slots, epoch.root)
    except ProofError as error:
        raise ProofError(
            f"epoch: does not commit to these {version} events; one of them is missing, or another "
            f"({error})"
        ) from error


def _check_epoch(
    said: object, slot: int, events: list[Entry], chain: bytes, checkpoint: Checkpoint
) -> tuple[Committed, int]:
    """Hold that the events are all there were; the epoch, and how many it covers."""
    if not isinstance(said, dict) or said.keys() != set(_EPOCH):
        raise ProofError(f"epoch: expected exactly {', '.join(_EPOCH)}")
    given = cast("Json", said)
    entry = {name: given[name] for name in ("event", "index", "proof")} | {"salt": ""}
    epoch, covered = Committed.read(entry, checkpoint), number(given, "version", "epoch")
    if covered > len(events):
        raise ProofError(f"version {len(events) + 1} is missing: the epoch has {covered} events")
    below = sum(index < epoch.size for _, index, _ in events)
    if below != covered:
        raise ProofError(f"epoch: has {covered} events, {below} are given from before it")
    head = chained(chain, events[:covered]) if covered else bytes(HASH_BYTES)
    blind = from_base64(text(given, "blind", "epoch"), "epoch blind")
    check_commitment(epoch, slot, covered, head, blind, hashes_of(given, "path", "epoch"))
    return epoch, covered


def decide_again(events: list[Entry], statements: Mapping[int, Json]) -> int:
    """Decide each delivery again from what it recorded; how many there were.

    What it recorded is held against the person's own events first.
    """
    rulebooks: dict[int, Rulebook] = {}
    words, decided = OwnWords(), 0
    for version, (event, index, _) in enumerate(events, 1):
        if event["kind"] == "delivery.attempted" and event["v"] == 1:
            decided += 1
            attempt, what = cast("Json", event["body"]), f"delivery at version {version}"
            basis = _read_attempt(attempt, what)
            brand_at, rulebook_at = _stated(attempt, index, what)
            if rulebook_at not in rulebooks:
                stated = _statement(statements, rulebook_at, "rulebook.applied", what)
                rulebooks[rulebook_at] = Rulebook(stated)
            book = rulebooks[rulebook_at]
            if (reason := book.reason_against(attempt, what)) is not None:
                raise ProofError(f"{what}: the rule {reason!r} was against it")
            brand = _statement(statements, brand_at, "brand.applied", what)
            at = number(event, "at", what)
            check_facts(words, book.named_facts(attempt), attempt, at, brand, what)
            if basis == "consent":
                _check_consent(events, version, attempt, what)
        words.see(version, event)
    return decided


def _read_attempt(attempt: Json, what: str) -> str:
    """The basis of *attempt*, which names what it sends, to which purpose, and where, in text."""
    for name in ("channel", "message", "occasion", "purpose"):
        text(attempt, name, what)
    return text_or(attempt, "basis", "consent", what)


def _stated(attempt: Json, index: int, what: str) -> tuple[int, int]:
    """The positions of the brand file and the rulebook that *attempt* names, both below it."""
    stated = attempt.get("stated")
    if not isinstance(stated, list) or len(stated) <= _RULEBOOK:
        raise ProofError(f"{what}: names no rulebook")
    brand, rulebook = stated[_BRAND], stated[_RULEBOOK]
    if type(brand) is not int or type(rulebook) is not int:
        raise ProofError(f"{what}: names no rulebook")
    if not (0 <= rulebook < index and 0 <= brand < index):
        raise ProofError(f"{what}: names a rulebook or a brand file that came after it")
    return brand, rulebook


def _statement(statements: Mapping[int, Json], at: int, kind: str, what: str) -> Json:
    """What the statement at *at* puts into force, which must be of *kind*."""
    statement = statements.get(at)
    if statement is None or statement["kind"] != kind:
        raise ProofError(f"{what}: the {kind} it names is not among the statements")
    body = cast("Json", statement["body"]).get("body")
    if not isinstance(body, dict):
        raise ProofError(f"{what}: the {kind} it names has no body")
    return body


def _check_consent(events: list[Entry], version: int, attempt: Json, what: str) -> None:
    """Hold that a yes stood: the event named says so, and nothing between takes it back."""
    named = number(attempt, "consent", what, 1)
    if named >= version:
        raise ProofError(f"{what}: rests on a consent that came after it")
    key = (attempt["purpose"], attempt["channel"])
    if "given" not in _states(events[named - 1][0], key):
        raise ProofError(f"{what}: version {named} says no yes to its purpose and channel")
    for between, (event, _, _) in enumerate(events[named : version - 1], named + 1):
        if event["kind"] in _TAKES_BACK and _states(event, key) & {"refused", "withdrawn"}:
            raise ProofError(f"{what}: the yes was taken back at version {between}")


def _states(event: Json, key: tuple[object, object]) -> set[str]:
    rows = cast("Json", event["body"]).get("consent", [])
    return {
        str(row.get("state"))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and (row.get("purpose"), row.get("channel")) == key
    }
