"""Law packs: what a body of law adds to the rules, kept as data in `laws/*.toml`.

They are a starting point written in good faith, not legal advice; each names its source.
"""

import tomllib
from collections.abc import Iterable
from importlib.resources import files

import msgspec

from reciprocity.brand.declared import LawPack
from reciprocity.brand.reader import suggest
from reciprocity.errors import InputError

__all__ = ["known_laws", "law_packs"]


def known_laws() -> tuple[str, ...]:
    """The names of the law packs that come with this release, in order.

    >>> known_laws()
    ('baseline', 'ca', 'eu', 'uk', 'us')
    """
    names = (entry.name for entry in files("reciprocity").joinpath("laws").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def law_packs(names: Iterable[str]) -> tuple[LawPack, ...]:
    """The law packs called *names*, in that order; the strictest value of all of them holds.

    Raises `InputError` for a name that is not known.
    """
    return tuple(map(_law_pack, names))


def _law_pack(name: str) -> LawPack:
    if name not in known_laws():
        raise InputError(f"law pack {name!r} is not known: {suggest(name, known_laws())}")
    text = files("reciprocity").joinpath("laws", f"{name}.toml").read_text("utf-8")
    return msgspec.convert({"name": name, **tomllib.loads(text)}, LawPack)
