"""Copies: files made from standings, beside the databases, for those who read everybody at once.

They are caches: never backed up, made anew from the standings. Whoever makes them holds the lock in
their folder; a person who is erased leaves them by the deletion of every file that may have them.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from reciprocity.errors import Unavailable

__all__ = ["COUNTING", "PART", "SHARED_FOR", "copies_of", "forget", "holding", "part_of", "reached"]

SHARED_FOR: Final = "shared_for_"
"""How the name of a table of values begins that was made for one purpose's view."""
COUNTING: Final = "counting.json"
"""What a count that was stopped had found, which is about everybody."""
PART: Final = 2**18
"""How many slots one file is for."""


def copies_of(folder: Path) -> Path:
    """Where a brand's *folder* has the copies; it need not exist."""
    return folder / "snapshot"


def part_of(slot: int) -> int:
    """The number of the file that *slot* is in."""
    return slot // PART


@contextmanager
def holding(place: Path) -> Iterator[None]:
    """The copies at *place* to oneself, after whoever has them now.

    Raises `Unavailable` if the folder cannot be written.
    """
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        lock = (place / "lock").open("a")
    except OSError as error:
        raise Unavailable(
            f"folder {place} cannot be written ({error.strerror}): make it writable; it holds "
            "copies only, and nothing was lost"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget(folder: Path, slot: int) -> None:
    """Delete every file beside the databases in *folder* that may have a row of *slot*."""
    place = copies_of(folder)
    if not place.is_dir():
        return
    with holding(place):
        for pattern in (f"*-{part_of(slot):06d}.parquet", "*.tmp", "spill/*", COUNTING):
            for found in place.glob(pattern):
                found.unlink(missing_ok=True)


def reached(folder: Path) -> int | None:
    """The position of the journal that the copies in *folder* are good for, None without any."""
    try:
        told = json.loads((copies_of(folder) / "made.json").read_bytes())
        return int(told["position"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return 0
