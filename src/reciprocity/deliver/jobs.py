"""The jobs of `tick`: one process at a time does each, and when each last succeeded is on show.

A job must be idempotent: its lease is a lock on a file, which the system gives back when its
holder dies, so that what was half done is done again by the next tick. A job that stopped
succeeding shows by its last success, which is kept in `standing.db` and may be lost without harm.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from reciprocity.journal.lease import lease
from reciprocity.storage import connect_defined, explained, upsert

__all__ = ["Jobs"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS job (
    name TEXT PRIMARY KEY, last_success_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
_PUT: Final = upsert("job", "name", "last_success_at")
_Result = TypeVar("_Result")


class Jobs:
    """The jobs of the brand in one folder."""

    def __init__(self, folder: Path, clock: Callable[[], int]) -> None:
        """Keep leases and successes in *folder*; *clock* gives the instant in ms."""
        self._folder, self._clock = folder, clock
        self._db = connect_defined(
            folder / "standing.db", _SCHEMA, "the list of jobs", durable=False
        )

    def run(self, name: str, work: Callable[[], _Result], otherwise: _Result) -> _Result:
        """What *work* gives; *otherwise* while another process is at the same job.

        Whatever *work* raises is raised, and is no success.
        """
        with lease(self._folder / f"job-{name}.lock") as held:
            if not held:
                return otherwise
            result = work()
        with explained("note a job's success"):
            self._db.execute(_PUT, (name, self._clock()))
        return result

    def last_success(self) -> dict[str, int]:
        """When each job last succeeded, by its name; one that never did is left out."""
        with explained("read the list of jobs"):
            rows = self._db.execute("SELECT name, last_success_at FROM job ORDER BY name")
            return dict(rows.fetchall())

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
