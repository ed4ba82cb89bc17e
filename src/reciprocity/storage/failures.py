"""What can go wrong with a database, each turned into an error that says what to do next."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from reciprocity.errors import Damaged, Unavailable

__all__ = [
    "FAILURES",
    "DatabaseContradicted",
    "DatabaseStopped",
    "driver_failure",
    "explained",
]


class DatabaseStopped(Exception):
    """The machine stands in the way; the text says what is known of the write, and what to do."""


class DatabaseContradicted(Exception):
    """The database refused what the rules of its tables forbid, or holds what it cannot."""


FAILURES: Final = (sqlite3.Error, DatabaseStopped, DatabaseContradicted)
"""All that a `Database` raises."""


def driver_failure(error: BaseException) -> BaseException:
    """*error* as `explained` knows it, where it came from PostgreSQL's driver by another way."""
    if isinstance(error, sqlite3.Error):
        return error
    from reciprocity.storage.driver import named  # noqa: PLC0415 - as in `connect`

    return named(error)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn a database failure while doing *what* into an error that says what to do next."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable(f"journal cannot {what}: {_advice(str(error))}") from error
    except DatabaseStopped as error:
        raise Unavailable(f"journal cannot {what}: {error}") from error
    except DatabaseContradicted as error:
        raise Damaged(f"journal refused to {what}: {error}") from error
    except sqlite3.DatabaseError as error:
        if "has moved" in str(error):
            raise Unavailable(f"journal cannot {what}: {error}; start this anew") from error
        if "only appends" in str(error) or "UNIQUE" in str(error):
            raise Damaged(f"journal refused to {what}: {error}") from error
        raise Damaged(
            f"journal file cannot be read as one ({error}): keep it, and restore a backup"
        ) from error


def _advice(said: str) -> str:
    if "locked" in said or "busy" in said:
        return f"{said}; another process holds it, nothing was written, try again"
    if "full" in said:
        return f"{said}; nothing was written, make room and try again"
    if "readonly" in said or "unable to open" in said:
        return f"{said}; check that the folder exists and is writable, nothing was written"
    return f"{said}; nothing was written"
