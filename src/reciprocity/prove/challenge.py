"""A challenge audit: an auditor sees people whom nobody chose (proof-formats.md, "Challenge").

    begin    the auditor's commitment is stated, with an epoch that fixes every history
    answer   once a later checkpoint stands, the value is shown, slots are drawn and opened

The epoch's tree moves on every hour, so a copy of it is kept from the beginning to the answer.
"""

import sqlite3
from base64 import b64encode
from collections.abc import Iterable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from reciprocity.errors import Conflict, InputError
from reciprocity.events import ChallengeAnswered, ChallengeBegun, Epoch, ErasureDone, canonical
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.journal.read import Reader
from reciprocity.journal.store import explained
from reciprocity.prove.epoch_tree import EpochTree
from reciprocity.prove.epochs import FILE, blind_of, publish_epoch
from reciprocity.prove.person import EntryProof, entry_proof, stated_by
from reciprocity.prove.verify.challenge import FORMAT, draw_slots
from reciprocity.tlog.note import Checkpoint, Note
from reciprocity.tlog.tiles import TileReader

__all__ = ["Answer", "OpenedSlot", "answer_challenge", "begin_challenge"]

FOLDER: Final = "challenges"
_HEX: Final = 64
_MOST_SLOTS: Final = 10_000


class OpenedSlot(Struct, frozen=True, kw_only=True):
    """One slot drawn, opened whole; see proof-formats.md."""

    slot: int
    version: int
    blind: str
    path: tuple[str, ...]
    chain: str = ""
    head: str = ""
    events: tuple[EntryProof, ...] = ()


class Answer(Struct, frozen=True, kw_only=True):
    """What the auditor gets, and nobody else; `encode` gives the file's bytes."""

    begun: EntryProof
    checkpoint: str
    epoch: EntryProof
    format: str = FORMAT
    slots: tuple[OpenedSlot, ...]
    statements: tuple[EntryProof, ...]
    value: str

    def encode(self) -> bytes:
        """The file's bytes."""
        return canonical(self) + b"\n"


def begin_challenge(journal: Journal, commitment: str, count: int) -> ChallengeBegun:
    """State that *count* slots will be drawn by the value whose SHA-256 (hex) is *commitment*.

    Publishes the epoch they are drawn from. Raises `InputError` for a commitment that is none.
    """
    if len(commitment) != _HEX or commitment.lower() != commitment or not _is_hex(commitment):
        raise InputError("commitment is no SHA-256 in hex: ask the auditor for 64 digits 0 to f")
    if not 1 <= count <= _MOST_SLOTS:
        raise InputError(f"challenge draws 1 to {_MOST_SLOTS} slots, found {count}")
    epoch = publish_epoch(journal)
    number = len(journal.brand_events("challenge.begun")) + 1
    _keep_tree(journal, number, epoch.size)
    body = ChallengeBegun(number=number, epoch=epoch.number, count=count, commitment=commitment)
    act_id = f"challenge:{journal.state().origin}:{number}"
    (appended,) = journal.append([Entry(kind="challenge.begun", body=body, act_id=act_id)])
    if appended.again:
        raise Conflict("another challenge was begun just now: begin again")
    return body


