"""The verifier in the browser: the same files, the same answers as the one in Python."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as generated
from hypothesis import strategies as st

from reciprocity.errors import ProofError
from reciprocity.prove.verify import verify_person, verify_receipt
from reciprocity.tlog.merkle import (
    Frontier,
    hash_leaves,
    prove_consistency,
    root_at,
)
from tests.prove.verify.mutations import PERSON, RECEIPT, changed
from tests.prove.verify.test_wishes import (
    ATTEMPT,
    BRAND,
    DECIDED,
    HONEST,
    LIES,
    PACKS,
    TRUTHS,
    YES,
    event,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.prove.verify.conftest import Given

HELD = Path(__file__).resolve().parents[1] / "vectors" / "proofs"
ASK = """
async ([name, files, trust]) => {
  const answers = [];
  for (const file of files) {
    try {
      answers.push({ holds: await window.verify[name](file, trust) });
    } catch (error) {
      answers.push({ refused: error.message, proof: error instanceof window.verify.ProofError });
    }
  }
  return answers;
}
"""


def asked(
    verifier: Page, name: str, files: list[str], key: str, **trust: Any
) -> list[dict[str, Any]]:
    """What the browser's verifier *name* says of each of *files*."""
    return verifier.evaluate(ASK, [name, files, {"keys": [key], **trust}])


def test_a_receipt_holds_and_says_what_python_says(verifier: Page, given: Given) -> None:
    (answer,) = asked(verifier, "verifyReceipt", [given.receipt.decode()], given.key)
    found = verify_receipt(given.receipt, [given.key])
    assert answer["holds"] == {
        "event": found.event, "position": found.position, "origin": found.origin,
        "size": found.size, "root": found.root, "cosigned": {},
    }  # fmt: skip


def test_a_persons_proof_holds_and_says_what_python_says(verifier: Page, given: Given) -> None:
    (answer,) = asked(verifier, "verifyPerson", [given.person.decode()], given.key)
    found = verify_person(given.person, [given.key])
    assert answer["holds"] == {
        "events": list(found.events), "slot": found.slot, "covered": found.covered,
        "epoch": found.epoch,
        "epoch_at": found.epoch_at, "epoch_size": found.epoch_size, "decided": found.decided,
        "fewest_rules": found.fewest_rules, "consistent_with": 0,
        "origin": found.origin,
        "size": found.size, "root": found.root, "cosigned": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes"), [("verifyReceipt", RECEIPT), ("verifyPerson", PERSON)]
)
def test_every_kind_of_change_is_refused_for_a_reason(
    verifier: Page, given: Given, name: str, changes: dict[str, Any]
) -> None:
    data = given.receipt if name == "verifyReceipt" else given.person
    files = [changed(data, change).decode() for change in changes.values()]
    answers = asked(verifier, name, [data.decode(), *files], given.key)
    assert "holds" in answers[0]
    for kind, answer in zip(changes, answers[1:], strict=True):
        assert answer.get("proof") is True, (kind, answer)


def test_a_missing_event_is_named(verifier: Page, given: Given) -> None:
    said = json.loads(given.person)
    for dropped in range(1, len(said["events"]) + 1):
        cut = json.loads(given.person)
        del cut["events"][dropped - 1]
        (answer,) = asked(verifier, "verifyPerson", [json.dumps(cut)], given.key)
        assert f"version {dropped} is missing" in answer["refused"]


@pytest.mark.parametrize("key", ["", "a+b", "harbour.example/shop+00000000+" + "A" * 44])
def test_a_key_that_is_none_is_refused(verifier: Page, given: Given, key: str) -> None:
    (answer,) = asked(verifier, "verifyReceipt", [given.receipt.decode()], key)
    assert answer["proof"] is True


def test_consistency_is_answered_as_in_python(verifier: Page) -> None:
    tree = Frontier().extend(hash_leaves(b"%d" % one for one in range(70)))
    cases = [
        (
            [_base64(one) for one in prove_consistency(old, new, tree)],
            {"size": old, "root": root_at(old, tree).hex()},
            {"size": new, "root": root_at(new, tree).hex()},
        )
        for new in range(71)
        for old in range(new + 1)
    ]
    answers = verifier.evaluate(
        GROWS,
        cases,
    )
    assert set(answers) == {""}
    wrong = [
        (proof, older, {**newer, "root": "00" * 32})
        for proof, older, newer in cases
        if older["size"]  # everything begins with nothing
    ]
    refused = verifier.evaluate(
        GROWS,
        wrong,
    )
    assert all(refused)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


