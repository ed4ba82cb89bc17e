"""Rows whose column is one of many values, asked for a few hundred values at a time."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

__all__ = ["rows_in"]

AT_ONCE: Final = 500
"""Values in one query: SQLite's own limit was 999 for long."""


def rows_in(
    db: sqlite3.Connection, query: str, values: Sequence[int] | Sequence[bytes]
) -> Iterator[Any]:
    """The rows of *query*, whose `IN (?)` stands for all of *values*."""
    for start in range(0, len(values), AT_ONCE):
        part = values[start : start + AT_ONCE]
        yield from db.execute(query.replace("(?)", f"({','.join('?' * len(part))})"), part)
