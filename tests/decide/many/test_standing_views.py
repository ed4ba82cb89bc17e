"""A view in the brand's own database shows what is shared for its purpose now, to nobody else."""

from __future__ import annotations

import json
import time
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from reciprocity.decide.many.named_views import drop_views, views_in
from reciprocity.errors import InputError
from reciprocity.events import Act, ConsentRow, Objection
from reciprocity.journal import pending
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState, Profile
from reciprocity.platform import Reciprocity
from reciprocity.platform.asking import publish_views
from reciprocity.storage import connect, place_of
from tests.decide.many.test_views import ALL, MORE, Somebody, entries
from tests.place import server
from tests.shop import DAY, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEOPLE = 60


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def everybody() -> list[Somebody]:
    dice = Random(5)
    return [Somebody(dice, number) for number in range(PEOPLE)]


@pytest.fixture
def shop(tmp_path: Path, everybody: list[Somebody]) -> Iterator[Reciprocity]:
    """The clock is the machine's: a view asks the database what time it is."""
    with new_shop(tmp_path) as made:
        file = made.brand.folder / "brand.toml"
        file.write_text(file.read_text() + MORE)
    with Reciprocity.open(file.parent) as opened:
        opened.apply("operator:tests")
        opened.journal.append_many([entries(opened, one) for one in everybody])
        yield opened


def publish(shop: Reciprocity, *purposes: str) -> list[str]:
    made = publish_views(shop.journal, purposes, actor="operator:tests")
    return [one.name for one in made]


def read(shop: Reciprocity, name: str, columns: str = ", ".join(ALL)) -> list[tuple[Any, ...]]:
    """The rows of a view, a day and a truth as both databases can spell them."""
    with closing(connect(shop.brand.folder / "standing.db", durable=False)) as db:
        return sorted(
            (tuple(None if each is None else str(int(each) if each in (0, 1) else each)
                   for each in row)
             for row in db.execute(f"SELECT {columns} FROM {name}")),
            key=str,
        )  # fmt: skip


def expected(everybody: list[Somebody]) -> list[tuple[Any, ...]]:
    def spelled(value: object) -> str | None:
        return None if value is None else str(int(value) if value in (0, 1) else value)

    rows = [tuple(spelled(one.seen(name)) for name in ALL) for one in everybody]
    return sorted(rows, key=str)


def say(shop: Reciprocity, slot: int, **what: Any) -> None:
    act = Act(actor="person", method="web", **what)
    shop.journal.append([Entry(kind="preferences.set", body=act, slot=slot)])


def test_everybody_reads_as_they_share_now(shop: Reciprocity, everybody: list[Somebody]) -> None:
    (name,) = publish(shop, "research")
    assert read(shop, name) == expected(everybody)
    columns = "illness"
    with pytest.raises(Exception, match="illness"):  # sensitive, whoever asks
        read(shop, name, columns)


def test_what_is_taken_back_is_gone_at_once_and_nothing_copied_it(
    shop: Reciprocity, everybody: list[Somebody]
) -> None:
    (name,) = publish(shop, "research")
    first = next(slot for slot, one in enumerate(everybody) if any(map(one.seen, ALL)))
    say(shop, first, shared={"research": ()})
    everybody[first].shared = ()
    assert read(shop, name) == expected(everybody)
    second = next(slot for slot, one in enumerate(everybody) if any(map(one.seen, ALL)))
    objection = Objection(purpose="research")
    act = Act(actor="person", method="web", objections=(objection,))
    shop.journal.append([Entry(kind="objection.made", body=act, slot=second)])
    everybody[second].shared = ()
    assert read(shop, name) == expected(everybody)
    third = next(slot for slot, one in enumerate(everybody) if any(map(one.seen, ALL)))
    shop.erase(third, "operator:tests", now=True)
    del everybody[third]
    assert read(shop, name) == expected(everybody)
    with closing(connect(shop.brand.folder / "standing.db", durable=False)) as db:
        found = db.execute("SELECT 1 FROM shared_for_research WHERE slot = ?", (third,))
        assert found.fetchone() is None
    assert publish(shop, "research") == [name]
    assert read(shop, name) == expected(everybody)


def test_a_yes_that_runs_out_is_gone_when_it_does(shop: Reciprocity) -> None:
    for number, later in enumerate((1_500, 10_000, 60_000)):  # as long as this machine needs
        soon, visits = shop.journal.clock() + later, 4711 + number
        row = ConsentRow(purpose="surveys", channel="email", state=ConsentState.GIVEN, until=soon)
        act = Act(actor="person", method="web", consent=(row,), shared={"surveys": ("visits",)})
        address = f"late{number}@example.com"
        shop.journal.append([
            Entry(
                kind="consent.granted", body=act,
                new=(("email", shop.journal.digest("email", address)),),
                profile=Profile(points={"email": address}, attributes={"visits": visits}),
            )
        ])  # fmt: skip
        (name,) = publish(shop, "surveys")
        seen = read(shop, name, "visits")
        if shop.journal.clock() < soon:
            break
    assert (str(visits),) in seen
    while shop.journal.clock() <= soon:
        time.sleep(0.01)
    assert (str(visits),) not in read(shop, name, "visits")


