"""How `brand.toml` is laid out: its tables as Structs, where they differ from what is declared.

The file is people's first sight of the product, so it says `"21:00"` where the code counts
minutes, and a template may stand in a file of its own. `docs/reference/brand-file.md` is tested
to list every key.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from reciprocity.brand.declared import Controller, Transport
from reciprocity.model import (
    Attribute,
    Behaviour,
    Count,
    Id,
    Notice,
    Proposition,
    Purpose,
    Rule,
    Topic,
)

__all__ = [
    "BrandFile",
    "BrandTable",
    "CampaignTable",
    "ChannelTable",
    "KeysTable",
    "MessageTable",
    "SafekeepingTable",
    "SiteTable",
    "WitnessesTable",
    "schema",
]

Clock = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Moment = Annotated[datetime, Meta(tz=True)]


class BrandTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the brand is, and what holds for all it does; *base_url* is where people reach it."""

    id: Id
    name: str
    domain: str
    language: str
    time_zone: str
    base_url: str
    laws: tuple[Id, ...]
    everyone_at_least: Annotated[int, Meta(ge=0, le=120)] = 0


class KeysTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the master key is; it wraps the key of every person."""

    master_key: str = "keys/master.key"


class SafekeepingTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder outside the brand's own: what must outlive the loss of it, or of a backup."""

    path: str


class WitnessesTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who cosigns the log's checkpoints: a policy file (C2SP tlog-policy) with their URLs."""

    policy: str = ""


class SiteTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The brand's own sites: the origins whose pages may hand in a yes."""

    origins: tuple[str, ...] = ()


class ChannelTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to reach a person; quiet time is in the person's own day and may pass midnight."""

    title: str
    kind: Annotated[str, Meta(pattern="^(email|web)$")]
    sender: str = ""
    cap_7_days: Count = 7
    cap_30_days: Count = 30
    quiet_from: Clock = "00:00"
    quiet_until: Clock = "00:00"


class MessageTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing the brand may say: its text stands here, or in a file inside the brand's folder.

    *place* is where on a site it may stand, for channels of kind `web`.
    """

    purpose: Id
    channel: Id
    subject: str
    text: str = ""
    text_file: str = ""
    html: str = ""
    html_file: str = ""
    topics: dict[Id, Annotated[int, Meta(ge=1, le=100)]] = field(default_factory=dict)
    requires: tuple[Id, ...] = ()
    audience: str = ""
    place: Id | None = None


class CampaignTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An occasion to say one of several messages, between two instants with their UTC offset."""

    title: str
    opens: Moment
    closes: Moment
    messages: dict[Id, MessageTable]
    limit: Annotated[int, Meta(ge=1, le=100)] = 1


class BrandFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole `brand.toml`: what a brand asks, keeps, and may say."""

    brand: BrandTable
    controller: Controller
    safekeeping: SafekeepingTable
    purposes: dict[Id, Purpose]
    channels: dict[Id, ChannelTable]
    transports: dict[Id, Transport] = field(default_factory=dict)
    keys: KeysTable = KeysTable()
    witnesses: WitnessesTable = WitnessesTable()
    site: SiteTable = SiteTable()
    behaviours: dict[Id, Behaviour] = field(default_factory=dict)
    topics: dict[Id, Topic] = field(default_factory=dict)
    attributes: dict[Id, Attribute] = field(default_factory=dict)
    notices: dict[Id, Notice] = field(default_factory=dict)
    propositions: dict[Id, Proposition] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    campaigns: dict[Id, CampaignTable] = field(default_factory=dict)


def schema() -> dict[str, Any]:
    """The JSON Schema of `brand.toml`, for editors that check and complete while one types.

    It knows the shape only; `reciprocity check` also knows what refers to what.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "brand.toml",
        **msgspec.json.schema(BrandFile),
    }
