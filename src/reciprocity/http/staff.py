"""`/staff/ID`: what a person says to our staff, on the phone, on paper or at the counter.

`GET` shows the words to read out or to hand over, and a form; `POST` records what was said, in the
name of whoever's key is given with it: no cookie and no sign-in, so nothing stays open on a shared
till. An address that was only told is not shown to be theirs: what wants confirming waits for that.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from litestar import Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from reciprocity.brand import CONFIRMATION, BrandStatement
from reciprocity.collect.proposition import Terms, asked_on_site, terms_of
from reciprocity.collect.shown import waiting_for_proof
from reciprocity.consent.draft import Saying, grant, request, withdraw
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.decide.statements import statements_in_force
from reciprocity.errors import Conflict, InputError
from reciprocity.http.api.counter import AnyRequest, Counter
from reciprocity.http.api.keys import ApiKey, Scope
from reciprocity.http.frame import answer, render, threaded
from reciprocity.http.limit import network_of
from reciprocity.http.problem import Refusal
from reciprocity.http.reading import fields, reader
from reciprocity.http.speech import mark, speech
from reciprocity.http.telling import Telling
from reciprocity.model import Id, Level
from reciprocity.platform import Reciprocity
from reciprocity.vault.people import EMAIL, register

if TYPE_CHECKING:
    from reciprocity.http.desk import Desk
    from reciprocity.http.way_in import Asking

__all__ = ["staff_router"]

METHODS: Final = {
    "phone": mark("On the phone"),
    "paper": mark("On paper"),
    "counter": mark("At the counter"),
}
"""How it was said: the method that the record has, and its words."""
_PLACE: Final = "staff"


def staff_router() -> Router:
    """The routes; `desk`, `counter` and `asking` are in the application's state."""
    return Router("/staff", route_handlers=[form, record], include_in_schema=False)


