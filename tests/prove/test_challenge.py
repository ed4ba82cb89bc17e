"""A challenge audit: neither side can steer the draw, and what was drawn is opened whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from reciprocity.errors import Conflict, InputError, ProofError
from reciprocity.leave.erase import erase, request
from reciprocity.prove.challenge import answer_challenge, begin_challenge, state_answered
from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.verify import Agreed, verify_challenge
from tests.shop import Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reciprocity.platform import Reciprocity
    from reciprocity.prove.verify import VerifiedChallenge

VALUE = "a value that only the auditor knows"
COMMITMENT = sha256(VALUE.encode()).hexdigest()


def key_of(shop: Reciprocity) -> str:
    """The log's verifier key."""
    return shop.journal.signer().verifier_key.encode()


def noted(shop: Reciprocity) -> bytes:
    """The newest checkpoint, as an auditor notes it."""
    return shop.journal.state().checkpoint


class Given(NamedTuple):
    """What the auditor has in the end."""

    answer: bytes
    key: str
    agreed: Agreed

    def verify(self, answer: bytes = b"", **other: Any) -> VerifiedChallenge:
        """What it shows, with some of what was agreed replaced by *other*."""
        agreed = Agreed(**(asdict(self.agreed) | other))
        return verify_challenge(answer or self.answer, [self.key], agreed=agreed)


def answered(folder: Path, count: int = 400) -> tuple[Given, Reciprocity]:
    """A shop's answer when all its slots are drawn: people, an erased one, some erased since."""
    shop = new_shop(folder, clock=Clock())
    slots = add_people(shop, 30)
    shop.send("spring", "operator:tests")
    erase(shop.journal, slots[3], operator="operator:tests", now=True)
    (asked,) = add_people(shop, 1)
    at = shop.journal.clock()
    request(shop.journal, asked, actor="person", method="web", at=at, undo_hours=0)
    begin_challenge(shop.journal, COMMITMENT, count)
    withdraw(shop, slots[5])  # after the epoch: not part of the answer
    publish_epoch(shop.journal)
    erase(shop.journal, slots[7], operator="operator:tests", now=True)
    checkpoint = noted(shop)
    erase(shop.journal, asked, operator="operator:tests", now=True)
    answer = answer_challenge(shop.journal, 1, VALUE, checkpoint)
    state_answered(shop.journal, 1, answer)
    return Given(answer.encode(), key_of(shop), Agreed(COMMITMENT, count, checkpoint)), shop


def test_what_was_drawn_is_opened_as_it_was_at_the_epoch(tmp_path: Path) -> None:
    given, shop = answered(tmp_path)
    with shop:
        found = given.verify()
        assert sorted(found.slots) == list(range(31))
        assert (found.people, found.erased, found.unused, found.decided) == (28, 1, 0, 28)
        (told,) = shop.journal.brand_events("challenge.answered")
        assert (told.body.people, told.body.erased, told.body.value) == (28, 3, VALUE)
        assert told.body.size == found.noted


def test_each_erasure_says_when_it_was_recorded_and_what_can_be_shown_of_it(tmp_path: Path) -> None:
    given, shop = answered(tmp_path)
    shop.close()
    found = given.verify()
    assert (found.erased, found.erased_since, found.not_shown) == (1, 1, 1)
    told = {one.slot: (one.recorded, one.shown) for one in found.erasures}
    assert told == {
        3: ("before the epoch", True),
        7: ("before the value", False),  # asked for after the epoch: the last head is another
        30: ("after the value", True),
    }


def test_a_few_slots_are_drawn_by_value_and_log_together(tmp_path: Path) -> None:
    drawn = set()
    for number, value in enumerate(("one", "two", "three"), 1):
        with new_shop(tmp_path / str(number)) as shop:
            add_people(shop, 50)
            commitment = sha256(value.encode()).hexdigest()
            begin_challenge(shop.journal, commitment, 5)
            checkpoint = noted(shop)
            answer = answer_challenge(shop.journal, 1, value, checkpoint).encode()
            agreed = Agreed(commitment, 5, checkpoint)
            found = verify_challenge(answer, [key_of(shop)], agreed=agreed)
            assert len(set(found.slots)) == 5
            drawn.add(found.slots)
    assert len(drawn) == 3


def test_nothing_that_comes_after_the_beginning_moves_the_draw(tmp_path: Path) -> None:
    """Neither what the brand writes once it knows the value, nor what the auditor notes."""
    with new_shop(tmp_path) as shop:
        slots = add_people(shop, 30)
        begin_challenge(shop.journal, COMMITMENT, 3)
        drawn = set()
        for slot in slots[:3]:
            checkpoint = noted(shop)
            withdraw(shop, slot)
            answer = answer_challenge(shop.journal, 1, VALUE, checkpoint).encode()
            given = Given(answer, key_of(shop), Agreed(COMMITMENT, 3, checkpoint))
            drawn.add(given.verify().slots)
        assert len(drawn) == 1


def test_a_challenge_is_answered_once(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 5)
        begin_challenge(shop.journal, COMMITMENT, 2)
        first, other = (answer_challenge(shop.journal, 1, VALUE, noted(shop)) for _ in range(2))
        state_answered(shop.journal, 1, first)
        with pytest.raises(Conflict, match="answered once"):
            state_answered(shop.journal, 1, other)
        with pytest.raises(Conflict, match="answered once"):
            answer_challenge(shop.journal, 1, VALUE, noted(shop))


