"""In front of what people send from pages: one network cannot crowd out the rest.

Only what is sent is held back, never what is looked at; and nothing that can only take away is: a
mail program's one click comes from a few machines for very many people.
"""

from typing import Final

from litestar import Request, Response
from litestar.datastructures import State

from reciprocity.http.buckets import Room, Rooms
from reciprocity.http.frame import answer, render, threaded
from reciprocity.http.limit import Limit, network_of
from reciprocity.http.speech import choose_language, speech

__all__ = ["paced", "page_limit"]

_EACH_SECOND: Final = 5
_BURST: Final = 60
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def page_limit(rooms: Rooms) -> Limit:
    """How often one network may send a form."""
    return Limit(_EACH_SECOND, _BURST, buckets=rooms.of(Room.PAGES))


async def paced(request: Request[object, object, State]) -> Response[str] | None:
    """The answer to a form that comes too soon after others; None where it may go on."""
    limit: Limit = request.app.state.page_limit
    if request.method in _SAFE or limit.takes(network_of(request)):
        return None
    brand = await threaded(request.app.state.desk.brand)
    language = choose_language(request.headers.get("accept-language", ""), brand.language)
    say = speech(language).say
    page = render(
        "word", brand, language, title=say("Please try again in a minute"),
        lines=[say("Nothing was changed.")],
    )  # fmt: skip
    return answer(429, page, {"Retry-After": "1"})
