"""What every command starts from: which brand, who acts, and the options many have in common."""

import getpass
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from reciprocity.errors import InputError

if TYPE_CHECKING:
    from reciprocity.platform import Reciprocity

__all__ = [
    "AsJson",
    "Front",
    "SaveReceipt",
    "folder_of",
    "front_of",
    "instant",
    "opened",
    "pairs",
    "print_json",
    "read",
    "written",
]

_OPERATOR: Final = re.compile(r"[\w.@+-]{1,64}")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]


def _writable(path: Path | None) -> Path | None:
    """*path*, which `written` can write: known before anything is done that cannot be undone."""
    if path is None or (
        not path.is_dir() and os.access(path if path.exists() else path.parent, os.W_OK)
    ):
        return path
    why = "it is a folder" if path.is_dir() else f"{path.parent} is not there, or not writable"
    raise InputError(f"file {path} cannot be written: {why}; nothing was done")


SaveReceipt = Annotated[
    Path | None,
    typer.Option(
        "--receipt",
        callback=_writable,
        metavar="FILE",
        help="Save the receipt, which the person may keep.",
    ),
]


class Front(NamedTuple):
    """The brand's folder, and the operator's name as given ("" takes the login name)."""

    brand: Path
    operator: str

    @property
    def actor(self) -> str:
        """Who acts, as events say it: `operator:NAME`."""
        name = self.operator or _login_name()
        if not _OPERATOR.fullmatch(name):
            raise InputError(
                "operator's name is none: give --operator a word of letters, digits and . _ @ + -"
            )
        return f"operator:{name}"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise InputError(
            "operator has no login name here: give --operator NAME or set RECIPROCITY_OPERATOR"
        ) from error


def front_of(context: typer.Context) -> Front:
    """What the global options said."""
    front = context.obj
    assert isinstance(front, Front)  # noqa: S101 - set by the one callback above all commands
    return front


def folder_of(brand: Path) -> Path:
    """*brand*, in which there is a brand file; raises `InputError` that names where it was sought.

    Whoever reads the file afterwards speaks of `brand.toml` alone, and never of a place.
    """
    from reciprocity.brand import FILE_NAME

    if not (brand / FILE_NAME).exists():
        raise InputError(
            f"brand file {brand / FILE_NAME} is missing: name the folder it is in "
            "(--brand DIR), or have one written by `reciprocity init DIR`"
        )
    return brand


@contextmanager
def opened(context: typer.Context) -> Iterator["Reciprocity"]:
    """The brand of the global options, open."""
    from reciprocity.platform import Reciprocity

    with Reciprocity.open(folder_of(front_of(context).brand)) as shop:
        yield shop


def print_json(value: object) -> None:
    """Print *value* as JSON that people can read too."""
    import msgspec

    data = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.buffer.write(data + b"\n")
    sys.stdout.flush()


def read(path: Path, what: str) -> bytes:
    """What the file at *path* holds; raises `InputError` naming *what* it was to be."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{what} file {path} cannot be read: {error.strerror}") from error


def written(path: Path, data: bytes) -> None:
    """Write *data* to *path*; raises `InputError` saying why if that cannot be done."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"file {path} cannot be written: {error.strerror}") from error


def instant(text: str) -> int:
    """An instant as people write one, in ms since 1970: ISO 8601 (UTC unless it says so), or ms.

    >>> instant("1970-01-01"), instant("1970-01-01T01:00+01:00"), instant("1790000000000")
    (0, 0, 1790000000000)
    """
    if text.isdecimal() and text.isascii() and len(text) > len("20260101"):
        return int(text)
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"instant {text[:40]!r} cannot be read: expected one like 2026-03-01 or "
            "2026-03-01T09:30+01:00"
        ) from None
    aware = told if told.tzinfo else told.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def pairs(told: list[str], what: str) -> dict[str, str]:
    """Options of the form NAME=VALUE as a table; raises `InputError` for any other, or one twice.

    >>> pairs(["garden=2", "kitchen=-1"], "topic")
    {'garden': '2', 'kitchen': '-1'}
    """
    found: dict[str, str] = {}
    for text in told:
        name, mark, value = text.partition("=")
        if not mark or not name or name in found:
            raise InputError(
                f"--{what} {text[:40]!r} cannot be read: expected NAME=VALUE, each NAME once"
            )
        found[name] = value
    return found
