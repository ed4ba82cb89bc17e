"""Epochs: at an instant, how many events each person has and how their chain ends, committed to.

    leaf of a slot   SHA-256(0x00 || slot || n || h_n || blind)
    root             the RFC 6962 root over all slots, stated in the log as `epoch.published`

One slot has one leaf and the log one root, hence there is one answer to "is this all you hold on
me?": a person who recomputes their chain and climbs to the root has it. Leaves are blinded, so
that nobody learns another's count from a path. Erased slots keep their n and head, as
`person.erased` states them; slots nobody was ever given are leaves with n = 0.
"""

import hmac
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.errors import Damaged, Unavailable
from reciprocity.events import Epoch, ErasureDone, Scope
from reciprocity.journal.cache import StandingCache
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.journal.log_reader import State
from reciprocity.journal.read import Reader
from reciprocity.prove.epoch_tree import EpochTree, Reached, epoch_leaf
from reciprocity.storage import explained
from reciprocity.tlog.merkle import HASH_BYTES, root_at

__all__ = [
    "HOUR_MS",
    "Committed",
    "Placed",
    "blind_of",
    "newest_epoch",
    "place_in_epoch",
    "publish_epoch",
    "publish_if_due",
]

HOUR_MS: Final = 3_600_000
FILE: Final = "epochs.db"
NAME: Final = "epoch"
NOBODY: Final = bytes(HASH_BYTES)
_TRIES: Final = 200
_WAIT_S: Final = 0.01
_AT_ONCE: Final = 25_600
_PERSONAL: Final = bytes([Scope.PERSONAL])


class Committed(Struct, frozen=True, kw_only=True):
    """An epoch in the log; *new* unless nothing had happened since the one before."""

    position: int
    number: int
    size: int
    slots: int
    root: str
    sum_n: int
    new: bool


class Placed(Struct, frozen=True, kw_only=True):
    """Where a slot stands in the newest epoch: its count, blind and path to the epoch's root."""

    epoch: Told
    version: int
    blind: bytes
    path: tuple[bytes, ...]


class _Head(Struct, frozen=True, array_like=True, gc=False):
    """The first fields of a `Standing`: all that an epoch reads of one."""

    slot: int
    version: int = 0
    head: bytes = b""


_head: Final = msgspec.msgpack.Decoder(_Head)


def newest_epoch(journal: Journal) -> Told | None:
    """The newest epoch in the log; None before the first."""
    stated = journal.in_force(NAME)
    return journal.told(stated[0]) if stated else None


def publish_epoch(
    journal: Journal, progress: Callable[[int, int], None] | None = None
) -> Committed:
    """Commit to every person's history as it is now; the epoch that does.

    Does nothing, and gives the newest one, when nothing personal was written since. Two processes
    may call it at once. *progress* is told (slots done, slots). Raises `Damaged` when counts and
    leaves disagree: then standings are not those of the journal.
    """
    with EpochTree(journal.folder / FILE) as tree, tree.changing():
        newest = newest_epoch(journal)
        stated = _body(newest)
        with _moment(journal) as moment:
            now = _brought(tree, moment, progress)
        root = tree.root(now.slots).hex()
        if newest is not None and stated is not None and (
            (stated.size, stated.root, stated.slots) == (tree.reached().size, root, now.slots)
        ):  # fmt: skip
            return _committed(newest.position, stated, new=False)
        number = stated.number + 1 if stated else 1
        body = Epoch(number=number, size=now.size, slots=now.slots, root=root, sum_n=now.sum_n)
        act_id = f"epoch:{moment.state.origin}:{number}"
        entry = Entry(kind="epoch.published", body=body, in_force=NAME, act_id=act_id)
        (appended,) = journal.append([entry])
        if appended.again:  # by a process that holds another tree, for this one's was damaged
            raise Unavailable("another process published an epoch just now: do it again")
        tree.reach(now)
    return _committed(appended.position, body, new=True)


def publish_if_due(journal: Journal) -> int:
    """Publish an epoch if the newest is an hour old; its number, 0 if none was published."""
    newest = newest_epoch(journal)
    if newest is not None and journal.clock() < newest.at + HOUR_MS:
        return 0
    made = publish_epoch(journal)
    return made.number if made.new else 0


def place_in_epoch(journal: Journal, slot: int) -> Placed:
    """Where *slot* stands in the newest epoch; publishes one first if the tree has none to show.

    Raises `Unavailable` while other processes keep publishing.
    """
    for _ in range(3):
        newest = newest_epoch(journal)
        with EpochTree(journal.folder / FILE) as tree:
            reached, stated = tree.reached(), _body(newest)
            if newest is not None and stated is not None and slot < stated.slots == reached.slots:
                root = tree.root(stated.slots).hex()
                if (stated.root, stated.size) == (root, reached.size):
                    version = tree.count(slot)
                    blind = blind_of(journal.keys.epoch_key(), slot, version)
                    path = tuple(tree.prove(slot, stated.slots))
                    return Placed(epoch=newest, version=version, blind=blind, path=path)
        publish_epoch(journal)
    raise Unavailable("epochs keep being published: try again in a moment")


