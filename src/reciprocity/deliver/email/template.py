"""One message, compiled once, rendered for each person: subject, text and HTML.

A template sees the values it is given and nothing else: no files, no other templates, no globals.
Three walls stand behind one another. `grammar` refuses what could loop or grow before the engine
reads it; the engine (minijinja) runs with fuel and without undefined values; the result may be no
longer than `PART_MAX`. An error names the part and the line, never a value.
"""

import html
import re
from collections.abc import Collection, Mapping
from typing import Final

from minijinja import Environment, TemplateError, safe
from msgspec import Struct

from reciprocity.deliver.email import grammar
from reciprocity.errors import InputError

__all__ = ["ALWAYS", "CompiledMessage", "Rendered", "compile_message", "names_used", "render"]

ALWAYS: Final = frozenset({"brand_name", "page_url", "reason_line", "unsubscribe_url"})
"""The values every message may print beside the attributes it requires."""
SUBJECT_MAX: Final = 250
PART_MAX: Final = 524_288
VALUE_MAX: Final = 1_000
FUEL: Final = 100_000

names_used = grammar.names_used

_FILES: Final = {"subject": "subject.txt", "text": "text.txt", "html": "html.html"}
_REFUSED_IN_SUBJECT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WHY: Final = {
    "UndefinedError": "a value is named that was not given",
    "OutOfFuel": "it takes too many steps; make the template shorter",
    "InvalidOperation": "values are combined whose types do not fit",
}


class Rendered(Struct, frozen=True, kw_only=True):
    """A message for one person; *html* is empty if the message has only text."""

    subject: str
    text: str
    html: str = ""


class CompiledMessage(Struct, frozen=True, kw_only=True, eq=False):
    """A message ready to be rendered; *names* are all values its three parts name."""

    names: frozenset[str]
    has_html: bool
    unsubscribe_label: str
    engine: Environment


def compile_message(
    subject: str,
    text: str,
    html: str = "",
    *,
    allowed: Collection[str] | None = None,
    unsubscribe_label: str = "Unsubscribe",
) -> CompiledMessage:
    """The message made of these three templates; an empty *html* makes it text only.

    *allowed*, if given, are the only names a template may use: pass `ALWAYS` and the attributes
    the message requires. *unsubscribe_label* is the word shown where `render` adds the link that a
    template left out. Raises `InputError` naming the part and the line: a template that does not
    parse, or uses what `grammar` refuses, a subject of more than one line.

    >>> compile_message("Hello {{ city }}", "...", allowed={"town"})
    Traceback (most recent call last):
    reciprocity.errors.InputError: subject template, line 1: 'city' is not among the values this \
message may print; name it in `requires`
    """
    engine = Environment(debug=False, fuel=FUEL, undefined_behavior="strict", pycompat=False)
    for name in list(engine.globals):
        engine.remove_global(name)
    names: set[str] = set()
    parts = {"subject": subject, "text": text} | ({"html": html} if html else {})
    for part, source in parts.items():
        found = grammar.names_at(source, part)
        for name, line in found.items():
            if allowed is not None and name not in allowed:
                problem = f"{name!r} is not among the values this message may print"
                grammar.refuse(part, line, f"{problem}; name it in `requires`")
        names.update(found)
        try:
            engine.add_template(_FILES[part], source)
        except TemplateError as error:
            why = error.detail or error.kind
            raise InputError(f"{part} template, line {error.line or 1}: {why}") from None
    if "\n" in subject.strip() or not subject.strip():
        grammar.refuse("subject", 1, "a subject is one line of text; it may not be empty")
    return CompiledMessage(
        names=frozenset(names),
        has_html=bool(html),
        unsubscribe_label=unsubscribe_label,
        engine=engine,
    )


def render(compiled: CompiledMessage, values: Mapping[str, object]) -> Rendered:
    """The message for the person with these *values* (text, integers, booleans).

    In HTML every value is escaped; the address in `unsubscribe_url` keeps its slashes readable.
    If `unsubscribe_url` is given and a part does not show it, a line with it is added to that part:
    a person can always leave. Raises `InputError` if a template names a value not given, combines
    types that do not fit, or makes a part that is too long; if a value is of another type, longer
    than 1,000 characters or no valid text; if a subject would hold a line break, which could
    smuggle a header in.
    """
    given = {name: _checked(name, value) for name, value in values.items()}
    url = str(given.get("unsubscribe_url", ""))
    subject = _part(compiled, "subject", given).strip()
    if _REFUSED_IN_SUBJECT.search(subject):
        raise InputError("subject holds a line break or control sign: take it out of its values")
    if not 0 < len(subject) <= SUBJECT_MAX:
        raise InputError(f"subject has {len(subject)} characters; 1 to {SUBJECT_MAX} are allowed")
    text = _part(compiled, "text", given)
    if url and url not in text:
        text = f"{text.rstrip()}\n\n{compiled.unsubscribe_label}: {url}\n"
    return Rendered(
        subject=subject, text=text, html=_html(compiled, given, url) if compiled.has_html else ""
    )


def _part(compiled: CompiledMessage, part: str, given: dict[str, object]) -> str:
    """One rendered part."""
    try:
        rendered = compiled.engine.render_template(_FILES[part], **given)
    except TemplateError as error:
        why = _WHY.get(error.kind, error.kind)
        raise InputError(f"{part} template, line {error.line or 1}: {why}") from None
    if len(rendered) > PART_MAX:
        raise InputError(
            f"{part} template makes {len(rendered)} characters; at most {PART_MAX} are allowed"
        )
    return rendered


def _html(compiled: CompiledMessage, given: dict[str, object], url: str) -> str:
    """The HTML part, with a link to leave before the end of its body if it shows none."""
    shown = html.escape(url)
    if url:
        given = given | {"unsubscribe_url": safe(shown)}
    rendered = _part(compiled, "html", given)
    if not url or shown in rendered:
        return rendered
    link = f'<p><a href="{shown}">{html.escape(compiled.unsubscribe_label)}</a></p>\n'
    end = max(rendered.rfind("</body>"), rendered.rfind("</BODY>"))
    return f"{rendered[:end]}{link}{rendered[end:]}" if end >= 0 else f"{rendered}\n{link}"


def _checked(name: str, value: object) -> object:
    """A *value* that a template may print: plain text, an integer or a boolean."""
    if type(value) is str:
        if len(value) > VALUE_MAX:
            raise InputError(
                f"value {name!r} has {len(value)} characters; at most {VALUE_MAX} are allowed"
            )
        if not value.isascii() and not value.isprintable() and _has_surrogate(value):
            raise InputError(f"value {name!r} is no valid text: it holds half a character")
    elif type(value) is not int and type(value) is not bool:
        raise InputError(
            f"value {name!r} is a {type(value).__name__}; text, an integer or a boolean is expected"
        )
    return value


def _has_surrogate(text: str) -> bool:
    """Does *text* hold half a character, which UTF-8 cannot write?"""
    return any("\ud800" <= sign <= "\udfff" for sign in text)
