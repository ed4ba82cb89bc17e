"""Pieces: what may stand in an analyst's question, each checked and made anew.

Figures, keys and conditions are those of `question`; whatever is not one of them is refused.
"""

from collections.abc import Mapping
from datetime import date
from itertools import islice
from typing import Final

from sqlglot import exp

from reciprocity.decide.tree import Term, TermType
from reciprocity.errors import InputError

__all__ = ["OF_ONE", "SHOWN", "Pieces", "column_of", "count_all", "is_figure", "number"]

OF_ONE: Final = (exp.Sum, exp.Avg, exp.Stddev, exp.StddevSamp, exp.Variance)
"""Figures of one column; count is the other."""
_COMPARED: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_JOINED: Final = (exp.And, exp.Or)
_CALCULATED: Final = (exp.Add, exp.Sub, exp.Mul, exp.Div)
_OF_DAYS: Final = (exp.Year, exp.Month, exp.Quarter)
_MOST_PRINTED: Final = 20
_DIGITS: Final = 18
"""So many that every integer fits into 63 bits."""
SHOWN: Final = (
    "show columns to group by and figures: count(*), or count, sum, avg, stddev or variance of a "
    "column, and arithmetic on these"
)
_ASKED: Final = "compare a column with constants, joined by AND, OR and NOT"


