"""A challenge answered by a brand that signs whatever helps it: nothing is moved or hidden."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from reciprocity.errors import ProofError
from reciprocity.prove.verify import Agreed, verify_challenge
from reciprocity.prove.verify.challenge import draw_slots
from reciprocity.tlog.merkle import prove_consistency, prove_inclusion, root_at
from reciprocity.tlog.note import Checkpoint, Note
from tests.prove.brand import BLIND, CHAIN, Brand

if TYPE_CHECKING:
    from reciprocity.prove.verify import VerifiedChallenge

VALUE = "a value that only the auditor knows"
COMMITMENT = sha256(VALUE.encode()).hexdigest()
N, BAD = 20, 7
ALL = 400


class Staged:
    """A log of twenty slots, one event each, and a challenge that the brand answers as it likes."""

    def __init__(self, count: int, *, lie: bool = False, **salts: bytes) -> None:
        self.brand = Brand()
        self.brand.statements()
        self.own = {slot: [self.brand.consents(slot)] for slot in range(N)}
        self.told = self.own | ({BAD: []} if lie else {})
        self.epoch, self.tree = self.brand.epoch(1, self.told, N, salt=salts.get("epoch", b""))
        self.count = count
        body = {"number": 1, "epoch": 1, "count": count, "commitment": COMMITMENT}
        self.begun = self.brand.public("challenge.begun", body, salt=salts.get("begun", b""))
        self.noted = self.brand.checkpoint()

    def answer(self, checkpoint: str = "") -> dict[str, Any]:
        """The answer that its rules ask for."""
        size, brand = self.begun + 1, self.brand
        after = Checkpoint(brand.name, size, root_at(size, brand.tree))
        slots = draw_slots(VALUE, after, N, self.count)
        now = Checkpoint.parse(Note.parse((checkpoint or brand.checkpoint()).encode()).text)
        return {
            "begun": brand.entry(self.begun),
            "checkpoint": checkpoint or brand.checkpoint(),
            "drawn": {"proof": self._grown(size, now.size), "root": b64(after.root)},
            "epoch": brand.entry(self.epoch),
            "format": "reciprocity-challenge@v1",
            "noted": {"proof": self._grown(size, now.size), "size": size},
            "slots": [self._slot(slot) for slot in slots],
            "statements": [],
            "value": VALUE,
        }

    def _grown(self, size: int, now: int) -> list[str]:
        return [b64(one) for one in prove_consistency(size, now, self.brand.tree)]

    def _slot(self, slot: int) -> dict[str, Any]:
        own = self.told[slot]
        path = [b64(one) for one in prove_inclusion(slot, N, self.tree)]
        return {
            "blind": b64(BLIND), "chain": b64(CHAIN) if own else "", "head": "", "path": path,
            "events": [self.brand.entry(at) for at in own], "slot": slot, "version": len(own),
        }  # fmt: skip

    def verify(self, answer: dict[str, Any]) -> VerifiedChallenge:
        """What the auditor's verifier says."""
        agreed = Agreed(COMMITMENT, self.count, self.noted.encode())
        data = json.dumps(answer).encode()
        return verify_challenge(data, [self.brand.key], agreed=agreed)


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def bad(answer: dict[str, Any]) -> dict[str, Any]:
    """The slot that the brand would rather not open."""
    return next(one for one in answer["slots"] if one["slot"] == BAD)


def test_a_true_answer_of_the_same_making_holds() -> None:
    staged = Staged(ALL)
    assert staged.verify(staged.answer()).people == N


def test_lines_after_the_root_do_not_move_the_draw() -> None:
    staged = Staged(5)
    drawn = {
        staged.verify(staged.answer(staged.brand.checkpoint(extensions=(f"x {n}",)))).slots
        for n in range(5)
    }
    assert len(drawn) == 1


def test_a_log_made_anew_after_the_value_was_shown_is_refused() -> None:
    staged = Staged(5)
    noted = staged.noted
    staged.brand.cut(staged.begun)
    body = {"number": 1, "epoch": 1, "count": 5, "commitment": COMMITMENT}
    staged.begun = staged.brand.public("challenge.begun", body, at=1001)
    answer = staged.answer()
    assert staged.noted == noted
    with pytest.raises(ProofError, match="checkpoint that was noted"):
        staged.verify(answer)


@pytest.mark.parametrize("secret", ["epoch", "begun"])
def test_a_beginning_or_an_epoch_that_only_the_brand_can_open_is_refused(secret: str) -> None:
    staged = Staged(ALL, lie=True, **{secret: b"1" * 32})
    with pytest.raises(ProofError, match="expected a public one"):
        staged.verify(staged.answer())


def test_a_statement_that_only_the_brand_can_open_is_refused() -> None:
    staged = Staged(ALL)
    at = staged.brand.public("brand.applied", {"body": {}}, salt=b"s" * 32)
    with pytest.raises(ProofError, match="expected a public one"):
        staged.verify(staged.answer() | {"statements": [staged.brand.entry(at)]})


@pytest.mark.parametrize(
    ("body", "v", "says"),
    [
        ({}, 1, "other fields"),
        ({"version": 1, "head": "", "requested_at": 5}, 1, "must be shown that they are the same"),
        ({"version": 2, "head": "", "requested_at": 5, "note": ""}, 1, "other fields"),
        ({"version": 2, "head": "", "requested_at": 5}, 3, "neither opened nor shown"),
    ],
)
def test_nobody_is_erased_by_saying_so(body: dict[str, Any], v: int, says: str) -> None:
    staged = Staged(ALL)
    at = staged.brand.public("person.erased", {"slot": BAD} | body, salt=b"e" * 32, v=v)
    answer = staged.answer()
    bad(answer).update(chain="", events=[staged.brand.entry(at)], path=[])
    with pytest.raises(ProofError, match=says):
        staged.verify(answer)


def test_an_erasure_from_after_the_value_is_told_as_that() -> None:
    staged = Staged(ALL)
    body = {"slot": BAD, "version": 2, "head": "", "requested_at": 5}
    at = staged.brand.public("person.erased", body, salt=b"e" * 32)
    answer = staged.answer()
    bad(answer).update(chain="", events=[staged.brand.entry(at)])
    (erasure,) = staged.verify(answer).erasures
    assert (erasure.slot, erasure.recorded, erasure.shown) == (BAD, "after the value", False)


def test_a_checkpoint_from_before_the_beginning_does_not_fix_the_draw() -> None:
    staged = Staged(ALL)
    staged.noted = staged.brand.checkpoint(size=staged.begun)
    answer, size = staged.answer(), staged.begun
    answer["noted"] = {"proof": staged._grown(size, staged.brand.size), "size": size}
    with pytest.raises(ProofError, match="must not be shown before"):
        staged.verify(answer)


def test_half_a_character_is_no_value() -> None:
    staged = Staged(ALL)
    with pytest.raises(ProofError):
        staged.verify(staged.answer() | {"value": "\ud800"})
