"""The person's own words against what a delivery recorded: no lie passes, no truth is refused."""

from __future__ import annotations

from typing import Any

import pytest

from reciprocity.errors import ProofError
from reciprocity.prove.verify.deliveries import check_facts, check_wishes
from reciprocity.prove.verify.stated import Terms
from reciprocity.prove.verify.wishes import Attempt, OwnWords
from tests.shop import DAY

DECIDED = 1_790_000_000_000
ATTEMPT = {
    "message": "m", "occasion": "o", "channel": "email", "purpose": "offers", "consent": 1,
    "point": 1,
    "decided_at": DECIDED, "handover_by": DECIDED + 30_000, "counts_until": DECIDED + 90 * DAY,
}  # fmt: skip
EMAIL = {
    "kind": "email", "cap_7_days": 3, "cap_30_days": 8, "quiet_from": 60, "quiet_until": 120,
}  # fmt: skip
BRAND = {
    "everyone_at_least": 18, "channels": {"email": EMAIL},
    "purposes": {"offers": {"parent": "marketing"}, "marketing": {}},
}  # fmt: skip
PACKS = [{"name": "baseline", "minimum_age": 13, "maximum_validity_days": 1095}]
HONEST = {
    "person_erased": 0, "objected": 0, "pause_active": 0, "message_attempts": 0, "cap_7_used": 0,
    "cap_30_used": 0, "cap_7_most": 3, "cap_30_most": 8, "stated_age": 18, "quiet_from": 60,
    "quiet_until": 120, "zone_offset": 0, "minute_of_day": 853, "minimum_age": 13, "law_allows": 1,
}  # fmt: skip


def event(kind: str, at: int = DECIDED - 1, **body: Any) -> dict[str, Any]:
    body = body if kind.startswith("delivery.") else {"actor": "person", "method": "web", **body}
    return {"kind": kind, "at": at, "happened_at": at, "v": 1, "body": body}


