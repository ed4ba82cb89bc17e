"""Checks of a prompt as a browser shows it: is a no as easy to see, to reach and to keep as a yes?

Style sheets and scripts can undo what the text of a page promises, so yes and no are measured where
they stand. Sources: EDPB Guidelines 03/2022, "hidden in plain sight" and "longer than necessary";
WCAG 2.2, 1.4.3, 2.4.3, 2.5.5 and 2.5.8; GDPR Article 7(3); ePrivacy Directive Article 5(3).
"""

from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from reciprocity.collect.fair_choice.asked import Asked, must_be_told
from reciprocity.collect.fair_choice.colour import Colour, contrast, difference
from reciprocity.collect.fair_choice.controls import answer_meant, answer_read
from reciprocity.collect.fair_choice.finding import Fault, Finding
from reciprocity.collect.fair_choice.phrases import Words, plain, words_of
from reciprocity.collect.fair_choice.telling import find_claims, find_missing
from reciprocity.collect.fair_choice.wording import find_phrases

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["Walk", "check_rendered"]

Walk = Callable[[Callable[[str], None]], None]
"""A way through the page; it clicks only by the function it is given, which takes a selector."""

MOST_AREA: Final = 1.10
MOST_DIFFERENCE: Final = 10.0
LEAST_CONTRAST: Final = 4.5
LEAST_CONTRAST_LARGE: Final = 3.0
LEAST_TARGET: Final = 24
OUR_TARGET: Final = 44
LEAST_SIZE: Final = 12
_LARGE: Final = 24
_LARGE_BOLD: Final = 18.66
_BOLD: Final = 700
_HALF: Final = 0.5


class Lettering(Struct, frozen=True, kw_only=True):
    """A text as it is shown: its colour *ink* on *fill*, or on a *picture*."""

    size: float
    weight: int
    ink: Colour
    fill: Colour
    picture: bool


class Control(Lettering, frozen=True, kw_only=True):
    """A button or link as it is shown; *stop* is its place in the order of the keyboard, or -1."""

    kind: str
    label: str
    marks: dict[str, str]
    x: float
    y: float
    width: float
    height: float
    shown: bool
    reached: bool
    font: str
    around: Colour
    border: float
    edge: Colour
    trim: str
    stop: int
    focused: bool

    @property
    def where(self) -> str:
        """Where it is, for a person who looks for it."""
        return f"{self.kind} {self.label[:40]!r}"


class ShownText(Lettering, frozen=True, kw_only=True):
    """A piece of text as it is shown; *control* is the place of the one it stands in, or -1."""

    text: str
    control: int


class Measured(Struct, frozen=True, kw_only=True):
    """All that `measure.js` tells of a page."""

    controls: tuple[Control, ...]
    texts: tuple[ShownText, ...]
    paragraphs: tuple[str, ...]
    written: tuple[str, ...]
    ticked: bool
    width: float
    height: float
    fetched: tuple[str, ...]
    stored: dict[str, int]


def check_rendered(
    page: "Page",
    *,
    language: str,
    asked: Asked,
    give: Walk | None = None,
    take_back: Walk | None = None,
) -> tuple[Finding, ...]:
    """Everything unfair in the prompt that *page* now shows; empty if it is fair in this window.

    *page* is a playwright page in a fresh profile, at whose prompt nobody has answered yet: what is
    stored, and which requests were made, count from its first address on. With *give* and
    *take_back* the person's two ways are walked, last of all, and their clicks are counted; they
    leave the page changed.

    Raises `InputError` as `check_prompt` does. Call it once a window: at 390 and 1280 px, at least.
    """
    must_be_told(asked)
    words = words_of(language)
    measured = _measure(page)
    said = [("text shown", plain(text)) for text in (*measured.paragraphs, *measured.written)]
    found = [
        *_answers(measured, words),
        *_texts(measured, words),
        *find_missing(asked, measured.paragraphs),
        *find_claims(asked, said, words),
        *find_phrases(said, words),
        *_stored(page, measured),
        *_requests(page, measured),
    ]
    if give is not None and take_back is not None:
        found += _ways(page, give, take_back)
    return tuple(dict.fromkeys(found))


