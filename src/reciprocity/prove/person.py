"""A person's proof: all that is recorded of one person, and why it is all (proof-formats.md).

What the brand hands out; `prove/verify` and `static/verify.js` check it without the brand. It
holds the person's own events opened, and nothing of anybody else.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from reciprocity.errors import InputError
from reciprocity.events import Attempt, canonical
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.journal.read import Reader
from reciprocity.prove.epochs import Placed, place_in_epoch, publish_epoch
from reciprocity.prove.verify.person import FORMAT
from reciprocity.tlog.merkle import prove_consistency, prove_inclusion
from reciprocity.tlog.tiles import TileReader

__all__ = [
    "EntryProof",
    "EpochProof",
    "Grown",
    "PersonProof",
    "entry_proof",
    "person_proof",
    "stated_by",
]

_PUBLIC: Final = 3  # brand, rulebook, law packs; the campaign's statement is the brand's own


class EntryProof(Struct, frozen=True, kw_only=True):
    """One event in the log: its JSON, index, inclusion under the checkpoint, and salt (base64)."""

    event: str
    index: int
    proof: tuple[str, ...]
    salt: str


class EpochProof(Struct, frozen=True, kw_only=True):
    """The epoch that shows that the first *version* events are all there were before it."""

    blind: str
    event: str
    index: int
    path: tuple[str, ...]
    proof: tuple[str, ...]
    version: int


class Grown(Struct, frozen=True, kw_only=True):
    """Why the log begins with the log of *size* events."""

    proof: tuple[str, ...]
    size: int


class PersonProof(Struct, frozen=True, kw_only=True):
    """The whole file; `encode` gives its bytes."""

    chain: str
    checkpoint: str
    consistency: tuple[Grown, ...]
    epoch: EpochProof
    events: tuple[EntryProof, ...]
    format: str = FORMAT
    statements: tuple[EntryProof, ...]

    def encode(self) -> bytes:
        """The file's bytes."""
        return canonical(self) + b"\n"


def person_proof(journal: Journal, slot: int, since: Sequence[int] = ()) -> PersonProof:
    """The proof of the person in *slot*, complete as of now: an epoch is published if need be.

    *since* are sizes at which somebody saw the log before. Raises `InputError` for a person who is
    erased: nothing of them can be opened.
    """
    if not journal.history(slot):
        raise InputError("person is erased, or was never written of: there is nothing to prove")
    publish_epoch(journal)
    placed = place_in_epoch(journal, slot)
    db = journal.connection()
    try:
        reader = Reader(db, journal.keys)
        with reader.snapshot():
            return _made(reader, slot, placed, since)
    finally:
        db.close()


def _made(reader: Reader, slot: int, placed: Placed, since: Sequence[int]) -> PersonProof:
    state, events = reader.state(), reader.history(slot)
    if state is None or not events:
        raise InputError("person was erased just now: there is nothing to prove")
    tree = reader.tile_reader(state.size)
    epoch = entry_proof(placed.epoch, tree)
    return PersonProof(
        chain=_text(reader.chain_start(slot)),
        checkpoint=state.checkpoint.decode(),
        consistency=tuple(_grown(size, tree) for size in sorted(set(since))),
        epoch=EpochProof(
            blind=_text(placed.blind),
            event=epoch.event,
            index=epoch.index,
            path=tuple(map(_text, placed.path)),
            proof=epoch.proof,
            version=placed.version,
        ),
        events=tuple(entry_proof(told, tree) for told in events),
        statements=tuple(entry_proof(reader.told(at), tree) for at in stated_by(events)),
    )


def _grown(size: int, tree: TileReader) -> Grown:
    if size > tree.size:
        raise InputError(f"log has {tree.size} events and never had {size}: it is another log")
    return Grown(proof=tuple(map(_text, prove_consistency(size, tree.size, tree))), size=size)


def stated_by(events: Iterable[Told]) -> list[int]:
    """The positions of the public statements that deliveries name."""
    found = {
        at for told in events if isinstance(told.body, Attempt) for at in told.body.stated[:_PUBLIC]
    }
    return sorted(found)


def entry_proof(told: Told, tree: TileReader) -> EntryProof:
    """The event *told*, with the way from its leaf to the root of *tree*."""
    return EntryProof(
        event=told.text.decode(),
        index=told.position,
        proof=tuple(map(_text, prove_inclusion(told.position, tree.size, tree))),
        salt=_text(told.salt),
    )


def _text(data: bytes) -> str:
    return b64encode(data).decode()