def test_another_value_or_another_checkpoint_is_refused(tmp_path: Path) -> None:
    with new_shop(tmp_path / "a") as shop, new_shop(tmp_path / "b") as other:
        add_people(shop, 5)
        add_people(other, 15)
        before = noted(shop)
        begin_challenge(shop.journal, COMMITMENT, 2)
        after = noted(shop)
        with pytest.raises(InputError, match="note a later one"):
            answer_challenge(shop.journal, 1, VALUE, before)
        with pytest.raises(InputError, match="not of this log"):
            answer_challenge(shop.journal, 1, VALUE, noted(other))
        with pytest.raises(InputError, match="noted is none"):
            answer_challenge(shop.journal, 1, VALUE, b"rubbish")
        with pytest.raises(InputError, match="not the one"):
            answer_challenge(shop.journal, 1, "another", after)
        with pytest.raises(InputError, match="never begun"):
            answer_challenge(shop.journal, 2, VALUE, after)
        for wrong in ("", "xyz", COMMITMENT.upper(), COMMITMENT + "00"):
            with pytest.raises(InputError, match="no SHA-256"):
                begin_challenge(shop.journal, wrong, 2)


MUTATIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a slot is left out": lambda said: said["slots"].pop(),
    "another slot in its place": lambda said: said["slots"][0].update(
        slot=said["slots"][1]["slot"]
    ),
    "two slots change places": lambda said: said["slots"].reverse(),
    "an event is left out": lambda said: person(said)["events"].pop(),
    "the first event is left out": lambda said: person(said)["events"].pop(0),
    "a count is lowered with its event": lambda said: lower(person(said)),
    "a person is called unused": lambda said: person(said).update(events=[], chain="", version=0),
    "a person is called erased": lambda said: person(said).update(events=[], chain="", head="00"),
    "a person is hidden behind another's erasure": lambda said: person(said).update(
        chain="", events=buried(said)["events"], head=buried(said)["head"]
    ),
    "the chain starts elsewhere": lambda said: person(said).update(chain="A" * 43 + "="),
    "the erased had one event less": lambda said: buried(said).update(version=1),
    "another head of the erased": lambda said: buried(said).update(head="00" * 32),
    "another blind": lambda said: person(said).update(blind="A" * 43 + "="),
    "a shorter path": lambda said: person(said)["path"].pop(),
    "another value": lambda said: said.update(value="another"),
    "another epoch": lambda said: said["epoch"].update(said["begun"]),
    "the beginning is another event": lambda said: said.update(begun=said["epoch"]),
    "no statements": lambda said: said.update(statements=[]),
    "the root it is drawn by is another": lambda said: said["drawn"].update(root="A" * 43 + "="),
    "the log did not go on from what was noted": lambda said: said["noted"].update(proof=[]),
    "another size was noted": lambda said: said["noted"].update(size=said["noted"]["size"] - 1),
    "a person is said to be erased since": lambda said: person(said).update(
        chain="", events=since(said)["events"]
    ),
    "one erased since had no event": lambda said: since(said).update(version=0),
    "one erased since had all events": lambda said: since(said).update(version=99),
    "one erased since had another head": lambda said: since(said).update(head="00" * 32),
    "an erasure and something else": lambda said: since(said)["events"].append(said["begun"]),
    "the beginning has a salt": lambda said: said["begun"].update(salt="A" * 43 + "="),
    "another format": lambda said: said.update(format="reciprocity-challenge@v2"),
    "one field more": lambda said: said.update(more=1),
    "one field less": lambda said: said.pop("epoch"),
    "a checkpoint that is cut": lambda said: said.update(checkpoint=said["checkpoint"][:-9]),
}


def person(said: dict[str, Any]) -> dict[str, Any]:
    """A slot that is a person."""
    return next(one for one in said["slots"] if one["chain"])


def erased(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The slots that were erased, in the order of their erasures."""
    found = (one for one in said["slots"] if one["events"] and not one["chain"])
    return sorted(found, key=lambda one: one["events"][0]["index"])


def buried(said: dict[str, Any]) -> dict[str, Any]:
    """The slot that was erased before the epoch."""
    return erased(said)[0]


def since(said: dict[str, Any]) -> dict[str, Any]:
    """One that was erased since, and wrote in between."""
    return erased(said)[1]


def lower(one: dict[str, Any]) -> None:
    """One event less, and the count says so."""
    one["events"].pop()
    one["version"] -= 1


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    """One answer for all mutations."""
    given, shop = answered(tmp_path_factory.mktemp("answer"))
    shop.close()
    return given


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_answer_is_refused(given: Given, name: str) -> None:
    said = json.loads(given.answer)
    MUTATIONS[name](said)
    with pytest.raises(ProofError):
        given.verify(json.dumps(said).encode())


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"commitment": "00" * 32}, "not the one that was committed to"),
        ({"count": 20}, "20 were agreed"),
        ({"count": 401}, "401 were agreed"),
    ],
)
def test_what_was_agreed_is_the_auditors_to_say(
    given: Given, other: dict[str, Any], says: str
) -> None:
    with pytest.raises(ProofError, match=says):
        given.verify(**other)
