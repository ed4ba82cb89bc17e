"""The contract of a database: what `sqlite` and `postgresql` both keep."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

__all__ = ["Database", "Rows"]


class Rows(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int:
        """How many rows it wrote or deleted."""

    def fetchone(self) -> Any:  # noqa: ANN401 - a row is a tuple of whatever was asked for
        """The next row as a tuple, None after the last."""

    def fetchall(self) -> list[Any]:
        """The rows that are left, as tuples."""

    def __iter__(self) -> Iterator[Any]:
        """The rows that are left, as tuples."""


class Database(Protocol):
    """A connection to one of a brand's databases; not for two threads at once.

    Queries are portable SQL with `?` for each value: no function, type or clause that one of the
    two has alone. A column is BIGINT, TEXT or bytes; a truth value is 0 or 1.
    """

    @property
    def in_transaction(self) -> bool:
        """Is a transaction open, that `commit` or `rollback` will end?"""

    def execute(self, query: str, values: Sequence[Any] = ..., /) -> Rows:
        """Run *query* with *values*."""

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        """Run *query* once for each of *rows*."""

    def stream(self, query: str, values: Sequence[Any] = ..., /) -> Iterator[Any]:
        """The rows of *query*, however many, a few at a time."""

    def begin(self) -> None:
        """Start a transaction that writes, after whoever has one; waits no longer than told."""

    def begin_reading(self) -> None:
        """Start a transaction in which all is read as it was when it first read."""

    def commit(self) -> None:
        """Keep what the open transaction wrote; nothing if there is none."""

    def rollback(self) -> None:
        """Forget what the open transaction wrote; nothing if there is none."""

    def check_held(self) -> None:
        """Hold that the open transaction, and the lock that came with it, are still there."""

    def define(self, script: str, /, *, layout: int = 0) -> None:
        """Make tables and indexes as *script* says in SQLite's words; the *layout* is noted.

        In the open transaction, if there is one.
        """

    def layout(self) -> int:
        """The layout last noted, 0 if none was."""

    def tables(self) -> dict[str, tuple[str, ...]]:
        """The tables there are, each with its columns in order."""

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], /) -> None:
        """Insert many *rows* into *table*, the fastest way there is."""

    def ordering(self, table: str, columns: Sequence[str], /) -> str:
        """How ORDER BY spells *columns* of *table*, so that every database sorts alike."""

    def has_table(self, name: str, /) -> bool:
        """Is there a table *name*?"""

    def drain(self) -> bool:
        """Leave no deleted row behind, as far as the database can; False if a reader hinders it."""

    def close(self) -> None:
        """Give the connection back."""
