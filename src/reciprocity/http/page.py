"""The page behind the link in a message, in each of its states: what stops, and what does not."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.deliver.link import Link
from reciprocity.http.frame import render
from reciprocity.http.speech import speech
from reciprocity.leave.one_click import reach
from reciprocity.model import Basis, Id

__all__ = [
    "ask_page",
    "done_page",
    "failed_page",
    "incomplete_page",
    "no_page",
    "not_stored_page",
    "unknown_page",
]


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


def ask_page(brand: BrandStatement, link: Link, language: str) -> str:
    """What would stop, what would not, and the button."""
    say, stopped = speech(language).say, reach(brand, link)
    if not stopped:
        return _nothing(brand, link, language)
    return _shown(
        brand,
        language,
        title=say("Stop these e-mails?"),
        lead=say("Press the button and %(brand)s will send you no more e-mails about:"),
        stopped=_titles(brand, stopped),
        button=say("Stop these e-mails"),
        more=(say("Once is enough. Nobody will ask you why."),),
        stays=_others(brand, link, stopped),
        service=_service(brand, link),
    )


def done_page(brand: BrandStatement, link: Link, language: str) -> str:
    """What was stopped, and that a message may still be on its way."""
    say, stopped = speech(language).say, reach(brand, link)
    if not stopped:
        return _nothing(brand, link, language)
    return _shown(
        brand,
        language,
        title=say("Stopped"),
        lead=say(
            "%(brand)s will send you no more e-mails about the following, unless you say yes again:"
        ),
        stopped=_titles(brand, stopped),
        more=(
            say("A message already on its way may still arrive."),
            say("You can close this page."),
        ),
        stays=_others(brand, link, stopped),
        service=_service(brand, link),
    )


def unknown_page(brand: BrandStatement, language: str) -> str:
    """The link is not one of ours, or was cut short."""
    say = speech(language).say
    return _shown(
        brand,
        language,
        title=say("We do not know this link"),
        lead=say("It may have been cut short. Please copy it whole from the message."),
        more=(say("Nothing was changed."),),
    )


def incomplete_page(brand: BrandStatement, language: str) -> str:
    """What came was not what the button sends; the way back to it."""
    say = speech(language).say
    return _shown(
        brand,
        language,
        title=say("That was not complete"),
        lead=say("Please go back and use the button on the page."),
        more=(say("Nothing was changed."),),
        back=True,
    )


def not_stored_page(brand: BrandStatement, language: str) -> str:
    """The wish was heard and could not be stored; a button to try again."""
    say = speech(language).say
    return _shown(
        brand,
        language,
        title=say("Not stopped yet"),
        lead=say("We could not store this just now. Please try again in a minute."),
        button=say("Try again"),
    )


def no_page(brand: BrandStatement, language: str) -> str:
    """Nothing is served under this address, or not in this way."""
    say = speech(language).say
    return _shown(
        brand,
        language,
        title=say("There is no such page"),
        lead=say("If a link in a message led you here, please copy it whole from the message."),
        more=(say("Nothing was changed."),),
    )


def failed_page(brand: BrandStatement, language: str) -> str:
    """A fault of ours."""
    say = speech(language).say
    return _shown(
        brand,
        language,
        title=say("Something went wrong"),
        lead=say(
            "We cannot tell whether your wish was stored. Please try again: twice does no harm."
        ),
        back=True,
    )


# --- shared ---------------------------------------------------------------------------------------


def _nothing(brand: BrandStatement, link: Link, language: str) -> str:
    say = speech(language).say
    return _shown(
        brand,
        language,
        title=say("There is nothing to stop here"),
        lead=say("E-mails like this one do not depend on your yes, and %(brand)s sends no others."),
        service=_service(brand, link),
    )


def _shown(brand: BrandStatement, language: str, *, lead: str, **parts: object) -> str:
    page = _Shown(lead=lead.replace("%(brand)s", brand.name), **parts)  # type: ignore[arg-type]
    return render("unsubscribe", brand, language, page=page)


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
