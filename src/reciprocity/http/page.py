"""The page behind a link, in each of its states: what it says, and what it may load (nothing)."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from minijinja import Environment
from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.deliver.link import Link
from reciprocity.http.words import Words, words_in
from reciprocity.leave.one_click import reach
from reciprocity.model import Basis, Id

__all__ = [
    "ask_page",
    "done_page",
    "failed_page",
    "headers",
    "incomplete_page",
    "no_page",
    "not_stored_page",
    "unknown_page",
]

_TEMPLATE: Final = "unsubscribe.html"


class _Shown(Struct, frozen=True, kw_only=True):
    """One state of the page: paragraphs, then what is stopped, what stays, and a way on."""

    title: str
    lead: str
    stopped: Sequence[str] = ()
    more: Sequence[str] = ()
    stays: Sequence[str] = ()
    service: Sequence[str] = ()
    button: str = ""
    back: bool = False


def ask_page(brand: BrandStatement, link: Link) -> str:
    """What would stop, what would not, and the button."""
    words, stopped = words_in(brand.language), reach(brand, link)
    if not stopped:
        return _nothing(brand, link, words)
    return _render(
        brand,
        _Shown(
            title=words.ask_title,
            lead=words.ask,
            stopped=_titles(brand, stopped),
            button=words.ask_button,
            more=(words.one_press,),
            stays=_others(brand, link, stopped),
            service=_service(brand, link),
        ),
    )


def done_page(brand: BrandStatement, link: Link) -> str:
    """What was stopped, and that a message may still be on its way."""
    words, stopped = words_in(brand.language), reach(brand, link)
    if not stopped:
        return _nothing(brand, link, words)
    return _render(
        brand,
        _Shown(
            title=words.done_title,
            lead=words.done,
            stopped=_titles(brand, stopped),
            more=(words.done_late, words.done_close),
            stays=_others(brand, link, stopped),
            service=_service(brand, link),
        ),
    )


def unknown_page(brand: BrandStatement) -> str:
    """The link is not one of ours, or was cut short."""
    words = words_in(brand.language)
    return _render(
        brand, _Shown(title=words.unknown_title, lead=words.unknown, more=(words.unchanged,))
    )


def incomplete_page(brand: BrandStatement) -> str:
    """What came was not what the button sends; the way back to it."""
    words = words_in(brand.language)
    return _render(
        brand,
        _Shown(
            title=words.incomplete_title,
            lead=words.incomplete,
            more=(words.unchanged,),
            back=True,
        ),
    )


def not_stored_page(brand: BrandStatement) -> str:
    """The wish was heard and could not be stored; a button to try again."""
    words = words_in(brand.language)
    return _render(
        brand,
        _Shown(title=words.not_stored_title, lead=words.not_stored, button=words.again_button),
    )


def no_page(brand: BrandStatement) -> str:
    """Nothing is served under this address, or not in this way."""
    words = words_in(brand.language)
    return _render(
        brand, _Shown(title=words.no_page_title, lead=words.no_page, more=(words.unchanged,))
    )


def failed_page(brand: BrandStatement) -> str:
    """A fault of ours."""
    words = words_in(brand.language)
    return _render(brand, _Shown(title=words.failed_title, lead=words.failed, back=True))


@cache
def headers() -> dict[str, str]:
    """What every answer says of itself: no script, no cookie, no other origin, kept nowhere.

    The one style is named by its hash, so no other can be slipped in.
    """
    style = _source().partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'self'; script-src 'none'; object-src 'none'; "
        f"style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
        "Referrer-Policy": "no-referrer",  # the address is a secret
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }


# --- shared ---------------------------------------------------------------------------------------


def _nothing(brand: BrandStatement, link: Link, words: Words) -> str:
    shown = _Shown(title=words.nothing_title, lead=words.nothing, service=_service(brand, link))
    return _render(brand, shown)


def _titles(brand: BrandStatement, purposes: Iterable[Id]) -> list[str]:
    """Titles, each once; a purpose that is declared no more has none and is left out."""
    found = (brand.purposes.get(purpose) for purpose in purposes)
    return list(dict.fromkeys(purpose.title for purpose in found if purpose is not None))


def _on_channel(brand: BrandStatement, link: Link, *, consent: bool) -> list[Id]:
    return [
        name
        for name, purpose in brand.purposes.items()
        if link.channel in purpose.channels and (purpose.basis is Basis.CONSENT) is consent
    ]


def _others(brand: BrandStatement, link: Link, stopped: Sequence[Id]) -> list[str]:
    """What else may come on this channel with a yes of its own."""
    names = _on_channel(brand, link, consent=True)
    return _titles(brand, (name for name in names if name not in stopped))


def _service(brand: BrandStatement, link: Link) -> list[str]:
    """What comes on this channel without a yes."""
    return _titles(brand, _on_channel(brand, link, consent=False))


def _render(brand: BrandStatement, shown: _Shown) -> str:
    return _environment().render_template(
        _TEMPLATE,
        page=shown,
        words=words_in(brand.language),
        brand_name=brand.name,
        controller=brand.controller,
    )


@cache
def _environment() -> Environment:
    found = Environment(templates={_TEMPLATE: _source()})
    found.add_filter("named", lambda text, name: text.replace("{brand}", name))
    return found


@cache
def _source() -> str:
    return (files("reciprocity.http") / "templates" / f"{_TEMPLATE}.j2").read_text("utf-8")
