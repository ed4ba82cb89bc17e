"""The addresses before a person's page: `/enter`, the links in mails `/e/...` and `/p/...`.

`/p/TOKEN` stands in every message and can only mean less: it shows nothing of what the person told,
so that a forwarded message tells nobody anything, and it raises nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from reciprocity.brand import CONFIRMATION, BrandStatement
from reciprocity.collect.preferences import less
from reciprocity.consent.draft import Drafted
from reciprocity.consent.laws import DAY_MS, PERSON
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.deliver.link import Link
from reciprocity.errors import Conflict, InputError
from reciprocity.http import page as pages
from reciprocity.http.desk import Desk
from reciprocity.http.frame import answer, render, threaded
from reciprocity.http.me import with_cookie
from reciprocity.http.speech import choose_language, speech
from reciprocity.model import ANYWHERE, Behaviour, Purpose
from reciprocity.platform import Reciprocity

if TYPE_CHECKING:
    from reciprocity.http.own_page import OwnPage
    from reciprocity.http.way_in import Asking, Door

__all__ = ["entry_router"]

METHOD: Final = "message_link"
_MOST: Final = frozenset({"0", "1", "2", "4"})
_BREAKS: Final = {"14": 14, "60": 60}

AnyRequest = Request[object, object, State]


def entry_router() -> Router:
    """The routes; `desk`, `page`, `door` and `asking` are in the application's state."""
    return Router(
        "/",
        route_handlers=[ask, send, look, press, lower_page, lower, send_from_message],
        include_in_schema=False,
    )


# --- asking for the link --------------------------------------------------------------------------


@get("/enter")
async def ask(request: AnyRequest, state: State) -> Response[str]:
    """The form that asks for the link to one's own page."""
    brand, language = await _reader(request, state)
    return answer(200, render("enter", brand, language))


@post("/enter", status_code=200)
async def send(request: AnyRequest, state: State) -> Response[str]:
    """One answer, whoever asks: if we know the address, a link is on its way."""
    brand, language = await _reader(request, state)
    form = await _form(request)
    asking: Asking = state.asking
    return _on_its_way(brand, language, taken=asking.for_address(form.get("address", "")[:320]))


def _on_its_way(brand: BrandStatement, language: str, *, taken: bool) -> Response[str]:
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
    brand, language = await _reader(request, state)
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
    brand, language = await _reader(request, state)
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


# --- the link in every message: less --------------------------------------------------------------


@get("/p/{token:str}")
async def lower_page(token: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """What can be lowered; shows nothing of the person, changes nothing."""
    brand, language = await _reader(request, state)
    desk: Desk = state.desk
    return await threaded(lambda: _lower_page(desk, brand, language, token, told=""))


def _lower_page(
    desk: Desk, brand: BrandStatement, language: str, token: str, *, told: str
) -> Response[str]:
    try:
        link = desk.link(token)
    except InputError:
        return answer(404, pages.unknown_page(brand, language))
    channel = brand.channels.get(link.channel)
    return answer(200, render(
        "less", brand, language, token=token, told=told,
        title=speech(language).say("Less of this?"),
        topics=[(name, one.title) for name, one in brand.topics.items()],
        channel_title=channel.title if channel else link.channel,
    ))  # fmt: skip


@post("/p/{token:str}", status_code=200)
async def lower(token: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """Less: the topics ticked not at all, at most so many, a break; never more of anything."""
    brand, language = await _reader(request, state)
    form, desk = await _form(request), state.desk

    def work() -> Response[str]:
        try:
            link = desk.link(token)
        except InputError:
            return answer(404, pages.unknown_page(brand, language))
        say = speech(language).say
        done = _lowered(desk.shop(), link, form)
        told = say("Saved: less from now on.") if done else say("Nothing was changed.")
        return _lower_page(desk, brand, language, token, told=told)

    return await threaded(work)


def _lowered(shop: Reciprocity, link: Link, form: Mapping[str, str]) -> bool:
    """Do what *form* lowers; False where that is nothing, or the person is erased."""
    brand = shop.statement
    topics = [name for name in brand.topics if form.get(f"topic.{name}") == "1"]
    most = {link.channel: int(form["most"])} if form.get("most") in _MOST else {}
    days = _BREAKS.get(form.get("pause", ""), 0)

    def wanted() -> Preferences:
        wishes = shop.wishes(link.slot)
        found = less(brand, wishes, topics, most)
        until = saying.at + days * DAY_MS
        if days and until > wishes.pauses.get(ANYWHERE, 0):
            found = Preferences(topics=found.topics, caps=found.caps, pauses={ANYWHERE: until})
        return found

    def draft() -> Drafted:
        return prefer(saying, wanted())

    saying = shop.saying(PERSON, METHOD, place="mail")
    if wanted() == Preferences():
        return False
    try:
        shop.act(link.slot, draft)
    except Conflict:
        return False
    return True


@post("/p/{token:str}/page", status_code=200)
async def send_from_message(
    token: FromPath[str], request: AnyRequest, state: State
) -> Response[str]:
    """Send the link to the person's own page to the address that the message went to."""
    brand, language = await _reader(request, state)
    desk: Desk = state.desk
    asking: Asking = state.asking
    try:
        link = await threaded(lambda: desk.link(token))
    except InputError:
        return answer(404, pages.unknown_page(brand, language))
    return _on_its_way(brand, language, taken=asking.for_person(link.slot))


# --- shared ---------------------------------------------------------------------------------------


async def _reader(request: AnyRequest, state: State) -> tuple[BrandStatement, str]:
    """The brand, and the language to speak with whoever asks."""
    brand: BrandStatement = await threaded(state.desk.brand)
    return brand, choose_language(request.headers.get("accept-language", ""), brand.language)


async def _form(request: AnyRequest) -> dict[str, str]:
    try:
        return {str(name): str(value) for name, value in (await request.form()).items()}
    except (ValueError, LookupError) as error:
        raise HTTPException(status_code=400) from error
