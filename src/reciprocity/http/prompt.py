"""`/v1/prompts/ID`: a proposition asked on the brand's own site, in any page of it.

`GET` gives the words, `POST` takes a yes or its withdrawal. No cookie, no credentials, and no
preflight: the body is JSON sent as `text/plain`. A yes comes from an origin that the brand lists,
and never under Global Privacy Control; a withdrawal is taken from anywhere, because whoever knows
the secret may always take back. What is answered is durable. Refusals are problems (RFC 9457) with
a `reason`.
"""

import logging
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from reciprocity.collect.collector import web_id
from reciprocity.collect.proposition import Terms, asked_on_site, terms_of
from reciprocity.decide.statements import statements_in_force
from reciprocity.errors import Conflict, InputError, ReciprocityError
from reciprocity.http.frame import threaded
from reciprocity.http.limit import Limit, asker
from reciprocity.http.on_site import Kept, Sent, give, take_back
from reciprocity.http.speech import choose_language, speech
from reciprocity.platform import Reciprocity

if TYPE_CHECKING:
    from reciprocity.brand import BrandStatement
    from reciprocity.http.desk import Desk

__all__ = ["MOST_BYTES", "Prompts", "prompt_router"]

MOST_BYTES: Final = 65_536
_EACH_SECOND: Final = 20
_BURST: Final = 120
_MOST_WORDS: Final = 256
_log = logging.getLogger(__name__)
_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PROBLEMS: Final = {
    "unknown_proposition": (404, "nothing is asked here under this name"),
    "unknown_person": (404, "nobody is known by this secret, so nothing stands"),
    "malformed": (400, "the body is not what this address takes: docs/reference/prompt.md"),
    "not_asked": (400, "the yes is to nothing, or to something that is not asked here"),
    "too_large": (413, f"the body is over {MOST_BYTES} bytes"),
    "origin": (403, "a yes is taken only from the sites that the brand lists"),
    "privacy_signal": (403, "the browser says that its person is not to be asked"),
    "notice_changed": (409, "the words changed meanwhile: show the new ones and ask anew"),
    "act_reused": (409, "this act was another one: make a new id for a new act"),
    "too_many": (429, "too many requests from this address: try again in a moment"),
    "not_stored": (503, "nothing was stored: try again with the same act"),
}

AnyRequest = Request[object, object, State]


class _Words(NamedTuple):
    """The answer to a GET, made once for a brand file in force."""

    body: bytes
    etag: str


class Prompts:
    """What the routes share: who asked how often, and the words that were made."""

    def __init__(self) -> None:
        """Begin with nobody and nothing."""
        self.limit = Limit(_EACH_SECOND, _BURST)
        self._made: dict[tuple[int, int, str, str], _Words] = {}

    def words(self, shop: Reciprocity, name: str, language: str) -> _Words:
        """The words of the proposition *name*, which is asked on the brand's site."""
        stated = statements_in_force(shop.journal)
        key = (stated.brand_at, stated.laws_at, name, language)
        if key not in self._made:
            if len(self._made) >= _MOST_WORDS:
                self._made.clear()
            terms, _ = terms_of(stated.brand, stated.laws, name, language)
            body = msgspec.json.encode(_told(stated.brand, terms))
            self._made[key] = _Words(body, f'"{sha256(body).hexdigest()[:32]}"')
        return self._made[key]


def prompt_router() -> Router:
    """The routes; `desk` and `prompts` are in the application's state."""
    return Router(
        "/v1/prompts",
        route_handlers=[ask, answered],
        request_max_body_size=MOST_BYTES,
        exception_handlers={HTTPException: _refused, ReciprocityError: _out_of_reach},
        include_in_schema=False,
    )


@get("/{name:str}")
async def ask(name: FromPath[str], request: AnyRequest, state: State) -> Response[bytes]:
    """The words to show; an answer that can be kept, and asked for anew by its ETag."""
    desk: Desk = state.desk
    prompts: Prompts = state.prompts
    if not prompts.limit.takes(_asker(request)):
        return _problem("too_many")
    wish = request.query_params.get("language", "")
    accepted = request.headers.get("accept-language", "")

    def work() -> _Words | None:
        shop = desk.shop()
        if not _is_asked(shop.statement, name):
            return None
        language = choose_language(wish, accepted, shop.statement.language)
        return prompts.words(shop, name, language)

    words = await threaded(work)
    if words is None:
        return _problem("unknown_proposition")
    kept = {"Cache-Control": "public, max-age=60", "ETag": words.etag, "Vary": "Accept-Language"}
    if request.headers.get("if-none-match", "") == words.etag:
        return Response(b"", status_code=304, headers={**_HEADERS, **kept})
    return _json(200, words.body, kept)


