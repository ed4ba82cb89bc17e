"""A lock on a file in the brand's folder, which the system gives back when its holder dies."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from reciprocity.errors import Unavailable

__all__ = ["AUDITS", "WAIT_MS", "lease"]

AUDITS: Final = "audit.lock"
"""Shared by all audits that run, held alone by an erasure: nobody is lost, or counted twice."""
WAIT_MS: Final = 10_000
_PAUSE_SECONDS: Final = 0.02


@contextmanager
def lease(path: Path, *, shared: bool = False, wait_ms: int = 0) -> Iterator[bool]:
    """Hold the lease *path*, alone or *shared*; False if others kept it for all of *wait_ms*.

    Raises `Unavailable` if the file cannot be made.
    """
    try:
        file = path.open("a")
    except OSError as error:
        raise Unavailable(
            f"lease {path.name} cannot be taken ({error.strerror}): make the brand's folder "
            "writable; nothing was done"
        ) from error
    with file:
        yield _locked(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, wait_ms)


def _locked(file: TextIO, how: int, wait_ms: int) -> bool:
    until = time.monotonic() + wait_ms / 1000
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE_SECONDS)
        else:
            return True