ROW = {"purpose": "offers", "channel": "email", "state": "given"}
BEFORE = event("delivery.attempted", **ATTEMPT)
YES = event(
    "consent.granted", consent=[ROW], points=[{"channel": "email", "confirmed": True}]
)  # fmt: skip
LIES = {
    "asked to be erased": ([event("erasure.requested")], {}),
    "objected": ([event("objection.made", objections=[{"purpose": "offers"}])], {}),
    "objected above": ([event("objection.made", objections=[{"purpose": "marketing"}])], {}),
    "objected to all": ([event("objection.made", objections=[{"purpose": "*"}])], {}),
    "paused": ([event("preferences.set", pauses={"*": DECIDED + 1})], {}),
    "paused the channel": ([event("preferences.set", pauses={"email": DECIDED + 1})], {}),
    "sent before": ([BEFORE], {"cap_7_used": 1, "cap_30_used": 1}),
    "sent this week": ([BEFORE], {"message_attempts": 1, "cap_30_used": 1}),
    "sent this month": ([BEFORE], {"message_attempts": 1, "cap_7_used": 1}),
    "capped a week": ([event("preferences.set", caps={"email": [2, None]})], {}),
    "capped a month": ([event("preferences.set", caps={"email": [None, 7]})], {}),
    "younger": ([event("age.stated", age_at_least=18)], {"stated_age": 19}),
    "quiet": ([event("preferences.set", quiet={"start": 60, "end": 121})], {}),
    "an import's pause": (
        [event("person.imported", actor="import:x", pauses={"*": DECIDED + 1})], {},
    ),
    "an objection that nobody knows who made": (
        [event("objection.made", actor="system", objections=[{"purpose": "offers"}])], {},
    ),
    "an objection that an import lifts": (
        [event("objection.made", objections=[{"purpose": "offers"}]),
         event("objection.lifted", actor="import",
               objections=[{"purpose": "offers", "lifted": True}])], {},
    ),
    "an objection of the person's that staff lift": (
        [event("objection.made", objections=[{"purpose": "offers"}]),
         event("objection.lifted", actor="operator:a",
               objections=[{"purpose": "offers", "lifted": True}])], {},
    ),
    "an erasure that an import undoes": (
        [event("erasure.requested", erase_at=DECIDED + DAY),
         event("erasure.undone", actor="import:crm")], {},
    ),
    "an erasure undone too late": (
        [event("erasure.requested", erase_at=DECIDED - 1), event("erasure.undone")], {},
    ),
    "an age that an import raises": (
        [event("age.stated", age_at_least=18),
         event("person.imported", actor="import:crm", age_at_least=21)], {"stated_age": 21},
    ),
    "over the brand's own cap": ([], {"cap_7_most": 4}),
    "by another quiet time than the brand's": ([], {"quiet_from": 0, "quiet_until": 0}),
    "younger than the law has it": ([], {"minimum_age": 12}),
    "at another minute of the day": ([], {"minute_of_day": 1}),
    "an import pausing after": (
        [event("preferences.set", pauses={"*": DECIDED + 1}),
         event("person.imported", actor="import:crm", pauses={"*": 0})], {},
    ),
    "a failure told twice": (
        [BEFORE, event("delivery.delivered", attempt=1),
         event("delivery.failed", attempt=1, again=True)],
        {"message_attempts": 0, "cap_7_used": 1, "cap_30_used": 1},
    ),
}  # fmt: skip
TRUTHS = {
    "nothing said": ([], {}),
    "erasure undone": (
        [event("erasure.requested", erase_at=DECIDED + DAY), event("erasure.undone")], {},
    ),
    "objection lifted": (
        [event("objection.made", objections=[{"purpose": "offers"}]),
         event("objection.lifted", objections=[{"purpose": "offers", "lifted": True}])], {},
    ),
    "objection to something else": (
        [event("objection.made", objections=[{"purpose": "news"}]),
         event("objection.made", objections=[{"purpose": "offers", "channel": "post"}])], {},
    ),
    "pause ended": ([event("preferences.set", pauses={"*": DECIDED})], {}),
    "pause taken back": (
        [event("preferences.set", pauses={"*": DECIDED + 9}),
         event("preferences.set", pauses={"*": 0})], {},
    ),
    "an import's pause over the person's own": (
        [event("preferences.set", pauses={"*": DECIDED - 1}),
         event("person.imported", actor="import:x", pauses={"*": 2**52})], {},
    ),
    "an import's objection, long outweighed": (
        [event("consent.granted", consent=[ROW]),
         event("objection.made", actor="import:crm", evidence={"when": DECIDED - 2 * DAY},
               objections=[{"purpose": "offers", "channel": "email"}])], {},
    ),
    "cancelled": ([BEFORE, event("delivery.cancelled", attempt=1)], {}),
    "to be tried anew": ([BEFORE, event("delivery.failed", attempt=1, again=True)], {}),
    "sent long ago": (
        [event("delivery.attempted", at=DECIDED - 31 * DAY, **(ATTEMPT | {"message": "n"}))], {},
    ),
    "by contract": ([event("delivery.attempted", **(ATTEMPT | {"basis": "contract",
                                                               "message": "n"}))], {}),
    "more careful than need be": ([], {"cap_7_used": 9, "objected": 1, "cap_7_most": 0}),
    "own quiet": ([event("preferences.set", quiet={"start": 60, "end": 120})], {}),
    "quiet unset": (
        [event("preferences.set", quiet={"start": 1, "end": 2}),
         event("preferences.set", quiet_unset=True)], {},
    ),
}  # fmt: skip


def judge(check: Any, history: list[dict[str, Any]], facts: dict[str, int], **change: Any) -> None:
    """Hold an attempt with *facts*, after *history*, against it."""
    words = OwnWords()
    for version, one in enumerate(history, 1):
        words.see(version, one)
    attempt = Attempt.read(event("delivery.attempted", DECIDED, **(ATTEMPT | change)), "it")
    check(words, facts, attempt, Terms(BRAND, PACKS, "it"), "it")


def test_a_message_by_another_basis_than_its_purpose_has_is_found() -> None:
    for change in ({"basis": "contract"}, {"purpose": "nothing"}):
        with pytest.raises(ProofError, match=r"basis|purpose"):
            judge(check_facts, [], HONEST, **change)


@pytest.mark.parametrize(
    "change",
    [{"decided_at": DECIDED + 1}, {"decided_at": DECIDED - 5_001},
     {"handover_by": DECIDED + 30_001}, {"counts_until": DECIDED + 30 * DAY - 1}],
)  # fmt: skip
def test_an_instant_that_the_brand_made_up_is_found(change: dict[str, int]) -> None:
    with pytest.raises(ProofError, match=r"decided|counting"):
        judge(check_facts, [], HONEST, **change)


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_found(name: str) -> None:
    history, facts = LIES[name]
    judge(check_facts, [], HONEST)
    with pytest.raises(ProofError, match="records"):
        judge(check_facts, history, HONEST | facts)


@pytest.mark.parametrize("name", TRUTHS)
def test_a_truth_is_not(name: str) -> None:
    history, facts = TRUTHS[name]
    judge(check_facts, history, HONEST | facts)
    version = len(history) + 1
    judge(check_wishes, [*history, YES], {"zone_offset": 0}, consent=version, point=version)
