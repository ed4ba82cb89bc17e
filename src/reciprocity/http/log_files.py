"""The log over HTTP: the files of `log export`, made from the journal (C2SP tlog-tiles).

Public, without keys and without sign-in: anybody may mirror it, and any page may read it, so that
a verifier hosted elsewhere can. What never changes may be cached for ever; the checkpoint, which
does, for a moment only.
"""

import threading
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from anyio.to_thread import run_sync
from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from reciprocity.errors import ProofError, Unavailable
from reciprocity.journal.log_reader import LogReader
from reciprocity.prove.own_keys import keys_of
from reciprocity.prove.page import verifier_page
from reciprocity.storage import connect
from reciprocity.tlog.tiles import TILE_WIDTH, TilePath, encode_entries, tile_width

__all__ = ["LogFiles", "log_router"]

FOR_EVER: Final = "public, max-age=31536000, immutable"
FOR_A_MOMENT: Final = "public, max-age=2, must-revalidate"
_TEXT: Final = "text/plain"  # the framework adds the character set
_BYTES: Final = "application/octet-stream"


class LogFiles:
    """The log of the brand in one folder, as files; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        """Read the journal in *folder*."""
        self._journal = folder / "journal.db"
        self._at_once = threading.Semaphore(8)

    def checkpoint(self) -> bytes:
        """The newest signed checkpoint."""
        return self._read(lambda log: _state(log)[1])

    def keys(self) -> bytes:
        """The verifier keys the log says it signs with, the newest first, a line each."""
        return "".join(f"{key}\n" for key in keys_of(self._journal)).encode()

    def tile(self, path: str) -> bytes:
        """The tile or entry bundle at *path*; raises `ProofError` for one there is not (yet)."""
        place = TilePath.parse(path)

        def read(log: LogReader) -> bytes:
            size, _ = _state(log)
            if tile_width(place.level or 0, place.index, size) < place.width:
                raise ProofError("tile path: the log is not that long")
            if place.level is None:
                start = place.index * TILE_WIDTH
                return encode_entries(log.leaves(start, start + place.width))
            return log.read_tile()(place.level, place.index, place.width)

        return self._read(read)

    def _read(self, read: Callable[[LogReader], bytes]) -> bytes:
        with self._at_once, closing(connect(self._journal, durable=True)) as db:
            log = LogReader(db)
            with log.snapshot():
                return read(log)


def _state(log: LogReader) -> tuple[int, bytes]:
    state = log.state()
    if state is None:
        raise Unavailable("log is not opened yet: run `reciprocity apply`")
    return state.size, state.checkpoint


@get("/checkpoint")
async def checkpoint(state: State) -> Response[bytes]:
    """What is signed now."""
    return _answer(await run_sync(state.log.checkpoint), _TEXT, FOR_A_MOMENT)


@get("/key")
async def key(state: State) -> Response[bytes]:
    """The keys that sign; better had from somebody else."""
    return _answer(await run_sync(state.log.keys), _TEXT, FOR_A_MOMENT)


@get("/tile/{path:path}")
async def tile(path: FromPath[str], state: State) -> Response[bytes]:
    """A tile, or a bundle of entries."""
    try:
        data = await run_sync(state.log.tile, f"tile{path}")
    except ProofError as error:
        raise NotFoundException from error
    return _answer(data, _BYTES, FOR_EVER)


@get("/verify")
async def verify() -> Response[str]:
    """The page that checks proofs in the browser; whoever trusts us less keeps a copy of theirs."""
    headers = {"Cache-Control": FOR_A_MOMENT, "Referrer-Policy": "no-referrer",
               "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}  # fmt: skip
    return Response(_page(), media_type="text/html", headers=headers)


@cache
def _page() -> str:
    return verifier_page()


def _answer(data: bytes, kind: str, kept: str) -> Response[bytes]:
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": kept,
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, media_type=kind, headers=headers)


def log_router() -> Router:
    """The log below `/log`, and `/verify`; `LogFiles` are in the application's state as `log`."""
    log = Router("/log", route_handlers=[checkpoint, key, tile])
    return Router("/", route_handlers=[log, verify])
