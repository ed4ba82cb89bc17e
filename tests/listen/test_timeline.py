"""The timeline: every event is there, and each has its sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from docs.build import ROOT
from reciprocity.events import (
    KINDS,
    Act,
    ConsentRow,
    Objection,
    PointSet,
    Quiet,
    Scope,
    TopicLevel,
)
from reciprocity.journal.standing import Standing
from reciprocity.listen.account import Did, Silent
from reciprocity.listen.deliveries import Became, Step
from reciprocity.listen.items import ItemKind, Speaker
from reciprocity.listen.sayings import Code, sayings
from reciprocity.listen.timeline import _ATTEMPTS, CODES, Group
from reciprocity.model import ConsentState
from reciprocity.prove.published import publish
from tests.listen.said import attempted, became, held, observe, say, timeline_of
from tests.shop import add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity

PARTS = {
    "consent": (ConsentRow(purpose="offers", channel="email", state=ConsentState.GIVEN),),
    "objections": (Objection(purpose="*"),),
    "topics": {"garden": TopicLevel(level=1)},
    "caps": {"email": (1, None)},
    "quiet": Quiet(start=0, end=60),
    "quiet_unset": True,
    "pauses": {"*": 9},
    "language": "de",
    "time_zone": "Europe/Zurich",
    "points": (PointSet(channel="email"),),
    "shared": {"offers": ("visits",)},
    "told": ("visits",),
    "age_at_least": 18,
    "erase_at": 9,
}
HEAD = {"actor", "method", "place", "notice", "notice_language", "source", "evidence", "profile"}
PAGE = (ROOT / "docs" / "reference" / "account.md").read_text(encoding="utf-8")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Reciprocity]:
    with new_shop(tmp_path) as shop:
        yield shop


def codes(shop: Reciprocity, slot: int) -> list[tuple[str, list[str]]]:
    return [
        (str(line.group), [str(sentence.code) for sentence in line.sentences])
        for line in timeline_of(shop, slot)
    ]


def test_every_personal_kind_has_a_sentence():
    assert {kind for (kind, _), told in KINDS.items() if told.scope is Scope.PERSONAL} == {*CODES}
    assert {*_ATTEMPTS} == {*Became}


def test_every_part_of_an_act_has_a_sentence():
    assert {*PARTS} | HEAD == {*Act.__struct_fields__}
    for name, part in PARTS.items():
        body = Act(actor="person", method="web", **{name: part})
        told = type("Told", (), {"body": body})
        nobody = Standing(slot=0)
        assert len([*sayings(Step(told, nobody, nobody))]) == 1, name


@pytest.mark.parametrize("published", [Code, Group, Did, Silent, ItemKind, Speaker, Became])
def test_every_published_code_is_explained(published):
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)
    assert {str(each) for each in published} <= {*listed}


def test_no_code_is_explained_that_does_not_exist():
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)
    known = (Code, Group, Did, Silent, ItemKind, Speaker, Became)
    assert {*listed} <= {str(each) for published in known for each in published}


def test_a_delivery_is_told_with_what_it_was_sent_for(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    shop.send("spring", "operator:tests")
    delivered, sent, granted = timeline_of(shop, slot)
    assert delivered.sentences[0].code == "was_delivered"
    assert delivered.sentences[0].said["attempt"] == sent.position
    assert (sent.group, sent.sentences[0].code) == ("sent", "sent")
    assert sent.sentences[0].said == {
        "campaign": "spring",
        "message": "garden",
        "channel": "email",
        "title": "Spring",
        "subject": "The garden in spring",
        "purpose": "offers",
        "basis": "consent",
        "topics": ("garden",),
        "prints": ("visits",),
    }
    assert [sentence.code for sentence in granted.sentences] == [
        "said_yes", "answer", "topic", "point", "attributes_shared", "attributes_told",
    ]  # fmt: skip
    assert granted.sentences[0].said == {"by": "person", "method": "web"}
    assert granted.sentences[1].said["changed"] is True


def test_what_was_stopped_or_held_is_not_told_as_sent(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    held(shop, slot, "quiet_time", shop.journal.clock() + 60_000)
    became(shop, attempted(shop, slot), "cancelled", reason="moved_on", again=True)
    held(shop, slot, "withdrawn")
    became(shop, attempted(shop, slot), "unknown")
    assert codes(shop, slot)[:-1] == [
        ("sent", ["is_unknown"]),
        ("sent", ["perhaps_sent"]),
        ("held", ["held_back"]),
        ("held", ["was_stopped"]),
        ("held", ["stopped_at_door"]),
        ("held", ["waited"]),
    ]


def test_an_answer_that_a_law_let_change_nothing_says_so(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    withdraw(shop, slot)
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.GIVEN)
    say(shop, slot, "person.imported", actor="import:crm", consent=(row,))
    imported, *_ = timeline_of(shop, slot)
    head, answer = imported.sentences
    assert (head.code, head.said["by"]) == ("import_spoke", "import")
    assert answer.said["changed"] is False


def test_looking_at_a_behaviour_is_told_as_what_it_is(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1, {})
    observe(shop, slot, "garden", 1)
    assert codes(shop, slot)[:2] == [
        ("choice", ["set_preferences", "topic_observed"]),
        ("choice", ["said_yes", "looking"]),
    ]


def test_who_of_the_staff_it_was_is_not_told(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    say(shop, slot, actor="operator:ada", language="de")
    newest, *_ = timeline_of(shop, slot)
    assert newest.sentences[0].said["by"] == "operator"
    assert "ada" not in str(newest)


def test_audits_of_everybody_appear_once_they_cover_the_person(shop: Reciprocity) -> None:
    publish(shop.journal)
    (slot,) = add_people(shop, 1)
    publish(shop.journal)
    newest, first = timeline_of(shop, slot)
    assert (newest.group, newest.sentences[0].code) == ("proof", "audited")
    assert newest.sentences[0].said["number"] == 2
    assert first.kind == "consent.granted"
