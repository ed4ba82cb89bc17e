"""The nouns every chapter shares: what a brand declares, what a person wishes, what was decided.

All are frozen, keyword-only records without behaviour. Instants are integer milliseconds since
1970 in UTC and are called `at`, `until`, `..._at`; durations carry their unit in their name.
Ids (purposes, topics, channels, messages, ...) are lower-case ASCII words: they are written into
the journal for ever and become keys of its JSON.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct, field

__all__ = [
    "ANYWHERE",
    "EVERYTHING",
    "OBSERVE",
    "WEB",
    "Attribute",
    "AttributeType",
    "Basis",
    "Behaviour",
    "Benefit",
    "Campaign",
    "Channel",
    "ConsentState",
    "Decision",
    "Engine",
    "Id",
    "Instant",
    "Level",
    "Mask",
    "MaybeId",
    "Measure",
    "Message",
    "Minute",
    "Notice",
    "Place",
    "Profile",
    "Proposition",
    "Purpose",
    "Rule",
    "Topic",
    "Verdict",
    "Whole",
]

# Python's `$` also matches before a last line break, which no id may have.
Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(-[a-z0-9_]+)*$(?!\n)", max_length=64)]
MaybeId = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_]*(-[a-z0-9_]+)*)?$(?!\n)", max_length=64)]
"""An id, or none."""
Place = Annotated[str, Meta(pattern=r"^(\*|[a-z][a-z0-9_]*(-[a-z0-9_]+)*)$(?!\n)", max_length=64)]
"""A channel, or `*` for every channel."""
Whole = Annotated[int, Meta(gt=-(2**53), lt=2**53)]
"""An integer that every reader of JSON keeps as it is."""
Mask = Annotated[int, Meta(ge=0, lt=2**53)]
Instant = Annotated[int, Meta(ge=0, lt=2**53)]
Minute = Annotated[int, Meta(ge=0, le=1439)]
Level = Annotated[int, Meta(ge=-2, le=2)]
Days = Annotated[int, Meta(ge=1, le=36_500)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]

OBSERVE: Final = "observe"
"""The channel of a yes to a *behaviour*: the brand looks at something; no message leaves."""
WEB: Final = "web"
"""The kind of channel that is the brand's own site: it needs no address and no transport."""
EVERYTHING: Final = "*"
"""In an objection: every consent-based purpose, those to come included."""
ANYWHERE: Final = "*"
"""In a pause or an objection: every channel."""


class Basis(StrEnum):
    """The ground in law on which a purpose stands (GDPR Article 6)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_DUTY = "legal_duty"


class ConsentState(StrEnum):
    """Where a person stands for one purpose on one channel; only `given` permits."""

    NEVER_ASKED = "never_asked"
    PENDING = "pending"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    UNVERIFIED = "unverified"


class AttributeType(StrEnum):
    """What values an attribute takes; text is no type, since rules compare and templates print."""

    INTEGER = "integer"
    DAY = "day"
    BOOLEAN = "boolean"
    ENUM = "enum"


class Purpose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the brand may use a contact point and attributes for."""

    title: str
    basis: Basis = Basis.CONSENT
    parent: Id | None = None
    channels: tuple[Id, ...] = ()
    attributes: tuple[Id, ...] = ()
    validity_days: Days = 730
    minimum_age: Annotated[int, Meta(ge=0, le=120)] = 0
    confirm: bool = False


