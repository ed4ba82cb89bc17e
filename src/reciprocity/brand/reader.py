"""Reads TOML tables into Structs and finds *everything* that is wrong, each under its own key.

msgspec stops at the first error; a person who mends a file wants to see them all. So a Struct is
read field by field and a table entry by entry; what cannot be read is left out and said. Nothing
here knows of brands.
"""

import re
from collections.abc import Collection
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any, Final

from msgspec import Struct, inspect

from reciprocity.model import Id

__all__ = ["Findings", "join", "read_fields", "suggest"]

_ID_PATTERN: Final = getattr(inspect.type_info(Id), "pattern", "")
_ONE_OF: Final = re.compile(r"\^\(([a-z|]+)\)\$")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_BROKEN: Final = object()
_LONGEST_SHOWN: Final = 40
_MOST_UNKNOWN: Final = 20
_MOST_KNOWN: Final = 200
_GREATEST: Final = 2**53 - 1
_PLAINLY: Final[dict[type[inspect.Type], str]] = {
    inspect.StrType: "a text in quotes",
    inspect.BoolType: "true or false",
    inspect.DateTimeType: "a date and time with its offset, such as 2026-03-01T09:00:00+01:00",
}


class Findings:
    """What a reading found: the problems *noted*, the ids *named* by tables, the values *read*.

    *read* has, by key, each value that is right by itself, also where its table is broken.
    *named* maps the key of a table of entries to all its ids, also those whose entry is broken:
    who refers to a broken entry is not wrong as well.
    """

    def __init__(self) -> None:
        """Begin with nothing found."""
        self.noted: dict[str, None] = {}
        self.named: dict[str, frozenset[str]] = {}
        self.read: dict[str, Any] = {}

    def add(self, key: str, problem: str) -> None:
        """Note a *problem* at the dotted *key*, once."""
        self.noted[f"{key}: {problem}"] = None

    def ids(self, key: str) -> frozenset[str]:
        """The ids of the table at *key*; none if there is no such table."""
        return self.named.get(key, frozenset())


def join(key: str, name: str) -> str:
    """The dotted key of *name* below *key*, quoted where TOML would quote it.

    >>> join("purposes", "offers"), join("", "brand"), join("topics", "a b")
    ('purposes.offers', 'brand', 'topics."a b"')
    """
    part = name if _BARE.fullmatch(name) else '"' + _shown(name)[1:-1] + '"'
    return f"{key}.{part}" if key else part


def suggest(wrong: str, known: Collection[str]) -> str:
    """What may have been meant, or all there is to choose from.

    >>> suggest("ofers", ["offers", "news"]), suggest("x", ["offers", "news"]), suggest("x", [])
    ("did you mean 'offers'?", "known are 'news', 'offers'", 'there is none yet')
    """
    if len(known) > _MOST_KNOWN:
        return f"there are {len(known)} others"
    names = sorted(known)
    if close := get_close_matches(wrong[:_LONGEST_SHOWN], names, n=1):
        return f"did you mean {close[0]!r}?"
    return f"known are {', '.join(map(repr, names))}" if names else "there is none yet"


def read_fields(
    kind: type[Struct], table: dict[str, Any], at: str, findings: Findings
) -> dict[str, Any]:
    """The fields of *kind* that *table* gives rightly; all else is noted in *findings*.

    A table of entries is given with its right entries only. A value that is the default is left
    out, so that writing a default changes no byte of what goes into the log: msgspec tells a
    default by identity, not by equality.
    """
    told = inspect.type_info(kind)
    assert isinstance(told, inspect.StructType)  # noqa: S101  (any Struct is one: for the type checker)
    return _fields(told, table, at, findings)[0]


def _fields(
    told: inspect.StructType, table: dict[str, Any], at: str, findings: Findings
) -> tuple[dict[str, Any], bool]:
    """The right fields, and whether a Struct can be made of them."""
    known = {field.name for field in told.fields}
    unknown = [name for name in table if name not in known]
    for name in unknown[:_MOST_UNKNOWN]:
        findings.add(join(at, name), f"unknown key; {suggest(name, known)}")
    if len(unknown) > _MOST_UNKNOWN:
        findings.add(at or "the file", f"found {len(unknown)} unknown keys in all")
    values: dict[str, Any] = {}
    whole = True
    for field in told.fields:
        key = join(at, field.name)
        if field.name not in table:
            if field.required:
                findings.add(key, f"missing; expected {_expected(field.type)}")
                whole = False
            continue
        value = _read(field.type, table[field.name], key, findings)
        if field.required and isinstance(value, str) and not value.strip():
            findings.add(key, "found an empty text, expected something to read")
            value = _BROKEN
        if value is _BROKEN:
            whole = False
        else:
            findings.read[key] = value
            if value != field.default:
                values[field.name] = value
    return values, whole


