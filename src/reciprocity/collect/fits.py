"""Does a mapping fit the brand, and the file? Everything that does not, all at once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reciprocity.brand import BrandStatement
from reciprocity.brand.plausible import is_language, is_time_zone
from reciprocity.brand.reader import join, suggest
from reciprocity.collect.mapping import AttributeColumn, Constant, Mapping, Moment, columns_named
from reciprocity.collect.said import read_instant
from reciprocity.consent.laws import DECLARED, OBSERVED
from reciprocity.errors import InputError
from reciprocity.model import ANYWHERE, EVERYTHING, OBSERVE, AttributeType, Basis
from reciprocity.vault.profile import check_value

__all__ = ["misfits"]

_DELIMITERS: Final = (",", ";", "\t", "|")


def misfits(mapping: Mapping, statement: BrandStatement, columns: Sequence[str]) -> tuple[str, ...]:
    """Everything in *mapping* that *statement* does not declare or that *columns* lack.

    A file that is split at the wrong character lacks every column: then that alone is said.
    """
    if undivided := _undivided(mapping, columns):
        return (f"mapping {undivided}",)
    looks = (_columns, _points, _consent, _topics, _attributes, _words)
    found = [problem for look in looks for problem in look(mapping, statement, columns)]
    return tuple(f"mapping {problem}" for problem in dict.fromkeys(found))


def _undivided(mapping: Mapping, columns: Sequence[str]) -> str:
    """Why a file of one column is likely to have more; empty if it is likely to have one.

    The column's name is not repeated: in a file without a line of names it is somebody's data.
    """
    if len(columns) != 1 or columns[0] in columns_named(mapping):
        return ""
    (name,), mine = columns, mapping.file.delimiter
    times, other = max((name.count(each), each) for each in _DELIMITERS if each != mine)
    if not times:
        return ""
    return (
        f"file.delimiter: {_quoted(mine)} splits the people file into one column, with {times} "
        f"{_quoted(other)} in its name; write delimiter = {_quoted(other)} below [file]"
    )


def _quoted(delimiter: str) -> str:
    """*delimiter* as TOML has it."""
    return '"\\t"' if delimiter == "\t" else f'"{delimiter}"'


def _unknown(key: str, noun: str, name: str, known: Iterable[str]) -> Iterator[str]:
    names = list(known)
    if name not in names:
        yield f"{key}: {noun} {name!r} is not declared; {suggest(name, names)}"


def _columns(mapping: Mapping, _: BrandStatement, columns: Sequence[str]) -> Iterator[str]:
    for name, key in columns_named(mapping).items():
        if name not in columns:
            yield f"{key}: column {name!r} is not in the people file"


def _points(mapping: Mapping, statement: BrandStatement, _: Sequence[str]) -> Iterator[str]:
    for name in mapping.points:
        yield from _unknown(join("points", name), "channel", name, statement.channels)


def _consent(mapping: Mapping, statement: BrandStatement, _: Sequence[str]) -> Iterator[str]:
    for number, rule in enumerate(mapping.consent):
        key = f"consent[{number}]"
        if rule.purpose in statement.behaviours:
            channels: tuple[str, ...] = (OBSERVE,)
        elif rule.purpose in statement.purposes:
            declared = statement.purposes[rule.purpose]
            channels = declared.channels
            if rule.state == "withdrawn":  # it also reaches the purposes below, on their channels
                channels = tuple(statement.channels)
            if declared.basis is not Basis.CONSENT:
                yield f"{key}.purpose: {rule.purpose!r} does not rest on consent"
        else:
            known = (*statement.purposes, *statement.behaviours)
            yield from _unknown(f"{key}.purpose", "purpose", rule.purpose, known)
            continue
        if rule.channel not in channels:
            yield (f"{key}.channel: {rule.channel!r} is no channel of {rule.purpose!r}; "
                   f"{suggest(rule.channel, channels)}")  # fmt: skip
    for number, objection in enumerate(mapping.objections):
        key = f"objections[{number}]"
        if objection.purpose != EVERYTHING:
            known = (*statement.purposes, *statement.behaviours)
            yield from _unknown(f"{key}.purpose", "purpose", objection.purpose, known)
        if objection.channel not in {ANYWHERE, OBSERVE}:
            yield from _unknown(f"{key}.channel", "channel", objection.channel, statement.channels)


def _topics(mapping: Mapping, statement: BrandStatement, _: Sequence[str]) -> Iterator[str]:
    for number, rule in enumerate(mapping.topics):
        key = f"topics[{number}]"
        yield from _unknown(f"{key}.topic", "topic", rule.topic, statement.topics)
        if rule.source != DECLARED:
            behaviour = rule.source[len(OBSERVED) :]
            yield from _unknown(f"{key}.source", "behaviour", behaviour, statement.behaviours)


def _attributes(mapping: Mapping, statement: BrandStatement, _: Sequence[str]) -> Iterator[str]:
    seen: set[str] = set()
    for number, each in enumerate(mapping.attributes):
        key = f"attributes[{number}]"
        yield from _unknown(f"{key}.attribute", "attribute", each.attribute, statement.attributes)
        if each.attribute in seen:
            yield f"{key}.attribute: {each.attribute!r} comes twice; expected it once"
        seen.add(each.attribute)
        if each.attribute in statement.attributes:
            yield from _conversion(key, each, statement)
    for number, purpose in enumerate(mapping.shared_for):
        key = f"shared_for[{number}]"
        yield from _unknown(key, "purpose", purpose, statement.purposes)
        declared = statement.purposes.get(purpose)
        if declared is not None and seen.isdisjoint(declared.attributes):
            yield f"{key}: none of the attributes here is one of purpose {purpose!r}"


def _conversion(key: str, each: AttributeColumn, statement: BrandStatement) -> Iterator[str]:
    """Conversions that do not go with the attribute's type, and values it does not take."""
    declared = statement.attributes[each.attribute]
    if each.round != "no" and declared.type is not AttributeType.INTEGER:
        yield f"{key}.round: is for integers; {each.attribute!r} is of type {declared.type.value!r}"
    if each.format != "iso8601" and declared.type is not AttributeType.DAY:
        yield f"{key}.format: is for days; {each.attribute!r} is of type {declared.type.value!r}"
    if each.values and declared.type not in {AttributeType.ENUM, AttributeType.BOOLEAN}:
        yield f"{key}.values: is for enums and booleans; not for {declared.type.value!r}"
        return
    for value in each.values.values():
        try:
            check_value(each.attribute, declared, value)
        except InputError as error:
            yield f"{key}.values: {error}"


def _words(mapping: Mapping, _: BrandStatement, __: Sequence[str]) -> Iterator[str]:
    """Constants that cannot be what they stand for."""
    if isinstance(mapping.language, Constant) and not is_language(mapping.language.value):
        yield "language: no language tag, expected such as 'en' or 'de-AT'"
    if isinstance(mapping.time_zone, Constant) and not is_time_zone(mapping.time_zone.value):
        yield "time_zone: no time zone known here, expected such as 'Europe/Berlin'"
    when = mapping.evidence.when if mapping.evidence else ""
    if isinstance(when, Moment) and when.value:
        try:
            read_instant(when.value, when.format, "")
        except InputError as error:
            yield str(error)
