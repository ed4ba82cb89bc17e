"""A lease that ends with its holder: a lock on a file in the brand's folder, or in its database.

A brand in PostgreSQL may have servers on several machines, which see no files of each other.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TextIO

from reciprocity.errors import Unavailable
from reciprocity.storage import explained, place_of

__all__ = ["AUDITS", "WAIT_MS", "lease"]

AUDITS: Final = "audit.lock"
"""Shared by all audits that run, held alone by an erasure: nobody is lost, or counted twice."""
WAIT_MS: Final = 10_000
_PAUSE_SECONDS: Final = 0.02


@contextmanager
def lease(path: Path, *, shared: bool = False, wait_ms: int = 0) -> Iterator[bool]:
    """Hold the lease *path*, alone or *shared*; False if others kept it for all of *wait_ms*.

    Raises `Unavailable` if the file cannot be made, or PostgreSQL not be reached.
    """
    if (place := place_of(path.parent)) is not None:
        from reciprocity.storage.postgresql import leased  # noqa: PLC0415 - as in `connect`

        with ExitStack() as holding:
            with explained(f"take the lease {path.stem}"):
                take = holding.enter_context(leased(place, path.stem, shared=shared))
                held = _taken(take, wait_ms)
            yield held
        return
    try:
        file = path.open("a")
    except OSError as error:
        raise Unavailable(
            f"lease {path.name} cannot be taken ({error.strerror}): make the brand's folder "
            "writable; nothing was done"
        ) from error
    with file:
        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        yield _taken(lambda: _locked(file, how), wait_ms)


def _locked(file: TextIO, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _taken(take: Callable[[], bool], wait_ms: int) -> bool:
    """Does *take* get it, tried until *wait_ms* are over?"""
    until = time.monotonic() + wait_ms / 1000
    while not take():
        if time.monotonic() >= until:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
