"""Question: an analyst's SELECT over the view of one purpose, read strictly and made safe.

One SELECT from the one view, with WHERE, GROUP BY, HAVING, ORDER BY and LIMIT, that counts and
averages: nothing that shows single rows, names another table or calls what reads files. What is run
is printed anew from the tree that was checked. Groups under a least size are left out, and so is
each figure that rests on fewer people than that.

It keeps honest analysts from singling anybody out by accident. It is no defence against one who
asks many questions to that end: `docs/howto/analyse-what-was-shared.md`.
"""

from typing import Final, NamedTuple

from sqlglot import exp, parse
from sqlglot.errors import ParseError, SqlglotError, TokenError

from reciprocity.errors import InputError

__all__ = ["LEAST", "Question", "read_question"]

LEAST: Final = 5
"""The least size of a group that anybody may ask for."""
_LONGEST: Final = 20_000
_AGGREGATES: Final = (
    exp.Count, exp.Sum, exp.Avg, exp.Median, exp.Stddev, exp.StddevPop, exp.StddevSamp,
    exp.Variance, exp.VariancePop,
)  # fmt: skip
_ALLOWED: Final = frozenset({
    *_AGGREGATES,
    exp.Select, exp.From, exp.Table, exp.TableAlias, exp.Where, exp.Group, exp.Having, exp.Order,
    exp.Ordered, exp.Limit, exp.Identifier, exp.Column, exp.Alias, exp.Star, exp.Distinct,
    exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Tuple, exp.And, exp.Or, exp.Not, exp.EQ,
    exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In, exp.Between, exp.Case, exp.If,
    exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Round, exp.Floor,
    exp.Ceil, exp.Abs, exp.Coalesce, exp.Year, exp.Month, exp.Quarter, exp.TimestampTrunc, exp.Var,
})  # fmt: skip
_CALLED: Final = (
    "allowed are count, sum, avg, median, stddev, variance, CASE, comparisons, arithmetic, round, "
    "floor, ceil, abs, coalesce, year, month, quarter, date_trunc"
)


class Question(NamedTuple):
    """What is run: *sql*, and *hidden*, which counts the groups that are left out.

    *columns* are those of the view that it names.
    """

    sql: str
    hidden: str
    columns: frozenset[str]


def read_question(text: str, purpose: str, columns: frozenset[str], least: int) -> Question:
    """*text* as a question about *purpose*, whose view has *columns*.

    No group of fewer than *least* people is in its answer. Raises `InputError` for anything but one
    counting SELECT over that view, with what to write instead.
    """
    if least < LEAST:
        raise InputError(f"least size of a group is {least}, expected at least {LEAST}")
    tree = _parsed(text)
    _refuse_foreign(tree, purpose, columns)
    named = frozenset(column.name for column in tree.find_all(exp.Column))
    aliases = {alias.alias for alias in tree.find_all(exp.Alias)}
    if unknown := sorted(named - columns - aliases):
        raise InputError(
            f"column {unknown[0][:64]!r} is not in view {purpose}: it has "
            f"{', '.join(sorted(columns)) or 'none, for the purpose names no attributes'}"
        )
    if tree.args.get("group") is None and not any(
        one.find(*_AGGREGATES) for one in tree.expressions
    ):
        raise InputError(
            "query would show single people: count or average them, such as "  # noqa: S608
            f"SELECT count(*) FROM {purpose}"
        )
    safe = _with_least(tree, least)
    return Question(sql=safe.sql("duckdb"), hidden=_hidden(tree, least), columns=named & columns)


def _parsed(text: str) -> exp.Select:
    if len(text) > _LONGEST:
        raise InputError(f"query has {len(text)} characters, expected at most {_LONGEST}")
    try:
        trees = parse(text, read="duckdb")
    except (ParseError, TokenError, SqlglotError, RecursionError):
        raise InputError(
            "query cannot be read: write one SELECT, as DuckDB would take it"
        ) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Select):
        raise InputError("query is not one SELECT: write SELECT ... FROM the purpose's view")
    return trees[0]


