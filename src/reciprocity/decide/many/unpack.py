"""Unpack: a row of the snapshot as the columns that messages ask for, in SQL.

It is the innermost layer of every query: bits taken out of words, what follows from the instant
worked out, conditions on attributes asked.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from reciprocity.decide.audience import day_number
from reciprocity.decide.columns import Column
from reciprocity.decide.facts import CONSENT_CODES
from reciprocity.decide.many.dialect import Dialect, quoted
from reciprocity.decide.many.layout import Bits, Rows
from reciprocity.decide.tree import Atom, Term, TermType
from reciprocity.decide.zones import zone_offset
from reciprocity.errors import InputError

__all__ = ["Person", "named_as", "select"]

_MINUTE_MS: Final = 60_000
_AHEAD: Final = "ahead"


class Person:
    """The columns of a person that one query asks for; they are noted as they are asked for.

    *needed* are the columns of the file that must not be NULL, with the fact that is then missing.
    """

    def __init__(self, rows: Rows, at: int, time_zone: str, dialect: Dialect) -> None:
        self.rows, self.at, self.dialect = rows, at, dialect
        self.columns: dict[str, str] = {}
        self.needed: dict[str, str] = {}
        self.sent: dict[str, str] = {}
        offset = zone_offset(time_zone, at)
        if offset is None:
            raise InputError(
                f"brand time zone {time_zone[:64]!r} is unknown here: "
                "name an IANA zone in brand.toml and apply it"
            )
        told = [zone_offset(zone, at) for zone in rows.zones]
        self.offsets = [offset if each is None else each for each in told]

    def unpacked(self, incomplete: str) -> str:
        """The layer: everybody in `part`, with what `sent` has of them if that is asked for."""
        joined = "part"
        if _AHEAD in self.needed:
            offsets = ", ".join(map(str, self.offsets))
            told = f"{self.dialect.element.format(values=offsets, index='zone')} AS {_AHEAD}"
            joined = f"({select(['*', told], '', 'part')})"
        if self.sent:
            counts = select(["slot", *named_as(self.sent)], "", "sent GROUP BY slot")
            joined = f"{joined} LEFT JOIN ({counts}) AS s USING (slot)"
        return select(["slot", f"{incomplete} AS incomplete", *named_as(self.columns)], "", joined)

    def incomplete(self, rules: int) -> tuple[tuple[str, ...], str]:
        """A code for the first value that a row must have and has not."""
        missing = {name: fact for name, fact in self.needed.items() if fact}
        base = 2 * rules + 2
        whens = [f"WHEN {name} IS NULL THEN -{base + n}" for n, name in enumerate(missing)]
        facts = [*missing.values(), "consent_state"]
        states = [
            self._unpacked(bits) for column, bits in self.rows.packed.items()
            if column.fact == "consent_state" and bits.word in missing
        ]  # fmt: skip
        for state in states:
            code = base + len(facts) - 1
            whens.append(f"WHEN {state} >= {len(CONSENT_CODES)} THEN -{code}")
        return tuple(facts), f"CASE {' '.join(whens)} ELSE 0 END" if whens else "0"

    def column(self, column: Column, atom: Atom | None = None) -> str:
        """The name of *column* of a person; of an atom's truth, where it is one."""
        if column.fact in {"message_attempts", "occasion_attempts"}:
            text = self._attempts(column)
        elif atom is not None:
            text = self._holds(atom)
        elif column.fact == "attributes_known":
            text = f"{self._stored(self.rows.attributes[column.of][1])} IS NOT NULL"
        else:
            text = self._read(column.fact, column.of)
        return self.columns.setdefault(text, f"c{len(self.columns)}")

    def _stored(self, name: str) -> str:
        """A column of the file, noted as needed."""
        facts = {each.name: each.fact for each in self.rows.stored}
        self.needed[name] = facts[name]
        return name

    def _attempts(self, column: Column) -> str:
        _, _, message = column.of.partition("/")
        words = quoted(message)
        told = (
            "*"
            if column.fact == "occasion_attempts"
            else f"CASE WHEN message = '{words}' THEN 1 END"
        )
        name = self.sent.setdefault(f"count({told})", f"x{len(self.sent)}")
        return f"coalesce({name}, 0)"

    def _unpacked(self, bits: Bits) -> str:
        return f"(({self._stored(bits.word)} >> {bits.shift}) & {2**bits.width - 1})"

    def _read(self, fact: str, of: str) -> str:
        """A person's value, from the columns of the file."""
        column = Column(fact, of)
        if (bits := self.rows.packed.get(column)) is not None:
            if column.boolean:
                return f"({self._stored(bits.word)} & {1 << bits.shift}) <> 0"
            return f"{self._unpacked(bits)} + {bits.least}" if bits.least else self._unpacked(bits)
        derived = {
            "pause_active": self._pausing, "cap_free_at": self._free, "quiet_ends_at": self._ends,
            "quiet_from": self._start, "quiet_until": self._end_of,
        }  # fmt: skip
        if fact in derived:
            return derived[fact](of)
        if fact == "zone_offset":
            return self._offset()
        if fact == "minute_of_day":
            return f"({self.at // _MINUTE_MS} + {self._offset()}) % 1440"
        return self._stored(self.rows.plain[column])

    def _pausing(self, channel: str) -> str:
        return f"{self._read('pause_until', channel)} > {self.at}"

    def _free(self, channel: str) -> str:
        free = self._stored(self.rows.plain[Column("cap_free_at", channel)])
        return f"CASE WHEN {free} = -1 THEN {self.at} ELSE {free} END"

    def _start(self, channel: str) -> str:
        return self._own_or("quiet_start", self.rows.quiet[channel][0])

    def _end_of(self, channel: str) -> str:
        return self._own_or("quiet_end", self.rows.quiet[channel][1])

    def _own_or(self, own: str, brands: int) -> str:
        name = self._stored(own)
        return f"CAST(CASE WHEN {name} < 0 THEN {brands} ELSE {name} END AS BIGINT)"

    def _offset(self) -> str:
        """Minutes ahead of UTC, looked up once a row."""
        self._stored("zone")
        self.needed[_AHEAD] = "zone_offset"
        return _AHEAD

    def _ends(self, channel: str) -> str:
        start, end = self._start(channel), self._end_of(channel)
        minute = self._read("minute_of_day", "")
        begun = self.at - self.at % _MINUTE_MS
        quiet = (
            f"(({start}) <= ({end}) AND {minute} >= ({start}) AND {minute} < ({end})) OR "
            f"(({start}) > ({end}) AND ({minute} >= ({start}) OR {minute} < ({end})))"
        )
        wait = f"{begun} + ((({end}) - {minute} + 2880) % 1440) * {_MINUTE_MS}"
        return f"CASE WHEN {quiet} THEN {wait} ELSE 0 END"

    def _holds(self, atom: Atom) -> str:
        """Does *atom* hold? A value that nobody knows makes none true."""
        term, name = self.rows.attributes[atom.name]
        told = [_literal(term, value) for value in atom.values]
        self._stored(name)
        right = f"IN ({', '.join(told)})" if atom.operator == "IN" else f"{atom.operator} {told[0]}"
        return f"coalesce({name} {right}, FALSE)"


def select(columns: Sequence[str], layer: str, relation: str = "") -> str:
    """A SELECT from the inner *layer*, or from a *relation* by name; nothing of it is a text."""
    return f"SELECT {', '.join(columns)} FROM {relation or f'({layer})'}"  # noqa: S608


def named_as(named: Mapping[str, str]) -> list[str]:
    """Expressions with the names they are given."""
    return [f"{text} AS {name}" for text, name in named.items()]


def _literal(term: Term, value: int | str) -> str:
    """A value that an attribute is compared with, as the file has it: never a text."""
    if term.type is TermType.BOOLEAN:
        return "TRUE" if value else "FALSE"
    if term.type is TermType.ENUM:
        return str(term.values.index(str(value)))
    return str(int(day_number(value) or 0)) if term.type is TermType.DAY else str(int(value))
