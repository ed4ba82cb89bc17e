"""Drawing on the terminal with Rich: tables to stdout, progress to stderr."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table

__all__ = [
    "Move",
    "bar",
    "counted",
    "day",
    "hour",
    "moment",
    "plain_table",
    "progress",
    "screen",
    "share",
]

WIDE: Final = 120
_UNBOUND: Final = 100_000
_TIGHT: Final = (0, 1, 0, 0)
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_PARTS: Final = 8


class _Screen(Console):
    """As Rich's, but whoever reads no further ends a command as everywhere (`cli.app`)."""

    def on_broken_pipe(self) -> None:
        """Rich would end the process with 1, which here says that a breach was found."""
        raise BrokenPipeError

    def print(self, *objects: Any, **how: Any) -> None:  # noqa: ANN401 - whatever Rich's takes
        """As Rich's; where no terminal is, lines end with what they say."""
        if self.is_terminal:
            super().print(*objects, **how)
            return
        with self.capture() as drawn:
            super().print(*objects, **how)
        self.file.write("\n".join(line.rstrip(" ") for line in drawn.get().split("\n")))
        self.file.flush()


def screen() -> Console:
    """Where tables go; without a terminal to ask as wide as COLUMNS says, else 120 columns."""
    told = os.environ.get("COLUMNS", "")
    wide = int(told) if told.isdecimal() and int(told) else WIDE
    return _Screen(
        width=None if sys.stdout.isatty() else wide, markup=False, highlight=False, emoji=False
    )


class _Table(Table):
    """As Rich's, but no word is broken where each has room on a line of its own.

    Rich takes from the widest columns first, and so breaks ids in their middle beside a column of
    sentences. Columns move closer together before a word is broken.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        unbound = options.update_width(_UNBOUND)
        for column in self.columns:
            column.width = None
        least, most = Measurement.get(console, unbound, self)
        if most > options.max_width:
            if least > options.max_width:
                self.padding = _TIGHT
                least, _ = Measurement.get(console, unbound, self)
            self._share_out(console, unbound, options.max_width - least)
        yield from super().__rich_console__(console, options)

    def _share_out(self, console: Console, unbound: ConsoleOptions, room: int) -> None:
        """Give each column its longest word, and of the *room* that is left what it can use.

        Those that need least are served first. Nothing is done without room: Rich then folds.
        """
        if room < 0:
            return
        needs = []
        for column in self.columns:
            cells = [Measurement.get(console, unbound, one)
                     for one in (column.header, *column.cells)]  # fmt: skip
            column.width = max(cell.minimum for cell in cells)
            needs.append((max(cell.maximum for cell in cells) - column.width, column))
        needs.sort(key=lambda one: one[0])
        for served, (need, column) in enumerate(needs):
            more = min(need, room // (len(needs) - served))
            column.width = (column.width or 0) + more
            room -= more


def plain_table(*columns: str, title: str = "", numbers: tuple[str, ...] = ()) -> Table:
    """An empty table with *columns*; those named in *numbers* stand to the right."""
    table = _Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    return table


Move = Callable[[int, int], None]
"""Told (done, of all), moves a bar."""


@contextmanager
def progress(*steps: str) -> Iterator[tuple[Move, ...]]:
    """For each of *steps* what moves its bar on stderr; without a terminal there, nothing is drawn.

    A bar appears with its first move, and all are gone at the end.
    """
    console = Console(stderr=True, markup=False)
    with Progress(
        TextColumn("{task.description:<12}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as drawn:
        yield tuple(_mover(drawn, step) for step in steps)


def _mover(drawn: Progress, step: str) -> Move:
    task = drawn.add_task(step, total=None, visible=False)

    def move(done: int, total: int) -> None:
        drawn.update(task, completed=done, total=total, visible=True)

    return move


def bar(part: int, whole: int, width: int = 20) -> str:
    """A bar as long as *part* is of *whole*.

    >>> bar(1, 2, 4), bar(1, 16, 4), bar(0, 0)
    ('██', '▎', '')
    """
    eighths = round(part / whole * width * _PARTS) if whole else 0
    return "█" * (eighths // _PARTS) + _EIGHTHS[eighths % _PARTS].strip()


def share(part: int, whole: int) -> str:
    """How much *part* is of *whole*.

    >>> share(1, 3), share(0, 0)
    ('33.3 %', '')
    """
    return f"{part / whole * 100:.1f} %" if whole else ""


def counted(number: int, one: str, many: str = "") -> str:
    """How many there are of what is called *one*, and *many* (by default with an s) if several.

    >>> counted(1, "person", "people"), counted(1_200, "event")
    ('1 person', '1,200 events')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def moment(at: int) -> str:
    """An instant for people, in UTC; empty for 0.

    >>> moment(1_790_000_000_000)
    '2026-09-21 14:13 UTC'
    """
    return f"{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def hour(minute: int) -> str:
    """A minute of the day, on a clock.

    >>> hour(973), hour(1_440)
    ('16:13', '24:00')
    """
    return f"{minute // 60:02}:{minute % 60:02}"


def day(at: int) -> str:
    """The day of an instant, in UTC; empty for 0."""
    return moment(at)[:10]
