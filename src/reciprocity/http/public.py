"""What anybody may read of a brand: what is here, its promises and their figures, its notices, GPC.

`/promises` says of each promise what the log has, failures first, and "not yet measured" where it
has nothing. Nothing here is about one person, nothing needs a cookie, nothing writes.
"""

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import MediaType, Response, Router, get
from litestar.datastructures import State as AppState
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from msgspec import Struct

from reciprocity.brand import notice_hash
from reciprocity.collect.proposition import asked_on_site, notices_of
from reciprocity.events import Stated
from reciprocity.http.frame import answer, headers, render, threaded
from reciprocity.http.reading import AnyRequest, reader
from reciprocity.http.scorecard import told_promises
from reciprocity.http.speech import speech
from reciprocity.http.telling import Telling
from reciprocity.platform import RULE, Figures, Reciprocity, read_scorecard

if TYPE_CHECKING:
    from reciprocity.http.desk import Desk

__all__ = ["PublicFigures", "public_router"]

_FRESH_MS: Final = 10_000


class Notice(Struct, frozen=True, kw_only=True):
    """One version of a notice, in one language: its id is its hash."""

    id: str
    name: str
    language: str
    text: str
    position: int
    at: int
    in_force: bool


class _Words(Struct):
    id: str
    language: str
    text: str


class PublicFigures:
    """The figures of `/promises`, read from the log at most once in ten seconds."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._read: tuple[str, int, int, Figures] | None = None

    def of(self, shop: Reciprocity) -> Figures:
        """The figures of *shop*, of now or of ten seconds ago at most."""
        journal = shop.journal
        with self._lock:
            state, now = journal.state(), journal.clock()
            if self._read is not None:
                origin, size, at, found = self._read
                if origin == state.origin and at <= now < at + _FRESH_MS and size <= state.size:
                    return found
            found = read_scorecard(journal)
            self._read = state.origin, state.size, now, found
            return found


def public_router() -> Router:
    """The routes; `desk` and `figures` are in the application's state."""
    return Router(
        "/",
        route_handlers=[home, promises, promises_json, notices, notice, gpc],
        include_in_schema=False,
    )


@get("/")
async def home(request: AnyRequest, state: AppState) -> Response[str]:
    """What there is here: what is asked, one's own page, the promises, the notices, the proofs."""
    brand, language = await reader(request, state)
    asked = [
        (name, told.title)
        for name, told in brand.propositions.items()
        if not asked_on_site(brand, name)
    ]
    return answer(200, await threaded(lambda: render("home", brand, language, asked=asked)))


@get("/promises")
async def promises(request: AnyRequest, state: AppState) -> Response[str]:
    """The five promises with the figures that the log has, failures first."""
    brand, language = await reader(request, state)
    desk: Desk = state.desk
    known: PublicFigures = state.figures

    def work() -> Response[str]:
        figures = known.of(desk.shop())
        telling = Telling(speech(language), brand, brand.time_zone)
        return answer(200, render(
            "promises", brand, language, found=told_promises(figures, telling), figures=figures,
            moment=telling.moment(figures.at),
        ))  # fmt: skip

    return await threaded(work)


@get("/promises.json")
async def promises_json(state: AppState) -> Response[bytes]:
    """The same for machines: each statement as it stands in the log, with its position."""
    desk: Desk = state.desk
    known: PublicFigures = state.figures
    return await threaded(lambda: _json(_for_machines(known.of(desk.shop()))))


def _for_machines(found: Figures) -> dict[str, Any]:
    def placed(told: tuple[int, int, Any] | None) -> dict[str, Any] | None:
        return {"position": told[0], "at": told[1], "said": told[2]} if told else None

    return {
        "origin": found.origin,
        "size": found.size,
        "at": found.at,
        "promises": {
            "safe": "not_measured",
            "never_sold_or_rented": "not_measured",
            "preferences_rule": found.preferences_rule,
            "worth_it": found.worth_it,
            "proved": found.proved,
        },
        "rule": RULE,
        "audit": placed(found.audit),
        "full_audit": placed(found.full),
        "missed_audits": found.missed,
        "epoch": placed(found.epoch),
        "scorecard": placed(found.scorecard),
        "cosigned": found.cosigned,
        "erased": found.erased,
    }


@get("/notices")
async def notices(request: AnyRequest, state: AppState) -> Response[str]:
    """Every notice that was ever in force, newest first."""
    brand, language = await reader(request, state)
    desk: Desk = state.desk

    def work() -> Response[str]:
        telling = Telling(speech(language), brand, brand.time_zone)
        found = _notices(desk.shop())
        return answer(200, render("notices", brand, language, found=found, telling=telling))

    return await threaded(work)


@get("/notices/{id:str}")
async def notice(id: FromPath[str], request: AnyRequest, state: AppState) -> Response[str]:  # noqa: A002
    """One version of one notice, as it was shown."""
    brand, language = await reader(request, state)
    desk: Desk = state.desk

    def work() -> Response[str]:
        telling = Telling(speech(language), brand, brand.time_zone)
        found = [one for one in _notices(desk.shop()) if one.id == id]
        if not found:
            raise NotFoundException
        return answer(200, render("notices", brand, language, found=found, telling=telling))

    return await threaded(work)


def _notices(shop: Reciprocity) -> list[Notice]:
    journal, brand = shop.journal, shop.statement
    forced = {
        notice_hash(name, language, text)
        for name, declared in brand.notices.items()
        for language, text in declared.text.items()
    } | {terms.notice for terms in notices_of(brand, shop.laws)}
    found = []
    for told in journal.brand_events("notice.published"):
        if not isinstance(told.body, Stated):
            continue
        words = msgspec.json.decode(told.body.body, type=_Words)
        id_ = told.body.name.partition(":")[2]
        found.append(Notice(
            id=id_, name=words.id, language=words.language, text=words.text,
            position=told.position, at=told.at, in_force=id_ in forced,
        ))  # fmt: skip
    return sorted(found, key=lambda one: -one.position)


@get("/.well-known/gpc.json")
async def gpc(state: AppState) -> Response[bytes]:
    """That Global Privacy Control is honoured here, and since when (GPC specification, 4.1)."""
    desk: Desk = state.desk

    def work() -> Response[bytes]:
        shop = desk.shop()
        stated = shop.journal.brand_events("brand.applied")
        day = datetime.fromtimestamp(stated[-1].at // 1000, UTC).date()
        return _json({"gpc": True, "lastUpdate": day.isoformat()})

    return await threaded(work)


def _json(told: dict[str, Any]) -> Response[bytes]:
    return Response(
        msgspec.json.encode(told), media_type=MediaType.JSON,
        headers={**headers(), "Access-Control-Allow-Origin": "*"},
    )  # fmt: skip
