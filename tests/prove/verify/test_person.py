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
