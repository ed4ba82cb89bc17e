"""What an element of ours shows, as a tree of plain lists: names, marks and text, never markup.

    ["p", {"role": "status"}, "Stored: your yes counts."]

The page builds it node by node, so nothing that is in a text can become an element, and pages that
demand trusted types need no exception for us. Of the markup that a brand writes for a message only
what is listed here is taken over; a script, a style and a form are not.
"""

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

__all__ = ["Tree", "node", "tree_of"]

Tree = list["str | dict[str, str] | Tree"]
"""An element: its name, its marks, and its children, each an element or a text."""

_TAKEN: Final = {
    name: frozenset[str]()
    for name in (
        "b", "blockquote", "br", "div", "em", "figcaption", "figure", "h2", "h3", "h4", "i", "li",
        "ol", "p", "small", "span", "strong", "ul",
    )
} | {
    "a": frozenset({"href"}),
    "img": frozenset({"src", "alt", "width", "height"}),
}  # fmt: skip
_GLOBAL: Final = frozenset({"lang", "dir", "title"})
_VOID: Final = frozenset({"br", "img"})
_DROPPED_WHOLE: Final = frozenset({"script", "style", "template", "title", "textarea", "select"})
_SCHEMES: Final = frozenset({"https", "http", "mailto", "tel"})


def node(name: str, marks: dict[str, str] | None = None, *children: "str | Tree") -> Tree:
    """The element *name* with *marks* and *children*.

    >>> node("p", {"role": "status"}, "Stored.")
    ['p', {'role': 'status'}, 'Stored.']
    """
    return [name, marks or {}, *children]


def tree_of(html: str) -> Sequence["str | Tree"]:
    """What of *html* may be shown on a page, as trees and texts.

    >>> tree_of("<p onclick='x()'>Rye <a href='javascript:x()'>now</a></p><script>x()</script>")
    [['p', {}, 'Rye ', ['a', {}, 'now']]]
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found[2:]  # type: ignore[return-value]


class _Reader(HTMLParser):
    """Reads markup into trees; an element that is not taken leaves its text behind."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: Tree = node("")
        self._open: list[Tree] = [self.found]
        self._dropping = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        if self._dropping or tag not in _TAKEN:
            self._dropping = self._dropping or (tag if tag in _DROPPED_WHOLE else "")
            return
        allowed = _TAKEN[tag] | _GLOBAL
        marks = {name: value or "" for name, value in attrs if name in allowed}
        made = node(tag, {name: value for name, value in marks.items() if _safe(name, value)})
        self._open[-1].append(made)
        if tag not in _VOID:
            self._open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that closes itself; HTML knows that of void ones alone."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """An element ends, and with it what was left open inside."""
        if self._dropping:
            self._dropping = "" if tag == self._dropping else self._dropping
            return
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth][0] == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        """Text."""
        if data and not self._dropping:
            self._open[-1].append(data)


def _safe(name: str, value: str) -> bool:
    """May an attribute *name* have *value*? An address must be one that only leads somewhere."""
    if name not in {"href", "src"}:
        return True
    try:
        scheme = urlsplit(value.strip()).scheme.lower()
    except ValueError:
        return False
    return scheme in _SCHEMES if scheme else not value.strip().startswith("//")
