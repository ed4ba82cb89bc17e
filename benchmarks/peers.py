"""One decision beside rule engines that people use today, on the same rules and the same facts.

The first rulebook whole, as each engine likes it best: one compiled expression (zen-engine,
rule-engine), one compiled JSONLogic rule (datalogic-py), a parsed set of policies (cedarpy). Each
is handed facts in the form it reads, made beforehand, and answers the first reason; all must say
the same of a thousand people before anything is measured.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any, Final, NamedTuple

import cedarpy
import datalogic_py
import rule_engine
import zen

from benchmarks.decision import first_compiled, population
from benchmarks.table import Row, as_markdown
from reciprocity.decide.compile import Printer
from reciprocity.decide.facts import BASIS_CODES, Facts
from reciprocity.decide.rulebook import EVERY_BASIS, RuleLine
from reciprocity.decide.tree import All, Among, Compare, Node, Not, Some, Truth

__all__ = ["rows"]

PEOPLE: Final = 1_000
_OURS: Final = "ours"
_TURN_S: Final = 0.02
Told = dict[str, Any]
Rules = Sequence[tuple[RuleLine, Node]]


class Peer(NamedTuple):
    """An engine: what it makes of facts beforehand, and how it answers."""

    name: str
    prepared: Callable[[Told], Any]
    answer: Callable[[Any], str]


class _Words(Printer):
    """Conditions over facts by their names, as expression languages write them."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__((), ())
        self.variables = {name: name for name in names}

    def among(self, values: Sequence[int]) -> str:
        return f"in [{', '.join(map(str, values))}]"


class _Cedar(_Words):
    AND, OR, NOT = " && ", " || ", "!"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.variables = {name: f"context.{name}" for name in names}

    def text(self, node: Node) -> str:
        if isinstance(node, Among):
            told = [f"context.{node.name} == {value}" for value in node.values]
            return f"({' || '.join(told)})"
        return f"({super().text(node)})"


def _based(line: RuleLine, node: Node) -> Node:
    """The rule with the bases that it is for written out."""
    if line.bases == EVERY_BASIS:
        return node
    return All((Among("basis", tuple(BASIS_CODES[each] for each in line.bases)), node))


def _chained(rules: Rules, words: _Words) -> str:
    """All rules as one expression of nested choices."""
    text = "''"
    for line, node in reversed(rules):
        text = f"({words.text(_based(line, node))}) ? '{line.reason}' : ({text})"
    return text


def _logic(node: Node) -> Told:
    """*node* as JSONLogic."""
    match node:
        case Truth(name):
            return {"var": name}
        case Not(part):
            return {"!": [_logic(part)]}
        case All(parts):
            return {"and": [_logic(part) for part in parts]}
        case Some(parts):
            return {"or": [_logic(part) for part in parts]}
        case Among(name, values):
            return {"in": [{"var": name}, list(values)]}
        case Compare(left, sign, right):
            told = [{"var": side} if isinstance(side, str) else side for side in (left, right)]
            return {{"=": "===", "<>": "!=="}.get(sign, sign): told}
    raise TypeError(f"{node} is no condition on facts")


def _zen(rules: Rules, names: Sequence[str]) -> Peer:
    expression = zen.compile_expression(_chained(rules, _Words(names)))
    return Peer("zen-engine", lambda facts: facts, expression.evaluate)


def _rule_engine(rules: Rules, names: Sequence[str]) -> Peer:
    rule = rule_engine.Rule(_chained(rules, _Words(names)))
    return Peer("rule-engine", lambda facts: facts, rule.evaluate)


def _datalogic(rules: Rules, _names: Sequence[str]) -> Peer:
    branches: list[Any] = []
    for line, node in rules:
        branches += [_logic(_based(line, node)), line.reason]
    rule = datalogic_py.Engine().compile({"if": [*branches, ""]})
    return Peer("datalogic-py", lambda facts: facts, rule.evaluate)


def _cedar(rules: Rules, names: Sequence[str]) -> Peer:
    words = _Cedar(names)
    forbids = [
        f"forbid(principal, action, resource) when {{ {words.text(_based(line, node))} }};"
        for line, node in rules
    ]
    policies = cedarpy.PolicySet.from_str(
        "\n".join([*forbids, "permit(principal, action, resource);"])
    )
    entities = cedarpy.Entities.from_json_str("[]")
    reasons = {f"policy{number}": line.reason for number, (line, _) in enumerate(rules)}
    order = {name: number for number, name in enumerate(reasons)}

    def answer(request: Told) -> str:
        told = cedarpy.is_authorized(request, policies, entities)
        if told.decision is cedarpy.Decision.Allow:
            return ""
        return reasons[min(told.diagnostics.reasons, key=order.__getitem__)]

    who = {"principal": 'Person::"p"', "action": 'Action::"send"', "resource": 'Message::"m"'}
    return Peer("cedarpy", lambda facts: {**who, "context": facts}, answer)


def rows() -> list[Row]:
    """Our compiled rulebook, with every fact checked, beside each peer; all answers equal."""
    compiled = first_compiled()
    names = [term.name for term in compiled.rulebook.facts]
    people = population(PEOPLE)
    told = [dict(zip(names, facts, strict=True)) for facts in people]
    reasons = [compiled.decide(facts, 0).reason for facts in people]
    works: dict[str, tuple[Callable[[Any], object], Sequence[Facts | Any]]] = {}
    for make in (_zen, _datalogic, _rule_engine, _cedar):
        peer = make(compiled.rules, names)
        given = [peer.prepared(facts) for facts in told]
        if [peer.answer(each) for each in given] != reasons:
            raise RuntimeError(f"{peer.name} decides otherwise")
        works[peer.name] = peer.answer, given
    works[_OURS] = lambda facts: compiled.decide(facts, 0), people
    took = _microseconds(works)
    ours = took.pop(_OURS)
    best = min(took, key=took.__getitem__)
    made = [
        Row(work="one decision of the first rulebook, facts checked", measured=ours, unit="us",
            limit=took[best], limit_is=f"{best}, the best peer", ratio_at_most=0.2),
    ]  # fmt: skip
    for name, each in sorted(took.items(), key=lambda item: item[1]):
        made.append(
            Row(work=f"the same, {name}", measured=each, unit="us", limit=ours, limit_is="ours")
        )
    return made


def _microseconds(
    works: Mapping[str, tuple[Callable[[Any], object], Sequence[Facts | Any]]],
) -> dict[str, float]:
    """What one answer of each takes; all take turns of a like length, whatever the machine does."""
    rounds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(9):
        for name, (answer, given) in works.items():
            answered, begun = 0, perf_counter()
            while (spent := perf_counter() - begun) < _TURN_S:
                for each in given:
                    answer(each)
                answered += len(given)
            rounds[name].append(spent / answered * 1e6)
    return {name: median(each) for name, each in rounds.items()}


if __name__ == "__main__":
    sys.stdout.write(as_markdown(rows()))
