"""The web application: the page that every message must have, to stop it, and the public log.

`GET /u/{token}` shows what would stop and changes nothing, so that a mail scanner which follows
links stops nobody. `POST` with `List-Unsubscribe=One-Click` stops it (RFC 8058): no cookie, no
sign-in, the same answer the second time and after erasure. It works while the keys are out of
reach (`http/desk.py`).
"""

import logging
from typing import Final

from anyio.to_thread import run_sync
from litestar import Litestar, MediaType, Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from reciprocity.errors import InputError, ReciprocityError
from reciprocity.http import page
from reciprocity.http.api.clerk import Clerk
from reciprocity.http.api.counter import EACH_SECOND, Counter
from reciprocity.http.api.keys import Scope
from reciprocity.http.api.lane import Lane
from reciprocity.http.api.routes import api_router
from reciprocity.http.buckets import OwnRooms, Room, Rooms
from reciprocity.http.desk import Desk
from reciprocity.http.entry import entry_router
from reciprocity.http.events import WriteKey, events_limit, events_router, no_write_key
from reciprocity.http.frame import answer, headers, static_file
from reciprocity.http.join import JoinPages, join_router
from reciprocity.http.less import less_router
from reciprocity.http.log_files import LogFiles, log_router
from reciprocity.http.me import me_router
from reciprocity.http.metrics import Metrics, metrics
from reciprocity.http.own_page import OwnPage
from reciprocity.http.pace import paced, page_limit
from reciprocity.http.problem import Kind, Refusal, refused
from reciprocity.http.prompt import Prompts, prompt_router
from reciprocity.http.public import PublicFigures, public_router
from reciprocity.http.sdk import sdk_router
from reciprocity.http.site import site_limit
from reciprocity.http.slots import slots_router
from reciprocity.http.speech import choose_language
from reciprocity.http.staff import staff_router
from reciprocity.http.visits import Visits
from reciprocity.http.way_in import Asking, Door

__all__ = ["make_app"]

MOST_BODY_BYTES: Final = 4_096
MOST_PARTS: Final = 8
_FIELD: Final = "List-Unsubscribe"
_ONE_CLICK: Final = "One-Click"
_log = logging.getLogger(__name__)

AnyRequest = Request[object, object, State]


