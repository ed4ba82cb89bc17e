"""The rows that an import refuses: counted by reason, and written in the order of their lines.

A file is gone through twice, since what takes away comes first. What the first pass refuses waits
aside, on disk once it is much, until the second one comes by the same lines.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import merge
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Final, TextIO

from reciprocity.errors import InputError

__all__ = ["MOST_REASONS", "Rejects", "rejects_to"]

MOST_REASONS: Final = 1_000
"""How many reasons are counted one by one, for some name a cell; all others are counted as one."""
_OTHERS: Final = "other reasons"
_MOST_BYTES: Final = 1 << 20

_Refused = tuple[int, str]


class Rejects:
    """Line and reason of each refused row, and never anything else that the row holds."""

    def __init__(self, path: Path, file: TextIO, aside: IO[str]) -> None:
        """Write to *file*, which is at *path*; *aside* is an empty file that can be read again."""
        self.path, self._file, self._aside = path, file, aside
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self._found: list[_Refused] = []
        self._earlier: Iterator[_Refused] | None = None
        self._next: _Refused | None = None
        csv.writer(file).writerow(("line", "reason"))

    def add(self, line: int, reason: str) -> None:
        """The row at *line* is refused for *reason*."""
        self._found.append((line, reason))
        self.count += 1
        known = reason in self.reasons or len(self.reasons) < MOST_REASONS
        self.reasons[reason if known else _OTHERS] += 1

    def passed(self, line: int, *, last: bool) -> None:
        """Every row up to *line* is judged by this pass, which is the *last* or not."""
        found = sorted(self._found)
        if last:
            csv.writer(self._file).writerows(merge(found, self._until(line)))
        else:
            csv.writer(self._aside).writerows(found)
        self._found.clear()

    def finish(self) -> None:
        """Write whatever waits, whether all passes came to their end or not."""
        self.passed(sys.maxsize, last=True)
        self._file.flush()

    def _until(self, line: int) -> Iterator[_Refused]:
        """What an earlier pass has refused up to *line*, each once."""
        if self._earlier is None:
            self._aside.seek(0)
            self._earlier = ((int(one), reason) for one, reason in csv.reader(self._aside))
            self._next = next(self._earlier, None)
        while self._next is not None and self._next[0] <= line:
            yield self._next
            self._next = next(self._earlier, None)


@contextmanager
def rejects_to(path: Path, source: Path) -> Iterator[Rejects]:
    """The rejects of the people file *source*, written to *path*.

    Raises `InputError` if that is the people file itself, or cannot be written.
    """
    if path.exists() and path.samefile(source):
        raise InputError("rejects file is the people file itself: name another")
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(
            f"rejects file {path} cannot be written: {error.strerror}; nothing was taken"
        ) from error
    with file, SpooledTemporaryFile(_MOST_BYTES, "w+", encoding="utf-8", newline="") as aside:
        yield Rejects(path, file, aside)
