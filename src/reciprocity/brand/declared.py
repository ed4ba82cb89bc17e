"""What a brand declares once its file is read: one frozen `Brand`, part public, part local."""

from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct, field

from reciprocity.model import (
    Attribute,
    Basis,
    Behaviour,
    Campaign,
    Channel,
    Id,
    Notice,
    Proposition,
    Purpose,
    Rule,
    Topic,
)

__all__ = ["TRANSPORT_FILES", "Brand", "BrandStatement", "Controller", "LawPack", "Transport"]


class Controller(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who answers for the data in law (GDPR 4(7)), as shown to people.

    *phone* reaches a person; *dpo* is the address of the data protection officer (GDPR 37), and
    *authority* the one that people may complain to (GDPR 77), at *authority_url*.
    """

    name: str
    address: str
    email: str
    territory: tuple[str, ...]
    phone: str = ""
    dpo: str = ""
    authority: str = ""
    authority_url: str = ""


class LawPack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a body of law adds to the rules, as data; the strictest of all packs wins.

    *forbids* lists (channel kind, basis) pairs that may never be used for a message.
    """

    name: str
    title: str
    source: str
    minimum_age: Annotated[int, Meta(ge=0, le=120)] = 0
    maximum_validity_days: Annotated[int, Meta(ge=1)] = 36_500
    forbids: tuple[tuple[str, Basis], ...] = ()


class BrandStatement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The public part of a brand file: what `apply` puts into the log for everyone to read."""

    id: Id
    name: str
    domain: str
    language: str
    time_zone: str
    controller: Controller
    laws: tuple[str, ...] = ()
    everyone_at_least: int = 0
    purposes: dict[Id, Purpose] = field(default_factory=dict)
    behaviours: dict[Id, Behaviour] = field(default_factory=dict)
    topics: dict[Id, Topic] = field(default_factory=dict)
    attributes: dict[Id, Attribute] = field(default_factory=dict)
    notices: dict[Id, Notice] = field(default_factory=dict)
    propositions: dict[Id, Proposition] = field(default_factory=dict)
    channels: dict[Id, Channel] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    origins: tuple[str, ...] = ()


class Transport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a channel hands over: a Maildir folder, or an SMTP server (local, never in the log).

    With *dkim_key* (a PEM file) and *dkim_selector* each mail is signed for the sender's domain.
    """

    kind: Annotated[str, Meta(pattern="^(maildir|smtp)$")]
    path: str = ""
    host: str = ""
    port: int = 587
    username: str = ""
    password_file: str = ""
    tls: Annotated[str, Meta(pattern="^(none|starttls|implicit)$")] = "starttls"
    connections: int = 4
    dkim_key: str = ""
    dkim_selector: str = ""


TRANSPORT_FILES: Final = ("path", "password_file", "dkim_key")
"""The keys of a `Transport` that name files."""


class Brand(Struct, frozen=True, kw_only=True):
    """One brand = one folder = one log: the statement, the campaigns, and what is local.

    *transports* maps a channel's id to how it hands over. Paths are absolute; *witness_policy* is
    None where no witnesses are named.
    """

    folder: Path
    statement: BrandStatement
    campaigns: dict[Id, Campaign]
    transports: dict[Id, Transport]
    safekeeping: Path
    master_key: Path
    base_url: str
    witness_policy: Path | None = None
