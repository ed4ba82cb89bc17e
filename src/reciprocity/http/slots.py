"""`/v1/slots/PLACE`: a place on the brand's own pages, for whoever said yes there.

    POST /v1/slots/PLACE               is there anything? nothing is written
    POST /v1/slots/PLACE/impressions   it is in sight: the words, on record as delivered
    POST /v1/slots/PLACE/feedback      useful, or not for me: one tap

The person is whoever holds the secret that their browser made when they said yes. An impression is
decided anew, so a page that was told of a message and kept it gets none once a yes is taken back.
"""

from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Final

from litestar import Response, Router, post
from litestar.datastructures import State
from litestar.params import FromPath
from msgspec import Meta, Struct

from reciprocity.deliver.onsite import NOBODY, Advice, Shown
from reciprocity.errors import InputError
from reciprocity.http.api.showing import impression
from reciprocity.http.frame import threaded
from reciprocity.http.problem import Kind, Refusal
from reciprocity.http.site import HANDLERS, MOST_BYTES, Act, AnyRequest, Secret, known, read, said
from reciprocity.http.speech import Speech, choose_language, speech
from reciprocity.http.tree import Tree, node, tree_of
from reciprocity.model import Decision, Id
from reciprocity.platform import Reciprocity
from reciprocity.platform.heard import give_feedback

if TYPE_CHECKING:
    from reciprocity.http.desk import Desk

__all__ = ["slots_router"]

_PLACE: Final = "page"


class Looking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is at the place."""

    person: Secret


class Showing(Looking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The message that was advised, now in sight; *act* names this impression."""

    act: Act
    campaign: Id
    message: Id


class Word(Looking, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the person says of the message whose *attempt* they were told."""

    attempt: Annotated[int, Meta(ge=1, lt=2**53)]
    useful: bool


class Impression(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to show, as trees; or nothing, and the *decision* that says why.

    *attempt* is what a word on the message names, and *noted* what is said after one.
    """

    decision: Decision
    attempt: int = 0
    shows: list[Tree] | None = None
    noted: str = ""


def slots_router() -> Router:
    """The routes; `desk` and `slots_limit` are in the application's state."""
    return Router(
        "/v1/slots/{place:str}",
        route_handlers=[look, show, word],
        request_max_body_size=MOST_BYTES,
        exception_handlers=HANDLERS,
        include_in_schema=False,
    )


@post("/", status_code=200)
async def look(place: FromPath[str], request: AnyRequest, state: State) -> Response[bytes]:
    """What the place may show now; nothing is written."""
    desk: Desk = state.desk
    body = await read(request, Looking, state.slots_limit)

    def work() -> Advice:
        shop = desk.shop()
        slot = known(shop, body.person)
        return Advice(decision=NOBODY) if slot is None else shop.on_site.advise(slot, place)

    return said(await threaded(work))


@post("/impressions", status_code=200)
async def show(place: FromPath[str], request: AnyRequest, state: State) -> Response[bytes]:
    """The words, once they are on record as delivered."""
    desk: Desk = state.desk
    body = await read(request, Showing, state.slots_limit)
    accepted = request.headers.get("accept-language", "")
    return said(await threaded(lambda: _show(desk.shop(), place, body, accepted)))


def _show(shop: Reciprocity, place: str, body: Showing, accepted: str) -> Impression:
    slot = known(shop, body.person)
    if slot is None:
        return Impression(decision=NOBODY)
    act_id = f"slot/{sha256(f'{body.person}/{body.act}'.encode()).hexdigest()}"
    told = impression(shop, slot, place, body.campaign, body.message, act_id)
    if told.shown is None:
        return Impression(decision=told.decision)
    wish = shop.wishes(slot).language
    words = speech(choose_language(wish, accepted, shop.statement.language))
    return Impression(
        decision=told.decision,
        attempt=told.shown.attempt,
        shows=_shows(told.shown, words),
        noted=words.say("Thank you: noted."),
    )


def _shows(shown: Shown, words: Speech) -> list[Tree]:
    """The message, and below it what every message has: why it came, a word on it, the way out."""
    if shown.html:
        body = list(tree_of(shown.html))
    else:
        body = [node("p", None, one.strip()) for one in shown.text.split("\n\n") if one.strip()]
    spoken = {"lang": words.language, "dir": words.direction}
    return [
        node("h2", None, shown.subject),
        node("div", None, *body),
        node(
            "p",
            spoken,
            node("a", {"href": shown.why}, words.say("Why this message")),
            " ",
            node("button", {"name": "useful", "value": "yes"}, words.say("Useful")),
            " ",
            node("button", {"name": "useful", "value": "no"}, words.say("Not for me")),
            " ",
            node("a", {"href": shown.stop}, words.say("Take it back")),
        ),
        node("p", {**spoken, "role": "status"}),
    ]


@post("/feedback", status_code=200)
async def word(place: FromPath[str], request: AnyRequest, state: State) -> Response[bytes]:
    """Note what the person says of a message that was shown; answers once it is durable.

    `stored` is false where they said so much of it that no more is taken.
    """
    desk: Desk = state.desk
    body = await read(request, Word, state.slots_limit)
    return said({"stored": await threaded(lambda: _note(desk.shop(), place, body))})


def _note(shop: Reciprocity, place: str, body: Word) -> bool:
    slot = known(shop, body.person)
    if slot is None:
        raise Refusal(Kind.UNKNOWN_PERSON, "Nobody is known by this secret.")
    try:
        return give_feedback(
            shop.journal, slot, body.attempt, useful=body.useful, method=_PLACE, place=place
        )
    except InputError as error:
        raise Refusal(Kind.INVALID, errors=error.problems) from error
