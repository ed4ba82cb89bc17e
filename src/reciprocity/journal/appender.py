"""The one writer: events, vault rows, tiles and a signed checkpoint in one transaction.

Whoever comes while a turn is being written waits and goes together with all others that came
meanwhile into the next one: group commit without a timer. A turn is: the lock, a look at what
other processes did, the entries admitted one by one, keys durable, then the journal, then the
cache, then the safekeeping mark; only then does anybody get an answer.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from reciprocity.errors import Conflict, Damaged, ProofError, ReciprocityError, Unavailable
from reciprocity.journal import pending, rotation
from reciprocity.journal.before import Before, read_before
from reciprocity.journal.cache import StandingCache
from reciprocity.journal.catch_up import catch_up
from reciprocity.journal.entry import Appended, Entry, sensitive_in
from reciprocity.journal.fence import refuse_fenced
from reciprocity.journal.log_reader import State
from reciprocity.journal.mark import catch_up_mark, check_mark
from reciprocity.journal.observed import ObservedRows
from reciprocity.journal.read import Reader
from reciprocity.journal.rotation import settled_signer
from reciprocity.journal.safekeeping import Mark, Safekeeping
from reciprocity.journal.turn import Turn
from reciprocity.journal.waiting import Answer, Request, Ticket, Waiting, uncollected
from reciprocity.journal.write import PUT_STATE, origin_of, proved, write_cache, write_turn
from reciprocity.keys import KeyStore
from reciprocity.storage import Database, explained
from reciprocity.tlog.merkle import root_at
from reciprocity.tlog.note import Checkpoint, open_checkpoint, sign_note
from reciprocity.tlog.signing import LogSigner, LogVerifier
from reciprocity.tlog.tiles import Edge, Tile

if TYPE_CHECKING:
    from reciprocity.events import Stated

__all__ = ["Answer", "Appender", "Request"]

BEHIND_MS: Final = 5_000

_log = logging.getLogger(__name__)


class Appender:
    """Appends to one journal; safe to share between threads, and beside other processes."""

    def __init__(
        self,
        db: Database,
        keys: KeyStore,
        cache: StandingCache,
        safekeeping: Safekeeping,
        clock: Callable[[], int],
        observed: ObservedRows,
    ) -> None:
        """Write through *db*; *clock* gives the instant in ms."""
        self._observed = observed
        self._db, self._keys, self._cache = db, keys, cache
        self._safekeeping, self._clock = safekeeping, clock
        self._reader = Reader(db, keys)
        self._edge, self._origin = Edge(), ""
        self._signer: LogSigner | None = None
        self._in_force: dict[str, int] = {}
        self._sensitive: frozenset[str] = frozenset()
        self._cache_follows = False
        self._turn_lock = threading.RLock()
        self._waiting = Waiting(self._turn)

    # -- asking --

    def append(self, entries: Request, *, prove: bool = False) -> list[Appended]:
        """Append *entries*, all or none, as one act; returns once they are durable.

        Raises `Conflict` when history moved on, `Unavailable` when the machine stands in the way,
        `InputError` when an entry is of no published form.
        """
        answer = self.append_many([entries], prove=prove)[0]
        if isinstance(answer, ReciprocityError):
            raise answer
        return answer

    def append_many(self, requests: Sequence[Request], *, prove: bool = False) -> list[Answer]:
        """Append each of *requests* on its own, in one transaction; an error in place of an answer.

        What stops the whole transaction (disk, lock, keys) is raised, and nothing was done.
        """
        ticket = Ticket(requests, prove=prove)
        self._waiting.go(ticket)
        return ticket.answers

    @contextmanager
    def alone(self) -> Iterator[Database]:
        """Hold the lock, in this process and among all, around a transaction of the caller's.

        The mark has been checked and the cache has caught up.
        """
        with self._turn_lock:
            self._begin()
            try:
                self._look()
                yield self._db
                with explained("commit"):
                    self._db.commit()
            except BaseException:
                self._roll_back()
                raise

    def forget_queued(self, slot: int) -> None:
        """Leave nothing queued for *slot*; inside `alone`."""
        self._cache.forget_queued(slot)

    def forget_shared(self) -> None:
        """Leave nothing copied of whoever is erased by now."""
        with self._turn_lock:
            self._cache.forget_shared()

    def flush_cache(self) -> None:
        """Leave no old page of the cache behind."""
        with self._turn_lock:
            self._cache.flush()

    def with_events(self, slots: Collection[int]) -> set[int]:
        """Which of *slots* an event was ever written for; inside `alone`."""
        return self._reader.with_events(slots)

    def refresh(self) -> None:
        """See what other processes appended, seal what waits, bring the cache to it."""
        self.append_many([])

    def rebuild(self, progress: Callable[[int], None] | None = None) -> None:
        """Make the cache anew from the events."""
        with self.alone():
            self._empty_cache()
            self._look(progress)

    # -- a turn --

    def _turn(self, tickets: Sequence[Ticket]) -> None:
        with self._turn_lock, uncollected():
            self._write_turn(tickets)

    def _write_turn(self, tickets: Sequence[Ticket]) -> None:
        self._begin()
        try:
            state = self._look()
            noted = pending.waiting(self._db)
            asked = [e for ticket in tickets for request in ticket.requests for e in request]
            turn = Turn(self._before(state, [*(entry for _, entry in noted), *asked]))
            taken = _admit_noted(turn, noted)
            for ticket in tickets:
                ticket.answers = [_admit(turn, request) for request in ticket.requests]
            if not turn.written.rows:
                self._only_drop(taken)
                return
            edge = self._edge.copy()
            growth, tiles = edge.extend(turn.written.leaf_hashes)
            checkpoint = self._write(turn, edge, tiles)
            if taken:
                pending.drop_waiting(self._db, taken)
            self._lock_cache()
            with explained("commit"):
                self._db.commit()
        except BaseException:
            self._roll_back()
            raise
        self._edge, self._in_force = edge, turn.in_force
        if turn.key_change is not None:
            self._keys.promote_signer()
        if turn.sensitive != self._sensitive:  # whatever stands in clear is judged anew
            self._sensitive, self._cache_follows = turn.sensitive, False
            self._cache.roll_back()
        self._update_cache(turn, edge)
        self._unindex(turn)
        self._forget_observed(turn)
        self._safekeeping.keep(
            Mark(
                origin=self._origin,
                size=edge.size,
                root=edge.root(),
                checkpoint=checkpoint,
                next_slot=turn.next_slot,
            )
        )
        for ticket in tickets:
            if ticket.prove:
                ticket.answers = [
                    one if isinstance(one, ReciprocityError) else proved(one, growth, checkpoint)
                    for one in ticket.answers
                ]

    def _only_drop(self, taken: Sequence[int]) -> None:
        """Nothing to append; acts of people erased meanwhile need not wait any longer."""
        if not taken:
            self._roll_back()
            return
        pending.drop_waiting(self._db, taken)
        with explained("commit"):
            self._db.commit()

    def _begin(self) -> None:
        with explained("take its lock"):
            self._db.begin()

    def _roll_back(self) -> None:
        for undo in (self._db.rollback, self._keys.roll_back, self._cache.roll_back):
            undo()

    # -- looking, under the lock --

    def _look(self, progress: Callable[[int], None] | None = None) -> State:
        """What the log is now; follows other processes, refuses a log that fell behind."""
        state, mark = self._reader.state(), self._safekeeping.refresh()
        if state is None:
            refuse_fenced(self._db)
            if mark.size:
                raise Unavailable(
                    f"journal is empty but a receipt left for {mark.size} events: run "
                    "`reciprocity restore` before anything else"
                )
            return State(size=0, last_at=0, next_slot=0, origin="", gap=0, checkpoint=b"")
        if state.size != self._edge.size or state.origin != self._origin or not self._in_force:
            self._follow(state)
        if mark.origin == state.origin and mark.size > state.size:
            raise Unavailable(
                f"journal has {state.size} events but a receipt left for {mark.size}: it is older "
                "than the safekeeping mark; run `reciprocity restore` before anything else"
            )
        if (mark.origin, mark.size) != (state.origin, state.size):
            catch_up_mark(self._safekeeping, self._reader, state, self._edge.root())
        # Another process may have emptied the cache, or died while it made it anew.
        if not self._cache_follows or self._cache.progress()[0] != state.size:
            self._catch_up(state.size, progress)
        return state

    def _follow(self, state: State) -> None:
        edge = Edge.load(state.size, self._reader.read_tile())
        in_force = self._reader.in_force()
        signer = settled_signer(
            state.origin, in_force.get(rotation.IN_FORCE), self._reader, self._keys
        )
        try:
            checkpoint = open_checkpoint(state.checkpoint, LogVerifier(signer.verifier_key))
        except ProofError as error:
            raise Damaged(f"journal's own checkpoint does not hold: {error}") from error
        if (checkpoint.size, checkpoint.root) != (edge.size, edge.root()):
            raise Damaged("journal's tree is not the one its checkpoint signed: restore a backup")
        self._edge, self._origin, self._signer = edge, state.origin, signer
        self._in_force = in_force
        self._sensitive = self._read_sensitive()
        self._cache_follows = False
        check_mark(self._safekeeping.mark, self._reader, state)

    def _read_sensitive(self) -> frozenset[str]:
        position = self._in_force.get("brand")
        if position is None:
            return frozenset()
        return sensitive_in(cast("Stated", self._reader.told(position).body))

    def _catch_up(self, size: int, progress: Callable[[int], None] | None = None) -> None:
        """Bring the cache here; *size* is what the journal holds."""
        tree = self._reader.tile_reader(size)
        catch_up(
            self._reader,
            self._keys,
            self._cache,
            size=size,
            root_at=lambda at: root_at(at, tree),
            sensitive=self._sensitive,
            gone=self._safekeeping.erased(),
            progress=progress,
        )
        self._cache_follows = True

    def _empty_cache(self) -> None:
        self._cache.begin()
        self._cache.empty()
        self._cache.commit()

    def _before(self, state: State, entries: Sequence[Entry]) -> Before:
        """What the turn must know; a cache that lacks somebody is thrown away and made anew."""
        before = self._read_before(state, entries)
        lacking = {entry.slot for entry in entries if entry.slot >= 0} - before.standings.keys()
        if lacking and (lost := self._reader.with_events(lacking)):
            _log.warning("standing cache lacks %d people, it is made anew", len(lost))
            self._empty_cache()
            self._catch_up(state.size)
            before = self._read_before(state, entries)
        return before

    def _read_before(self, state: State, entries: Sequence[Entry]) -> Before:
        return read_before(
            entries,
            state,
            reader=self._reader,
            keys=self._keys,
            cache=self._cache,
            now=self._clock(),
            in_force=self._in_force,
            sensitive=self._sensitive,
        )

    # -- writing, under the lock --

    def _write(self, turn: Turn, edge: Edge, tiles: Sequence[Tile]) -> bytes:
        done, at = turn.written, turn.before.at
        if done.minted or done.index:
            self._keys.begin()
            with explained("append"):
                self._db.check_held()  # or another wrote since, and would be written over
            self._keys.keep(done.minted, at)
            self._keys.index(done.index.items())
            self._keys.commit()
        origin = origin_of(turn) or self._origin
        text = Checkpoint(origin, edge.size, edge.root()).encode()
        checkpoint = sign_note(text, self._signers(turn, origin))
        self._origin = origin
        with explained("append"):
            write_turn(self._db, turn, tiles)
            self._db.execute(
                PUT_STATE,
                (1, edge.size, at, turn.next_slot, origin, turn.gap, checkpoint),
            )
        return checkpoint

    def _signers(self, turn: Turn, origin: str) -> list[LogSigner]:
        """Who signs the turn's checkpoint: one key, or the old and the new where it changes."""
        if (change := turn.key_change) is not None:
            self._signer = None
            return rotation.both_signers(change, origin, self._keys)
        if self._signer is None or self._signer.name != origin:
            self._signer = LogSigner(origin, self._keys.signer())
        return [self._signer]

    def _lock_cache(self) -> None:
        """Taken before the journal's lock goes, so that no process sees a cache behind for long."""
        if not self._cache_follows:
            return
        try:
            self._cache.begin()
        except ReciprocityError:
            self._cache_follows = False

    def _update_cache(self, turn: Turn, edge: Edge) -> None:
        """Write the cache; a failure here loses nothing, for the next turn catches up."""
        if not self._cache_follows:
            return
        try:
            write_cache(self._cache, turn)
            self._cache.reach(edge.size, edge.root())
            self._cache.commit()
        except BaseException as error:
            self._cache_follows = False
            self._cache.roll_back()
            if not isinstance(error, ReciprocityError):
                raise
            _log.warning("standing cache not written, it will catch up: %s", error)

    def _unindex(self, turn: Turn) -> None:
        """After the commit: an identity must not stop leading to a person for nothing."""
        if not turn.written.unindex:
            return
        try:
            self._keys.begin()
            self._keys.unindex(turn.written.unindex.items())
            self._keys.commit()
        except ReciprocityError as error:
            self._keys.roll_back()
            _log.warning("an old identity still leads to its person: %s", error)

    def _forget_observed(self, turn: Turn) -> None:
        """Before anybody is told of a withdrawal, what it ends is deleted; else by `tick`."""
        try:
            self._observed.forget_taken(turn)
        except ReciprocityError as error:
            _log.warning("what was observed is not deleted yet, the next tick will: %s", error)


def _admit_noted(turn: Turn, noted: Sequence[tuple[int, Entry]]) -> list[int]:
    """Seal first what was accepted without keys; the ids of what is done."""
    for _, entry in noted:
        answer = _admit(turn, [entry])
        # One erased meanwhile has nothing left to take away.
        if isinstance(answer, ReciprocityError) and not isinstance(answer, Conflict):
            raise answer
    return [number for number, _ in noted]


def _admit(turn: Turn, request: Request) -> Answer:
    try:
        return turn.admit(request)
    except ReciprocityError as error:
        return error
