"""What the tests of this chapter say and plant in a shop, and how they read it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reciprocity.decide.statements import campaign_in_force, statements_in_force
from reciprocity.events import Act, Attempt, ConsentRow, Held, Outcome, TopicLevel
from reciprocity.journal.entry import ANY_VERSION, Appended, Entry
from reciprocity.listen.account import Account, Did, Item, account
from reciprocity.listen.deliveries import Followed
from reciprocity.listen.messages import Messages
from reciprocity.listen.timeline import Entry as Line
from reciprocity.listen.timeline import timeline
from reciprocity.model import OBSERVE, ConsentState
from tests.shop import DAY

if TYPE_CHECKING:
    from reciprocity.platform import Reciprocity


def say(
    shop: Reciprocity, slot: int, kind: str = "preferences.set", actor: str = "person", **parts
) -> Appended:
    """The person in *slot*, or *actor* for them, says *parts*."""
    act = Act(actor=actor, method="web", **parts)
    entry = Entry(kind=kind, body=act, slot=slot, expect=ANY_VERSION)
    (appended,) = shop.journal.append([entry])
    return appended


def rate(shop: Reciprocity, slot: int, topic: str, level: int) -> Appended:
    return say(shop, slot, topics={topic: TopicLevel(level=level)})


def allow(
    shop: Reciprocity, slot: int, purpose: str = "offers", channel: str = "email"
) -> Appended:
    """A yes for a year; to looking at a behaviour, if *channel* is `observe`."""
    row = ConsentRow(
        purpose=purpose,
        channel=channel,
        state=ConsentState.GIVEN,
        until=shop.journal.clock() + 365 * DAY,
    )
    return say(shop, slot, "consent.granted", consent=(row,))


def observe(shop: Reciprocity, slot: int, topic: str, level: int) -> Appended:
    """Purchases are looked at from now on, and *topic* is read off them at *level*."""
    allow(shop, slot, "purchases", OBSERVE)
    return say(shop, slot, topics={topic: TopicLevel(level=level, source="observed:purchases")})


def attempted(shop: Reciprocity, slot: int, message: str = "garden", **other) -> Appended:
    """An attempt is on record, as no sender that asks the rules would make it."""
    journal, at = shop.journal, max(shop.journal.clock(), shop.journal.state().last_at)
    forced, kept = statements_in_force(journal), journal.kept(slot)
    assert kept is not None
    parts = {
        "message": message,
        "purpose": "offers",
        "channel": "email",
        "occasion": "spring",
        "content": "",
        "point": 1,
        "consent": 1,
        "stated": (
            forced.brand_at,
            forced.rulebook_at,
            forced.laws_at,
            campaign_in_force(journal, "spring").position,
        ),
        "facts": (),
        "decided_at": at,
        "handover_by": at + 30_000,
        "counts_until": at + 30 * DAY,
    }
    body = Attempt(**(parts | other))
    version = kept.standing.version
    entry = Entry(kind="delivery.attempted", body=body, slot=slot, expect=version)
    (appended,) = journal.append([entry])
    return appended


def became(shop: Reciprocity, attempt: Appended, what: str = "delivered", **parts) -> Appended:
    body = Outcome(attempt=attempt.version, **parts)
    entry = Entry(kind=f"delivery.{what}", body=body, slot=attempt.slot)
    (appended,) = shop.journal.append([entry])
    return appended


def held(
    shop: Reciprocity, slot: int, reason: str, until: int = 0, message: str = "garden"
) -> Appended:
    body = Held(message=message, occasion="spring", reason=reason, until=until)
    (appended,) = shop.journal.append([Entry(kind="delivery.held", body=body, slot=slot)])
    return appended


def followed(shop: Reciprocity, slot: int) -> Followed:
    return Followed(shop.journal.history(slot), Messages(shop.journal.statements()))


def account_of(shop: Reciprocity, slot: int, days: int = 90) -> Account:
    journal = shop.journal
    return account(followed(shop, slot), at=journal.clock(), days=days)


def timeline_of(shop: Reciprocity, slot: int) -> tuple[Line, ...]:
    return timeline(followed(shop, slot), shop.journal.brand_events("audit.published"))


def item(told: Account, kind: str, **said) -> Item:
    """The one item of *kind* that says *said*."""
    (found,) = (one for one in told.items if one.kind == kind and said.items() <= one.said.items())
    return found


def figures(one: Item) -> dict[tuple[str, ...], tuple[int, ...]]:
    """All figures of an item, by what it did and the reason."""
    found = (*one.gains, *one.kept)
    return {(each.did, each.reason) if each.reason else (each.did,): each.positions
            for each in found}  # fmt: skip


KEPT = {Did.KEPT_AWAY, Did.MADE_TO_WAIT}
