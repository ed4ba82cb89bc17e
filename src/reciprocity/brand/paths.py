"""Files a brand names: where they are, and what a template says.

A template lies inside the brand's folder and cannot lead out of it, so that a brand file taken
from elsewhere never reads what it should not.
"""

from pathlib import Path
from typing import Final

from reciprocity.errors import InputError

__all__ = ["locate", "read_inside", "read_text"]

_LONGEST_SHOWN: Final = 100
MOST_BYTES: Final = 1 << 20
"""The most that a brand file, or one template, may hold: 1 MiB."""


def locate(home: Path, path: str) -> Path:
    """The absolute path that *path*, counted from the folder *home*, stands for.

    Raises `InputError` for what no file can be called, and for `~`, which would otherwise become a
    folder of that name.
    """
    if not path.strip() or path.startswith("~"):
        raise InputError(f"found {path!r}, expected a path from this folder or a whole one, no ~")
    try:
        return (home / path).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"found a path that no file can have: {_why(error)}") from error


def read_inside(home: Path, path: str) -> str:
    """The text of the file *path* inside the folder *home*; raises `InputError` if it leads out.

    Of one that does not read the message has the *path* as it was given, and no other.
    """
    found = locate(home, path)
    if Path(path).is_absolute() or not found.is_relative_to(home):
        raise InputError("leads out of the folder of the brand; expected a file inside it")
    try:
        return read_text(found)
    except InputError as error:
        raise InputError(f"{path[:_LONGEST_SHOWN]!r}: {error}") from error


def read_text(path: Path) -> str:
    """The text of the file at *path*; raises `InputError` if it is missing, too large or no text.

    The message speaks of the file without naming it: the caller says which one it is.
    """
    try:
        if not path.exists():
            raise InputError("the file is missing")
        if not path.is_file():
            raise InputError("is no ordinary file")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"the file is larger than {MOST_BYTES >> 20} MiB")
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"the file is not UTF-8 text (at byte {error.start})") from error
    except (OSError, ValueError) as error:
        raise InputError(f"the file cannot be read: {_why(error)}") from error


def _why(error: Exception) -> str:
    """The reason alone: an `OSError` would say the machine's whole path as well."""
    return (error.strerror or "no reason given") if isinstance(error, OSError) else str(error)
