"""Which controls of a page say yes, which say no, and what a person can choose with the others.

A control says what its marks say: `name="answer"` with the value `yes` or `no`, or `data-answer`.
Without marks its label is read: "Yes, ..." says yes. A choice is a box, a switch, a group of radio
buttons, or a list that has a yes in it.
"""

from typing import Final

from msgspec import Struct

from reciprocity.collect.fair_choice.markup import Element, Markup
from reciprocity.collect.fair_choice.phrases import Words, finder, plain

__all__ = ["Answer", "Choice", "Controls", "Field", "answer_meant", "answer_read", "find_controls"]

_BUTTONS: Final = frozenset({"submit", "button", "image", "reset"})
_BOXES: Final = frozenset({"checkbox", "switch", "menuitemcheckbox"})
_NO_VALUES: Final = frozenset({"", "0", "no", "false", "off"})


class Answer(Struct, frozen=True, kw_only=True):
    """A button or link; *meant* is what its marks say, *read* what its label says."""

    element: Element
    kind: str
    label: str
    meant: str
    read: str

    @property
    def says(self) -> str:
        """`yes`, `no` or empty; its marks outweigh its label."""
        return self.meant or self.read


class Choice(Struct, frozen=True, kw_only=True):
    """Something to choose; *ticked* if a yes is set beforehand, *offers_no* if it has a no."""

    element: Element
    label: str
    ticked: bool
    required: bool
    offers_no: bool = False


class Field(Struct, frozen=True, kw_only=True):
    """A field to write into, or a list without a yes in it."""

    element: Element
    label: str


class Controls(Struct, frozen=True, kw_only=True):
    """All controls of a page."""

    answers: tuple[Answer, ...]
    choices: tuple[Choice, ...]
    fields: tuple[Field, ...]
    hidden: tuple[Element, ...]

    def saying(self, word: str) -> tuple[Answer, ...]:
        """The answers that say *word*, seen or not."""
        return tuple(answer for answer in self.answers if answer.says == word)


def find_controls(page: Markup, words: Words) -> Controls:
    """All controls of *page*, by what they do."""
    finding = _Finding(page, words)
    for element in page.elements:
        finding.take(element)
    return Controls(
        answers=tuple(finding.answers),
        choices=(*finding.choices, *finding.groups()),
        fields=tuple(finding.fields),
        hidden=tuple(finding.hidden),
    )


def answer_meant(marks: dict[str, str]) -> str:
    """What the attributes *marks* of a control say: `yes`, `no` or empty."""
    said = marks.get("data-answer", "")
    if not said and marks.get("name", "").strip().lower() == "answer":
        said = marks.get("value", "")
    said = said.strip().lower()
    return said if said in {"yes", "no"} else ""


def answer_read(label: str, words: Words) -> str:
    """What a *label* begins with: `yes`, `no` or empty.

    >>> from reciprocity.collect.fair_choice.phrases import words_of
    >>> [answer_read(text, words_of("en")) for text in ("Yes, please", "No, thanks", "Next")]
    ['yes', 'no', '']
    """
    text = plain(label)
    if finder(words.no).match(text):
        return "no"
    return "yes" if finder(words.yes).match(text) else ""


