"""What a program may write: make a person known, and record what they said.

Every write has an `Idempotency-Key` and is answered once it is durable: what was recorded, and
what stands after it. The journal says `operator:NAME`, the name of the program's key, so that its
word is never taken for the person's own.
"""

from typing import Annotated

from litestar import Response, post
from litestar.datastructures import State
from litestar.params import FromPath, HeaderParameter

from reciprocity.http.api.clerk import Asked, Clerk, Recorded
from reciprocity.http.api.counter import AnyRequest
from reciprocity.http.frame import headers
from reciprocity.http.limit import network_of

__all__ = ["IdempotencyKey", "act", "add"]

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        description="A fresh id for each act, such as a UUID; the same one for a retry.",
    ),
]


@post("/people", operation_id="addPerson", status_code=201)
async def add(
    request: AnyRequest, state: State, idempotency_key: IdempotencyKey = ""
) -> Response[Recorded]:
    """Make a person known; nothing is granted by it."""
    return await _taken(201, request, state, idempotency_key, None)


@post("/people/{person:str}/acts", operation_id="recordAct", status_code=200)
async def act(
    person: FromPath[str], request: AnyRequest, state: State, idempotency_key: IdempotencyKey = ""
) -> Response[Recorded]:
    """Record what the person said; answers once no decision can be made without it."""
    return await _taken(200, request, state, idempotency_key, person)


async def _taken(
    status: int, request: AnyRequest, state: State, name: str, person: str | None
) -> Response[Recorded]:
    """Whoever has no key is told so first: the clerk lets in, whatever else is wrong."""
    clerk: Clerk = state.clerk
    told = request.headers
    asked = Asked(
        authorization=told.get("authorization", ""),
        network=network_of(request),
        media_type=told.get("content-type", ""),
        name=name,
        body=await request.body(),
        person=person,
    )
    recorded = await clerk.take(asked)
    return Response(recorded, status_code=status, media_type="application/json", headers=headers())
