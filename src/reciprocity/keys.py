"""A person's keys: made, wrapped by the master key, used, destroyed; and the blind index.

Each person has two random 256-bit keys, because they end at different times: the *proof* key
seals and commits the events about them, the *vault* key seals what they told. Both lie in
`keys.db` wrapped by the brand's master key, which lies in a file elsewhere. Destroying a row
makes every copy of what it sealed unreadable, in backups too.

    master key --AES-GCM--> proof key --HKDF--> seal key, commit key    (events)
                       `--> vault key --HKDF--> seal key, commit key    (addresses, attributes)
                       `--> brand keys: events of brand scope, blind index, draws, log signature

The blind index finds a person by a keyed hash of an address or an external id, so the files hold
neither. Only `journal`, `vault` and `platform` import this module.
"""

import base64
import binascii
import hashlib
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reciprocity.errors import Damaged, InputError, Unavailable

__all__ = [
    "BrandKeys",
    "KeyPair",
    "KeyStore",
    "PersonKeys",
    "blind",
    "commit",
    "derive",
    "mint",
    "new_master_key",
    "open_sealed",
    "pseudonym_text",
    "read_master_key",
    "seal",
]

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_AT_ONCE: Final = 500
_INNER: Final = bytes(i ^ 0x36 for i in range(256))
_OUTER: Final = bytes(i ^ 0x5C for i in range(256))
_PAD_512: Final = bytes(96)
_PAD_256: Final = bytes(32)
_INFO: Final = b"reciprocity/1 seal+commit\x01"

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


class KeyPair(NamedTuple):
    """The two keys derived from one: *seal* encrypts (AES-256-GCM), *commit* makes salts."""

    seal: bytes
    commit: bytes


class PersonKeys(NamedTuple):
    """One person's keys as they lie unwrapped in memory, and the pseudonym that dies with them."""

    slot: int
    pseudonym: bytes
    proof: bytes
    vault: bytes


class BrandKeys(NamedTuple):
    """The brand's own keys: *events* seals brand scope, *blinding* makes the index.

    *draw* breaks ties among messages; *log* signs checkpoints.
    """

    events: bytes
    blinding: bytes
    draw: bytes
    log: bytes


def derive(key: bytes) -> KeyPair:
    """The seal and commit keys of *key*: HKDF-Expand (RFC 5869) with SHA-512, one block, halved.

    *key* is uniformly random, so the extract step is not needed (RFC 5869, 3.3). Written out
    because it runs once an event and the library's object costs six times as much; a test
    demands that both agree.
    """
    padded = key + _PAD_512
    inner = hashlib.sha512(padded.translate(_INNER) + _INFO).digest()
    block = hashlib.sha512(padded.translate(_OUTER) + inner).digest()
    return KeyPair(block[:32], block[32:])


