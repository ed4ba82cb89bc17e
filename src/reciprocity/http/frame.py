"""What all pages have in common: templates, the reader's language, headers, our own files.

A page loads nothing but what this server serves, runs no script that is not a file of ours, and is
kept nowhere. Files lie under an address with their hash in it, so they may be cached for ever.
"""

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, TypeVar

from anyio.to_thread import run_sync
from jinja2 import Environment, FunctionLoader, StrictUndefined
from litestar import MediaType, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from reciprocity.brand import BrandStatement
from reciprocity.http.speech import Speech, speech

__all__ = ["answer", "headers", "render", "static_file", "static_root", "threaded"]

_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "html": "text/html",
    "svg": "image/svg+xml",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_HASH_CHARACTERS: Final = 12
_Result = TypeVar("_Result")


def render(name: str, brand: BrandStatement, language: str, **values: object) -> str:
    """The page that template *name* makes of *values*, in *language*."""
    words = speech(language)
    return (
        _environment(words.language)
        .get_template(f"{name}.html.j2")
        .render(brand=brand, words=words, static=static_root(), **values)
    )


def answer(status: int, text: str, more: Mapping[str, str] | None = None) -> Response[str]:
    """An answer that is a page, with the headers of all pages and *more*."""
    told = {**headers(), **(more or {})}
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=told)


async def threaded(work: Callable[[], _Result]) -> _Result:
    """What *work* gives, done beside the server's loop: it reads files, opens and hashes."""
    return await run_sync(work)


@cache
def headers() -> dict[str, str]:
    """What every page says of itself: nothing of others, kept nowhere, framed by nobody."""
    return {
        "Content-Security-Policy": "default-src 'self'; object-src 'none'; img-src 'self' data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
        "Referrer-Policy": "no-referrer",  # the address may be a secret
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }


# --- our own files --------------------------------------------------------------------------------


@cache
def static_root() -> str:
    """The address under which our files lie: another one whenever any of them changed."""
    digest = sha256()
    for path, data in sorted(_files().items()):
        digest.update(f"{path}\0{len(data)}\0".encode() + data)
    return f"/static/{digest.hexdigest()[:_HASH_CHARACTERS]}"


@get("/static/{version:str}/{path:path}", sync_to_thread=False, include_in_schema=False)
def static_file(version: FromPath[str], path: FromPath[str]) -> Response[bytes]:
    """One of our own files; one of another release is not kept by anybody."""
    data = _files().get(path.lstrip("/"))
    if data is None:
        raise NotFoundException
    kept = _FOR_EVER if static_root() == f"/static/{version}" else "no-cache"
    told = {
        "Cache-Control": kept,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(data, media_type=_TYPES[path.rpartition(".")[2]], headers=told)


@cache
def _files() -> dict[str, bytes]:
    """Every file under `static/` that a page may load, by its path."""
    found: dict[str, bytes] = {}

    def walk(folder: Traversable, prefix: str) -> None:
        for entry in folder.iterdir():
            if entry.is_dir():
                walk(entry, f"{prefix}{entry.name}/")
            elif entry.name.rpartition(".")[2] in _TYPES:
                found[prefix + entry.name] = entry.read_bytes()

    walk(files("reciprocity") / "static", "")
    return found


# --- templates ------------------------------------------------------------------------------------


@cache
def _environment(language: str) -> Environment:
    """Jinja2 that escapes everything and speaks *language*; a name it is not given is an error."""
    words: Speech = speech(language)
    made = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(words.say, words.say_many, newstyle=True)  # type: ignore[attr-defined]
    return made


@cache
def _source(name: str) -> str | None:
    source = files("reciprocity.http") / "templates" / name
    return source.read_text("utf-8") if source.is_file() else None
