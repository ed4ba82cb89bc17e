"""The server: on one address, with an access log that keeps the links secret."""

import logging
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn

from reciprocity.http.access import logged
from reciprocity.http.api.counter import EACH_SECOND
from reciprocity.http.api.quick import quick
from reciprocity.http.api.routes import MOST_BYTES
from reciprocity.http.app import make_app
from reciprocity.http.buckets import Rooms
from reciprocity.http.desk import Desk
from reciprocity.http.events import WriteKey, no_write_key
from reciprocity.http.metrics import Metrics
from reciprocity.http.wire import BoundedProtocol
from reciprocity.http.workers import serve_by
from reciprocity.journal.journal import now_ms
from reciprocity.witness.listening import listen, url_of

__all__ = ["run", "serve_on"]

_GRACE_S: Final = 10
_BACKLOG: Final = 512
_faults = logging.getLogger(__name__)


def run(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 8080,
    announce: Callable[[str], None] = lambda _url: None,
    clock: Callable[[], int] = now_ms,
    *,
    write_key: WriteKey = no_write_key,
    key_rate: float = EACH_SECOND,
    workers: int = 1,
) -> None:
    """Serve the brand in *folder* until the process is told to end; open requests are answered.

    *announce* is told the address once connections are taken (a *port* of 0 is any free one).
    *write_key* knows the keys with which the brand's own servers report events; none, by default.
    An API key may make *key_rate* requests a second. Several *workers* are processes of their own,
    which know neither *clock* nor *write_key*.
    Raises `InputError` for a brand without a journal or a host that is none, `Unavailable` when
    the port is taken. Anybody may reach what is served here; put a server that speaks TLS before.
    """
    if workers == 1:
        with listen(host, port, _BACKLOG) as listening:
            serve_on(listening, folder, announce, clock, write_key=write_key, key_rate=key_rate)
        return
    Desk(folder, clock).close()  # what stands in the way is said once, and here
    with listen(host, port, _BACKLOG) as listening:
        told = partial(announce, url_of(listening))
        serve_by(workers, listening, folder.resolve(), key_rate, told)


def serve_on(
    listening: socket.socket,
    folder: Path,
    announce: Callable[[str], None],
    clock: Callable[[], int] = now_ms,
    *,
    write_key: WriteKey = no_write_key,
    key_rate: float = EACH_SECOND,
    rooms: Rooms | None = None,
) -> None:
    """As `run` with one worker, on a socket that listens; *rooms* are those of `make_app`."""
    desk = Desk(folder, clock)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    counted = Metrics(desk.folder)
    app = make_app(desk, write_key, key_rate, counted, rooms)
    config = uvicorn.Config(
        logged(quick(app, MOST_BYTES, _failed), counted),
        log_config=None,
        log_level="warning",
        access_log=False,  # it would log whole paths
        server_header=False,
        proxy_headers=False,  # nobody's address is wanted
        lifespan="on",
        http=BoundedProtocol,
        timeout_graceful_shutdown=_GRACE_S,
    )
    announce(url_of(listening))
    uvicorn.Server(config).run(sockets=[listening])


def _failed(error: Exception) -> None:
    _faults.error("program could not be answered: %s", error, exc_info=error)
