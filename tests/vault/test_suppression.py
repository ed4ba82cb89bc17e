"""Whoever is on the suppression list is not written to, whatever else they or others say."""

import msgspec
import pytest

from reciprocity.errors import InputError
from reciprocity.events import ErasureDone
from reciprocity.journal.entry import Entry
from reciprocity.vault.people import register, set_address
from reciprocity.vault.suppression import is_suppressed, suppress

ACTOR = "operator:ada"
SAID = {"actor": ACTOR, "reason": "asked by letter"}


def test_a_known_person_is_marked_and_their_history_says_so(journal, statement) -> None:
    slot = register(journal, statement, actor=ACTOR, addresses={"email": "Ann@shop.example"}).slot
    assert suppress(journal, ["ann@SHOP.example"], **SAID) == 1
    assert journal.kept(slot).standing.wishes.points["email"].suppressed
    assert [told.kind for told in journal.history(slot)] == [
        "person.registered", "contact_point.suppressed",
    ]  # fmt: skip
    assert is_suppressed(journal, "ANN@shop.example")
    assert not is_suppressed(journal, "bob@shop.example")


def test_suppressing_twice_adds_nothing(journal, statement) -> None:
    register(journal, statement, actor=ACTOR, addresses={"email": "ann@shop.example"})
    suppress(journal, ["ann@shop.example", "ANN@shop.example"], **SAID)
    size = journal.state().size
    assert suppress(journal, ["ann@shop.example"], **SAID) == 0
    assert journal.state().size == size


def test_the_event_holds_no_address(journal) -> None:
    suppress(journal, ["ann@shop.example"], **SAID)
    (told,) = journal.reader.brand_events("suppression.added")
    detail = msgspec.json.decode(told.body.detail)
    assert detail == {
        "digests": [journal.digest("email", "ann@shop.example").hex()],
        "reason": "asked by letter",
    }


def test_whoever_comes_later_with_the_address_is_marked_from_the_start(journal, statement) -> None:
    suppress(journal, ["ann@shop.example"], **SAID)
    slot = register(journal, statement, actor=ACTOR, addresses={"email": "Ann@shop.example"}).slot
    assert journal.kept(slot).standing.wishes.points["email"].suppressed
    other = register(journal, statement, actor=ACTOR, external_id="bob").slot
    suppress(journal, ["bob@shop.example"], **SAID)
    set_address(journal, statement, other, "work", "bob@shop.example", confirmed=True, actor=ACTOR)
    assert journal.kept(other).standing.wishes.points["work"].suppressed


def test_only_the_channels_that_use_the_address_are_marked(journal, statement) -> None:
    both = {"email": "ann@shop.example", "work": "ann@work.example"}
    slot = register(journal, statement, actor=ACTOR, addresses=both).slot
    suppress(journal, ["ann@work.example"], **SAID)
    points = journal.kept(slot).standing.wishes.points
    assert (points["email"].suppressed, points["work"].suppressed) == (False, True)


def test_the_list_outlives_the_person(journal, statement) -> None:
    slot = register(journal, statement, actor=ACTOR, addresses={"email": "ann@shop.example"}).slot
    suppress(journal, ["ann@shop.example"], **SAID)
    head = journal.kept(slot).standing.head.hex()
    done = ErasureDone(slot=slot, version=2, head=head, requested_at=1)
    journal.append([Entry(kind="person.erased", body=done)])
    journal.keys.begin()
    journal.keys.destroy(slot)
    journal.keys.commit()
    assert is_suppressed(journal, "ann@shop.example")
    again = register(journal, statement, actor=ACTOR, addresses={"email": "ann@shop.example"}).slot
    assert journal.kept(again).standing.wishes.points["email"].suppressed


def test_a_list_with_one_wrong_address_changes_nothing(journal) -> None:
    with pytest.raises(InputError, match="not changed: address 2") as caught:
        suppress(journal, ["ann@shop.example", "bob at shop", "x"], **SAID)
    assert len(caught.value.problems) == 2
    assert "bob at shop" not in str(caught.value)
    assert not is_suppressed(journal, "ann@shop.example")


@pytest.mark.parametrize("reason", ["", "two\nlines", "x" * 201])
def test_a_reason_is_one_line(journal, reason: str) -> None:
    with pytest.raises(InputError, match="reason"):
        suppress(journal, ["ann@shop.example"], actor=ACTOR, reason=reason)


def test_a_long_list_is_taken_in_parts(journal) -> None:
    addresses = [f"p{number}@shop.example" for number in range(450)]
    assert suppress(journal, addresses, **SAID) == 450
    assert all(is_suppressed(journal, each) for each in addresses)
