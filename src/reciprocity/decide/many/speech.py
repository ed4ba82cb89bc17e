"""Speech: messages' rules as SQL over the columns of a snapshot, in layers.

    person    the row unpacked: a column for each `Column` that a message asks for
    asked     what messages share: rules that are the same for a purpose on a channel, scores,
              conditions that two of them have
    decided   a code for each message

A message that may be delivered has a rank, above 0: its score, then its place among the messages in
the lowest bits, so that the greatest of a person's ranks is the choice. Any other has minus a code:
the number of a rule from 1 on, plus `WAITS` where it waits; `NO_ROOM` where it may be delivered and
nothing is left for it; from `INCOMPLETE` on, which value of the row is missing.

As in `fused`, all of it is printed from typed trees, integers and names of our own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from reciprocity.decide.arrange import Asked, arrange
from reciprocity.decide.audience import day_number
from reciprocity.decide.columns import Column
from reciprocity.decide.compile import Printer
from reciprocity.decide.facts import CONSENT_CODES
from reciprocity.decide.lower import Audience, Every, Lowered, Lowest, Step, Value, Weighted
from reciprocity.decide.many.layout import Bits, Rows
from reciprocity.decide.rulebook import FACTS_INCOMPLETE
from reciprocity.decide.tree import Atom, Some, Term, TermType, names_of
from reciprocity.decide.zones import zone_offset
from reciprocity.errors import InputError
from reciprocity.model import Basis, Decision, Verdict

__all__ = ["Query", "decision_of", "query_for"]

WAITS: Final = 500
NO_ROOM: Final = 499
_ABOVE: Final = 2**24
"""More than any score has below 0: ranks are above 0."""
INCOMPLETE: Final = 1_000
_MINUTE_MS: Final = 60_000
_NAMES: Final = re.compile(r"\bn[0-9]+\b")
_AHEAD: Final = "ahead"
_OPERATORS: Final = {sign: sign for sign in ("=", "<>", "<", "<=", ">", ">=")}


class Query(NamedTuple):
    """The layers of one query, innermost first, over the relations `part` and `sent`.

    *heads* counts people by what stops all messages of a purpose on a channel alike, a column a
    group; *groups* has for each message the group it is of. *open* has only those whom not every
    group stops, *decided* everybody.
    Both select `slot`, a rank or minus a code `v0, v1, ...` and a score `s0, s1, ...` a
    message, and `u0, ...`, the instant each would wait for. The last *bits* bits of a rank are all
    ones for message 0, one less for the next. *left* and *fits* name, for each message, how many
    more of the occasion, and of the channel, the person may get.
    *missing* are the facts that codes from `INCOMPLETE` on name.
    """

    heads: str
    groups: tuple[int, ...]
    open: str
    decided: str
    bits: int
    left: tuple[str, ...]
    fits: tuple[str, ...]
    missing: tuple[str, ...]


def query_for(
    lowered: Sequence[Lowered], rows: Rows, at: int, time_zone: str, *, waits: bool = False
) -> Query:
    """The query that decides *lowered*, at least one message, at *at*.

    *time_zone* is the brand's, for whoever's is unknown. Instants to wait for are told only with
    *waits*: counts have no use for them.
    """
    return _Speech(rows, at, time_zone).query(lowered, waits=waits)


def decision_of(lowered: Lowered, query: Query, value: int, until: int = 0) -> Decision:
    """What *value*, a rank or minus a code, says of the message."""
    code = -value
    if code <= 0 or code == NO_ROOM:
        return Decision(verdict=Verdict.DELIVER)
    if code >= INCOMPLETE:
        reason = f"{FACTS_INCOMPLETE}:{query.missing[code - INCOMPLETE]}"
        return Decision(verdict=Verdict.REFUSE, reason=reason)
    rules = lowered.prepared.compiled.rulebook.rules
    if code > WAITS:
        reason = rules[code - WAITS - 1].reason
        return Decision(verdict=Verdict.WAIT, reason=reason, until=until)
    return Decision(verdict=Verdict.REFUSE, reason=rules[code - 1].reason)


class _Speech(Printer):
    """Prints one query; *person* and *asked* are the columns of its first two layers."""

    AND, OR, NOT = " AND ", " OR ", "NOT "
    OPERATORS = _OPERATORS

    def __init__(self, rows: Rows, at: int, time_zone: str) -> None:
        super().__init__((), ())
        self.rows, self.at = rows, at
        self.person: dict[str, str] = {}
        self.asked: dict[str, str] = {}
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

    # -- the layers --

    def query(self, lowered: Sequence[Lowered], *, waits: bool) -> Query:
        """All layers."""
        grouped: dict[tuple[Basis, str], list[int]] = {}
        for number, one in enumerate(lowered):
            key = (one.prepared.basis, one.prepared.ground.key)
            grouped.setdefault(key, []).append(number)
        bits = len(lowered).bit_length()
        scores = [self._named(self.value(one.score)) for one in lowered]
        values = [
            f"({score} + {_ABOVE}) * {1 << bits} + {(1 << bits) - 1 - number}"
            for number, score in enumerate(scores)
        ]
        untils = ["0"] * len(lowered)
        heads, groups = [], [0] * len(lowered)
        for group, numbers in enumerate(grouped.values()):
            members = [lowered[number] for number in numbers]
            heads.append(self._group(members, numbers, values, untils))
            for number in numbers:
                groups[number] = group
        left, fits = [self._left(one) for one in lowered], [self._fits(one) for one in lowered]
        told = [
            "slot",
            *(f"{value} AS v{n}" for n, value in enumerate(values)),
            *(f"{score} AS s{n}" for n, score in enumerate(scores)),
            *(f"{until} AS u{n}" for n, until in enumerate(untils) if waits),
            *dict.fromkeys(each for each in (*left, *fits) if not each.isdecimal()),
        ]
        missing, incomplete = self._incomplete()
        stopped = _select([*heads, "count(*)"], self._layers(incomplete, upto=heads))
        return Query(
            heads=f"{stopped} GROUP BY ALL",
            groups=tuple(groups),
            open=_select(told, self._layers(incomplete, only=heads)),
            decided=_select(told, self._layers(incomplete)),
            bits=bits,
            left=tuple(left),
            fits=tuple(fits),
            missing=missing,
        )

    def _layers(
        self, incomplete: str, *, upto: Sequence[str] = (), only: Sequence[str] = ()
    ) -> str:
        """The row unpacked, then what rests on it, then what rests on that.

        Not further than what *upto* names; without those whom all that *only* names stop.
        """
        joined = "part"
        if _AHEAD in self.needed:
            told = f"[{', '.join(map(str, self.offsets))}][zone + 1] AS {_AHEAD}"
            joined = f"({_select(['*', told], '', 'part')})"
        if self.sent:
            counts = _select(["slot", *_as(self.sent)], "", "sent GROUP BY slot")
            joined = f"{joined} LEFT JOIN ({counts}) AS s USING (slot)"
        told = _select(["slot", f"{incomplete} AS incomplete", *_as(self.person)], "", joined)
        depths: dict[str, int] = {}
        for text, name in self.asked.items():
            inner = [depths[each] for each in _NAMES.findall(text)]
            depths[name] = max(inner, default=0) + 1
        last = max((depths[name] for name in upto), default=max(depths.values()))
        stopped = max((depths[name] for name in only), default=0)
        for depth in range(1, last + 1):
            layer = {text: name for text, name in self.asked.items() if depths[name] == depth}
            told = _select(["*", *_as(layer)], told)
            if depth == stopped:
                told = f"{_select(['*'], told)} WHERE {' OR '.join(f'{n} = 0' for n in only)}"
        return told

    def _incomplete(self) -> tuple[tuple[str, ...], str]:
        """A code for the first value that a row must have and has not."""
        missing = {name: fact for name, fact in self.needed.items() if fact}
        whens = [
            f"WHEN {name} IS NULL THEN -{INCOMPLETE + n}" for n, name in enumerate(missing)
        ]  # fmt: skip
        facts = [*missing.values(), "consent_state"]
        states = [
            self._unpacked(bits) for column, bits in self.rows.packed.items()
            if column.fact == "consent_state" and bits.word in missing
        ]  # fmt: skip
        for state in states:
            code = INCOMPLETE + len(facts) - 1
            whens.append(f"WHEN {state} >= {len(CONSENT_CODES)} THEN -{code}")
        return tuple(facts), f"CASE {' '.join(whens)} ELSE 0 END" if whens else "0"

    # -- a group of messages --

    def _group(
        self, lowered: Sequence[Lowered], numbers: Sequence[int], values: list[str],
        untils: list[str],
    ) -> str:  # fmt: skip
        """The name of what stops all of them, 0 if nothing does.

        Puts in *values*, which has ranks, what decides of each message; the instants likewise.
        """
        told = arrange([[self._asked(one, step) for step in one.steps] for one in lowered])
        whole = Asked("incomplete <> 0", "incomplete", "")
        shared = self._named(_chosen([whole, *told.shared], "0"))
        for number, one, own, waits in zip(numbers, lowered, told.own, told.waits, strict=True):
            steps = [
                each._replace(text=self._named(each.text)) if each.text in told.often else each
                for each in own
            ]
            end, untils[number] = self._end(one, waits)
            first = Asked(f"{shared} <> 0", shared, "")
            left = [Asked(f"{end} <> 0", end, "")] if end != "0" else []
            values[number] = _chosen([first, *steps, *left], values[number])
        return shared

    def _asked(self, one: Lowered, step: Step) -> Asked:
        until = self.value(one.facts[step.until]) if step.until else ""
        self.variables = {
            name: self.value(one.facts[name]) for name in names_of(step.node) if name in one.facts
        }
        parts = step.node.parts if isinstance(step.node, Some) else (step.node,)
        text = " OR ".join(self._named(self.text(part)) for part in parts)
        return Asked(text, str(-step.number - 1), until)

    def _end(self, one: Lowered, waits: Sequence[Asked]) -> tuple[str, str]:
        """What a message comes to past its refusing rules, and the instant it would wait for."""
        told = [f"{each} > 0" for each in (self._left(one), self._fits(one))
                if not each.isdecimal()]  # fmt: skip
        room = _chosen([Asked(" AND ".join(told), "0", "")], str(-NO_ROOM)) if told else "0"
        if not waits:
            return self._named(room), "0"
        closes = one.prepared.closes
        rule = self._named(_chosen(waits, "0"))
        until = self._named(_chosen([each._replace(answer=each.until) for each in waits], "0"))
        return self._named(_chosen(
            [
                Asked(f"{rule} = 0", room, ""),
                Asked(f"{until} > 0 AND {until} < {closes}", f"{rule} - {WAITS}", ""),
            ],
            rule,
        )), until  # fmt: skip

    def _left(self, one: Lowered) -> str:
        attempts = self.value(one.facts["occasion_attempts"])
        limit = one.prepared.limit
        return str(limit) if attempts == "0" else self._named(f"{limit} - {attempts}")

    def _fits(self, one: Lowered) -> str:
        if one.prepared.basis is not Basis.CONSENT:
            return str(2**31)
        used, most, used_30, most_30 = (
            self.value(one.facts[name])
            for name in ("cap_7_used", "cap_7_most", "cap_30_used", "cap_30_most")
        )
        return self._named(f"least({most} - {used}, {most_30} - {used_30})")

    # -- values --

    def value(self, value: Value) -> str:
        """The name of *value* in the layer `asked`, or its number."""
        match value:
            case Column():
                return self._column(value)
            case Weighted(parts):
                return self._named(" + ".join(f"{w} * {self._column(each)}" for w, each in parts))
            case Lowest(columns):
                return self._named(f"least(0, {', '.join(map(self._column, columns))})")
            case Every(columns):
                return self._named(" AND ".join(map(self._column, columns)))
            case Audience(node, known):
                return self._named(" AND ".join([*map(self._column, known), self.text(node)]))
        return str(int(value))

    def among(self, values: Sequence[int]) -> str:
        return f"IN ({', '.join(map(str, values))})"

    def atom(self, atom: Atom) -> str:
        return self._column(Column("in_audience", atom.text), atom)

    def _named(self, text: str) -> str:
        """The name of what *text* comes to; a name or a number is its own."""
        if text.isidentifier() or text.isdecimal():
            return text
        return self.asked.setdefault(text, f"n{len(self.asked)}")

    def _column(self, column: Column, atom: Atom | None = None) -> str:
        if column.fact in {"message_attempts", "occasion_attempts"}:
            text = self._attempts(column)
        elif atom is not None:
            text = self._holds(atom)
        elif column.fact == "attributes_known":
            text = f"{self._stored(self.rows.attributes[column.of][1])} IS NOT NULL"
        else:
            text = self._read(column.fact, column.of)
        return self.person.setdefault(text, f"c{len(self.person)}")

    def _stored(self, name: str) -> str:
        """A column of the file, noted as needed."""
        facts = {each.name: each.fact for each in self.rows.stored}
        self.needed[name] = facts[name]
        return name

    def _attempts(self, column: Column) -> str:
        _, _, message = column.of.partition("/")
        words = message.replace("'", "''")
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


def _select(columns: Sequence[str], layer: str, relation: str = "") -> str:
    """A SELECT from the inner *layer*, or from a *relation* by name; nothing of it is a text."""
    return f"SELECT {', '.join(columns)} FROM {relation or f'({layer})'}"  # noqa: S608


def _as(named: Mapping[str, str]) -> list[str]:
    return [f"{text} AS {name}" for text, name in named.items()]


def _chosen(steps: Sequence[Asked], otherwise: str) -> str:
    """The answer of the first of *steps* that holds."""
    whens = "".join(f"WHEN {each.text} THEN {each.answer} " for each in steps)
    return f"CASE {whens}ELSE {otherwise} END" if steps else otherwise


def _literal(term: Term, value: int | str) -> str:
    """A value that an attribute is compared with, as the file has it: never a text."""
    if term.type is TermType.BOOLEAN:
        return "TRUE" if value else "FALSE"
    if term.type is TermType.ENUM:
        return str(term.values.index(str(value)))
    return str(int(day_number(value) or 0)) if term.type is TermType.DAY else str(int(value))
