"""Views: what one purpose may see of everybody, and questions about that.

An attribute is NULL unless its owner shares it for the purpose now: it is among what they share,
and there is a channel of the purpose on which they did not object and, where it rests on consent,
said a yes that stands, being old enough for it. Questions are answered from a table of these values
alone, in a DuckDB that can reach nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import Final, NamedTuple

import duckdb

from reciprocity.brand import BrandStatement
from reciprocity.decide.columns import Column
from reciprocity.decide.facts import CONSENT_CODES
from reciprocity.decide.many.count import asking
from reciprocity.decide.many.layout import Bits, Rows
from reciprocity.decide.many.named_views import quoted
from reciprocity.decide.many.question import TABLE, Question, read_question
from reciprocity.decide.many.snapshot import Snapshot
from reciprocity.decide.prepare import Statements
from reciprocity.decide.rulebook import attribute_terms
from reciprocity.decide.tree import Term, TermType
from reciprocity.errors import InputError
from reciprocity.model import Basis, ConsentState, Id

__all__ = [
    "Answer", "answer", "column_types", "loaded", "question_for", "values_of", "view_of",
    "visible",
]  # fmt: skip

MOST_ROWS: Final = 10_000
_SECONDS: Final = 60
Value = str | int | float | bool | None


class Answer(NamedTuple):
    """Rows under the names of *columns*, of *people* who were looked at.

    *hidden* is how many groups were left out; 0 also where all who are in them are themselves too
    few to be told of.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    hidden: int
    people: int


def question_for(brand: BrandStatement, purpose: Id, text: str, least: int) -> Question:
    """*text* as a question about *purpose*; raises `InputError` if it may not be answered."""
    terms = {term.name: term for term in attribute_terms(brand.attributes)}
    columns = {name: terms[name] for name in visible(brand, purpose)}
    return read_question(text, purpose, columns, least)


