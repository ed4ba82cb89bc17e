"""Speech: messages' rules as SQL over the columns of a snapshot, in layers.

    person    the row unpacked: a column for each `Column` that a message asks for
    asked     what messages share: rules that are the same for a purpose on a channel, scores,
              conditions that two of them have
    decided   a code for each message

A message that may be delivered has a rank, above 0: its score, then its place among the messages in
the lowest bits, so that the greatest of a person's ranks is the choice. Any other has minus a code:
the number of a rule from 1 on where that refuses; then one more for *no room*, where it may be
delivered and nothing is left for it; then once more the rules, where one makes it wait; then which
value of the row is missing.

As in `fused`, all of it is printed from typed trees, integers and names of our own.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from reciprocity.decide.arrange import Asked, arrange
from reciprocity.decide.columns import Column
from reciprocity.decide.compile import Printer
from reciprocity.decide.lower import Audience, Every, Lowered, Lowest, Step, Value, Weighted
from reciprocity.decide.many.dialect import Dialect
from reciprocity.decide.many.layout import Rows
from reciprocity.decide.many.unpack import Person, named_as, select
from reciprocity.decide.rulebook import FACTS_INCOMPLETE
from reciprocity.decide.tree import Atom, Some, names_of
from reciprocity.model import Basis, Decision, Verdict

__all__ = ["Query", "decision_of", "query_for"]

_ABOVE: Final = 2**24
"""More than any score has below 0: ranks are above 0."""
_NAMES: Final = re.compile(r"\bn[0-9]+\b")
_OPERATORS: Final = {sign: sign for sign in ("=", "<>", "<", "<=", ">", ">=")}


class Query(NamedTuple):
    """The layers of one query, innermost first, over the relations `part` and `sent`.

    *heads* counts people by what stops all messages of a purpose on a channel alike, a column a
    group; *groups* has for each message the group it is of. *open* has only those whom not every
    group stops, *decided* everybody.
    Both select `slot`, a rank or minus a code `v0, v1, ...` and a score `s0, s1, ...` a
    message, and `u0, ...`, the instant each would wait for. The last *bits* bits of a rank are all
    ones for message 0, one less for the next. *left* and *fits* name, for each message, how many
    more of the occasion, and of the channel, the person may get. *rules* is how many the rulebook
    has, *missing* are the facts that the last codes name.
    """

    heads: str
    groups: tuple[int, ...]
    open: str
    decided: str
    bits: int
    rules: int
    left: tuple[str, ...]
    fits: tuple[str, ...]
    missing: tuple[str, ...]


def query_for(
    lowered: Sequence[Lowered],
    rows: Rows,
    at: int,
    time_zone: str,
    dialect: Dialect,
    *,
    waits: bool = False,
) -> Query:
    """The query that decides *lowered*, at least one message, at *at*, in *dialect*.

    *time_zone* is the brand's, for whoever's is unknown. Instants to wait for are told only with
    *waits*: counts have no use for them.
    """
    return _Speech(rows, at, time_zone, dialect).query(lowered, waits=waits)


def decision_of(lowered: Lowered, query: Query, value: int, until: int = 0) -> Decision:
    """What *value*, a rank or minus a code, says of the message."""
    code, rules = -value, lowered.prepared.compiled.rulebook.rules
    if code <= 0 or code == query.rules + 1:
        return Decision(verdict=Verdict.DELIVER)
    if code <= query.rules:
        return Decision(verdict=Verdict.REFUSE, reason=rules[code - 1].reason)
    if code <= 2 * query.rules + 1:
        reason = rules[code - query.rules - 2].reason
        return Decision(verdict=Verdict.WAIT, reason=reason, until=until)
    reason = f"{FACTS_INCOMPLETE}:{query.missing[code - 2 * query.rules - 2]}"
    return Decision(verdict=Verdict.REFUSE, reason=reason)


class _Speech(Printer):
    """Prints one query; *person* is its first layer, *asked* has what rests on that."""

    AND, OR, NOT = " AND ", " OR ", "NOT "
    OPERATORS = _OPERATORS

    def __init__(self, rows: Rows, at: int, time_zone: str, dialect: Dialect) -> None:
        super().__init__((), ())
        self.person = Person(rows, at, time_zone, dialect)
        self.asked: dict[str, str] = {}
        self.rules = 0

    # -- the layers --

    def query(self, lowered: Sequence[Lowered], *, waits: bool) -> Query:
        """All layers."""
        grouped: dict[tuple[Basis, str], list[int]] = {}
        for number, one in enumerate(lowered):
            key = (one.prepared.basis, one.prepared.ground.key)
            grouped.setdefault(key, []).append(number)
        bits = len(lowered).bit_length()
        self.rules = len(lowered[0].prepared.compiled.rules)
        scores = [self._named(self.value(one.score)) for one in lowered]
        values = [
            f"(CAST({score} AS BIGINT) + {_ABOVE}) * {1 << bits} + {(1 << bits) - 1 - number}"
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
        missing, incomplete = self.person.incomplete(self.rules)
        stopped = select([*heads, "count(*)"], self._layers(incomplete, upto=heads))
        return Query(
            heads=f"{stopped} GROUP BY ALL",
            groups=tuple(groups),
            open=select(told, self._layers(incomplete, only=heads)),
            decided=select(told, self._layers(incomplete)),
            bits=bits,
            rules=self.rules,
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
        told = self.person.unpacked(incomplete)
        depths: dict[str, int] = {}
        for text, name in self.asked.items():
            inner = [depths[each] for each in _NAMES.findall(text)]
            depths[name] = max(inner, default=0) + 1
        last = max((depths[name] for name in upto), default=max(depths.values()))
        stopped = max((depths[name] for name in only), default=0)
        for depth in range(1, last + 1):
            layer = {text: name for text, name in self.asked.items() if depths[name] == depth}
            told = select(["*", *named_as(layer)], told)
            if depth == stopped:
                told = f"{select(['*'], told)} WHERE {' OR '.join(f'{n} = 0' for n in only)}"
        return told

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
            name: self.value(one.facts[name])
            for name in sorted(names_of(step.node))
            if name in one.facts
        }
        parts = step.node.parts if isinstance(step.node, Some) else (step.node,)
        text = " OR ".join(self._named(self.text(part)) for part in parts)
        return Asked(text, str(-step.number - 1), until)

    def _end(self, one: Lowered, waits: Sequence[Asked]) -> tuple[str, str]:
        """What a message comes to past its refusing rules, and the instant it would wait for."""
        told = [f"{each} > 0" for each in (self._left(one), self._fits(one))
                if not each.isdecimal()]  # fmt: skip
        room = _chosen([Asked(" AND ".join(told), "0", "")], str(-self.rules - 1)) if told else "0"
        if not waits:
            return self._named(room), "0"
        closes = one.prepared.closes
        rule = self._named(_chosen(waits, "0"))
        until = self._named(_chosen([each._replace(answer=each.until) for each in waits], "0"))
        return self._named(_chosen(
            [
                Asked(f"{rule} = 0", room, ""),
                Asked(f"{until} > 0 AND {until} < {closes}", f"{rule} - {self.rules + 1}", ""),
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
                return self.person.column(value)
            case Weighted(parts):
                return self._named(
                    " + ".join(f"{w} * {self.person.column(each)}" for w, each in parts)
                )
            case Lowest(columns):
                return self._named(f"least(0, {', '.join(map(self.person.column, columns))})")
            case Every(columns):
                return self._named(" AND ".join(map(self.person.column, columns)))
            case Audience(node, known):
                return self._named(" AND ".join([*map(self.person.column, known), self.text(node)]))
        return str(int(value))

    def among(self, values: Sequence[int]) -> str:
        return f"IN ({', '.join(map(str, values))})"

    def atom(self, atom: Atom) -> str:
        return self.person.column(Column("in_audience", atom.text), atom)

    def _named(self, text: str) -> str:
        """The name of what *text* comes to; a name or a number is its own."""
        if text.isidentifier() or text.isdecimal():
            return text
        return self.asked.setdefault(text, f"n{len(self.asked)}")


def _chosen(steps: Sequence[Asked], otherwise: str) -> str:
    """The answer of the first of *steps* that holds."""
    whens = "".join(f"WHEN {each.text} THEN {each.answer} " for each in steps)
    return f"CASE {whens}ELSE {otherwise} END" if steps else otherwise
