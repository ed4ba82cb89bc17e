"""A challenge audit: an auditor sees people whom nobody chose (proof-formats.md, "Challenge").

    begin    the auditor's commitment is stated, with an epoch that fixes every history
    note     the auditor keeps a later checkpoint, and only then shows the value
    answer   slots are drawn by the value and the log's root right after the beginning, and opened
    state    that they were, once, in public

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

from reciprocity.errors import Conflict, InputError, ProofError, Unavailable
from reciprocity.events import ChallengeAnswered, ChallengeBegun, Epoch, ErasureDone, canonical
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.journal.read import Reader
from reciprocity.prove.epoch_tree import EpochTree
from reciprocity.prove.epochs import FILE, blind_of, publish_epoch
from reciprocity.prove.person import EntryProof, Grown, entry_proof, stated_by
from reciprocity.prove.verify.challenge import FORMAT, MOST_VALUE, draw_slots
from reciprocity.storage import explained
from reciprocity.tlog.merkle import prove_consistency, root_at
from reciprocity.tlog.note import Checkpoint, Note
from reciprocity.tlog.tiles import TileReader

__all__ = ["Answer", "OpenedSlot", "answer_challenge", "begin_challenge", "state_answered"]

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


class Drawn(Struct, frozen=True, kw_only=True):
    """The root right after the beginning, by which is drawn, and how the log went on from it."""

    proof: tuple[str, ...]
    root: str


class Answer(Struct, frozen=True, kw_only=True):
    """What the auditor gets, and nobody else; `encode` gives the file's bytes."""

    begun: EntryProof
    checkpoint: str
    drawn: Drawn
    epoch: EntryProof
    format: str = FORMAT
    noted: Grown
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


def answer_challenge(journal: Journal, number: int, value: str, noted: bytes) -> Answer:
    """Draw the slots of challenge *number* by *value* and open them, for the auditor alone.

    *noted* is the checkpoint that the auditor named before they showed the value; nothing of the
    draw depends on it, but the answer shows that the log went on from there. Write it down before
    `state_answered`, which closes the challenge. Raises `InputError` for a value that was not
    committed to, a challenge never begun, a checkpoint of another log or from before it was begun;
    `Conflict` for one that was answered.
    """
    begun, epoch = _begun(journal, number)
    challenge, stated = begun.body, epoch.body
    if not isinstance(challenge, ChallengeBegun) or not isinstance(stated, Epoch):
        raise InputError(f"challenge {number} was never begun")
    if sha256(value.encode()).hexdigest() != challenge.commitment:
        raise InputError("value is not the one the auditor committed to: check its spelling")
    if len(value.encode()) > MOST_VALUE:
        raise InputError(f"value is longer than {MOST_VALUE} bytes: begin with a shorter one")
    _check_open(journal, number)
    with closing(journal.connection()) as db, EpochTree(_tree_path(journal, number)) as tree:
        reader = Reader(db, journal.keys)
        with reader.snapshot():
            state = reader.state()
            if state is None:
                raise InputError(f"challenge {number} was never begun")
            log, size = reader.tile_reader(state.size), begun.position + 1
            known = _noted(journal, noted, begun.position, log)
            after = Checkpoint(state.origin, size, root_at(size, log))
            opening = _Opening(reader, tree, stated, log, journal.keys.epoch_key())
            return Answer(
                begun=entry_proof(begun, log),
                checkpoint=state.checkpoint.decode(),
                drawn=Drawn(proof=_grown(size, log), root=_text(after.root)),
                epoch=entry_proof(epoch, log),
                noted=Grown(proof=_grown(known.size, log), size=known.size),
                slots=tuple(
                    opening.open(slot)
                    for slot in draw_slots(value, after, stated.slots, challenge.count)
                ),
                statements=tuple(entry_proof(reader.told(at), log) for at in opening.stated()),
                value=value,
            )


def state_answered(journal: Journal, number: int, answer: Answer) -> Appended:
    """State in public that challenge *number* was answered; it never is a second time.

    Raises `Conflict` if it was answered meanwhile: then destroy *answer*.
    """
    _check_open(journal, number)
    known = answer.noted.size
    with closing(journal.connection()) as db:
        reader = Reader(db, journal.keys)
        with reader.snapshot():
            root = root_at(known, reader.tile_reader(known))
    body = ChallengeAnswered(
        number=number,
        value=answer.value,
        size=known,
        root=root.hex(),
        people=sum(bool(one.chain) for one in answer.slots),
        erased=sum(bool(one.events) and not one.chain for one in answer.slots),
        unused=sum(one.version == 0 for one in answer.slots),
    )
    act_id = f"challenge:{journal.state().origin}:{number}:answer"
    entry = Entry(kind="challenge.answered", body=body, act_id=act_id)
    (appended,) = journal.append([entry])
    if appended.again:
        raise Conflict(f"challenge {number} was answered just now: destroy this answer")
    return appended


def _check_open(journal: Journal, number: int) -> None:
    """Refuse a challenge that was answered: the auditor has seen whom it drew."""
    for told in journal.brand_events("challenge.answered"):
        if isinstance(told.body, ChallengeAnswered) and told.body.number == number:
            raise Conflict(
                f"challenge {number} was answered, at {told.position}: it is answered once; "
                "ask the auditor to begin another"
            )


def _noted(journal: Journal, noted: bytes, begun: int, log: TileReader) -> Checkpoint:
    """The checkpoint that the auditor noted, held to be of this log and later than *begun*."""
    try:
        known = Checkpoint.parse(Note.parse(noted).text)
    except ProofError as error:
        raise InputError(f"checkpoint noted is none ({error}): ask the auditor again") from error
    if known.size <= begun:
        raise InputError(
            f"checkpoint noted has {known.size} events, the challenge was begun at {begun}: the "
            "auditor must note a later one before they show the value"
        )
    origin = journal.state().origin
    if known.origin != origin or known.size > log.size or root_at(known.size, log) != known.root:
        raise InputError("checkpoint noted is not of this log: ask the auditor where it is from")
    return known


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
        if not version:
            return OpenedSlot(slot=slot, version=0, blind=blind, path=path)
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
            raise Unavailable(f"person in slot {slot} is just being erased: answer again")
        head = buried.body.head if buried.body.version == version else ""
        return OpenedSlot(
            slot=slot, version=version, blind=blind, path=path, head=head,
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


def _grown(size: int, log: TileReader) -> tuple[str, ...]:
    return tuple(map(_text, prove_consistency(size, log.size, log)))


def _text(data: bytes) -> str:
    return b64encode(data).decode()
