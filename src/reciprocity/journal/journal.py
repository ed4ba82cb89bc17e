"""One brand's journal, opened: everything that is asked of it goes through here.

Writing goes to the appender. Reading a standing first makes sure that nothing is newer than what
is read: a cache behind the journal, or an act that waits to be sealed, is caught up with before
anything may be permitted.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, Self

import msgspec

from reciprocity.errors import InputError, Unavailable
from reciprocity.events import LogOpened
from reciprocity.journal import pending
from reciprocity.journal.appender import Answer, Appender, Request
from reciprocity.journal.cache import Kept, StandingCache
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.leaf import Told
from reciprocity.journal.log_reader import State
from reciprocity.journal.log_side import LogSide
from reciprocity.journal.observed import ObservedRows
from reciprocity.journal.read import Reader
from reciprocity.journal.safekeeping import Safekeeping
from reciprocity.journal.standing import Standing
from reciprocity.journal.store import migrate
from reciprocity.keys import KeyStore, PersonKeys, blind, new_master_key, read_master_key
from reciprocity.model import Profile
from reciprocity.storage import BUSY_MS, Database, connect, exists, explained, place_of
from reciprocity.tlog.signing import LogSigner

__all__ = ["Journal", "now_ms"]

SOFTWARE: Final = "reciprocity 0.1.0"


def now_ms() -> int:
    """The machine's clock, in ms since 1970 UTC: what is handed in as `clock` outside tests."""
    return time.time_ns() // 1_000_000


