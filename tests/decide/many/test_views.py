"""A purpose sees what is shared for it now, in counts, and nothing else by any way of asking."""

from __future__ import annotations

import json
from datetime import date
from random import Random
from typing import TYPE_CHECKING

import duckdb
import pytest

from reciprocity.cli import main
from reciprocity.decide.many.question import read_question
from reciprocity.decide.many.views import answer
from reciprocity.decide.tree import Term, TermType
from reciprocity.errors import InputError
from reciprocity.events import Act, ConsentRow, Objection
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState, Profile
from reciprocity.platform import Reciprocity
from reciprocity.platform.asking import view_now
from tests.shop import DAY, Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

MORE = """
[attributes.region]
title = "Region"
type = "enum"
values = ["north", "south", "it's far"]
[attributes.member]
title = "Member"
type = "boolean"
[attributes.joined]
title = "Joined"
type = "day"
[attributes.illness]
title = "Illness"
type = "boolean"
sensitive = true
[purposes.research]
title = "Research"
basis = "contract"
channels = ["email"]
attributes = ["visits", "region", "member", "joined", "illness"]
[purposes.insight]
title = "Insight"
attributes = ["visits"]
[purposes.surveys]
title = "Surveys"
parent = "insight"
channels = ["email"]
attributes = ["visits"]
[notices.second]
purposes = ["surveys"]
[notices.second.text]
en = "We would like to ask you something now and then."
"""
ALL = ("visits", "region", "member", "joined")
COLUMNS = {
    "visits": Term(name="visits", type=TermType.INTEGER, source="attribute"),
    "region": Term(name="region", type=TermType.ENUM, source="attribute", values=("north",)),
}
OBJECTED = (Objection(purpose="research"), Objection(purpose="surveys"))


class Somebody:
    """A person of this test: what they have, and what they share for research."""

    def __init__(self, dice: Random, number: int) -> None:
        self.values = {
            "visits": dice.randrange(12), "region": dice.choice(["north", "south", "it's far"]),
            "member": dice.random() < 0.5,
            "joined": f"202{dice.randrange(4)}-0{dice.randrange(1, 9)}-11",
            "illness": True,
        }  # fmt: skip
        self.shared = tuple(name for name in ALL if dice.random() < 0.7)
        self.given = dice.random() < 0.7
        self.objects = dice.random() < 0.1
        self.address = f"v{number}@example.com"

    def seen(self, name: str) -> object:
        return self.values[name] if name in self.shared and not self.objects else None


@pytest.fixture(scope="module")
def everybody() -> list[Somebody]:
    dice = Random(3)
    return [Somebody(dice, number) for number in range(240)]


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, everybody: list[Somebody]
) -> Iterator[Reciprocity]:
    clock = Clock()
    with new_shop(tmp_path_factory.mktemp("views"), clock=clock) as made:
        file = made.brand.folder / "brand.toml"
        file.write_text(file.read_text() + MORE)
    with Reciprocity.open(file.parent, clock) as opened:
        opened.apply("operator:tests")
        opened.journal.append_many([entries(opened, one) for one in everybody])
        yield opened


def entries(shop: Reciprocity, one: Somebody) -> list[Entry]:
    row = ConsentRow(
        purpose="surveys", channel="email", state=ConsentState.GIVEN,
        until=shop.journal.clock() + 365 * DAY,
    )  # fmt: skip
    act = Act(
        actor="person", method="web", consent=(row,) if one.given else (),
        shared={"research": one.shared, "surveys": ("visits",), "insight": ("visits",)},
        objections=OBJECTED if one.objects else (),
    )  # fmt: skip
    return [
        Entry(
            kind="consent.granted" if one.given else "person.registered", body=act,
            new=(("email", shop.journal.digest("email", one.address)),),
            profile=Profile(points={"email": one.address}, attributes=one.values),
        )
    ]  # fmt: skip


def asked(shop: Reciprocity, sql: str, purpose: str = "research", least: int = 10):
    return shop.ask(purpose, sql, actor="operator:tests", least=least)


