"""A brand file as far as it could be read: what is right in it, to be checked as a whole."""

from typing import Any, Final

from msgspec import Struct, field

from reciprocity.brand.declared import Controller, Transport
from reciprocity.brand.layout import (
    BrandFile,
    BrandTable,
    CampaignTable,
    ChannelTable,
    KeysTable,
    MessageTable,
    SafekeepingTable,
    SiteTable,
    WitnessesTable,
)
from reciprocity.brand.reader import Findings, join, read_fields, suggest
from reciprocity.model import Attribute, Basis, Behaviour, Notice, Proposition, Purpose, Rule, Topic

__all__ = ["Draft", "consent_purposes", "messages", "read_draft", "refer"]

_NOUNS: Final = {
    "purposes": "purpose",
    "behaviours": "behaviour",
    "topics": "topic",
    "attributes": "attribute",
    "channels": "channel",
}


class Draft(Struct, frozen=True, kw_only=True):
    """The right parts of a brand file; what is missing or broken is absent and was said."""

    brand: BrandTable | None = None
    controller: Controller | None = None
    safekeeping: SafekeepingTable | None = None
    keys: KeysTable = KeysTable()
    witnesses: WitnessesTable = WitnessesTable()
    site: SiteTable = SiteTable()
    purposes: dict[str, Purpose] = field(default_factory=dict)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    topics: dict[str, Topic] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    notices: dict[str, Notice] = field(default_factory=dict)
    propositions: dict[str, Proposition] = field(default_factory=dict)
    channels: dict[str, ChannelTable] = field(default_factory=dict)
    transports: dict[str, Transport] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    campaigns: dict[str, CampaignTable] = field(default_factory=dict)


def read_draft(table: dict[str, Any], findings: Findings) -> Draft:
    """What *table*, a parsed `brand.toml`, declares rightly; the rest goes to *findings*."""
    return Draft(**read_fields(BrandFile, table, "", findings))


def refer(findings: Findings, key: str, table: str, wanted: str) -> None:
    """Note at *key* that *wanted* is not in *table*, if so."""
    known = findings.ids(table)
    if wanted not in known:
        findings.add(key, f"{wanted!r} is no {_NOUNS[table]} here; {suggest(wanted, known)}")


def consent_purposes(draft: Draft) -> dict[str, Purpose]:
    """The purposes that stand on consent."""
    return {name: told for name, told in draft.purposes.items() if told.basis is Basis.CONSENT}


def messages(draft: Draft) -> tuple[tuple[str, str, MessageTable], ...]:
    """All messages as (key in the file, message id, message), in the order of the file."""
    return tuple(
        (join(f"campaigns.{campaign_id}.messages", message_id), message_id, message)
        for campaign_id, campaign in draft.campaigns.items()
        for message_id, message in campaign.messages.items()
    )
