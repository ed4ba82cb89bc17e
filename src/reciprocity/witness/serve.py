"""The process of a witness: `POST /add-checkpoint` for logs, `GET /` for people.

Nothing here is secret but the key: whoever asks gets the same answers. Put a server that speaks
TLS before it. Several processes may serve one folder.
"""

import logging
import sys
import time
from collections.abc import Callable
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Final

import uvicorn
from anyio.to_thread import run_sync
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.response.base import ASGIResponse

from reciprocity.errors import ReciprocityError
from reciprocity.tlog.submission import MAX_BYTES
from reciprocity.witness.folder import known_logs, open_key, open_state
from reciprocity.witness.listening import listen, url_of
from reciprocity.witness.state import Remembered
from reciprocity.witness.witness import Answer, Witness

__all__ = ["make_app", "now_ms", "run"]

_HTML: Final = "text/html; charset=utf-8"
_GRACE_S: Final = 10
_MOST_AT_ONCE: Final = 256
_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
}
_log = logging.getLogger("reciprocity.witness")

AnyRequest = Request[object, object, State]


def now_ms() -> int:
    """The machine's clock, in ms since 1970 UTC: what is handed in as `clock` outside tests."""
    return time.time_ns() // 1_000_000


def run(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 8081,
    announce: Callable[[str], None] = lambda _url: None,
    clock: Callable[[], int] = now_ms,
) -> None:
    """Serve the witness in *folder* until the process is told to end; open requests are answered.

    *announce* is told the address once connections are taken (a *port* of 0 is any free one).
    Raises `InputError` for a folder without a witness, `Unavailable` when its state or the port
    cannot be had.
    """
    known_logs(folder)
    key = open_key(folder)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    with closing(open_state(folder, key)) as state, listen(host, port, _MOST_AT_ONCE) as listening:
        config = uvicorn.Config(
            make_app(Witness(folder, key, state, clock)),
            log_config=None,
            log_level="warning",
            access_log=False,  # nobody's address is wanted
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            http="h11",  # it bounds the head by itself
            limit_concurrency=_MOST_AT_ONCE,
            timeout_graceful_shutdown=_GRACE_S,
        )
        announce(url_of(listening))
        uvicorn.Server(config).run(sockets=[listening])


def make_app(witness: Witness) -> Litestar:
    """The application that serves *witness*."""
    return Litestar(
        [add_checkpoint, about],
        state=State({"witness": witness}),
        request_max_body_size=MAX_BYTES,
        logging_config=None,
        openapi_config=None,
    )


@post("/add-checkpoint", status_code=200)
async def add_checkpoint(request: AnyRequest, state: State) -> ASGIResponse:
    """Cosign a checkpoint, or say why not."""
    body = await request.body()
    return _response(await run_sync(_add, state.witness, body))


def _add(witness: Witness, body: bytes) -> Answer:
    try:
        answer = witness.add_checkpoint(body)
    except ReciprocityError as error:
        _log.error("nothing was cosigned: %s", error)
        return Answer(503, b"nothing was cosigned: the log of this server says why\n")
    _log.info("add-checkpoint: %d", answer.status)
    return answer


@get("/")
async def about(state: State) -> ASGIResponse:
    """What this is, for people."""
    return _response(await run_sync(_about, state.witness))


def _about(witness: Witness) -> Answer:
    try:
        logs = witness.logs()
    except ReciprocityError as error:
        _log.error("logs cannot be told: %s", error)
        return Answer(503, b"the logs cannot be told: the log of this server says why\n")
    rows = "".join(_row(origin, *told) for origin, told in logs.items())
    key = escape(witness.verifier_key.encode())
    return Answer(200, _PAGE.format(key=key, rows=rows).encode(), _HTML)


def _row(origin: str, last: Remembered, splits: int) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(last.cosigned_at))
    when = at if last.cosigned_at else "never"
    split = f"<strong>yes, {splits} times</strong>" if splits else "no"
    cells = (escape(origin), str(last.size), f"<code>{last.root.hex()}</code>", when, split)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>\n"


_PAGE: Final = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A witness of public logs</title></head><body>
<h1>A witness of public logs</h1>
<p>It vouches that each log below has one history and only ever adds to it. It does not read what a
log holds, and does not say that it is true. Logs ask it under <code>add-checkpoint</code>
(C2SP tlog-witness).</p>
<p>Its key, for policies: <code>{key}</code></p>
<table><tr><th>log</th><th>size</th><th>root</th><th>last cosigned</th>
<th>was a second history shown?</th></tr>
{rows}</table></body></html>
"""


def _response(answer: Answer) -> ASGIResponse:
    headers = {**_HEADERS, "content-type": answer.content_type}
    return ASGIResponse(body=answer.body, status_code=answer.status, headers=headers)
