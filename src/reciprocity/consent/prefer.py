"""Preferences as a person states them: checked whole against the brand file, then drafted."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from msgspec import Struct, ValidationError, convert, field

from reciprocity.brand import BrandStatement
from reciprocity.consent.draft import Drafted, Saying, raise_problems, said_by
from reciprocity.consent.laws import OPERATOR, PERSON
from reciprocity.events import Quiet, TopicLevel
from reciprocity.model import ANYWHERE, Count, Instant, Level, Minute

__all__ = ["Preferences", "pause", "prefer"]

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class Preferences(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may set in one go; whatever is left out stays as it is.

    *topics* maps a topic to its level, *caps* a channel to the most per 7 and per 30 days (None:
    no wish), *pauses* a channel or `*` to the instant the pause ends (0 ends it now). *quiet* is
    (first minute, first minute after) of the person's own day; *quiet_unset* takes it back.
    """

    topics: dict[str, int] = field(default_factory=dict)
    caps: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    quiet: tuple[int, int] | None = None
    quiet_unset: bool = False
    pauses: dict[str, Instant] = field(default_factory=dict)
    language: str = ""
    time_zone: str = ""


def prefer(saying: Saying, wanted: Preferences) -> Drafted:
    """The act that sets what is *wanted*; raises one `InputError` with all that is wrong in it.

    Topics and channels must be declared, levels lie between -2 and 2, minutes between 0 and
    1439, a pause ends in the future, the zone is one that the tz database knows.
    """
    raise_problems([*_problems(saying, wanted)])
    return "preferences.set", said_by(
        saying,
        topics={each: TopicLevel(level=level) for each, level in wanted.topics.items()} or None,
        caps=wanted.caps or None,
        quiet=Quiet(start=wanted.quiet[0], end=wanted.quiet[1]) if wanted.quiet else None,
        quiet_unset=wanted.quiet_unset,
        pauses=wanted.pauses or None,
        language=wanted.language,
        time_zone=wanted.time_zone,
    )


def pause(saying: Saying, until: Instant, channels: Sequence[str] = (ANYWHERE,)) -> Drafted:
    """Nothing on *channels* before *until*; 0 ends the pause now."""
    return prefer(saying, Preferences(pauses=dict.fromkeys(channels, until)))


def _problems(saying: Saying, wanted: Preferences) -> Iterator[str]:
    brand = saying.brand
    if saying.actor != PERSON and not saying.actor.startswith(OPERATOR):
        yield f"actor is {saying.actor!r}: only {PERSON!r} or '{OPERATOR}ID' can set preferences"
    if wanted == Preferences():
        yield "preference is missing: state at least one"
    yield from _of_topics(brand, wanted.topics)
    yield from _of_caps(brand, wanted.caps)
    yield from _of_pauses(brand, wanted.pauses, saying.at)
    if wanted.quiet is not None:
        if wanted.quiet_unset:
            yield "quiet time is set and taken back at once: state one of the two"
        for minute in wanted.quiet:
            if not _within(minute, Minute):
                yield f"quiet time has minute {minute}: expected 0 to 1439"
    if wanted.language and not _LANGUAGE.fullmatch(wanted.language):
        yield f"language {wanted.language[:64]!r} is not a tag: expected one like 'en' or 'pt-BR'"
    if wanted.time_zone and wanted.time_zone not in _zones():
        yield f"time zone {wanted.time_zone[:64]!r} is not known: expected one like 'Europe/Zurich'"


def _of_topics(brand: BrandStatement, topics: Mapping[str, int]) -> Iterator[str]:
    for topic, level in topics.items():
        if topic not in brand.topics:
            yield f"topic {topic!r} is not declared: the brand file lists them"
        if not _within(level, Level):
            yield f"topic {topic!r} has level {level}: expected -2 to 2"


def _of_caps(
    brand: BrandStatement, caps: Mapping[str, tuple[int | None, int | None]]
) -> Iterator[str]:
    for channel, pair in caps.items():
        if channel not in brand.channels:
            yield f"channel {channel!r} is not declared: the brand file lists them"
        for most in pair:
            if most is not None and not _within(most, Count):
                yield f"cap on channel {channel!r} is {most}: expected 0 to 1000000"


def _of_pauses(brand: BrandStatement, pauses: Mapping[str, Instant], at: Instant) -> Iterator[str]:
    for channel, until in pauses.items():
        if channel != ANYWHERE and channel not in brand.channels:
            yield f"channel {channel!r} is not declared: the brand file lists them"
        if until and not (at < until and _within(until, Instant)):
            yield f"pause on channel {channel!r} does not end in the future: give a later instant"


def _within(value: object, kind: Any) -> bool:  # noqa: ANN401  (mypy knows no annotated alias)
    """Is *value* an integer inside the bounds of *kind*, one of the numbers of `model`?"""
    try:
        convert(value, kind)
    except ValidationError:
        return False
    return True


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
