"""`/join/ID`: the page of a proposition, where a person is asked, and where their yes begins.

Two equal answers. A no is answered and not kept. A yes is kept as a request, which counts for
nothing until its mail is answered: an address is nobody's until somebody has shown that it is
theirs. What is told with it is kept of a person who was not known before; of one who was, a form
that anybody could have sent changes nothing. A page that is not a fair choice is not served.
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath

from reciprocity.brand import CONFIRMATION, BrandStatement, LawPack, law_packs
from reciprocity.collect.fair_choice import Finding, check_prompt
from reciprocity.collect.preferences import Choices
from reciprocity.collect.proposition import Terms, asked_on_site, terms_of
from reciprocity.consent.draft import request, waiting
from reciprocity.consent.laws import PERSON
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.decide.statements import statements_in_force
from reciprocity.errors import Conflict, InputError
from reciprocity.http.form import read_choices
from reciprocity.http.frame import answer, render, threaded
from reciprocity.http.lately import try_page
from reciprocity.http.me import MOST_FORM_BYTES
from reciprocity.http.speech import LANGUAGES, choose_language, speech
from reciprocity.http.telling import Telling
from reciprocity.http.way_in import may_ask
from reciprocity.model import Id
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import EMAIL, read_address, register
from reciprocity.vault.profile import set_attributes

if TYPE_CHECKING:
    from reciprocity.http.desk import Desk
    from reciprocity.http.way_in import Asking

__all__ = ["JoinPages", "join_router", "unfair"]

METHOD: Final = "join_page"
_MOST_PAGES: Final = 256
_log = logging.getLogger(__name__)

AnyRequest = Request[object, object, State]


def join_router() -> Router:
    """The routes; `desk`, `join` and `asking` are in the application's state."""
    return Router(
        "/join",
        route_handlers=[ask, answered, try_page],
        request_max_body_size=MOST_FORM_BYTES,
        include_in_schema=False,
    )


def unfair(brand: BrandStatement) -> tuple[str, ...]:
    """A line for all that is unfair about each proposition's page, in every language it has.

    Of one that is asked on the brand's site it is the page that its element would be alone.
    """
    laws = law_packs(brand.laws)
    return tuple(
        f"propositions.{name}: its page in {language!r} is not a fair choice: {finding.message}"
        for name in brand.propositions
        for language in LANGUAGES
        for finding in _make(brand, laws, name, language).findings
    )


