"""Copies: files made from standings, beside the databases, for those who read everybody at once.

They are caches: never backed up, made anew from the standings. Whoever makes them holds the lock in
their folder; a person who is erased leaves them by the deletion of every file that may have them.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from reciprocity.errors import Unavailable

__all__ = ["PART", "SHARED_FOR", "copies_of", "forget", "forget_older", "holding", "part_of"]

SHARED_FOR: Final = "shared_for_"
"""How the name of a table of values begins that was made for one purpose's view."""
PART: Final = 2**18
"""How many slots one file is for."""
_ASKEW_S: Final = 60
"""By how much the clocks of two machines may differ."""


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
        for pattern in (f"*-{part_of(slot):06d}.parquet", "*.tmp", "spill/*"):
            for found in place.glob(pattern):
                found.unlink(missing_ok=True)


def forget_older(folder: Path, erased: Mapping[int, int]) -> int:
    """Delete every file made before somebody in it was *erased* (slot, instant in ms); how many.

    Another machine may have erased them: it reaches no file here.
    """
    place = copies_of(folder)
    if not place.is_dir():
        return 0
    newest: dict[int, int] = {}
    for slot, at in erased.items():
        newest[part_of(slot)] = max(at, newest.get(part_of(slot), 0))
    gone = 0
    with holding(place):
        for found in place.glob("*-*.parquet"):
            number = found.stem.rpartition("-")[2]
            at = newest.get(int(number), 0) if number.isdigit() else 0
            if found.stat().st_mtime < at / 1000 + _ASKEW_S and at:
                found.unlink()
                gone += 1
    return gone
