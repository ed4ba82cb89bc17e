"""Proofs that an earlier release handed out hold for ever (tests/vectors/proofs)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from reciprocity.errors import ProofError
from reciprocity.prove.verify import (
    Agreed,
    verify_challenge,
    verify_consent,
    verify_log,
    verify_person,
    verify_receipt,
)
from reciprocity.tlog.policy import Policy

HELD = Path(__file__).resolve().parents[2] / "vectors" / "proofs"
KEY = (HELD / "key").read_text()
CHALLENGE = HELD / "challenge"
CHALLENGED = (CHALLENGE / "key").read_text()
AGREED = Agreed(
    (CHALLENGE / "commitment").read_text().strip(), 400, (CHALLENGE / "noted").read_bytes()
)
POLICY = Policy.parse((HELD / "policy").read_bytes())


def test_a_cosigned_receipt_holds_by_its_policy() -> None:
    found = verify_receipt((HELD / "receipt.json").read_bytes(), [KEY], POLICY)
    assert found.event["kind"] == "consent.withdrawn"
    assert found.cosigned_by == ("witness.example/0", "witness.example/1")


def test_a_persons_proof_holds() -> None:
    found = verify_person((HELD / "person.json").read_bytes(), [KEY])
    assert (len(found.events), found.covered, found.decided, found.epoch) == (4, 4, 1, 2)


def test_an_answer_to_a_challenge_holds() -> None:
    found = verify_challenge((CHALLENGE / "answer.json").read_bytes(), [CHALLENGED], agreed=AGREED)
    assert (found.people, found.erased, found.unused, found.decided) == (10, 1, 0, 10)
    assert (found.erased_since, found.not_shown) == (1, 1)


def test_a_consent_receipt_holds() -> None:
    found = verify_consent((HELD / "consent.jsonld").read_bytes(), [KEY])
    assert found.act.event["kind"] == "consent.withdrawn"


def test_a_log_holds_from_its_first_key_on() -> None:
    found = verify_log(HELD / "log", [KEY])
    assert (found.epochs, found.personal > 30) == (2, True)


def test_none_of_them_holds_by_another_key() -> None:
    other = "harbour.example/shop+2f701efc+AQwTLqdmH4AqCfTMJXsuLhSuXg0BJvC8eCPZ7mMe6ckp"
    for verify, name in (
        (verify_receipt, "receipt.json"),
        (verify_person, "person.json"),
        (partial(verify_challenge, agreed=AGREED), "challenge/answer.json"),
        (verify_consent, "consent.jsonld"),
    ):
        with pytest.raises(ProofError):
            verify((HELD / name).read_bytes(), [other])
