"""What a delivery said: its message, as the statements that it names had it.

An attempt names the positions of brand file, rulebook and campaign; what was held back names its
campaign alone and is read by the statement in force just before it. What the statements do not
bear out stays empty: nothing is claimed of it.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from reciprocity.brand import (
    BrandStatement,
    LawPack,
    read_campaign,
    read_statement,
    topic_ancestors,
)
from reciprocity.collect.proposition import notices_of
from reciprocity.decide.named import attributes_named
from reciprocity.decide.prepare import Statements
from reciprocity.decide.rulebook import Rulebook
from reciprocity.errors import InputError
from reciprocity.events import Attempt, CampaignStated, Held, Stated
from reciprocity.model import Basis, Campaign, Id, Message, Proposition

if TYPE_CHECKING:  # only its shape is needed here, not the keys that open it
    from reciprocity.journal.leaf import Told

__all__ = ["Messages", "Spoken", "Use"]

_BRAND_NAME: Final = re.compile(r"\{\{\s*brand_name\s*\}\}")
_rulebook: Final = msgspec.json.Decoder(Rulebook)
_laws: Final = msgspec.json.Decoder(tuple[LawPack, ...])


class Use(StrEnum):
    """What a message has of an attribute: it prints it, it asks for it, a brand's rule asks."""

    PRINTS = "prints"
    ASKS = "asks"
    RULE_ASKS = "rule_asks"