class Pieces:
    """What one query is made of; *named* and *shown* fill as it is read.

    *named* are the columns it names, *shown* what it shows under a name of its own.
    """

    def __init__(self, purpose: str, columns: Mapping[str, Term]) -> None:
        self.purpose, self.columns = purpose, columns
        self.named: set[str] = set()
        self.shown: dict[str, exp.Expr] = {}

    def figure(self, told: exp.Expr) -> exp.Expr:
        """A figure of a group, or arithmetic on figures and numbers."""
        if isinstance(told, exp.Paren | exp.Neg):
            return type(told)(this=self.figure(told.this))
        if isinstance(told, _CALCULATED):
            left, right = self.figure(told.this), self.figure(told.expression)
            return type(told)(this=left, expression=right)
        if isinstance(told, exp.Literal) and not told.is_string:
            return exp.Literal.number(told.this)
        if isinstance(told, exp.Round):
            return self._rounded(told)
        return self._counted(told)

    def _rounded(self, told: exp.Round) -> exp.Expr:
        places = told.args.get("decimals")
        if places is None:
            return exp.Round(this=self.figure(told.this))
        text, quoted = _literal(places)
        if quoted or not text.isdecimal() or len(text) > 1:
            raise self._foreign(told, "round takes a figure and a digit")
        return exp.Round(this=self.figure(told.this), decimals=number(int(text)))

    def _counted(self, told: exp.Expr) -> exp.Expr:
        """One figure: of all, of a column, or of the values it has."""
        match told:
            case exp.Count(this=exp.Star()) if not told.expressions:
                return count_all()
            case exp.Count(this=exp.Column()) if not told.expressions:
                return exp.Count(this=self._column(told.this))
            case exp.Count(this=exp.Distinct(expressions=[exp.Column() as one])) if not (
                told.expressions or told.this.args.get("on")
            ):
                return exp.Count(this=exp.Distinct(expressions=[self._column(one)]))
        if isinstance(told, OF_ONE) and isinstance(told.this, exp.Column):
            return type(told)(this=self._column(told.this, TermType.INTEGER))
        raise self._foreign(told, SHOWN)

    def key(self, told: exp.Expr) -> exp.Expr:
        """What people are grouped by: it fails for nobody, and has no value of its own."""
        match told:
            case exp.Column():
                return self._column(told)
            case exp.Paren():
                return exp.paren(self.key(told.this))
            case exp.IntDiv(this=exp.Column(), expression=exp.Literal()):
                column, step = self._column(told.this, TermType.INTEGER), told.expression.this
                if step.isdecimal() and 0 < int(step) < 2**31:
                    return exp.IntDiv(this=column, expression=number(int(step)))
            case exp.TimestampTrunc(this=exp.Column(), unit=exp.Var() as unit) if (
                unit.name.upper() in {"MONTH", "QUARTER", "YEAR"}
            ):
                column = self._column(told.this, TermType.DAY)
                return exp.TimestampTrunc(this=column, unit=exp.var(unit.name.upper()))
            case exp.Case() if told.this is None:
                return self._case(told)
        if isinstance(told, _OF_DAYS) and isinstance(told.this, exp.Column):
            return type(told)(this=self._column(told.this, TermType.DAY))
        raise self._foreign(told, SHOWN)

    def _case(self, told: exp.Case) -> exp.Expr:
        made = exp.Case()
        for branch in told.args["ifs"]:
            made = made.when(self.condition(branch.this), _constant(branch.args["true"]))
        default = told.args.get("default")
        return made.else_(_constant(default)) if default is not None else made

    def condition(self, told: exp.Expr) -> exp.Expr:
        """A column compared with constants of its type, or such joined."""
        match told:
            case exp.Paren():
                return exp.paren(self.condition(told.this))
            case exp.Not():
                return exp.Not(this=exp.paren(self.condition(told.this)))
            case exp.Column():
                return self._column(told, TermType.BOOLEAN)
            case exp.Is(this=exp.Column(), expression=exp.Null()):
                return exp.Is(this=self._column(told.this), expression=exp.null())
            case exp.In(this=exp.Column()) if told.expressions and not told.args.get("query"):
                column = self._column(told.this)
                values = [self._value(each, column.name) for each in told.expressions]
                return exp.In(this=column, expressions=values)
            case exp.Between(this=exp.Column()):
                column = self._column(told.this)
                ends = {n: self._value(told.args[n], column.name) for n in ("low", "high")}
                return exp.Between(this=column, **ends)
        if isinstance(told, _JOINED):
            left, right = self.condition(told.this), self.condition(told.expression)
            return type(told)(this=exp.paren(left), expression=exp.paren(right))
        if isinstance(told, _COMPARED) and isinstance(told.this, exp.Column):
            column = self._column(told.this)
            return type(told)(this=column, expression=self._value(told.expression, column.name))
        raise self._foreign(told, _ASKED)

    def of_figures(self, told: exp.Expr) -> exp.Expr:
        """A figure compared with a number, or such joined."""
        if isinstance(told, exp.Paren):
            return exp.paren(self.of_figures(told.this))
        if isinstance(told, _JOINED):
            left, right = self.of_figures(told.this), self.of_figures(told.expression)
            return type(told)(this=exp.paren(left), expression=exp.paren(right))
        if isinstance(told, _COMPARED):
            figure = (
                self.shown.get(told.this.name) if isinstance(told.this, exp.Column) else told.this
            )
            if figure is not None and is_figure(figure):
                return type(told)(this=self.figure(figure), expression=self.figure(told.expression))
        raise self._foreign(told, "HAVING compares figures with numbers, joined by AND and OR")

    def _column(self, told: exp.Column, kind: TermType | None = None) -> exp.Column:
        """The column of the view, without the view's name before it."""
        name = told.name
        if not isinstance(told.this, exp.Identifier) or told.table not in {"", self.purpose}:
            raise self._foreign(told, SHOWN)
        if name not in self.columns:
            listed = ", ".join(sorted(self.columns)) or "none, for the purpose names no attributes"
            raise InputError(f"column {name[:64]!r} is not in view {self.purpose}: it has {listed}")
        if kind is not None and self.columns[name].type is not kind:
            raise InputError(f"column {name!r} is {self.columns[name].type}, expected {kind} here")
        self.named.add(name)
        return column_of(name)

    def _value(self, told: exp.Expr, name: str) -> exp.Expr:
        """A constant of the type of column *name*, which no value can fail against."""
        term = self.columns[name]
        text, string = _literal(told)
        match term.type:
            case TermType.BOOLEAN if isinstance(told, exp.Boolean):
                return told.copy()
            case TermType.INTEGER if not string and text.lstrip("-").isdecimal():
                if len(text) <= _DIGITS:
                    return exp.Literal.number(text)
            case TermType.ENUM if string and text in term.values:
                return exp.Literal.string(text)
            case TermType.DAY if string and _is_day(text):
                return exp.cast(exp.Literal.string(text), "date")
        expected = ", ".join(map(repr, term.values)) or str(term.type)
        raise InputError(f"column {name!r} is compared with what it cannot be: expected {expected}")

    @staticmethod
    def _foreign(told: exp.Expr, allowed: str) -> InputError:
        """The refusal of *told*; one that is large is not printed, which can take for ever."""
        small = sum(1 for _ in islice(told.walk(), _MOST_PRINTED)) < _MOST_PRINTED
        found = told.sql("duckdb")[:40] if small else type(told).__name__.lower()
        return InputError(f"query has {found!r} where it may not: {allowed}")


def is_figure(told: exp.Expr) -> bool:
    """Does *told* count or average anything?"""
    return any(isinstance(node, exp.AggFunc) for node in told.walk())


def count_all() -> exp.Count:
    """How many people."""
    return exp.Count(this=exp.Star())


def number(value: int) -> exp.Expr:
    """*value* as it stands in a query."""
    return exp.Literal.number(value)


def column_of(name: str) -> exp.Column:
    """The column *name* of the view."""
    return exp.column(name, quoted=True)


def _literal(told: exp.Expr) -> tuple[str, bool]:
    """The text of a constant, and whether it stood in quotes; empty for anything else."""
    if isinstance(told, exp.Neg) and isinstance(told.this, exp.Literal) and not told.this.is_string:
        return f"-{told.this.this}", False
    return (told.this, told.is_string) if isinstance(told, exp.Literal) else ("", False)


def _constant(told: exp.Expr) -> exp.Expr:
    if isinstance(told, exp.Literal | exp.Boolean | exp.Null):
        return told.copy()
    raise InputError("CASE shows constants only: write numbers or quoted words after THEN and ELSE")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
