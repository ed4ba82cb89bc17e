"""What can go wrong with a database, each turned into an error that says what to do next."""

import sqlite3
from typing import Final

from reciprocity.errors import Damaged, ReciprocityError, Unavailable

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


class explained:  # noqa: N801 - spelled as `contextlib.closing` is
    """Turns a database failure while doing *what* into an error that says what to do next.

    No generator, for one would take as long as the statement that it stands around.
    """

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Raise what stands for *error*, if it is the database's."""
        if error is not None and (told := self.told(error)):
            raise told from error

    def told(self, error: BaseException) -> ReciprocityError | None:
        """What *error* is to whoever called; None for one that has nothing to do with databases."""
        said = str(error)
        match error:
            case sqlite3.DatabaseError() if "has moved" in said:
                return Unavailable(f"journal cannot {self.what}: {said}; start this anew")
            case sqlite3.OperationalError():
                return Unavailable(f"journal cannot {self.what}: {_advice(said)}")
            case DatabaseStopped() | sqlite3.ProgrammingError() | sqlite3.InterfaceError():
                return Unavailable(f"journal cannot {self.what}: {said}")
            case DatabaseContradicted() | sqlite3.IntegrityError():
                return Damaged(f"journal refused to {self.what}: {said}")
            case sqlite3.Error():
                return Damaged(
                    f"journal file cannot be read as one ({said}): keep it, and restore a backup"
                )
        return None


def _advice(said: str) -> str:
    if "locked" in said or "busy" in said:
        return f"{said}; another process holds it, nothing was written, try again"
    if "full" in said:
        return f"{said}; nothing was written, make room and try again"
    if "readonly" in said or "unable to open" in said:
        return f"{said}; check that the folder exists and is writable, nothing was written"
    return f"{said}; nothing was written"
