"""Who was erased does not come back by a file: it cannot know what they took back before."""

from contextlib import closing

import pytest

from reciprocity.leave.erase import erase
from reciprocity.storage import connect
from reciprocity.vault.people import find, register, set_address
from tests.collect.test_imports import ANN, NOW, give

OTHER = {**ANN, "id": "2", "mail": "ben@shop.example"}


@pytest.fixture
def left(shop):
    """A shop that imported two people, of whom one was erased."""
    assert shop.import_rows(ANN, OTHER).new == 2
    erase(shop.journal, find(shop.journal, "id:1"), operator="operator:ada", now=True)
    return shop


@pytest.mark.parametrize(
    "row", [ANN, {**ANN, "id": ""}, {**ANN, "mail": ""}, {**ANN, "when": "2026-09-20"}]
)
def test_no_row_makes_the_erased_known_again_whichever_name_it_has(left, row) -> None:
    report = left.import_rows(row, OTHER)
    assert (report.new, report.unchanged, report.refused, report.events) == (0, 1, 1, 0)
    ((_, reason),) = left.rejects()
    assert "person was erased" in reason


@pytest.mark.parametrize("word", ["no", "stop", "never"])
def test_nor_does_one_that_takes_away(left, word: str) -> None:
    report = left.import_rows({**ANN, "offers": word})
    assert (report.events, report.refused, report.refused_taken) == (0, 1, 0)
    ((_, reason),) = left.rejects()
    assert "taken" not in reason


def test_who_comes_back_speaks_for_themselves_and_a_file_only_takes_away(left) -> None:
    slot = register(left.journal, left.statement, actor="person", external_id="1").slot
    told = {"confirmed": True, "actor": "person"}
    set_address(left.journal, left.statement, slot, "email", "ann@shop.example", **told)
    assert left.import_rows(ANN).events == 0
    assert not left.standing("id:1").wishes.answers
    give(left, "id:1", at=NOW)
    assert left.import_rows({**ANN, "offers": "never"}).events == 1
    assert left.standing("id:1").wishes.objections
    ((_, reason),) = left.rejects()
    assert reason.endswith("what it takes away was taken")


def test_another_person_at_another_address_comes_in(left) -> None:
    assert left.import_rows({**ANN, "id": "3", "mail": "cat@shop.example"}).new == 1


def test_a_no_of_somebody_else_who_has_the_erased_ones_id_is_taken(left) -> None:
    report = left.import_rows({**ANN, "mail": "cat@shop.example", "offers": "stop"})
    assert (report.events, report.refused, report.refused_taken, report.refused_new) == (1, 1, 1, 1)
    assert left.state("cat@shop.example") == "withdrawn"
    old_list = {**ANN, "id": "", "mail": "cat@shop.example"}
    left.import_rows(old_list)
    assert left.state("cat@shop.example") == "withdrawn"


def test_a_no_of_somebody_whom_the_standing_cache_lost_is_taken(shop) -> None:
    shop.import_rows(ANN)
    with closing(connect(shop.journal.folder / "standing.db", durable=False)) as db:
        db.execute("DELETE FROM standing")
    assert shop.import_rows({**ANN, "offers": "stop"}).events == 1
    assert shop.state("id:1") == "withdrawn"


def test_nor_does_an_address_that_they_had_changed(shop) -> None:
    shop.import_rows(ANN)
    slot = find(shop.journal, "id:1")
    told = {"confirmed": True, "actor": "person"}
    set_address(shop.journal, shop.statement, slot, "email", "new@shop.example", **told)
    old = {**ANN, "id": ""}
    assert shop.journal.find(shop.journal.digest("email", "ann@shop.example")) is None
    erase(shop.journal, slot, operator="operator:ada", now=True)
    report = shop.import_rows(old)
    assert (report.new, report.refused, report.events) == (0, 1, 0)
    assert not shop.journal.keys.with_keys([slot])


def test_an_address_that_somebody_else_has_by_now_is_theirs(shop) -> None:
    shop.import_rows(ANN)
    told = {"confirmed": True, "actor": "person"}
    first = find(shop.journal, "id:1")
    set_address(shop.journal, shop.statement, first, "email", "new@shop.example", **told)
    second = {**ANN, "id": "2"}
    assert shop.import_rows(second).new == 1  # the old address, of somebody else
    erase(shop.journal, first, operator="operator:ada", now=True)
    assert shop.import_rows(second).unchanged == 1
