"""Time zones: how far a person's clock is ahead, so that no engine does time-zone arithmetic."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

__all__ = ["zone_names", "zone_offset"]

MINUTE_MS: Final = 60_000
_START: Final = datetime(1970, 1, 1, tzinfo=UTC)


def zone_offset(time_zone: str, at: int) -> int | None:
    """Minutes that clocks in *time_zone* are ahead of UTC at *at*; None for an unknown zone.

    Read from the IANA data of the `tzdata` package or the machine. An empty name is unknown.

    >>> zone_offset("Europe/Berlin", 1_751_328_000_000), zone_offset("Europe/Berlin", 0)
    (120, 60)
    >>> zone_offset("Mars/Olympus", 0) is None
    True
    """
    return _offset(time_zone, at // MINUTE_MS)


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """No zone, as the empty name, and then all that are known here, in order.

    >>> zone_names()[0], "Europe/Berlin" in zone_names()
    ('', True)
    """
    return ("", *sorted(available_timezones()))


@lru_cache(maxsize=4_096)
def _offset(time_zone: str, minute: int) -> int | None:
    zone = _zone(time_zone)
    if zone is None:
        return None
    try:
        offset = (_START + timedelta(minutes=minute)).astimezone(zone).utcoffset()
    except OverflowError:  # beyond the year 9999, here or there
        return None
    return None if offset is None else round(offset.total_seconds() / 60)


@lru_cache(maxsize=1_024)
def _zone(time_zone: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
