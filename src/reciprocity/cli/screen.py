"""Drawing on the terminal with Rich: tables to stdout, progress to stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table

__all__ = ["Move", "bar", "counted", "day", "moment", "plain_table", "progress", "screen", "share"]

WIDE: Final = 120
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_PARTS: Final = 8


class _Screen(Console):
    """As Rich's, but whoever reads no further ends a command as everywhere (`cli.app`)."""

    def on_broken_pipe(self) -> None:
        """Rich would end the process with 1, which here says that a breach was found."""
        raise BrokenPipeError


def screen() -> Console:
    """Where tables go; 120 columns wide where there is no terminal to ask."""
    return _Screen(
        width=None if sys.stdout.isatty() else WIDE, markup=False, highlight=False, emoji=False
    )


def plain_table(*columns: str, title: str = "", numbers: tuple[str, ...] = ()) -> Table:
    """An empty table with *columns*; those named in *numbers* stand to the right."""
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
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


def day(at: int) -> str:
    """The day of an instant, in UTC; empty for 0."""
    return moment(at)[:10]
