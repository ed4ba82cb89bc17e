"""A small brand, a willing person and facts that permit: what every test here starts from."""

import atexit
import sqlite3
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import psycopg
import pyarrow as pa
from msgspec.structs import replace

from reciprocity.brand import BrandStatement, Controller, LawPack
from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.decide.facts import FACTS, Facts
from reciprocity.decide.prepare import Prepared, Statements, prepare
from reciprocity.decide.rulebook import Rulebook, first_rulebook
from reciprocity.decide.sql import to_sql
from reciprocity.decide.tree import TermType
from reciprocity.events import TopicLevel
from reciprocity.journal.standing import Standing
from reciprocity.model import (
    Attribute,
    AttributeType,
    Basis,
    Behaviour,
    Campaign,
    Channel,
    ConsentState,
    Message,
    Purpose,
    Rule,
    Topic,
)
from tests.place import server

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = 86_400_000
NOW = 20_000 * DAY + 10 * 3_600_000  # 10:00 UTC

BRAND = BrandStatement(
    id="hill",
    name="Hill",
    domain="hill.example",
    language="en",
    time_zone="Europe/Berlin",
    controller=Controller(name="Hill", address="", email="a@hill.example", territory=("DE",)),
    purposes={
        "marketing": Purpose(title="All", channels=("email",)),
        "offers": Purpose(title="Offers", parent="marketing", channels=("email",)),
        "orders": Purpose(title="Orders", basis=Basis.CONTRACT, channels=("email",)),
        "recalls": Purpose(title="Recalls", basis=Basis.LEGAL_DUTY, channels=("email",)),
    },
    behaviours={"purchases": Behaviour(title="Past purchases", gives="better offers")},
    topics={
        "clothes": Topic(title="Clothes"),
        "mens": Topic(title="Men's", parent="clothes"),
        "womens": Topic(title="Women's", parent="clothes"),
    },
    attributes={
        "recency": Attribute(title="Months", type=AttributeType.INTEGER),
        "newbie": Attribute(title="New", type=AttributeType.BOOLEAN),
        "channel": Attribute(
            title="Channel", type=AttributeType.ENUM, values=("Web", "Phone", "it's")
        ),
        "zip-code": Attribute(title="Area", type=AttributeType.ENUM, values=("Rural", "Urban")),
        "joined": Attribute(title="Joined", type=AttributeType.DAY),
        "illness": Attribute(title="Illness", type=AttributeType.BOOLEAN, sensitive=True),
    },
    channels={
        "email": Channel(
            title="E-mail", kind="email", cap_7_days=3, cap_30_days=5, quiet_from=1260,
            quiet_until=480,
        ),
        "letters": Channel(title="Other e-mail", kind="email"),
    },
)  # fmt: skip

MENS = Message(purpose="offers", channel="email", subject="s", text="t", topics={"mens": 3})
SPRING = Campaign(title="Spring", opens=NOW - DAY, closes=NOW + 20 * DAY, messages={"mens": MENS})
LAW = LawPack(name="eu", title="EU", source="GDPR", minimum_age=16, maximum_validity_days=900)


def stated(brand: BrandStatement = BRAND, *laws: LawPack) -> Statements:
    return Statements(brand=brand, rulebook=first_rulebook(brand), laws=laws)


def prepared(
    message: Message = MENS, *laws: LawPack, brand: BrandStatement = BRAND, **campaign: int
) -> Prepared:
    return prepare("mens", message, "spring", replace(SPRING, **campaign), stated(brand, *laws))


def with_rules(*rules: tuple[str, str]) -> BrandStatement:
    return replace(BRAND, rules=tuple(Rule(reason=reason, when=when) for reason, when in rules))


def yes(version: int = 2, at: int = NOW - 30 * DAY, until: int = 0) -> Answer:
    return Answer(state=ConsentState.GIVEN, version=version, at=at, until=until)


def no(version: int, state: ConsentState = ConsentState.WITHDRAWN) -> Answer:
    return Answer(state=state, version=version, at=NOW - DAY)


WILLING = Wishes(
    answers={"offers/email": yes()},
    topics={"mens": TopicLevel(level=2)},
    points={"email": Point(version=1, confirmed=True)},
    age_at_least=18,
)


def person(**wishes: object) -> Standing:
    return Standing(slot=1, version=9, wishes=replace(WILLING, **wishes))


GOOD = {
    "person_known": True, "point_active": True, "point_confirmed": True, "consent_state": 2,
    "stated_age": 18, "minimum_age": 16, "law_allows": True, "attributes_shared": True,
    "attributes_known": True, "topics_named": True, "topic_lowest": 0, "topic_score": 20,
    "in_audience": True, "occasion_limit": 1, "message_open": True, "message_closes": 10_000,
    "cap_7_most": 7, "cap_30_most": 30, "cap_free_at": 500, "minute_of_day": 700,
    "quiet_from": 1_260, "quiet_until": 480,
}  # fmt: skip


def facts_with(**changes: object) -> Facts:
    """Facts that permit a consent-based message, but for *changes*."""
    values = GOOD | changes
    blank = {f.name: False if f.type is TermType.BOOLEAN else 0 for f in FACTS}
    return tuple((blank | values).values())