def answer_challenge(journal: Journal, number: int, value: str) -> Answer:
    """Draw the slots of challenge *number* by *value* and open them, for the auditor alone.

    Raises `InputError` for a value that was not committed to, or a challenge never begun.
    """
    begun, epoch = _begun(journal, number)
    challenge, stated = begun.body, epoch.body
    if not isinstance(challenge, ChallengeBegun) or not isinstance(stated, Epoch):
        raise InputError(f"challenge {number} was never begun")
    if sha256(value.encode()).hexdigest() != challenge.commitment:
        raise InputError("value is not the one the auditor committed to: check its spelling")
    with closing(journal.connection()) as db, EpochTree(_tree_path(journal, number)) as tree:
        reader = Reader(db, journal.keys)
        with reader.snapshot():
            state = reader.state()
            if state is None or state.size <= begun.position + 1:
                raise InputError("log has not gone on since the challenge was begun: wait for it")
            log = reader.tile_reader(state.size)
            drawn = draw_slots(
                value, Note.parse(state.checkpoint).text, stated.slots, challenge.count
            )
            opening = _Opening(reader, tree, stated, log, journal.keys.epoch_key())
            slots = tuple(opening.open(slot) for slot in drawn)
            answer = Answer(
                begun=entry_proof(begun, log),
                checkpoint=state.checkpoint.decode(),
                epoch=entry_proof(epoch, log),
                slots=slots,
                statements=tuple(entry_proof(reader.told(at), log) for at in opening.stated()),
                value=value,
            )
    body = ChallengeAnswered(
        number=number,
        value=value,
        size=state.size,
        root=Checkpoint.parse(Note.parse(state.checkpoint).text).root.hex(),
        people=sum(bool(one.chain) for one in slots),
        erased=sum(bool(one.head) for one in slots),
        unused=sum(one.version == 0 for one in slots),
    )
    journal.append([Entry(kind="challenge.answered", body=body)])
    return answer


class _Opening:
    """Opens slots as the epoch of a challenge has them."""

    def __init__(
        self, reader: Reader, tree: EpochTree, epoch: Epoch, log: TileReader, key: bytes
    ) -> None:
        self._reader, self._tree, self._epoch, self._log = reader, tree, epoch, log
        self._key, self._told = key, list[Told]()
        self._buried = {
            told.body.slot: told
            for told in reader.brand_events("person.erased")
            if isinstance(told.body, ErasureDone)
        }

    def open(self, slot: int) -> OpenedSlot:
        """All there was of *slot* at the epoch."""
        version = self._tree.count(slot)
        path = tuple(map(_text, self._tree.prove(slot, self._epoch.slots)))
        blind = _text(blind_of(self._key, slot, version))
        history = self._reader.history(slot)[:version] if slot not in self._buried else []
        if history:
            self._told += history
            return OpenedSlot(
                slot=slot, version=version, blind=blind, path=path,
                chain=_text(self._reader.chain_start(slot)),
                events=tuple(entry_proof(told, self._log) for told in history),
            )  # fmt: skip
        buried = self._buried.get(slot)
        if buried is None or not isinstance(buried.body, ErasureDone):
            return OpenedSlot(slot=slot, version=version, blind=blind, path=path)
        return OpenedSlot(
            slot=slot, version=version, blind=blind, path=path, head=buried.body.head,
            events=(entry_proof(buried, self._log),),
        )  # fmt: skip

    def stated(self) -> Iterable[int]:
        """The positions of the statements that the deliveries opened so far name."""
        return stated_by(self._told)


def _begun(journal: Journal, number: int) -> tuple[Told, Told]:
    """The beginning of challenge *number*, and the epoch it was begun with."""
    for told in journal.brand_events("challenge.begun"):
        if isinstance(told.body, ChallengeBegun) and told.body.number == number:
            for epoch in journal.brand_events("epoch.published"):
                if isinstance(epoch.body, Epoch) and epoch.body.number == told.body.epoch:
                    return told, epoch
    raise InputError(f"challenge {number} was never begun: `reciprocity audit challenge begin`")


def _tree_path(journal: Journal, number: int) -> Path:
    return journal.folder / FOLDER / f"{number}.db"


def _keep_tree(journal: Journal, number: int, size: int) -> None:
    """Copy the tree of epochs as it is for the challenge; whole, or not at all."""
    path = _tree_path(journal, number)
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    with (
        explained("keep the tree of a challenge"),
        closing(sqlite3.connect(journal.folder / FILE)) as source,
        closing(sqlite3.connect(path)) as copy,
    ):
        source.backup(copy)
    with EpochTree(path) as tree:
        if tree.reached().size != size:
            raise Conflict("another epoch was published just now: begin again")


def _is_hex(spelled: str) -> bool:
    return all(one in "0123456789abcdef" for one in spelled)


def _text(data: bytes) -> str:
    return b64encode(data).decode()
