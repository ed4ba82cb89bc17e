"""A CSV file, plain or gzip: checked as a whole first, then read row by row, as often as needed.

A file that is cut off, mis-encoded or not CSV is found out before a single row is used, so that a
broken file leaves nothing half-done. Memory does not grow with the file.
"""

import csv
import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Self, cast

from reciprocity.errors import InputError

__all__ = ["Row", "Table"]

MOST_LINE: Final = 1 << 20
"""The most bytes in one line; no row of people comes near."""
_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One row: the *line* it begins at, its *number* among the rows (from 1), its cells."""

    line: int
    number: int
    cells: list[str]


class Table:
    """The rows of a CSV file in UTF-8 whose first line names its columns."""

    def __init__(self, path: Path, delimiter: str = ",") -> None:
        """Open the file at *path* and read its column names.

        Raises `InputError` for one that is missing, empty, no ordinary file, or whose columns
        have no name or one twice.
        """
        self.path, self._delimiter = path, delimiter
        self._file = _open(path)
        self.size = os.fstat(self._file.fileno()).st_size
        self._zipped = self._file.peek(2)[:2] == _GZIP
        self.columns: tuple[str, ...] = ()
        try:
            self.columns = _columns(next(self._records(), None))
        except BaseException:
            self._file.close()
            raise

    @property
    def position(self) -> int:
        """How many of the file's bytes are read."""
        return min(self._file.tell(), self.size)

    def check(self) -> int:
        """Read the whole file; how many rows it has.

        Raises `InputError` naming the line if it is cut off, not UTF-8, or not CSV. A row with
        too few or too many cells is no such thing: it is the caller's to refuse.
        """
        return sum(1 for _ in self._records()) - 1

    def rows(self) -> Iterator[Row]:
        """Every row from the first on; a blank line is none."""
        records = self._records(checked=True)
        next(records)
        for number, (line, cells) in enumerate(records, start=1):
            yield Row(line, number, cells)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Use as a context that closes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def _records(self, *, checked: bool = False) -> Iterator[tuple[int, list[str]]]:
        """Each record that is not blank, the names of the columns first, with its first line.

        Once *checked*, lines are no longer looked at one by one, which takes half the time.
        """
        self._file.seek(0)
        source = self._file
        if self._zipped:
            source = io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=self._file)))
        text = io.TextIOWrapper(source, encoding="utf-8-sig", newline="")
        lines: Iterable[str] = text if checked else _lines(source.readline)
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        line = 1
        try:
            with _explained(lambda: reader.line_num, self._delimiter):
                for cells in reader:
                    if cells:
                        yield line, cells
                    line = reader.line_num + 1
        finally:
            if not self._file.closed:
                text.detach()  # or it would close the file when it goes


def _open(path: Path) -> io.BufferedReader:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"people file {path} is a folder: give the path of a CSV file")
        if not stat.S_ISREG(mode):
            raise InputError(
                f"people file {path} is no ordinary file: it is read more than once, so save it "
                "to disk first"
            )
        file = path.open("rb")
    except FileNotFoundError:
        raise InputError(f"people file {path} is missing: give the path of a CSV file") from None
    except OSError as error:
        raise InputError(f"people file {path} cannot be read: {error.strerror}") from error
    if not file.peek(1):
        file.close()
        raise InputError(f"people file {path} is empty: expected a line of column names, and rows")
    return file


def _lines(readline: Callable[[int], bytes]) -> Iterator[str]:
    """The lines of a file as text, each checked before it is handed on."""
    for number, found in enumerate(iter(partial(readline, MOST_LINE + 1), b""), start=1):
        line = found.removeprefix(_BOM) if number == 1 else found
        if len(line) > MOST_LINE:
            raise InputError(
                f"people file, line {number}: longer than {MOST_LINE >> 20} MiB; a quotation mark "
                f"or a line end may be missing"
            )
        if b"\0" in line:
            raise InputError(
                f"people file, line {number}: holds a NUL byte; save the file as UTF-8 text"
            )
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(
                f"people file, line {number}: is not UTF-8; save the file as UTF-8"
            ) from None


@contextmanager
def _explained(line: Callable[[], int], delimiter: str) -> Iterator[None]:
    """Turn what CSV and gzip complain of into what to do; their words may quote a row."""
    try:
        yield
    except csv.Error as error:
        known = "field larger" in str(error) or "unexpected end" in str(error)
        found = f"people file, line {line()}: is not CSV: " + (
            "a quotation mark is opened and not closed"
            if known
            else "a quotation mark or a line end stands where none may"
        )
        if line() <= 1 and not known:
            found += f"; are cells split at {delimiter!r}? [file] delimiter of the mapping says so"
        raise InputError(found) from None
    except UnicodeDecodeError:
        raise InputError(f"people file, after line {line()}: is not UTF-8") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"people file is a broken gzip file after line {line()} "
            f"({type(error).__name__}): fetch it again"
        ) from None


def _columns(first: tuple[int, Sequence[str]] | None) -> tuple[str, ...]:
    """The columns' names; errors count columns, for without a line of names they would be data."""
    names = tuple(name.strip() for name in first[1]) if first else ()
    problems = [
        f"people file has no name for column {place}: name each in the first line"
        for place, name in enumerate(names, start=1)
        if not name
    ]
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if name and seen.setdefault(name, place) != place:
            problems.append(
                f"people file has one name for columns {seen[name]} and {place}: rename one of them"
            )
    if not names:
        problems.append("people file has no line of column names: write one above the rows")
    if problems:
        raise InputError(problems[0], tuple(problems))
    return names
