"""A person's proof: theirs, all of it, and each send decided again, by whoever trusts nobody."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError, ProofError
from reciprocity.leave.erase import erase
from reciprocity.prove.person import person_proof
from reciprocity.prove.verify import verify_person
from tests.place import copied
from tests.prove.verify.conftest import size_of
from tests.shop import add_people, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path

    from tests.prove.verify.conftest import Given


def test_it_shows_every_event_and_decides_each_delivery_again(given: Given) -> None:
    found = verify_person(given.person, [given.key])
    kinds = [event["kind"] for event in found.events]
    assert kinds == [
        "consent.granted", "delivery.attempted", "delivery.delivered", "consent.withdrawn",
    ]  # fmt: skip
    assert (found.covered, found.decided, found.epoch) == (4, 1, 3)


@pytest.mark.parametrize("dropped", [1, 2, 3, 4])
def test_drop_any_event_and_the_missing_version_is_named(given: Given, dropped: int) -> None:
    said = json.loads(given.person)
    del said["events"][dropped - 1]
    with pytest.raises(ProofError, match=f"version {dropped} is missing"):
        verify_person(json.dumps(said).encode(), [given.key])


def test_who_lowers_the_count_with_the_event_is_found_too(given: Given) -> None:
    said = json.loads(given.person)
    del said["events"][3]
    said["epoch"]["version"] = 3
    with pytest.raises(ProofError, match="does not commit to these 3 events"):
        verify_person(json.dumps(said).encode(), [given.key])


def test_events_after_the_epoch_are_shown_but_not_called_complete(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        first = json.loads(person_proof(shop.journal, slot).encode())
        withdraw(shop, slot)
        later = json.loads(person_proof(shop.journal, slot).encode())
        key = shop.journal.signer().verifier_key.encode()
        epoch = first["epoch"] | {
            "proof": _proof(shop, first["epoch"]["index"]),
        }
        found = verify_person(json.dumps(later | {"epoch": epoch}).encode(), [key])
        assert (len(found.events), found.covered, found.epoch) == (2, 1, 1)


def _proof(shop: object, index: int) -> list[str]:
    lines = shop.journal.prove(index).decode().split("\n\n")[0].split("\n")  # type: ignore[attr-defined]
    return lines[2:]


def test_a_delivery_that_a_rule_was_against_is_refused(given: Given) -> None:
    """Whoever signs the log can write a wrong attempt into it; its own rules then speak."""
    from reciprocity.prove.verify.rules import Rulebook  # noqa: PLC0415

    said = json.loads(given.person)
    attempt = json.loads(said["events"][1]["event"])["body"]
    stated = [json.loads(one["event"]) for one in said["statements"]]
    (book,) = [one["body"]["body"] for one in stated if one["kind"] == "rulebook.applied"]
    names = [fact["name"] for fact in book["facts"]]
    rules = Rulebook(book)
    assert rules.reason_against(attempt, "it") is None
    for fact, value, reason in (
        ("person_known", 0, "unknown_person"),
        ("point_suppressed", 1, "suppressed"),
        ("consent_state", 0, "never_asked"),
        ("topic_lowest", -1, "topic_refused"),
        ("cap_7_used", 99, "cap_reached"),
        ("pause_active", 1, "paused"),
    ):
        facts = list(attempt["facts"])
        facts[names.index(fact)] = value
        assert rules.reason_against(attempt | {"facts": facts}, "it") == reason


def test_an_erased_person_has_no_proof(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        before = person_proof(shop.journal, slot).encode()
        erase(shop.journal, slot, operator="operator:tests", now=True)
        with pytest.raises(InputError, match="erased"):
            person_proof(shop.journal, slot)
        verify_person(before, [shop.journal.signer().verifier_key.encode()])  # theirs still holds


def test_nobody_elses_secrets_are_in_it(given: Given) -> None:
    said = json.loads(given.person)
    chain = said["chain"]
    assert b64encode(sha256(b"").digest()).decode() != chain
    assert b"@example.com" not in given.person
    slots = {json.loads(one["event"]).get("slot") for one in said["events"]}
    assert len(slots) == 1


def test_the_log_is_held_against_what_was_seen_of_it(given: Given) -> None:
    size = size_of(given.seen)
    assert verify_person(given.person, [given.key]).consistent_with == 0
    assert verify_person(given.person, [given.key], seen=given.seen).consistent_with == size
    said = json.loads(given.person)
    now = said["checkpoint"].encode()  # the same state once more needs no proof
    assert verify_person(given.person, [given.key], seen=now).consistent_with == size_of(now)
    said["consistency"][1]["proof"][0] = "A" * 43 + "="
    with pytest.raises(ProofError, match="consistency proof"):
        verify_person(json.dumps(said).encode(), [given.key], seen=given.seen)
    said["consistency"].pop()
    with pytest.raises(ProofError, match=f"--since {size}"):
        verify_person(json.dumps(said).encode(), [given.key], seen=given.seen)


def test_nothing_is_no_state_that_was_seen(given: Given) -> None:
    with pytest.raises(ProofError, match="note"):
        verify_person(given.person, [given.key], seen=b"")


def test_it_says_for_how_many_records_of_the_log_it_is_complete(given: Given) -> None:
    found = verify_person(given.person, [given.key])
    epoch = json.loads(json.loads(given.person)["epoch"]["event"])["body"]
    assert found.epoch_size == epoch["size"] <= found.size
    assert found.fewest_rules > 20


def test_a_log_that_tells_another_past_is_found(tmp_path: Path) -> None:
    """One key, two histories: the second, however long, does not go on from the first."""
    with new_shop(tmp_path) as shop:
        add_people(shop, 3)
    copied(tmp_path, tmp_path.parent / f"{tmp_path.name}-other")
    with new_shop(tmp_path) as shop:
        add_people(shop, 1)
        seen, key = shop.journal.state().checkpoint, shop.journal.signer().verifier_key.encode()
    with new_shop(tmp_path.parent / f"{tmp_path.name}-other") as shop:
        add_people(shop, 9)
        proof = person_proof(shop.journal, 0, since=[size_of(seen)]).encode()
    verify_person(proof, [key])
    with pytest.raises(ProofError, match="does not lead to the old root"):
        verify_person(proof, [key], seen=seen)


def test_a_size_the_log_never_had_is_refused(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 1)
        with pytest.raises(InputError, match="never had 999"):
            person_proof(shop.journal, 0, since=[999])
