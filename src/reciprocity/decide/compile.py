"""Rules as Python: one text, several machines, proven equal (`sql.py` prints the other).

It is printed from the typed tree and from nothing else: names of facts become numbered
variables, values become integers or constants bound from outside, so no text that a person wrote
is ever executed. Each basis has a chain of its own, in which the rules it skips do not occur.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final, cast

from msgspec import Struct

from reciprocity.decide.facts import BASIS_CODES, Facts, first_wrong, restored
from reciprocity.decide.fold import folded
from reciprocity.decide.rulebook import (
    FACTS_INCOMPLETE,
    Rulebook,
    RuleLine,
    read_rules,
)
from reciprocity.decide.tree import (
    All,
    Always,
    Among,
    Atom,
    Compare,
    Node,
    Not,
    Some,
    Term,
    TermType,
    Truth,
)
from reciprocity.model import Decision, Verdict

__all__ = ["PYTHON", "Compiled", "Decide", "Printer", "compile_rulebook", "judge", "run"]

Decide = Callable[[Facts, int], Decision]
"""From facts and the mask of atoms to a decision."""

DELIVER: Final = Decision(verdict=Verdict.DELIVER)
PYTHON: Final = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CLOSES: Final = "message_closes"


class Compiled(Struct, frozen=True, kw_only=True):
    """A rulebook ready to decide: *decide* checks every fact, *decide_trusting* none.

    *decide* is the one for all paths; the other exists to measure what the check costs. *rules* are
    the same as typed trees.
    """

    rulebook: Rulebook
    rules: tuple[tuple[RuleLine, Node], ...]
    decide: Decide
    decide_trusting: Decide
    source: str


def compile_rulebook(rulebook: Rulebook) -> Compiled:
    """The functions that decide by *rulebook*; raises `InputError` if it does not hold together.

    >>> from reciprocity.decide.facts import FACTS, TERMS
    >>> from reciprocity.decide.rulebook import EVERY_BASIS, RuleKind
    >>> line = RuleLine(reason="r", kind=RuleKind.REFUSE, bases=EVERY_BASIS, when="objected")
    >>> compiled = compile_rulebook(Rulebook(version="x", facts=TERMS, rules=(line,)))
    >>> compiled.decide(tuple(fact.refusing for fact in FACTS), 0).reason
    'r'
    >>> compiled.decide((), 0).reason
    'facts_incomplete:person_known'
    """
    rules = read_rules(rulebook)
    names: dict[str, object] = {
        "DELIVER": DELIVER,
        "Decision": Decision,
        "WAIT": Verdict.WAIT,
        "incomplete": lambda facts, atoms: _incomplete(facts, atoms, rulebook.facts),
    } | {
        f"R{number}": Decision(verdict=Verdict.REFUSE, reason=rule.reason)
        for number, (rule, _) in enumerate(rules)
    }
    variables = [f"v{position}" for position in range(len(rulebook.facts))]
    unpack = f"({', '.join(variables)},) = f"
    chains = _Chains(rulebook, rules, names)
    source = (
        f"def decide(f, a):\n try:\n  {unpack}\n{chains.text(checked=True)}"
        f"  if {_type_check(rulebook.facts, frozenset())}:\n   return d\n"
        " except (TypeError, ValueError):\n  pass\n return incomplete(f, a)\n"
        f"def decide_trusting(f, a):\n if True:\n  {unpack}\n{chains.text(checked=False)}"
        "  return d\n"
    )
    made = run(source, names)
    return Compiled(
        rulebook=rulebook,
        rules=rules,
        decide=cast("Decide", made["decide"]),
        decide_trusting=cast("Decide", made["decide_trusting"]),
        source=source,
    )


def judge(compiled: Compiled, values: Sequence[int], atoms: int) -> Decision:
    """What the rulebook says of facts as they were recorded (booleans as 0 and 1).

    Raises `Damaged` if *values* cannot be facts of this rulebook.
    """
    return compiled.decide(restored(values, compiled.rulebook.facts), atoms)


class Printer:
    """Prints typed trees as Python over the variables `v0`, `v1`, ... and the mask `a`.

    Another language has other words for the same, and reads atoms in its own way.
    """

    AND, OR, NOT = " and ", " or ", "not "
    OPERATORS: Mapping[str, str] = PYTHON

    def __init__(self, facts: Sequence[str], atoms: Sequence[str]) -> None:
        self.variables = {name: f"v{position}" for position, name in enumerate(facts)}
        self.bits = {text: 1 << bit for bit, text in enumerate(atoms)}

    def text(self, node: Node) -> str:
        """*node* as an expression; every composite in parentheses."""
        match node:
            case Always(value):
                return repr(value)
            case Truth(name):
                return self.variables[name]
            case Compare(left, operator, right):
                return f"{self._side(left)} {self.OPERATORS[operator]} {self._side(right)}"
            case Among(name, values):
                return f"{self.variables[name]} {self.among(values)}"
            case Atom():
                return self.atom(node)
            case Not(part):
                return f"({self.NOT}{self.text(part)})"
            case All(parts):
                return "(" + self.AND.join(map(self.text, parts)) + ")"
            case Some(parts):
                return "(" + self.OR.join(map(self.text, parts)) + ")"

    def among(self, values: Sequence[int]) -> str:
        """The operator that asks for one of *values*."""
        return f"in {set(values)!r}"

    def atom(self, atom: Atom) -> str:
        """Does *atom* hold?"""
        return f"(a & {self.bits[atom.text]} != 0)"

    def _side(self, side: str | int) -> str:
        return self.variables[side] if isinstance(side, str) else f"({int(side)})"


def run(source: str, names: dict[str, object]) -> dict[str, object]:
    """What *source*, printed by this module from typed trees, defines."""
    made = dict(names)
    exec(compile(source, "<rules>", "exec"), made)  # noqa: S102  (only our own printing, see above)
    return made


class _Chains:
    """Prints the rules as chains of `if`s, one for each basis; equal chains share one.

    A permit needs every fact proved to be of its type, and most are proved on the way to it: a
    rule that refuses unless `v0 is True` lets nothing else pass. What is left is checked before
    the permit. A chain that stops a message has proved little, so it breaks out of its `while`,
    which never goes round, to where every fact is checked.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        rules: Sequence[tuple[RuleLine, Node]],
        names: dict[str, object],
    ) -> None:
        self.terms = rulebook.facts
        self.rules = rules
        self.names = names
        self.printer = Printer([term.name for term in rulebook.facts], rulebook.atoms)

    def text(self, *, checked: bool) -> str:
        """The chains; without *checked* they trust that facts are of their types."""
        chains: dict[str, list[int]] = {}
        for basis, code in BASIS_CODES.items():
            kept = [
                (number, rule, folded(node, {"basis": code}))
                for number, (rule, node) in enumerate(self.rules)
                if basis in rule.bases
            ]
            chain = "".join(self._branch(list(run)) for _, run in groupby(kept, _switched))
            proved = frozenset(name for *_, node in kept for name in _proved(node))
            permit = _type_check(self.terms, proved) if checked else "True"
            chain += f"    return DELIVER if {permit} else incomplete(f, a)\n"
            chains.setdefault(chain, []).append(code)
        basis_is = self.printer.variables["basis"]
        printed = "".join(
            f"   if {' or '.join(f'{basis_is} == {code}' for code in codes)}:\n{chain}"
            for chain, codes in chains.items()
        )
        return f"  while True:\n{printed}   return incomplete(f, a)\n"

    def _branch(self, run: list[tuple[int, RuleLine, Node]]) -> str:
        """The lines that stop a message when a rule of *run* holds.

        A run of several asks for values of one fact, and becomes one look-up.
        """
        number, rule, node = run[0]
        if len(run) > 1:
            return self._look_up(run)
        if node == Always(value=False):
            return ""
        parts = node.parts if isinstance(node, Some) else (node,)
        stopped = f"R{number}"
        if rule.until:
            until, closes = self.printer.variables[rule.until], self.printer.variables[_CLOSES]
            stopped = (
                f"Decision(verdict=WAIT, reason=R{number}.reason, until={until}) "
                f"if 0 < {until} < {closes} else R{number}"
            )
        return (
            f"    if {' or '.join(map(self._refusing, parts))}:\n     d = {stopped}\n     break\n"
        )

    def _look_up(self, run: list[tuple[int, RuleLine, Node]]) -> str:
        table: dict[object, object] = {}
        for number, _, node in run:
            if isinstance(node, Compare):
                table.setdefault(node.right, self.names[f"R{number}"])
        number = run[0][0]
        self.names[f"T{number}"] = table
        fact = self.printer.variables[str(_switched(run[0]))]
        return f"    if {fact} in T{number}:\n     d = T{number}[{fact}]\n     break\n"

    def _refusing(self, part: Node) -> str:
        """*part*, one of the conditions that each refuse: past it, a lone fact is proved."""
        match part:
            case Truth(name):
                return f"{self.printer.variables[name]} is not False"
            case Not(Truth(name)):
                return f"{self.printer.variables[name]} is not True"
            case _:
                return self.printer.text(part)


