"""Snapshot: a file of what stands for each person, brought up to one instant and read at that only.

It is made once; later only people are read again who did something since, and rows that the clock
alone has changed. Making it may be stopped at any time and goes on with the next part. It is a
cache: whatever is wrong with a part, the part is made anew from the standings.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from os import cpu_count
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from reciprocity.decide.many.layout import Rows, rows_of
from reciprocity.decide.many.parquet import (
    Batch,
    PartFile,
    read_part,
    stale_slots,
    write_part,
)
from reciprocity.decide.many.parts import MODULE, Order, Task, Told, batches_of, make_part
from reciprocity.decide.prepare import Statements
from reciprocity.errors import InputError
from reciprocity.events import ErasureDone
from reciprocity.journal.cache import StandingCache
from reciprocity.journal.copies import COUNTING, copies_of, holding, part_of
from reciprocity.journal.journal import Journal
from reciprocity.journal.processes import shared_out
from reciprocity.model import Instant

__all__ = ["Snapshot", "snapshot_at"]

_LAYOUT: Final = 1
_PARTS_EACH: Final = 2
"""Missing parts from which on another process is worth its start."""
_MOST: Final = 4
_FEW: Final = 50_000
"""People of a part that are renewed row by row however many rows are good no more."""
Progress = Callable[[int, int], None]
"""Told (people done, of all)."""


class _Made(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What `made.json` says: of what log and statements, at which instant, which parts.

    *zones* stands for the list of time zones that rows have places in. *at* is -1 while parts are
    being changed: then no instant can be asked for. *parts* maps a part's number to its people and
    its size in bytes, by which one that was cut short is found.
    """

    layout: int = _LAYOUT
    origin: str = ""
    stated: tuple[int, int] = (-1, -1)
    position: int = 0
    at: int = -1
    zones: str = ""
    parts: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)


class Snapshot(NamedTuple):
    """Everybody as they stand at *position* of the journal, for the instant *at* and no other."""

    place: Path
    rows: Rows
    at: Instant
    position: int
    people: int
    parts: tuple[PartFile, ...]

    def good_at(self, at: Instant) -> None:
        """Raise `InputError` unless the snapshot may be asked about *at*."""
        if at != self.at:
            raise InputError(
                f"snapshot is good for the instant {self.at} only, not for {at}: bring it up to "
                "that instant first"
            )


@contextmanager
def snapshot_at(
    journal: Journal, stated: Statements, at: Instant, progress: Progress | None = None
) -> Iterator[Snapshot]:
    """The snapshot of *journal*, brought up to *at*; nobody else touches it inside the block.

    What the brand file in *stated* names is kept. Raises `Unavailable` when it cannot be written.
    """
    place = copies_of(journal.folder)
    with holding(place):
        maker = _Maker(journal, stated, at, place, progress or (lambda *_: None))
        maker.bring_up()
        made = maker.made
        parts = tuple(PartFile(place, number) for number in sorted(map(int, made.parts)))
        people = sum(count for count, _ in made.parts.values())
        yield Snapshot(place, maker.rows, at, made.position, people, parts)