def _measure(page: "Page") -> Measured:
    script = files("reciprocity.collect.fair_choice").joinpath("measure.js").read_text("utf-8")
    told: Any = page.evaluate(script[script.index("async") :])
    return msgspec.convert(told, Measured, strict=False)


def _answers(measured: Measured, words: Words) -> Iterator[Finding]:
    """Yes against no; of several, the largest that is seen."""
    said: dict[str, list[Control]] = {"yes": [], "no": [], "": []}
    for control in measured.controls:
        said[_says(control, words)].append(control)
    shown = {word: [each for each in said[word] if each.shown and each.reached] for word in said}
    if not shown["yes"]:
        message = "no control that is seen says yes"
        yield Finding(code=Fault.YES_MISSING, where="page", message=message)
    if not said["no"]:
        yield Finding(code=Fault.NO_MISSING, where="page", message="no control says no")
    elif not shown["no"]:
        yield _at(said["no"][0], Fault.NO_HIDDEN, "is hidden, covered or beside the page; show it")
    if not shown["yes"] or not shown["no"]:
        return
    yes, no = (max(shown[word], key=lambda c: c.width * c.height) for word in ("yes", "no"))
    yield from _looks(yes, no)
    for control in (yes, no):
        yield from _by_itself(control)
    yield from _reach(yes, no, measured)


def _says(control: Control, words: Words) -> str:
    return answer_meant(control.marks) or answer_read(control.label, words)


def _looks(yes: Control, no: Control) -> Iterator[Finding]:
    """Kind, size, lettering and colours."""
    if yes.kind != no.kind:
        yield _at(no, Fault.KINDS_DIFFER, f"is a {no.kind}, yes is a {yes.kind}")
    areas = sorted((yes.width * yes.height, no.width * no.height))
    if areas[1] > areas[0] * MOST_AREA:
        sizes = f"is {no.width:.0f} x {no.height:.0f}, yes is {yes.width:.0f} x {yes.height:.0f}"
        yield _at(no, Fault.AREAS_DIFFER, f"{sizes}; expected areas within 10 %")
    if yes.font != no.font:
        yield _at(no, Fault.FONTS_DIFFER, f"is in {no.font}, yes is in {yes.font}")
    stands_out = {
        "fill": abs(difference(yes.fill, yes.around) - difference(no.fill, no.around)),
        "border": abs(_edge(yes) - _edge(no)),
    }
    name, most = max(stands_out.items(), key=lambda item: item[1])
    if most > MOST_DIFFERENCE:
        yield _at(no, Fault.SALIENCE_DIFFERS,
                  f"differs from yes by {most:.0f} in how its {name} stands out, expected at most "
                  f"{MOST_DIFFERENCE:.0f} (CIE 1976)")  # fmt: skip
    elif yes.trim != no.trim or abs(yes.border - no.border) > _HALF:
        message = "differs from yes in border, shadow, picture, outline or movement"
        yield _at(no, Fault.SALIENCE_DIFFERS, message)
    else:
        hue = max(difference(yes.fill, no.fill), difference(yes.ink, no.ink))
        if hue > MOST_DIFFERENCE:
            yield _at(no, Fault.COLOURS_DIFFER,
                      f"differs from yes by {hue:.0f}, expected at most {MOST_DIFFERENCE:.0f}; "
                      "give both the same colours")  # fmt: skip


def _edge(control: Control) -> float:
    """How far the border stands out; a border under half a pixel is none."""
    return difference(control.edge, control.around) if control.border >= _HALF else 0.0


def _by_itself(control: Control) -> Iterator[Finding]:
    """Can each be read, and hit with a finger?"""
    if problem := _hardly_read(control):
        yield _at(control, Fault.CONTRAST_LOW, problem)
    least = min(control.width, control.height)
    size = f"is {control.width:.0f} x {control.height:.0f} px"
    if least < LEAST_TARGET:
        yield _at(control, Fault.TARGET_BELOW_24, f"{size}, expected at least {LEAST_TARGET}")
    elif least < OUR_TARGET:
        yield _at(control, Fault.TARGET_BELOW_44, f"{size}, expected at least {OUR_TARGET}")