class Journal(LogSide):
    """The journal in *folder*, open; safe to share between threads."""

    def __init__(
        self,
        folder: Path,
        *,
        master_key: Path,
        safekeeping: Path,
        clock: Callable[[], int] = now_ms,
        busy_ms: int = BUSY_MS,
    ) -> None:
        """Open the journal that `create` made.

        *busy_ms* is how long to wait for another process's lock. Raises `InputError` when there
        is no journal, `Unavailable` when keys or safekeeping are out of reach or the journal is
        older than the safekeeping mark, `Damaged` when it contradicts itself.
        """
        if not exists(folder / "journal.db"):
            raise InputError(f"journal in {folder} is not there: run `reciprocity apply`")
        if not exists(folder / "keys.db"):
            raise Unavailable(
                f"key store {folder / 'keys.db'} is missing: put it back, or restore journal and "
                "keys together; without it nothing can be read or sent"
            )
        migrate(folder / "journal.db")
        self.folder, self.master_key, self.clock = folder, master_key, clock
        self._busy_ms = busy_ms
        self._lock, self._looked = threading.RLock(), None
        self._forced, self._forced_at = dict[str, int](), ("", -1)
        self.distant = place_of(folder) is not None
        with ExitStack() as opened:
            self._db, self._read_db = (
                opened.enter_context(
                    closing(connect(folder / "journal.db", durable=True, busy_ms=busy_ms))
                )
                for _ in range(2)
            )
            self.safekeeping = opened.enter_context(closing(Safekeeping(safekeeping)))
            self.keys = opened.enter_context(
                KeyStore(folder / "keys.db", read_master_key(master_key), busy_ms=busy_ms)
            )
            self._cache, self._read_cache = (
                opened.enter_context(
                    closing(StandingCache(folder / "standing.db", busy_ms=busy_ms))
                )
                for _ in range(2)
            )
            self.reader = Reader(self._read_db, self.keys)
            self.observed = opened.enter_context(closing(ObservedRows(folder, busy_ms=busy_ms)))
            self.appender = Appender(
                self._db, self.keys, self._cache, self.safekeeping, clock, self.observed
            )
            self.appender.refresh()
            self._opened = opened.pop_all()

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        origin: str,
        master_key: Path,
        safekeeping: Path,
        clock: Callable[[], int] = now_ms,
    ) -> Self:
        """Make an empty journal in *folder* and open its log under *origin*.

        Makes the master key if there is none. A journal that is there is opened as it is, so that
        a creation cut short can be run again.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                f"folder {folder} cannot be made ({error.strerror}): make it, writable for you"
            ) from error
        if not master_key.exists():
            if exists(folder / "keys.db"):
                read_master_key(master_key)  # raises, and says that the key must come back
            new_master_key(master_key)
        with closing(Safekeeping.create(safekeeping)) as place:
            mark = place.mark
        if mark.size and not exists(folder / "journal.db"):
            raise Unavailable(
                f"safekeeping {safekeeping} knows a log of {mark.size} events, but there is no "
                "journal here: restore it, or name a fresh place in [safekeeping] path; delete "
                "that folder if the log was a trial"
            )
        migrate(folder / "journal.db")
        with closing(connect(folder / "journal.db", durable=True)) as db:
            empty = db.execute("SELECT 1 FROM log_state").fetchone() is None
        if empty:  # keys that have gone missing later are never made anew
            KeyStore(folder / "keys.db", read_master_key(master_key)).close()
        journal = cls(folder, master_key=master_key, safekeeping=safekeeping, clock=clock)
        if journal.reader.state() is None:
            signer = LogSigner(origin, journal.keys.signer())
            opened = LogOpened(origin=origin, key=signer.verifier_key.encode(), software=SOFTWARE)
            journal.append([Entry(kind="log.opened", body=opened, act_id="log.opened")])
        return journal

    # -- writing --

    def append(self, entries: Request, *, prove: bool = False) -> list[Appended]:
        """See `Appender.append`."""
        return self.appender.append(entries, prove=prove)

    def append_many(self, requests: Sequence[Request], *, prove: bool = False) -> list[Answer]:
        """See `Appender.append_many`."""
        return self.appender.append_many(requests, prove=prove)

    # -- what stands --

    def _follow(self) -> None:
        """Make sure that the cache is where the journal is; raises when it cannot be."""
        if self._looked is None and not self._follows(self.reader.state()):
            self.appender.refresh()  # seals all that waits, or raises

    def _follows(self, state: State | None) -> bool:
        if state is None:  # nothing was ever written, and nothing that waits can be meant
            return self._read_cache.progress()[0] == 0
        if self.distant:  # a server that fell back to an older state is no longer ours
            mark = self.safekeeping.refresh()
            if mark.origin == state.origin and mark.size > state.size:
                return False
        return not state.waits and self._read_cache.progress()[0] == state.size

    @contextmanager
    def at_hand(self) -> Iterator[bool]:
        """Can what stands be read inside, without waiting for a lock, a disk's turn or a network?

        What stood at the beginning is read inside, and nobody else reads meanwhile: be short.
        """
        if self.distant or not self._lock.acquire(blocking=False):
            yield False
            return
        try:
            state = self.reader.state()
            self._looked = state if self._follows(state) else None
            yield self._looked is not None
        finally:
            self._looked = None
            self._lock.release()

    def kept(self, slot: int) -> Kept | None:
        """What stands for the person in *slot*, with clear attributes and pseudonym."""
        with self._lock:
            self._follow()
            return self._read_cache.load_kept([slot]).get(slot)

    def kept_many(self, slots: Sequence[int]) -> dict[int, Kept]:
        """As `kept`, for several."""
        with self._lock:
            self._follow()
            return self._read_cache.load_kept(slots)

    @contextmanager
    def standings(self) -> Iterator[StandingCache]:
        """What stands for everyone, seen at one position whatever is appended meanwhile."""
        with self._lock:
            self._follow()
        with closing(StandingCache(self.folder / "standing.db")) as cache:
            with explained("read the standing cache"):
                cache.db.begin_reading()
            yield cache

    @contextmanager
    def population(self) -> Iterator[tuple[int, Iterator[Kept]]]:
        """A position of the journal, and what stands for everyone there, in slot order."""
        with self.standings() as cache:
            yield cache.progress()[0], cache.everyone()

    def everyone(self) -> Iterator[Kept]:
        """What stands for everyone, in slot order; see `population`."""
        with self.population() as (_, people):
            yield from people

    def erased(self) -> dict[int, int]:
        """The slots of the erased, each with the number of events it had."""
        with self._lock:
            self._follow()
            return self._read_cache.erased()

    def leaving(self) -> list[Standing]:
        """Those who asked to be erased and are not yet."""
        with self._lock:
            self._follow()
            return self._read_cache.leaving()

    def count(self) -> int:
        """How many people there are, the erased left out."""
        with self._lock:
            self._follow()
            return self._read_cache.count()

    def rebuild(self, progress: Callable[[int], None] | None = None) -> None:
        """Make the standing cache anew from the events."""
        self.appender.rebuild(progress)

    # -- history, vault, statements --

    def history(self, slot: int, below: int | None = None) -> list[Told]:
        """The person's events, opened, of versions below *below*."""
        with self._lock:
            return self.reader.history(slot, below)

    def told(self, position: int) -> Told:
        """The event at *position*, opened."""
        with self._lock:
            return self.reader.told(position)

    def profile(self, slot: int) -> Profile:
        """What the person told."""
        with self._lock:
            return self.reader.profile(slot)

    def profiles(self, slots: Sequence[int]) -> dict[int, Profile]:
        """As `profile`, for several; those without one, and the erased, are left out."""
        with self._lock:
            return self.reader.profiles(list(self.keys.people(slots).values()))

    def person_keys(self, slot: int) -> PersonKeys | None:
        """The person's keys, None once destroyed."""
        return self.people_keys((slot,)).get(slot)

    def people_keys(self, slots: Sequence[int]) -> dict[int, PersonKeys]:
        """The keys of each of *slots*; one whose keys are destroyed is left out."""
        with self._lock:
            return self.keys.people(slots)

    def digest(self, namespace: str, value: str) -> bytes:
        """Under what the blind index finds *value*."""
        return blind(self.keys.brand.blinding, namespace, value)

    def find(self, digest: bytes) -> int | None:
        """The slot of the person known by *digest*."""
        with self._lock:
            slot = self.keys.find(digest)
            # Keys are durable before the journal: an index entry may lead to no event.
            return slot if slot is not None and self.reader.with_events([slot]) else None

    def find_many(self, digests: Sequence[bytes]) -> dict[bytes, int]:
        """The slots that *digests* lead to; those that lead nowhere are left out."""
        with self._lock:
            found = self.keys.find_many(digests)
            known = self.reader.with_events(set(found.values()))
        return {digest: slot for digest, slot in found.items() if slot in known}

    def find_pseudonym(self, pseudonym: bytes) -> int | None:
        """The slot of the person who goes by *pseudonym*."""
        with self._lock:
            return self.keys.find_pseudonym(pseudonym)

    def digests(self, slot: int) -> list[bytes]:
        """All by which the person in *slot* is found, or was and nobody else is."""
        with self._lock:
            return self.keys.digests(slot)

    def left(self, digests: Sequence[bytes]) -> frozenset[bytes]:
        """Which of *digests* led to somebody when they were erased; no file brings them back."""
        with self._lock:
            return self.reader.left(digests)

    def suppressed(self, digests: Sequence[bytes]) -> frozenset[bytes]:
        """Which of *digests* are on the suppression list."""
        with self._lock:
            return self.reader.suppressed(digests)

    def in_force(self, name: str) -> tuple[int, msgspec.Raw] | None:
        """The position and body of the statement in force under *name*."""
        with self._lock:
            position = self.reader.in_force().get(name)
            if position is None:
                return None
            body = self.reader.told(position).body
        return position, getattr(body, "body", msgspec.Raw(b"null"))

    def version(self, slot: int) -> int:
        """How many events the person has, straight from the journal; -1 while acts wait unsealed.

        This is what the sender asks at the door.
        """
        with self._lock:
            return -1 if pending.any_waiting(self._read_db) else self.reader.version(slot)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """A reader with a connection of its own, for long work beside all else."""
        with closing(self.connection()) as db:
            yield Reader(db, self.keys)

    def histories(self, size: int) -> Iterator[tuple[int, list[Told]]]:
        """Every readable person's events below position *size*, by slot, each history opened."""
        with self.reading() as reader:
            yield from reader.histories(size)

    def leaves(self, size: int) -> Iterator[bytes]:
        """The leaves of positions 0 to *size* - 1."""
        for start in range(0, size, 10_000):
            with self._lock:
                leaves = self.reader.leaves(start, min(start + 10_000, size))
            yield from leaves

    def brand_events(self, kind: str, start: int = 0) -> list[Told]:
        """All brand or public events of *kind* from position *start* on."""
        with self._lock:
            return self.reader.brand_events(kind, start)

    def statements(self) -> list[Told]:
        """Every statement that was ever in force, oldest first."""
        with self._lock:
            return self.reader.statements()

    def pseudonym(self, slot: int) -> str:
        """How the person in *slot* is called where no identity belongs; empty once erased."""
        with self._lock:
            return self.reader.pseudonym(slot)

    def forced(self) -> dict[str, int]:
        """The position of every statement in force, by its name; not to be changed."""
        with self._lock:
            state = self._looked or self.reader.state()
            now = (state.origin, state.size) if state else ("", 0)
            if now != self._forced_at:
                self._forced, self._forced_at = self.reader.in_force(), now
            return self._forced

    def connection(self) -> Database:
        """A connection of the caller's own to `journal.db`; the caller closes it."""
        return connect(self.folder / "journal.db", durable=True, busy_ms=self._busy_ms)

    # -- ending --

    def close(self) -> None:
        """Close all files."""
        self._opened.close()

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all files."""
        self.close()