def _body(told: Told | None) -> Epoch | None:
    return told.body if told and isinstance(told.body, Epoch) else None


def _committed(position: int, body: Epoch, *, new: bool) -> Committed:
    return Committed(
        position=position, number=body.number, size=body.size, slots=body.slots, root=body.root,
        sum_n=body.sum_n, new=new,
    )  # fmt: skip


class _Moment:
    """Journal and standings at one and the same size."""

    def __init__(self, reader: Reader, state: State, cache: StandingCache, key: bytes) -> None:
        self.reader, self.state, self._cache, self._key = reader, state, cache, key
        self.log_root = root_at(state.size, reader.tile_reader(state.size))

    def goes_on(self, before: Reached) -> bool:
        """Is this the log that the tree was made from, further on?"""
        if before.origin != self.state.origin or not 0 < before.size <= self.state.size:
            return False
        reader = self.reader.tile_reader(self.state.size)
        return root_at(before.size, reader) == before.log_root

    def changed(self, since: int) -> list[int]:
        """The slots of which something was written, or who were erased, from *since* on."""
        with explained("read who changed"):
            rows = self.reader.db.execute(
                "SELECT DISTINCT slot FROM event WHERE slot IS NOT NULL AND position >= ?"
                " AND position < ?",
                (since, self.state.size),
            ).fetchall()
        slots = {slot for (slot,) in rows}
        for told in self.reader.brand_events("person.erased", since):
            if isinstance(told.body, ErasureDone):
                slots.add(told.body.slot)
        return sorted(slots)

    def personal(self, since: int) -> int:
        """How many personal leaves there are from *since* on."""
        with explained("count leaves"):
            (found,) = self.reader.db.execute(
                "SELECT COUNT(*) FROM event WHERE position >= ? AND position < ?"
                " AND substr(leaf, 1, 1) = ?",
                (since, self.state.size, _PERSONAL),
            ).fetchone()
        return int(found)

    def leaves(self, slots: list[int]) -> dict[int, tuple[int, bytes]]:
        """The count and the leaf of each of *slots*; those nobody was given have n = 0."""
        heads = dict.fromkeys(slots, (0, NOBODY))
        for slot, state in self._cache.states(slots):
            head = _head.decode(state)
            heads[slot] = (head.version, head.head)
        return {
            slot: (version, epoch_leaf(slot, version, head, blind_of(self._key, slot, version)))
            for slot, (version, head) in heads.items()
        }


def blind_of(key: bytes, slot: int, version: int) -> bytes:
    """The 32 bytes that keep the leaf of *slot* from being guessed."""
    message = slot.to_bytes(8, "big") + version.to_bytes(8, "big")
    return hmac.digest(key, message, "sha256")


@contextmanager
def _moment(journal: Journal) -> Iterator[_Moment]:
    """Open snapshots of journal and standings until both are at one size.

    The appender writes standings right after its commit, so they differ for milliseconds.
    """
    for _ in range(_TRIES):
        journal.kept(0)  # standings that fell behind catch up
        with (
            closing(journal.connection()) as db,
            closing(StandingCache(journal.folder / "standing.db")) as cache,
        ):
            reader = Reader(db, journal.keys)
            with reader.snapshot(), cache.snapshot():
                state = reader.state()
                if state is not None and cache.progress()[0] == state.size:
                    yield _Moment(reader, state, cache, journal.keys.epoch_key())
                    return
        time.sleep(_WAIT_S)
    raise Unavailable("journal is written without a pause: try again in a moment")


def _brought(
    tree: EpochTree, moment: _Moment, progress: Callable[[int, int], None] | None
) -> Reached:
    """Bring *tree* to *moment*, from where it is if that can be; what it has reached then."""
    before = tree.reached()
    if moment.goes_on(before) and (now := _bring(tree, before, moment, progress)) is not None:
        return now
    tree.empty()
    if (now := _bring(tree, Reached(), moment, progress)) is not None:
        return now
    raise Damaged(
        "standings do not count the events that the log has: run `reciprocity journal rebuild`, "
        "then make the epoch again"
    )


def _bring(
    tree: EpochTree,
    before: Reached,
    moment: _Moment,
    progress: Callable[[int, int], None] | None,
) -> Reached | None:
    """What *tree* has reached, brought from *before* to *moment*; None if the sum rule fails."""
    state = moment.state
    new = range(before.slots, max(before.slots, state.next_slot))
    slots = sorted({*moment.changed(before.size), *new}) if before.size else list(new)
    grown = 0
    for start in range(0, len(slots), _AT_ONCE):
        grown += tree.put(moment.leaves(slots[start : start + _AT_ONCE]))
        if progress:
            progress(min(start + _AT_ONCE, len(slots)), len(slots))
    if grown != moment.personal(before.size):
        return None
    return Reached(state.origin, state.size, moment.log_root, new.stop, before.sum_n + grown)
