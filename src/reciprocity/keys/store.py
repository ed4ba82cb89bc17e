"""`keys.db`: person keys and blind index, every secret wrapped by the master key."""

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reciprocity.errors import Damaged, ReciprocityError, Unavailable
from reciprocity.keys.cipher import KEY_BYTES, NONCE_BYTES, PersonKeys, derive, forget_ciphers
from reciprocity.storage import FAILURES, Database, connect, explained, rows_in, upsert

__all__ = ["BrandKeys", "KeyStore", "define_keys"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS person_key (
    slot INTEGER PRIMARY KEY, pseudonym BLOB NOT NULL, wrapped BLOB NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS person_key_pseudonym ON person_key (pseudonym);
CREATE TABLE IF NOT EXISTS blind_index (
    digest BLOB PRIMARY KEY, slot INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blind_index_slot ON blind_index (slot);
CREATE TABLE IF NOT EXISTS brand_key (
    name TEXT PRIMARY KEY, wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""
_LAYOUT: Final = 1
_PUT_DIGEST: Final = upsert("blind_index", "digest", "slot")
_LOG: Final = "log"
_NEXT: Final = "log_next"


class BrandKeys(NamedTuple):
    """The brand's own keys: *events* seals brand scope, *blinding* makes the index.

    *draw* breaks ties among messages; *log* signs checkpoints; *suppression* blinds the list of
    addresses that are never written to.
    """

    events: bytes
    blinding: bytes
    draw: bytes
    log: bytes
    suppression: bytes


class _storage(explained):  # noqa: N801 - as its parent
    """As `explained`, of the key store."""

    __slots__ = ()

    def told(self, error: BaseException) -> ReciprocityError | None:
        """Whatever is wrong with the database, nobody gets a key."""
        if isinstance(error, FAILURES):
            return Unavailable(f"key store cannot {self.what}: {error}; nothing was done")
        return None


def define_keys(db: Database) -> None:
    """Make the tables of a key store in *db*, if they are not there."""
    found = db.layout()
    if found > _LAYOUT:
        raise Unavailable(
            f"key store is of layout {found}, this release knows {_LAYOUT}: upgrade reciprocity"
        )
    if found < _LAYOUT:
        db.define(_SCHEMA, layout=_LAYOUT)


class KeyStore:
    """`keys.db`: person keys and blind index, every secret wrapped by the master key.

    Writes happen only while the appender holds its lock: `begin`, changes, `commit` before the
    journal's own commit. A key without an event is an orphan, found by `orphans` and swept later;
    an event without its key would be lost, so the order is never the other way round.
    """

    def __init__(self, path: Path, master: bytes, *, busy_ms: int = 10_000) -> None:
        """Open (and make, if new) the store at *path*; raises `Unavailable` for another master."""
        self._master = AESGCM(master)
        self._db = connect(path, durable=True, busy_ms=busy_ms)
        try:
            with _storage("open"):
                define_keys(self._db)
            self.brand = self._brand_keys()
        except BaseException:
            self._db.close()
            raise

    # -- the brand's own keys --

    def _brand_keys(self) -> BrandKeys:
        with _storage("read the brand's keys"):
            found = dict(self._db.execute("SELECT name, wrapped FROM brand_key").fetchall())
        names = BrandKeys._fields
        if not found:
            made = BrandKeys(*(os.urandom(KEY_BYTES) for _ in names))
            rows = [(n, self._wrap(k, n.encode())) for n, k in zip(names, made, strict=True)]
            self.begin()
            with _storage("keep the brand's keys"):
                # all at once, and not if another process was faster
                if not self._db.execute("SELECT 1 FROM brand_key").fetchone():
                    self._db.executemany("INSERT INTO brand_key VALUES (?, ?)", rows)
            self.commit()
            return self._brand_keys()
        try:
            return BrandKeys(*(self._unwrap(found[name], name.encode()) for name in names))
        except (InvalidTag, KeyError):
            raise Unavailable(
                "master key is not the one these keys were wrapped with: use the master key of "
                "this brand, or restore journal and keys that belong together"
            ) from None

    def signer(self) -> Ed25519PrivateKey:
        """The log's private key, as it is now: another process may have changed it."""
        key = self._log_key(_LOG)
        if key is None:
            raise Unavailable("key store has lost the log's key: restore keys.db from its backup")
        return key

    def next_signer(self) -> Ed25519PrivateKey | None:
        """The key the log is about to change to; None unless a change was begun."""
        return self._log_key(_NEXT)

    def _log_key(self, name: str) -> Ed25519PrivateKey | None:
        with _storage("read"):
            row = self._db.execute(
                "SELECT wrapped FROM brand_key WHERE name = ?", (name,)
            ).fetchone()
        if row is None:
            return None
        return Ed25519PrivateKey.from_private_bytes(self._unwrap(row[0], name.encode()))

    def prepare_signer(self) -> Ed25519PrivateKey:
        """A new key for the log, kept beside the one in use until `promote_signer`."""
        key = os.urandom(KEY_BYTES)
        self.begin()
        with _storage("keep the log's next key"):
            row = (_NEXT, self._wrap(key, _NEXT.encode()))
            self._db.execute(upsert("brand_key", "name", "wrapped"), row)
        self.commit()
        return Ed25519PrivateKey.from_private_bytes(key)

    def promote_signer(self) -> None:
        """Let the next key take the place of the one in use, which is destroyed."""
        following = self.next_signer()
        if following is None:
            return
        self.begin()
        with _storage("change the log's key"):
            wrapped = self._wrap(following.private_bytes_raw(), _LOG.encode())
            self._db.execute("UPDATE brand_key SET wrapped = ? WHERE name = ?", (wrapped, _LOG))
            self._db.execute("DELETE FROM brand_key WHERE name = ?", (_NEXT,))
        self.commit()

    def epoch_key(self) -> bytes:
        """The key that blinds the leaves of epochs (`prove/epochs.py`)."""
        return derive(self.brand.blinding).commit

    def _wrap(self, text: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, text, bound)

    def _unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)

    # -- writing, under the appender's lock --

    def begin(self) -> None:
        """Start a transaction if none is open."""
        if not self._db.in_transaction:
            with _storage("start writing"):
                self._db.begin()

    def commit(self) -> None:
        """Make what was written durable."""
        with _storage("commit"):
            self._db.commit()

    def roll_back(self) -> None:
        """Forget what was written since `begin`."""
        self._db.rollback()

    def keep(self, people: Sequence[PersonKeys], at: int) -> None:
        """Write the keys of *people*, minted by `mint`, in the open transaction."""
        noise = os.urandom(NONCE_BYTES * len(people))
        encrypt = self._master.encrypt
        rows = []
        for number, (slot, pseudonym, proof, vault) in enumerate(people):
            nonce = noise[number * NONCE_BYTES : (number + 1) * NONCE_BYTES]
            wrapped = nonce + encrypt(nonce, proof + vault, b"%d" % slot)
            rows.append((slot, pseudonym, wrapped, at))
        with _storage("keep new keys"):
            self._db.executemany("INSERT INTO person_key VALUES (?, ?, ?, ?)", rows)

    def index(self, entries: Iterable[tuple[bytes, int]]) -> None:
        """Let each digest lead to its slot, in the open transaction; the newest word holds."""
        with _storage("index"):
            self._db.executemany(_PUT_DIGEST, entries)

    def unindex(self, entries: Iterable[tuple[bytes, int]]) -> None:
        """Let each digest lead nowhere, if it still leads to its slot.

        Whose it was is kept, as -1 - slot, until somebody else has it or they are erased: then it
        is marked with the others (`Journal.left`).
        """
        query = "UPDATE blind_index SET slot = -1 - slot WHERE digest = ? AND slot = ?"
        with _storage("index"):
            self._db.executemany(query, entries)

    def destroy(self, slot: int) -> None:
        """Destroy the keys, pseudonym and index entries of *slot*, in the open transaction."""
        forget_ciphers()
        with _storage("destroy keys"):
            self._db.execute("DELETE FROM blind_index WHERE slot IN (?, ?)", (slot, -1 - slot))
            self._db.execute("DELETE FROM person_key WHERE slot = ?", (slot,))

    def flush(self) -> None:
        """Leave no old page behind: the write-ahead log is emptied into the file and truncated."""
        with _storage("empty its write-ahead log"):
            drained = self._db.drain()
        if not drained:
            raise Unavailable(
                "key store's write-ahead log is still read by another process (a backup?): again"
            )

    # -- reading --

    def _both(self, slot: int, wrapped: bytes) -> bytes:
        try:
            return self._master.decrypt(wrapped[:12], wrapped[12:], b"%d" % slot)
        except InvalidTag:
            raise Damaged(
                f"keys of slot {slot} do not open: restore keys.db from its backup"
            ) from None

    def people(self, slots: Sequence[int]) -> dict[int, PersonKeys]:
        """The keys of *slots*; one whose keys are destroyed (or never were) is left out."""
        found: dict[int, PersonKeys] = {}
        with _storage("read"):
            query = "SELECT slot, pseudonym, wrapped FROM person_key WHERE slot IN (?)"
            for slot, pseudonym, wrapped in rows_in(self._db, query, slots):
                both = self._both(slot, wrapped)
                found[slot] = PersonKeys(slot, pseudonym, both[:32], both[32:])
        return found

    def person(self, slot: int) -> PersonKeys | None:
        """The keys of *slot*, or None once they are destroyed (or never were)."""
        return self.people((slot,)).get(slot)

    def find(self, digest: bytes) -> int | None:
        """The slot that *digest* leads to."""
        with _storage("read"):
            row = self._db.execute(
                "SELECT slot FROM blind_index WHERE digest = ? AND slot >= 0", (digest,)
            ).fetchone()
        return None if row is None else int(row[0])

    def find_many(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """The slots that *digests* lead to; those that lead nowhere are left out."""
        with _storage("read"):
            query = "SELECT digest, slot FROM blind_index WHERE digest IN (?)"
            return {digest: slot for digest, slot in rows_in(self._db, query, digests) if slot >= 0}

    def digests(self, slot: int) -> list[bytes]:
        """All by which the person in *slot* is found, or was and nobody else is."""
        query = "SELECT digest FROM blind_index WHERE slot IN (?, ?) ORDER BY digest"
        with _storage("read keys"):
            return [digest for (digest,) in self._db.execute(query, (slot, -1 - slot))]

    def find_pseudonym(self, pseudonym: bytes) -> int | None:
        """The slot of *pseudonym*."""
        with _storage("read"):
            row = self._db.execute(
                "SELECT slot FROM person_key WHERE pseudonym = ?", (pseudonym,)
            ).fetchone()
        return None if row is None else int(row[0])

    def next_slot(self) -> int:
        """The slot after the highest that has keys, orphans included: never write over a key."""
        with _storage("read"):
            (highest,) = self._db.execute("SELECT MAX(slot) FROM person_key").fetchone()
        return 0 if highest is None else int(highest) + 1

    def with_keys(self, slots: Collection[int]) -> set[int]:
        """Which of *slots* have keys, or an identity that leads, or led, to them."""
        query = (
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM person_key WHERE slot = ?)"
            " OR EXISTS (SELECT 1 FROM blind_index WHERE slot IN (?, ?))"
        )
        with _storage("read"):
            return {
                slot
                for slot in slots
                if self._db.execute(query, (slot, slot, -1 - slot)).fetchone()
            }

    def count(self) -> int:
        """How many people have keys, orphans included."""
        with _storage("read"):
            return int(self._db.execute("SELECT COUNT(*) FROM person_key").fetchone()[0])

    def made_before(self, at: int) -> list[int]:
        """Slots whose keys were made before *at*, in order."""
        with _storage("read"):
            rows = self._db.execute(
                "SELECT slot FROM person_key WHERE made_at < ? ORDER BY slot", (at,)
            )
            return [row[0] for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()
