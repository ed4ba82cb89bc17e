"""Is this text what its key asks for? Small questions about domains, addresses, zones and lines.

Plausible, not proven: whether a domain takes mail, only mail can tell.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

__all__ = [
    "is_country",
    "is_domain",
    "is_email",
    "is_language",
    "is_one_line",
    "is_origin",
    "is_page",
    "is_phone",
    "is_reachable",
    "is_sender",
    "is_time_zone",
]

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?")
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_SENDER: Final = re.compile(r"(?P<name>[^<>\"]*)<(?P<address>[^<>]*)>")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()/.-]{3,30}[0-9]")
_PAGE: Final = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[!-~]*)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ZONE: Final = re.compile(r"UTC|[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+){1,2}")
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def is_domain(text: str) -> bool:
    """Is it a domain name in lower case, with a dot? Other scripts are written as `xn--...`.

    >>> is_domain("shop.example"), is_domain("Shop.example"), is_domain("localhost")
    (True, False, False)
    """
    return len(text) <= 253 and _DOMAIN.fullmatch(text) is not None  # noqa: PLR2004  (RFC 1035)


def is_email(text: str) -> bool:
    """Is it one e-mail address, without a name?

    >>> is_email("hello@shop.example"), is_email("hello@shop.example, x@y.example")
    (True, False)
    """
    local, _, domain = text.rpartition("@")
    return len(local) <= 64 and _LOCAL.fullmatch(local) is not None and is_domain(domain.lower())  # noqa: PLR2004  (RFC 5321)


def is_sender(text: str) -> bool:
    """Is it an address, or a name with an address in angle brackets, on one line?

    >>> is_sender("A Shop <hello@shop.example>"), is_sender("A Shop")
    (True, False)
    """
    if named := _SENDER.fullmatch(text):
        return is_one_line(named["name"]) and is_email(named["address"])
    return is_email(text)


def is_language(text: str) -> bool:
    """Is it a language tag of the usual form (BCP 47)?

    >>> is_language("de-AT"), is_language("German")
    (True, False)
    """
    return _LANGUAGE.fullmatch(text) is not None


def is_country(text: str) -> bool:
    """Is it a country code of ISO 3166-1 (alpha-2)? `XK` counts, which stands in for Kosovo's.

    >>> is_country("GB"), is_country("UK"), is_country("EU"), is_country("de")
    (True, False, False, False)
    """
    return text in _countries() or text == "XK"


@cache
def _countries() -> frozenset[str]:
    """The codes by the list that comes with the IANA time zones: CODE, a tab, a name."""
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    return frozenset(line[:2] for line in table.splitlines() if not line.startswith("#"))


def is_time_zone(text: str) -> bool:
    """Is it an IANA time zone that this machine knows?

    >>> is_time_zone("Europe/Berlin"), is_time_zone("Europe"), is_time_zone("../etc/passwd")
    (True, False, False)
    """
    if not _ZONE.fullmatch(text):
        return False
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        return False
    return True


def is_phone(text: str) -> bool:
    """Is it a telephone number as people write one?

    >>> is_phone("+44 20 7946 0018"), is_phone("ask for Ann")
    (True, False)
    """
    return _PHONE.fullmatch(text) is not None


def is_page(url: str) -> bool:
    """Is it the address of a page, by https?

    >>> is_page("https://ico.example/complain?lang=en"), is_page("ico.example")
    (True, False)
    """
    return is_one_line(url) and _PAGE.fullmatch(url) is not None


def is_one_line(text: str) -> bool:
    """Is it free of line breaks and control characters?"""
    return _CONTROL.search(text) is None


def is_reachable(url: str) -> bool:
    """Is it where people can be sent: https, or http on this very machine?

    RFC 8058 demands https of the link that unsubscribes. No query, no fragment, no / at the end:
    a token is put behind it.

    >>> is_reachable("https://shop.example/mail"), is_reachable("http://localhost:8080")
    (True, True)
    >>> is_reachable("http://shop.example"), is_reachable("https://shop.example/?a=1")
    (False, False)
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or url.endswith(("/", "?", "#")))
    clean = re.fullmatch(r"[!-~]+", url) is not None and port != 0
    if parts.scheme == "http":
        return plain and clean and host in _HERE
    return plain and clean and parts.scheme == "https" and (is_domain(host) or host in _HERE)


def is_origin(text: str) -> bool:
    """Is it an origin as browsers write it (RFC 6454, 6.2), https or of this very machine?

    >>> is_origin("https://shop.example"), is_origin("https://Shop.example/")
    (True, False)
    >>> is_origin("http://localhost:8080"), is_origin("https://shop.example:443")
    (True, False)
    """
    if not is_reachable(text):
        return False
    parts = urlsplit(text)
    usual = {"https": 443, "http": 80}[parts.scheme]
    return not parts.path and text == text.lower() and parts.port != usual