# --- what is answered -----------------------------------------------------------------------------


def test_groups_are_counted_over_what_each_shares_now(shop, everybody):
    told = asked(shop, "SELECT region, count(*), sum(visits) FROM research GROUP BY region")
    assert told.people == len(everybody)
    assert told.columns == ("region", "count(*)", "sum(visits)")
    expected = {}
    for region in ("north", "south", "it's far", None):
        group = [one for one in everybody if one.seen("region") == region]
        visits = [one.seen("visits") for one in group if one.seen("visits") is not None]
        expected[region] = (len(group), sum(visits) if len(visits) >= 10 else None)
    assert {row[0]: row[1:] for row in told.rows} == expected


def test_a_yes_that_was_taken_back_and_an_objection_make_everything_null(shop, everybody):
    told = asked(shop, "SELECT count(visits) FROM surveys", "surveys")
    assert told.rows == ((sum(one.given and not one.objects for one in everybody),),)


def test_days_words_and_conditions_mean_what_they_say(shop, everybody):
    told = asked(
        shop,
        "SELECT year(joined) AS y, avg(visits) AS a FROM research "
        "WHERE member AND region IN ('south', 'it''s far') AND joined >= '2021-01-01' "
        "GROUP BY y ORDER BY y",
        least=5,
    )
    found = {}
    for one in everybody:
        day = date.fromisoformat(one.seen("joined") or "1970-01-01")
        known = one.seen("member") and one.seen("region") in {"south", "it's far"}
        if known and day.year >= 2021:
            found.setdefault(day.year, []).append(one.seen("visits"))
    expected = []
    for year, visits in sorted(found.items()):
        known = [each for each in visits if each is not None]
        if len(visits) >= 5:
            expected.append((year, sum(known) / len(known) if len(known) >= 5 else None))
    assert list(told.rows) == expected


def test_small_groups_are_left_out_and_counted(shop, everybody):
    told = asked(shop, "SELECT visits, region, count(*) AS n FROM research GROUP BY ALL")
    sizes: dict[object, int] = {}
    for one in everybody:
        key = one.seen("visits"), one.seen("region")
        sizes[key] = sizes.get(key, 0) + 1
    assert {row[:2]: row[2] for row in told.rows} == {
        key: size for key, size in sizes.items() if size >= 10
    }
    assert told.hidden == sum(size < 10 for size in sizes.values()) > 0


def test_the_yes_of_whoever_is_too_young_for_it_counts_for_nothing(tmp_path):
    with new_shop(tmp_path, clock=Clock()) as made:
        brand = made.brand.folder / "brand.toml"
        text = brand.read_text()
        brand.write_text(
            text.replace("[purposes.offers]\n", "[purposes.offers]\nminimum_age = 21\n")
        )
    with Reciprocity.open(brand.parent, Clock()) as shop:
        shop.apply("operator:tests")
        slots = add_people(shop, 30, {})
        asked = "SELECT count(visits) FROM offers"
        assert shop.ask("offers", asked, actor="operator:ana").rows == ((None,),)
        ages = [Entry(kind="age.stated", slot=slot, body=Act(
                    actor="person", method="tests", age_at_least=21))
                for slot in slots[:20]]  # fmt: skip
        for one in ages:
            shop.journal.append([one])
        assert shop.ask("offers", asked, actor="operator:ana").rows == ((20,),)


@pytest.mark.parametrize(("sizes", "shown"), [
    ([29, 1], []), ([30], [30]), ([10, 20], [10, 20]), ([1, 12, 40], [40]), ([1, 12, 12], []),
    ([9, 1, 12], [12]), ([9, 12, 15], [15]), ([5, 5], []),
])  # fmt: skip
def test_what_is_left_out_cannot_be_had_by_subtracting(sizes, shown):
    """With everybody counted, those left out are as many as a group that is shown, or nobody."""
    people = [number for number, size in enumerate(sizes) for _ in range(size)]
    with duckdb.connect() as db:
        db.execute("CREATE TABLE the_view (visits BIGINT)")
        db.executemany("INSERT INTO the_view VALUES (?)", [(one,) for one in people])
        asked = "SELECT visits, count(*) AS n FROM research GROUP BY 1 ORDER BY n"
        told = answer(db, read_question(asked, "research", COLUMNS, 10), 10)
        assert [n for _, n in told.rows] == shown
        assert told.people == len(people)
        for number, size in enumerate(sizes):
            asked = f"SELECT count(*) FROM research WHERE visits <> {number}"
            told = answer(db, read_question(asked, "research", COLUMNS, 10), 10)
            rest = len(people) - size
            assert told.rows == (((rest,),) if rest >= 10 and size >= 10 else ())


