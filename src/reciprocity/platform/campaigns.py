"""The brand's campaigns: what stands in its file, what is in force, and how far each has come."""

from contextlib import closing
from typing import Final

from msgspec import Struct

from reciprocity.brand import OWN
from reciprocity.decide.statements import campaign_in_force
from reciprocity.deliver.outbox import Outbox
from reciprocity.events import CampaignStated
from reciprocity.journal.journal import Journal
from reciprocity.model import Campaign, Id, Instant
from reciprocity.platform.shop import Reciprocity

__all__ = ["Listed", "ListedMessage", "list_campaigns"]

_NAMED: Final = "campaign:"


class ListedMessage(Struct, frozen=True, kw_only=True):
    """One message of a campaign."""

    message: Id
    channel: Id
    purpose: Id
    subject: str


class Listed(Struct, frozen=True, kw_only=True):
    """One campaign, as it is in force, or as the brand file has it while it is not.

    *applied* is whether file and log say the same of it; *sent_at* when it was last sent, 0 for
    never; *waiting* how many messages the outbox holds for it.
    """

    campaign: Id
    title: str
    opens: Instant
    closes: Instant
    in_force: bool
    applied: bool
    sent_at: Instant
    waiting: int
    messages: list[ListedMessage]


def list_campaigns(shop: Reciprocity) -> list[Listed]:
    """Every campaign of the brand file or in force, those that open first at the beginning.

    One that was ended, which is in force without any message, is left out once nothing waits.
    """
    stated, written, sent = _in_force(shop.journal), shop.brand.campaigns, _sent(shop.journal)
    live = {name: campaign for name, campaign in stated.items() if campaign.messages}
    waiting = _waiting(shop.journal)
    found = [
        Listed(
            campaign=name,
            title=campaign.title,
            opens=campaign.opens,
            closes=campaign.closes,
            in_force=name in live,
            applied=live.get(name) == written.get(name),
            sent_at=sent.get(name, 0),
            waiting=waiting.get(name, 0),
            messages=_messages(campaign),
        )
        for name, campaign in {**stated, **written, **live}.items()
        if campaign.messages or waiting.get(name)
    ]
    return sorted(found, key=lambda one: (one.opens, one.campaign))


def _messages(campaign: Campaign) -> list[ListedMessage]:
    return [
        ListedMessage(message=name, channel=one.channel, purpose=one.purpose, subject=one.subject)
        for name, one in campaign.messages.items()
    ]


def _in_force(journal: Journal) -> dict[Id, Campaign]:
    names = [name.removeprefix(_NAMED) for name in journal.forced() if name.startswith(_NAMED)]
    return {name: campaign_in_force(journal, name).campaign for name in names if name != OWN}


def _waiting(journal: Journal) -> dict[Id, int]:
    """How many messages wait for each, on all of its occasions."""
    found: dict[Id, int] = {}
    with closing(Outbox(journal.folder)) as outbox:
        for occasion in outbox.occasions():
            campaign = occasion.partition("/")[0]
            found[campaign] = found.get(campaign, 0) + outbox.count(occasion)
    return found


def _sent(journal: Journal) -> dict[Id, Instant]:
    """When each was last sent: sending states the plan first."""
    return {
        told.body.campaign: told.at
        for told in journal.brand_events("campaign.planned")
        if isinstance(told.body, CampaignStated)
    }
