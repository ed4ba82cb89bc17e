"""Reading the journal: rows, opened events, statements in force, tiles and proofs.

Every event is opened with suspicion (`journal/leaf.py`). Reads see one consistent state if they
run inside one transaction of the connection; `snapshot` gives that.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final, Protocol

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
from reciprocity.keys import (
    KeyPair,
    KeyStore,
    PersonKeys,
    commit,
    derive,
    pseudonym_text,
    read_master_key,
)
from reciprocity.model import Profile
from reciprocity.storage import Database, connect, explained, rows_in

__all__ = ["Reader", "Telling", "left_mark", "reading"]

_COLUMNS: Final = "position, slot, version, recorded_at, happened_at, kind, sealed, leaf"
_PAGE: Final = 2_000


def left_mark(digest: bytes) -> bytes:
    """What marks *digest* as that of somebody who was erased, beside addresses suppressed."""
    return sha256(b"erased" + digest).digest()[:16]


class Telling(Protocol):
    """What tells of a journal's events: the journal itself, or a reader of it."""

    def told(self, position: int) -> Told:
        """The event at *position*, opened."""

    def statements(self) -> list[Told]:
        """Every statement that was ever in force, oldest first."""

    def pseudonym(self, slot: int) -> str:
        """How the person in *slot* is called where no identity belongs; empty once erased."""


class Reader(LogReader):
    """Reads and opens through one connection; not for two threads at once."""

    def __init__(self, db: Database, keys: KeyStore) -> None:
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

    def touched(self, since: int, size: int) -> list[int]:
        """The slots of all who have an event from position *since* on and below *size*."""
        with explained("look for what is new"):
            found = self.db.execute(
                "SELECT DISTINCT slot FROM event WHERE position >= ? AND position < ?"
                " AND slot IS NOT NULL ORDER BY slot",
                (since, size),
            )
            return [slot for (slot,) in found]

    def slots_with(self, *kinds: str) -> list[int]:
        """The slots of all who have an event of one of *kinds*."""
        with explained("look for people"):
            found = {
                slot
                for kind in kinds
                for (slot,) in self.db.execute(
                    "SELECT DISTINCT slot FROM event WHERE kind = ? AND slot IS NOT NULL", (kind,)
                )
            }
            return sorted(found)

    def histories(
        self, size: int, slots: Sequence[int] | None = None, *, without: Collection[int] = ()
    ) -> Iterator[tuple[int, list[Told]]]:
        """Opened events below position *size*, person by person in slot order; streams.

        Of everyone, or of *slots* (a range is read in one go); those in *without* are left out.
        """
        with explained("read histories"):
            rows = map(Row._make, self._personal(size, slots))
            groups = groupby(rows, key=lambda row: row.slot or 0)
            wanted = (group for group in groups if group[0] not in without)
            while batch := [(slot, list(group)) for slot, group in islice(wanted, 500)]:
                people = self._keys.people([slot for slot, _ in batch])
                for slot, group in batch:
                    if slot not in people:
                        raise Damaged(
                            f"keys of slot {slot} are not in keys.db: finish its erasure with "
                            "`reciprocity tick`, or restore the keys.db that belongs here"
                        )
                    pair = derive(people[slot].proof)
                    yield slot, [open_personal(pair, row) for row in group]

    def _personal(self, size: int, slots: Sequence[int] | None) -> Iterator[tuple[Any, ...]]:
        """The rows of *slots* below position *size*, by slot and version."""
        query = (
            f"SELECT {_COLUMNS} FROM event WHERE slot BETWEEN ? AND ? AND position < ?"  # noqa: S608 - constant text
            " ORDER BY slot, version"
        )
        whole = range(-(2**63), 2**63) if slots is None else slots
        parts = [whole] if isinstance(whole, range) else [range(slot, slot + 1) for slot in whole]
        for part in parts:
            yield from self.db.stream(query, (part.start, part.stop - 1, size))

    def brand_events(self, kind: str, start: int = 0) -> list[Told]:
        """All brand or public events of *kind* from position *start* on."""
        with explained("read the brand's events"):
            found = self.db.execute(
                f"SELECT {_COLUMNS} FROM event WHERE slot IS NULL AND version IS NULL AND kind = ?"  # noqa: S608 - constant text
                " AND position >= ? ORDER BY position",
                (kind, start),
            ).fetchall()
        return [self.open(Row._make(row)) for row in found]

    def statements(self) -> list[Told]:
        """Every statement that was ever in force, oldest first."""
        kinds = ("brand.applied", "rulebook.applied", "laws.applied", "campaign.stated")
        found = [told for kind in kinds for told in self.brand_events(kind)]
        return sorted(found, key=lambda told: told.position)

    def pseudonym(self, slot: int) -> str:
        """How the person in *slot* is called where no identity belongs; empty once erased."""
        person = self._keys.person(slot)
        return pseudonym_text(person.pseudonym) if person else ""

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

    def left(self, digests: Sequence[bytes]) -> frozenset[bytes]:
        """Which of *digests* led to somebody when they were erased."""
        with explained("read the suppression list"):
            if self.db.execute("SELECT 1 FROM suppression LIMIT 1").fetchone() is None:
                return frozenset()
        marks = {left_mark(digest): digest for digest in digests}
        return frozenset(marks[mark] for mark in self.suppressed(list(marks)))

    def act_digest(self, act_id: str) -> bytes:
        """What the journal holds in the place of *act_id*."""
        return commit(self._keys.brand.blinding, b"act\0" + act_id.encode())[:16]

    def acted(self, act_id: str) -> Told | None:
        """The event that was written for *act_id*, opened; None if none was, or it is erased."""
        rows = self.acts([self.act_digest(act_id)])
        return next((self.open(row) for row in rows.values()), None)

    def acts(self, digests: Sequence[bytes]) -> dict[bytes, Row]:
        """The rows that were written for these act ids, by the digest of the id."""
        query = f"SELECT act_id, {_COLUMNS} FROM event WHERE act_id IN (?)"  # noqa: S608 - column names
        with explained("look for act ids"):
            return {row[0]: Row._make(row[1:]) for row in rows_in(self.db, query, digests)}


@contextmanager
def reading(folder: Path, master_key: Path) -> Iterator[Reader]:
    """A reader of the journal in *folder* with files of its own, for a process that only reads.

    Nothing is sealed, caught up with or compared with safekeeping: that is for who opened the
    journal, and told this reader how far to read.
    """
    keys = KeyStore(folder / "keys.db", read_master_key(master_key))
    with keys, closing(connect(folder / "journal.db", durable=True)) as db:
        yield Reader(db, keys)