def test_another_brand_file_takes_all_views_away(shop: Reciprocity) -> None:
    publish(shop, "research", "surveys")
    file = shop.brand.folder / "brand.toml"
    with closing(connect(shop.brand.folder / "standing.db", durable=False)) as db:
        assert views_in(db) == ["research", "surveys"]
        file.write_text(
            file.read_text().replace('title = "Member"\n', 'title = "Member"\nsensitive = true\n')
        )
        with Reciprocity.open(shop.brand.folder) as again:
            again.apply("operator:tests")
        assert views_in(db) == []
    (name,) = publish(shop, "research")
    with pytest.raises(Exception, match="member"):
        read(shop, name, "member")


def test_what_is_not_there_is_refused_and_what_is_made_stands_in_the_log(shop: Reciprocity) -> None:
    before = shop.journal.state().size
    with pytest.raises(InputError, match="is not declared"):
        publish(shop, "research", "nonsense")
    assert shop.journal.state().size == before
    publish(shop, "research", "insight")
    (told,) = (
        one for one in shop.journal.brand_events("operator.acted") if one.body.act == "views"
    )
    assert json.loads(bytes(told.body.detail)) == {"purposes": ["insight", "research"]}
    assert read(shop, _name(shop, "insight"), "visits") == [(None,)] * PEOPLE  # no channel, no yes
    assert drop_views(shop.brand.folder, "insight") == ["insight"]
    assert drop_views(shop.brand.folder) == ["research"]
    assert drop_views(shop.brand.folder) == []


def _name(shop: Reciprocity, purpose: str) -> str:
    place = place_of(shop.brand.folder)
    return f"for_{purpose}" if place is None else f"{place.schema('views')}.{purpose}"


# --- the role -------------------------------------------------------------------------------------


@pytest.mark.postgresql
def test_a_role_reads_its_view_and_nothing_else(
    shop: Reciprocity, everybody: list[Somebody]
) -> None:
    publish(shop, "research", "surveys")
    place = place_of(shop.brand.folder)
    assert place is not None
    analyst = f"{place.schemas}_ana"
    server().ask(f'CREATE ROLE {analyst} LOGIN IN ROLE "{place.schemas}__research"')
    url = place.url.replace("brand@", f"{analyst}@")
    with psycopg.connect(url, autocommit=True) as db:
        view = f"{place.schema('views')}.research"
        seen = db.execute(f"SELECT count(*), count(visits) FROM {view}").fetchone()
        visits = [one.seen("visits") for one in everybody]
        assert seen == (PEOPLE, sum(each is not None for each in visits))
        tables = [
            f"{schema}.{table}" for schema, table in server().ask(
                "SELECT schemaname, tablename FROM pg_tables UNION SELECT schemaname, viewname"
                f" FROM pg_views WHERE schemaname LIKE '{place.schemas}\\_\\_%'"
            ) if schema.startswith(f"{place.schemas}__")
        ]  # fmt: skip
        assert len(tables) > 12
        for table in tables:
            if table == view:
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(f"SELECT * FROM {table}")
        for attempt in (
            f"INSERT INTO {view} (visits) VALUES (1)",
            f"UPDATE {view} SET visits = 1",
            f"DELETE FROM {view}",
            f"DROP VIEW {view}",
            f"CREATE TABLE {place.schema('views')}.mine (x INT)",
            f"CREATE OR REPLACE VIEW {view} AS SELECT 1",
            f"SELECT slot FROM {view}",
            f"SELECT r FROM {view} AS r, {place.schema('standing')}.standing",
            f'SET ROLE "{place.schemas}__surveys"',
            "SET ROLE brand",
            "SET session_replication_role = replica",
        ):
            with pytest.raises(psycopg.Error):
                db.execute(attempt)
        kept = place.schema("standing")
        told = db.execute(f"SELECT * FROM pg_stats WHERE schemaname = '{kept}'").fetchall()
        assert told == []  # not even what the planner knows of the values
        # a function of the analyst's own, made to be asked first, sees nothing that is not shown
        db.execute(
            "CREATE FUNCTION pg_temp.peek(BIGINT) RETURNS BOOLEAN COST 0.0000001 LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$"
        )
        heard: list[str] = []
        db.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
        db.execute(f"SELECT count(*) FROM {view} WHERE pg_temp.peek(visits)")
        assert sorted(heard) == sorted(f"saw {'<NULL>' if v is None else v}" for v in visits)


@pytest.mark.postgresql
def test_while_an_act_waits_to_be_sealed_nothing_is_shown(shop: Reciprocity) -> None:
    (name,) = publish(shop, "research")
    act = Act(actor="person", method="link")
    with closing(shop.journal.connection()) as db:
        pending.leave(db, 0, "consent.withdrawn", act, shop.journal.clock())
    assert set(read(shop, name)) == {(None,) * len(ALL)}
    shop.journal.appender.refresh()
    assert set(read(shop, name)) != {(None,) * len(ALL)}
    assert DAY
