"""Faults of the controls: what is set beforehand, bundled, hidden, farther away or somebody else's.

Sources: GDPR Article 4(11) and 7(4), recitals 32 and 43; CJEU C-673/17 (Planet49) on ticked boxes;
EDPB Guidelines 05/2020, 3.1.2 (conditionality), 3.1.3 (granularity), 3.4 (unambiguous), 5.1 (to
demonstrate); EDPB Guidelines 03/2022, "skipping", "obstructing" and "left in the dark".
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from reciprocity.collect.fair_choice.asked import Asked
from reciprocity.collect.fair_choice.controls import Answer, Choice, Controls, Field, says_yes
from reciprocity.collect.fair_choice.finding import Fault, Finding
from reciprocity.collect.fair_choice.markup import Element, Markup
from reciprocity.collect.fair_choice.telling import titles_in

__all__ = ["find_in_controls", "find_third_parties"]

_OPENS: Final = ("aria-haspopup", "aria-expanded", "popovertarget", "commandfor")
_FETCHING: Final = ("src", "srcset", "poster", "data", "background", "action", "formaction", "ping")
_HREF_FETCHES: Final = frozenset({"link", "image", "use", "base", "script"})
_IN_STYLE: Final = re.compile(
    r"""(?:url\(|@import|image\()\s*["']?\s*([^"')\s;]+)""", re.IGNORECASE
)
_ADDRESS: Final = re.compile(
    r"(?:(?:https?|wss?|ftp):/*|(?:[a-z][a-z0-9+.-]*:)?//)[^\s,\"']+", re.IGNORECASE
)
_ESCAPE: Final = re.compile(r"\\([0-9a-f]{1,5})\s?", re.IGNORECASE)


def find_in_controls(page: Markup, controls: Controls, asked: Asked) -> Iterator[Finding]:
    """What is unfair in the *controls* of *page*, given what is *asked*."""
    yield from _answers(controls)
    for answer in (*controls.saying("yes"), *controls.saying("no")):
        yield from _label(answer)
    yield from _beforehand(controls)
    yield from _unlabelled(controls)
    yield from _bundled(controls, asked)
    yield from _in_the_way(page, controls)
    for answer in controls.saying("yes"):
        yield from _recorded(page, answer)


def _answers(controls: Controls) -> Iterator[Finding]:
    """There is a yes and a no, both are seen, of one kind, and equally near."""
    yes = [answer for answer in controls.saying("yes") if answer.element.seen]
    all_no = controls.saying("no")
    no = [answer for answer in all_no if answer.element.seen]
    if not yes:
        message = 'no control says yes; mark it with name="answer" value="yes"'
        yield Finding(code=Fault.YES_MISSING, where="page", message=message)
    if not all_no:
        message = 'no control says no; put one beside yes, with name="answer" value="no"'
        yield Finding(code=Fault.NO_MISSING, where="page", message=message)
        return
    if not no:
        yield _at(all_no[0].element, Fault.NO_HIDDEN, "says no and is hidden; show it")
        return
    if not any(_is_near(answer) for answer in no) and not all(a.element.folded for a in yes):
        yield _at(no[0].element, Fault.NO_FARTHER,
                  "says no only after something else; put it beside yes")  # fmt: skip
    kinds = {answer.kind for answer in yes}
    for answer in no:
        if kinds and answer.kind not in kinds:
            yield _at(answer.element, Fault.KINDS_DIFFER,
                      f"no is a {answer.kind}, yes is a {min(kinds)}; use one kind")  # fmt: skip
    if len(yes) > len(no):
        yield _at(yes[-1].element, Fault.YES_REPEATED,
                  f"found {len(yes)} controls that say yes and {len(no)} that say no")  # fmt: skip


def _is_near(no: Answer) -> bool:
    """Is one click on *no* enough? What it opens, or runs, may ask again."""
    marks = no.element.attributes
    opens = any(name in marks for name in _OPENS) or any(name.startswith("on") for name in marks)
    return not opens and not no.element.folded


def _label(answer: Answer) -> Iterator[Finding]:
    """A label says what its control does."""
    if not answer.label.strip():
        yield _at(answer.element, Fault.LABEL_MISSING, f"says {answer.says} without any words")
    elif answer.read != answer.says:
        yield _at(answer.element, Fault.LABEL_MISLEADS,
                  f"says {answer.says} and is called {_short(answer.label)}; "
                  f"begin its label with a plain {answer.says}")  # fmt: skip


def _beforehand(controls: Controls) -> Iterator[Finding]:
    """Nothing is said for the person: no tick, no hidden answer, no focus on a yes."""
    for choice in controls.choices:
        if choice.ticked:
            yield _at(choice.element, Fault.PRETICKED, "is set to yes; leave it to the person")
    names = {choice.element.attributes.get("name", "answer") for choice in controls.choices}
    for hidden in controls.hidden:
        if hidden.attributes.get("name", "") in {"answer", *names} and says_yes(hidden):
            yield _at(hidden, Fault.HIDDEN_YES, "answers in the person's place; remove it")
    starts: tuple[Choice | Answer, ...] = (*controls.choices, *controls.saying("yes"))
    for control in starts:
        if "autofocus" in control.element.attributes:
            yield _at(control.element, Fault.FOCUS_PRESET, "has the focus; start at the text")


def _unlabelled(controls: Controls) -> Iterator[Finding]:
    """Each box, list and field says what it is for."""
    labelled: tuple[Choice | Field, ...] = (*controls.choices, *controls.fields)
    for control in labelled:
        if not control.label.strip():
            yield _at(control.element, Fault.LABEL_MISSING, "has no label; say what it is for")


def _bundled(controls: Controls, asked: Asked) -> Iterator[Finding]:
    """Each purpose has a control of its own; with one purpose, the yes itself is enough."""
    titles = tuple(purpose.title for purpose in asked.purposes)
    alone: set[str] = set()
    for choice in controls.choices:
        named = titles_in(choice.label, titles)
        if len(named) > 1:
            yield _at(choice.element, Fault.BUNDLED,
                      f"answers for {' and '.join(sorted(named))}; give each its own")  # fmt: skip
        alone |= named
    left = [title for title in titles if title not in alone]
    if len(titles) > 1 and left:
        message = f"{', '.join(left)}: no control of its own, so one yes covers several purposes"
        yield Finding(code=Fault.BUNDLED, where="page", message=message)


def _in_the_way(page: Markup, controls: Controls) -> Iterator[Finding]:
    """The form can be sent with a no: nothing is demanded, nothing is locked."""
    for choice in controls.choices:
        if choice.required and not choice.offers_no:
            yield _at(choice.element, Fault.YES_REQUIRED, "must be set to go on; make it optional")
    usable = [
        *(answer.element for answer in controls.answers),
        *(choice.element for choice in controls.choices),
        *(field.element for field in controls.fields),
    ]
    for element in usable:
        locked = "disabled" in element.attributes or element.get("aria-disabled") == "true"
        if locked or any(
            outer.tag == "fieldset" and "disabled" in outer.attributes
            for outer in page.around(element)
        ):
            yield _at(element, Fault.CONTROL_DISABLED, "cannot be used; nothing depends on a yes")


def _recorded(page: Markup, answer: Answer) -> Iterator[Finding]:
    """A yes is an act of the person's, sent with the version of the notice they saw."""
    form = _form(page, answer.element)
    method = answer.element.get("formmethod") or (form.get("method") if form else "")
    if answer.kind == "link" or (form is not None and method != "post"):
        yield _at(answer.element, Fault.YES_BY_GET,
                  "can be followed by software that looks ahead; use a form with POST")  # fmt: skip
    notices = [
        element
        for element in page.elements
        if element.tag == "input" and element.get("type") == "hidden"
        and element.attributes.get("name") == "notice" and element.get("value")
        and form is not None and _form(page, element) == form
    ]  # fmt: skip
    if not notices:
        message = 'its form has no hidden field "notice" with the version that was shown'
        yield _at(answer.element, Fault.NOTICE_MISSING, message)


def _form(page: Markup, element: Element) -> Element | None:
    """The form that *element* belongs to."""
    if name := element.attributes.get("form", ""):
        return next(
            (e for e in page.elements if e.tag == "form" and e.attributes.get("id") == name), None
        )
    return page.inside(element, "form")


def find_third_parties(page: Markup, origin: str) -> Iterator[Finding]:
    """What is fetched from, or sent to, any place but *origin* (`https://HOST`) and the page's own.

    A link that a person may follow fetches nothing by itself and is left alone.
    """
    for element in page.elements:
        told = element.attributes
        texts = [told[name] for name in _FETCHING if name in told]
        texts += [told[name] for name in ("href", "xlink:href")
                  if name in told and element.tag in _HREF_FETCHES]  # fmt: skip
        texts += _IN_STYLE.findall(_unescaped(told.get("style", "")))
        if element.tag == "style":
            texts += _IN_STYLE.findall(_unescaped(page.text_in(element)))
        found = [address for text in texts for address in _ADDRESS.findall(_as_read(text))]
        if element.tag == "iframe" and "srcdoc" in told:
            found.append("//srcdoc")
        for host in sorted({_host(address) for address in found} - {"", _host(origin)}):
            yield _at(element, Fault.THIRD_PARTY, f"reaches {host}; keep all of it at home")


def _unescaped(style: str) -> str:
    """A style sheet as a browser reads it, with its escapes undone."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), style)


def _as_read(address: str) -> str:
    """An address as a browser reads it: no tabs or line breaks, and each backslash a slash."""
    return re.sub(r"[\t\r\n]", "", address).replace("\\", "/")


def _host(address: str) -> str:
    """The host and port of *address*; empty for one on the same site.

    >>> _host("https://a.example/x"), _host("//b.example"), _host("/x.png"), _host("data:,x")
    ('a.example', 'b.example', '', '')
    """
    try:
        return urlsplit(re.sub(r"^(https?|wss?|ftp):/*", r"\1://", address)).netloc.lower()
    except ValueError:
        return "an unreadable address"


def _at(element: Element, code: Fault, message: str) -> Finding:
    return Finding(code=code, where=element.where, message=message)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")  # noqa: PLR2004  (as in `Findings`)
