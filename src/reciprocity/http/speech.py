"""The pages' words in the reader's language: gettext catalogs, dates and lists (CLDR, by Babel).

English stands in the templates and in the code; other languages are catalogs in `locale/*.po`,
read as they are, so that nothing has to be compiled. `xx` is a language nobody speaks: longer,
accented, right to left, for tests of the layout.
"""

import gettext
import io
import re
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

__all__ = ["LANGUAGES", "PSEUDO", "Speech", "choose_language", "mark", "mark_many", "speech"]

LANGUAGES: Final = ("en", "de", "ar")
"""What the pages can be read in."""
PSEUDO: Final = "xx"
_FALLBACK: Final = "en"
_RIGHT_TO_LEFT: Final = frozenset({"ar", PSEUDO})
_ACCENTED: Final = str.maketrans("aeiouyAEIOUcnsz", "áéíóúýÁÉÍÓÚçñšž")
_REGIONS: Final = {"en": "en_GB", PSEUDO: "en_GB"}
"""Where a language writes days in more than one order: the day first."""
_QUOTES: Final = {
    "en": ("\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"),
    "de": ("\N{DOUBLE LOW-9 QUOTATION MARK}", "\N{LEFT DOUBLE QUOTATION MARK}"),
    "ar": ("\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}",
           "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}"),
}  # fmt: skip
_MOST_ACCEPTED: Final = 32


def mark(message: str) -> str:
    """*message*, marked for the catalogs: it is translated when it is said."""
    return message


def mark_many(one: str, many: str) -> tuple[str, str]:
    """A sentence that counts, for one and for many, marked for the catalogs."""
    return one, many


class Speech:
    """One language: its words, and how it writes days, times, numbers and lists."""

    def __init__(self, language: str) -> None:
        """Read the catalog of *language*, one of `LANGUAGES` or `PSEUDO`."""
        self.language = language
        self.tag = "en-x-pseudo" if language == PSEUDO else language
        self.direction = "rtl" if language in _RIGHT_TO_LEFT else "ltr"
        self._locale = Locale.parse(_REGIONS.get(language, language))
        self._catalog = _catalog(language)

    def say(self, message: str) -> str:
        """*message* in this language; as it is where there is no translation."""
        if self.language == PSEUDO:
            return _pseudo(message)
        return _unbroken(self._catalog.gettext(message))

    def say_many(self, one: str, many: str, count: int) -> str:
        """*one* or *many*, as this language counts."""
        if self.language == PSEUDO:
            return _pseudo(one if count == 1 else many)
        return _unbroken(self._catalog.ngettext(one, many, count))

    def day(self, at: int, zone: str) -> str:
        """The day of the instant *at* in the time zone *zone*.

        >>> speech("de").day(1_790_000_000_000, "Europe/Berlin")
        '21. September 2026'
        """
        return format_date(_local(at, zone), format="long", locale=self._locale)

    def moment(self, at: int, zone: str) -> str:
        """Day and time of day; one format everywhere, in 24 hours.

        >>> speech("en").moment(1_790_000_000_000, "Europe/London")
        '21 September 2026, 15:13'
        """
        local = _local(at, zone)
        time = format_time(local, format="HH:mm", locale=self._locale)
        return f"{format_date(local, format='long', locale=self._locale)}, {time}"

    def number(self, value: int) -> str:
        """An integer with this language's digits and separators."""
        return format_decimal(value, locale=self._locale)

    def quoted(self, name: str) -> str:
        """*name* in this language's quotation marks.

        >>> speech("de").quoted("Garten")
        '\u201eGarten\u201c'
        """
        start, end = _QUOTES.get(self.language, _QUOTES[_FALLBACK])
        return f"{start}{name}{end}"

    def listed(self, items: list[str]) -> str:
        """The *items* in one phrase: `a, b and c`."""
        return format_list(items, style="standard", locale=self._locale)


@cache
def speech(language: str) -> Speech:
    """The speech of *language*, read once."""
    return Speech(language)


def choose_language(*wishes: str) -> str:
    """The first of *wishes* that the pages can be read in; English if none can.

    A wish is a tag (`de-AT`) or a whole `Accept-Language` header, of which the reader's own
    order counts (RFC 9110, 12.5.4).

    >>> choose_language("", "fr-CH, de;q=0.8, en;q=0.9"), choose_language("pt")
    ('en', 'en')
    """
    for wish in wishes:
        for tag in _ranked(wish):
            base = tag.lower().partition("-")[0]
            if base in LANGUAGES or base == PSEUDO:
                return base
    return _FALLBACK


def _ranked(header: str) -> list[str]:
    """The tags of an `Accept-Language` header, the most wanted first; what is odd is passed by."""
    found: list[tuple[float, str]] = []
    for part in header.split(",")[:_MOST_ACCEPTED]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if tag and 0 < quality <= 1:
            found.append((quality, tag))
    return [tag for _, tag in sorted(found, key=lambda one: -one[0])]


def _local(at: int, zone: str) -> datetime:
    try:
        there: ZoneInfo | None = ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError):
        there = None
    return datetime.fromtimestamp(at // 1000, there or UTC)


def _catalog(language: str) -> gettext.NullTranslations:
    """The catalog of *language*, made in memory from its `.po` file."""
    if language in {_FALLBACK, PSEUDO}:
        return gettext.NullTranslations()
    source = files("reciprocity.http") / "locale" / f"{language}.po"
    made = io.BytesIO()
    write_mo(made, read_po(io.StringIO(source.read_text("utf-8")), locale=language))
    made.seek(0)
    return gettext.GNUTranslations(made)


def _unbroken(text: str) -> str:
    """*text*, in which no line ends inside the word "e-mail"."""
    hyphen = "\N{NON-BREAKING HYPHEN}"
    return (
        text.replace("E-mail", f"E{hyphen}mail")
        .replace("e-mail", f"e{hyphen}mail")
        .replace("E-Mail", f"E{hyphen}Mail")
    )


def _pseudo(message: str) -> str:
    """*message* accented and half as long again; placeholders and markup stay as they are."""
    parts = re.split(r"(%\(\w+\)[sd]|<[^>]*>|&\w+;)", message)
    told = "".join(
        part if number % 2 else part.translate(_ACCENTED) for number, part in enumerate(parts)
    )
    return f"{told} {' '.join(['····'] * (len(message) // 15))}".rstrip()
