"""Made-up people: what they say, and what must therefore become of each of them.

The truth is worked out here from what a person is made to say, in a few plain lines that share no
code with the deciding. If the two ever disagree, one of them is wrong, and the demo says so.
"""

import csv
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct, field

__all__ = ["GARDEN", "KITCHEN", "Made", "chosen", "count", "make_people", "must", "write_file"]

GARDEN: Final = "garden"
KITCHEN: Final = "kitchen"
DELIVER: Final = ("deliver", "")
WEIGHTS: Final = {
    GARDEN: {"garden": 2, "vegetables": 3},
    KITCHEN: {"kitchen": 2, "bread": 3},
}
ZONES: Final = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Auckland")
_DAY_MS: Final = 86_400_000
_FEW: Final = 0.012


class Made(Struct, kw_only=True):
    """One made-up person: first what the shop's file says of them, then what they say themselves.

    *offers* is what the file has for the purpose: yes, no, stopped or nothing. *fresh* tells
    that its yes is younger than two years. *says* is what they answer now. *zone* is the time
    zone of those who set a quiet time around this very hour.
    """

    customer: str
    email: str
    checked: bool
    offers: str
    evidence: bool
    asked_at: int
    fresh: bool
    garden: str
    may_look: bool
    bought: tuple[str, ...]
    says: str = ""
    shares: bool = False
    topics: dict[str, int] = field(default_factory=dict)
    withdraws: bool = False
    objects: bool = False
    capped: bool = False
    paused: bool = False
    zone: str = ""


def make_people(count: int, seed: int, at: int) -> list[Made]:
    """*count* people, the same for the same *seed*; some were asked long before *at*."""
    luck = random.Random(seed)  # noqa: S311 - made-up people, not secrets
    return [_settled(_make(number, luck, at), luck) for number in range(1, count + 1)]


def _happens(luck: random.Random, how_often: float) -> bool:
    return luck.random() < how_often


def _make(number: int, luck: random.Random, at: int) -> Made:
    """What the file says of person *number*."""
    customer = f"h{number:05}"
    old = _happens(luck, 0.04)
    return Made(
        customer=customer,
        email="" if _happens(luck, 0.02) else f"{customer}@people.example",
        checked=_happens(luck, 0.97),
        offers=luck.choices(("yes", "no", "stopped", ""), (52, 12, 4, 32))[0],
        evidence=_happens(luck, 0.95),
        fresh=not old,
        asked_at=at - (1_100 if old else luck.randrange(20, 600)) * _DAY_MS,
        garden=luck.choices(("balcony", "small", "large", "none", ""), (30, 30, 20, 10, 10))[0],
        may_look=_happens(luck, 0.6),
        bought=tuple(topic for topic in ("garden", "bread") if _happens(luck, 0.4)),
    )


def _settled(person: Made, luck: random.Random) -> Made:
    """What *person* says themselves, added."""
    if not person.offers:
        person.says = luck.choices(("yes", "no", ""), (45, 15, 40))[0]
        person.shares = person.says == "yes" and _happens(luck, 0.8)
    wants = person.says == "yes" or person.offers == "yes"
    if wants and _happens(luck, 0.6):
        person.topics = {
            topic: luck.choices((-2, 0, 1, 2), (8, 12, 40, 40))[0]
            for topic in luck.sample(("garden", "vegetables", "kitchen", "bread"), 2)
        }
    if wants:
        fates = ("", "withdraws", "objects", "capped", "paused", "zone")
        fate = luck.choices(fates, (1 - 5 * 2 * _FEW, *[2 * _FEW] * 5))[0]
        if fate == "zone":
            person.zone = luck.choice(ZONES)
        elif fate:
            setattr(person, fate, True)
    while _score(person, GARDEN) == _score(person, KITCHEN) > 0:
        # The draw between equals is secret; the truth must not depend on it.
        person.topics["kitchen"] = luck.choice((1, 2))
        person.topics["garden"] = luck.choice((1, 2))
    return person


def write_file(people: Iterable[Made], path: Path) -> None:
    """Write what the shop has of *people* as the CSV file at *path*."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ("customer", "email", "email_checked", "offers", "asked_at", "asked_how", "asked_text",
             "may_look", "bought_garden", "bought_bread", "garden")
        )  # fmt: skip
        for one in people:
            asked = datetime.fromtimestamp(one.asked_at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            rows.writerow(
                (one.customer, one.email, _yes(said=one.checked), one.offers,
                 asked if one.evidence else "", "till" if one.evidence else "",
                 "offers-2025" if one.evidence else "", _yes(said=one.may_look),
                 _yes(said="garden" in one.bought), _yes(said="bread" in one.bought), one.garden)
            )  # fmt: skip


def _yes(*, said: bool) -> str:
    return "yes" if said else "no"


# --- the truth ------------------------------------------------------------------------------------


def must(person: Made, message: str) -> tuple[str, str]:
    """What must be decided of *message* for *person*: the verdict and the reason."""
    reason = _consent(person) or (_facts(person) if message == GARDEN else "")
    reason = reason or _taste(person, message)
    if not reason and message == GARDEN and person.garden == "none":
        reason = "outside_audience"
    if reason:
        return "refuse", reason
    if person.paused:
        return "wait", "paused"
    if person.capped:
        return "refuse", "cap_reached"
    return ("wait", "quiet_time") if person.zone else DELIVER


def _consent(person: Made) -> str:
    """What stops every message to *person*, for want of an address or of a yes."""
    if not (person.email and person.checked):
        return "unreachable"
    if person.objects:
        return "objected"
    if person.withdraws:
        return "withdrawn"
    if person.says:
        return "" if person.says == "yes" else "refused"
    if person.offers == "yes":
        return _imported_yes(person)
    return {"no": "refused", "stopped": "withdrawn", "": "never_asked"}[person.offers]


def _imported_yes(person: Made) -> str:
    if not person.evidence:
        return "unverified"
    return "" if person.fresh else "expired"


def _facts(person: Made) -> str:
    shared = person.shares or person.offers == "yes"
    return "" if shared and person.garden else "attribute_not_shared"


def _taste(person: Made, message: str) -> str:
    levels = _levels(person)
    if any(levels.get(topic, 0) < 0 for topic in WEIGHTS[message]):
        return "topic_refused"
    return "" if _score(person, message) > 0 else "not_relevant"


def _score(person: Made, message: str) -> int:
    levels = _levels(person)
    return sum(weight * levels.get(topic, 0) for topic, weight in WEIGHTS[message].items())


def _levels(person: Made) -> dict[str, int]:
    """What a person declares beats what they bought, which counts only if they let us look."""
    looked = person.may_look and person.evidence and person.fresh
    bought = {topic: {"garden": 2, "bread": 1}[topic] for topic in person.bought} if looked else {}
    return {**bought, **person.topics}


def chosen(person: Made) -> str:
    """The message that must reach *person*: of those that may, the one that matters most."""
    may = [name for name in (GARDEN, KITCHEN) if must(person, name) == DELIVER]
    return max(may, key=lambda name: _score(person, name), default="")


def count(people: Sequence[Made], message: str) -> dict[tuple[str, str], int]:
    """How many people must meet each outcome of *message*."""
    found: dict[tuple[str, str], int] = {}
    for person in people:
        outcome = must(person, message)
        found[outcome] = found.get(outcome, 0) + 1
    return found