class _Maker:
    """Brings the snapshot in *place* up to *at*; the caller holds its lock."""

    def __init__(
        self, journal: Journal, stated: Statements, at: Instant, place: Path, progress: Progress
    ) -> None:
        self.journal, self.at, self.place, self.progress = journal, at, place, progress
        self.stated = stated
        self.rows, self.row_of = rows_of(stated)
        wanted = _Made(
            origin=journal.state().origin,
            stated=(stated.brand_at, stated.laws_at),
            zones=sha256("\n".join(self.rows.zones).encode()).hexdigest(),
        )
        self.made = _read(place)
        if _same(self.made, wanted):
            return
        _empty(place)
        self.made = wanted

    def bring_up(self) -> None:
        """Make what is missing, then what is no longer good, anew."""
        self._drop_unfit()
        with self.journal.standings() as cache:
            position, _ = cache.progress()
            last, people = part_of(cache.last_slot()), cache.count()
        known = {int(number) for number in self.made.parts}
        since = self.made.position if known else position
        self._say(at=-1, position=since)
        self._make([number for number in range(last + 1) if number not in known], people)
        with self.journal.standings() as cache, self.journal.reading() as reader:
            position, _ = cache.progress()
            moved = reader.touched(since, position) if since < position else []
            # An erased person's events have lost their slot: whoever else erased them, they go.
            gone = (told.body for told in reader.brand_events("person.erased", since))
            erased = {body.slot for body in gone if isinstance(body, ErasureDone)}
            self._renew(cache, sorted(erased.union(moved)))
        self._say(at=self.at, position=position)

    def _make(self, missing: Sequence[int], people: int) -> None:
        """The parts *missing*, by several processes if they are many; *people* are there in all."""
        folder, done = self.journal.folder, 0
        processes = min(_MOST, cpu_count() or 1, len(missing) // _PARTS_EACH)
        if processes > 1:
            order = Order(folder=str(folder), at=self.at, stated=self.stated)
            tasks = [Task(number=number) for number in missing]
            for task, told in shared_out(MODULE, order, tasks, processes, Told):
                self._take(task.number, told.people)
                done += told.people
                self.progress(min(done, people), people)
            return
        for number in missing:
            before = done

            def move(more: int, before: int = before) -> None:
                self.progress(min(before + more, people), people)

            part = PartFile(self.place, number)
            count = make_part(folder, part, self.rows, self.row_of, self.at, move)
            self._take(number, count)
            done += count

    def _renew(self, cache: StandingCache, moved: Sequence[int]) -> None:
        """Make rows anew of those who *moved*, and of those whose time is over, part by part."""
        due: dict[int, set[int]] = defaultdict(set)
        for slot in moved:
            due[part_of(slot)].add(slot)
        for part in map(int, self.made.parts):
            due[part].update(stale_slots(PartFile(self.place, part), self.at))
        wanted = {number: sorted(slots) for number, slots in sorted(due.items()) if slots}
        done, total = 0, sum(map(len, wanted.values()))
        for number, people in self._rewritten(cache, wanted):
            self._take(number, people)
            done += len(wanted[number])
            self.progress(done, total)

    def _rewritten(
        self, cache: StandingCache, wanted: Mapping[int, Sequence[int]]
    ) -> Iterator[tuple[int, int]]:
        """Each part of *wanted* with its people, rewritten with new rows of these slots.

        Files are read and written by threads beside the one that makes rows; a few at a time.
        """
        waiting: deque[tuple[int, Future[int]]] = deque()
        at_once = min(_MOST, cpu_count() or 1)
        with ThreadPoolExecutor(at_once) as pool:
            for number, slots in wanted.items():
                people = cache.load_many(slots)
                rows = list(batches_of(people, self.row_of, self.at, lambda _: None))
                waiting.append((number, pool.submit(self._rewrite, number, slots, rows)))
                if len(waiting) > at_once:
                    first, job = waiting.popleft()
                    yield first, job.result()
            for number, job in waiting:
                yield number, job.result()

    def _rewrite(self, number: int, slots: Sequence[int], rows: list[Batch]) -> int:
        """Part *number* with *rows* instead of what it has of *slots*, or made of *rows* alone."""
        part = PartFile(self.place, number)
        kept = read_part(part, self.rows, slots) if part.size() >= 0 else None
        return write_part(part, self.rows, kept, rows)

    def _take(self, number: int, people: int) -> None:
        """Part *number* has been made, with so many people in it."""
        self.made.parts[str(number)] = people, PartFile(self.place, number).size()
        _save(self.place, self.made)

    def _drop_unfit(self) -> None:
        """Forget parts that are not as they were written, or whose rows are good no more.

        They are made anew, by several processes, which is faster than row by row.
        """
        for number, (people, size) in list(self.made.parts.items()):
            part = PartFile(self.place, int(number))
            if part.size() != size or _FEW < people < 2 * len(stale_slots(part, self.at)):
                del self.made.parts[number]

    def _say(self, *, at: int, position: int) -> None:
        self.made.at, self.made.position = at, position
        _save(self.place, self.made)


def _same(made: _Made, wanted: _Made) -> bool:
    """Do the files of *made* say what those of *wanted* would?"""
    return (made.layout, made.origin, made.stated, made.zones) == (
        wanted.layout, wanted.origin, wanted.stated, wanted.zones,
    )  # fmt: skip


def _read(place: Path) -> _Made:
    """What is there; nothing, if it cannot be read."""
    try:
        return msgspec.json.decode((place / "made.json").read_bytes(), type=_Made)
    except (OSError, msgspec.DecodeError):
        return _Made()


def _save(place: Path, made: _Made) -> None:
    fresh = place / "made.json.tmp"
    fresh.write_bytes(msgspec.json.encode(made))
    fresh.replace(place / "made.json")


def _empty(place: Path) -> None:
    for pattern in ("*.parquet", "*.tmp", "made.json", COUNTING):
        for found in place.glob(pattern):
            found.unlink(missing_ok=True)
