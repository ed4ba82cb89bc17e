"""What a template may say: print values, choose between texts, nothing that loops or grows.

The engine's fuel does not cover everything: a chain of 30,000 `and`s overflows its stack and ends
the whole process before a single step is counted, and `replace` after `replace` doubles a text as
often as it is written. So a template is read here, token by token, before the engine sees it, and
only what is on the list below passes. With no loops, no assignments, no calls and no repetition, a
render costs at most what its source and its values are long.
"""

import re
from collections.abc import Iterator
from typing import Final, NoReturn

from msgspec import Struct

from reciprocity.errors import InputError

__all__ = ["FILTERS", "STATEMENTS", "names_at", "names_used", "refuse"]

FILTERS: Final = frozenset({"capitalize", "default", "lower", "title", "trim", "upper"})
STATEMENTS: Final = frozenset({"if", "elif", "else", "endif"})
SOURCE_MAX: Final = 262_144
TAGS_MAX: Final = 1_000
TOKENS_MAX: Final = 64
NAMES_MAX: Final = 2_000
ELIFS_MAX: Final = 100
DEPTH_MAX: Final = 10

_WORDS: Final = frozenset(
    {"and", "or", "not", "if", "else", "in", "true", "false", "none", "True", "False", "None"}
)
_OPEN: Final = re.compile(r"\{[{%#]")
_CLOSE: Final = {"{{": re.compile(r"[-+]?\}\}"), "{%": re.compile(r"[-+]?%\}")}
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_TOKEN: Final = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>[0-9]{1,15}(?:\.[0-9]{1,15})?(?![A-Za-z0-9_]))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]{0,63}(?![A-Za-z0-9_]))
      | (?P<mark>[=!<>]=|[-+<>|~(),])""",
    re.VERBOSE | re.DOTALL,
)


class _Tag(Struct, frozen=True):
    """What stands between `{{` and `}}`, or `{%` and `%}`: its kind, line and (kind, token)s."""

    opening: str
    line: int
    tokens: list[tuple[str, str]]


def refuse(part: str, line: int, problem: str) -> NoReturn:
    """Raise the `InputError` that names the *part* and *line* of a template."""
    raise InputError(f"{part} template, line {line}: {problem}")


def names_used(source: str, part: str = "message") -> frozenset[str]:
    """The names of all values the template prints or asks for, also where it may not reach them.

    >>> sorted(names_used("{% if zone == 'a' %}{{ city|upper }}{% else %}{{ shop }}{% endif %}"))
    ['city', 'shop', 'zone']

    What is not on the list is refused, and so is a template too large to be meant.

    >>> names_used("{{ 'a' * 1000000000 }}", "subject")
    Traceback (most recent call last):
    reciprocity.errors.InputError: subject template, line 1: '*' may not be used in a tag
    """
    return frozenset(names_at(source, part))


def names_at(source: str, part: str) -> dict[str, int]:
    """Each name a template uses and the line it first stands on; `InputError` as `names_used`."""
    if len(source) > SOURCE_MAX:
        refuse(part, 1, f"{len(source)} characters; at most {SOURCE_MAX} are allowed")
    found: dict[str, int] = {}
    tags = uses = elifs = 0
    for tag in _tags(source, part):
        names = list(_names(tag, part))
        tags, uses, elifs = tags + 1, uses + len(names), elifs + (("name", "elif") in tag.tokens)
        if tags > TAGS_MAX:
            refuse(part, tag.line, f"more than {TAGS_MAX} tags; write a shorter template")
        if uses > NAMES_MAX:
            refuse(part, tag.line, f"values are named more than {NAMES_MAX} times")
        if elifs > ELIFS_MAX:
            refuse(part, tag.line, f"more than {ELIFS_MAX} `elif`s; write several messages")
        for name in names:
            found.setdefault(name, tag.line)
    return found


def _tags(source: str, part: str) -> Iterator[_Tag]:
    """The tags of a template in their order; comments are left out."""
    line = at = end = 0
    while opening := _OPEN.search(source, end):
        line += source.count("\n", at, opening.start())
        at = opening.start()
        if opening[0] == "{#":
            closing = source.find("#}", opening.end())
            if closing < 0:
                refuse(part, line + 1, "a comment begins with {# and never ends; close it with #}")
            end = closing + 2
        else:
            tokens, end = _tokens(source, opening, part, line + 1)
            yield _Tag(opening[0], line + 1, tokens)


def _tokens(
    source: str, opening: re.Match[str], part: str, line: int
) -> tuple[list[tuple[str, str]], int]:
    """The tokens of the tag that begins with *opening*, and where it ends."""
    close = _CLOSE[opening[0]]
    tokens: list[tuple[str, str]] = []
    depth, at = 0, opening.end()
    at += source.startswith(("-", "+"), at)  # white space control, as in `{{-`
    while True:
        at = _end(_SPACE.match(source, at), at)
        if ended := close.match(source, at):
            if depth:
                refuse(part, line, "a parenthesis is never closed")
            return tokens, ended.end()
        token = _TOKEN.match(source, at)
        if token is None:
            _refuse_rest(source[at : at + 1], part, line)
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if not 0 <= depth <= DEPTH_MAX:
            refuse(part, line, f"parentheses do not match or are nested over {DEPTH_MAX} deep")
        tokens.append((str(token.lastgroup), token[0]))
        if len(tokens) > TOKENS_MAX:
            refuse(part, line, f"a tag has more than {TOKENS_MAX} words and signs; split it")
        at = token.end()


def _end(match: re.Match[str] | None, otherwise: int) -> int:
    """Where *match* ends."""
    return match.end() if match else otherwise


def _refuse_rest(sign: str, part: str, line: int) -> NoReturn:
    """Say which *sign* cannot stand in a tag."""
    if not sign:
        refuse(part, line, "a tag is opened and never closed; end it with }} or %}")
    if sign in "\"'":
        refuse(part, line, "a quoted text is never closed")
    refuse(part, line, f"{sign!r} may not be used in a tag")


def _names(tag: _Tag, part: str) -> Iterator[str]:
    """The names of values in one tag, whose words must all be allowed ones."""
    tokens = tag.tokens
    if not tokens:
        refuse(part, tag.line, "an empty tag; name a value in it")
    if tag.opening == "{%":
        if tokens[0][1] not in STATEMENTS:
            refuse(
                part,
                tag.line,
                f"statement {tokens[0][1]!r} is not allowed; only if, elif, else and endif are",
            )
        tokens = tokens[1:]
    before = ""
    for place, (kind, word) in enumerate(tokens):
        called = tokens[place + 1 : place + 2] == [("mark", "(")]
        if kind == "name" and before == "|":
            if word not in FILTERS:
                allowed = ", ".join(sorted(FILTERS))
                refuse(part, tag.line, f"filter {word!r} is not allowed; {allowed} are")
        elif kind == "name" and word not in _WORDS:
            if word == "is":
                refuse(part, tag.line, "'is' is not allowed; compare with ==")
            if called:
                refuse(part, tag.line, f"function {word!r} is not allowed; none is")
            yield word
        before = word
