"""The closed language of rules and audiences: SQL conditions small enough to be proven equal.

AND, OR, NOT, the comparisons = <> < <= > >=, IN with a list, names, integers, quoted values, TRUE,
FALSE and parentheses; no arithmetic, no functions, no NULL. The text is SQL as it stands, so an
auditor can read it and any database can run it. SQLGlot reads it; nothing of it is ever executed.
"""

import re
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from typing import Final

from sqlglot import Token, Tokenizer, TokenType, exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser

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
from reciprocity.errors import InputError

__all__ = ["parse"]

MOST_CHARACTERS: Final = 16_000
MOST_TOKENS: Final = 2_000
MOST_CONNECTIVES: Final = 200
MOST_NESTED: Final = 16
ALLOWED: Final = (
    "allowed are AND, OR, NOT, = <> < <= > >=, IN (...), names, integers, 'quoted values', "
    "TRUE, FALSE and parentheses"
)


_T = TokenType
_OPERATORS: Final[dict[type[exp.Expr], str]] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_MIRRORED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_KEYWORDS: Final = {_T.AND, _T.OR, _T.NOT, _T.IN, _T.TRUE, _T.FALSE}
_CLOSED: Final = _KEYWORDS | {
    _T.L_PAREN, _T.R_PAREN, _T.COMMA, _T.NUMBER, _T.STRING, _T.IDENTIFIER, _T.DASH,
    _T.EQ, _T.NEQ, _T.LT, _T.LTE, _T.GT, _T.GTE,
}  # fmt: skip
_AFTER_A_VALUE: Final = {_T.R_PAREN, _T.NUMBER, _T.STRING, _T.IDENTIFIER, _T.TRUE, _T.FALSE}
_INTEGER: Final = re.compile(r"[0-9]{1,15}")
_NUMBERS: Final = {TermType.INTEGER, TermType.INSTANT}


def parse(text: str, terms: Mapping[str, Term], where: str) -> Node:
    """The typed tree of *text*, in which only the names of *terms* may occur.

    *where* names the text in errors ("rule brand:minors"). Size and depth are limited before
    anything recursive sees the text: conditions come from files, and files come from anywhere.
    Raises `InputError` with the position for all that is outside the language or ill-typed.

    >>> from reciprocity.decide.tree import Term, TermType
    >>> terms = {"age": Term(name="age", type=TermType.INTEGER, source="history")}
    >>> parse("NOT age < 18", terms, "rule adults")
    Not(part=Compare(left='age', operator='<', right=18))
    >>> parse("age + 1 > 18", terms, "rule adults")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    reciprocity.errors.InputError: rule adults, character 5: found '+'; allowed are AND, OR, ...
    """
    tokens = _tokens(text, terms, where)
    try:
        trees = Parser().parse(tokens, text)
    except ParseError as error:
        position = _offset(text, error)
        raise InputError(
            f"{where}, character {position}: condition cannot be read; {ALLOWED}"
        ) from None
    if len(trees) != 1 or trees[0] is None:
        raise InputError(f"{where}: condition is empty; write TRUE or a comparison")
    return _Typer(terms, where).condition(trees[0])


def _tokens(text: str, terms: Mapping[str, Term], where: str) -> list[Token]:
    """The tokens of *text*, each of the language, nested no deeper than is allowed."""
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"{where}: condition has {len(text)} characters; "
            f"at most {MOST_CHARACTERS} are allowed: split it into several rules"
        )
    try:
        raw = Tokenizer().tokenize(text)
    except TokenError:
        raise InputError(
            f"{where}, character {len(text)}: condition ends inside a quoted value; {ALLOWED}"
        ) from None
    tokens = [_named(token, terms) for token in raw]
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        _refuse_foreign(before, token, after, where)
    _refuse_large(tokens, where)
    return tokens


def _named(token: Token, terms: Mapping[str, Term]) -> Token:
    """A name as an identifier, also if SQL has another use for the word (`date`, `filter`)."""
    known = token.text in terms and token.token_type not in _KEYWORDS | {_T.STRING}
    if known or token.token_type == _T.VAR:
        return Token(
            token_type=_T.IDENTIFIER, text=token.text, line=token.line, col=token.col,
            start=token.start, end=token.end, comments=token.comments,
        )  # fmt: skip
    return token