def test_what_is_shown_may_be_named_by_place_or_name(shop, everybody):
    for group, order in (("v", "n"), ("1", "2"), ("ALL", "count(*)")):
        told = asked(
            shop,
            "SELECT visits // 4 AS v, count(*) AS n FROM research WHERE visits < 8 "
            f"GROUP BY {group} ORDER BY {order} DESC LIMIT 5",
        )
        sizes = [sum(one.seen("visits") is not None and one.seen("visits") // 4 == v
                     for one in everybody) for v in (0, 1)]  # fmt: skip
        assert sorted(told.rows) == list(enumerate(sizes))
        assert told.columns == ("v", "n")
        assert told.rows == tuple(sorted(told.rows, key=lambda row: -row[1]))


def test_arithmetic_is_for_figures_and_case_for_keys(shop, everybody):
    told = asked(
        shop,
        "SELECT CASE WHEN visits BETWEEN 0 AND 5 THEN 'few' WHEN visits > 5 THEN 'many' END "
        "AS how, round(100 * count(*) / 240, 1) AS share FROM research "
        "GROUP BY how HAVING count(*) > 20",
    )
    sizes = {"few": 0, "many": 0, None: 0}
    for one in everybody:
        visits = one.seen("visits")
        sizes[None if visits is None else "few" if visits <= 5 else "many"] += 1
    assert dict(told.rows) == {how: round(100 * size / 240, 1) for how, size in sizes.items()}


def test_a_figure_that_rests_on_few_is_empty(shop, everybody):
    few = "SELECT count(*), count(visits), avg(visits) FROM research WHERE visits IS NULL"
    nobody = sum(one.seen("visits") is None for one in everybody)
    assert asked(shop, few).rows == ((nobody, None, None),)
    assert asked(shop, few + " HAVING count(visits) < 5").rows == ()
    assert asked(shop, "SELECT count(*) FROM research WHERE visits = 11 AND member").rows == ()


def test_few_people_in_small_groups_are_not_even_told_of(shop):
    some = "SELECT count(*) FROM research WHERE visits = 11 AND member AND region = 'north'"
    none = "SELECT count(*) FROM research WHERE visits = 999"
    assert asked(shop, some) == asked(shop, none)


def test_that_it_was_asked_stands_in_the_log_first(shop):
    sql = "SELECT count(*) / 0 FROM research"
    asked(shop, sql)
    told = shop.journal.brand_events("operator.acted")[-1].body
    assert (told.actor, told.act) == ("operator:tests", "sql")
    assert json.loads(bytes(told.detail)) == {"least": 10, "purpose": "research", "sql": sql}


def test_a_view_for_ones_own_duckdb_says_the_same(shop):
    with duckdb.connect() as db:
        db.execute(view_now(shop.journal, "research"))
        columns = [row[0] for row in db.execute("DESCRIBE research").fetchall()]
        mine = db.execute(
            "SELECT region, count(*), sum(visits) FROM research GROUP BY region"
        ).fetchall()
    assert columns == list(ALL)
    told = asked(shop, "SELECT region, count(*), sum(visits) FROM research GROUP BY region")
    assert {row[:2] for row in mine} == {row[:2] for row in told.rows}


# --- what is not ----------------------------------------------------------------------------------


