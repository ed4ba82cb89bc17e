"""What the opt-in prompt shows in each of its states, as trees; the two answers are made alike."""

from collections.abc import Iterable

from reciprocity.brand import BrandStatement
from reciprocity.collect.proposition import Terms
from reciprocity.http.speech import Speech
from reciprocity.http.tree import Tree, node

__all__ = ["shows"]


def shows(brand: BrandStatement, terms: Terms, words: Speech) -> dict[str, list[Tree]]:
    """By state: the question, how an answer stands, and what is said where none could be kept."""
    back = node("div", None, node("button", {"name": "back"}, words.say("Take it back")))
    return {
        "ask": [_form(brand, terms, words)],
        "pending": [_line(words.say("Not stored yet. This page tries again by itself.")), back],
        "granted": [_line(words.say("Stored: your yes counts.")), back],
        "leaving": [_line(words.say("Taken back on this page. It is still being stored."))],
        "left": [_line(words.say("Taken back, and stored."))],
        "refused": [_line(words.say("This could not be stored. Nothing was kept."))],
    }


def _line(text: str) -> Tree:
    """How it stands; it takes the focus of the button that was there."""
    return node("p", {"role": "status", "tabindex": "-1"}, text)


def _form(brand: BrandStatement, terms: Terms, words: Speech) -> Tree:
    told = brand.propositions[terms.proposition]
    may = [
        _box("purposes", one, text) for one, text in zip(told.purposes, terms.purposes, strict=True)
    ]
    for one, text, back in zip(told.behaviours, terms.behaviours, terms.returns, strict=True):
        may += [_box("behaviours", one, text), node("p", None, back)]
    topics = [_box("topics", one, brand.topics[one].title) for one in told.topics]
    groups = [_group(words.say("What may we do?"), may)]
    groups += [_group(words.say("What you want to hear about"), topics)] if topics else []
    small = (terms.uses, terms.nobody, terms.keeps, f"{terms.leave} {terms.free}")
    return node(
        "form",
        None,
        node("h2", None, terms.title),
        node("p", None, terms.asks),
        node("p", None, terms.gives),
        node("ul", None, *(node("li", None, one) for one in terms.benefits)),
        *groups,
        node("p", {"role": "status"}),
        node(
            "div",
            None,
            _answer("no", words.say("No, to all of it")),
            _answer("yes", words.say("Yes, to what I ticked")),
        ),
        *(node("p", None, one) for one in small),
    )


def _group(title: str, boxes: Iterable[Tree]) -> Tree:
    return node("fieldset", None, node("legend", None, title), *boxes)


def _box(name: str, value: str, text: str) -> Tree:
    marks = {"type": "checkbox", "name": name, "value": value}
    return node("label", None, node("input", marks), node("span", None, text))


def _answer(value: str, text: str) -> Tree:
    return node("button", {"name": "answer", "value": value}, text)
