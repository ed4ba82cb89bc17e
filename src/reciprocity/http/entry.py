"""The addresses before a person's page: `/enter`, and `/e/TOKEN`, the links in mails asked for.

Looking changes nothing, since scanners look at every link; a press of the button does.
"""

from typing import TYPE_CHECKING

from litestar import Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from reciprocity.brand import CONFIRMATION, BrandStatement
from reciprocity.errors import InputError
from reciprocity.http.frame import answer, render, threaded
from reciprocity.http.me import with_cookie
from reciprocity.http.reading import AnyRequest, fields, reader
from reciprocity.http.speech import speech

if TYPE_CHECKING:
    from reciprocity.http.own_page import OwnPage
    from reciprocity.http.way_in import Asking, Door
    from reciprocity.model import Behaviour, Purpose

__all__ = ["entry_router", "on_its_way"]


def entry_router() -> Router:
    """The routes; `desk`, `page`, `door` and `asking` are in the application's state."""
    return Router(
        "/",
        route_handlers=[ask, send, look, press],
        include_in_schema=False,
    )


# --- asking for the link --------------------------------------------------------------------------


@get("/enter")
async def ask(request: AnyRequest, state: State) -> Response[str]:
    """The form that asks for the link to one's own page."""
    brand, language = await reader(request, state)
    return answer(200, render("enter", brand, language))


@post("/enter", status_code=200)
async def send(request: AnyRequest, state: State) -> Response[str]:
    """One answer, whoever asks: if we know the address, a link is on its way."""
    brand, language = await reader(request, state)
    form = await fields(request)
    asking: Asking = state.asking
    return on_its_way(brand, language, taken=asking.for_address(form.get("address", "")[:320]))


def on_its_way(brand: BrandStatement, language: str, *, taken: bool) -> Response[str]:
    """That a link is being sent, or that too many were asked for just now."""
    say = speech(language).say
    if not taken:
        return answer(429, render(
            "word", brand, language, title=say("Please try again in a minute"),
            lines=[say("Too many links are asked for just now.")],
            link=("/enter", say("Try again")),
        ), {"Retry-After": "60"})  # fmt: skip
    return answer(200, render(
        "word", brand, language, title=say("Look into your mail"),
        lines=[
            say("If we know this address, a link is on its way. It works once, for 15 minutes."),
            say("Nothing came? Then we may know you by another address, or it lies with the spam."),
        ],
    ))  # fmt: skip


# --- the link in a mail that was asked for --------------------------------------------------------


@get("/e/{token:str}")
async def look(token: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """What the link opens, with a button; changes nothing."""
    brand, language = await reader(request, state)
    door: Door = state.door
    say = speech(language).say

    def work() -> Response[str]:
        try:
            link = door.read(token)
        except InputError:
            return _run_out(brand, language)
        if link.purpose == CONFIRMATION:
            return answer(200, render(
                "word", brand, language, title=say("Is this your yes?"),
                lines=[
                    say("Press the button and it counts. If it was not you, just close this page.")
                ],
                items=_titles(brand, door.waiting(link)),
                button=say("Yes, it was me"),
            ))  # fmt: skip
        return answer(200, render(
            "word", brand, language, title=say("Your page"),
            lines=[say("The link works once. Your page then stays open for two hours.")],
            button=say("Open my page"),
        ))  # fmt: skip

    return await threaded(work)


@post("/e/{token:str}", status_code=200)
async def press(token: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """Open the page, or confirm the yes."""
    brand, language = await reader(request, state)
    door: Door = state.door
    page: OwnPage = state.page

    def work() -> Response[str]:
        try:
            link = door.read(token)
            if link.purpose == CONFIRMATION:
                return _confirmed(brand, language, door.confirm(link))
            return with_cookie(page, door.enter(link))
        except InputError:
            return _run_out(brand, language)

    return await threaded(work)


def _confirmed(brand: BrandStatement, language: str, purposes: list[str]) -> Response[str]:
    say = speech(language).say
    return answer(200, render(
        "word", brand, language, title=say("Confirmed"),
        lines=[say("You said yes to this. You can take it back at any time, in one step.")],
        items=_titles(brand, purposes), link=("/enter", say("Open my page")),
    ))  # fmt: skip


def _titles(brand: BrandStatement, purposes: list[str]) -> list[str]:
    """What each is called, behaviours too; one that the brand dropped since, by its id."""
    known: dict[str, Purpose | Behaviour] = {**brand.purposes, **brand.behaviours}
    return [known[name].title if name in known else name for name in purposes]


def _run_out(brand: BrandStatement, language: str) -> Response[str]:
    say = speech(language).say
    return answer(410, render(
        "word", brand, language, title=say("This link does not work any more"),
        lines=[say("It works once and for a short time, so that nobody else can use it."),
               say("Nothing was changed.")],
        link=("/enter", say("Ask for another one")),
    ))  # fmt: skip