@get("/u/{token:str}")
async def show(token: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """What would stop; changes nothing."""
    return await run_sync(_show, state.desk, token, _accepted(request))


def _accepted(request: AnyRequest) -> str:
    return request.headers.get("accept-language", "")


def _show(desk: Desk, token: str, accepted: str) -> Response[str]:
    brand = desk.brand()
    language = choose_language(accepted, brand.language)
    try:
        link = desk.link(token)
    except InputError:
        return answer(404, page.unknown_page(brand, language))
    return answer(200, page.ask_page(brand, link, language))


@post("/u/{token:str}", status_code=200)
async def stop(token: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """Stop, if the body says `List-Unsubscribe=One-Click`."""
    desk: Desk = state.desk
    if not await _says_one_click(request):
        brand = await run_sync(desk.brand)
        language = choose_language(_accepted(request), brand.language)
        return answer(400, page.incomplete_page(brand, language))
    return await run_sync(_stop, desk, token, _accepted(request))


async def _says_one_click(request: AnyRequest) -> bool:
    try:
        form = await request.form()
    except (ValueError, LookupError):  # bytes that are no text, a charset that does not exist
        return False
    return form.getall(_FIELD, []) == [_ONE_CLICK]


def _stop(desk: Desk, token: str, accepted: str) -> Response[str]:
    brand = desk.brand()
    language = choose_language(accepted, brand.language)
    try:
        link = desk.link(token)
    except InputError:
        return answer(404, page.unknown_page(brand, language))
    try:
        desk.stop(link)
    except ReciprocityError as error:
        _log.error("withdrawal could not be stored: %s", error)
        return answer(503, page.not_stored_page(brand, language))
    return answer(200, page.done_page(desk.brand(), link, language))


@get("/healthz")
async def healthy() -> Response[str]:
    """The process answers."""
    return _plain(200, "ok\n")


@get("/readyz")
async def ready(state: State) -> Response[str]:
    """Keys and journal can be read; withdrawals are taken even if not."""
    return await run_sync(_ready, state.desk)


def _ready(desk: Desk) -> Response[str]:
    try:
        desk.check()
    except ReciprocityError as error:
        _log.warning("not ready: %s", error)
        return _plain(503, "not ready: the log of this server says why; withdrawals are taken\n")
    return _plain(200, "ready\n")


def _plain(status: int, text: str) -> Response[str]:
    return Response(text, status_code=status, media_type=MediaType.TEXT, headers=headers())


def _of_api(request: AnyRequest) -> bool:
    return f"{request.url.path}/".startswith("/v1/")


def _refused(request: AnyRequest, error: HTTPException) -> Response[str] | Response[bytes]:
    """A page for what the framework refuses: no such path or method, a body that is no form."""
    if _of_api(request):
        return refused(error)
    brand = request.app.state.desk.brand()
    language = choose_language(_accepted(request), brand.language)
    shown = page.no_page if error.status_code in {404, 405} else page.incomplete_page
    return answer(error.status_code, shown(brand, language), error.headers)


def _out_of_reach(request: AnyRequest, error: ReciprocityError) -> Response[str] | Response[bytes]:
    """The journal cannot even be read; nothing was changed."""
    if _of_api(request):
        _log.error("program could not be answered: %s", error)
        return refused(Refusal(Kind.UNAVAILABLE))
    _log.error("link could not be looked up: %s", error)
    brand = request.app.state.desk.brand()
    return answer(503, page.not_stored_page(brand, choose_language(_accepted(request))))


def _refused_program(_request: AnyRequest, error: Refusal) -> Response[bytes]:
    return refused(error)


def _failed(request: AnyRequest, error: Exception) -> Response[str] | Response[bytes]:
    _log.error("request failed", exc_info=error)
    if _of_api(request):
        return refused(error)
    brand = request.app.state.desk.brand()
    return answer(500, page.failed_page(brand, choose_language(_accepted(request))))


def make_app(
    desk: Desk,
    write_key: WriteKey = no_write_key,
    key_rate: float = EACH_SECOND,
    counted: Metrics | None = None,
    rooms: Rooms | None = None,
) -> Litestar:
    """The application that serves *desk*; it closes the desk when it stops.

    An API key may make *key_rate* requests a second; *counted* is what `/metrics` tells.
    *write_key* knows keys with which the brand's own servers report events, besides its API keys.
    *rooms* has the buckets of all limits; they are those of this process, unless it is told.
    """
    rooms = rooms or OwnRooms()
    visits, asking = Visits(desk.folder, desk.clock), Asking(desk, rooms)
    counter = Counter(desk, key_rate, rooms)
    state = {
        "desk": desk,
        "log": LogFiles(desk.folder),
        "asking": asking,
        "join": JoinPages(),
        "figures": PublicFigures(),
        "prompts": Prompts(rooms.of(Room.PROMPTS)),
        "page_limit": page_limit(rooms),
        "events_limit": events_limit(rooms),
        "slots_limit": site_limit(rooms.of(Room.SITES)),
        "counter": counter,
        "metrics": counted or Metrics(desk.folder),
        "clerk": Clerk(counter, asking),
        "lane": Lane(desk.at_hand),
        "door": Door(desk, visits),
        "page": OwnPage(desk.shop, visits, asking),
        "write_key": lambda key: write_key(key) or counter.knows(key, Scope.EVENTS_WRITE),
    }
    return Litestar(
        [
            *(show, stop, healthy, ready, metrics, static_file),
            Router(
                "",
                route_handlers=[entry_router(), join_router(), me_router(), staff_router()],
                before_request=paced,
            ),
            *(log_router(), less_router(), public_router(), prompt_router(), sdk_router()),
            *(api_router(), events_router(), slots_router()),
        ],
        state=State(state),
        on_shutdown=[asking.close, counter.close, visits.close, desk.close],
        request_max_body_size=MOST_BODY_BYTES,
        multipart_form_part_limit=MOST_PARTS,
        exception_handlers={
            HTTPException: _refused,
            Refusal: _refused_program,
            ReciprocityError: _out_of_reach,
            Exception: _failed,
        },
        logging_config=None,  # the framework would log the path of what failed: a secret
        openapi_config=None,
    )
