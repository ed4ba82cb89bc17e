"""Snapshot: a file of what stands for each person, brought up to one instant and read at that only.

It is made once; later only people are read again who did something since, and rows that the clock
alone has changed. Making it may be stopped at any time and goes on with the next part. It is a
cache: whatever is wrong with a part, the part is made anew from the standings.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, takewhile
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from reciprocity.decide.many.layout import Row, Rows, RowsOf, rows_of
from reciprocity.decide.many.parquet import PartFile, read_part, stale_slots, write_part
from reciprocity.decide.prepare import Statements
from reciprocity.errors import InputError
from reciprocity.journal.cache import Kept, StandingCache
from reciprocity.journal.copies import PART, copies_of, holding, part_of
from reciprocity.journal.journal import Journal
from reciprocity.model import Instant

__all__ = ["Snapshot", "snapshot_at"]

_LAYOUT: Final = 1
_BATCH: Final = 4_096
Progress = Callable[[int, int], None]
"""Told (people done, of all)."""


class _Made(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What `made.json` says: of what log and statements, at which instant, which parts.

    *at* is -1 while parts are being changed: then no instant can be asked for. *parts* maps a
    part's number to its people and its size in bytes, by which one that was cut short is found.
    """

    layout: int = _LAYOUT
    origin: str = ""
    stated: tuple[int, int] = (-1, -1)
    position: int = 0
    at: int = -1
    zones: list[str] = msgspec.field(default_factory=list)
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
        parts = tuple(PartFile(place, int(number)) for number in made.parts)
        people = sum(count for count, _ in made.parts.values())
        yield Snapshot(place, maker.rows, at, made.position, people, parts)


class _Maker:
    """Brings the snapshot in *place* up to *at*; the caller holds its lock."""

    def __init__(
        self, journal: Journal, stated: Statements, at: Instant, place: Path, progress: Progress
    ) -> None:
        self.journal, self.at, self.place, self.progress = journal, at, place, progress
        wanted = _Made(
            origin=journal.state().origin, stated=(stated.brand_at, stated.laws_at)
        )  # fmt: skip
        made = _read(place)
        if (made.layout, made.origin, made.stated) != (_LAYOUT, wanted.origin, wanted.stated):
            _empty(place)
            made = wanted
        self.made = made
        self.rows, self.row_of = rows_of(stated, made.zones)
        self.done = self.total = 0

    def bring_up(self) -> None:
        """Make what is missing, then what is no longer good, anew."""
        with self.journal.standings() as cache, self.journal.reading() as reader:
            position, _ = cache.progress()
            self.total = cache.count()
            self._drop_cut_short()
            since = self.made.position if self.made.parts else position
            known = {int(number) for number in self.made.parts}
            self._say(at=-1, position=since)
            for number in range(part_of(cache.last_slot()) + 1):
                if number not in known:
                    self._make(cache, number)
            moved = reader.touched(since, position) if since < position else []
            self._renew(cache, moved, known)
        self._say(at=self.at, position=position)

    def _make(self, cache: StandingCache, number: int) -> None:
        end = (number + 1) * PART
        everyone = takewhile(
            lambda kept: kept.standing.slot < end, cache.everyone(number * PART)
        )  # fmt: skip
        self._write(number, self._batches(everyone), ())

    def _batches(self, people: Iterable[Kept]) -> Iterator[tuple[list[Row], list[Row]]]:
        """Rows of people and of what was attempted, some thousand people at a time."""
        left = iter(people)
        while batch := list(islice(left, _BATCH)):
            standing = [kept for kept in batch if not kept.standing.erased]
            yield _rows(self.row_of, standing, self.at), _sent(standing)
            self.done += len(standing)
            self.progress(min(self.done, self.total), self.total)

    def _renew(self, cache: StandingCache, moved: Sequence[int], known: set[int]) -> None:
        """Make rows anew of those who *moved*, and of those whose time is over, part by part."""
        due: dict[int, set[int]] = defaultdict(set)
        for slot in moved:
            due[part_of(slot)].add(slot)
        for number in sorted(known):
            part = PartFile(self.place, number)
            due[number].update(stale_slots(part, self.at))
        self.done, self.total = 0, sum(len(due[number]) for number in known)
        for number in sorted(known):
            if due[number]:
                slots = sorted(due[number])
                people = (
                    kept for begin in range(0, len(slots), _BATCH)
                    for _, kept in sorted(cache.load_kept(slots[begin : begin + _BATCH]).items())
                )  # fmt: skip
                self._write(number, self._batches(people), slots)

    def _write(
        self, number: int, batches: Iterable[tuple[list[Row], list[Row]]], instead: Sequence[int]
    ) -> None:
        """One part: what it had but for the slots *instead*, and the rows of *batches*."""
        part = PartFile(self.place, number)
        kept = read_part(part, self.rows, instead) if instead else None
        people = write_part(part, self.rows, kept, batches)
        self.made.parts[str(number)] = people, part.size()
        self.made.zones = list(self.rows.zones)
        _save(self.place, self.made)

    def _drop_cut_short(self) -> None:
        """Forget parts that are not as they were written; they are made anew."""
        for number, (_, size) in list(self.made.parts.items()):
            if PartFile(self.place, int(number)).size() != size:
                del self.made.parts[number]

    def _say(self, *, at: int, position: int) -> None:
        self.made.at, self.made.position = at, position
        _save(self.place, self.made)


def _rows(row_of: RowsOf, people: Sequence[Kept], at: Instant) -> list[Row]:
    return [row_of(kept, at) for kept in people]


def _sent(people: Sequence[Kept]) -> list[Row]:
    """Slot, occasion and message of each attempt that still counts."""
    return [
        (kept.standing.slot, one.occasion, one.message)
        for kept in people
        for one in kept.standing.sent
    ]


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
    for pattern in ("*.parquet", "*.tmp", "made.json"):
        for found in place.glob(pattern):
            found.unlink(missing_ok=True)
