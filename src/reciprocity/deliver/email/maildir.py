"""A Maildir as a transport: each letter is one file, complete in `new/` or not there at all.

What survives what:

- **The process is killed**: a letter is in `new/` whole or not at all. Leftovers in `tmp/` belong
  to nobody; they are removed after 36 hours, as the Maildir format asks.
- **The power fails**: every letter `hand_over` has returned as delivered is on the disk, content
  and name. Each file is synced before it gets its name, the folder once a batch after that.
- **The same letter comes twice**: the file's name is made of the Message-ID and given by `link`,
  which never replaces. The second is `failed`, reason `duplicate`, and the first stays as it was.
  Once a mail program has moved a letter to `cur/`, that is no longer noticed here.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from reciprocity.deliver.channel import (
    LATE,
    Clock,
    Handed,
    Letter,
    Result,
    Still,
    cancelled,
    failed,
    is_late,
)
from reciprocity.errors import Unavailable

__all__ = ["Maildir", "file_name"]

LEFTOVER_MS: Final = 36 * 3_600_000
AT_ONCE: Final = 64  # files open at a time; written before the first sync, they share its wait


def file_name(message_id: str) -> str:
    """The name of the file in `new/` that holds the letter with this Message-ID.

    >>> file_name("<1@brand.example>")
    '2264aa50f55a25e578e3a3450e942153.reciprocity'
    """
    return f"{sha256(message_id.encode()).hexdigest()[:32]}.reciprocity"


class _Draft(NamedTuple):
    """A letter written below `tmp/`: its path, and its file, still open."""

    path: Path
    file: int


class Maildir:
    """Letters as files below *folder*, which is made if it is not there.

    Several processes may write to the same folder. Raises `Unavailable` if it cannot be written.
    """

    def __init__(self, folder: Path, now: Clock) -> None:
        self._now = now
        self._new, self._tmp = folder / "new", folder / "tmp"
        self._count = count()
        try:
            for place in (self._tmp, self._new, folder / "cur"):
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            for place in (folder, folder.parent):
                _sync_folder(place)
            self._remove_leftovers()
            self._folder = os.open(self._new, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise Unavailable(
                f"maildir cannot be written ({error.strerror}): "
                "make its folder writable, or name another in the transport's `path`"
            ) from error

    def hand_over(self, letters: Sequence[Letter], still: Still) -> Sequence[Handed]:
        """Write all *letters*, then sync them, then name them; see the module for what survives.

        Reasons: `late`, `duplicate` (this Message-ID was handed over before), `disk` (full,
        read-only or gone; again). If the last sync fails, the letters it was for are `unknown`.
        """
        handed: list[Handed] = []
        for begin in range(0, len(letters), AT_ONCE):
            batch = letters[begin : begin + AT_ONCE]
            written = [self._written(letter) for letter in batch]
            drafts = [_synced(draft) for draft in written]
            handed += [
                self._named(letter, draft, still)
                for letter, draft in zip(batch, drafts, strict=True)
            ]
        try:
            os.fsync(self._folder)
        except OSError:
            lost = Handed(outcome=Result.UNKNOWN, reason="disk")
            return [lost if one.outcome is Result.DELIVERED else one for one in handed]
        return handed

    def close(self) -> None:
        """Let go of the folder; closing twice does no harm."""
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def _written(self, letter: Letter) -> _Draft | Handed:
        """*letter* in an open file in `tmp/`, or why there is none."""
        if is_late(letter, self._now()):
            return failed(LATE, again=True)
        path = self._tmp / f"{file_name(letter.message_id)}.{os.getpid()}.{next(self._count)}"
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError:
            return failed("disk", again=True)
        try:
            view = memoryview(letter.content)
            while view:
                view = view[os.write(file, view) :]
        except OSError:
            os.close(file)
            _remove(path)
            return failed("disk", again=True)
        return _Draft(path, file)

    def _named(self, letter: Letter, draft: _Draft | Handed, still: Still) -> Handed:
        """Hand a synced *draft* over by giving it its name in `new/`."""
        if isinstance(draft, Handed):
            return draft
        try:
            if is_late(letter, self._now()):
                return failed(LATE, again=True)
            if not still(letter):
                return cancelled()
            os.link(draft.path, self._new / file_name(letter.message_id))
        except FileExistsError:
            return failed("duplicate")
        except OSError:
            return failed("disk", again=True)
        finally:
            _remove(draft.path)
        return Handed(outcome=Result.DELIVERED, at=self._now())

    def _remove_leftovers(self) -> None:
        """Remove what a process killed long ago left in `tmp/`."""
        for path in self._tmp.glob("*.reciprocity.*"):
            with suppress(FileNotFoundError):  # another process is writing, and was quicker
                if path.stat().st_mtime * 1000 < self._now() - LEFTOVER_MS:
                    _remove(path)


def _sync_folder(folder: Path) -> None:
    """Make the names in *folder* durable."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _synced(draft: _Draft | Handed) -> _Draft | Handed:
    """The *draft* when its content is on the disk; its file is closed."""
    if isinstance(draft, Handed):
        return draft
    try:
        os.fsync(draft.file)
    except OSError:
        _remove(draft.path)
        return failed("disk", again=True)
    finally:
        os.close(draft.file)
    return draft


def _remove(path: Path) -> None:
    """Remove a file in `tmp/`; if that fails it is a leftover, and harmless."""
    with suppress(OSError):
        path.unlink()
