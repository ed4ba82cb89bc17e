"""Question: an analyst's SELECT over the view of one purpose, read strictly and printed anew.

    SELECT keys and figures FROM purpose [WHERE conditions] [GROUP BY keys] [HAVING conditions on
    figures] [ORDER BY what is shown] [LIMIT n]

A *figure* is count, sum, avg, stddev or variance of one bare column, or count(*), and arithmetic on
such; a *key* is a column, a column cut into steps (`visits // 10`, `year(joined)`) or a CASE of
conditions and constants; a *condition* compares a column with constants of its type. So nothing but
the size of a group decides whether a figure is shown, no value of a single person can make a query
fail, and none can be picked out by arithmetic in it; answers to two questions can be subtracted,
and each is on record. Groups of too few people, and figures that rest on too few values, are left
out.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from reciprocity.decide.many.pieces import (
    OF_ONE,
    SHOWN,
    Pieces,
    column_of,
    count_all,
    is_figure,
    number,
)
from reciprocity.decide.tree import Term
from reciprocity.errors import InputError

__all__ = ["LEAST", "TABLE", "Question", "read_question"]

LEAST: Final = 5
"""The least size of a group that anybody may ask for."""
TABLE: Final = "the_view"
"""What the view is called where a question is run."""
_LONGEST: Final = 4_000
_MOST_NODES: Final = 500
_MOST_GROUPS: Final = 10_000
_CLAUSES: Final = frozenset(
    {"expressions", "from", "from_", "where", "group", "having", "order", "limit", "kind"}
)


class Question(NamedTuple):
    """What is run on `TABLE`, both for groups of `$least` people and more.

    *sql* is the answer. *hidden* counts the groups left out, the people in them and in all groups,
    and of the groups that are shown the smallest. *columns* are those of the view that it names.
    """

    sql: str
    hidden: str
    columns: frozenset[str]


def read_question(text: str, purpose: str, columns: Mapping[str, Term], least: int) -> Question:
    """*text* as a question about *purpose*, whose view has *columns*.

    No group of fewer than *least* people is in its answer. Raises `InputError` for anything but one
    counting SELECT over that view, with what to write instead.
    """
    if type(least) is not int or least < LEAST:
        raise InputError(f"least size of a group is {least!r}, expected at least {LEAST}")
    try:
        return _Reader(_parsed(text), purpose, columns, least).question()
    except RecursionError:
        raise InputError("query is nested too deep: write a simpler one") from None


def _parsed(text: str) -> exp.Select:
    if len(text) > _LONGEST or not text.replace("\n", " ").isprintable():
        raise InputError(
            f"query has {len(text)} characters or some that do not print: expected at most "
            f"{_LONGEST} printable ones"
        )
    try:
        trees = parse(text, read="duckdb")
    except SqlglotError:
        raise InputError(
            "query cannot be read: write one SELECT, as DuckDB would take it"
        ) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Select):
        raise InputError("query is not one SELECT: write SELECT ... FROM the purpose's view")
    tree = trees[0]
    if sum(1 for _ in tree.walk()) > _MOST_NODES:
        raise InputError("query is too large: write a simpler one")
    if extra := {name for name, told in tree.args.items() if told} - _CLAUSES:
        raise InputError(f"query has {min(extra).strip('_')!r}, which views do not answer")
    return tree


class _Reader:
    """Checks one query clause by clause, and prints from what it checked."""

    def __init__(
        self, tree: exp.Select, purpose: str, columns: Mapping[str, Term], least: int
    ) -> None:
        self.tree, self.purpose, self.least = tree, purpose, least
        self.pieces = Pieces(purpose, columns)

    def question(self) -> Question:
        """All clauses together."""
        self._table()
        shown = [self._item(item) for item in self.tree.expressions]
        keys = self._keys(shown)
        plain = {each.sql() for each in keys}
        counting = False
        for told in shown:
            counting = counting or is_figure(told)
            if not is_figure(told) and told.sql() not in plain:
                raise InputError(
                    "query would show single people: count them, such as "  # noqa: S608
                    f"SELECT count(*) FROM {self.purpose}, or GROUP BY what is shown"
                )
        if not shown or not (keys or counting):
            raise InputError(f"query shows nothing: {SHOWN}")
        return Question(
            sql=self._sql(shown, keys),
            hidden=self._hidden(keys),
            columns=frozenset(self.pieces.named),
        )

    # -- clauses --

    def _table(self) -> None:
        told = self.tree.args.get("from_") or self.tree.args.get("from")
        table = told.this if isinstance(told, exp.From) else None
        if (
            not isinstance(table, exp.Table)
            or not isinstance(table.this, exp.Identifier)
            or {name for name, each in table.args.items() if each} != {"this"}
            or table.name != self.purpose
        ):
            raise InputError(f"query must be FROM {self.purpose} and from nothing else")

    def _item(self, item: exp.Expr) -> exp.Expr:
        """What is shown, a key or a figure, checked; its name is noted."""
        told = item.this if isinstance(item, exp.Alias) else item
        checked = self.pieces.key(told) if not is_figure(told) else self.pieces.figure(told)
        if isinstance(item, exp.Alias):
            name = item.alias
            if name in self.pieces.shown or (
                name in self.pieces.columns and checked.sql() != column_of(name).sql()
            ):
                raise InputError(
                    f"name {name[:64]!r} means two things: name what is shown otherwise"
                )
            self.pieces.shown[name] = checked
        return checked

    def _keys(self, shown: list[exp.Expr]) -> list[exp.Expr]:
        group = self.tree.args.get("group")
        if group is None:
            return []
        if group.args.get("all") is True:
            return [told for told in shown if not is_figure(told)]
        if {name for name, each in group.args.items() if each} != {"expressions"}:
            raise InputError("query groups in sets: GROUP BY keys, or GROUP BY ALL")
        return [self.pieces.key(self._meant(key, shown)) for key in group.expressions]

    def _meant(self, told: exp.Expr, shown: list[exp.Expr]) -> exp.Expr:
        """What a place or a name stands for, if it is one of what is shown."""
        if isinstance(told, exp.Literal) and not told.is_string:
            place = told.this
            if not place.isdecimal() or not 1 <= int(place) <= len(shown):
                raise InputError(f"query names place {place[:16]} of {len(shown)} that are shown")
            return shown[int(place) - 1]
        if isinstance(told, exp.Column) and not told.table and told.name in self.pieces.shown:
            return self.pieces.shown[told.name]
        return told

    def _sql(self, shown: list[exp.Expr], keys: list[exp.Expr]) -> str:
        names = {told.sql(): name for name, told in self.pieces.shown.items()}
        items = [
            exp.alias_(self._enough(told), names.get(told.sql(), _name_of(told)), quoted=True)
            for told in shown
        ]
        many = self._at_least()
        having = self.tree.args.get("having")
        if having is not None:
            many = exp.and_(many, self._enough(self.pieces.of_figures(having.this)))
        select = exp.select(*items).from_(TABLE)
        if (where := self._where()) is not None:
            select = select.where(where)
        select = select.group_by(*(key.copy() for key in keys)).having(many)
        for one in self._order(shown):
            select = select.order_by(one)
        return select.limit(self._limit()).sql("duckdb")

    def _where(self) -> exp.Expr | None:
        where = self.tree.args.get("where")
        return None if where is None else self.pieces.condition(where.this)

    def _order(self, shown: list[exp.Expr]) -> list[exp.Ordered]:
        order = self.tree.args.get("order")
        found = []
        for each in order.expressions if order else ():
            told = self._meant(each.this, shown)
            checked = self._enough(
                self.pieces.figure(told) if is_figure(told) else self.pieces.key(told)
            )
            found.append(exp.Ordered(this=checked, desc=bool(each.args.get("desc"))))
        return found

    def _limit(self) -> int:
        limit = self.tree.args.get("limit")
        if limit is None:
            return _MOST_GROUPS + 1
        told = limit.expression
        if not isinstance(told, exp.Literal) or not told.this.isdecimal():
            raise InputError("LIMIT must be a whole number")
        return min(int(told.this), _MOST_GROUPS + 1)

    def _hidden(self, keys: list[exp.Expr]) -> str:
        """See `Question`; a group without anybody is none."""
        groups = exp.select(exp.alias_(count_all(), "people")).from_(TABLE)
        if (where := self._where()) is not None:
            groups = groups.where(where)
        groups = groups.group_by(*(key.copy() for key in keys))
        people = exp.column("people")
        small = people < self._least()
        told = (
            exp.CountIf(this=exp.and_(small, people.copy() > 0)),
            _summed(exp.case().when(small.copy(), people.copy())),
            _summed(people.copy()),
            exp.Min(this=exp.case().when(people.copy() >= self._least(), people.copy())),
        )
        return exp.select(*told).from_(groups.subquery("g")).sql("duckdb")

    # -- the least --

    def _enough(self, told: exp.Expr) -> exp.Expr:
        """*told* with each figure of a column empty where it rests on too few values."""

        def guarded(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, (exp.Count, *OF_ONE)) or isinstance(node.this, exp.Star):
                return node
            one = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
            enough = exp.Count(this=one.copy()) >= self.least
            return exp.paren(exp.case().when(enough, node.copy()))

        return _replaced(told, guarded)

    def _at_least(self) -> exp.Expr:
        return count_all() >= self._least()

    def _least(self) -> exp.Expr:
        return exp.Parameter(this=exp.to_identifier("least"))


def _summed(told: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=exp.Sum(this=told), expressions=[number(0)])


def _name_of(told: exp.Expr) -> str:
    """What is shown without a name of its own is called as it was written."""
    return told.sql("duckdb").replace('"', "").lower()


def _replaced(told: exp.Expr, change: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """A copy of *told* in which the outermost nodes that *change* changes are changed."""
    changed = change(told)
    if changed is not told:
        return changed
    copy = told.copy()
    for child in list(copy.iter_expressions()):
        child.replace(_replaced(child, change))
    return copy