REFUSED = """
SELECT visits FROM research
SELECT visits, count(*) FROM research
SELECT * FROM research
SELECT DISTINCT visits FROM research
SELECT count(*) FROM offers
SELECT count(*) FROM research, research AS r
SELECT count(*) FROM research JOIN research AS r ON TRUE
SELECT count(*) FROM research AS r
SELECT count(*) FROM (SELECT visits FROM research) AS x
SELECT count(*) FROM read_parquet('/etc/passwd')
SELECT count(*) FROM '/etc/passwd'
SELECT count(*) FROM main.research
SELECT max(visits) FROM research
SELECT median(visits) FROM research
SELECT list(visits) FROM research
SELECT string_agg(region, ',') FROM research
SELECT first(region), count(*) FROM research
SELECT count(*) OVER () FROM research
SELECT count(*) FROM research QUALIFY row_number() OVER () = 1
WITH x AS (SELECT 1) SELECT count(*) FROM research
SELECT count(*) FROM research UNION SELECT 1
SELECT count(*) FROM research; SELECT 1
SELECT count(*) FROM research WHERE visits = (SELECT 1)
SELECT count(*) FROM research WHERE EXISTS (SELECT 1)
SELECT getenv('HOME'), count(*) FROM research
SELECT count(*) FILTER (WHERE visits = 1) FROM research
SELECT CAST(region AS INTEGER), count(*) FROM research GROUP BY 1
SELECT illness, count(*) FROM research GROUP BY 1
SELECT rowid, count(*) FROM research GROUP BY 1
SELECT count(*) AS rowid, sum(CASE WHEN rowid = 17 THEN visits ELSE 0 END) FROM research
SELECT 1 AS rowid, sum(visits) FROM research WHERE rowid < 20
SELECT count(*) FROM research GROUP BY rowid // 10
SELECT count(*) AS research, count(DISTINCT research) FROM research
SELECT sum(CASE WHEN visits = 11 AND member THEN 1 ELSE 0 END) FROM research
SELECT avg(CASE WHEN visits = 11 THEN 1 ELSE 0 END) FROM research
SELECT sum((visits // 11) * year(joined)) FROM research
SELECT sum(visits + 0) FROM research
SELECT sum(coalesce(visits, 0)) FROM research
SELECT sum(region) FROM research
SELECT count(DISTINCT visits, region) FROM research
SELECT count(*) FROM research HAVING count(visits) IS NULL
SELECT count(*) FROM research HAVING NOT count(visits) > 1
SELECT count(*) FROM research HAVING visits > 1
SELECT count(*) FROM research WHERE visits * 9000000000000000000 = 0
SELECT count(*) FROM research WHERE CASE WHEN visits = 11 THEN TRUE END
SELECT count(*) FROM research WHERE region > 5
SELECT count(*) FROM research WHERE joined > 'soon'
SELECT count(*) FROM research WHERE visits = 'x'
SELECT count(*) FROM research WHERE region = 'nowhere'
SELECT count(*) FROM research WHERE visits > 99999999999999999999
SELECT count(*) FROM research WHERE visits IN (1, region)
SELECT visits // 0, count(*) FROM research GROUP BY 1
SELECT visits % 7, count(*) FROM research GROUP BY 1
SELECT visits // region, count(*) FROM research GROUP BY 1
SELECT CASE WHEN visits > 1 THEN region END, count(*) FROM research GROUP BY 1
SELECT visits + 100 AS visits, count(*) FROM research GROUP BY 1
SELECT visits AS region, count(*) FROM research GROUP BY 1
SELECT count(*) AS a, a + a AS b FROM research
SELECT region, count(*) FROM research GROUP BY 99
SELECT region, count(*) FROM research GROUP BY 1.5
SELECT region, count(*) FROM research GROUP BY CUBE (region)
SELECT region, count(*) FROM research GROUP BY ROLLUP (region)
SELECT count() FROM research
SELECT count(DISTINCT) FROM research
SELECT ceil(1, ceil(1, 1)) FROM research
SELECT 1 FROM research
SELECT count(*) FROM research LIMIT visits
SELECT count(*) FROM research LIMIT 5 OFFSET 1
SELECT count(*) FROM research TABLESAMPLE 1 ROWS
COPY research TO '/tmp/x'
DROP TABLE research
ATTACH '/etc/passwd'
SET memory_limit = '9GB'
FROM research
SELECT
SELECT (
""".splitlines()
LARGE = (
    "",
    "SELECT 1 " + " " * 20_000,
    "SELECT count(*) FROM research WHERE " + "(" * 1_900 + "member" + ")" * 1_900,
    "SELECT count(*) FROM research WHERE member" + "::BOOLEAN" * 400,
    "SELECT count(*) FROM research WHERE " + "NOT " * 900 + "member",
    "SELECT " + "count(DISTINCT " * 16 + "1" + ", 1)" * 16 + " FROM research",
    "SELECT " + "- " * 400 + "count(*) FROM research",
    "SELECT count(*) FROM research WHERE region = '\udcff'",
    "SELECT count(*) FROM research WHERE region = '\x00'",
)


