"""The closed language of rules once more, for whoever checks: read, and answered from facts.

Written apart from the compiler that decides (`decide/compile.py`), so that a mistake there is not
made twice. AND, OR, NOT, comparisons, IN, names, whole numbers, quoted values, TRUE, FALSE and
parentheses; nothing else. A comparison with an attribute is an *atom*, whose truth was recorded.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, cast

from reciprocity.errors import ProofError
from reciprocity.prove.verify.entry import BLANKS, Json, number, text, text_or

__all__ = ["Rulebook"]

_BLANK: Final = f"[{BLANKS}]*"
_TOKEN: Final = re.compile(
    rf"{_BLANK}(?:(?P<number>-?{_BLANK}[0-9]{{1,16}})(?![0-9])|(?P<quoted>'(?:[^']|'')*')"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r'|"(?P<spaced>[^"]+)"|(?P<mark><>|!=|<=|>=|[=<>(),]))'
)
_WORDS: Final = frozenset({"AND", "OR", "NOT", "IN", "TRUE", "FALSE"})
_COMPARE: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_MIRRORED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MOST_DEPTH: Final = 64

_Token = tuple[str, str]


class Rulebook:
    """A rulebook as it stands in the log, able to say which rule is against an attempt."""

    def __init__(self, stated: Json) -> None:
        """Read the body of a `rulebook.applied`; raises `ProofError` if it is none."""
        what = "rulebook"
        self._facts = [_object(one, "fact") for one in _list(stated, "facts", what)]
        self._names = {text(one, "name", "fact"): place for place, one in enumerate(self._facts)}
        if len(self._names) != len(self._facts):
            raise ProofError(f"{what}: a fact stands there twice")
        attributes = [_object(one, "attribute") for one in _list(stated, "attributes", what)]
        self._attributes = {text(one, "name", "attribute") for one in attributes}
        atoms = _list(stated, "atoms", what)
        self._atoms = {_text(one, "atom"): place for place, one in enumerate(atoms)}
        self._rules = [_object(one, "rule") for one in _list(stated, "rules", what)]

    def reason_against(self, attempt: Json, what: str) -> str | None:
        """The first rule that stops *attempt*, by the facts and atoms it recorded; None if none."""
        facts = attempt.get("facts")
        if not isinstance(facts, list) or len(facts) != len(self._facts):
            raise ProofError(f"{what}: does not record the {len(self._facts)} facts of its rules")
        if any(type(value) is not int for value in facts):
            raise ProofError(f"{what}: a fact is no whole number")
        atoms = number(attempt, "atoms", what) if "atoms" in attempt else 0
        basis = text_or(attempt, "basis", "consent", what)
        if "basis" in self._names and facts[self._names["basis"]] != self.code("basis", basis):
            raise ProofError(f"{what}: records two bases")
        for rule in self._rules:
            bases = rule.get("bases")
            if not isinstance(bases, list):
                raise ProofError("rule: names no bases")
            if basis in bases:
                reader = _Reader(self, facts, atoms, text(rule, "when", "rule"))
                if reader.holds():
                    return text(rule, "reason", "rule")
        return None

    def applying(self, basis: str) -> int:
        """How many of its rules apply to a message of *basis*."""
        return sum(basis in cast("list[object]", rule["bases"]) for rule in self._rules)

    def named_facts(self, attempt: Json) -> dict[str, int]:
        """What *attempt* recorded, by the names of the facts (see `reason_against`)."""
        return dict(zip(self._names, cast("list[int]", attempt["facts"]), strict=True))

    def place(self, name: str) -> int | None:
        """Where the fact *name* stands among the facts."""
        return self._names.get(name)

    def code(self, name: str, value: str) -> int:
        """The number that stands for *value* of the fact *name*."""
        values = self._facts[self._names[name]].get("values")
        if not isinstance(values, list) or value not in values:
            raise ProofError(f"rule: {value!r} is no value of {name}")
        return values.index(value)

    def is_attribute(self, name: str) -> bool:
        """Is *name* an attribute, so that a comparison with it is an atom?"""
        return name in self._attributes

    def atom(self, spelled: str) -> int:
        """The bit of the atom *spelled*."""
        if spelled not in self._atoms:
            raise ProofError(f"rule: {spelled!r} is not among the rulebook's atoms")
        return self._atoms[spelled]


class _Reader:
    """Reads one condition from left to right, and answers it on the way."""

    def __init__(self, book: Rulebook, facts: list[int], atoms: int, condition: str) -> None:
        self._book, self._facts, self._atoms = book, facts, atoms
        self._tokens, self._at, self._depth = _tokens(condition), 0, 0

    def holds(self) -> bool:
        """Does the condition hold?"""
        found = self._either()
        if self._at != len(self._tokens):
            raise ProofError(f"rule: cannot be read from {self._peek()[1]!r} on")
        return found

    def _either(self) -> bool:
        found = self._both()
        while self._take("OR"):
            found = self._both() or found
        return found

    def _both(self) -> bool:
        found = self._one()
        while self._take("AND"):
            found = self._one() and found
        return found

    def _one(self) -> bool:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise ProofError("rule: is nested too deep")
        try:
            if self._take("NOT"):
                return not self._one()
            if self._take("("):
                found = self._either()
                self._expect(")")
                return found
            if (self._peek() in {("word", "TRUE"), ("word", "FALSE")}) and not self._compares(1):
                return self._next()[1] == "TRUE"
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> bool:
        left = self._next()
        if self._take("IN"):
            return self._among(left)
        if self._peek()[1] not in _COMPARE:
            return self._compare(left, "=", ("word", "TRUE"))
        operator = self._next()[1]
        right = self._next()
        if left[0] != "name":
            left, operator, right = right, _MIRRORED[operator], left
        return self._compare(left, operator, right)

    def _among(self, left: _Token) -> bool:
        self._expect("(")
        values = [self._next()]
        while self._take(","):
            values.append(self._next())
        self._expect(")")
        name = self._name(left)
        if self._book.is_attribute(name):
            listed = ", ".join(map(_spelled, values))
            return self._recorded(f"{_quoted(name)} IN ({listed})")
        return self._fact(name) in [self._value(name, value) for value in values]

    def _compare(self, left: _Token, operator: str, right: _Token) -> bool:
        name = self._name(left)
        if self._book.is_attribute(name):
            return self._recorded(f"{_quoted(name)} {operator} {_spelled(right)}")
        return _COMPARE[operator](self._fact(name), self._value(name, right))

    def _recorded(self, spelled: str) -> bool:
        return bool(self._atoms >> self._book.atom(spelled) & 1)

    def _value(self, name: str, token: _Token) -> int:
        kind, spelled = token
        if kind == "number":
            return int(spelled)
        if kind == "quoted":
            return self._book.code(name, spelled)
        if kind == "word" and spelled in {"TRUE", "FALSE"}:
            return int(spelled == "TRUE")
        return self._fact(self._name(token))

    def _fact(self, name: str) -> int:
        place = self._book.place(name)
        if place is None:
            raise ProofError(f"rule: {name!r} is neither a fact nor an attribute")
        return self._facts[place]

    @staticmethod
    def _name(token: _Token) -> str:
        if token[0] != "name":
            raise ProofError(f"rule: {token[1]!r} stands where a name belongs")
        return token[1]

    def _compares(self, ahead: int) -> bool:
        place = self._at + ahead
        return place < len(self._tokens) and self._tokens[place][1] in _COMPARE

    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> _Token:
        token = self._peek()
        if token[0] == "end":
            raise ProofError("rule: ends in the middle")
        self._at += 1
        return token

    def _take(self, wanted: str) -> bool:
        if self._peek() in {("word", wanted), ("mark", wanted)}:
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise ProofError(f"rule: expected {mark!r}, found {self._peek()[1]!r}")


def _tokens(condition: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, end = 0, len(condition.rstrip(BLANKS))
    while at < end:
        found = _TOKEN.match(condition, at)
        if found is None:
            raise ProofError(f"rule: {condition[at : at + 20]!r} is outside the language")
        at = found.end()
        kind, spelled = cast("str", found.lastgroup), found[cast("str", found.lastgroup)]
        if kind == "name" and spelled.upper() in _WORDS:
            tokens.append(("word", spelled.upper()))
        elif kind in {"name", "spaced"}:
            tokens.append(("name", spelled))
        elif kind == "quoted":
            tokens.append((kind, spelled[1:-1].replace("''", "'")))
        elif kind == "number":  # as an atom spells it: `- 07` is -7
            digits = spelled.lstrip("-").lstrip(BLANKS)
            tokens.append((kind, str(-int(digits) if spelled[0] == "-" else int(digits))))
        else:
            tokens.append((kind, "<>" if spelled == "!=" else spelled))
    return tokens


def _spelled(token: _Token) -> str:
    kind, spelled = token
    return "'" + spelled.replace("'", "''") + "'" if kind == "quoted" else spelled


def _quoted(name: str) -> str:
    return f'"{name}"' if "-" in name else name


def _list(said: Json, name: str, what: str) -> list[object]:
    if not isinstance(said, dict):
        raise ProofError(f"{what}: is no JSON object")
    listed = said.get(name, [])
    if not isinstance(listed, list):
        raise ProofError(f"{what}: {name} is no list")
    return listed


def _text(said: object, what: str) -> str:
    if not isinstance(said, str):
        raise ProofError(f"{what}: is no text")
    return said


def _object(said: object, what: str) -> Json:
    if not isinstance(said, dict):
        raise ProofError(f"{what}: is no JSON object")
    return said
