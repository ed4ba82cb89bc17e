"""Fused: one function that decides many messages for one person, straight through.

What messages share is asked once: each run of rules that is the same for a purpose on a channel,
each condition that two of them have. What is left for a message is a line. It is printed, as in
`compile`, from typed trees and from nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, cast

from reciprocity.decide.arrange import Asked, arrange
from reciprocity.decide.columns import Column, Layout, layout_of
from reciprocity.decide.compile import DELIVER, Printer, run
from reciprocity.decide.facts import CONSENT_CODES
from reciprocity.decide.lower import Audience, Every, Lowered, Lowest, Step, Value, Weighted, lower
from reciprocity.decide.prepare import Prepared, Room
from reciprocity.decide.rulebook import FACTS_INCOMPLETE
from reciprocity.decide.tree import Atom, Node, names_of
from reciprocity.model import Decision, Verdict

__all__ = ["Fused", "fuse"]

_Decide = Callable[[object], tuple[tuple[Decision, ...], tuple[int, ...]]]
_NEVER: Final = 2**62


class Fused(NamedTuple):
    """Some messages and the one function that decides them, good while `since <= at < until`.

    It is for people who are known and not erased, and to whom nothing was attempted for an
    occasion of these messages. *limits* are how many of an occasion one may get, *caps* has where
    the four values of a channel's caps begin.
    """

    messages: tuple[Prepared, ...]
    rooms: tuple[Room, ...]
    limits: Mapping[str, int]
    layout: Layout
    caps: dict[str, int]
    decide: _Decide
    since: int
    until: int
    source: str

    def fits(self, values: Sequence[int]) -> dict[str, int]:
        """How many more messages the caps of each channel allow a person of these *values*."""
        return {
            channel: min(values[at + 1] - values[at], values[at + 3] - values[at + 2])
            for channel, at in self.caps.items()
        }


def fuse(messages: Sequence[Prepared], at: int) -> Fused:
    """The function for *messages*, at least one and all under the same statements, around *at*.

    Messages that have closed are left out by the caller; one that is not open yet is refused.
    """
    layout = layout_of(messages)
    grouped: dict[tuple[str, str], list[Lowered]] = {}
    for one in messages:
        key = (str(one.basis), one.ground.key)
        grouped.setdefault(key, []).append(lower(one, at, attempts=False))
    printed = _Function(layout, len(messages))
    for group in grouped.values():
        printed.group(group)
    source = printed.text()
    made = run(source, printed.constants)
    ordered = tuple(one.prepared for group in grouped.values() for one in group)
    edges = sorted(edge for one in messages for edge in (one.opens, one.closes))
    return Fused(
        messages=ordered,
        rooms=tuple(one.room for one in ordered),
        limits={one.occasion: one.limit for one in messages},
        layout=layout,
        caps={
            column.of: number
            for number, column in enumerate(layout.columns)
            if column.fact == "cap_7_used"
        },
        decide=cast("_Decide", made["decide"]),
        since=max((edge for edge in edges if edge <= at), default=-_NEVER),
        until=min((edge for edge in edges if edge > at), default=_NEVER),
        source=source,
    )


class _Function:
    """Prints the function: columns checked, what is shared worked out, then a line a message."""

    def __init__(self, layout: Layout, messages: int) -> None:
        self.columns = layout.columns
        self.words = _Words(layout.columns)
        self.constants: dict[str, object] = {
            "DELIVER": DELIVER,
            "GO": (DELIVER, -1, DELIVER),
            "wait": _wait,
            "incomplete": lambda values: _incomplete(values, layout.columns, messages),
        }
        self.decided: list[str] = []
        self.scores: list[str] = []

    def group(self, lowered: Sequence[Lowered]) -> None:
        """Take messages of one purpose and channel, whose first rules are the same."""
        told = arrange([[self._asked(one, step) for step in one.steps] for one in lowered])
        shared = self.words.named(_chosen(told.shared, "None"))
        lines = []
        for one, own, waits in zip(lowered, told.own, told.waits, strict=True):
            steps = [
                each._replace(text=self.words.named(each.text)) if each.text in told.often else each
                for each in own
            ]
            lines.append(_chosen(steps, self._end(waits, one.prepared.closes)))
            self.scores.append(self.words.value(one.score))
        self.decided.append(
            f"  *(({shared},) * {len(lines)} if {shared} is not None else (\n"
            + "".join(f"   {line},\n" for line in lines)
            + "  )),\n"
        )

    def _asked(self, one: Lowered, step: Step) -> Asked:
        self.constants[f"R{step.number}"] = Decision(verdict=Verdict.REFUSE, reason=step.reason)
        until = self.words.value(one.facts[step.until]) if step.until else ""
        return Asked(self.words.condition(step.node, one.facts), f"R{step.number}", until)

    def _end(self, waiting: Sequence[Asked], closes: int) -> str:
        """What a message comes to past its refusing rules; who waits is worked out once."""
        if not waiting:
            return "DELIVER"
        found = self.words.named(_chosen(
            [asked._replace(answer=f"wait({asked.until}, {asked.answer})") for asked in waiting],
            "GO",
        ))  # fmt: skip
        return self.words.named(f"{found}[0] if {found}[1] < {closes} else {found}[2]")

    def text(self) -> str:
        """The whole function."""
        names = ", ".join(self.words.columns.values())
        checks = " and ".join(map(_typed, self.columns, self.words.columns.values()))
        before = "".join(f" {name} = {text}\n" for text, name in self.words.before.items())
        return (
            f"def decide(c):\n try:\n  ({names},) = c\n"
            " except (TypeError, ValueError):\n  return incomplete(c)\n"
            f" if not ({checks}):\n  return incomplete(c)\n{before}"
            f" return (\n{''.join(self.decided)} ), ({', '.join(self.scores)},)\n"
        )


class _Words(Printer):
    """Prints conditions over columns; what is worked out before gets a name, once a text."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__((), ())
        self.columns = {column: f"c{number}" for number, column in enumerate(columns)}
        self.before: dict[str, str] = {}

    def named(self, text: str) -> str:
        """The name of *text*'s value, worked out before all lines; a name or number is its own."""
        if text.isidentifier() or text.isdecimal():
            return text
        return self.before.setdefault(text, f"n{len(self.before)}")

    def condition(self, node: Node, facts: Mapping[str, Value]) -> str:
        """*node* as a Python expression, where facts are what *facts* says they are."""
        self.variables = {
            name: self.value(facts[name]) for name in sorted(names_of(node)) if name in facts
        }
        return self.text(node)

    def atom(self, atom: Atom) -> str:
        return self.columns[Column("in_audience", atom.text)]

    def value(self, value: Value) -> str:
        """The name of *value*, or its number."""
        match value:
            case Column():
                return self.columns[value]
            case Weighted(parts):
                return self.named(" + ".join(_times(w, self.columns[each]) for w, each in parts))
            case Lowest(columns):
                return self.named(f"min(0, {', '.join(self.columns[one] for one in columns)})")
            case Every(columns):
                return self.named(" and ".join(self.columns[one] for one in columns))
            case Audience(node, known):
                return self.named(
                    " and ".join([*(self.columns[one] for one in known), self.text(node)])
                )
        return repr(value)