def _refuse_foreign(tree: exp.Select, purpose: str, columns: frozenset[str]) -> None:
    """Raise for whatever is not on the list, and for any table but the view."""
    for node in tree.walk():
        if type(node) not in _ALLOWED or (isinstance(node, exp.Select) and node is not tree):
            found = node.sql("duckdb")[:40] if not isinstance(node, exp.Select) else "a subquery"
            raise InputError(f"query has {found!r}, which views do not answer; {_CALLED}")
        if isinstance(node, exp.Distinct) and not isinstance(node.parent, exp.Count):
            raise InputError("query shows each value once: write GROUP BY and count(*) instead")
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            raise InputError(f"query shows whole rows (*): name of {', '.join(sorted(columns))}")
    tables = list(tree.find_all(exp.Table))
    named = [(table.name, table.db, table.catalog) for table in tables]
    if named != [(purpose, "", "")] or not isinstance(tables[0].this, exp.Identifier):
        raise InputError(f"query must be FROM {purpose} and from nothing else")
    foreign = {"joins", "laterals", "with", "with_", "into", "windows", "qualify", "distinct"}
    if any(tree.args.get(each) for each in foreign) or tables[0].args.get("joins"):
        raise InputError(f"query must be FROM {purpose} alone, without WITH, joins and windows")


def _with_least(tree: exp.Select, least: int) -> exp.Select:
    """*tree* without groups under *least* people, and without figures that rest on fewer."""
    safe = tree.copy()
    for figure in list(safe.find_all(*_AGGREGATES)):
        if isinstance(figure, exp.Count) and isinstance(figure.this, exp.Star):
            continue
        told = figure.this.expressions[0] if isinstance(figure.this, exp.Distinct) else figure.this
        enough = exp.GTE(this=exp.Count(this=told.copy()), expression=exp.Literal.number(least))
        figure.replace(exp.case().when(enough, figure.copy()))
    return safe.having(_at_least(least))


def _at_least(least: int) -> exp.Expr:
    return exp.GTE(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(least))


def _hidden(tree: exp.Select, least: int) -> str:
    """Counts the groups that have people, and too few."""
    (view,) = tree.find_all(exp.Table)
    groups = exp.select(exp.Count(this=exp.Star()).as_("people")).from_(view.copy())
    if (where := tree.args.get("where")) is not None:
        groups = groups.where(where.this.copy().transform(lambda node: _meant(tree, node)))
    if (group := tree.args.get("group")) is not None:
        keys = [_key(tree, key) for key in (group.expressions or _plain(tree))]
        groups = groups.group_by(*keys)
    few = exp.and_(exp.column("people") < least, exp.column("people") > 0)
    return (
        exp.select(exp.Count(this=exp.Star())).from_(groups.subquery("g")).where(few).sql("duckdb")
    )


def _plain(tree: exp.Select) -> list[exp.Expr]:
    """What GROUP BY ALL groups by: all that is shown and counts nothing."""
    return [one for one in tree.expressions if not one.find(*_AGGREGATES)]


def _key(tree: exp.Select, key: exp.Expr) -> exp.Expr:
    """What a group is made by, where it is named by its place or its alias."""
    if isinstance(key, exp.Literal) and not key.is_string:
        key = tree.expressions[int(key.this) - 1]
    key = _meant(tree, key)
    return key.this.copy() if isinstance(key, exp.Alias) else key.copy()


def _meant(tree: exp.Select, node: exp.Expr) -> exp.Expr:
    """What *node* stands for, if it is the alias of something that is shown; else itself."""
    told = {one.alias: one.this for one in tree.expressions if isinstance(one, exp.Alias)}
    if isinstance(node, exp.Column) and node.name in told and not node.table:
        return exp.paren(told[node.name].copy())
    return node
