"""Campaigns coming into force, changing, and ending: what an `apply` has to state of them.

A campaign that is no longer in the brand file is stated once more, without messages: what waits
in the outbox for it is then held back, instead of being sent although it seems gone.

None that somebody may have had a message of ends later than it said: an attempt counts towards
"once a person" until the end that stood when it was made. None that had opened before the log was
restored comes into force again unless an operator says that nothing of it left in what was lost.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

import msgspec
from msgspec.structs import replace

from reciprocity.brand import OWN, campaign_body
from reciprocity.decide.statements import campaign_in_force
from reciprocity.deliver.run import sole_sender
from reciprocity.errors import InputError
from reciprocity.events import CampaignStated, OperatorActed, canonical
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.model import Campaign, Id

__all__ = ["campaigns_to_state", "resumed"]

_SOON_MS: Final = 60_000
"""What opens within this time of an `apply` counts as open: it may be by the time it is done."""
_campaign: Final = msgspec.json.Decoder(Campaign)


@contextmanager
def campaigns_to_state(
    journal: Journal, campaigns: Mapping[str, Campaign], actor: str
) -> Iterator[list[Entry]]:
    """The statements that bring *campaigns*, and no others, into force; none for what stands.

    They are to be appended inside: where a campaign gets a later end, nobody sends meanwhile.
    Raises `InputError` if it was sent already, or may have been shown on a site, since whoever
    had a message before could get it again; so for one that had opened before the log was
    restored. `Unavailable` while somebody sends.
    """
    stated = {name: campaign_in_force(journal, name).campaign
              for name in _named_in(journal, "campaign.stated") - {OWN}}  # fmt: skip
    ended = {name: replace(stated[name], messages={}) for name in stated.keys() - campaigns.keys()}
    wanted = {**campaigns, **{name: ended[name] for name in sorted(ended)}}
    changed = {name: each for name, each in wanted.items() if stated.get(name) != each}
    longer = {name for name in changed.keys() & stated.keys()
              if changed[name].closes > stated[name].closes}  # fmt: skip
    _refuse_what_may_have_left(journal, changed)
    with ExitStack() as held:
        if longer:
            held.enter_context(sole_sender(journal.folder))
            _refuse_later_end(journal, longer)
        yield [_statement(name, campaign, actor) for name, campaign in changed.items()]


def resumed(journal: Journal, name: Id, campaign: Campaign, actor: str) -> list[Entry]:
    """What brings *campaign* into force again after a restore: *actor* says that none of it left.

    Raises `InputError` where there is nothing to say it of, and for an end that is later than the
    one it had if people had it before what was lost.
    """
    if name not in _in_doubt(journal, {name: campaign}):
        raise InputError(
            f"campaign {name} does not wait for that: the log was not restored since it opened, "
            "or somebody said so already"
        )
    known = journal.in_force(f"campaign:{name}")
    if known is not None and campaign.closes > _campaign.decode(known[1]).closes:
        _refuse_later_end(journal, {name})
    detail = msgspec.Raw(canonical({"campaign": name}))
    said = OperatorActed(actor=actor, act="campaign.resumed", detail=detail)
    return [_statement(name, campaign, actor), Entry(kind="operator.acted", body=said)]


def _refuse_what_may_have_left(journal: Journal, changed: Mapping[Id, Campaign]) -> None:
    if doubtful := _in_doubt(journal, changed):
        name = min(doubtful)
        raise InputError(
            f"campaign {name} had opened before the log was restored, so that some of it may have "
            "left in what was lost and people could get it twice: say that nothing of it left "
            f"(reciprocity gap resume {name}), or give it an id of its own that opens from now on"
        )


def _in_doubt(journal: Journal, campaigns: Mapping[Id, Campaign]) -> set[Id]:
    """Those of *campaigns* that had opened when the log was restored, and were not stated since.

    By what the log had of them then, or by what is to be stated now: a later beginning does not
    make one another that people had before.
    """
    restored = journal.brand_events("log.restored")
    if not restored:
        return set()
    since = restored[-1]
    opened, stated = set(), set()
    for told in journal.brand_events("campaign.stated"):
        if isinstance(told.body, CampaignStated):
            campaign = _campaign.decode(told.body.body)
            if told.position > since.position and campaign.messages:
                stated.add(told.body.campaign)
            elif told.position < since.position and campaign.opens <= since.at:
                opened.add(told.body.campaign)
    return {
        name for name, one in campaigns.items()
        if one.messages and name not in stated and (name in opened or one.opens <= since.at)
    }  # fmt: skip


def _refuse_later_end(journal: Journal, longer: set[str]) -> None:
    if late := longer & _named_in(journal, "campaign.planned"):
        what = f"campaign {min(late)} was sent already"
    elif late := longer & _shown(journal):
        what = f"campaign {min(late)} has opened, so that a site may have shown it,"
    else:
        return
    raise InputError(
        f"{what} and would now close later, so that people could get it twice: keep its end, or "
        "give the longer one an id of its own"
    )


def _shown(journal: Journal) -> set[str]:
    """The campaigns that ever had a message for a place on a site, and have opened."""
    soon, found = journal.clock() + _SOON_MS, set()
    for told in journal.statements():
        if told.kind == "campaign.stated" and isinstance(told.body, CampaignStated):
            campaign = _campaign.decode(told.body.body)
            placed = any(message.place for message in campaign.messages.values())
            if placed and campaign.opens <= soon:
                found.add(told.body.campaign)
    return found


def _named_in(journal: Journal, kind: str) -> set[str]:
    """The campaigns that events of *kind* speak of."""
    bodies = [told.body for told in journal.brand_events(kind)]
    return {body.campaign for body in bodies if isinstance(body, CampaignStated)}


def _statement(name: str, campaign: Campaign, actor: str) -> Entry:
    body = CampaignStated(campaign=name, actor=actor, body=msgspec.Raw(campaign_body(campaign)))
    return Entry(kind="campaign.stated", body=body, in_force=f"campaign:{name}")