def _hardly_read(text: Lettering) -> str:
    """What is wrong with the contrast of *text*; empty if it can be read (WCAG 1.4.3)."""
    if text.picture:
        return "stands on a picture, so its contrast cannot be measured; give it a plain ground"
    large = text.size >= _LARGE or (text.size >= _LARGE_BOLD and text.weight >= _BOLD)
    least = LEAST_CONTRAST_LARGE if large else LEAST_CONTRAST
    found = contrast(text.ink, text.fill)
    return "" if found >= least else f"has a contrast of {found:.2f}, expected at least {least}"


def _reach(yes: Control, no: Control, measured: Measured) -> Iterator[Finding]:
    """Are both seen at once, and does the keyboard come to no before yes, or right after it?"""
    left, right = min(yes.x, no.x), max(yes.x + yes.width, no.x + no.width)
    top, bottom = min(yes.y, no.y), max(yes.y + yes.height, no.y + no.height)
    if bottom - top > measured.height or left < 0 or right > measured.width:
        yield _at(no, Fault.APART, "is not in one window with yes; put them side by side")
    if yes.focused or measured.ticked:
        yield _at(yes, Fault.FOCUS_PRESET, "or a box has the focus; start at the text")
    if no.stop < 0 or (yes.stop >= 0 and no.stop > yes.stop + 1):
        yield _at(no, Fault.FOCUS_ORDER, "is not before yes by the keyboard, nor right after it")


def _texts(measured: Measured, words: Words) -> Iterator[Finding]:
    """Can each text be read? The contrast of yes and no is judged with the controls."""
    answers = {place for place, each in enumerate(measured.controls) if _says(each, words)}
    for text in measured.texts:
        where = f"text {text.text!r}"
        if text.size < LEAST_SIZE:
            message = f"is {text.size:.1f} px, expected at least {LEAST_SIZE}"
            yield Finding(code=Fault.TEXT_SMALL, where=where, message=message)
        if text.control not in answers and (problem := _hardly_read(text)):
            yield Finding(code=Fault.TEXT_FAINT, where=where, message=problem)


def _stored(page: "Page", measured: Measured) -> Iterator[Finding]:
    counts = {"cookies": len(page.context.cookies()), **measured.stored}
    for name, count in counts.items():
        if count:
            message = f"found {count}, expected nothing in the browser before a yes"
            yield Finding(code=Fault.STORED_EARLY, where=name, message=message)


def _requests(page: "Page", measured: Measured) -> Iterator[Finding]:
    """The browser's list of what was fetched, and playwright's of its last hundred requests."""
    asked_for = [*measured.fetched, *(request.url for request in page.requests())]
    asked_for += [frame.url for frame in page.frames]
    home = _origin(page.url)
    for elsewhere in sorted({_origin(url) for url in asked_for} - {home, ""}):
        message = f"asks {elsewhere}, expected requests to its own site alone"
        yield Finding(code=Fault.THIRD_PARTY, where="page", message=message)


def _origin(url: str) -> str:
    """The scheme and host of *url*; empty where nothing leaves the browser.

    >>> _origin("https://a.example:8/x"), _origin("data:text/plain,x"), _origin("about:blank")
    ('https://a.example:8', '', '')
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an unreadable address"
    if parts.scheme in {"http", "https", "ws", "wss", "file"}:
        return f"{parts.scheme}://{parts.netloc}"
    return ""


def _ways(page: "Page", give: Walk, take_back: Walk) -> list[Finding]:
    """To take a yes back is as easy as to give it (GDPR Article 7(3))."""
    clicks = [0, 0]
    for way, walk in enumerate((give, take_back)):

        def click(selector: str, way: int = way) -> None:
            clicks[way] += 1
            page.click(selector)

        walk(click)
    if clicks[1] <= clicks[0]:
        return []
    message = f"takes {clicks[1]} clicks, giving it {clicks[0]}; expected no more"
    return [Finding(code=Fault.TAKING_BACK_LONGER, where="the way back", message=message)]


def _at(control: Control, code: Fault, message: str) -> Finding:
    return Finding(code=code, where=control.where, message=message)
