"""A mapping made ready for one file: from one row to what is wanted of one person.

Reading a row needs neither the journal nor a clock. What cannot be read never costs a withdrawal:
such a row still says what it takes away, and why the rest of it cannot be taken.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from msgspec import Struct

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.collect.mapping import AttributeColumn, Mapping, PointColumn
from reciprocity.collect.said import Said, Sayings, read_instant
from reciprocity.collect.table import Row
from reciprocity.errors import InputError
from reciprocity.model import Attribute, AttributeType, Instant
from reciprocity.vault.people import (
    EXTERNAL,
    Address,
    canonical_external_id,
    read_address,
)
from reciprocity.vault.profile import GREATEST, Value, expected_value

__all__ = ["Called", "RowReader", "Wanted"]

Digest = Callable[[str, str], bytes]
Converter = Callable[[str], Value | None]
_MOST_KEPT: Final = 4_096
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,16}(\.[0-9]{0,16})?")
_ROW: Final = re.compile(r"\{row(?::0([1-9])d)?\}")
_ROUNDING: Final = {"down": ROUND_FLOOR, "up": ROUND_CEILING, "nearest": ROUND_HALF_UP}
_BOOLEANS: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Called(Struct, frozen=True, kw_only=True, gc=False):
    """What a row calls its person: *digests* lead to them, each with its channel, if of one."""

    external_id: str
    addresses: dict[str, Address]
    digests: tuple[tuple[str, bytes], ...]


class Wanted(Struct, frozen=True, kw_only=True, gc=False):
    """What one row wants of one person; *problem* is why only what takes away can be taken."""

    line: int
    called: Called
    said: Said
    attributes: dict[str, Value]
    problem: str = ""


class RowReader:
    """Reads rows by a mapping that fits the brand and the file (`fits.misfits`)."""

    def __init__(
        self,
        mapping: Mapping,
        statement: BrandStatement,
        laws: Sequence[LawPack],
        columns: Sequence[str],
        *,
        now: Instant,
        digest: Digest,
    ) -> None:
        """Make *mapping* ready; *digest* blinds (namespace, canonical spelling)."""
        places = {name: place for place, name in enumerate(columns)}
        self._width, self._digest = len(columns), digest
        self.said = Sayings(mapping, statement, laws, columns, now)
        self._external = places[mapping.external_id] if mapping.external_id else -1
        self._points = [
            (channel, statement.channels[channel].kind, _address(point, places))
            for channel, point in mapping.points.items()
        ]
        self._attributes = [
            (each.attribute, places[each.column], _converter(each, statement))
            for each in mapping.attributes
        ]

    def heard(self, row: Row) -> Said | None:
        """What the row says, whoever it is about; None if its cells do not match the columns."""
        return self.said(row.cells) if len(row.cells) == self._width else None

    def read(self, row: Row, said: Said | None) -> Wanted:
        """What the row wants, given what was `heard` of it.

        Raises `InputError` if it cannot be known of whom it speaks.
        """
        if said is None:
            raise InputError(f"row has {len(row.cells)} cells, expected {self._width}")
        called, problem = self._called(row)
        attributes: dict[str, Value] = {}
        problem = problem or said.problem
        try:
            for name, place, convert in self._attributes:
                value = convert(row.cells[place])
                if value is not None:
                    attributes[name] = value
        except InputError as error:
            problem = problem or str(error)
        return Wanted(
            line=row.line, called=called, said=said, attributes=attributes, problem=problem
        )

    def _called(self, row: Row) -> tuple[Called, str]:
        """Who it is about, and what is wrong with one of several identities."""
        problem, external_id = "", ""
        digests: list[tuple[str, bytes]] = []
        addresses: dict[str, Address] = {}
        try:
            if self._external >= 0 and (text := row.cells[self._external].strip()):
                external_id = canonical_external_id(text)
                digests.append(("", self._digest(EXTERNAL, external_id)))
        except InputError as error:
            problem = str(error)
        for channel, kind, text_of in self._points:
            text = text_of(row)
            if not text:
                continue
            try:
                addresses[channel] = address = read_address(kind, text)
            except InputError as error:
                problem = problem or str(error)
                continue
            digests.append((channel, self._digest(kind, address.canonical)))
        if not digests:
            raise InputError(problem or "row has no external id and no address")
        called = Called(external_id=external_id, addresses=addresses, digests=tuple(digests))
        return called, problem


def _address(point: PointColumn, places: dict[str, int]) -> Callable[[Row], str]:
    """From a row to the text of its address: its column's, or the template with its number."""
    if point.column:
        place = places[point.column]
        return lambda row: row.cells[place].strip()
    parts = _ROW.split(point.template)
    if len(parts) != 3 or "{" in parts[0] + parts[2] or "}" in parts[0] + parts[2]:  # noqa: PLR2004  (before, width, after)
        raise InputError(
            "mapping points: template has no row number, or more than one; "
            "expected such as c{row:05d}@example.com"
        )
    before, width, after = parts
    pattern = f"{before.replace('%', '%%')}%0{width or 1}d{after.replace('%', '%%')}"
    return lambda row: pattern % row.number


def _converter(each: AttributeColumn, statement: BrandStatement) -> Converter:
    """From a cell to the attribute's value, None for an empty one; remembers what it converted."""
    declared = statement.attributes[each.attribute]
    read = _READERS[declared.type](each, declared)

    @lru_cache(_MOST_KEPT)
    def convert(cell: str) -> Value | None:
        text = cell.strip()
        if not text:
            return None
        value = read(text)
        if value is None:
            raise InputError(
                f"column {each.column!r}: no value of attribute {each.attribute!r}, "
                f"which takes {expected_value(declared)}"
            )
        return value

    return convert


def _integers(each: AttributeColumn, declared: Attribute) -> Converter:
    """Whole numbers within the bounds; fractions only if the mapping says how to round them."""
    rounding = _ROUNDING.get(each.round)
    least = -GREATEST if declared.minimum is None else declared.minimum
    most = GREATEST if declared.maximum is None else declared.maximum

    def read(text: str) -> int | None:
        if not _NUMBER.fullmatch(text):
            return None
        if "." not in text:
            value = int(text)
        elif rounding is None:
            return None
        else:
            value = int(Decimal(text).to_integral_value(rounding))
        return value if least <= value <= most else None

    return read


def _booleans(each: AttributeColumn, _: Attribute) -> Converter:
    said = {text: bool(value) for text, value in each.values.items()}
    return lambda text: said[text] if text in said else _BOOLEANS.get(text.lower())


def _enums(each: AttributeColumn, declared: Attribute) -> Converter:
    said = {value: value for value in declared.values} | each.values
    return said.get


def _days(each: AttributeColumn, _: Attribute) -> Converter:
    """Days as `YYYY-MM-DD`; of an instant, the day it names."""

    def read(text: str) -> str | None:
        try:
            if each.format == "epoch_days":
                at = read_instant(text, each.format, each.column)
                return datetime.fromtimestamp(at // 1_000, UTC).date().isoformat()
            return datetime.fromisoformat(text).date().isoformat()
        except (InputError, ValueError, OverflowError):
            return None

    return read


_READERS: Final[dict[AttributeType, Callable[[AttributeColumn, Attribute], Converter]]] = {
    AttributeType.INTEGER: _integers,
    AttributeType.BOOLEAN: _booleans,
    AttributeType.ENUM: _enums,
    AttributeType.DAY: _days,
}
