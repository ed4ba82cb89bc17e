"""Parts: one part of a snapshot made from the standings, here or in a process of its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.decide.many.layout import Row, Rows, RowsOf, rows_of
from reciprocity.decide.many.parquet import Batch, PartFile, write_part
from reciprocity.decide.prepare import Statements
from reciprocity.journal.cache import Kept, StandingCache
from reciprocity.journal.copies import PART, copies_of
from reciprocity.journal.processes import serve
from reciprocity.model import Instant

__all__ = ["MODULE", "Order", "Task", "Told", "batches_of", "make_part"]

MODULE: Final = "reciprocity.decide.many.parts"
"""What runs as a program and makes the parts that it is told."""
_BATCH: Final = 4_096


class Order(Struct, frozen=True, kw_only=True):
    """Of which brand, for which instant, under which statements parts are made."""

    folder: str
    at: Instant
    stated: Statements


class Task(Struct, frozen=True, kw_only=True):
    """The part to make."""

    number: int


class Told(Struct, frozen=True, kw_only=True):
    """How many people it has."""

    people: int


def make_part(
    folder: Path,
    part: PartFile,
    rows: Rows,
    row_of: RowsOf,
    at: Instant,
    move: Callable[[int], None],
) -> int:
    """Write *part* from the standings in *folder*, each row for *at*; the number of its people.

    *move* is told how many are done.
    """
    first, end = part.number * PART, (part.number + 1) * PART
    with closing(StandingCache(folder / "standing.db")) as cache:
        everyone = takewhile(lambda kept: kept.standing.slot < end, cache.everyone(first))
        return write_part(part, rows, None, batches_of(everyone, row_of, at, move))


def batches_of(
    people: Iterable[Kept], row_of: RowsOf, at: Instant, move: Callable[[int], None]
) -> Iterator[Batch]:
    """Rows of *people* and of what was attempted, some thousand people at a time.

    The erased are left out. *move* is told how many are done.
    """
    left, done = iter(people), 0
    while batch := list(islice(left, _BATCH)):
        standing = [kept for kept in batch if not kept.standing.erased]
        yield [row_of(kept, at) for kept in standing], _sent(standing)
        done += len(standing)
        move(done)


def _sent(people: Sequence[Kept]) -> list[Row]:
    """Slot, occasion and message of each attempt that still counts."""
    return [
        (kept.standing.slot, one.occasion, one.message)
        for kept in people
        for one in kept.standing.sent
    ]


@contextmanager
def _opened(line: bytes) -> Iterator[Callable[[bytes], Told]]:
    order = msgspec.json.decode(line, type=Order)
    folder = Path(order.folder)
    rows, row_of = rows_of(order.stated)

    def made(task: bytes) -> Told:
        part = PartFile(copies_of(folder), msgspec.json.decode(task, type=Task).number)
        return Told(people=make_part(folder, part, rows, row_of, order.at, lambda _: None))

    yield made


if __name__ == "__main__":
    serve(_opened)
