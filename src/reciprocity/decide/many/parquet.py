"""Parquet: the files of one part of a snapshot, its people and what was attempted to them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reciprocity.decide.many.layout import Row, Rows
from reciprocity.errors import Unavailable
from reciprocity.journal.copies import part_of

__all__ = ["Batch", "PartFile", "Tables", "read_part", "stale_slots", "write_part"]

_GROUP: Final = 65_536
"""Rows in a row group: what an engine reads at a time."""
_TYPES: Final = {"BIGINT": pa.int64(), "SMALLINT": pa.int16(), "BOOLEAN": pa.bool_()}
_SENT: Final = pa.schema([
    ("slot", pa.int64()), ("occasion", pa.string()), ("message", pa.string()),
])  # fmt: skip

_PACKED: Final = {"compression": "zstd", "compression_level": 1}

Batch = tuple[list[Row], list[Row]]
"""Some people's rows, and those of what was attempted to them."""


class PartFile(NamedTuple):
    """The two files of part *number* in *place*."""

    place: Path
    number: int

    @property
    def people(self) -> Path:
        """The rows of people."""
        return self.place / f"people-{self.number:06d}.parquet"

    @property
    def sent(self) -> Path:
        """The rows of attempts: slot, occasion, message."""
        return self.place / f"sent-{self.number:06d}.parquet"

    def has(self, slot: int) -> bool:
        """Would *slot* be in this part?"""
        return part_of(slot) == self.number

    def size(self) -> int:
        """Both files in bytes; -1 if one is not there."""
        try:
            return self.people.stat().st_size + self.sent.stat().st_size
        except FileNotFoundError:
            return -1


class Tables(NamedTuple):
    """What a part has, in memory."""

    people: pa.Table
    sent: pa.Table


@contextmanager
def _files(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise Unavailable(
            f"snapshot cannot be {what} ({error}): make room or delete the folder `snapshot`, "
            "it is made anew from the journal; nothing was lost"
        ) from error


def schema_of(rows: Rows) -> pa.Schema:
    """The columns of people's rows."""
    return pa.schema([(each.name, _TYPES[each.sql]) for each in rows.stored])


def read_part(part: PartFile, rows: Rows, without: Sequence[int]) -> Tables:
    """All of *part* but the rows of the slots *without*."""
    gone = pa.array(without, pa.int64())

    def left(path: Path, schema: pa.Schema) -> pa.Table:
        table = pq.read_table(path, schema=schema)
        return table.filter(pc.invert(pc.is_in(table["slot"], value_set=gone)))

    with _files("read"):
        return Tables(left(part.people, schema_of(rows)), left(part.sent, _SENT))


def stale_slots(part: PartFile, at: int) -> list[int]:
    """The slots of the rows in *part* that are not good at *at*."""
    with _files("read"):
        table = pq.read_table(part.people, columns=["slot", "since", "until"])
        good = pc.and_(pc.less_equal(table["since"], at), pc.greater(table["until"], at))
        found: list[int] = table.filter(pc.invert(good))["slot"].to_pylist()
        return found


def write_part(part: PartFile, rows: Rows, kept: Tables | None, batches: Iterable[Batch]) -> int:
    """Write *part* anew: what is *kept*, then *batches*. The number of its people.

    A part that was there stays as it is until the new one is whole.
    """
    fresh = [path.with_suffix(".tmp") for path in (part.people, part.sent)]
    schema = schema_of(rows)
    with _files("written"):
        with (
            pq.ParquetWriter(fresh[0], schema, **_PACKED) as people,
            pq.ParquetWriter(fresh[1], _SENT, **_PACKED) as sent,
        ):
            count = kept.people.num_rows if kept else 0
            if kept is not None:
                people.write_table(kept.people, row_group_size=_GROUP)
                sent.write_table(kept.sent, row_group_size=_GROUP)
            for group in _grouped(batches, schema):
                people.write_table(group.people, row_group_size=_GROUP)
                sent.write_table(group.sent, row_group_size=_GROUP)
                count += group.people.num_rows
        for path, final in zip(fresh, (part.people, part.sent), strict=True):
            path.replace(final)
    return count


def _grouped(batches: Iterable[Batch], schema: pa.Schema) -> Iterator[Tables]:
    """*batches* joined to tables of about a row group: rows become columns as soon as they come."""
    people: list[pa.RecordBatch] = []
    sent: list[pa.RecordBatch] = []
    for standing, attempts in batches:
        people.append(_columns(standing, schema))
        sent.append(_columns(attempts, _SENT))
        if sum(batch.num_rows for batch in people) >= _GROUP:
            yield Tables(pa.Table.from_batches(people, schema), pa.Table.from_batches(sent, _SENT))
            people, sent = [], []
    if people:
        yield Tables(pa.Table.from_batches(people, schema), pa.Table.from_batches(sent, _SENT))


def _columns(rows: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    values = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
