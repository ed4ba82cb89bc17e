"""What a form on a person's page says, read strictly: an odd field is told, not guessed at.

A box that is not ticked is not sent at all. So a form is read as a whole, and only if its last
field came too: half a form, cut off on its way, would otherwise take every yes back.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.collect.preferences import Choices
from reciprocity.model import Attribute, AttributeType, Instant

__all__ = ["WHOLE", "ReadForm", "read_choices"]

WHOLE: Final = "whole"
"""The last field of the form."""
DAY_MS: Final = 86_400_000
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_BREAKS: Final = {"14": 14, "60": 60}
_MOST: Final = 1_000_000


class ReadForm(Struct, frozen=True, kw_only=True):
    """The choices in a form, and the names of the fields that could not be understood."""

    choices: Choices
    odd: tuple[str, ...] = ()
    whole: bool = True


def read_choices(
    brand: BrandStatement, now: Choices, form: Mapping[str, str], at: Instant
) -> ReadForm:
    """What *form* chooses, on top of what stands *now*; fields it does not know are passed by."""
    odd: list[str] = []
    return ReadForm(
        choices=Choices(
            answers={key: form.get(f"yes.{key}") == "1" for key in now.answers},
            topics={name: _level(form, name, level, odd) for name, level in now.topics.items()},
            caps={name: _cap(form, name, most, odd) for name, most in now.caps.items()},
            quiet=_quiet(form, odd),
            pause_until=_pause(form, now.pause_until, at, odd),
            language=form.get("language", now.language),
            time_zone=form.get("zone", "").strip() or now.time_zone,
            values=_values(brand, form, odd),
            shared={
                purpose: tuple(
                    name
                    for name in brand.purposes[purpose].attributes
                    if form.get(f"share.{purpose}.{name}") == "1"
                )
                for purpose in now.shared
            },
        ),
        odd=tuple(odd),
        whole=form.get(WHOLE) == "1",
    )


def _level(form: Mapping[str, str], name: str, now: int, odd: list[str]) -> int:
    text = form.get(f"topic.{name}")
    if text is None:
        return now
    if text not in {"-2", "-1", "0", "1", "2"}:
        odd.append(f"topic.{name}")
        return now
    return int(text)


def _cap(form: Mapping[str, str], name: str, now: int | None, odd: list[str]) -> int | None:
    text = form.get(f"cap.{name}")
    if text is None:
        return now
    if text == "":
        return None
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or int(text) > _MOST:
        odd.append(f"cap.{name}")
        return now
    return int(text)


def _quiet(form: Mapping[str, str], odd: list[str]) -> tuple[int, int] | None:
    texts = [form.get(name, "").strip() for name in ("quiet.from", "quiet.until")]
    if texts == ["", ""]:
        return None
    read = [_CLOCK.match(text) for text in texts]
    if not all(read):
        odd.append("quiet.from" if read[0] is None else "quiet.until")
        return None
    start, end = (int(found[1]) * 60 + int(found[2]) for found in read if found)
    return start, end


def _pause(form: Mapping[str, str], now: Instant, at: Instant, odd: list[str]) -> Instant:
    text = form.get("pause", "keep" if now else "")
    if text == "keep":
        return now
    if text == "":
        return 0
    if text not in _BREAKS:
        odd.append("pause")
        return now
    return at + _BREAKS[text] * DAY_MS


def _values(
    brand: BrandStatement, form: Mapping[str, str], odd: list[str]
) -> dict[str, int | bool | str]:
    found: dict[str, int | bool | str] = {}
    for name, told in brand.attributes.items():
        text = form.get(f"value.{name}", "").strip()
        if not text:
            continue
        value = _value(told, text)
        if value is None:
            odd.append(f"value.{name}")
        else:
            found[name] = value
    return found


def _value(told: Attribute, text: str) -> int | bool | str | None:
    """*text* as a value that the attribute takes; None if it takes no such value."""
    if told.type is AttributeType.ENUM:
        return text if text in told.values else None
    if told.type is AttributeType.BOOLEAN:
        return {"true": True, "false": False}.get(text)
    if told.type is AttributeType.DAY:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            return None
    if not re.fullmatch(r"-?\d{1,15}", text, re.ASCII):
        return None
    value = int(text)
    low, high = told.minimum, told.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return None
    return value
