"""What the brand has in force, read from the journal: for decisions now and for replays of then."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from reciprocity.brand import BrandStatement, LawPack
from reciprocity.decide.prepare import Prepared, Statements, prepare
from reciprocity.decide.rulebook import Rulebook
from reciprocity.errors import InputError
from reciprocity.events import Attempt, CampaignStated, Stated
from reciprocity.journal.journal import Journal
from reciprocity.journal.read import Telling
from reciprocity.model import Campaign

__all__ = [
    "CampaignInForce",
    "Past",
    "campaign_in_force",
    "in_force_for",
    "prepare_all",
    "statements_below",
    "statements_in_force",
]

_brand: Final = msgspec.json.Decoder(BrandStatement)
_rulebook: Final = msgspec.json.Decoder(Rulebook)
_laws: Final = msgspec.json.Decoder(tuple[LawPack, ...])
_campaign: Final = msgspec.json.Decoder(Campaign)


class CampaignInForce(Struct, frozen=True, kw_only=True):
    """A campaign and the position of the statement that put it into force."""

    campaign_id: str
    campaign: Campaign
    position: int


def statements_in_force(journal: Journal) -> Statements:
    """The brand file, rulebook and law packs in force; raises `InputError` before any `apply`."""
    found = {}
    for name in ("brand", "rulebook", "laws"):
        stated = journal.in_force(name)
        if stated is None:
            raise InputError(f"no {name} is in force: run `reciprocity apply` first")
        found[name] = stated
    return _statements(found)


def statements_below(journal: Journal, position: int) -> Statements:
    """The brand file, rulebook and law packs that were in force when event *position* was written.

    Raises `InputError` for a position before the first `apply`.
    """
    found: dict[str, tuple[int, msgspec.Raw]] = {}
    for told in journal.statements():  # oldest first: the last word below *position* holds
        if told.position < position and isinstance(told.body, Stated):
            found[told.kind.removesuffix(".applied")] = (told.position, told.body.body)
    if missing := {"brand", "rulebook", "laws"} - set(found):
        raise InputError(f"no {min(missing)} was in force at position {position}")
    return _statements(found)


def _statements(found: Mapping[str, tuple[int, msgspec.Raw]]) -> Statements:
    return Statements(
        brand=_brand.decode(found["brand"][1]),
        rulebook=_rulebook.decode(found["rulebook"][1]),
        laws=_laws.decode(found["laws"][1]),
        brand_at=found["brand"][0],
        rulebook_at=found["rulebook"][0],
        laws_at=found["laws"][0],
    )


def campaign_in_force(journal: Journal, campaign_id: str) -> CampaignInForce:
    """The campaign in force under *campaign_id*; raises `InputError` when there is none."""
    stated = journal.in_force(f"campaign:{campaign_id}")
    if stated is None:
        raise InputError(
            f"campaign {campaign_id[:64]!r} is not in force: write it into brand.toml and run "
            "`reciprocity apply`"
        )
    return CampaignInForce(
        campaign_id=campaign_id, campaign=_campaign.decode(stated[1]), position=stated[0]
    )


def in_force_for(journal: Journal, occasion: str) -> tuple[int, int, int, int]:
    """The positions of brand file, rulebook, law packs and campaign in force for *occasion*.

    A statement that is missing is -1.
    """
    forced, campaign = journal.forced(), f"campaign:{occasion.partition('/')[0]}"
    brand, rulebook, laws, stated = (
        forced.get(name, -1) for name in ("brand", "rulebook", "laws", campaign)
    )
    return brand, rulebook, laws, stated


def prepare_all(
    statements: Statements, stated: CampaignInForce, occasion: str = ""
) -> dict[str, Prepared]:
    """Every message of a campaign, prepared for *occasion* (by default the campaign itself)."""
    campaign = stated.campaign
    return {
        message_id: prepare(
            message_id, message, occasion or stated.campaign_id, campaign, statements
        )
        for message_id, message in campaign.messages.items()
    }


class Past:
    """The statements that an attempt named, as they stood then; each is read once."""

    def __init__(self, telling: Telling) -> None:
        """Read from what *telling* has, a journal or a reader of it."""
        self._telling = telling
        self._bodies: dict[int, msgspec.Raw] = {}
        self._prepared: dict[tuple[tuple[int, ...], str, str], Prepared] = {}

    def prepared(
        self, stated: tuple[int, int, int, int], occasion: str, message_id: str
    ) -> Prepared:
        """The message as the statements at the positions *stated* had it.

        Raises `InputError` if they have no such message, `Damaged` if they cannot be read.
        """
        key = (stated, occasion, message_id)
        if key not in self._prepared:
            self._prepared[key] = self._prepare(stated, occasion, message_id)
        return self._prepared[key]

    def prepared_below(self, position: int, attempt: Attempt) -> Prepared:
        """The message of *attempt*, which stands at *position*; only what came before counts."""
        if max(attempt.stated) >= position:
            raise InputError(f"event {position} names a statement that came after it")
        return self.prepared(attempt.stated, attempt.occasion, attempt.message)

    def _prepare(
        self, stated: tuple[int, int, int, int], occasion: str, message_id: str
    ) -> Prepared:
        brand, rulebook, laws, campaign_at = stated
        statements = Statements(
            brand=_brand.decode(self._body(brand)),
            rulebook=_rulebook.decode(self._body(rulebook)),
            laws=_laws.decode(self._body(laws)),
            brand_at=brand,
            rulebook_at=rulebook,
            laws_at=laws,
        )
        campaign = _campaign.decode(self._body(campaign_at))
        if message_id not in campaign.messages:
            raise InputError(f"campaign stated at {campaign_at} has no message {message_id!r}")
        return prepare(message_id, campaign.messages[message_id], occasion, campaign, statements)

    def _body(self, position: int) -> msgspec.Raw:
        if position not in self._bodies:
            body = self._telling.told(position).body
            if not isinstance(body, Stated | CampaignStated):
                raise InputError(f"event {position} states nothing that a decision could rest on")
            self._bodies[position] = body.body
        return self._bodies[position]