GROWS = """
cases => Promise.all(cases.map(([proof, older, newer]) =>
  window.verify.verifyConsistency(proof, older, newer).then(() => "", error => error.message)))
"""
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.text(max_size=12),
    st.sampled_from(["", "\u2028", "\x7f", "é", "A" * 43 + "=", 0, 1, 2**53, 2**53 - 1]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)


@st.composite
def mangled(draw: Any, data: bytes) -> str:
    """A file with one value, or one stretch of its text, put in the place of another."""
    if draw(st.booleans()):
        text = data.decode()
        start = draw(st.integers(0, len(text) - 1))
        stop = min(len(text), start + draw(st.integers(0, 3)))
        return text[:start] + draw(st.text(max_size=3)) + text[stop:]
    said = json.loads(data)
    place, key = said, draw(st.sampled_from(sorted(said)))
    while isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
        place = place[key]
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    if isinstance(place[key], str) and place[key].startswith("{") and draw(st.booleans()):
        inner = json.loads(place[key])
        inner[draw(st.sampled_from(sorted(inner)))] = draw(VALUES)
        place[key] = json.dumps(inner, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    else:
        place[key] = draw(VALUES)
    return json.dumps(said, ensure_ascii=False)


@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
@generated(data=st.data())
def test_both_verifiers_take_and_refuse_the_same(
    verifier: Page, given: Given, data: st.DataObject
) -> None:
    for name, whole, verify in (
        ("verifyReceipt", given.receipt, verify_receipt),
        ("verifyPerson", given.person, verify_person),
    ):
        files = [file for file in data.draw(st.lists(mangled(whole), min_size=20, max_size=25))
                 if _sendable(file)]  # fmt: skip
        for file, answer in zip(files, asked(verifier, name, files, given.key), strict=True):
            expected = _answer(verify, file, given.key)
            told = answer.get("refused", "") if answer.get("proof", True) else "no ProofError"
            assert bool(told) == bool(expected), f"{name}: {told!r}, in Python {expected!r}"
            assert told != "no ProofError", answer


def _sendable(file: str) -> bool:
    """Lone surrogates cannot be sent to the browser as text."""
    return not any("\ud800" <= one <= "\udfff" for one in file)


def _answer(verify: Any, file: str, key: str) -> str:
    """Why Python refuses *file*; empty if it does not."""
    try:
        verify(file.encode(), [key])
    except ProofError as error:
        return str(error) or "refused"
    return ""


def test_what_an_earlier_release_handed_out_holds_here_too(verifier: Page) -> None:
    key = (HELD / "key").read_text().strip()
    witnesses = (HELD / "witnesses").read_text().split()
    receipt, person = ((HELD / name).read_text() for name in ("receipt.json", "person.json"))
    (one,) = asked(verifier, "verifyReceipt", [receipt], key, witnesses=witnesses, quorum=2)
    assert len(one["holds"]["cosigned"]) == 2
    (other,) = asked(verifier, "verifyPerson", [person], key)
    assert (other["holds"]["covered"], other["holds"]["decided"]) == (4, 1)


def test_a_persons_own_words_are_held_against_deliveries_as_in_python(
    verifier: Page, site: str
) -> None:
    cases = [
        *([history, HONEST | facts, 1, "checkFacts"] for history, facts in LIES.values()),
        *([history, HONEST | facts, 1, "checkFacts"] for history, facts in TRUTHS.values()),
        *([[*history, YES], {"zone_offset": 0}, len(history) + 1, "checkWishes"]
          for history, _ in TRUTHS.values()),
    ]  # fmt: skip
    answers = verifier.evaluate(
        """async ([site, cases, attempted, brand, packs]) => {
          const { OwnWords, readAttempt } = await import(`${site}/verify/wishes.js`);
          const { Terms } = await import(`${site}/verify/stated.js`);
          const checks = await import(`${site}/verify/deliveries.js`);
          return cases.map(([history, facts, consent, check]) => {
            const words = new OwnWords();
            history.forEach((event, place) => words.see(place + 1, event));
            const event = { ...attempted, body: { ...attempted.body, consent, point: consent } };
            const [attempt, terms] = [readAttempt(event, "it"), new Terms(brand, packs, "it")];
            try {
              checks[check](words, new Map(Object.entries(facts)), attempt, terms, "it");
              return "";
            } catch (error) {
              return error.message;
            }
          });
        }""",
        [site, cases, event("delivery.attempted", DECIDED, **ATTEMPT), BRAND, PACKS],
    )
    expected = [True] * len(LIES) + [False] * len(TRUTHS) * 2
    assert [bool(answer) for answer in answers] == expected
    assert all("records" in answer for answer in answers[: len(LIES)])
