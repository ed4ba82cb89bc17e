"""The HTML of a prompt as a flat list of elements and of texts, with what is seen of them.

Browsers mend broken markup, each step by rules that fill a book. We read a strict part of HTML
instead and refuse the rest: every element is closed where it should be, every attribute well
written. So what is checked is what is shown, and the time to read is linear in the length.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

from msgspec import Struct

from reciprocity.collect.fair_choice.finding import Fault, Finding

__all__ = ["MOST_CHARACTERS", "Element", "Markup", "Text", "read_markup"]

MOST_CHARACTERS: Final = 100_000
MOST_DEEP: Final = 100

_VOID: Final = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905  (a list of words reads best as words)
)
_UNSEEN: Final = frozenset("head noscript script style template datalist".split())  # noqa: SIM905  (as above)
_TEXT_ONLY: Final = frozenset({"textarea", "title", "option", "script", "style"})
_NEVER_IN_ITSELF: Final = frozenset(
    "a body button form head html label option p select".split()  # noqa: SIM905  (as above)
)
_INLINE: Final = frozenset(
    "a abbr b bdi bdo cite code em i kbd mark q s small span strong sub sup time u wbr".split()  # noqa: SIM905  (as above)
)
_ATTRIBUTE: Final = (
    r"""\s++[a-zA-Z_:@][\w:.@-]*+(?:\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s"'=<>`]++))?+"""
)
_WELL_WRITTEN: Final = re.compile(
    rf"""(?:[^<]++
    |<!--(?!-?>).*?-->
    |<!doctype\s++html\s*+>
    |<script(?:{_ATTRIBUTE})*+\s*+>(?:(?!<!--).)*?</script\s*+>
    |<style(?:{_ATTRIBUTE})*+\s*+>(?:(?!<!--).)*?</style\s*+>
    |<(?!script|style)[a-z][a-z0-9-]*+(?:{_ATTRIBUTE})*+\s*+/?+>
    |</[a-z][a-z0-9-]*+\s*+>
    )*+""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_STYLED_AWAY: Final = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|(?:opacity|font-size):0*\.?0*(?:px|r?em|%)?(?:;|$)"
)


class Element(Struct, frozen=True, kw_only=True):
    """One element; *parent* is the place of the one around it, or -1.

    *seen* is false where the markup itself hides it, *folded* is true inside what is closed until
    the person opens it. What a style sheet hides is seen by a browser alone (`rendered`).
    """

    place: int
    parent: int
    tag: str
    attributes: dict[str, str]
    line: int
    seen: bool
    folded: bool

    @property
    def where(self) -> str:
        """Where it stands, for a person who looks for it."""
        return f"line {self.line}, <{self.tag}>"

    def get(self, name: str) -> str:
        """The attribute *name* in lower case and without spaces around it, or empty."""
        return self.attributes.get(name, "").strip().lower()


class Text(Struct, frozen=True, kw_only=True):
    """A piece of text directly inside the element at the place *parent*."""

    parent: int
    text: str


class Markup(Struct, frozen=True, kw_only=True):
    """A page that was read: all elements and texts, in order; *problem* if it cannot be read."""

    elements: tuple[Element, ...] = ()
    texts: tuple[Text, ...] = ()
    problem: Finding | None = None

    def around(self, element: Element) -> Iterator[Element]:
        """*element* and all that is around it, inside out."""
        place = element.place
        while place >= 0:
            yield self.elements[place]
            place = self.elements[place].parent

    def inside(self, element: Element, tag: str) -> Element | None:
        """The nearest *tag* that is *element* or around it."""
        return next((outer for outer in self.around(element) if outer.tag == tag), None)

    def within(self, element: Element) -> tuple[Element, ...]:
        """*element* and all elements in it, in order."""
        end = element.place + 1
        while end < len(self.elements) and self.elements[end].parent >= element.place:
            end += 1
        return self.elements[element.place : end]

    def text_in(self, element: Element) -> str:
        """All text in *element*, seen or not, and after it what its pictures say in words."""
        inner = self.within(element)
        last = inner[-1].place
        pieces = [t.text for t in self.texts if element.place <= t.parent <= last]
        pictures = [" " + each.attributes.get("alt", "") for each in inner if each.tag == "img"]
        return " ".join("".join(pieces + pictures).split())

    def paragraphs(self, *, folded: bool = False) -> list[tuple[Element, str]]:
        """The text that is seen, by the block it stands in; what is *folded* only if asked for."""
        found: dict[int, list[str]] = {}
        for text in self.texts:
            element = self.elements[text.parent]
            if element.seen and (folded or not element.folded):
                block = next(
                    e for e in self.around(element) if e.tag not in _INLINE or e.parent < 0
                )
                found.setdefault(block.place, []).append(text.text)
        joined = {place: " ".join("".join(pieces).split()) for place, pieces in found.items()}
        return [(self.elements[place], text) for place, text in joined.items() if text]


def read_markup(html: str) -> Markup:
    """The page *html*; with a `problem`, and nothing else, where it cannot be read.

    >>> read_markup("<p>One <b>word</b></p>").paragraphs()[0][1]
    'One word'
    >>> read_markup("<p>One <b>word</p></b>").problem.message
    'found </p>, expected </b>: close each element where it should be'
    """
    if len(html) > MOST_CHARACTERS:
        return _refused(1, f"found more than {MOST_CHARACTERS} characters; a prompt is short")
    written = _WELL_WRITTEN.match(html)
    end = written.end() if written else 0
    if end < len(html):
        found = html[end : end + 20].partition("\n")[0]
        return _refused(
            html.count("\n", 0, end) + 1,
            f"found {found!r}, expected well-written HTML: quote attributes, write &lt; for <",
        )
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
        reader.end()
    except _UnclearError as error:
        return _refused(reader.getpos()[0], str(error))
    return Markup(elements=tuple(reader.elements), texts=tuple(reader.texts))


def _refused(line: int, message: str) -> Markup:
    return Markup(problem=Finding(code=Fault.UNREADABLE, where=f"line {line}", message=message))


class _UnclearError(Exception):
    """What was read could be understood in more than one way."""


class _Reader(HTMLParser):
    """Fills *elements* and *texts*; raises at the first thing that is unclear."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.texts: list[Text] = []
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            raise _UnclearError(f"found an attribute twice on <{tag}>, expected each once")
        if self._open and self._open[-1].tag in _TEXT_ONLY:
            raise _UnclearError(f"found <{tag}> in <{self._open[-1].tag}>, expected text alone")
        if tag in _NEVER_IN_ITSELF and any(outer.tag == tag for outer in self._open):
            raise _UnclearError(f"found <{tag}> in <{tag}>, expected the first to be closed before")
        if len(self._open) >= MOST_DEEP:
            raise _UnclearError(f"found more than {MOST_DEEP} elements in each other")
        element = self._element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID and not any(outer.tag == "svg" for outer in self._open):
            raise _UnclearError(f"found <{tag}/>, which does not close; expected </{tag}>")
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        expected = self._open[-1].tag if self._open else "no more"
        if tag != expected:
            raise _UnclearError(
                f"found </{tag}>, expected </{expected}>: close each element where it should be"
            )
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.append(Text(parent=self._open[-1].place, text=data))
        elif data.strip():
            raise _UnclearError("found text outside of every element")

    def end(self) -> None:
        """All is read: everything must be closed."""
        if self._open:
            raise _UnclearError(f"found no </{self._open[-1].tag}> to the end")

    def _element(self, tag: str, attributes: dict[str, str]) -> Element:
        around = self._open[-1] if self._open else None
        closed = any(
            outer.tag == "details" and "open" not in outer.attributes for outer in self._open
        ) and not (tag == "summary" or any(outer.tag == "summary" for outer in self._open))
        return Element(
            place=len(self.elements),
            parent=around.place if around else -1,
            tag=tag,
            attributes=attributes,
            line=self.getpos()[0],
            seen=(around is None or around.seen) and _is_seen(tag, attributes),
            folded=(around is not None and around.folded)
            or closed
            or (tag == "dialog" and "open" not in attributes)
            or "popover" in attributes,
        )


def _is_seen(tag: str, attributes: dict[str, str]) -> bool:
    """Does the markup itself show this element?

    >>> _is_seen("p", {"style": "display: none"}), _is_seen("p", {"style": "opacity: 0.9"})
    (False, True)
    """
    if tag in _UNSEEN or "hidden" in attributes or "inert" in attributes:
        return False
    if attributes.get("aria-hidden", "").strip().lower() == "true":
        return False
    style = re.sub(r"\s+", "", attributes.get("style", "")).lower()
    return _STYLED_AWAY.search(style) is None
