"""`/p/TOKEN`, the link in every message: why it came, what they thought of it, and less of it.

It can only ever mean less, and shows nothing of what the person told, so that a forwarded message
tells nobody anything: what it was about and under which yes it came, the message itself has told.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from litestar import Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from msgspec import Struct

from reciprocity.brand import BrandStatement
from reciprocity.collect.preferences import less
from reciprocity.consent.draft import Drafted
from reciprocity.consent.laws import DAY_MS, PERSON
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.deliver.link import Link
from reciprocity.errors import Conflict, InputError, ReciprocityError
from reciprocity.events import Attempt
from reciprocity.http import page as pages
from reciprocity.http.entry import on_its_way
from reciprocity.http.frame import answer, render, threaded
from reciprocity.http.pace import paced
from reciprocity.http.reading import AnyRequest, fields, reader
from reciprocity.http.speech import speech
from reciprocity.http.telling import Telling
from reciprocity.listen.messages import Spoken
from reciprocity.model import ANYWHERE
from reciprocity.platform import Reciprocity, give_feedback

if TYPE_CHECKING:
    from reciprocity.http.desk import Desk
    from reciprocity.http.own_page import OwnPage
    from reciprocity.http.way_in import Asking

__all__ = ["less_router"]

METHOD: Final = "message_link"
_MOST: Final = frozenset({"0", "1", "2", "4"})
_BREAKS: Final = {"14": 14, "60": 60}
_SAME_MS: Final = 3_600_000
"""A break that stands to within an hour is the one asked for: pressed again it is no event."""
_WORDS: Final = {"useful": True, "not_for_me": False}
_log = logging.getLogger(__name__)


def less_router() -> Router:
    """The routes; `desk`, `page` and `asking` are in the application's state."""
    return Router(
        "/p",
        route_handlers=[lower_page, lower, judge, send_from_message],
        include_in_schema=False,
    )


class Why(Struct, frozen=True, kw_only=True):
    """What the message with the link was: its name, the purpose, the topics it was about."""

    message: str
    purpose: str
    topics: str


@get("/{token:str}")
async def lower_page(token: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """Why the message came, and what can be lowered; changes nothing."""
    brand, language = await reader(request, state)
    return await threaded(lambda: _lower_page(state, brand, language, token))


def _lower_page(
    state: State,
    brand: BrandStatement,
    language: str,
    token: str,
    told: str = "",
    *,
    unlike: bool = False,
) -> Response[str]:
    """The page; with *unlike*, the topics of the message stand first."""
    desk: Desk = state.desk
    try:
        link = desk.link(token)
    except InputError:
        return answer(404, pages.unknown_page(brand, language))
    spoken = _spoken(state, link)
    telling = Telling(speech(language), brand, brand.time_zone)
    its = [name for name in spoken.topics if name in brand.topics] if spoken else []
    others = [] if unlike and its else [name for name in brand.topics if name not in its]
    channel = brand.channels.get(link.channel)
    return answer(200, render(
        "less", brand, language, token=token, told=told, unlike=unlike,
        title=speech(language).say("Less of this?"), why=_why(spoken, telling) if spoken else None,
        topics=[(name, brand.topics[name].title) for name in (*its, *others)],
        channel_title=channel.title if channel else link.channel,
    ))  # fmt: skip


def _spoken(state: State, link: Link) -> Spoken | None:
    """The message that *link* came with; None where it cannot be read, and less is still taken."""
    page: OwnPage = state.page
    try:
        shop = page.shop()
        history = shop.journal.history(link.slot)
        told = history[link.version - 1] if 0 < link.version <= len(history) else None
        if told is None or not isinstance(told.body, Attempt):
            return None
        return page.messages(shop).sent(told.body, told.position)
    except ReciprocityError as error:
        _log.warning("message of a link could not be read: %s", error)
        return None


def _why(spoken: Spoken, telling: Telling) -> Why:
    named = {"subject": spoken.subject, "title": spoken.title, "message": spoken.message}
    return Why(
        message=telling.message(named),
        purpose=telling.purpose(spoken.purpose),
        topics=telling.words.listed([telling.topic(name) for name in spoken.topics]),
    )


@post("/{token:str}", status_code=200)
async def lower(token: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """Less: the topics ticked not at all, at most so many, a break; never more of anything."""
    brand, language = await reader(request, state)
    form = await fields(request)
    desk: Desk = state.desk

    def work() -> Response[str]:
        try:
            link = desk.link(token)
        except InputError:
            return answer(404, pages.unknown_page(brand, language))
        say = speech(language).say
        done = _lowered(desk.shop(), link, form)
        told = say("Saved: less from now on.") if done else say("Nothing was changed.")
        return _lower_page(state, brand, language, token, told)

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
        if days and until > wishes.pauses.get(ANYWHERE, 0) + _SAME_MS:
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


@post("/{token:str}/word", status_code=200, before_request=paced)
async def judge(token: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """Take the person's word on the message: useful, or not for them; then what to lower.

    Unlike what is lowered it takes nothing away, so one network may say only so many.
    """
    brand, language = await reader(request, state)
    form = await fields(request)
    desk: Desk = state.desk

    def work() -> Response[str]:
        useful = _WORDS.get(form.get("word", ""))
        say = speech(language).say
        if useful is None:
            return _lower_page(state, brand, language, token, say("Nothing was changed."))
        try:
            link = desk.link(token)
            stands = give_feedback(
                desk.shop().journal, link.slot, link.version,
                useful=useful, method=METHOD, place="mail",
            )  # fmt: skip
        except InputError:
            return answer(404, pages.unknown_page(brand, language))
        if not stands:
            told = say("Nothing was changed.")
        else:
            told = say("Noted: it was useful.") if useful else say("Noted: it was not for you.")
        return _lower_page(state, brand, language, token, told, unlike=not useful)

    return await threaded(work)


@post("/{token:str}/page", status_code=200)
async def send_from_message(
    token: FromPath[str], request: AnyRequest, state: State
) -> Response[str]:
    """Send the link to the person's own page to the address that the message went to."""
    brand, language = await reader(request, state)
    desk: Desk = state.desk
    asking: Asking = state.asking
    try:
        link = await threaded(lambda: desk.link(token))
    except InputError:
        return answer(404, pages.unknown_page(brand, language))
    return on_its_way(brand, language, taken=asking.for_person(link.slot))
