"""Where the buckets of `limit` are kept: in one process, or in memory that several share.

A server of several workers holds its limits as one: whoever asks through another worker takes from
the same bucket. The shared memory has no name and dies with the processes.
"""

import fcntl
import mmap
import os
import struct
import threading
from collections import OrderedDict
from enum import IntEnum
from secrets import token_bytes
from typing import Final, Protocol

__all__ = ["Buckets", "OwnRooms", "Room", "Rooms", "SharedRooms"]

KEY_BYTES: Final = 16
_NAME_BYTES: Final = 16
_MOST_KEPT: Final = 65_536
_SETS: Final = 1_024
_WAYS: Final = 16
_BUCKET: Final = struct.Struct(f"<{_NAME_BYTES}sdd")
_SET_BYTES: Final = _WAYS * _BUCKET.size
_ROOM_BYTES: Final = _SETS * _SET_BYTES


class Room(IntEnum):
    """What is limited apart from all else."""

    PAGES = 0
    EVENTS = 1
    SITES = 2
    KEYS = 3
    STRANGERS = 4
    LETTERS = 5
    PROMPTS = 6


class Buckets(Protocol):
    """Buckets by name, for `KEY_BYTES` of a *key* that their names are hashed with."""

    key: bytes

    def take(self, name: bytes, each_second: float, burst: int, now: float) -> bool:
        """Take one from the bucket *name*, which fills by *each_second*; False if it is empty."""


class Rooms(Protocol):
    """A place for the buckets of everything that is limited."""

    def of(self, room: Room) -> Buckets:
        """Those of *room*."""


class _Own:
    """Buckets of one process; safe to share between threads."""

    def __init__(self) -> None:
        self.key = token_bytes(KEY_BYTES)
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: bytes, each_second: float, burst: int, now: float) -> bool:
        """See `Buckets.take`."""
        with self._lock:
            left, at = self._buckets.pop(name, (float(burst), now))
            left = min(burst, left + (now - at) * each_second)
            taken = left >= 1
            self._buckets[name] = (left - taken, now)
            if len(self._buckets) > _MOST_KEPT:
                self._buckets.popitem(last=False)
        return taken


class OwnRooms:
    """Rooms of one process."""

    def of(self, room: Room) -> Buckets:  # noqa: ARG002 - each is a room of its own
        """See `Rooms.of`."""
        return _Own()


class SharedRooms:
    """Rooms in the memory behind a file that has no name; *handle* is handed to each worker."""

    def __init__(self, handle: int) -> None:
        """Use what `make` made."""
        self._handle = handle
        self._memory = mmap.mmap(handle, KEY_BYTES + len(Room) * _ROOM_BYTES)

    @staticmethod
    def make() -> int:
        """A handle of new, empty memory."""
        handle = os.memfd_create("reciprocity limits")
        os.ftruncate(handle, KEY_BYTES + len(Room) * _ROOM_BYTES)
        os.pwrite(handle, token_bytes(KEY_BYTES), 0)
        return handle

    def of(self, room: Room) -> Buckets:
        """See `Rooms.of`."""
        return _Shared(self._handle, self._memory, KEY_BYTES + room * _ROOM_BYTES)


class _Shared:
    """Buckets in sets of a few: a name has its set, and pushes out whoever asked there longest ago.

    A set is locked by the system, which takes back the lock of a worker that dies.
    """

    def __init__(self, handle: int, memory: mmap.mmap, start: int) -> None:
        self.key = memory[:KEY_BYTES]
        self._handle, self._memory, self._start = handle, memory, start
        self._lock = threading.Lock()  # the system's lock is one for all threads of a process

    def take(self, name: bytes, each_second: float, burst: int, now: float) -> bool:
        """See `Buckets.take`."""
        at = self._start + int.from_bytes(name[:4], "big") % _SETS * _SET_BYTES
        with self._lock:
            fcntl.lockf(self._handle, fcntl.LOCK_EX, _SET_BYTES, at)
            try:
                return self._take(at, name, each_second, burst, now)
            finally:
                fcntl.lockf(self._handle, fcntl.LOCK_UN, _SET_BYTES, at)

    def _take(self, at: int, name: bytes, each_second: float, burst: int, now: float) -> bool:
        place, oldest, left = at, now, float(burst)
        for where in range(at, at + _SET_BYTES, _BUCKET.size):
            found, kept, since = _BUCKET.unpack_from(self._memory, where)
            if found == name:
                place, left = where, min(burst, kept + (now - since) * each_second)
                break
            if since < oldest:
                place, oldest = where, since
        taken = left >= 1
        _BUCKET.pack_into(self._memory, place, name, left - taken, now)
        return taken