@post("/{name:str}", status_code=200)
async def answered(name: FromPath[str], request: AnyRequest, state: State) -> Response[bytes]:
    """Take a yes or a withdrawal; answers once it is durable."""
    desk: Desk = state.desk
    prompts: Prompts = state.prompts
    if not prompts.limit.takes(_asker(request)):
        return _problem("too_many")
    try:
        sent = msgspec.json.decode(await request.body(), type=Sent)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _problem("malformed")
    return await threaded(lambda: _take(desk.shop(), name, sent, request.headers))


def _take(shop: Reciprocity, name: str, sent: Sent, headers: Mapping[str, str]) -> Response[bytes]:
    brand = shop.statement
    kept: Kept | None
    try:
        if sent.answer == "withdraw":
            kept = take_back(shop, sent)
        elif reason := _refusal(shop, name, headers):
            return _problem(reason)
        else:
            stated = statements_in_force(shop.journal)
            language = choose_language(sent.language, brand.language)
            terms, _ = terms_of(stated.brand, stated.laws, name, language)
            if sent.notice != terms.notice:
                return _problem("notice_changed")
            kept = give(shop, terms, sent)
    except InputError:
        return _problem("not_asked")
    except Conflict:
        return _problem("act_reused")
    if kept is None:
        return _problem("unknown_person")
    told = {
        "stored": True,
        "position": kept.position,
        "person": web_id(sent.person),
        "receipt": kept.receipt,
    }
    return _json(200, msgspec.json.encode(told))


def _refusal(shop: Reciprocity, name: str, headers: Mapping[str, str]) -> str:
    """Why no yes may be taken, whatever it says; empty if one may."""
    if not _is_asked(shop.statement, name):
        return "unknown_proposition"
    own = urlsplit(shop.brand.base_url)
    if headers.get("origin", "") not in {*shop.statement.origins, f"{own.scheme}://{own.netloc}"}:
        return "origin"
    if headers.get("sec-gpc") == "1" or headers.get("dnt") == "1":
        return "privacy_signal"
    return ""


def _is_asked(brand: "BrandStatement", name: str) -> bool:
    return name in brand.propositions and asked_on_site(brand, name)


def _told(brand: "BrandStatement", terms: Terms) -> dict[str, object]:
    """The words of a prompt, in the order in which they are shown."""
    told, words = brand.propositions[terms.proposition], speech(terms.language)
    looks = zip(told.behaviours, terms.behaviours, terms.returns, strict=True)
    return {
        "proposition": terms.proposition,
        "language": terms.language,
        "direction": words.direction,
        "notice": terms.notice,
        "title": terms.title,
        "asks": terms.asks,
        "gives": terms.gives,
        "benefits": terms.benefits,
        "purposes": [
            {"id": one, "text": text}
            for one, text in zip(told.purposes, terms.purposes, strict=True)
        ],
        "behaviours": [{"id": one, "text": text, "returns": back} for one, text, back in looks],
        "topics": [{"id": one, "text": brand.topics[one].title} for one in told.topics],
        "small": [terms.uses, terms.nobody, terms.keeps, f"{terms.leave} {terms.free}"],
        "labels": {
            "may": words.say("What may we do?"),
            "about": words.say("What you want to hear about"),
            "no": words.say("No, to all of it"),
            "yes": words.say("Yes, to what I ticked"),
            "tick": words.say("Tick what you want first, or say no."),
            "pending": words.say("Not stored yet. This page tries again by itself."),
            "granted": words.say("Stored: your yes counts."),
            "back": words.say("Take it back"),
            "leaving": words.say("Taken back on this page. It is still being stored."),
            "left": words.say("Taken back, and stored."),
            "refused": words.say("This could not be stored. Nothing was kept."),
        },
    }


def _asker(request: AnyRequest) -> str:
    return asker(request.client.host if request.client else "", request.headers)


# --- answers --------------------------------------------------------------------------------------


def _json(status: int, body: bytes, more: Mapping[str, str] | None = None) -> Response[bytes]:
    told = {**_HEADERS, **(more or {})}
    return Response(body, status_code=status, media_type="application/json", headers=told)


def _problem(reason: str) -> Response[bytes]:
    status, detail = _PROBLEMS[reason]
    told = {"type": "about:blank", "status": status, "reason": reason, "detail": detail}
    more = {"Retry-After": "1"} if status in {429, 503} else {}
    return Response(
        msgspec.json.encode(told),
        status_code=status,
        media_type="application/problem+json",
        headers={**_HEADERS, **more},
    )


def _refused(_: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework refuses: a body too large, or cut short."""
    return _problem("too_large" if error.status_code == 413 else "malformed")  # noqa: PLR2004


def _out_of_reach(_: AnyRequest, error: ReciprocityError) -> Response[bytes]:
    _log.error("answer to a prompt could not be stored: %s", error)
    return _problem("not_stored")
