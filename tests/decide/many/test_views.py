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
from reciprocity.errors import InputError
from reciprocity.events import Act, ConsentRow, Objection
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState, Profile
from reciprocity.platform import Reciprocity
from reciprocity.platform.asking import view_now
from tests.shop import DAY, Clock, new_shop

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
[purposes.surveys]
title = "Surveys"
parent = "marketing"
channels = ["email"]
attributes = ["visits"]
[notices.second]
purposes = ["surveys"]
[notices.second.text]
en = "We would like to ask you something now and then."
"""
ALL = ("visits", "region", "member", "joined")
COLUMNS = frozenset(ALL)
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
        shared={"research": one.shared, "surveys": ("visits",)},
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
    assert told.columns[0] == "region"
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


def test_a_name_for_what_is_shown_may_be_used_anywhere(shop, everybody):
    told = asked(
        shop,
        "SELECT visits // 4 AS v, count(*) AS n FROM research WHERE v < 2 GROUP BY v ORDER BY n",
    )
    sizes = [sum(one.seen("visits") is not None and one.seen("visits") // 4 == v
                 for one in everybody) for v in (0, 1)]  # fmt: skip
    assert sorted(told.rows) == list(enumerate(sizes))
    assert told.hidden == 0


def test_a_figure_that_rests_on_few_is_empty(shop, everybody):
    few = "SELECT count(*), avg(CASE WHEN visits = 11 AND member THEN visits END) FROM research"
    rests = sum(one.seen("visits") == 11 and one.seen("member") is True for one in everybody)
    assert 0 < rests < 10
    assert asked(shop, few).rows == ((len(everybody), None),)
    assert asked(shop, "SELECT count(*) FROM research WHERE visits = 11 AND member").rows == ()


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


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT visits FROM research", "single people"),
        ("SELECT * FROM research", r"whole rows"),
        ("SELECT DISTINCT visits FROM research", "GROUP BY"),
        ("SELECT count(*) FROM offers", "FROM research"),
        ("SELECT count(*) FROM research, research AS r", "answer"),
        ("SELECT count(*) FROM research JOIN research AS r ON TRUE", "FROM research|answer"),
        ("SELECT count(*) FROM research CROSS JOIN research AS r", "FROM research|answer"),
        ("SELECT count(*) FROM (SELECT visits FROM research) AS x", "answer|FROM"),
        ("SELECT count(*) FROM read_parquet('/etc/passwd')", "answer|FROM"),
        ("SELECT count(*) FROM '/etc/passwd'", "FROM research"),
        ("SELECT count(*) FROM main.research", "FROM research"),
        ("SELECT max(visits) FROM research", "answer"),
        ("SELECT min(visits), list(visits) FROM research", "answer"),
        ("SELECT string_agg(region, ',') FROM research", "answer"),
        ("SELECT first(region), count(*) FROM research", "answer"),
        ("SELECT count(*) OVER () FROM research", "answer"),
        ("SELECT count(*) FROM research QUALIFY row_number() OVER () = 1", "answer|alone"),
        ("WITH x AS (SELECT 1) SELECT count(*) FROM research", "answer|alone"),
        ("SELECT count(*) FROM research UNION SELECT 1", "one SELECT"),
        ("SELECT count(*) FROM research; SELECT 1", "one SELECT"),
        ("SELECT count(*) FROM research WHERE visits = (SELECT 1)", "answer"),
        ("SELECT count(*) FROM research WHERE EXISTS (SELECT 1)", "answer"),
        ("SELECT getenv('HOME'), count(*) FROM research", "answer"),
        ("SELECT count(*), nextval('x') FROM research", "answer"),
        ("SELECT count(*) FILTER (WHERE visits = 1) FROM research", "answer"),
        ("SELECT CAST(region AS INTEGER), count(*) FROM research GROUP BY 1", "answer"),
        ("SELECT illness, count(*) FROM research GROUP BY 1", "not in view"),
        ("SELECT rowid, count(*) FROM research GROUP BY 1", "not in view"),
        ("COPY research TO '/tmp/x'", "one SELECT"),
        ("DROP TABLE research", "one SELECT"),
        ("ATTACH '/etc/passwd'", "one SELECT|read"),
        ("SET memory_limit = '9GB'", "one SELECT|read"),
        ("SELECT count(*) FROM research TABLESAMPLE 1 ROWS", "answer|FROM"),
        ("SELECT count(*) FROM research GROUP BY CUBE (region, member)", "answer"),
        ("", "one SELECT"),
        ("SELECT (", "cannot be read"),
        ("SELECT count(*) FROM research WHERE " + "(" * 5_000 + "1" + ")" * 5_000, "read|answer"),
        ("SELECT 1 " + " " * 20_000, "20000"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_to_write_instead(shop, query, told):
    before = len(shop.journal.brand_events("operator.acted"))
    with pytest.raises(InputError, match=told):
        asked(shop, query)
    assert len(shop.journal.brand_events("operator.acted")) == before


def test_no_smaller_group_may_be_asked_for(shop):
    with pytest.raises(InputError, match="at least 5"):
        asked(shop, "SELECT count(*) FROM research", least=4)
    with pytest.raises(InputError, match="not declared"):
        asked(shop, "SELECT count(*) FROM x", "x")


def test_what_is_run_is_printed_from_what_was_checked():
    told = read_question(
        "SELECT region, avg(visits) AS a FROM research "
        "GROUP BY 1 HAVING avg(visits) > 2 ORDER BY a",
        "research", COLUMNS, 10,
    )  # fmt: skip
    assert told.sql == (
        "SELECT region, CASE WHEN COUNT(visits) >= 10 THEN AVG(visits) END AS a FROM research "
        "GROUP BY 1 HAVING CASE WHEN COUNT(visits) >= 10 THEN AVG(visits) END > 2 "
        "AND COUNT(*) >= 10 ORDER BY a"
    )
    assert told.columns == {"region", "visits"}


def test_what_duckdb_says_of_values_is_not_passed_on(shop):
    with pytest.raises(InputError, match="cannot be carried out") as caught:
        asked(shop, "SELECT sum(visits * 9000000000000000000) FROM research")
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
