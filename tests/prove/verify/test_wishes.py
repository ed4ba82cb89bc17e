"""The person's own words against what a delivery recorded: no lie passes, no truth is refused."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from reciprocity.errors import ProofError
from reciprocity.events import Act, ConsentRow, Objection, Quiet, TopicLevel
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.prove.person import person_proof
from reciprocity.prove.verify import verify_person
from reciprocity.prove.verify.deliveries import check_facts, check_wishes
from reciprocity.prove.verify.stated import Terms
from reciprocity.prove.verify.wishes import Attempt, OwnWords
from tests.shop import DAY, MAILDIR, Clock, add_people, new_shop

if TYPE_CHECKING:
    from pathlib import Path

    from reciprocity.platform import Reciprocity

MORE = """
[campaigns.{name}]
title = "{name}"
opens = 2026-01-01T00:00:00Z
closes = 2027-06-01T00:00:00Z
[campaigns.{name}.messages.{name}]
purpose = "offers"
channel = "email"
subject = "Hello"
text = "Bulbs. {{{{ unsubscribe_url }}}}"
topics = {{ garden = 1 }}
"""
CAMPAIGNS = ("summer", "autumn", "winter")


def said(noise: random.Random, at: int) -> tuple[str, dict[str, Any]]:
    """An act that somebody might do."""
    row = ConsentRow(
        purpose="offers", channel="email", state=ConsentState.GIVEN, until=at + 300 * DAY
    )
    minute = noise.randrange(1440)
    return noise.choice([
        ("preferences.set", {"caps": {"email": noise.choice([(1, 2), (None, 3), (None, None)])}}),
        ("preferences.set", {"pauses": {"*": at + noise.choice([0, DAY])}}),
        ("preferences.set", {"pauses": {"email": at + DAY}}),
        ("preferences.set", {"pauses": {"*": 0, "email": 0}}),
        ("preferences.set", {"quiet": Quiet(start=minute, end=(minute + 60) % 1440)}),
        ("preferences.set", {"quiet_unset": True}),
        ("preferences.set", {"topics": {"garden": TopicLevel(level=noise.choice([1, 2]))}}),
        ("consent.granted", {"consent": (row,)}),
        ("objection.made", {"objections": (Objection(purpose=noise.choice(["offers", "*"])),)}),
        ("objection.lifted", {"objections": (Objection(purpose="offers", lifted=True),
                                             Objection(purpose="*", lifted=True))}),
        ("erasure.requested", {"erase_at": at + 9 * DAY}),
        ("erasure.undone", {}),
        ("person.imported", {"caps": {"email": (3, 3)}, "pauses": {"email": at + DAY},
                             "quiet": Quiet(start=1, end=2), "age_at_least": 21}),
        ("age.stated", {"age_at_least": noise.choice([18, 30])}),
    ])  # fmt: skip


def lived(shop: Reciprocity, clock: Clock, noise: random.Random) -> None:
    """Some weeks of acts and campaigns."""
    slots = add_people(shop, 6)
    for campaign in ("spring", *CAMPAIGNS):
        for _ in range(14):
            kind, parts = said(noise, clock.at)
            actor = "import:crm" if kind == "person.imported" else "person"
            act = Act(actor=actor, method="web", **parts)
            shop.journal.append([Entry(kind=kind, body=act, slot=noise.choice(slots))])
        shop.send(campaign, "operator:tests")
        clock.at += noise.choice([3_600_000, DAY, 3 * DAY, 9 * DAY])
        shop.send_waiting()


@pytest.mark.parametrize("seed", range(12))
def test_no_true_history_is_refused(tmp_path: Path, seed: int) -> None:
    clock = Clock()
    more = "".join(MORE.format(name=name) for name in CAMPAIGNS)
    with new_shop(tmp_path, transport=MAILDIR + more, clock=clock) as shop:
        lived(shop, clock, random.Random(seed))
        key = shop.journal.signer().verifier_key.encode()
        decided = 0
        for slot in range(shop.journal.state().next_slot):
            decided += verify_person(person_proof(shop.journal, slot).encode(), [key]).decided
        assert decided > 0


DECIDED = 1_790_000_000_000
ATTEMPT = {
    "message": "m", "occasion": "o", "channel": "email", "purpose": "offers", "consent": 1,
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
    yes = event("consent.granted", consent=[ROW])
    judge(check_wishes, [*history, yes], {"zone_offset": 0}, consent=len(history) + 1)