class _Finding:
    """Sorts elements into the kinds of controls."""

    def __init__(self, page: Markup, words: Words) -> None:
        self.page, self.words = page, words
        self.answers: list[Answer] = []
        self.choices: list[Choice] = []
        self.fields: list[Field] = []
        self.hidden: list[Element] = []
        self._radios: dict[tuple[int, str], list[Element]] = {}
        self._by_id = {e.attributes["id"]: e for e in page.elements if "id" in e.attributes}
        self._labels: dict[str, list[Element]] = {}
        for element in page.elements:
            if element.tag == "label" and "for" in element.attributes:
                self._labels.setdefault(element.attributes["for"], []).append(element)

    def take(self, element: Element) -> None:
        """Note *element*, if it is a control."""
        role, kind = element.get("role"), element.get("type")
        if element.tag == "input" and kind == "hidden":
            self.hidden.append(element)
        elif role in _BOXES or (element.tag == "input" and kind == "checkbox"):
            self.choices.append(self._box(element))
        elif element.tag == "input" and kind == "radio":
            form = self.page.inside(element, "form")
            key = (form.place if form else -1, element.attributes.get("name", ""))
            self._radios.setdefault(key, []).append(element)
        elif element.tag == "button" and "aria-pressed" in element.attributes:
            self.choices.append(self._box(element))
        elif element.tag == "button" or (element.tag == "input" and kind in _BUTTONS):
            idle = kind in {"button", "reset"}
            self._answer(element, "button that sends nothing" if idle else "button")
        elif element.tag in {"a", "area"} and "href" in element.attributes:
            self._answer(element, "link")
        elif role in {"button", "link"} or "data-answer" in element.attributes:
            self._answer(element, f"<{element.tag}>")
        elif element.tag == "select":
            self._list(element)
        elif element.tag in {"input", "textarea"}:
            self.fields.append(Field(element=element, label=self.label(element)))

    def label(self, element: Element) -> str:
        """What tells a person what *element* is for; empty if nothing does."""
        told = element.attributes
        shown = element.tag in {"button", "a"} or element.get("role") in {"button", "link", *_BOXES}
        if shown and (text := self.page.text_in(element)):
            return text
        if "aria-labelledby" in told:
            pointed = [self._by_id.get(each) for each in told["aria-labelledby"].split()]
            return " ".join(self.page.text_in(each) for each in pointed if each)
        if told.get("aria-label", "").strip():
            return told["aria-label"]
        if element.tag == "input" and element.get("type") in _BUTTONS:
            return told.get("value", "") or told.get("alt", "")
        wrapped = self.page.inside(element, "label")
        named = self._labels.get(told.get("id", ""), [])
        return " ".join(
            self.page.text_in(each) for each in (*named, *([wrapped] if wrapped else []))
        )

    def groups(self) -> list[Choice]:
        """Radio buttons of one name are one choice, labelled by all that is around them."""
        found = []
        for radios in self._radios.values():
            labels = [self.label(radio) for radio in radios]
            around = self.page.inside(radios[0], "fieldset")
            legends = [e for e in self.page.within(around) if e.tag == "legend"] if around else []
            legend = " ".join(self.page.text_in(each) for each in legends)
            says = [answer_read(label, self.words) for label in labels]
            set_ = [s for s, radio in zip(says, radios, strict=True) if _is_set(radio)]
            found.append(
                Choice(
                    element=radios[0],
                    label=" ".join((legend, *(label for label in labels if label))).strip(),
                    ticked=any(said != "no" for said in set_),
                    required=any(_is_required(radio) for radio in radios),
                    offers_no="no" in says,
                )
            )
        return found

    def _box(self, element: Element) -> Choice:
        return Choice(
            element=element,
            label=self.label(element),
            ticked=_is_set(element),
            required=_is_required(element),
        )

    def _answer(self, element: Element, kind: str) -> None:
        label = self.label(element)
        read = answer_read(label, self.words)
        aloud = element.attributes.get("aria-label", "")
        if aloud and answer_read(aloud, self.words) != read:
            read = ""  # it says one thing to the eye, another to the ear
        self.answers.append(
            Answer(
                element=element,
                kind=kind,
                label=label,
                meant=answer_meant(element.attributes),
                read=read,
            )
        )

    def _list(self, element: Element) -> None:
        """A list with a yes in it is a choice; its first entry is what it is set to."""
        options = [inner for inner in self.page.within(element) if inner.tag == "option"]
        says = [answer_read(self.page.text_in(option), self.words) for option in options]
        if "yes" not in says:
            self.fields.append(Field(element=element, label=self.label(element)))
            return
        set_ = [
            s for s, option in zip(says, options, strict=True) if "selected" in option.attributes
        ]
        self.choices.append(
            Choice(
                element=element,
                label=self.label(element),
                ticked="yes" in (set_ or says[:1]),
                required=_is_required(element),
                offers_no="no" in says,
            )
        )


def _is_set(element: Element) -> bool:
    """Is a box, switch or radio button set before anybody touches it?"""
    return "checked" in element.attributes or any(
        element.get(name) in {"true", "mixed"} for name in ("aria-checked", "aria-pressed")
    )


def _is_required(element: Element) -> bool:
    return "required" in element.attributes or element.get("aria-required") == "true"


def says_yes(hidden: Element) -> bool:
    """Would the value of this *hidden* field be taken for a yes?"""
    return hidden.get("value") not in _NO_VALUES
