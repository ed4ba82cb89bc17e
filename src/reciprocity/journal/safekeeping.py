"""The mark kept outside both backup sets: how far the log has got, and who was erased.

A database restored from a backup cannot know what it lost; this place can. Before a receipt
leaves, the newest checkpoint is durable here. Two records are written in turn, numbered, each with
its own hash, so that a torn write leaves the one before it. The list of erased slots only grows.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from reciprocity.errors import Damaged, Unavailable

__all__ = ["Mark", "Safekeeping"]

_RECORD_BYTES: Final = 4096
_ERASED: Final = re.compile(rb"(\d+) (\d+)")
_TORN: Final = re.compile(rb"\d* ?")


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint a receipt may have left with; *root* and *checkpoint* as in the log.

    Slots below *next_slot* were given to somebody: a restore must not give them to others.
    """

    origin: str
    size: int
    root: bytes
    checkpoint: bytes
    next_slot: int = 0


class _Record(msgspec.Struct, frozen=True, array_like=True):
    number: int
    mark: Mark


_NOTHING: Final = Mark(origin="", size=0, root=b"", checkpoint=b"")


class Safekeeping:
    """The folder *path* of the mark and the list; made by `create`, never by `open`."""

    def __init__(self, path: Path) -> None:
        """Open the place; raises `Unavailable` when it is not there or not writable."""
        self.path = path
        try:
            self._file = os.open(path / "mark", os.O_RDWR)
        except OSError as error:
            raise Unavailable(
                f"safekeeping {path} cannot be opened ({error.strerror}): attach the place that "
                "[safekeeping] path names; nothing is written or sent without it"
            ) from error
        self._data, self._number, self.mark = b"", 0, _NOTHING
        try:
            self._read()
        except Damaged:
            os.close(self._file)
            raise

    @classmethod
    def create(cls, path: Path) -> "Safekeeping":
        """Make an empty place at *path* (or take the one that is there)."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            with (path / "mark").open("ab"), (path / "erased").open("ab"):
                pass
        except OSError as error:
            raise Unavailable(f"safekeeping {path} cannot be made: {error.strerror}") from error
        return cls(path)

    def _read(self) -> Mark:
        data = os.pread(self._file, 2 * _RECORD_BYTES, 0).ljust(2 * _RECORD_BYTES, b"\0")
        if data != self._data:  # read at every turn, and nearly always as this process left it
            newest = self._newest(data)
            self._data, self._number, self.mark = data, newest.number, newest.mark
        return self.mark

    def _newest(self, data: bytes) -> _Record:
        newest = _Record(0, _NOTHING)
        for start in (0, _RECORD_BYTES):
            size = int.from_bytes(data[start + 32 : start + 36], "big")
            text = data[start + 36 : start + min(36 + size, _RECORD_BYTES)]
            if size and data[start : start + 32] == sha256(text).digest():
                record = msgspec.msgpack.decode(text, type=_Record)
                if record.number > newest.number:
                    newest = record
        # The first record goes to the second place, and may be torn; the other place is empty then.
        if not newest.number and data[:_RECORD_BYTES].strip(b"\0"):
            raise Damaged(
                f"safekeeping mark in {self.path} cannot be read: nobody can say how far the log "
                "has got; put the mark back from a copy, or restore with a fresh place"
            )
        return newest

    def refresh(self) -> Mark:
        """The mark as it is now; another process may have moved it."""
        return self._read()

    def keep(self, mark: Mark) -> None:
        """Make *mark* durable; it is the newest from here on.

        Two processes may come at once, after each gave back the journal's lock: a mark never goes
        back on the same log.
        """
        with self._writing() as file:
            now = self.refresh()
            if now.origin == mark.origin and now.size >= mark.size:
                return
            number = self._number + 1
            text = msgspec.msgpack.encode(_Record(number, mark))
            record = sha256(text).digest() + len(text).to_bytes(4, "big") + text
            if len(record) > _RECORD_BYTES:
                raise Unavailable(
                    f"safekeeping mark of {len(record)} bytes is over {_RECORD_BYTES}"
                )
            record, place = record.ljust(_RECORD_BYTES, b"\0"), number % 2 * _RECORD_BYTES
            os.pwrite(file, record, place)
            os.fdatasync(file)
            self._data = self._data[:place] + record + self._data[place + _RECORD_BYTES :]
            self._number, self.mark = number, mark

    @contextmanager
    def _writing(self) -> Iterator[int]:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield self._file
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        except OSError as error:
            raise Unavailable(
                f"safekeeping {self.path} cannot be written ({error.strerror}): the events are in "
                "the journal but no receipt leaves; make it writable and try again"
            ) from error

    def erased(self) -> dict[int, int]:
        """Slots erased so far, each with when (so that a restore can erase them again)."""
        try:
            lines = (self.path / "erased").read_bytes().split(b"\n")
        except OSError as error:
            raise Unavailable(
                f"safekeeping {self.path} has no list of the erased ({error.strerror}): put it back"
            ) from error
        found = {}
        for line in lines:
            row = _ERASED.fullmatch(line)
            if row:
                found[int(row[1])] = int(row[2])
            elif not _TORN.fullmatch(line):
                raise Damaged(f"safekeeping {self.path}: list of the erased cannot be read")
        return found

    def keep_erased(self, slot: int, at: int) -> None:
        """Write down, durably, that *slot* is erased; before its keys are destroyed."""
        with self._writing():
            if slot in self.erased():
                return
            with (self.path / "erased").open("ab") as file:
                file.write(b"\n%d %d\n" % (slot, at))  # whatever a torn write left ends here
                file.flush()
                os.fsync(file.fileno())

    def close(self) -> None:
        """Close the place."""
        os.close(self._file)
