"""`/v1/prompts/ID`: a proposition asked on the brand's own site, in any page of it.

`GET` gives the words, `POST` takes a yes or its withdrawal. No cookie, no credentials, and no
preflight: the body is JSON sent as `text/plain`. A yes comes from an origin that the brand lists,
and never under Global Privacy Control; a withdrawal is taken from anywhere, because whoever knows
the secret may always take back. What is answered is durable.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
from litestar import Response, Router, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from reciprocity.collect.collector import web_id
from reciprocity.collect.proposition import Terms, asked_on_site, terms_of
from reciprocity.decide.statements import statements_in_force
from reciprocity.errors import InputError
from reciprocity.http.buckets import Buckets
from reciprocity.http.frame import threaded
from reciprocity.http.limit import network_of
from reciprocity.http.on_site import Kept, Sent, give, take_back
from reciprocity.http.problem import Kind, Refusal
from reciprocity.http.prompt_shows import shows
from reciprocity.http.site import (
    HANDLERS,
    HEADERS,
    MOST_BYTES,
    AnyRequest,
    read,
    said,
    site_limit,
)
from reciprocity.http.speech import choose_language, speech
from reciprocity.platform import Reciprocity

if TYPE_CHECKING:
    from reciprocity.brand import BrandStatement
    from reciprocity.http.desk import Desk

__all__ = ["Prompts", "prompt_router"]

_MOST_WORDS: Final = 256
_NOT_ASKED: Final = "Nothing is asked under this name on a site."


class _Words(NamedTuple):
    """The answer to a GET, made once for a brand file in force."""

    body: bytes
    etag: str


class Prompts:
    """What the routes share: who asked how often, and the words that were made."""

    def __init__(self, buckets: Buckets) -> None:
        """Begin with no words made; *buckets* say who asked how often."""
        self.limit = site_limit(buckets)
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
        exception_handlers=HANDLERS,
        include_in_schema=False,
    )


@get("/{name:str}")
async def ask(name: FromPath[str], request: AnyRequest, state: State) -> Response[bytes]:
    """The words to show; an answer that can be kept, and asked for anew by its ETag."""
    desk: Desk = state.desk
    prompts: Prompts = state.prompts
    if not prompts.limit.takes(network_of(request)):
        raise Refusal(Kind.TOO_MANY)
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
        raise Refusal(Kind.NOT_FOUND, _NOT_ASKED)
    kept = {"Cache-Control": "public, max-age=60", "ETag": words.etag, "Vary": "Accept-Language"}
    if request.headers.get("if-none-match", "") == words.etag:
        return Response(b"", status_code=304, headers={**HEADERS, **kept})
    return said(words.body, more=kept)


@post("/{name:str}", status_code=200)
async def answered(name: FromPath[str], request: AnyRequest, state: State) -> Response[bytes]:
    """Take a yes or a withdrawal; answers once it is durable."""
    desk: Desk = state.desk
    prompts: Prompts = state.prompts
    body = await read(request, Sent, prompts.limit)
    return await threaded(lambda: _take(desk.shop(), name, body, request.headers))


def _take(shop: Reciprocity, name: str, body: Sent, headers: Mapping[str, str]) -> Response[bytes]:
    try:
        kept = (
            take_back(shop, body) if body.answer == "withdraw" else _give(shop, name, body, headers)
        )
    except InputError as error:
        raise Refusal(Kind.INVALID, errors=error.problems) from error
    if kept is None:
        raise Refusal(Kind.UNKNOWN_PERSON, "Nobody is known by this secret: nothing stands.")
    return said(
        {
            "stored": True,
            "position": kept.position,
            "person": web_id(body.person),
            "receipt": kept.receipt,
        }
    )


def _give(shop: Reciprocity, name: str, body: Sent, headers: Mapping[str, str]) -> Kept:
    _check_asked(shop, name, headers)
    stated = statements_in_force(shop.journal)
    language = choose_language(body.language, stated.brand.language)
    terms, _ = terms_of(stated.brand, stated.laws, name, language)
    if body.notice != terms.notice:
        raise Refusal(Kind.NOTICE_CHANGED)
    return give(shop, terms, body)


def _check_asked(shop: Reciprocity, name: str, headers: Mapping[str, str]) -> None:
    """Raise `Refusal` where no yes may be taken, whatever it says."""
    if not _is_asked(shop.statement, name):
        raise Refusal(Kind.NOT_FOUND, _NOT_ASKED)
    own = urlsplit(shop.brand.base_url)
    if headers.get("origin", "") not in {*shop.statement.origins, f"{own.scheme}://{own.netloc}"}:
        raise Refusal(Kind.ORIGIN)
    if headers.get("sec-gpc") == "1" or headers.get("dnt") == "1":
        raise Refusal(Kind.PRIVACY_SIGNAL)


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
        "tick": words.say("Tick what you want first, or say no."),
        "shows": shows(brand, terms, words),
    }
