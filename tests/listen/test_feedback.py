"""A word on a message is kept, the newest counts, and it decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError
from reciprocity.events import Attempt, Feedback
from reciprocity.listen.account import account
from reciprocity.listen.deliveries import Followed
from reciprocity.listen.feedback import MOST_WORDS
from reciprocity.listen.messages import Messages
from reciprocity.listen.sayings import Code
from reciprocity.listen.timeline import timeline
from reciprocity.platform import count_feedback, give_feedback
from reciprocity.prove.person import person_proof
from reciprocity.prove.verify import verify_person
from tests.shop import Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[tuple[Reciprocity, int, int]]:
    """A shop, the slot of somebody who was sent a message, and the version of its attempt."""
    with new_shop(tmp_path, clock=Clock()) as shop:
        (slot,) = add_people(shop, 1)
        shop.send("spring", "operator:tests")
        (version,) = (
            told.version for told in shop.journal.history(slot) if isinstance(told.body, Attempt)
        )
        yield shop, slot, version


def say(shop: Reciprocity, slot: int, version: int, *, useful: bool) -> bool:
    return give_feedback(shop.journal, slot, version, useful=useful, method="message_link")


def words(shop: Reciprocity, slot: int) -> list[bool]:
    return [told.body.useful for told in shop.journal.history(slot)
            if isinstance(told.body, Feedback)]  # fmt: skip


def test_the_same_word_twice_is_one_and_the_newest_counts(
    sent: tuple[Reciprocity, int, int],
) -> None:
    shop, slot, version = sent
    said = [say(shop, slot, version, useful=useful) for useful in (True, True, False, False)]
    assert said == [True] * 4
    assert words(shop, slot) == [True, False]
    messages = Messages(shop.journal.statements())
    read = Followed(shop.journal.history(slot), messages)
    told = account(read, at=shop.journal.clock())
    (delivery,) = told.deliveries
    assert (told.useful, told.not_for_me) == ((), (delivery.position,))
    assert delivery.useful is False
    assert len(delivery.records) == 4
    codes = [entry.sentences[0].code for entry in timeline(read)]
    assert codes[:2] == [Code.NOT_FOR_ME, Code.FOUND_USEFUL]


def test_words_on_one_message_have_an_end_and_the_last_of_them_stands(
    sent: tuple[Reciprocity, int, int],
) -> None:
    shop, slot, version = sent
    said = [say(shop, slot, version, useful=number % 2 == 0) for number in range(MOST_WORDS)]
    assert said == [True] * MOST_WORDS
    size = shop.journal.state().size
    assert not say(shop, slot, version, useful=True)
    assert say(shop, slot, version, useful=False)
    assert shop.journal.state().size == size
    assert words(shop, slot)[-1:] == [False]


def test_it_decides_nothing(sent: tuple[Reciprocity, int, int]) -> None:
    shop, slot, version = sent
    before, why = shop.journal.kept(slot), shop.why(slot, "spring", "garden")
    assert say(shop, slot, version, useful=False)
    after = shop.journal.kept(slot)
    assert before is not None
    assert after is not None
    assert after.standing.wishes == before.standing.wishes
    assert after.standing.sent == before.standing.sent
    assert shop.why(slot, "spring", "garden") == why


def test_replay_and_proof_hold_with_it(sent: tuple[Reciprocity, int, int]) -> None:
    shop, slot, version = sent
    say(shop, slot, version, useful=True)
    assert not shop.audit().breaches
    key = shop.journal.signer().verifier_key.encode()
    found = verify_person(person_proof(shop.journal, slot).encode(), [key])
    assert found.decided == 1
    assert len(found.events) == len(shop.journal.history(slot))


@pytest.mark.parametrize("version", [-1, 0, 1, 99])
def test_what_was_never_sent_is_not_judged(
    sent: tuple[Reciprocity, int, int], version: int
) -> None:
    shop, slot, _ = sent
    with pytest.raises(InputError, match="none that was sent"):
        say(shop, slot, version, useful=True)
    assert words(shop, slot) == []


def test_nobody_who_is_erased_is_heard(sent: tuple[Reciprocity, int, int]) -> None:
    shop, slot, version = sent
    shop.erase(slot, "operator:tests", now=True)
    with pytest.raises(InputError):
        say(shop, slot, version, useful=True)


def test_words_are_counted_by_message_and_of_the_erased_none(
    sent: tuple[Reciprocity, int, int],
) -> None:
    shop, slot, version = sent
    say(shop, slot, version, useful=False)
    say(shop, slot, version, useful=True)
    (row,) = count_feedback(shop.journal, "spring")
    assert (row.message, row.delivered, row.useful, row.not_for_me) == ("garden", 1, 1, 0)
    assert count_feedback(shop.journal, "summer") == []
    shop.erase(slot, "operator:tests", now=True)
    assert count_feedback(shop.journal, "spring") == []
