"""`/me`: the addresses of a person's own page, entered by a link that was asked for.

Every change comes by POST with the form's code; what was done is told on the page that follows.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Final

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery, QueryParameter

from reciprocity.errors import InputError
from reciprocity.http.frame import answer, headers, threaded
from reciprocity.http.own_page import OwnPage
from reciprocity.http.reading import fields
from reciprocity.http.visits import VISIT_MS, Visit

__all__ = ["COOKIE", "MOST_FORM_BYTES", "me_router", "with_cookie"]

COOKIE: Final = "reciprocity_page"
MOST_FORM_BYTES: Final = 65_536
_MOST_SIZES: Final = 100
_MOST_SIZES_TEXT: Final = _MOST_SIZES * 17  # each lies below 2**53
_SEE_OTHER: Final = 303
_log = logging.getLogger(__name__)

AnyRequest = Request[object, object, State]


def me_router() -> Router:
    """`/me` and what lies below; an `OwnPage` is in the application's state as `page`."""
    return Router(
        "/me",
        route_handlers=[
            show,
            save,
            preview,
            stop,
            forget,
            erase,
            undo,
            close,
            proof,
            data,
            receipt,
        ],
        request_max_body_size=MOST_FORM_BYTES,
        include_in_schema=False,
    )


@get("/")
async def show(
    request: AnyRequest, state: State, done: FromQuery[str] = "", records: FromQuery[str] = ""
) -> Response[str]:
    """The page, or the way to it; `?records=all` lists every record."""
    page: OwnPage = state.page

    def work() -> Response[str]:
        visit = page.visit(request.cookies.get(COOKIE, ""))
        if visit is None:
            return _to("/enter")
        return page.show(visit, _accepted(request), done, whole=records == "all")

    return await threaded(work)


async def _changing(
    request: AnyRequest, state: State, change: Callable[[OwnPage, Visit, Mapping[str, str]], str]
) -> Response[str]:
    """Do *change*, if the form came from the visit's own page; then show what stands."""
    page: OwnPage = state.page
    form = await fields(request)

    def work() -> Response[str]:
        visit = page.visit(request.cookies.get(COOKIE, ""))
        if visit is None:
            return _to("/enter")
        if not visit.sent_from_here(form.get("code", "")):
            return page.show(visit, _accepted(request), "foreign", status=403)
        try:
            done = change(page, visit, form)
        except InputError as error:
            _log.info("form was refused: %s", error)
            return page.show(visit, _accepted(request), "refused", status=400)
        if done in {"incomplete", "moved"} or done.startswith("odd:"):
            status = 409 if done == "moved" else 400
            return page.show(visit, _accepted(request), done, status=status)
        return _to("/enter" if done == "closed" else f"/me?done={done}#told")

    return await threaded(work)


@post("/", status_code=200)
async def save(request: AnyRequest, state: State) -> Response[str]:
    """Save what was chosen."""

    def saved(page: OwnPage, visit: Visit, form: Mapping[str, str]) -> str:
        return page.save(visit, form, _accepted(request))

    return await _changing(request, state, saved)


@post("/preview", status_code=200)
async def preview(request: AnyRequest, state: State, part: FromQuery[str] = "") -> Response[str]:
    """Try what was chosen on the last month; nothing is saved."""
    form = await fields(request)
    page: OwnPage = state.page

    def work() -> Response[str]:
        visit = page.visit(request.cookies.get(COOKIE, ""))
        if visit is None:
            return _to("/enter")
        try:
            return page.preview(visit, form, _accepted(request), part=bool(part))
        except InputError as error:
            _log.info("choices cannot be tried: %s", error)
            return page.show(visit, _accepted(request), "refused", status=400)

    return await threaded(work)


@post("/stop", status_code=200)
async def stop(request: AnyRequest, state: State) -> Response[str]:
    """Stop offers and news."""
    return await _changing(request, state, lambda page, visit, _: page.stop(visit))


@post("/forget", status_code=200)
async def forget(request: AnyRequest, state: State) -> Response[str]:
    """Delete what is kept of one behaviour."""
    return await _changing(request, state, lambda page, visit, form: page.forget(visit, form))


@post("/erase", status_code=200)
async def erase(request: AnyRequest, state: State) -> Response[str]:
    """Erase, 48 hours from now."""
    return await _changing(request, state, lambda page, visit, _: page.erase(visit))


@post("/undo", status_code=200)
async def undo(request: AnyRequest, state: State) -> Response[str]:
    """Stay after all."""
    return await _changing(request, state, lambda page, visit, _: page.undo(visit))


@post("/close", status_code=200)
async def close(request: AnyRequest, state: State) -> Response[str]:
    """End the visit, here and in every other window."""

    def ended(page: OwnPage, visit: Visit, _: Mapping[str, str]) -> str:
        page.visits.end(visit.slot)
        return "closed"

    closed = await _changing(request, state, ended)
    if closed.status_code == _SEE_OTHER:
        closed.delete_cookie(COOKIE, path="/me")
    return closed


@get("/proof.json")
async def proof(
    request: AnyRequest,
    state: State,
    since: Annotated[str, QueryParameter(max_length=_MOST_SIZES_TEXT)] = "",
) -> Response[bytes]:
    """The person's proof, since the sizes of the log that they saw before."""
    told = since.split(",")[:_MOST_SIZES]
    sizes = [int(one) for one in told if one.isascii() and one.isdecimal()]
    return await _file(
        request, state, "application/json", lambda page, visit: page.proof(visit, sizes)
    )


@get("/data.zip")
async def data(request: AnyRequest, state: State) -> Response[bytes]:
    """Everything that is held on the person."""
    return await _file(request, state, "application/zip", lambda page, visit: page.data(visit))


@get("/receipt/{position:int}")
async def receipt(request: AnyRequest, state: State, position: FromPath[int]) -> Response[bytes]:
    """The receipt of one record."""
    return await _file(
        request, state, "application/json", lambda page, visit: page.receipt(visit, position)
    )


async def _file(
    request: AnyRequest, state: State, kind: str, make: Callable[[OwnPage, Visit], bytes]
) -> Response[bytes]:
    page: OwnPage = state.page

    def work() -> Response[bytes]:
        visit = page.visit(request.cookies.get(COOKIE, ""))
        if visit is None:
            raise HTTPException(status_code=401)
        try:
            return Response(make(page, visit), media_type=kind, headers=headers())
        except InputError as error:
            raise HTTPException(status_code=404) from error

    return await threaded(work)


# --- shared ---------------------------------------------------------------------------------------


def with_cookie(page: OwnPage, visit: Visit) -> Response[str]:
    """To the person's own page, with the cookie that keeps it open for them."""
    entered = _to("/me")
    entered.set_cookie(
        key=COOKIE, value=visit.secret, path="/me", httponly=True, secure=page.secure,
        samesite="lax", max_age=VISIT_MS // 1000,
    )  # fmt: skip
    return entered


def _to(path: str) -> Response[str]:
    return answer(_SEE_OTHER, "", {"Location": path})


def _accepted(request: AnyRequest) -> str:
    return request.headers.get("accept-language", "")
