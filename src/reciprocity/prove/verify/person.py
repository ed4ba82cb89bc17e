"""Verifying a person's proof: these are their events, they are all, and each send was permitted.

The steps are those of docs/reference/proof-formats.md, "Person's proof", in its order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.deliveries import check_order, judged
from reciprocity.prove.verify.entry import (
    Entry,
    Json,
    check_entry,
    check_public,
    from_base64,
    from_hex,
    hashes_of,
    keys_from,
    newer,
    number,
    open_under,
    read_json,
    text,
    utf8,
)
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
    "check_statements",
    "decide_again",
    "listed",
    "verify_person",
]

FORMAT: Final = "reciprocity-person@v1"
_FIELDS: Final = (
    "chain", "checkpoint", "consistency", "epoch", "events", "format", "statements",
)  # fmt: skip
_EPOCH: Final = ("blind", "event", "index", "path", "proof", "version")
_STATED: Final = {"number", "root", "size", "slots", "sum_n"}


@dataclass(frozen=True, slots=True)
class VerifiedPerson:
    """A proof that holds: the person's events, how many of them an epoch shows to be all.

    *covered* events are all there are of the person among the first *epoch_size* records of the
    log, which has *size*: so says epoch number *epoch*, stated at *epoch_at* (ms since 1970, the
    brand's word). What came later is in the log, but only the next epoch will show that none is
    missing. *decided* is how many deliveries were decided again, each put before *fewest_rules*
    rules at least (0 if there was none); *consistent_with* the size of the checkpoint that was
    seen before (0 without one). *root* is in hex.
    """

    events: tuple[Json, ...]
    slot: int
    covered: int
    epoch: int
    epoch_at: int
    epoch_size: int
    decided: int
    fewest_rules: int
    consistent_with: int
    origin: str
    size: int
    root: str
    cosigned_by: tuple[str, ...]


def verify_person(
    data: bytes, keys: Sequence[str], policy: Policy | None = None, seen: bytes | None = None
) -> VerifiedPerson:
    """What the person's proof in *data* shows under one of *keys*, or those of *policy*.

    *seen* is a checkpoint of the log seen before, which it must go on from; an empty one is none,
    and is refused. Raises `ProofError`
    saying what does not hold, by version where it is one event, `InputError` for a key that is
    none.
    """
    verifiers = keys_from(keys, policy)
    said = read_json(data, "proof", _FIELDS)
    if said["format"] != FORMAT:
        raise ProofError(f"proof: is of format {said['format']!r}, expected {FORMAT}")
    note = utf8(said, "checkpoint", "proof")
    checkpoint, cosigned_by = open_under(note, verifiers, policy)
    before = None if seen is None else open_under(seen, verifiers)[0]
    consistent = _check_seen(said, checkpoint, before)
    slot, events = check_events(listed(said, "events"), checkpoint)
    statements = check_statements(listed(said, "statements"), checkpoint)
    chain = from_base64(text(said, "chain", "proof"), "proof chain")
    epoch, covered = _check_epoch(said["epoch"], slot, events, chain, checkpoint)
    found = judged(events, statements)
    check_order([*((index, event) for event, index, _ in events), (epoch.index, epoch.event)])
    return VerifiedPerson(
        events=tuple(event for event, _, _ in events),
        slot=slot,
        covered=covered,
        epoch=epoch.number,
        epoch_at=epoch.at,
        epoch_size=epoch.size,
        decided=found.decided,
        fewest_rules=found.fewest_rules,
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


def check_statements(listed: list[object], checkpoint: Checkpoint) -> dict[int, Json]:
    """The public statements *listed*, by their index; anybody can read them in the log."""
    found = {}
    for place, (event, index, _) in enumerate(_entries(listed, "statement", checkpoint)):
        check_public(listed[place], f"statement {place + 1}")
        found[index] = event
    return found


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
    sum_n: int
    root: bytes
    event: Json

    @classmethod
    def read(cls, said: object, checkpoint: Checkpoint) -> Self:
        """The epoch in the entry *said*, held to be in the log, in clear text for every auditor.

        One that nobody else can read could count whatever this person is to believe.
        """
        event, index, _ = check_entry(said, checkpoint, "epoch")
        check_public(said, "epoch", clear=True)
        if event["kind"] != "epoch.published":
            raise ProofError(f"epoch: the event is {event['kind']!r}, expected epoch.published")
        if event["v"] != 1:
            raise newer("epoch", event)
        body = cast("Json", event["body"])
        if body.keys() != _STATED:
            raise ProofError(f"epoch: expected exactly {', '.join(sorted(_STATED))}")
        size, sum_n = number(body, "size", "epoch"), number(body, "sum_n", "epoch")
        if size > index:
            raise ProofError(f"epoch: covers {size} records, and stands at index {index} itself")
        if sum_n > size:
            raise ProofError(f"epoch: counts {sum_n} events among {size} records")
        return cls(
            number=number(body, "number", "epoch", 1),
            at=number(event, "at", "epoch"),
            index=index,
            size=size,
            slots=number(body, "slots", "epoch"),
            sum_n=sum_n,
            root=from_hex(text(body, "root", "epoch"), "epoch root"),
            event=event,
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
    if covered > epoch.sum_n:
        raise ProofError(f"epoch: counts {epoch.sum_n} events in all, {covered} of this person")
    below = sum(index < epoch.size for _, index, _ in events)
    if below != covered:
        raise ProofError(f"epoch: has {covered} events, {below} are given from before it")
    head = chained(chain, events[:covered]) if covered else bytes(HASH_BYTES)
    blind = from_base64(text(given, "blind", "epoch"), "epoch blind")
    check_commitment(epoch, slot, covered, head, blind, hashes_of(given, "path", "epoch"))
    return epoch, covered


def decide_again(events: list[Entry], statements: Mapping[int, Json]) -> int:
    """Decide each delivery again from what it recorded and from history; how many there were."""
    return judged(events, statements).decided
