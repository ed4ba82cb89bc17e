"""The words of each language that checks look for, read from `words/*.toml`.

In a phrase `…` stands for up to six words of the same sentence, and `*` for any ending. Texts are
compared without letter case, with plain quotes and spaces, and without what cannot be seen (soft
hyphens, marks of direction); Arabic also without vowel signs and with its letters in one form.
"""

# ruff: noqa: RUF001  (Arabic letters are no Latin ones)

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.brand.reader import suggest
from reciprocity.errors import InputError

__all__ = ["LANGUAGES", "Words", "finder", "plain", "words_of"]

LANGUAGES: Final = ("ar", "de", "en")

_SAME: Final = str.maketrans(
    {
        **dict.fromkeys("\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}`´", "'"),
        **dict.fromkeys("\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}„«»", '"'),
        **dict.fromkeys("\N{EN DASH}\N{EM DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}", "-"),
        **dict.fromkeys("أإآٱ", "ا"),
        "ى": "ي",
        "ة": "ه",
        "ـ": "",
        "٪": "%",
        "٫": ".",
        "٬": ",",
    }
)
_UNSEEN: Final = frozenset({"Cf", "Mn"})
_BETWEEN: Final = r"[^\w.!?؟]+"
_SOME_WORDS: Final = rf"(?:{_BETWEEN}[\w']+){{0,6}}?{_BETWEEN}"
_BEFORE: Final = r"(?<![\w])(?:[وفبلك]?ال|لل|[وفبلك])?"
"""Arabic writes "and", "the", "for" and the like as one word with what follows."""


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language: how answers begin, and the phrases of each fault."""

    yes: tuple[str, ...]
    no: tuple[str, ...]
    negations: tuple[str, ...]
    benefits: tuple[str, ...]
    sharing_denied: tuple[str, ...]
    anonymity_claimed: tuple[str, ...]
    law_claimed: tuple[str, ...]
    approval_claimed: tuple[str, ...]
    absolute_claim: tuple[str, ...]
    shaming: tuple[str, ...]
    pressing: tuple[str, ...]
    conditional: tuple[str, ...]
    implied_yes: tuple[str, ...]
    negated: tuple[str, ...]
    double_negative: tuple[str, ...]


def plain(text: str) -> str:
    r"""*text* as it is compared.

    >>> plain("  Don\u2019t  MISS\u00ad out "), plain("مجّانًا"), plain("٢٠٪")
    ("don't miss out", 'مجانا', '20%')
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_SAME)
    kept = "".join(_digit(c) for c in folded if unicodedata.category(c) not in _UNSEEN)
    return " ".join(kept.split())


def _digit(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


@cache
def words_of(language: str) -> Words:
    """The words of *language*, as `de` or `de-AT`; raises `InputError` where we have none."""
    name = language.lower().partition("-")[0]
    if name not in LANGUAGES:
        raise InputError(f"language: found {language!r}; {suggest(name, LANGUAGES)}")
    text = (
        files("reciprocity.collect.fair_choice").joinpath(f"words/{name}.toml").read_text("utf-8")
    )
    return msgspec.convert(tomllib.loads(text), Words)


@cache
def finder(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """What finds any of *phrases* in a plain text; nothing, if there are none.

    >>> finder(("untick … not",)).search("please untick if you would not") is not None
    True
    >>> finder(("tea",)).search("our team") is None
    True
    """
    told = "|".join(_pattern(phrase) for phrase in sorted(phrases, key=len, reverse=True))
    return re.compile(rf"{_BEFORE}(?:{told})(?!\w)" if told else r"(?!)")


def _pattern(phrase: str) -> str:
    """A phrase as a regular expression over plain text."""
    parts = [
        _BETWEEN.join(re.escape(word).replace(r"\*", r"\w*") for word in plain(part).split())
        for part in phrase.split("…")
    ]
    return _SOME_WORDS.join(parts)
