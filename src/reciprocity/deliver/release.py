"""Campaigns coming into force, changing, and ending: what an `apply` has to state of them.

A campaign that is no longer in the brand file is stated once more, without messages: what waits
in the outbox for it is then held back, instead of being sent although it seems gone.
"""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from reciprocity.brand import OWN, campaign_body
from reciprocity.decide.statements import campaign_in_force
from reciprocity.errors import InputError
from reciprocity.events import CampaignStated
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import Campaign

__all__ = ["campaigns_to_state"]


def campaigns_to_state(
    journal: Journal, campaigns: Mapping[str, Campaign], actor: str
) -> list[Entry]:
    """The statements that bring *campaigns*, and no others, into force; none for what stands.

    Raises `InputError` for a campaign that was sent already and is now to close later: an attempt
    counts towards "once a person" until the end that stood when it was made, so whoever got a
    message before could get it again.
    """
    stated = {name: campaign_in_force(journal, name).campaign
              for name in _named_in(journal, "campaign.stated") - {OWN}}  # fmt: skip
    ended = {name: replace(stated[name], messages={}) for name in stated.keys() - campaigns.keys()}
    wanted = {**campaigns, **{name: ended[name] for name in sorted(ended)}}
    changed = {name: each for name, each in wanted.items() if stated.get(name) != each}
    longer = {name for name in changed.keys() & stated.keys()
              if changed[name].closes > stated[name].closes}  # fmt: skip
    if longer and (late := longer & _named_in(journal, "campaign.planned")):
        raise InputError(
            f"campaign {min(late)} was sent already and would now close later, so that people "
            "could get it twice: keep its end, or give the longer one an id of its own"
        )
    return [_statement(name, campaign, actor) for name, campaign in changed.items()]


def _named_in(journal: Journal, kind: str) -> set[str]:
    """The campaigns that events of *kind* speak of."""
    bodies = [told.body for told in journal.brand_events(kind)]
    return {body.campaign for body in bodies if isinstance(body, CampaignStated)}


def _statement(name: str, campaign: Campaign, actor: str) -> Entry:
    body = CampaignStated(campaign=name, actor=actor, body=msgspec.Raw(campaign_body(campaign)))
    return Entry(kind="campaign.stated", body=body, in_force=f"campaign:{name}")