class Spoken(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message by its names, and what it was; what is not known of it is empty.

    *title* is its campaign's. *subject* is empty where it prints anything but the brand's name:
    the journal does not hold what it printed. *above* are the topics above its *topics*. *uses*
    lists attributes by the use they were put to.
    """

    campaign: str
    message: str
    channel: str = ""
    purpose: str = ""
    title: str = ""
    subject: str = ""
    topics: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    uses: dict[Use, tuple[str, ...]] = msgspec.field(default_factory=dict)


class Messages:
    """Finds messages in the statements of one brand, each read once, for any number of people."""

    def __init__(self, statements: Iterable["Told"]) -> None:
        """Look in *statements*, oldest first, as `Journal.statements` gives them."""
        self._bodies: dict[int, msgspec.Raw] = {}
        self._since: dict[str, list[int]] = defaultdict(list)
        for told in statements:
            body = told.body
            if isinstance(body, CampaignStated):
                self._since[f"campaign:{body.campaign}"].append(told.position)
            elif isinstance(body, Stated):
                self._since[body.name].append(told.position)
            else:
                continue
            self._bodies[told.position] = body.body
        self._campaigns: dict[int, Campaign] = {}
        self._brands: dict[int, BrandStatement] = {}
        self._rulebooks: dict[int, Rulebook] = {}
        self._spoken: dict[tuple[int, int, int, str, str], Spoken] = {}

    @cached_property
    def in_force(self) -> Statements:
        """Brand file, rulebook and law packs, the newest; raises `InputError` if there are none."""
        brand, rulebook, laws = (
            self._before(name, 2**53) for name in ("brand", "rulebook", "laws")
        )
        if min(brand, rulebook, laws) < 0:
            raise InputError("no brand file is in force: hand in all statements of the journal")
        return Statements(
            brand=self._brand(brand),
            rulebook=self._rules(rulebook),
            laws=_laws.decode(self._bodies[laws]),
            brand_at=brand,
            rulebook_at=rulebook,
            laws_at=laws,
        )

    @cached_property
    def offers(self) -> dict[str, tuple[Id, Proposition]]:
        """Every proposition that was ever in force, by the ids of its notices.

        The words of a notice name measure, amount and period, so one id is one promise.
        """
        found: dict[str, tuple[Id, Proposition]] = {}
        for at in sorted({*self._since["brand"], *self._since["laws"]}):
            brand, laws = (self._before(name, at + 1) for name in ("brand", "laws"))
            if min(brand, laws) >= 0 and self._brand(brand).propositions:
                told = self._brand(brand)
                for terms in notices_of(told, _laws.decode(self._bodies[laws])):
                    one = terms.proposition, told.propositions[terms.proposition]
                    found.setdefault(terms.notice, one)
        return found

    def sent(self, attempt: Attempt, position: int) -> Spoken:
        """The message of *attempt*, which stands at *position*."""
        brand, rulebook, _, campaign = attempt.stated
        name = attempt.occasion.partition("/")[0]
        known = self._since.get(f"campaign:{name}", ())
        found = None
        if max(attempt.stated) < position and campaign in known:
            found = self._find(campaign, brand, rulebook, name, attempt.message)
        # A statement that has it elsewhere is not what this attempt was made under.
        if found and (found.purpose, found.channel) == (attempt.purpose, attempt.channel):
            return found
        return Spoken(
            campaign=name,
            message=attempt.message,
            channel=attempt.channel,
            purpose=attempt.purpose,
        )

    def held(self, held: Held, position: int) -> Spoken:
        """The message of *held*, as the newest statement below *position* that has it.

        A campaign that ended is stated without messages: those that waited are found before.
        """
        name = held.occasion.partition("/")[0]
        since = self._since.get(f"campaign:{name}", [])
        brand, rulebook = self._before("brand", position), self._before("rulebook", position)
        for campaign in reversed(since[: bisect_left(since, position)]):
            found = self._find(campaign, brand, rulebook, name, held.message)
            if found is not None:
                return found
        return Spoken(campaign=name, message=held.message)

    def _before(self, name: str, position: int) -> int:
        """Where the statement in force under *name* just before *position* stands; -1: nowhere."""
        since = self._since.get(name, [])
        found = bisect_left(since, position)
        return since[found - 1] if found else -1

    def _find(
        self, campaign_at: int, brand_at: int, rulebook_at: int, name: str, message_id: str
    ) -> Spoken | None:
        key = campaign_at, brand_at, rulebook_at, name, message_id
        if key in self._spoken:
            return self._spoken[key]
        campaign = self._campaign(campaign_at)
        message = campaign.messages.get(message_id)
        if (
            message is None
            or brand_at not in self._since.get("brand", ())
            or rulebook_at not in self._since.get("rulebook", ())
        ):
            return None
        brand = self._brand(brand_at)
        spoken = Spoken(
            campaign=name,
            message=message_id,
            channel=message.channel,
            purpose=message.purpose,
            title=campaign.title,
            subject=_subject(brand, message),
            topics=tuple(message.topics),
            above=_above(brand, message),
            uses=_uses(brand, self._rules(rulebook_at), message),
        )
        return self._spoken.setdefault(key, spoken)

    def _campaign(self, position: int) -> Campaign:
        if position not in self._campaigns:
            self._campaigns[position] = read_campaign(bytes(self._bodies[position]))
        return self._campaigns[position]

    def _brand(self, position: int) -> BrandStatement:
        if position not in self._brands:
            self._brands[position] = read_statement(bytes(self._bodies[position]))
        return self._brands[position]

    def _rules(self, position: int) -> Rulebook:
        if position not in self._rulebooks:
            self._rulebooks[position] = _rulebook.decode(self._bodies[position])
        return self._rulebooks[position]


def _subject(brand: BrandStatement, message: Message) -> str:
    told = _BRAND_NAME.sub(lambda _: brand.name, message.subject)
    return "" if "{" in told else told


def _above(brand: BrandStatement, message: Message) -> tuple[str, ...]:
    found = (above for topic in message.topics for above in topic_ancestors(brand, topic))
    return tuple(above for above in dict.fromkeys(found) if above not in message.topics)


def _uses(
    brand: BrandStatement, rulebook: Rulebook, message: Message
) -> dict[Use, tuple[str, ...]]:
    """Attributes by use; rules that name one stop consent-based messages only."""
    try:
        asked = attributes_named(brand, message.audience) if message.audience else frozenset()
    except InputError:  # a brand file applied since no longer declares what it names
        asked = frozenset()
    purpose = brand.purposes.get(message.purpose)
    ruled = purpose is not None and purpose.basis is Basis.CONSENT
    found = {
        Use.PRINTS: tuple(message.requires),
        Use.ASKS: tuple(sorted(asked)),
        Use.RULE_ASKS: tuple(term.name for term in rulebook.attributes) if ruled else (),
    }
    return {use: names for use, names in found.items() if names}
