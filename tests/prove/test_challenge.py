"""A challenge audit: neither side can steer the draw, and what was drawn is opened whole."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from reciprocity.errors import InputError, ProofError
from reciprocity.leave.erase import erase
from reciprocity.prove.challenge import answer_challenge, begin_challenge
from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.verify import verify_challenge
from tests.shop import Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reciprocity.platform import Reciprocity

VALUE = "a value that only the auditor knows"
COMMITMENT = sha256(VALUE.encode()).hexdigest()


def key_of(shop: Reciprocity) -> str:
    """The log's verifier key."""
    return shop.journal.signer().verifier_key.encode()


def answered(folder: Path, count: int = 400) -> tuple[bytes, str, Reciprocity]:
    """A shop's answer when all its slots are drawn: people, an erased one, some erased since."""
    shop = new_shop(folder, clock=Clock())
    slots = add_people(shop, 30)
    shop.send("spring", "operator:tests")
    erase(shop.journal, slots[3], operator="operator:tests", now=True)
    begin_challenge(shop.journal, COMMITMENT, count)
    withdraw(shop, slots[5])  # after the epoch: not part of the answer
    publish_epoch(shop.journal)
    erase(shop.journal, slots[7], operator="operator:tests", now=True)
    answer = answer_challenge(shop.journal, 1, VALUE).encode()
    return answer, key_of(shop), shop


def test_what_was_drawn_is_opened_as_it_was_at_the_epoch(tmp_path: Path) -> None:
    answer, key, shop = answered(tmp_path)
    with shop:
        found = verify_challenge(answer, [key])
        assert sorted(found.slots) == list(range(30))
        assert (found.people, found.erased, found.erased_since, found.unused) == (28, 1, 1, 0)
        assert found.decided == 28
        (told,) = shop.journal.brand_events("challenge.answered")
        assert (told.body.people, told.body.erased, told.body.value) == (28, 2, VALUE)


def test_a_few_slots_are_drawn_by_value_and_checkpoint_together(tmp_path: Path) -> None:
    drawn = set()
    for number, value in enumerate(("one", "two", "three"), 1):
        with new_shop(tmp_path / str(number)) as shop:
            add_people(shop, 50)
            begin_challenge(shop.journal, sha256(value.encode()).hexdigest(), 5)
            add_people(shop, 1)
            answer = answer_challenge(shop.journal, 1, value)
            found = verify_challenge(answer.encode(), [key_of(shop)])
            assert len(set(found.slots)) == 5
            drawn.add(found.slots)
    assert len(drawn) == 3


def test_another_value_or_no_later_checkpoint_is_refused(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 5)
        begin_challenge(shop.journal, COMMITMENT, 2)
        with pytest.raises(InputError, match="has not gone on"):
            answer_challenge(shop.journal, 1, VALUE)
        add_people(shop, 1)
        with pytest.raises(InputError, match="not the one"):
            answer_challenge(shop.journal, 1, "another")
        with pytest.raises(InputError, match="never begun"):
            answer_challenge(shop.journal, 2, VALUE)
        for wrong in ("", "xyz", COMMITMENT.upper(), COMMITMENT + "00"):
            with pytest.raises(InputError, match="no SHA-256"):
                begin_challenge(shop.journal, wrong, 2)


MUTATIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a slot is left out": lambda said: said["slots"].pop(),
    "another slot in its place": lambda said: said["slots"][0].update(slot=29),
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
    "another format": lambda said: said.update(format="reciprocity-challenge@v2"),
    "one field more": lambda said: said.update(more=1),
    "one field less": lambda said: said.pop("epoch"),
    "a checkpoint that is cut": lambda said: said.update(checkpoint=said["checkpoint"][:-9]),
}


def person(said: dict[str, Any]) -> dict[str, Any]:
    """A slot that is a person."""
    return next(one for one in said["slots"] if one["chain"])


def buried(said: dict[str, Any]) -> dict[str, Any]:
    """The slot that was erased before the epoch."""
    return min(
        (one for one in said["slots"] if one["head"]), key=lambda one: one["events"][0]["index"]
    )


def lower(one: dict[str, Any]) -> None:
    """One event less, and the count says so."""
    one["events"].pop()
    one["version"] -= 1


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """One answer for all mutations."""
    data, key, shop = answered(tmp_path_factory.mktemp("answer"))
    shop.close()
    return data, key


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_answer_is_refused(answer: tuple[bytes, str], name: str) -> None:
    data, key = answer
    verify_challenge(data, [key])
    said = json.loads(data)
    MUTATIONS[name](said)
    with pytest.raises(ProofError):
        verify_challenge(json.dumps(said).encode(), [key])