def commit(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 of *message* under the 32-byte *key* (RFC 2104), 32 bytes."""
    padded = key + _PAD_256
    return hashlib.sha256(
        padded.translate(_OUTER) + hashlib.sha256(padded.translate(_INNER) + message).digest()
    ).digest()


def blind(index_key: bytes, namespace: str, value: str) -> bytes:
    """The 16 bytes under which *value* is found in the blind index; *namespace* keeps kinds apart.

    Callers fold the value first (an address to its canonical spelling): the index cannot.
    """
    return commit(index_key, namespace.encode() + b"\0" + value.encode())[:16]


def pseudonym_text(pseudonym: bytes) -> str:
    """How a pseudonym is written: `p_` and 26 letters and digits.

    >>> pseudonym_text(bytes(16))
    'p_aaaaaaaaaaaaaaaaaaaaaaaaaa'
    """
    return "p_" + base64.b32encode(pseudonym).decode().rstrip("=").lower()


def seal(key: bytes, text: bytes, bound: bytes) -> bytes:
    """*text* under AES-256-GCM: a random nonce, then ciphertext and tag, bound to *bound*.

    The nonce is random, not the version: after a restore a version can be written twice.
    """
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text, bound)


def open_sealed(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    """The text that `seal` took; raises `Damaged` when key, text or binding is another."""
    try:
        return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise Damaged(
            "sealed record does not open: its key, its place or its bytes are not the ones it was "
            "sealed with; keep the files and compare with a backup"
        ) from error


@lru_cache(maxsize=8)
def _cipher(key: bytes) -> AESGCM:
    """The events of one person are opened in a row; setting a key up takes half of each opening."""
    return AESGCM(key)


def new_master_key(path: Path) -> None:
    """Make a master key at *path*, readable by its owner alone; never replaces one."""
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)  # whole or not at all, and never over another
        finally:
            new.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        raise InputError(f"master key {path} exists already: it is never replaced") from None
    except OSError as error:
        raise Unavailable(
            f"master key {path} cannot be made ({error.strerror}): name a folder that is writable"
        ) from error


def read_master_key(path: Path) -> bytes:
    """The 32 bytes at *path*; raises `Unavailable` when it is missing or is no key."""
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except FileNotFoundError:
        raise Unavailable(
            f"master key {path} is missing: put it back from where you keep its copy; "
            "without it nothing can be read or sent"
        ) from None
    except (OSError, binascii.Error, ValueError) as error:
        raise Unavailable(f"master key {path} cannot be read: {error}") from error
    if len(key) != KEY_BYTES:
        raise Unavailable(f"master key {path} has {len(key)} bytes, expected {KEY_BYTES}")
    return key


def mint(slots: Sequence[int]) -> list[PersonKeys]:
    """New random keys and pseudonyms for *slots*, kept nowhere yet."""
    step = 16 + 2 * KEY_BYTES
    noise = os.urandom(step * len(slots))
    return [
        PersonKeys(slot, noise[at : at + 16], noise[at + 16 : at + 48], noise[at + 48 : at + step])
        for slot, at in zip(slots, range(0, len(noise), step), strict=True)
    ]


@contextmanager
def _storage(what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(f"key store cannot {what}: {error}; nothing was done") from error


class KeyStore:
    """`keys.db`: person keys and blind index, every secret wrapped by the master key.

    Writes happen only while the appender holds its lock: `begin`, changes, `commit` before the
    journal's own commit. A key without an event is an orphan, found by `orphans` and swept later;
    an event without its key would be lost, so the order is never the other way round.
    """

    def __init__(self, path: Path, master: bytes, *, busy_ms: int = 10_000) -> None:
        """Open (and make, if new) the store at *path*; raises `Unavailable` for another master."""
        self._master = AESGCM(master)
        with _storage("open"):
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            with _storage("open"):
                self._db.execute(f"PRAGMA busy_timeout = {busy_ms}")
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.execute("PRAGMA secure_delete = ON")
                if self._db.execute("PRAGMA user_version").fetchone()[0] == 0:
                    self._db.executescript(_SCHEMA + "PRAGMA user_version = 1;")
            self.brand = self._brand_keys()
        except BaseException:
            self._db.close()
            raise

    # -- the brand's own keys --

    def _brand_keys(self) -> BrandKeys:
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
        """The log's private key."""
        return Ed25519PrivateKey.from_private_bytes(self.brand.log)

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
                self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make what was written durable."""
        if self._db.in_transaction:
            with _storage("commit"):
                self._db.execute("COMMIT")

    def roll_back(self) -> None:
        """Forget what was written since `begin`."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

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
            self._db.executemany("INSERT OR REPLACE INTO blind_index VALUES (?, ?)", entries)

    def unindex(self, entries: Iterable[tuple[bytes, int]]) -> None:
        """Let each digest lead nowhere, if it still leads to its slot."""
        with _storage("index"):
            self._db.executemany("DELETE FROM blind_index WHERE digest = ? AND slot = ?", entries)

    def destroy(self, slot: int) -> None:
        """Destroy the keys, pseudonym and index entries of *slot*, in the open transaction."""
        _cipher.cache_clear()
        with _storage("destroy keys"):
            self._db.execute("DELETE FROM blind_index WHERE slot = ?", (slot,))
            self._db.execute("DELETE FROM person_key WHERE slot = ?", (slot,))

    def flush(self) -> None:
        """Leave no old page behind: the write-ahead log is emptied into the file and truncated."""
        with _storage("empty its write-ahead log"):
            busy, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise Unavailable(
                "key store's write-ahead log is still read by another process (a backup?): try again"
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
            for start in range(0, len(slots), _AT_ONCE):
                part = slots[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                for slot, pseudonym, wrapped in self._db.execute(
                    "SELECT slot, pseudonym, wrapped FROM person_key "
                    f"WHERE slot IN ({marks})",  # noqa: S608 - the text is question marks only
                    part,
                ):
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
                "SELECT slot FROM blind_index WHERE digest = ?", (digest,)
            ).fetchone()
        return None if row is None else int(row[0])

    def find_many(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """The slots that *digests* lead to; those that lead nowhere are left out."""
        found: dict[bytes, int] = {}
        with _storage("read"):
            for start in range(0, len(digests), _AT_ONCE):
                part = digests[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                found.update(
                    self._db.execute(
                        "SELECT digest, slot FROM blind_index "
                        f"WHERE digest IN ({marks})",  # noqa: S608 - the text is question marks only
                        part,
                    )
                )
        return found

    def find_pseudonym(self, pseudonym: bytes) -> int | None:
        """The slot of *pseudonym*."""
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
        """Which of *slots* have keys, or an identity that leads to them."""
        query = (
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM person_key WHERE slot = ?1)"
            " OR EXISTS (SELECT 1 FROM blind_index WHERE slot = ?1)"
        )
        with _storage("read"):
            return {slot for slot in slots if self._db.execute(query, (slot,)).fetchone()}

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

    def back_up(self, target: Path) -> None:
        """A consistent copy of the store at *target* (a new file)."""
        with _storage("back up"), sqlite3.connect(target) as copy:
            self._db.backup(copy)
        copy.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