STOPPING: dict[str, dict[str, object]] = {
    "unknown_person": {"person_known": False},
    "erased": {"person_erased": True},
    "suppressed": {"point_suppressed": True},
    "unreachable": {"point_confirmed": False},
    "objected": {"objected": True},
    "never_asked": {"consent_state": 0},
    "pending": {"consent_state": 1},
    "refused": {"consent_state": 3},
    "withdrawn": {"consent_state": 4},
    "expired": {"consent_state": 5},
    "unverified": {"consent_state": 6},
    "too_young": {"stated_age": 15},
    "law_forbids": {"law_allows": False},
    "attribute_not_shared": {"attributes_shared": False},
    "topic_refused": {"topic_lowest": -1},
    "not_relevant": {"topic_score": 0},
    "outside_audience": {"in_audience": False},
    "sent_this_message": {"message_attempts": 1},
    "sent_in_occasion": {"occasion_attempts": 1},
    "message_closed": {"message_open": False},
    "paused": {"pause_active": True, "pause_until": 900},
    "cap_reached": {"cap_7_used": 7, "cap_free_at": 800},
    "quiet_time": {"minute_of_day": 1_300, "quiet_ends_at": 600},
}
"""What brings each built-in rule, and no other, to stop a message that all else permits."""


def _rows(
    rulebook: Rulebook, people: Iterable[Facts], attributes: Iterable[dict[str, object]]
) -> tuple[list[str], list[tuple[object, ...]]]:
    """The names and rows of a table of facts, enums by their words."""
    told = list(attributes)
    extra = [term.name for term in rulebook.attributes]
    names = ["id", *(term.name for term in rulebook.facts), *extra]
    return names, [
        (
            number,
            *(
                term.values[value] if term.type is TermType.ENUM and value is not None else value
                for term, value in zip(rulebook.facts, facts, strict=True)
            ),
            *(told[number][name] for name in extra),
        )
        for number, facts in enumerate(people)
    ]


def by_sqlite(
    rulebook: Rulebook, people: Iterable[Facts], attributes: Iterable[dict[str, object]] = ()
) -> list[tuple[str, str, int]]:
    """(verdict, reason, until) of everyone, by SQLite running the text of the rules."""
    names, rows = _rows(rulebook, people, attributes)
    database = sqlite3.connect(":memory:")
    try:
        columns = ", ".join('"' + name + '"' for name in names)
        database.execute(f"CREATE TABLE facts ({columns})")
        marks = ", ".join("?" * len(names))
        database.executemany(f"INSERT INTO facts VALUES ({marks})", rows)
        found = database.execute(f"{to_sql(rulebook)} ORDER BY id").fetchall()
    finally:
        database.close()
    return [row[1:] for row in found]


_DUCKDB = duckdb.connect()
_DUCKDB_TYPES = {
    TermType.BOOLEAN: pa.bool_(),
    TermType.ENUM: pa.string(),
    TermType.DAY: pa.string(),
}


def by_duckdb(rulebook: Rulebook, people: Iterable[Facts]) -> list[tuple[str, str, int]]:
    """As `by_sqlite`, by DuckDB running the same rules in its dialect."""
    names, rows = _rows(rulebook, people, ())
    types = [pa.int64(), *(_DUCKDB_TYPES.get(term.type, pa.int64()) for term in rulebook.facts)]
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    told = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    _DUCKDB.register("facts", pa.table(told, names=names))
    found = _DUCKDB.execute(f"{to_sql(rulebook, 'duckdb')} ORDER BY id").fetchall()
    return [row[1:] for row in found]


def rules_by_spark(
    rulebook: Rulebook, people: Iterable[Facts], spark: "SparkSession"
) -> list[tuple[str, str, int]]:
    """As `by_sqlite`, by Spark running the same rules in its dialect."""
    names, rows = _rows(rulebook, people, ())
    kinds = {TermType.BOOLEAN: "BOOLEAN", TermType.ENUM: "STRING", TermType.DAY: "STRING"}
    types = ["BIGINT", *(kinds.get(term.type, "BIGINT") for term in rulebook.facts)]
    schema = ", ".join(f"`{name}` {kind}" for name, kind in zip(names, types, strict=True))
    spark.createDataFrame([tuple(row) for row in rows], schema).createOrReplaceTempView("facts")
    found = spark.sql(f"{to_sql(rulebook, 'spark')} ORDER BY id").collect()
    return [tuple(row)[1:] for row in found]


_POSTGRESQL_TYPES = {TermType.BOOLEAN: "BOOLEAN", TermType.ENUM: "TEXT", TermType.DAY: "DATE"}


@cache
def _postgresql() -> psycopg.Connection:
    connection = psycopg.connect(server().url, autocommit=True)
    atexit.register(connection.close)
    return connection


def by_postgresql(
    rulebook: Rulebook, people: Iterable[Facts], attributes: Iterable[dict[str, object]] = ()
) -> list[tuple[str, str, int]]:
    """As `by_sqlite`, by PostgreSQL running the same rules in its dialect."""
    names, rows = _rows(rulebook, people, attributes)
    terms = (*rulebook.facts, *rulebook.attributes)
    types = ["BIGINT", *(_POSTGRESQL_TYPES.get(term.type, "BIGINT") for term in terms)]
    columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, types, strict=True))
    database = _postgresql()
    database.execute(b"DROP TABLE IF EXISTS facts")
    database.execute(f"CREATE TEMP TABLE facts ({columns})".encode())
    with database.cursor().copy(b"COPY facts FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    found = database.execute(f"{to_sql(rulebook, 'postgres')} ORDER BY id".encode()).fetchall()
    return [row[1:] for row in found]
