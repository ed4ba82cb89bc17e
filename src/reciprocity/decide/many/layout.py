"""Layout: what a snapshot keeps of a person, and how engines read it: a few integers a row.

Yes-or-no values, states of consent and levels of topics share words of bits; the rest has columns
of its own. What a brand file names is kept, whatever campaign asks. A row is good for as long as
nothing in it changes by the clock alone: `since <= instant < until`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple, cast

from reciprocity.consent.state import Wishes
from reciprocity.decide.audience import day_number
from reciprocity.decide.columns import Column, Layout, layout_of
from reciprocity.decide.compile import run
from reciprocity.decide.prepare import Ground, Prepared, Statements, prepare
from reciprocity.decide.rulebook import attribute_terms
from reciprocity.decide.tree import Term, TermType
from reciprocity.decide.zones import zone_names, zone_offset
from reciprocity.errors import InputError
from reciprocity.journal.cache import Kept
from reciprocity.journal.standing import MONTH_MS, WEEK_MS, Sent
from reciprocity.model import Campaign, ConsentState, Message

__all__ = ["Row", "Rows", "RowsOf", "Stored", "rows_of"]

_WORD: Final = 62
"""Bits in a word: a signed integer of 64 bits that is never negative."""
_LOWEST_LEVEL: Final = -2
_EPOCH: Final = date(1970, 1, 1).toordinal()
_NEVER: Final = 2**62
_FIRST_DAY, _LAST_DAY = date.min.toordinal() - _EPOCH - 1, date.max.toordinal() - _EPOCH + 1
_ENDS: Final = frozenset({ConsentState.GIVEN, ConsentState.PENDING})
_TYPES: Final = {
    TermType.INTEGER: int, TermType.BOOLEAN: bool, TermType.ENUM: str, TermType.DAY: object,
}  # fmt: skip
_DERIVED: Final = frozenset({
    "pause_active", "zone_offset", "minute_of_day", "quiet_from", "quiet_until", "quiet_ends_at",
    "attributes_known",
})  # fmt: skip
"""Columns that follow from others and the instant; they are not kept."""

Row = tuple[object, ...]


class Stored(NamedTuple):
    """One column of the file: *sql* is its type in DuckDB; *fact* what is missing without it.

    Only an attribute's value may be NULL: nobody knows it, or it is not of its type.
    """

    name: str
    sql: str
    fact: str


class Bits(NamedTuple):
    """Where a packed value is: in *word*, *width* bits from *shift* on, *least* being 0."""

    word: str
    shift: int
    width: int
    least: int


class Rows(NamedTuple):
    """What the rows of one brand file look like.

    *packed* has the columns in words of bits, *plain* those with a column of their own.
    *attributes* names the column that has an attribute's value. A row's `zone` is a place in
    *zones*, of which the first is for whoever has none that is known.
    """

    stored: tuple[Stored, ...]
    packed: Mapping[Column, Bits]
    plain: Mapping[Column, str]
    attributes: Mapping[str, tuple[Term, str]]
    quiet: Mapping[str, tuple[int, int]]
    zones: tuple[str, ...]


RowsOf = Callable[[Kept, int], Row]
"""From a person, known and not erased, and an instant to the values of `Rows.stored`."""


def rows_of(stated: Statements) -> tuple[Rows, RowsOf]:
    """The rows of the brand file in *stated*, and the function that makes them.

    Raises `InputError` for a brand file with which nothing can be prepared.
    """
    probes = _probes(stated)
    layout = layout_of(probes)
    kept = [column for column in layout.columns if column.fact not in _DERIVED]
    packed, words = _packed(kept)
    plain = {column: f"p{number}" for number, column in enumerate(
        column for column in kept if column not in packed
    )}  # fmt: skip
    terms = [
        term for term in attribute_terms(stated.brand.attributes) if term.source == "attribute"
    ]
    attributes = {term.name: (term, f"a{number}") for number, term in enumerate(terms)}
    rows = Rows(
        stored=(
            *(Stored(name, "BIGINT", "person_known") for name in ("slot", "version")),
            *(Stored(name, "BIGINT", fact) for name, fact in words.items()),
            *(Stored(name, "BIGINT", column.fact) for column, name in plain.items()),
            *(Stored(name, "SMALLINT", "quiet_from") for name in ("quiet_start", "quiet_end")),
            Stored("zone", "SMALLINT", "zone_offset"),
            *(Stored(name, _sql_type(term), "") for term, name in attributes.values()),
            *(Stored(name, "BIGINT", "message_open") for name in ("since", "until")),
        ),
        packed=packed,
        plain=plain,
        attributes=attributes,
        quiet={one.message.channel: one.quiet for one in probes},
        zones=zone_names(),
    )
    return rows, _maker(rows, layout, probes)


def _probes(stated: Statements) -> list[Prepared]:
    """A message for each purpose on each channel that names all topics and attributes."""
    brand = stated.brand
    if not brand.purposes or not brand.channels:
        raise InputError("brand file declares no purpose or no channel: nothing can be planned")
    named = tuple(
        term.name for term in attribute_terms(brand.attributes) if term.source == "attribute"
    )
    at_any = Campaign(title="", opens=0, closes=1, messages={})
    return [
        prepare(
            "probe",
            Message(
                purpose=purpose, channel=channel, subject="", text="", requires=named,
                topics=dict.fromkeys(brand.topics, 1),
            ),
            "probe", at_any, stated,
        )
        for purpose in brand.purposes
        for channel in brand.channels
    ]  # fmt: skip


def _packed(columns: Sequence[Column]) -> tuple[dict[Column, Bits], dict[str, str]]:
    """Where each column that fits into a few bits is, and the first fact of each word."""
    packed: dict[Column, Bits] = {}
    words: dict[str, str] = {}
    word, shift = -1, _WORD
    for column in columns:
        width = 1 if column.boolean else 3
        if not column.boolean and column.fact not in {"consent_state", "topic_score"}:
            continue
        if shift + width > _WORD:
            word, shift = word + 1, 0
            words[f"w{word}"] = column.fact
        least = _LOWEST_LEVEL if column.fact == "topic_score" else 0
        packed[column] = Bits(f"w{word}", shift, width, least)
        shift += width
    return packed, words


def _sql_type(term: Term) -> str:
    return "BOOLEAN" if term.type is TermType.BOOLEAN else "BIGINT"


def _maker(rows: Rows, layout: Layout, probes: Sequence[Prepared]) -> RowsOf:
    """The function that makes rows; the packing of bits is one printed expression a word."""
    pack = _pack(rows, layout)
    grounds = tuple({
        ground.key: ground
        for one in probes for ground in (one.ground, *one.observed.values())
    }.values())  # fmt: skip
    read = [_reader(term) for term, _ in rows.attributes.values()]
    names = list(rows.attributes)
    zones = {name: place for place, name in enumerate(rows.zones)}

    def row(kept: Kept, at: int) -> Row:
        standing, clear = kept.standing, kept.clear
        wishes = standing.wishes
        quiet, zone = wishes.quiet, wishes.time_zone
        place = zones.get(zone, 0)
        if place or not zone or zone_offset(zone, at) is None:
            since, until = _good(wishes, standing.sent, grounds, at)
        else:  # a zone that works and is on no list: as one that is as far ahead now, for now
            ahead = zone_offset(zone, at)
            place = next(n for n, name in enumerate(rows.zones) if zone_offset(name, at) == ahead)
            since, until = at, at + 1
        return (
            standing.slot,
            standing.version,
            *pack(layout.values(standing, {}, at, 0), at),
            *((-1, -1) if quiet is None else (quiet.start, quiet.end)),
            place,
            *[known(clear.get(name)) for known, name in zip(read, names, strict=True)],
            since,
            until,
        )

    return row


def _pack(rows: Rows, layout: Layout) -> Callable[[tuple[int, ...], int], tuple[int, ...]]:
    """From the columns' values to the words and then the plain columns.

    `cap_free_at` is -1 for *now*, so that a row does not change with every instant. A level that
    was never published is the lowest.
    """
    words: dict[str, list[str]] = {}
    plain = []
    names = [f"c{number}" for number in range(len(layout.columns))]
    for column, told in zip(layout.columns, names, strict=True):
        level = f"({told} + {-_LOWEST_LEVEL} if {_LOWEST_LEVEL} <= {told} <= 5 else 0)"
        name = level if column.fact == "topic_score" else told
        if (bits := rows.packed.get(column)) is not None:
            words.setdefault(bits.word, []).append(f"{name} << {bits.shift}")
        elif column in rows.plain:
            now = column.fact == "cap_free_at"
            plain.append(f"-1 if {name} == at else {name}" if now else name)
    made = [" | ".join(parts) for parts in words.values()]
    source = (
        f"def pack(c, at):\n ({', '.join(names)},) = c\n return ({', '.join([*made, *plain])},)"
    )
    pack = run(source, {})["pack"]
    return cast("Callable[[tuple[int, ...], int], tuple[int, ...]]", pack)


def _reader(term: Term) -> Callable[[object], object]:
    """From a value to how the file has it: None where it is not of the attribute's type.

    An integer beyond 63 bits, and a day before the year 1 or after 9999, become the nearest that
    fits; no condition can tell them apart.
    """
    kind, codes = _TYPES[term.type], {word: code for code, word in enumerate(term.values)}

    def known(value: object) -> object:
        if term.type is TermType.DAY:
            day = day_number(value)
            return None if day is None else max(_FIRST_DAY, min(day, _LAST_DAY))
        if type(value) is not kind:
            return None
        if term.type is TermType.ENUM:
            return codes.get(cast("str", value))
        if term.type is TermType.INTEGER:
            return max(-_NEVER, min(cast("int", value), _NEVER))
        return value

    return known


def _good(
    wishes: Wishes, sent: Sequence[Sent], grounds: Sequence[Ground], at: int
) -> tuple[int, int]:
    """From when until when a row made at *at* stays as it is, if nothing is said meanwhile.

    A yes or a request runs out, an attempt leaves a window of caps. What the hour of the day and
    pauses do is worked out when rows are read.
    """
    since, until = 0, _NEVER
    edges = []
    for ground in grounds:
        answer = wishes.answers.get(ground.key)
        if answer is not None and answer.state in _ENDS:
            if answer.until:
                edges.append(answer.until)
            edges.append(answer.at + ground.longest_ms)
    for one in sent:
        edges += (one.at + WEEK_MS, one.at + MONTH_MS)
    for edge in edges:
        if edge <= at:
            since = max(since, edge)
        else:
            until = min(until, edge)
    return since, until
