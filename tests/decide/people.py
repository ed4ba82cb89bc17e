"""Random people, messages and rules of one brand: what every engine must decide alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.decide.prepare import Prepared, Statements, prepare
from reciprocity.decide.rulebook import first_rulebook
from reciprocity.events import Quiet, TopicLevel
from reciprocity.journal.cache import Kept
from reciprocity.journal.standing import Sent, Standing
from reciprocity.model import Campaign, Channel, ConsentState, Message, Rule
from tests.decide.samples import BRAND, DAY, LAW, NOW

if TYPE_CHECKING:
    from random import Random

    from reciprocity.brand import BrandStatement, LawPack

CHANNELS = ("email", "letters")
PURPOSES = ("marketing", "offers", "orders", "recalls")
TOPICS = ("clothes", "mens", "womens")
ATTRIBUTES = ("recency", "newbie", "channel", "zip-code", "joined")
AUDIENCES = (
    "", "recency > 3", "NOT recency > 3", "newbie OR recency IN (1, 2)", "channel <> 'it''s'",
    "\"zip-code\" IN ('Rural') AND NOT newbie", "joined >= '2024-01-01' OR channel = 'Web'",
    "NOT (recency = 1 OR newbie) AND joined <> '2024-05-05'", "TRUE", "FALSE",
)  # fmt: skip
RULES = (
    "recency > 6 AND NOT newbie", "stated_age < 21 OR channel = 'Phone'",
    "consent_state = 'given' AND topic_score < 3", "NOT topics_named AND cap_7_used > 0",
    "minute_of_day >= 720 AND basis <> 'consent'", "cap_30_most > 1",
    "occasion_limit > 1 AND message_attempts < occasion_limit", "quiet_from IN (0, 1260)",
    "topic_lowest = -1", "pause_until > 0 AND zone_offset > 60", "joined < '2024-06-01'",
)  # fmt: skip


def brand_of(dice: Random, *more: str) -> BrandStatement:
    """The small brand with some rules of its own, and its channels' times and caps otherwise."""
    told = [*dice.sample(RULES, 2), *more]
    rules = [Rule(reason=f"r{n}", when=when) for n, when in enumerate(told)]
    channels = {
        name: Channel(
            title=name, kind="email",
            cap_7_days=dice.choice([1, 3]), cap_30_days=dice.choice([3, 5]),
            quiet_from=dice.choice([0, 480, 1260]), quiet_until=dice.choice([0, 480, 660]),
        )
        for name in CHANNELS
    }  # fmt: skip
    purposes = {
        name: replace(told, channels=CHANNELS, attributes=ATTRIBUTES)
        for name, told in BRAND.purposes.items()
    }
    age = dice.choice([0, 16, 21])
    return replace(
        BRAND, rules=tuple(rules), channels=channels, purposes=purposes, everyone_at_least=age
    )