@contextmanager
def loaded(
    snapshot: Snapshot,
    stated: Statements,
    purpose: Id,
    question: Question,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with what *purpose* may see of the columns in *question*, and nothing else in reach.

    Once it is there the snapshot is not needed any more. *progress* is told (people seen, people).
    """
    names = [name for name in visible(stated.brand, purpose) if name in question.columns]
    view = values_of(snapshot.rows, stated, purpose, names)
    types = ", ".join(f"{quoted(name)} {_type(snapshot.rows, name)}" for name in names)
    with asking(snapshot) as db:
        db.execute(f"CREATE TABLE {TABLE} ({types or 'nothing BOOLEAN'})")
        people = 0
        for part in snapshot.parts:
            db.read_parquet(str(part.people)).create_view("part", replace=True)
            people += db.execute(f"INSERT INTO {TABLE} {view}").fetchall()[0][0]
            if progress:
                progress(people, snapshot.people)
        db.execute("DROP VIEW IF EXISTS part")
        db.execute("SET enable_external_access = false")
        db.execute("SET lock_configuration = true")
        yield db


def answer(db: duckdb.DuckDBPyConnection, question: Question, least: int) -> Answer:
    """What *question* comes to in *db*, which is `loaded`, for groups of at least *least* people.

    Where all that are left out, by groups or by a condition, are fewer than *least*, the smallest
    group that could be shown is left out too: else whoever subtracts what is shown from everybody
    has them. Raises `InputError` for a query that DuckDB cannot carry out in a minute; what it says
    of values is not passed on.
    """
    watch = Timer(_SECONDS, db.interrupt)
    watch.start()
    try:
        ((people,),) = db.execute(f"SELECT count(*) FROM {TABLE}").fetchall()  # noqa: S608
        ((hidden, few, within, smallest),) = db.execute(
            question.hidden, {"least": least}
        ).fetchall()
        shown = least
        if smallest is not None and 0 < few + people - within < least:
            shown = smallest + 1
            ((hidden, few, _, _),) = db.execute(question.hidden, {"least": shown}).fetchall()
        told = db.execute(question.sql, {"least": shown})
        columns = tuple(column[0] for column in told.description or ())
        rows = tuple(map(tuple, told.fetchall()))
    except duckdb.Error:
        raise InputError(
            "query cannot be carried out: it takes longer than a minute, or its arithmetic grows "
            "too large; ask for less"
        ) from None
    finally:
        watch.cancel()
    if len(rows) > MOST_ROWS:
        raise InputError(f"query has more than {MOST_ROWS:,} groups: group by less, or add a LIMIT")
    return Answer(columns, rows, hidden if few >= least else 0, people)


def view_of(snapshot: Snapshot, stated: Statements, purpose: Id) -> str:
    """A CREATE VIEW for a DuckDB of one's own, over the files of *snapshot* and its instant.

    It is a convenience and no boundary: whoever reads the files reads all that is in them.
    """
    files = ", ".join("'" + str(part.people).replace("'", "''") + "'" for part in snapshot.parts)
    view = values_of(snapshot.rows, stated, purpose, visible(stated.brand, purpose))
    return f"CREATE VIEW {quoted(purpose)} AS {view.removesuffix('part')}read_parquet([{files}]);"


def visible(brand: BrandStatement, purpose: Id) -> list[Id]:
    """The attributes that the purpose names, but for sensitive ones."""
    told = brand.purposes.get(purpose)
    if told is None:
        listed = ", ".join(sorted(brand.purposes))
        raise InputError(f"purpose {purpose[:64]!r} is not declared: declared are {listed}")
    return [name for name in told.attributes if not brand.attributes[name].sensitive]


def values_of(
    rows: Rows, stated: Statements, purpose: Id, names: Sequence[Id], also: Sequence[str] = ()
) -> str:
    """A SELECT of *names* from `part`, each NULL unless its owner shares it for *purpose*.

    The columns *also* of the rows come first, as they are.
    """
    may = _may(rows, stated, purpose)
    columns = [
        *also,
        *(
            f"CASE WHEN {may} AND {_bit(rows, Column('attributes_shared', f'{purpose}/{name}'))} "
            f"THEN {_value(rows, name)} END AS {quoted(name)}"
            for name in names
        ),
    ]
    return f"SELECT {', '.join(columns) or 'NULL AS nothing'} FROM part"  # noqa: S608


def column_types(rows: Rows, names: Sequence[Id]) -> dict[Id, TermType]:
    """The type of each attribute in *names*."""
    return {name: rows.attributes[name][0].type for name in names}


def _may(rows: Rows, stated: Statements, purpose: Id) -> str:
    """May the purpose use anything of the person?

    There is a channel without an objection to it, and on consent, with a yes of somebody old
    enough. What rests on consent and has no channel of its own, on which somebody could say yes,
    may use nothing.
    """
    told = stated.brand.purposes[purpose]
    youngest = max([told.minimum_age, *(pack.minimum_age for pack in stated.laws)])
    given = CONSENT_CODES[ConsentState.GIVEN]
    open_on = []
    for channel in told.channels:
        key = f"{purpose}/{channel}"
        asked = [f"NOT {_bit(rows, Column('objected', key))}"]
        if told.basis is Basis.CONSENT:
            asked.append(f"{_field(rows.packed[Column('consent_state', key)])} = {given}")
            asked.append(f"{rows.plain[Column('stated_age')]} >= {youngest}")
        open_on.append(f"({' AND '.join(asked)})")
    leaving = _bit(rows, Column("person_erased"))
    return f"NOT {leaving} AND ({' OR '.join(open_on) or 'FALSE'})"


def _bit(rows: Rows, column: Column) -> str:
    return f"(({_field(rows.packed[column])}) = 1)"


def _field(bits: Bits) -> str:
    return f"(({bits.word} >> {bits.shift}) & {2**bits.width - 1})"


def _value(rows: Rows, name: Id) -> str:
    """The attribute as people write it."""
    term, column = rows.attributes[name]
    if term.type is TermType.ENUM:
        words = ", ".join("'" + word.replace("'", "''") + "'" for word in term.values)
        return f"[{words}][{column} + 1]"
    return f"DATE '1970-01-01' + CAST({column} AS INTEGER)" if _is_day(term) else column


def _type(rows: Rows, name: Id) -> str:
    term, _ = rows.attributes[name]
    types = {TermType.BOOLEAN: "BOOLEAN", TermType.ENUM: "VARCHAR", TermType.DAY: "DATE"}
    return types.get(term.type, "BIGINT")


def _is_day(term: Term) -> bool:
    return term.type is TermType.DAY