@pytest.mark.parametrize("query", [*filter(None, REFUSED), *LARGE])
def test_anything_else_is_refused_and_not_put_on_record(shop, query):
    before = len(shop.journal.brand_events("operator.acted"))
    with pytest.raises(InputError):
        asked(shop, query)
    assert len(shop.journal.brand_events("operator.acted")) == before


def test_no_smaller_group_may_be_asked_for(shop):
    with pytest.raises(InputError, match="at least 5"):
        asked(shop, "SELECT count(*) FROM research", least=4)
    with pytest.raises(InputError, match="not declared"):
        asked(shop, "SELECT count(*) FROM x", "x")


@pytest.mark.parametrize("least", ["10", None, 4, True, 10.0])
def test_a_least_size_that_is_none_is_refused(shop, least):
    with pytest.raises(InputError, match="at least 5"):
        asked(shop, "SELECT count(*) FROM research", least=least)


def test_what_is_run_is_printed_from_what_was_checked():
    told = read_question(
        "SELECT research.region, avg(visits) AS a /* x */ FROM research "
        "GROUP BY 1 HAVING a > 2 OR count(*) > 3 ORDER BY a -- y",
        "research", COLUMNS, 10,
    )  # fmt: skip
    average = '(CASE WHEN COUNT("visits") >= 10 THEN AVG("visits") END)'
    assert told.sql == (
        f'SELECT "region" AS "region", {average} AS "a" FROM the_view GROUP BY "region" '
        f"HAVING COUNT(*) >= $least AND (({average} > 2) OR (COUNT(*) > 3)) "
        f"ORDER BY {average} ASC LIMIT 10001"
    )
    assert told.columns == {"region", "visits"}


def test_a_purpose_may_have_any_name():
    for name in ("part", "sent", "the_view", "select"):
        told = read_question(f'SELECT count(*) FROM "{name}"', name, COLUMNS, 10)
        assert "FROM the_view" in told.sql


def test_a_purpose_on_consent_without_a_channel_sees_nothing(shop):
    told = asked(shop, "SELECT count(visits) FROM insight", "insight")
    assert told.rows == ((None,),)


def test_what_duckdb_says_of_values_is_not_passed_on(shop):
    with pytest.raises(InputError, match="cannot be carried out") as caught:
        asked(shop, "SELECT sum(visits)" + " * sum(visits)" * 40 + " FROM research")
    assert not any(digit in str(caught.value) for digit in "0123456789")


def test_the_command_prints_a_table_csv_and_json(shop, capsys):
    brand, query = str(shop.brand.folder), "SELECT region, count(*) AS n FROM research GROUP BY 1"
    common = ["--brand", brand, "sql", "--purpose", "research", query]
    assert main(common) == 0
    out = capsys.readouterr().out
    assert "it's far" in out
    assert "Asked of 240 people." in out
    assert main([*common, "--csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "region,n"
    assert main([*common, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["people"] == 240
    assert main([*common[:-1], "--view"]) == 0
    assert capsys.readouterr().out.startswith('CREATE VIEW "research" AS SELECT')
    assert main(["--brand", brand, "sql", query]) == 2
    assert "--purpose" in capsys.readouterr().err
