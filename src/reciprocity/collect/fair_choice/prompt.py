"""All checks of the text of an opt-in prompt, before anybody is shown it."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from reciprocity.collect.fair_choice.asked import Asked, must_be_told
from reciprocity.collect.fair_choice.choosing import find_in_controls, find_third_parties
from reciprocity.collect.fair_choice.controls import find_controls
from reciprocity.collect.fair_choice.finding import Fault, Finding
from reciprocity.collect.fair_choice.markup import Markup, read_markup
from reciprocity.collect.fair_choice.phrases import plain, words_of
from reciprocity.collect.fair_choice.telling import (
    find_claims,
    find_fields_not_told,
    find_missing,
)
from reciprocity.collect.fair_choice.wording import (
    find_hard_text,
    find_labels_turned,
    find_phrases,
    find_timers,
)

__all__ = ["check_prompt"]

_SPOKEN: Final = ("alt", "title", "placeholder", "aria-label", "aria-description", "label")


def check_prompt(
    html: str, *, language: str, asked: Asked, origin: str = ""
) -> tuple[Finding, ...]:
    """Everything unfair that can be seen in *html*; empty if it is fair as far as text can tell.

    *language* is that of the people it is for (`en`, `de`, `ar`), *asked* what it must tell, and
    *origin* (`https://HOST`) the site it is served from: without one, only relative addresses are
    at home. A page that cannot be read has that one fault. What a style sheet or a script does to
    the page is found by `check_rendered`.

    Raises `InputError` for a language without words here, and for a gap in *asked*.
    """
    must_be_told(asked)
    words = words_of(language)
    page = read_markup(html)
    if page.problem is not None:
        return (page.problem,)
    code = language.lower().partition("-")[0]
    controls = find_controls(page, words)
    paragraphs = [text for _, text in page.paragraphs()]
    said = list(_said(page))
    found = [
        *_language(page, code),
        *_look_alikes(said),
        *find_in_controls(page, controls, asked),
        *find_third_parties(page, origin),
        *find_missing(asked, paragraphs),
        *find_fields_not_told(controls, asked),
        *find_claims(asked, said, words),
        *find_phrases(said, words),
        *find_labels_turned(controls, words),
        *find_timers(page),
        *find_hard_text(paragraphs, code),
    ]
    return tuple(dict.fromkeys(found))


def _said(page: Markup) -> Iterator[tuple[str, str]]:
    """All that the page says, plain, with its place: what is folded or spoken aloud as well."""
    for element, text in page.paragraphs(folded=True):
        yield element.where, plain(text)
    for element in page.elements:
        if element.tag == "title":
            yield element.where, plain(page.text_in(element))
        for name in _SPOKEN:
            if element.attributes.get(name, "").strip():
                yield element.where, plain(element.attributes[name])
        if element.tag == "input" and element.get("type") in {"submit", "button", "reset"}:
            yield element.where, plain(element.attributes.get("value", ""))


def _look_alikes(said: list[tuple[str, str]]) -> Iterator[Finding]:
    """Words with letters of two scripts, which hide a phrase from whoever looks for it."""
    for where, text in said:
        for word in re.findall(r"[^\W\d_]+", "" if text.isascii() else text):
            scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
            if len(scripts & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
                message = f"{word!r} mixes letters of two scripts; write it with those of one"
                yield Finding(code=Fault.UNREADABLE, where=where, message=message)


def _language(page: Markup, language: str) -> Iterator[Finding]:
    """A page names the language it is in, so that it is read aloud and translated rightly."""
    root = page.elements[0] if page.elements else None
    told = root.get("lang") if root is not None and root.tag == "html" else ""
    if told.partition("-")[0] != language:
        yield Finding(
            code=Fault.LANGUAGE_DIFFERS,
            where="page",
            message=f'found lang="{told[:20]}" on <html>, expected "{language}"',
        )
