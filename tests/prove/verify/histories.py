"""Whole shops with a random life behind them, of real machinery: honest ones, and faulty ones.

What the replay finds wrong with a person's history, and what both verifiers say of that person's
proof, is compared in `test_histories.py` and, in the browser, in `tests/browser/test_histories.py`.
"""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reciprocity.events import Act, ConsentRow, Evidence, Objection, PointSet, Quiet, TopicLevel
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.prove.person import person_proof
from tests.prove.busy import Busy
from tests.prove.lax import append_laxly
from tests.shop import DAY, MAILDIR, START, Clock, add_people, new_shop

if TYPE_CHECKING:
    from pathlib import Path

    from reciprocity.platform import Reciprocity

__all__ = ["faulty", "honest"]

MORE = """
[campaigns.{name}]
title = "{name}"
opens = 2026-01-01T00:00:00Z
closes = 2029-06-01T00:00:00Z
[campaigns.{name}.messages.{name}]
purpose = "offers"
channel = "email"
subject = "Hello"
text = "Bulbs. {{{{ unsubscribe_url }}}}"
topics = {{ garden = 1 }}
"""
CAMPAIGNS = tuple(f"c{number}" for number in range(7))
ACTORS = ("person", "person", "person", "operator:ada", "import:crm", "import", "system")
GIVEN, WITHDRAWN = ConsentState.GIVEN, ConsentState.WITHDRAWN
SEEN = ("decided_at", "handover_by", "counts_until", "consent")
"""What an attempt may say wrongly here, and a proof shows."""


def row(noise: random.Random, at: int, states: tuple[str, ...]) -> ConsentRow:
    """An answer about this or that."""
    return ConsentRow(
        purpose=noise.choice(["offers", "offers", "offers", "marketing", "order"]),
        channel=noise.choice(["email", "email", "email", "post"]),
        state=ConsentState(noise.choice(states)),
        until=noise.choice([0, 0, at + DAY, at + 9 * DAY, at + 300 * DAY]),
    )


def act(noise: random.Random, at: int) -> tuple[str, dict[str, Any]]:
    """An act that somebody might do, or say of somebody."""
    minute = noise.randrange(1440)
    every = tuple(map(str, ConsentState))
    kind = noise.choice([
        "consent.granted", "consent.granted", "consent.granted", "consent.withdrawn",
        "consent.requested", "consent.confirmed", "consent.refused", "person.imported",
        "person.registered", "objection.made", "objection.lifted", "objection.lifted",
        "preferences.set", "preferences.set", "age.stated", "erasure.requested", "erasure.undone",
        "erasure.undone", "profile.set", "contact_point.set", "contact_point.bounced",
        "contact_point.suppressed",
    ])  # fmt: skip
    wished: tuple[str, ...] = {
        "consent.granted": ("given",), "consent.confirmed": ("given",),
        "consent.requested": ("pending",), "consent.withdrawn": ("withdrawn",),
        "consent.refused": ("refused",), "person.imported": ("given", "withdrawn", "unverified"),
    }.get(kind, every)  # fmt: skip
    parts: dict[str, Any] = {"actor": noise.choice(ACTORS), "method": "web"}
    if kind.startswith("consent.") or noise.random() < 0.1:
        rows = noise.choice([1, 1, 1, 2])
        parts["consent"] = tuple(row(noise, at, wished) for _ in range(rows))
    if kind.startswith("objection.") or noise.random() < 0.05:
        parts["objections"] = (Objection(
            purpose=noise.choice(["offers", "marketing", "*", "order"]),
            channel=noise.choice(["*", "email", "post"]),
            lifted=kind == "objection.lifted" or noise.random() < 0.2,
        ),)  # fmt: skip
    if kind in {"preferences.set", "person.imported"} or noise.random() < 0.1:
        wishes: list[dict[str, Any]] = [
            {"caps": {"email": noise.choice([(1, 2), (None, 3), (None, None), (5, 6)])}},
            {"pauses": {noise.choice(["*", "email", "post"]): noise.choice([0, at + DAY])}},
            {"quiet": Quiet(start=minute, end=(minute + 60) % 1440)}, {"quiet_unset": True},
            {"topics": {"garden": TopicLevel(level=noise.choice([1, 2]))}},
            {"time_zone": noise.choice(["Asia/Tokyo", "America/Los_Angeles", "Asia/Kathmandu"])},
        ]  # fmt: skip
        parts |= noise.choice(wishes)
    if kind.startswith("contact_point.") or noise.random() < 0.03:
        parts["points"] = (PointSet(
            channel=noise.choice(["email", "email", "email", "post"]),
            point=0 if kind == "contact_point.set" else noise.choice([1, 1, 2, 3, 9]),
            confirmed=noise.random() < 0.8,
            bounced=kind == "contact_point.bounced" and noise.random() < 0.5,
            suppressed=kind == "contact_point.suppressed" and noise.random() < 0.3,
            retired=noise.random() < 0.1,
        ),)  # fmt: skip
    if kind == "age.stated" or noise.random() < 0.1:
        parts["age_at_least"] = noise.choice([10, 18, 30])
    if kind.startswith("erasure."):
        parts["erase_at"] = noise.choice([0, at + DAY, at + 9 * DAY])
    if noise.random() < 0.4:
        when = at + noise.choice([0, 1, -1, -2, -9]) * DAY
        parts["evidence"] = Evidence(
            when=noise.choice([0, when]), how="card", text=noise.choice(["", "t"])
        )
    return kind, parts


