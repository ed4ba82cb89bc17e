"""Which database a folder's rows lie in: its own files, or those of `database.toml`.

    url = "postgresql://reciprocity@db.example/reciprocity"
    schemas = "shop"

The schemas are then `shop__journal`, `shop__keys` and so on. A password does not belong in it, and
is refused: PostgreSQL's own password file has a place for it (`~/.pgpass`, or PGPASSFILE).
"""

import os
import re
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from reciprocity.errors import InputError

__all__ = ["FILE", "SHARED", "Place", "arriving", "checked", "place_of", "settle"]

FILE: Final = "database.toml"
SHARED: Final = ("journal", "keys", "standing", "observed", "visits", "api_keys", "cosigned")
"""What all servers of a brand must see alike; any other database is a cache of one machine."""
_URL: Final = re.compile(r"postgres(?:ql)?://\S+")
_SCHEMAS: Final = re.compile(r"(?=.{1,40}$)[a-z][a-z0-9]*(?:_[a-z0-9]+)*(?!\n)")
_ARRIVING: Final = "__arriving"
_KEYS: Final = frozenset({"url", "schemas"})


class Place(NamedTuple):
    """A PostgreSQL database, and what the names of a brand's schemas in it begin with.

    No two brands have a schema in common: what comes before the first `__` is one of them.
    """

    url: str
    schemas: str

    def schema(self, name: str) -> str:
        """The schema of the database *name*, one of `SHARED`."""
        return f"{self.schemas}__{name}"

    def lock(self, name: str) -> int:
        """The number under which PostgreSQL locks *name* for this brand (64 bit, signed)."""
        digest = sha256(f"reciprocity {self.schemas} {name}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


def arriving(place: Place) -> Place:
    """Where the rows that are to be at *place* are gathered first; no brand can be called so."""
    return Place(place.url, place.schemas + _ARRIVING)


def checked(url: str, schemas: str) -> Place:
    """The place so called; raises `InputError` where one of the two is no such thing."""
    if not _URL.fullmatch(url):
        raise InputError("database's url is none: write it as postgresql://user@host:5432/database")
    told = urlsplit(url)
    if told.password is not None or "password" in parse_qs(told.query):
        raise InputError("database's url has a password in it: keep that in ~/.pgpass")
    if not _SCHEMAS.fullmatch(schemas):
        raise InputError(
            "database's schemas need a name of up to 40 small letters, digits and single _ "
            "between them, a letter first"
        )
    return Place(url, schemas)


def place_of(folder: Path) -> Place | None:
    """The place that *folder* names, None if its rows lie in files of its own.

    Raises `InputError` for a `database.toml` that says something else.
    """
    path = folder / FILE
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    if said.keys() != _KEYS or not all(isinstance(value, str) for value in said.values()):
        raise InputError(f"{path} must have url and schemas, both text, and nothing else")
    place = checked(said["url"], said["schemas"].removesuffix(_ARRIVING))
    return arriving(place) if said["schemas"].endswith(_ARRIVING) else place


def settle(folder: Path, place: Place) -> None:
    """Let the rows of *folder* lie at *place* from here on; durable when it returns."""
    path, new = folder / FILE, folder / f"{FILE}.new"
    text = (
        "# Where this brand's rows lie. No password in here: PostgreSQL reads ~/.pgpass.\n"
        f'url = "{place.url}"\n'
        f'schemas = "{place.schemas}"\n'
    )
    new.touch(mode=0o600)
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
