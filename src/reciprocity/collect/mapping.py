"""The mapping file: which column of a people file says what, and how the brand knows.

Every word of an import has its reason here: a yes without evidence is `unverified`, an address is
confirmed only if the mapping says so, an attribute is used only for purposes that it is shared
for. `docs/reference/import-mapping.md` is tested to list every key.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field, structs

from reciprocity.brand.reader import join, suggest
from reciprocity.errors import InputError
from reciprocity.model import Id, Level

__all__ = [
    "AttributeColumn",
    "Condition",
    "ConsentRule",
    "Constant",
    "EvidenceColumns",
    "FileFormat",
    "Mapping",
    "Moment",
    "ObjectionRule",
    "PointColumn",
    "TopicRule",
    "columns_named",
    "conditions_of",
    "read_mapping",
    "word_of",
]

MOST_BYTES: Final = 1 << 20


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row fulfils it if its cell in *column* is one of *values*, as `word_of` compares them.

    *others* are words by which it is not fulfilled, but that are no mistake either: what a column
    that takes something away holds where nothing is taken.
    """

    column: str
    values: Annotated[tuple[str, ...], Meta(min_length=1)] = field(name="is")
    others: tuple[str, ...] = field(name="is_not", default=())


class Constant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same text for every row."""

    value: str


class Moment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Instants in *column*, or one *value* for every row.

    Written in ISO 8601 (without an offset: UTC), or as days since 1970.
    """

    column: str = ""
    value: str = ""
    format: Literal["iso8601", "epoch_days"] = "iso8601"


class FileFormat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the file is written, beyond being CSV in UTF-8 with a line of column names."""

    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] = ","


class PointColumn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address on a channel: in *column*, or made from the row's number by *template*.

    *confirmed* says that whoever collected the address made sure that the person holds it;
    *bounced* that it takes no mail.
    """

    column: str = ""
    template: str = ""
    confirmed: bool | Condition = False
    bounced: Condition | None = None


class ConsentRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What rows that fulfil *condition* (all, without one) say of a purpose, or of a behaviour."""

    purpose: Id
    channel: Id
    state: Literal["given", "refused", "withdrawn"]
    condition: Condition | None = field(name="if", default=None)


class ObjectionRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows that fulfil *condition* object to a purpose and those below it, or to all (`*`)."""

    purpose: str
    condition: Condition = field(name="if")
    channel: str = "*"


class EvidenceColumns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the brand knows of a yes: *when* it was said, *how*, and to which *text*.

    Each names a column, or holds one value for all rows. A row that lacks one of the three
    still counts, but its yes is `unverified` and permits nothing.
    """

    when: str | Moment
    how: str | Constant
    text: str | Constant


class TopicRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows that fulfil *condition* have *topic* at *level*: told, or observed of a behaviour."""

    topic: Id
    condition: Condition = field(name="if")
    level: Level
    source: Annotated[str, Meta(pattern="^(declared|observed:[a-z][a-z0-9_-]*)$")] = "declared"


class AttributeColumn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The column of an attribute; an empty cell says nothing.

    *values* maps what a cell says to the value meant; *round* lets an integer be read from a
    fraction; *format* is how a day is written.
    """

    attribute: Id
    column: str
    values: dict[str, str | bool] = field(default_factory=dict)
    round: Literal["no", "down", "up", "nearest"] = "no"
    format: Literal["iso8601", "epoch_days"] = "iso8601"


class Mapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole mapping file; *name* stands in every event as the source of what it says.

    A person is known by *external_id*, by the addresses in *points*, or by both. *shared_for*
    names the purposes for which the attributes are shared by everyone who said yes to them.
    """

    name: Id
    file: FileFormat = FileFormat()
    external_id: str = ""
    points: dict[Id, PointColumn] = field(default_factory=dict)
    consent: tuple[ConsentRule, ...] = ()
    objections: tuple[ObjectionRule, ...] = ()
    evidence: EvidenceColumns | None = None
    topics: tuple[TopicRule, ...] = ()
    attributes: tuple[AttributeColumn, ...] = ()
    shared_for: tuple[Id, ...] = ()
    language: str | Constant = ""
    time_zone: str | Constant = ""


# --- reading --------------------------------------------------------------------------------------

_Read = TypeVar("_Read", bound=Struct)


