"""The journal as a whole: what must hold of every event before any one history is judged.

A replay reads histories and statements by columns. Whoever writes to the database file could hide
a withdrawal among the events of the erased, or a statement under another kind, without touching a
leaf. So every row is looked at once: leaves make the signed root and the stored tiles, statements
say what their columns say, time never runs back, and exactly the erased have events without a
person.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.errors import Damaged
from reciprocity.events import ErasureDone, LogRestored, OperatorActed, Scope
from reciprocity.journal.leaf import Row, Told
from reciprocity.journal.log_reader import State
from reciprocity.journal.read import Reader
from reciprocity.storage import explained
from reciprocity.tlog.merkle import hash_leaves
from reciprocity.tlog.note import open_checkpoint
from reciprocity.tlog.signing import LogVerifier
from reciprocity.tlog.tiles import Edge, Tile

__all__ = ["Gap", "Signed", "check_whole", "gaps", "signed"]

SIGNATURES: Final = 2
_AT_ONCE: Final = 10_000
_PERSONAL: Final = bytes([Scope.PERSONAL])
_SUPPRESSED: Final = "suppression.added"
_RESTORED: Final = "log.restored"
_SIGNED: Final = "gap.signed"


class Signed(Struct, frozen=True, kw_only=True):
    """The checkpoint that the audit was done under; *root* in hex."""

    size: int
    root: str


Gap = tuple[int, int]
"""(first, end): positions written after a restore, before two operators signed for its gap."""


def gaps(reader: Reader, size: int) -> tuple[Gap, ...]:
    """The gaps below *size*, in order; one still open ends there.

    Events are found by the kinds that columns name: whether those are true says `check_whole`.
    """
    events = [told for kind in (_RESTORED, _SIGNED) for told in reader.brand_events(kind)]
    found, first, signers = [], -1, set[str]()
    for told in sorted(events, key=lambda told: told.position):
        body = told.body
        if told.position >= size:
            break
        if isinstance(body, LogRestored):  # a second one leaves the first's gap open
            first, signers = first if first >= 0 else told.position, set()
        elif isinstance(body, OperatorActed) and first >= 0:
            signers.add(body.actor.strip().casefold())
            if len(signers) == SIGNATURES:
                found.append((first, told.position))
                first = -1
    return (*found, *([(first, size)] if first >= 0 else []))


class _Seen:
    """What the rows seen so far come to."""

    def __init__(self, reader: Reader) -> None:
        self.faceless, self.last_at = 0, 0
        self.buried: dict[int, int] = {}
        self._reader = reader

    def row(self, row: Row) -> None:
        """Look at the next row."""
        personal = row.leaf[:1] == _PERSONAL
        if not personal:
            self._told(self._reader.open(row))
        elif row.slot is None:
            self.faceless += 1
            return
        if (row.recorded_at or 0) < self.last_at:
            raise Damaged(f"event {row.position} is older than the one before it: restore a backup")
        self.last_at = row.recorded_at or 0

    def _told(self, told: Told) -> None:
        body = told.body
        if isinstance(body, ErasureDone):
            self.buried[body.slot] = body.version
        elif isinstance(body, OperatorActed) and told.kind == _SUPPRESSED:
            _check_suppressed(self._reader, body)

    def end(self) -> None:
        """Raises `Damaged`, once everything was seen, if somebody's events are hidden."""
        left = sum(self._reader.version(slot) for slot in self._reader.with_events(self.buried))
        expected = sum(self.buried.values()) - left
        if self.faceless != expected:
            raise Damaged(
                f"journal has {self.faceless} events without a person, but its people erased had "
                f"{expected}: keep the file, restore a backup"
            )


def signed(state: State, verifier: LogVerifier) -> Signed:
    """What the checkpoint of *state* signs; raises `ProofError` if *verifier* did not sign it."""
    checkpoint = open_checkpoint(state.checkpoint, verifier)
    if checkpoint.size != state.size:
        raise Damaged(
            f"journal says it has {state.size} events, its checkpoint {checkpoint.size}: "
            "restore a backup"
        )
    return Signed(size=checkpoint.size, root=checkpoint.root.hex())


def check_whole(reader: Reader, under: Signed) -> None:
    """Look once at every row *under* the checkpoint; raises `Damaged` if they contradict it.

    Nobody may be erased meanwhile: see `journal/lease.py`.
    """
    edge, seen = Edge(), _Seen(reader)
    with reader.snapshot():
        for batch in _batches(reader, under.size):
            _, tiles = edge.extend(hash_leaves([row.leaf for row in batch]))
            for row in batch:
                seen.row(row)
            for tile in tiles:
                _check_tile(reader, tile)
        seen.end()
    if (under.size, under.root) != (edge.size, edge.root().hex()):
        raise Damaged("journal's leaves do not make the root of its checkpoint: restore a backup")


def _batches(reader: Reader, size: int) -> Iterator[list[Row]]:
    """All rows in order; what is sealed under a person's key is left out, histories open it."""
    for start in range(0, size, _AT_ONCE):
        with explained("read events"):
            rows = reader.db.execute(
                "SELECT position, slot, version, recorded_at, happened_at, kind,"
                " CASE WHEN substr(leaf, 1, 1) = ? THEN NULL ELSE sealed END, leaf"
                " FROM event WHERE position >= ? AND position < ? ORDER BY position",
                (_PERSONAL, start, min(start + _AT_ONCE, size)),
            ).fetchall()
        yield [Row._make(row) for row in rows]


def _check_tile(reader: Reader, tile: Tile) -> None:
    stored = reader.db.execute(
        "SELECT root, hashes FROM tile WHERE level = ? AND number = ?", (tile.level, tile.index)
    ).fetchone()
    if stored != (tile.root, tile.hashes):
        raise Damaged(
            f"tile {tile.index} of level {tile.level} is not that of the journal's leaves: proofs "
            "made from it would not hold; restore a backup"
        )


def _check_suppressed(reader: Reader, body: OperatorActed) -> None:
    """Hold that no address on record as suppressed has left the list."""
    try:
        detail = msgspec.json.decode(body.detail, type=dict[str, object])
        listed = detail.get("digests", [])
        digests = [bytes.fromhex(str(one)) for one in (listed if isinstance(listed, list) else [])]
    except (msgspec.MsgspecError, ValueError) as error:
        raise Damaged(f"suppression event has another shape: {error}") from error
    if len(reader.suppressed(digests)) != len(set(digests)):
        raise Damaged("suppression list lacks addresses that the log put on it: restore a backup")