def _proved(node: Node) -> frozenset[str]:
    """The boolean facts that are proved to be of their type when a rule's *node* did not hold."""
    match node:
        case Truth(name) | Not(Truth(name)):
            return frozenset((name,))
        case Some(parts):
            return frozenset().union(
                *(_proved(part) for part in parts if isinstance(part, Truth | Not))
            )
        case _:
            return frozenset()


def _switched(branch: tuple[int, RuleLine, Node]) -> str | int:
    """The fact that refusing rules in a row compare with one value each; else the rule's number."""
    number, rule, node = branch
    match node:
        case Compare(str(name), "=", int()) if not rule.until:
            return name
    return number


def _type_check(terms: Sequence[Term], proved: frozenset[str]) -> str:
    """An expression that is true when every fact not *proved* is of its very type, `a` an int.

    `x.__class__ is int` costs half of `type(x) is int`. A basis without a chain is refused before.
    """
    checks = ["a.__class__ is int"]
    for position, term in enumerate(terms):
        name = f"v{position}"
        if term.type is not TermType.BOOLEAN:
            checks.append(f"{name}.__class__ is int")
        elif term.name not in proved:
            checks.append(f"({name} is True or {name} is False)")
        if term.type is TermType.ENUM and term.name != "basis":
            checks.append(f"{name} >= 0 and {name} < {len(term.values)}")
    return " and ".join(checks)


def _incomplete(facts: object, atoms: object, terms: Sequence[Term]) -> Decision:
    """The refusal of facts that cannot be judged; it names the first of them."""
    name = first_wrong(facts, terms) or ("atoms" if type(atoms) is not int else "facts")
    return Decision(verdict=Verdict.REFUSE, reason=f"{FACTS_INCOMPLETE}:{name}")