@get("/{name:str}")
async def ask(name: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """What is asked and what is given for it, with two equal answers."""
    desk: Desk = state.desk
    pages: JoinPages = state.join
    accepted = request.headers.get("accept-language", "")

    def work() -> Response[str]:
        shop = desk.shop()
        language = choose_language(accepted, shop.statement.language)
        page = pages.page(shop, _known(shop, name), language)
        if page.findings:
            _log.error("page of proposition %s is not fair: %s", name, page.findings[0].message)
            raise HTTPException(status_code=503)
        return answer(200, page.html)

    return await threaded(work)


@post("/{name:str}", status_code=200)
async def answered(name: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """Take the answer: a no is not kept, a yes waits to be confirmed by mail."""
    desk: Desk = state.desk
    asking: Asking = state.asking
    accepted = request.headers.get("accept-language", "")
    try:
        form = {str(key): str(value) for key, value in (await request.form()).items()}
    except (ValueError, LookupError) as error:
        raise HTTPException(status_code=400) from error

    def work() -> Response[str]:
        shop = desk.shop()
        brand = shop.statement
        language = choose_language(accepted, brand.language)
        terms, _ = _terms(shop, _known(shop, name), language)
        if form.get("answer") == "no":
            return _said_no(brand, language)
        told = brand.propositions[name]
        wanted = [
            one for one in (*told.purposes, *told.behaviours) if form.get(f"yes.{one}") == "1"
        ]
        if form.get("answer") != "yes" or form.get("notice") != terms.notice or not wanted:
            return _not_complete(brand, language, name)
        try:
            slot = _keep(shop, terms, wanted, form)
        except InputError:
            return _not_complete(brand, language, name)
        if not asking.for_person(slot, CONFIRMATION):
            raise HTTPException(status_code=429)
        return _almost(brand, language)

    return await threaded(work)


# --- what is kept ---------------------------------------------------------------------------------


def _keep(shop: Reciprocity, terms: Terms, purposes: list[Id], form: Mapping[str, str]) -> int:
    """Keep the request, and of a person not known before what they told; their slot.

    Raises `InputError` for an address that is none.
    """
    brand, journal = shop.statement, shop.journal
    channel = next(name for name, told in brand.channels.items() if told.kind == EMAIL)
    address = read_address(EMAIL, form.get("address", ""))
    slot = journal.find(journal.digest(EMAIL, address.canonical))
    saying = partial(
        shop.saying, PERSON, METHOD, place="page",
        notice=terms.notice, notice_language=terms.language,
    )  # fmt: skip
    new = slot is None
    if slot is None:
        try:
            slot = register(
                journal, brand, actor=PERSON, method=METHOD,
                addresses={channel: form.get("address", "")},
            ).slot  # fmt: skip
        except Conflict:  # in this very moment, by another request
            return _keep(shop, terms, purposes, form)
    if may_ask(shop, slot, CONFIRMATION):  # else it could not be confirmed
        asked = {key.rpartition("/")[0] for key in waiting(shop.wishes(slot), journal.clock())}
        if wanted := [one for one in purposes if one not in asked]:
            shop.act(slot, lambda: request(saying(), wanted))
    if new:
        _keep_told(shop, slot, terms, form)
    return slot


def _keep_told(shop: Reciprocity, slot: int, terms: Terms, form: Mapping[str, str]) -> None:
    """Topics and values that came with the yes, of those that the proposition asks for."""
    brand, told = shop.statement, shop.statement.propositions[terms.proposition]
    read = read_choices(brand, _asked_for(brand, terms.proposition), form, shop.journal.clock())
    topics = {name: level for name, level in read.choices.topics.items() if level}
    if topics:
        saying = shop.saying(PERSON, METHOD, place="page")
        shop.act(slot, lambda: prefer(saying, Preferences(topics=topics)))
    values = {name: read.choices.values[name] for name in told.attributes
              if name in read.choices.values}  # fmt: skip
    shared = {
        purpose: tuple(name for name in values if name in brand.purposes[purpose].attributes)
        for purpose in told.purposes
        if brand.purposes[purpose].attributes
    }
    if values:
        set_attributes(
            shop.journal, brand, slot, values, shared=shared, actor=PERSON, method=METHOD
        )


def _asked_for(brand: BrandStatement, name: Id) -> Choices:
    return Choices(topics=dict.fromkeys(brand.propositions[name].topics, 0))


# --- pages ----------------------------------------------------------------------------------------


class _Page(NamedTuple):
    """The page of one proposition in one language, and what is unfair about it."""

    html: str
    findings: tuple[Finding, ...]


class JoinPages:
    """The pages of a brand's propositions, each made and judged once for a brand file in force."""

    def __init__(self) -> None:
        """Begin with none."""
        self._made: dict[tuple[int, int, Id, str], _Page] = {}

    def page(self, shop: Reciprocity, name: Id, language: str) -> _Page:
        """The page of the proposition *name* as the brand file in force has it."""
        stated = statements_in_force(shop.journal)
        key = (stated.brand_at, stated.laws_at, name, language)
        if key not in self._made:
            if len(self._made) >= _MOST_PAGES:
                self._made.clear()
            self._made[key] = _make(stated.brand, stated.laws, name, language)
        return self._made[key]


def _known(shop: Reciprocity, name: str) -> Id:
    brand = shop.statement
    if name not in brand.propositions or asked_on_site(brand, name):
        raise NotFoundException
    return name


def _terms(shop: Reciprocity, name: Id, language: str) -> tuple[Terms, BrandStatement]:
    stated = statements_in_force(shop.journal)
    return terms_of(stated.brand, stated.laws, name, language)[0], stated.brand


def _make(brand: BrandStatement, laws: tuple[LawPack, ...], name: Id, language: str) -> _Page:
    """The page, made and judged."""
    terms, asked = terms_of(brand, laws, name, language)
    told = brand.propositions[name]
    telling = Telling(speech(language), brand, brand.time_zone)
    html = render(
        "join", brand, language, terms=terms, told=told, telling=telling,
        asked=[
            *((one, text, "") for one, text in zip(told.purposes, terms.purposes, strict=True)),
            *zip(told.behaviours, terms.behaviours, terms.returns, strict=True),
        ],
        by_mail=not asked_on_site(brand, name),
        attributes=[(one, brand.attributes[one]) for one in told.attributes],
    )  # fmt: skip
    return _Page(html, check_prompt(html, language=language, asked=asked))


def _said_no(brand: BrandStatement, language: str) -> Response[str]:
    say = speech(language).say
    return answer(200, render(
        "word", brand, language, title=say("All right"),
        lines=[say("Nothing was kept, and nothing is sent to you.")],
    ))  # fmt: skip


def _almost(brand: BrandStatement, language: str) -> Response[str]:
    say = speech(language).say
    return answer(200, render(
        "word", brand, language, title=say("One more step: look into your mail"),
        lines=[
            say("A mail is on its way to this address, at most two in seven days."),
            say("Your yes counts once you press its button."),
            say("Nothing else is sent to you until then."),
        ],
    ))  # fmt: skip


def _not_complete(brand: BrandStatement, language: str, name: Id) -> Response[str]:
    say = speech(language).say
    return answer(400, render(
        "word", brand, language, title=say("That was not complete"),
        lines=[say("To say yes, tick what you want and give your e-mail address."),
               say("Nothing was kept.")],
        link=(f"/join/{name}", say("Back to the page")),
    ))  # fmt: skip