@get("/{name:str}")
async def form(name: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """The words to read out, and the form; changes nothing."""
    brand, language = await reader(request, state)
    desk: Desk = state.desk
    return await threaded(lambda: _page(desk.shop(), brand, name, language))


@post("/{name:str}", status_code=200)
async def record(name: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """Record what was said, in the name of the key in the form; answers once it is durable."""
    brand, language = await reader(request, state)
    told, network = await fields(request), network_of(request)
    desk: Desk = state.desk
    counter: Counter = state.counter
    asking: Asking = state.asking

    def work() -> Response[str]:
        shop, say = desk.shop(), speech(language).say
        again = partial(_page, shop, brand, name, language)
        try:
            key = counter.admit(f"Bearer {told.get('key', '')}", Scope.CONSENT_WRITE, network)
        except Refusal as refusal:
            return again(say("This key may not record anything."), refusal.kind.status)
        try:
            line = _recorded(shop, key, told, _terms(shop, name, language), asking)
        except InputError:
            return again(say("That was not complete. Nothing was recorded."), 400)
        return again(say(line))

    return await threaded(work)


# --- what is recorded -----------------------------------------------------------------------------


def _recorded(
    shop: Reciprocity, key: ApiKey, told: Mapping[str, str], terms: Terms, asking: "Asking"
) -> str:
    """What to say of it once it is recorded; raises `InputError` where something is missing."""
    method, said = told.get("method", ""), told.get("answer", "")
    if method not in METHODS or told.get("notice") != terms.notice:
        raise InputError("form does not say how it was said, or shows words of before")
    if said == "no":
        return mark("Nothing was recorded, and nothing is sent to them.")
    if said == "back":
        slot = _known(shop, told)
        saying = shop.saying(key.actor, method, place=_PLACE)
        shop.act(slot, lambda: withdraw(saying, shop.wishes(slot)))
        return mark("Recorded: everything is taken back.")
    asked = shop.statement.propositions[terms.proposition]
    wanted = [name for name in (*asked.purposes, *asked.behaviours) if f"yes.{name}" in told]
    if said != "yes" or not wanted:
        raise InputError("form does not say what they said yes to")
    slot = _person(shop, key, told)
    saying = shop.saying(
        key.actor, method, place=_PLACE, notice=terms.notice, notice_language=terms.language
    )
    topics = {name: 2 for name in asked.topics if f"topic.{name}" in told}
    if not _granted(shop, slot, saying, wanted, topics):
        return mark("Recorded: their yes counts.")
    asking.for_person(slot, CONFIRMATION)
    return mark("Recorded. A mail asks them to confirm; until then it does not count.")


def _names(told: Mapping[str, str]) -> list[str]:
    """How the form calls the person: by number, by address, or by both."""
    number, address = told.get("number", "").strip(), told.get("address", "").strip()
    return [name for name in (f"id:{number}" if number else "", address) if name]


def _known(shop: Reciprocity, told: Mapping[str, str]) -> int:
    """The slot of the person whom the form names; `InputError` if nobody is known by it."""
    for name in _names(told):
        try:
            return shop.find(name)
        except InputError:
            continue
    raise InputError("person is not known, or not named")


def _person(shop: Reciprocity, key: ApiKey, told: Mapping[str, str]) -> int:
    """The slot of the person whom the form names, made known if they are not."""
    try:
        return _known(shop, told)
    except InputError:
        if not _names(told):
            raise
    address, channels = told.get("address", "").strip(), shop.statement.channels
    mail = next((channel for channel, one in channels.items() if one.kind == EMAIL), "")
    try:
        return register(
            shop.journal, shop.statement, actor=key.actor, method=told["method"],
            external_id=told.get("number", "").strip(),
            addresses={mail: address} if address and mail else {},
        ).slot  # fmt: skip
    except Conflict:  # in this very moment, by somebody else
        return _known(shop, told)


def _granted(
    shop: Reciprocity, slot: int, saying: Saying, wanted: Sequence[Id], topics: Mapping[Id, Level]
) -> bool:
    """Record the yes, and what they like; True if some of it waits to be confirmed.

    An address that was only told could be somebody else's: a yes on it waits for its mail.
    """
    brand, wishes = shop.statement, shop.wishes(slot)
    told = {channel for channel, point in wishes.points.items() if not point.confirmed}
    waits = [
        name
        for name in wanted
        if name in waiting_for_proof(brand, wishes, wanted)
        or (name in brand.purposes and told.intersection(brand.purposes[name].channels))
    ]
    at_once = [name for name in wanted if name not in waits]
    if at_once:
        shop.act(slot, lambda: grant(saying, at_once))
    if waits:
        shop.act(slot, lambda: request(saying, waits))
    if topics:
        shop.act(slot, lambda: prefer(saying, Preferences(topics=dict(topics))))
    return bool(waits)


# --- the page -------------------------------------------------------------------------------------


def _terms(shop: Reciprocity, name: str, language: str) -> Terms:
    stated = statements_in_force(shop.journal)
    if name not in stated.brand.propositions or asked_on_site(stated.brand, name):
        raise NotFoundException
    return terms_of(stated.brand, stated.laws, name, language)[0]


def _page(
    shop: Reciprocity,
    brand: BrandStatement,
    name: str,
    language: str,
    told: str = "",
    status: int = 200,
) -> Response[str]:
    """The words and the form; with *told*, what came of the form before."""
    terms, words = _terms(shop, name, language), speech(language)
    asked = brand.propositions[name]
    return answer(status, render(
        "staff", brand, language, terms=terms, told=told, bad=status != 200,  # noqa: PLR2004
        asked=[
            *zip(asked.purposes, terms.purposes, strict=True),
            *zip(asked.behaviours, terms.behaviours, strict=True),
        ],
        topics=asked.topics,
        telling=Telling(words, brand, brand.time_zone),
        methods=[(method, words.say(text)) for method, text in METHODS.items()],
    ))  # fmt: skip
