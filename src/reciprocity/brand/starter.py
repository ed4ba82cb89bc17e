"""The first brand file: a small shop that does not exist, written to be read and then rewritten."""

import json
import re
from datetime import date, timedelta
from importlib.resources import files
from typing import Final
from unicodedata import combining, normalize

from reciprocity.brand.plausible import is_one_line
from reciprocity.errors import InputError

__all__ = ["starter"]

_FILES: Final = (
    "brand.toml",
    "templates/garden.txt.j2",
    "templates/garden.html.j2",
    "templates/kitchen.txt.j2",
    "templates/kitchen.html.j2",
)
_NAME: Final = "Harbour & Vale"
_ID: Final = "harbour-vale"
_OPENS: Final = "2026-03-01"
_CLOSES: Final = "2027-03-01"
_OPEN_FOR: Final = timedelta(days=365)
_LONGEST_NAME: Final = 60


def starter(name: str | None, today: date) -> dict[str, str]:
    """A folder to start from, as texts by path: a commented `brand.toml` and its templates.

    *name* is what the brand is called; without one it is the invented "Harbour & Vale". Its
    campaign opened the day before *today*, so that it is open in every time zone, for a year. The
    domain is a reserved one (RFC 2606) that can belong to nobody. Raises `InputError` for a name
    that gives no id: an id needs a Latin letter.
    """
    called = _NAME if name is None else name
    brand_id = _id(called)
    source = files("reciprocity").joinpath("starter")
    texts = {path: source.joinpath(*path.split("/")).read_text("utf-8") for path in _FILES}
    opens = today - timedelta(days=1)
    in_place = {
        f"{_NAME} <": f"{_display(called)} <",
        _NAME: json.dumps(called, ensure_ascii=False)[1:-1],
        _ID: brand_id,
        _OPENS: opens.isoformat(),
        _CLOSES: (opens + _OPEN_FOR).isoformat(),
    }
    texts["brand.toml"] = re.sub(
        "|".join(in_place), lambda found: in_place[found[0]], texts["brand.toml"]
    )
    return texts


def _id(name: str) -> str:
    """An id made of *name*.

    >>> _id("Harbour & Vale"), _id("3 Eichen"), _id("Café Söhne")
    ('harbour-vale', 'eichen', 'cafe-sohne')
    """
    plain = "".join(one for one in normalize("NFKD", name) if not combining(one))
    words = re.findall("[a-z0-9]+", plain.lower())
    made = "-".join(words).lstrip("0123456789-")[:32].rstrip("-")
    if not made or not is_one_line(name) or len(name) > _LONGEST_NAME:
        raise InputError(
            f"brand name gives no id: expected one line of up to {_LONGEST_NAME} characters with "
            "a letter from a to z; choose such a name now and change brand.name afterwards"
        )
    return made


def _display(name: str) -> str:
    """*name* as it may stand before an address in a header without quotes.

    >>> _display('Smith, "Jones" & Co')
    'Smith Jones & Co'
    """
    return " ".join(re.sub(r"[^\w&' -]", " ", name).split())