def _refuse_foreign(before: Token | None, token: Token, after: Token | None, where: str) -> None:
    """Raise unless *token* belongs to the language where it stands."""
    kind, following = token.token_type, after.token_type if after else None
    preceding = before.token_type if before else None
    foreign = (
        kind not in _CLOSED
        or token.text in {"!=", "=="}
        or bool(token.comments)
        or (kind == _T.NUMBER and not _INTEGER.fullmatch(token.text))
        or (kind == _T.DASH and (following != _T.NUMBER or preceding in _AFTER_A_VALUE))
        or (kind == _T.IDENTIFIER and following == _T.L_PAREN)
    )
    if foreign:
        found = "a comment" if token.comments else repr(token.text[:40])
        raise InputError(f"{where}, character {token.start + 1}: found {found}; {ALLOWED}")


def _refuse_large(tokens: list[Token], where: str) -> None:
    """Raise for a condition too long or nested too deep to be read by anyone."""
    connectives = sum(token.token_type in {_T.AND, _T.OR} for token in tokens)
    if len(tokens) > MOST_TOKENS or connectives > MOST_CONNECTIVES:
        raise InputError(
            f"{where}: condition has {len(tokens)} words and {connectives} AND or OR; at most "
            f"{MOST_TOKENS} and {MOST_CONNECTIVES} are allowed: split it into several rules"
        )
    depth = run = 0
    for token in tokens:
        kind = token.token_type
        depth += (kind == _T.L_PAREN) - (kind == _T.R_PAREN)
        run = run + 1 if kind == _T.NOT else 0
        if depth > MOST_NESTED or run > 1:
            raise InputError(
                f"{where}, character {token.start + 1}: condition is nested too deep; at most "
                f"{MOST_NESTED} parentheses and one NOT in a row are allowed"
            )


def _offset(text: str, error: ParseError) -> int:
    """The position of SQLGlot's first complaint, counted from 1."""
    first = error.errors[0] if error.errors else {}
    line, column = first.get("line") or 1, first.get("col") or 1
    return sum(len(part) + 1 for part in text.split("\n")[: line - 1]) + int(column)


