"""Attribute values are as the brand declares them, and shared only as the person says."""

import pytest

from reciprocity.errors import Conflict, InputError
from reciprocity.vault.people import register
from reciprocity.vault.profile import check_value, set_attributes

ACTOR = "operator:ada"


@pytest.fixture
def slot(journal, statement) -> int:
    return register(journal, statement, actor=ACTOR, external_id="ann").slot


def test_values_are_told_corrected_and_taken_back(journal, statement, slot) -> None:
    set_attributes(journal, statement, slot, {"visits": 3, "town": "Bern"}, actor=ACTOR)
    set_attributes(journal, statement, slot, {"visits": 4, "town": None}, actor=ACTOR)
    assert journal.profile(slot).attributes == {"visits": 4}
    assert journal.profile(slot).external_id == "ann"


def test_only_what_is_shared_for_a_purpose_stands_in_clear(journal, statement, slot) -> None:
    values = {"visits": 3, "town": "Bern", "member": True}
    set_attributes(journal, statement, slot, values, shared={"offers": ("visits",)}, actor=ACTOR)
    assert journal.kept(slot).clear == {"visits": 3}
    set_attributes(journal, statement, slot, {}, shared={"offers": ()}, actor=ACTOR)
    assert journal.kept(slot).clear == {}
    assert journal.profile(slot).attributes == values


def test_what_changes_nothing_is_no_event(journal, statement, slot) -> None:
    said = {"values": {"visits": 3}, "shared": {"offers": ("town", "visits")}}
    assert set_attributes(journal, statement, slot, **said, actor=ACTOR) is not None
    assert set_attributes(journal, statement, slot, **said, actor=ACTOR) is None
    assert journal.kept(slot).standing.version == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("visits", 100), ("visits", -1), ("visits", True), ("visits", "3"), ("town", "Basel"),
        ("since", "2026-02-30"), ("since", "20260201"), ("member", 1), ("colour", "red"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_declared_is_refused_and_not_shown(
    journal, statement, slot, name, value
) -> None:
    with pytest.raises(InputError, match=f"attribute '{name}'") as caught:
        set_attributes(journal, statement, slot, {name: value}, actor=ACTOR)
    assert repr(value) not in str(caught.value) or value in (-1, 1)
    assert journal.kept(slot).standing.version == 1


def test_everything_wrong_is_said_at_once(journal, statement, slot) -> None:
    with pytest.raises(InputError) as caught:
        set_attributes(journal, statement, slot, {"visits": -1, "colour": 1}, actor=ACTOR)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError) as caught:
        set_attributes(journal, statement, slot, {},
                       shared={"offers": ("since",), "news": ()}, actor=ACTOR)  # fmt: skip
    assert len(caught.value.problems) == 2


def test_a_day_is_written_one_way(statement) -> None:
    assert check_value("since", statement.attributes["since"], "2026-02-01") == "2026-02-01"


def test_nobody_is_not_told_anything_of(journal, statement) -> None:
    with pytest.raises(Conflict, match="not known"):
        set_attributes(journal, statement, 77, {"visits": 1}, actor=ACTOR)