def read_mapping(path: Path) -> Mapping:
    """The mapping in the file at *path*.

    Raises `InputError`, whose `problems` are all that is wrong with its shape; what must fit the
    brand or the people file is checked when they come together.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"mapping {path} is larger than {MOST_BYTES >> 20} MiB")
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"mapping {path} is missing: give the path of a mapping file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"mapping {path} is not UTF-8 text (at byte {error.start})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"mapping {path} is not TOML: {error}") from error
    except OSError as error:
        raise InputError(f"mapping {path} cannot be read: {error.strerror}") from error
    problems: list[str] = []
    mapping = _struct(Mapping, table, "", problems)
    if mapping is not None and not problems:
        problems = _lone_problems(mapping)
    if mapping is None or problems:
        lines = tuple(f"{path.name}: {problem}" for problem in problems)
        raise InputError(lines[0], lines)
    return mapping


def _struct(kind: type[_Read], table: dict[str, Any], at: str, problems: list[str]) -> _Read | None:
    """*table* as a *kind*, or None; everything wrong with its keys goes to *problems*."""
    fields = {each.encode_name: each for each in structs.fields(kind)}
    unknown = [name for name in table if name not in fields]
    problems += [f"{join(at, name)}: unknown key; {suggest(name, fields)}" for name in unknown]
    values: dict[str, Any] = {}
    for name, each in fields.items():
        if name in table:
            values[each.name] = _value(each.type, table[name], join(at, name), problems)
        elif each.required:
            problems.append(f"{join(at, name)}: missing")
    whole = all(each.name in values for each in fields.values() if each.required)
    return kind(**values) if whole else None


_LISTED: Final[dict[str, type[Struct]]] = {
    "consent": ConsentRule,
    "objections": ObjectionRule,
    "topics": TopicRule,
    "attributes": AttributeColumn,
}
_TABLES: Final[dict[str, type[Struct]]] = {"file": FileFormat, "evidence": EvidenceColumns}


def _value(kind: Any, value: object, at: str, problems: list[str]) -> Any:  # noqa: ANN401  (a value of any type)
    """*value* as *kind*; lists and tables of tables are read entry by entry."""
    if at in _LISTED and isinstance(value, list) and all(isinstance(each, dict) for each in value):
        read = [
            _struct(_LISTED[at], each, f"{at}[{number}]", problems)
            for number, each in enumerate(value)
        ]
        return tuple(each for each in read if each is not None)
    if at in _TABLES and isinstance(value, dict):
        return _struct(_TABLES[at], value, at, problems)
    if at == "points" and isinstance(value, dict):
        found = {
            name: _struct(PointColumn, each if isinstance(each, dict) else {"": each},
                          join(at, name), problems)
            for name, each in value.items()
        }  # fmt: skip
        return {name: each for name, each in found.items() if each is not None}
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said = _plain(str(error))
        if get_origin(kind) is Literal:
            said = "expected one of " + ", ".join(map(repr, get_args(kind)))
        problems.append(f"{at}: {said}")
        return None


def _plain(said: str) -> str:
    """What msgspec said, in the words of the file.

    >>> _plain("Object missing required field `is` - at `$.condition`")
    'table missing required field `is` - at `condition`'
    """
    if "matching regex '^[a-z][a-z0-9_]*(-" in said:
        return "expected an id: up to 64 lower-case letters, digits, - and _, a letter first"
    for theirs, ours in (("Object", "table"), ("`object`", "table"), ("`array`", "list"),
                         ("`str`", "text"), ("`$.", "`")):  # fmt: skip
        said = said.replace(theirs, ours)
    return said[:1].lower() + said[1:]


def _lone_problems(mapping: Mapping) -> list[str]:
    """What can be seen to be wrong without the brand and without the file."""
    problems = []
    if not mapping.external_id and not mapping.points:
        problems.append("external_id: missing; a person needs an external id, or an address in "
                        "[points.CHANNEL]")  # fmt: skip
    for name, point in mapping.points.items():
        if bool(point.column) == bool(point.template):
            problems.append(f"{join('points', name)}: expected either column or template")
    for key, condition, _ in conditions_of(mapping):
        words = set(map(word_of, condition.others))
        problems += [f"{key}: {text.strip()!r} is in `is` and in `is_not`; expected it in one"
                     for text in condition.values if word_of(text) in words]  # fmt: skip
    when = mapping.evidence.when if mapping.evidence else ""
    if isinstance(when, Moment) and when.column and when.value:
        problems.append("evidence.when: expected either column or value")
    if any(rule.state == "given" for rule in mapping.consent) and mapping.evidence is None:
        problems.append(
            "evidence: missing; say when, how and to which text people said yes (a column or "
            '{value = "..."}; {value = ""} where you do not know: the yes is then unverified)'
        )
    return problems


def word_of(text: str) -> str:
    """What conditions compare of *text*: `Ja`, `JA` and ` ja ` are one word."""
    return text.strip().casefold()


def conditions_of(mapping: Mapping) -> Iterator[tuple[str, Condition, bool]]:
    """Each condition of *mapping* with its key, and whether it takes something away."""
    for number, rule in enumerate(mapping.consent):
        if rule.condition is not None:
            yield f"consent[{number}].if", rule.condition, rule.state != "given"
    for number, objection in enumerate(mapping.objections):
        yield f"objections[{number}].if", objection.condition, True
    for number, topic in enumerate(mapping.topics):
        yield f"topics[{number}].if", topic.condition, False
    for name, point in mapping.points.items():
        if point.bounced is not None:
            yield f"{join('points', name)}.bounced", point.bounced, True
        if isinstance(point.confirmed, Condition):
            yield f"{join('points', name)}.confirmed", point.confirmed, False


def columns_named(mapping: Mapping) -> dict[str, str]:
    """Every column that *mapping* names, with the first key that names it."""
    found: dict[str, str] = {}
    _collect(mapping, "", found)
    return found


def _collect(told: object, at: str, found: dict[str, str]) -> None:
    """Walk through *told*; a text in `external_id`, `language`, ... is a column's name."""
    if isinstance(told, Struct):
        for each in structs.fields(type(told)):
            value, key = getattr(told, each.name), join(at, each.encode_name)
            if isinstance(value, str):
                plain = each.name == "column" or isinstance(told, EvidenceColumns) or (
                    isinstance(told, Mapping) and each.name in _COLUMN_KEYS
                )  # fmt: skip
                if plain and value:
                    found.setdefault(value, key)
            else:
                _collect(value, key, found)
    elif isinstance(told, dict):
        for name, value in told.items():
            _collect(value, join(at, str(name)), found)
    elif isinstance(told, tuple):
        for number, value in enumerate(told):
            _collect(value, f"{at}[{number}]", found)


_COLUMN_KEYS: Final = frozenset({"external_id", "language", "time_zone"})
