"""Reading the journal: rows, opened events, statements in force, tiles and proofs.

Every event is opened with suspicion (`journal/leaf.py`). Reads see one consistent state if they
run inside one transaction of the connection; `snapshot` gives that.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, islice
from typing import Final

from reciprocity.errors import Damaged
from reciprocity.events import Scope
from reciprocity.journal.leaf import (
    Row,
    Told,
    chain_start,
    open_brand,
    open_personal,
    open_public,
)
from reciprocity.journal.log_reader import LogReader
from reciprocity.journal.profile import open_profile
from reciprocity.journal.store import explained
from reciprocity.keys import KeyPair, KeyStore, PersonKeys, commit, derive, rows_in
from reciprocity.model import Profile

__all__ = ["Reader"]

_COLUMNS: Final = "position, slot, version, recorded_at, happened_at, kind, sealed, leaf"
_PAGE: Final = 2_000


class Reader(LogReader):
    """Reads and opens through one connection; not for two threads at once."""

    def __init__(self, db: sqlite3.Connection, keys: KeyStore) -> None:
        """Read *db*, opening events with *keys*."""
        super().__init__(db)
        self._keys = keys
        self.brand: KeyPair = derive(keys.brand.events)

    def in_force(self) -> dict[str, int]:
        """The position of each statement in force, by its name."""
        with explained("read what is in force"):
            return dict(self.db.execute("SELECT name, position FROM in_force").fetchall())

    # -- rows and events --

    def rows(self, start: int, stop: int) -> Iterator[Row]:
        """The rows of positions *start* to *stop* - 1, a page at a time."""
        for first in range(start, stop, _PAGE):
            with explained("read events"):
                page = self.db.execute(
                    f"SELECT {_COLUMNS} FROM event WHERE position >= ? AND position < ?"  # noqa: S608 - constant text
                    " ORDER BY position",
                    (first, min(first + _PAGE, stop)),
                ).fetchall()
            yield from map(Row._make, page)

    def row(self, position: int) -> Row:
        """The row at *position*; raises `Damaged` when there is none."""
        for row in self.rows(position, position + 1):
            return row
        raise Damaged(f"event {position} is not in the journal")

    def told(self, position: int) -> Told:
        """The event at *position*, opened; raises `Damaged` if it cannot be."""
        return self.open(self.row(position))

    def open(self, row: Row, person: PersonKeys | None = None) -> Told:
        """The event in *row*, opened with *person*'s keys (found if None is given)."""
        scope = row.leaf[0] if row.leaf else 0
        if scope == Scope.PERSONAL:
            person = person or (None if row.slot is None else self._keys.person(row.slot))
            if person is None:
                raise Damaged(
                    f"event {row.position} cannot be opened: its person is erased, or keys.db is "
                    "older than the journal; restore keys.db from its backup"
                )
            return open_personal(derive(person.proof), row)
        return open_brand(self.brand, row) if scope == Scope.BRAND else open_public(row)

    def history(self, slot: int, below: int | None = None) -> list[Told]:
        """The person's events of versions 1 to *below* - 1 (all, if None), opened and gapless."""
        with explained("read a person's history"):
            found = self.db.execute(
                f"SELECT {_COLUMNS} FROM event WHERE slot = ? AND version < ? ORDER BY version",  # noqa: S608 - constant text
                (slot, 2**53 if below is None else below),
            ).fetchall()
        person = self._keys.person(slot)
        if not found or person is None:
            return []
        pair = derive(person.proof)
        history = [open_personal(pair, Row._make(row)) for row in found]
        if [told.version for told in history] != list(range(1, len(history) + 1)):
            raise Damaged(f"history of slot {slot} has a gap: keep the file, restore a backup")
        return history

    def chain_start(self, slot: int) -> bytes:
        """h_0 of the chain of the person in *slot*; raises `Damaged` once they are erased."""
        person = self._keys.person(slot)
        if person is None:
            raise Damaged(f"keys of slot {slot} are not in keys.db: the person is erased")
        return chain_start(derive(person.proof))

    def version(self, slot: int) -> int:
        """How many events the person in *slot* has (0: none, or erased)."""
        with explained("read a person's version"):
            row = self.db.execute(
                "SELECT MAX(version) FROM event WHERE slot = ?", (slot,)
            ).fetchone()
        return row[0] or 0

    def histories(self, size: int) -> Iterator[tuple[int, list[Told]]]:
        """Each person's opened events below position *size*, by slot; streams."""
        with explained("read histories"):
            found = self.db.execute(
                f"SELECT {_COLUMNS} FROM event WHERE slot IS NOT NULL AND position < ?"  # noqa: S608 - constant text
                " ORDER BY slot, version",
                (size,),
            )
            groups = groupby(map(Row._make, found), key=lambda row: row.slot or 0)
            while batch := [(slot, list(group)) for slot, group in islice(groups, 500)]:
                people = self._keys.people([slot for slot, _ in batch])
                for slot, group in batch:
                    if slot not in people:
                        raise Damaged(
                            f"keys of slot {slot} are not in keys.db: finish its erasure with "
                            "`reciprocity tick`, or restore the keys.db that belongs here"
                        )
                    pair = derive(people[slot].proof)
                    yield slot, [open_personal(pair, row) for row in group]

    def brand_events(self, kind: str, start: int = 0) -> list[Told]:
        """All brand or public events of *kind* from position *start* on."""
        with explained("read the brand's events"):
            found = self.db.execute(
                f"SELECT {_COLUMNS} FROM event WHERE slot IS NULL AND version IS NULL AND kind = ?"  # noqa: S608 - constant text
                " AND position >= ? ORDER BY position",
                (kind, start),
            ).fetchall()
        return [self.open(Row._make(row)) for row in found]

    def with_events(self, slots: Collection[int]) -> set[int]:
        """Which of *slots* an event was ever written for; a key or an index entry may be more."""
        with explained("look for a person"):
            return {
                slot
                for slot in slots
                if self.db.execute("SELECT 1 FROM event WHERE slot = ? LIMIT 1", (slot,)).fetchone()
            }

    def with_vault(self, slots: Collection[int]) -> set[int]:
        """Which of *slots* have a vault row."""
        with explained("look for a vault row"):
            return {
                slot
                for slot in slots
                if self.db.execute("SELECT 1 FROM vault WHERE slot = ?", (slot,)).fetchone()
            }

    # -- the vault and the pending --

    def profile(self, slot: int, person: PersonKeys | None = None) -> Profile:
        """What the person in *slot* told; an empty profile when there is none."""
        with explained("read the vault"):
            row = self.db.execute("SELECT sealed FROM vault WHERE slot = ?", (slot,)).fetchone()
        person = person or self._keys.person(slot)
        if row is None or person is None:
            return Profile()
        return open_profile(derive(person.vault), slot, row[0])

    def profiles(self, people: Sequence[PersonKeys]) -> dict[int, Profile]:
        """The profiles of *people*, by slot; those without one are left out."""
        by_slot = {person.slot: person for person in people}
        query = "SELECT slot, sealed FROM vault WHERE slot IN (?)"
        with explained("read the vault"):
            return {
                slot: open_profile(derive(by_slot[slot].vault), slot, sealed)
                for slot, sealed in rows_in(self.db, query, list(by_slot))
            }

    def shielded(self, digest: bytes) -> bytes:
        """What the suppression list holds in the place of *digest*, by which a person is found.

        Under a key of its own: the list outlives the erased, and an old index beside it must not
        tell, without the master key, which of its people are on it.
        """
        return commit(self._keys.brand.suppression, digest)[:16]

    def suppressed(self, digests: Sequence[bytes]) -> frozenset[bytes]:
        """Which of *digests* are on the suppression list."""
        asked = {self.shielded(digest): digest for digest in digests}
        query = "SELECT digest FROM suppression WHERE digest IN (?)"
        with explained("read the suppression list"):
            return frozenset(asked[row[0]] for row in rows_in(self.db, query, list(asked)))

    def acts(self, digests: Sequence[bytes]) -> dict[bytes, Row]:
        """The rows that were written for these act ids, by the digest of the id."""
        query = f"SELECT act_id, {_COLUMNS} FROM event WHERE act_id IN (?)"  # noqa: S608 - column names
        with explained("look for act ids"):
            return {row[0]: Row._make(row[1:]) for row in rows_in(self.db, query, digests)}