class _Typer:
    """Turns SQLGlot's tree into ours, checking every name and type on the way."""

    def __init__(self, terms: Mapping[str, Term], where: str) -> None:
        self.terms = terms
        self.where = where

    def condition(self, tree: exp.Expr) -> Node:
        """A tree that must be true or false."""
        if isinstance(tree, exp.Paren):
            return self.condition(tree.this)
        if isinstance(tree, exp.And | exp.Or):
            parts = tuple(self.condition(part) for part in _chain(tree))
            return All(parts) if isinstance(tree, exp.And) else Some(parts)
        if isinstance(tree, exp.Not):
            return Not(self.condition(tree.this))
        if isinstance(tree, exp.Boolean):
            return Always(bool(tree.this))
        if isinstance(tree, exp.Column):
            return self._alone(tree)
        if isinstance(tree, exp.In):
            return self._among(tree)
        if isinstance(tree, tuple(_OPERATORS)):
            return self._comparison(tree.this, _OPERATORS[type(tree)], tree.expression)
        raise self._error(tree, "found what is no condition")

    def _alone(self, tree: exp.Expr) -> Node:
        term = self._term(tree)
        if term.type is not TermType.BOOLEAN:
            raise self._error(tree, f"{term.name!r} is {term.type.value}, compare it with a value")
        return _equals(term, "=", value=True)

    def _among(self, tree: exp.In) -> Node:
        term = self._term(tree.this)
        if not tree.expressions:
            raise self._error(tree.this, "IN needs a list of values")
        values = tuple(self._value(item, term) for item in tree.expressions)
        if term.source == "attribute":
            listed = ", ".join(map(_spelled, values))
            return Atom(term.name, "IN", values, f"{_quoted(term.name)} IN ({listed})")
        return Among(term.name, tuple(_code(term, value) for value in values))

    def _comparison(self, left: exp.Expr, operator: str, right: exp.Expr) -> Node:
        if not isinstance(left, exp.Column):
            left, operator, right = right, _MIRRORED[operator], left
        term = self._term(left)
        ordered = term.type in _NUMBERS or term.type is TermType.DAY
        if operator not in {"=", "<>"} and not ordered:
            raise self._error(left, f"{term.name!r} is {term.type.value} and has no order")
        if isinstance(right, exp.Column):
            other = self._term(right)
            if not ({term.type, other.type} <= _NUMBERS) or "attribute" in {
                term.source, other.source,
            }:  # fmt: skip
                raise self._error(
                    right, f"{term.name!r} cannot be compared with {other.name!r}, only a value"
                )
            return Compare(term.name, operator, other.name)
        return _equals(term, operator, self._value(right, term))

    def _term(self, tree: exp.Expr) -> Term:
        if not isinstance(tree, exp.Column) or tree.table:
            raise self._error(tree, "found a value where a name is needed")
        if (term := self.terms.get(tree.name)) is not None and term.source != "sensitive":
            return term
        if term is not None:
            raise self._error(tree, f"{term.name!r} is sensitive: no condition may name it")
        close = get_close_matches(tree.name, self.terms, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "see docs/reference/facts.md"
        raise self._error(tree, f"{tree.name[:64]!r} is neither a fact nor an attribute; {hint}")

    def _value(self, tree: exp.Expr, term: Term) -> int | str:
        """The literal *tree*, which must be a value that *term* can take."""
        value: int | str | None = None
        if isinstance(tree, exp.Boolean):
            value = bool(tree.this)
        elif isinstance(tree, exp.Literal):
            value = str(tree.this) if tree.is_string else int(tree.this)
        elif isinstance(tree, exp.Neg) and isinstance(tree.this, exp.Literal):
            value = -int(tree.this.this)
        if value is None or not _fits(value, term):
            raise self._error(tree, f"{term.name!r} is {_expected(term)}")
        return value

    def _error(self, tree: exp.Expr, problem: str) -> InputError:
        starts = [int(node.meta["start"]) for node in tree.walk() if "start" in node.meta]
        place = f", character {min(starts) + 1}" if starts else f", at {tree.sql()[:40]}"
        return InputError(f"{self.where}{place}: {problem}; {ALLOWED}")


def _chain(tree: exp.Expr) -> list[exp.Expr]:
    """The parts of a chain of ANDs (or ORs), which SQLGlot nests to the left; without recursion."""
    kind, parts = type(tree), []
    while isinstance(tree, kind):
        parts.append(tree.expression)
        tree = tree.this
    return [tree, *reversed(parts)]


def _equals(term: Term, operator: str, value: int | str) -> Node:
    """*term* compared with one value: an atom if it is an attribute."""
    if term.source == "attribute":
        spelled = f"{_quoted(term.name)} {operator} {_spelled(value)}"
        return Atom(term.name, operator, (value,), spelled)
    if term.type is not TermType.BOOLEAN:
        return Compare(term.name, operator, _code(term, value))
    return Truth(term.name) if (operator == "=") == value else Not(Truth(term.name))


def _code(term: Term, value: int | str) -> int:
    return term.values.index(value) if isinstance(value, str) else value


def _quoted(name: str) -> str:
    return f'"{name}"' if "-" in name else name


def _spelled(value: int | str) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _fits(value: int | str, term: Term) -> bool:
    """Is *value* one that *term* can take?"""
    if term.type is TermType.BOOLEAN:
        return isinstance(value, bool)
    if term.type is TermType.ENUM:
        return isinstance(value, str) and value in term.values
    if term.type is TermType.DAY:
        return isinstance(value, str) and _is_day(value)
    return type(value) is int


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _expected(term: Term) -> str:
    if term.type is TermType.ENUM:
        return "one of " + ", ".join(map(_spelled, term.values))
    if term.type is TermType.DAY:
        return "a day, written 'YYYY-MM-DD'"
    return f"{term.type.value}, compare it with {term.type.value} values"