def _times(weight: int, name: str) -> str:
    return name if weight == 1 else f"{weight} * {name}"


def _chosen(steps: Sequence[Asked], otherwise: str) -> str:
    """The answer of the first of *steps* that holds."""
    return "".join(f"{step.answer} if {step.text} else " for step in steps) + otherwise


def _typed(column: Column, name: str) -> str:
    if column.boolean:
        return f"{name}.__class__ is bool"
    if column.fact == "consent_state":
        return f"{name}.__class__ is int and 0 <= {name} < {len(CONSENT_CODES)}"
    return f"{name}.__class__ is int"


def _wait(until: int, refusal: Decision) -> tuple[Decision, int, Decision]:
    """To wait, the instant before which a message must not close for that, and else to refuse."""
    waiting = Decision(verdict=Verdict.WAIT, reason=refusal.reason, until=until)
    return waiting, until if until > 0 else _NEVER, refusal


def _incomplete(
    values: object, columns: Sequence[Column], messages: int
) -> tuple[tuple[Decision, ...], tuple[int, ...]]:
    """The refusal of every message, with the fact that the first wrong value goes into."""
    told = values if type(values) is tuple and len(values) == len(columns) else ()
    wrong = (
        column.fact
        for column, value in zip(columns, told, strict=False)
        if type(value) is not (bool if column.boolean else int)
        or (column.fact == "consent_state" and not 0 <= value < len(CONSENT_CODES))
    )
    name = next(wrong, "facts")
    refused = Decision(verdict=Verdict.REFUSE, reason=f"{FACTS_INCOMPLETE}:{name}")
    return (refused,) * messages, (0,) * messages
