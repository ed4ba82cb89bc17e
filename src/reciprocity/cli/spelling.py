"""Levels, caps and hours as people write them on a command line."""

from reciprocity.errors import InputError

__all__ = ["cap_pair", "level", "quiet_minutes"]

DAY_MINUTES = 1_440


def level(text: str) -> int:
    """A topic's level, as a number."""
    try:
        return int(text)
    except ValueError:
        raise InputError("topic's level is none: expected a whole number from -2 to 2") from None


def cap_pair(text: str) -> tuple[int | None, int | None]:
    """Caps per 7 and per 30 days as people write them.

    >>> cap_pair("1/4"), cap_pair("-/2"), cap_pair("0/0")
    ((1, 4), (None, 2), (0, 0))
    """
    parts = text.split("/")
    if len(parts) != 2 or not all(part == "-" or part.isdecimal() for part in parts):  # noqa: PLR2004 - a week's and a month's
        raise InputError(
            "cap is none: expected A/B, at most A in 7 days and B in 30, - for no wish"
        )
    week, month = (None if part == "-" else int(part) for part in parts)
    return week, month


def quiet_minutes(text: str) -> tuple[int, int]:
    """Quiet time as minutes of the day.

    >>> quiet_minutes("21:30-08:00")
    (1290, 480)
    """
    start, _, end = text.partition("-")
    return _minute(start), _minute(end)


def _minute(text: str) -> int:
    hours, mark, minutes = text.partition(":")
    if mark and hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60:  # noqa: PLR2004 - an hour has 60
        found = int(hours) * 60 + int(minutes)
        if found < DAY_MINUTES:
            return found
    raise InputError("quiet time is none: expected HH:MM-HH:MM, such as 21:00-08:00")