def brought(
    noise: random.Random, shop: Reciprocity, clock: Clock, slots: list[int], count: int = 20
) -> None:
    """Some acts, one after the other, each said just now or some time before."""
    for _ in range(count):
        kind, parts = act(noise, clock.at)
        ago = noise.choice([0, 0, 1, DAY - 1, DAY, DAY + 1, 3 * DAY, 800 * DAY])
        happened = clock.at - ago if ago else 0
        slot = noise.choice(slots)
        shop.journal.append([Entry(kind=kind, body=Act(**parts), slot=slot, happened_at=happened)])
        clock.at += noise.choice([0, 1, 1_000, 3_600_000])


def honest(folder: Path, seed: int) -> tuple[str, list[str]]:
    """The log's key, and the proof of each person of a shop in which only the sender sends."""
    noise, clock = random.Random(seed), Clock()
    more = "".join(MORE.format(name=name) for name in CAMPAIGNS)
    with new_shop(folder, transport=MAILDIR + more, clock=clock) as shop:
        slots = add_people(shop, 8)
        for campaign in CAMPAIGNS:
            brought(noise, shop, clock, slots)
            shop.send(campaign, "operator:tests")
            clock.at += noise.choice([3_600_000, DAY, 3 * DAY, 9 * DAY])
            shop.send_waiting()
        assert not shop.audit().breaches
        return shop.journal.signer().verifier_key.encode(), _proofs(shop, slots)


def _proofs(shop: Reciprocity, slots: list[int]) -> list[str]:
    return [person_proof(shop.journal, slot).encode().decode() for slot in slots]


def bent(busy: Busy, noise: random.Random) -> None:
    """An attempt that says something wrong of itself, written by software that looks at nothing."""
    slot, at = noise.choice(busy.slots), busy.clock.at
    attempt = busy.attempt_at(slot)
    field, value = noise.choice([
        ("decided_at", at + 1), ("decided_at", at - 5_001), ("handover_by", at + 30_001),
        ("counts_until", at + 30 * DAY - 1), ("consent", attempt.consent + 1),
    ])  # fmt: skip
    entry = Entry(
        kind="delivery.attempted", body=replace(attempt, **{field: value}), slot=slot
    )  # fmt: skip
    busy.open.append((slot, append_laxly(busy.shop, entry).version))


def faulty(folder: Path, seed: int) -> tuple[str, list[tuple[str, set[str]]]]:
    """The log's key; and for each person the proof, with the reasons of what a replay finds.

    A reason is empty where it follows from the brand's campaign alone, which no proof shows.
    """
    noise, clock = random.Random(seed), Clock(START)
    with new_shop(folder, clock=clock) as shop:
        busy = Busy(shop, clock, noise, 8)
        for _ in range(60):
            step = noise.choice(["busy", "busy", "act", "act", "bent"] if seed % 2 else ["busy"])
            with suppress(KeyError):  # no attempt can be made where there is no contact point
                if step == "act":
                    brought(noise, shop, clock, busy.slots, 1)
                elif step == "bent":
                    bent(busy, noise)
                else:
                    busy.step(erasing=False)
        found: dict[str, set[str]] = {}
        for breach in shop.audit().breaches:
            found.setdefault(breach.person, set()).update(_seen(breach.kind, breach.reason))
        people = [
            (proof, found.get(shop.journal.pseudonym(slot), set()))
            for slot, proof in zip(busy.slots, _proofs(shop, busy.slots), strict=True)
        ]
        return shop.journal.signer().verifier_key.encode(), people


def _seen(kind: str, reason: str) -> set[str]:
    """What of *reason* a person's proof shows."""
    if kind != "facts_differ" or " after it was " in reason:
        return {f"{kind}: {reason}"}
    return {one if one in SEEN else "" for one in reason.split(", ")}