def campaigns_of(dice: Random, count: int) -> dict[str, Campaign]:
    """Two campaigns that share *count* random messages."""
    found = {}
    for campaign in ("spring", "summer"):
        messages = {}
        for number in range(count // 2):
            named = dice.sample(TOPICS, dice.randrange(3))
            messages[f"{campaign}{number}"] = Message(
                purpose=dice.choice(PURPOSES),
                channel=dice.choice(CHANNELS),
                subject="s",
                text="t",
                topics={name: dice.choice([1, 1, 2, 5]) for name in named},
                audience=dice.choice(AUDIENCES),
                requires=tuple(dice.sample(ATTRIBUTES, dice.choice([0, 0, 1]))),
            )
        found[campaign] = Campaign(
            title=campaign,
            opens=NOW - DAY if dice.random() < 0.9 else NOW + DAY,
            closes=NOW + dice.choice([3_600_000, DAY, 40 * DAY]),
            limit=dice.choice([1, 1, 2, 3]),
            messages=messages,
        )
    return found


def stated_of(dice: Random, *more: str) -> Statements:
    """A random brand file with *more* rules, its rulebook, and perhaps a law."""
    brand = brand_of(dice, *more)
    laws: tuple[LawPack, ...] = (LAW,) if dice.random() < 0.5 else ()
    return Statements(brand=brand, rulebook=first_rulebook(brand), laws=laws)


def prepared_of(dice: Random, count: int = 8, stated: Statements | None = None) -> list[Prepared]:
    """*count* messages, prepared under random (or these) statements."""
    stated = stated or stated_of(dice)
    return [
        prepare(name, message, campaign, told, stated)
        for campaign, told in campaigns_of(dice, count).items()
        for name, message in told.messages.items()
    ]


def person_of(dice: Random, slot: int, messages: list[Prepared]) -> Kept:
    """Somebody who mostly may be written to, with this or that in the way."""

    def rarely() -> bool:
        return dice.random() < 0.12

    answers = {}
    for purpose in (*PURPOSES, "purchases"):
        for channel in (*CHANNELS, "observe"):
            state = dice.choice(list(ConsentState)) if rarely() else ConsentState.GIVEN
            answers[f"{purpose}/{channel}"] = Answer(
                state=state,
                version=dice.randrange(1, 9),
                at=NOW - dice.choice([1, 30, 700, 800]) * DAY,
                until=dice.choice([0, 0, NOW + DAY, NOW + 3_600_000, NOW]) if rarely() else 0,
            )
    wishes = Wishes(
        answers={key: told for key, told in answers.items() if not rarely()},
        objections={dice.choice(["offers/*", "*/email", "purchases/*"]): (2, True)}
        if rarely() else {},
        topics={
            name: TopicLevel(
                level=dice.choice([-2, -1, 1, 1, 2, 2]),
                source="observed:purchases" if rarely() else "declared",
            )
            for name in TOPICS if dice.random() < 0.8
        },
        caps={dice.choice(CHANNELS): (dice.choice([None, 0, 1, 9]), dice.choice([None, 2]))}
        if rarely() else {},
        pauses={dice.choice([*CHANNELS, "*"]): NOW + dice.choice([-DAY, 0, 3_600_000, 50 * DAY])}
        if rarely() else {},
        points={
            name: Point(
                version=1, confirmed=not rarely(), bounced=rarely(), suppressed=rarely()
            )
            for name in CHANNELS if not rarely()
        },
        shared={
            name: tuple(one for one in ATTRIBUTES if not rarely())
            for name in PURPOSES if not rarely()
        },
        quiet=Quiet(start=dice.choice([0, 500]), end=dice.choice([0, 700, 1_200]))
        if rarely() else None,
        time_zone=dice.choice(["", "", "Asia/Tokyo", "America/New_York", "Mars/Olympus"]),
        age_at_least=dice.choice([0, 18, 18, 30]),
        erase_at=NOW + DAY if rarely() and rarely() else 0,
    )  # fmt: skip
    sent = tuple(
        Sent(
            version=10 + n,
            at=NOW - dice.choice([1, 3, 8, 29, 31]) * DAY + dice.choice([0, 0, 1]),
            message=message.message_id,
            channel=message.message.channel,
            occasion=message.occasion if dice.random() < 0.4 else "winter",
            counts_until=NOW + 90 * DAY,
            handover_by=NOW,
            basis=str(message.basis),
        )
        for n, message in enumerate(dice.sample(messages, dice.choice([0, 0, 0, 1, 2])))
    )
    clear = {
        "recency": dice.choice([1, 2, 4, 9, "four"]), "newbie": dice.choice([True, False]),
        "channel": dice.choice(["Web", "Phone", "it's", "Fax"]), "zip-code": "Rural",
        "joined": dice.choice(["2024-05-05", "2023-01-31", "soon", 10**13, -(10**13), 19_900]),
    }  # fmt: skip
    return Kept(
        Standing(slot=slot, version=20, wishes=wishes, sent=sent),
        {name: value for name, value in clear.items() if not rarely()},
        slot.to_bytes(16, "big"),
    )