def _read(told: inspect.Type, value: object, at: str, findings: Findings) -> Any:  # noqa: ANN401  (a value of any type, or _BROKEN)
    """*value* as the type *told*, or `_BROKEN` with a finding."""
    match told:
        case inspect.StructType() if isinstance(value, dict):
            fields, whole = _fields(told, value, at, findings)
            return told.cls(**fields) if whole else _BROKEN
        case inspect.DictType() if isinstance(value, dict):
            return _read_entries(told, value, at, findings)
        case inspect.VarTupleType() if isinstance(value, list):
            items = [
                _read(told.item_type, item, f"{at}[{number}]", findings)
                for number, item in enumerate(value)
            ]
            broken = any(item is _BROKEN for item in items)
            return _BROKEN if broken else tuple(items)
        case inspect.UnionType(types=(one, inspect.NoneType())):
            return _read(one, value, at, findings)
        case inspect.StructType() | inspect.DictType() | inspect.VarTupleType():
            findings.add(at, f"found {_found(value)}, expected {_expected(told)}")
            return _BROKEN
    return _read_leaf(told, value, at, findings)


def _read_entries(
    told: inspect.DictType, table: dict[str, Any], at: str, findings: Findings
) -> Any:  # noqa: ANN401  (a table, or _BROKEN)
    """A table of entries: of Structs the right ones, of plain values all or `_BROKEN`."""
    findings.named[at] = frozenset(table)
    entries: dict[str, Any] = {}
    for name, value in table.items():
        key = _read_leaf(told.key_type, name, join(at, name), findings)
        entry = _read(told.value_type, value, join(at, name), findings)
        if key is not _BROKEN and entry is not _BROKEN:
            entries[name] = entry
    partial = len(entries) < len(table)
    return _BROKEN if partial and not isinstance(told.value_type, inspect.StructType) else entries


def _read_leaf(told: inspect.Type, value: object, at: str, findings: Findings) -> Any:  # noqa: ANN401  (as `_read`)
    """One plain value, or `_BROKEN` with a finding."""
    match told, value:
        case inspect.EnumType(), str() if value in {member.value for member in told.cls}:
            return told.cls(value)
        case inspect.BoolType(), bool():
            return value
        case inspect.IntType(), int() if not isinstance(value, bool) and _in_range(told, value):
            return value
        case inspect.StrType(), str() if _fits(told, value):
            return value
        case inspect.DateTimeType(), datetime() if value.tzinfo is not None:
            return value
        case inspect.DateTimeType(), str() if _is_quoted_instant(value):
            findings.add(at, f"found the text {_shown(value)}: write it without quotes")
            return _BROKEN
    findings.add(at, f"found {_found(value)}, expected {_expected(told)}")
    return _BROKEN


def _is_quoted_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _in_range(told: inspect.IntType, value: int) -> bool:
    """Is *value* within the bounds, and (for the log's JSON) below 2**53 either way?"""
    low, high = _bounds(told)
    return low <= value <= high


def _bounds(told: inspect.IntType) -> tuple[int, int]:
    """The least and the greatest whole number that *told* takes."""
    return (
        -_GREATEST if told.ge is None else told.ge,
        _GREATEST if told.le is None else told.le,
    )


def _fits(told: inspect.StrType, text: str) -> bool:
    """Is *text* short enough, and all of it as the pattern says?

    A pattern's `$` would let a final line break pass; a full match does not.
    """
    if told.max_length is not None and len(text) > told.max_length:
        return False
    return told.pattern is None or re.fullmatch(told.pattern, text) is not None


def _expected(told: inspect.Type) -> str:
    """What the type *told* takes, in the words of the file."""
    match told:
        case inspect.StrType(pattern=str() as pattern):
            return _expected_text(pattern)
        case inspect.IntType():
            low, high = _bounds(told)
            return "a whole number" + (f" from {low} to {high}" if high < _GREATEST else "")
        case inspect.EnumType():
            return "one of " + ", ".join(repr(member.value) for member in told.cls)
        case inspect.VarTupleType():
            return f"a list, each {_expected(told.item_type)}"
        case inspect.UnionType(types=(one, *_)):
            return _expected(one)
    return _PLAINLY.get(type(told), "a table")


def _expected_text(pattern: str) -> str:
    """What a text of *pattern* looks like, for the few patterns there are."""
    if pattern == _ID_PATTERN:
        return "an id: up to 64 lower-case letters, digits, - and _, a letter first"
    if words := _ONE_OF.fullmatch(pattern):
        return "one of " + ", ".join(map(repr, words[1].split("|")))
    return 'a time such as "21:00"'


def _found(value: object) -> str:
    """What stands in the file, in the words of the file."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {_shown(value)}"
        case int() if abs(value) < 10**18:
            return f"the number {value}"
        case int() | float():
            return "a fraction" if isinstance(value, float) else "a huge number"
        case datetime():
            return "a date and time" + ("" if value.tzinfo else " without its offset")
        case date() | time():
            return "a date" if isinstance(value, date) else "a time without quotes"
        case list():
            return "a list"
    return "a table"


def _shown(text: str) -> str:
    """*text* in quotes, without line breaks, shortened."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "...")