class Behaviour(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something a person does that the brand may look at after a yes of its own.

    *events* names what the collector takes as this behaviour (`page` is every page view), *fields*
    what is kept of each; everything else is dropped. Rows are deleted after *keep_days*.
    """

    title: str
    gives: str
    validity_days: Days = 730
    events: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    keep_days: Days = 90


class Topic(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A subject a person rates from -2 ("not for me") to 2 ("love it")."""

    title: str
    parent: Id | None = None


class Attribute(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fact about a person; a *sensitive* one may be named by no audience, rule or template."""

    title: str
    type: AttributeType
    values: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    sensitive: bool = False


class Notice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The text shown when a person is asked, per language; its id in the journal is its hash."""

    purposes: tuple[Id, ...]
    text: dict[str, str]
    behaviours: tuple[Id, ...] = ()


class Measure(StrEnum):
    """What a brand may promise in return: each counted from the journal, and there are no others.

    `picks`: at least so many messages about topics the person chose. `at_most`: no more than so
    many messages that depend on the person's yes.
    """

    PICKS = "picks"
    AT_MOST = "at_most"


class Benefit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the person gets: a *measure*, how much of it, and in how many days."""

    measure: Measure
    amount: Annotated[int, Meta(ge=1, le=1_000)]
    period_days: Annotated[int, Meta(ge=1, le=366)] = 30


class Proposition(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What is asked in one go, each purpose and behaviour a yes of its own, and what it gives."""

    title: str
    purposes: Annotated[tuple[Id, ...], Meta(min_length=1)]
    gives: Annotated[tuple[Benefit, ...], Meta(min_length=1)]
    behaviours: tuple[Id, ...] = ()
    topics: tuple[Id, ...] = ()
    attributes: tuple[Id, ...] = ()


class Channel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A way to reach a person, with the brand's own caps and quiet time on it.

    One of kind `web` (`WEB`) is the brand's own site: nobody needs an address to be met there, and
    a yes to be met there is what makes them known to it.
    `cap_7_days` and `cap_30_days` count consent-based attempts; the lower of the brand's and the
    person's holds. Quiet time is in the person's own day.
    """

    title: str
    kind: Annotated[str, Meta(pattern="^(email|web)$")]
    sender: str = ""
    cap_7_days: Count = 7
    cap_30_days: Count = 30
    quiet_from: Minute = 0
    quiet_until: Minute = 0


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing the brand may say: to whom it may matter, what it needs, when it is live.

    *topics* maps a topic to its weight; *requires* names the attributes its templates print;
    *audience* is a condition in the rules' language. *place* says where on a site it may stand.
    The templates' texts, not their paths.
    """

    purpose: Id
    channel: Id
    subject: str
    text: str
    html: str = ""
    topics: dict[Id, Annotated[int, Meta(ge=1, le=100)]] = field(default_factory=dict)
    requires: tuple[Id, ...] = ()
    audience: str = ""
    place: MaybeId = ""


class Campaign(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An occasion to say one of several messages, at most *limit* of them to a person."""

    title: str
    opens: Instant
    closes: Instant
    messages: dict[Id, Message]
    limit: Annotated[int, Meta(ge=1, le=100)] = 1


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A restriction of the brand's own: refuses with *reason* when the condition *when* holds."""

    reason: Id
    when: str


class Engine(StrEnum):
    """What works a plan out: one person after the other, or all at once on DuckDB or Spark."""

    PYTHON = "python"
    DUCKDB = "duckdb"
    SPARK = "spark"


class Verdict(StrEnum):
    """What a decision says."""

    DELIVER = "deliver"
    WAIT = "wait"
    REFUSE = "refuse"


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was decided of one message for one person at one instant, and the first reason.

    *reason* is empty for `deliver`; *until* is the instant a `wait` ends, else 0.
    """

    verdict: Verdict
    reason: str = ""
    until: Instant = 0


class Profile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person told, as the vault keeps it: one sealed blob a person.

    *points* maps a channel to the address in force; *attributes* an attribute to its value (days
    as `YYYY-MM-DD`); *external_id* is how the brand's other systems call the person. *since* is
    the version of the event that told an attribute, or took it back; the first event, if it is
    not named.
    """

    external_id: str = ""
    points: dict[Id, str] = field(default_factory=dict)
    attributes: dict[Id, int | bool | str] = field(default_factory=dict)
    since: dict[Id, int] = field(default_factory=dict)
