"""What was planned, and what was in force when: the brand's side of any look back.

Read from the journal once and kept; later looks read only what is new. Statements never change,
so that a message prepared for one look serves all that follow.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from reciprocity.decide.statements import Past
from reciprocity.errors import Damaged
from reciprocity.events import CampaignStated, Stated
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import Told
from reciprocity.model import Campaign

__all__ = ["PlanMade", "Stood", "Timeline"]

_campaign: Final = msgspec.json.Decoder(Campaign)
_STATEMENTS: Final = ("brand.applied", "rulebook.applied", "laws.applied", "campaign.stated")
_NAMES: Final = ("brand", "rulebook", "laws")

_Bisect = Callable[[Sequence[int], int], int]
Stood = tuple[int, int, int, int]
"""The positions of a brand file, rulebook, law packs and campaign, as attempts name them."""


class _PlanBody(Struct, frozen=True, kw_only=True):
    """The part of a stated `Plan` that says when and from what it was made."""

    at: int
    position: int


_plan: Final = msgspec.json.Decoder(_PlanBody)


class PlanMade(NamedTuple):
    """One plan that was sent: made at *at* of all below *below*, stated at *position*, *told_at*.

    *closes* is when the campaign was to close by what was in force then.
    """

    campaign: str
    at: int
    below: int
    position: int
    told_at: int
    stated: Stood
    closes: int


class Timeline:
    """Every plan and every statement of one journal, in order; may be shared by threads."""

    def __init__(self, journal: Journal) -> None:
        """Of *journal*; nothing is read before `catch_up`."""
        self._journal, self._lock, self._size = journal, Lock(), 0
        self._positions: dict[str, list[int]] = defaultdict(list)
        self._instants: dict[str, list[int]] = defaultdict(list)
        self._campaigns: dict[int, Campaign] = {}
        self.past = Past(journal)
        self.plans: list[PlanMade] = []

    def catch_up(self) -> int:
        """Read what is new; the size of the journal up to which all is known now."""
        with self._lock:
            size, start = self._journal.state().size, self._size
            if size > start:
                for kind in _STATEMENTS:
                    for told in self._journal.brand_events(kind, start):
                        if told.position < size:
                            self._state(told)
                for told in self._journal.brand_events("campaign.planned", start):
                    if told.position < size:
                        self._take(told)
                self._size = size
            return size

    def campaign(self, position: int) -> Campaign:
        """The campaign that the statement at *position* put into force."""
        return self._campaigns[position]

    def stood_below(self, occasion: str, position: int) -> Stood | None:
        """What was in force for *occasion* just before *position*; None if anything was missing."""
        return self._stood(occasion, self._positions, bisect_left, position)

    def stood_at(self, occasion: str, at: int) -> Stood | None:
        """What was in force for *occasion* at the instant *at*; None if anything was missing."""
        return self._stood(occasion, self._instants, bisect_right, at)

    def _stood(
        self, occasion: str, where: dict[str, list[int]], bisect: _Bisect, limit: int
    ) -> Stood | None:
        found = []
        for name in (*_NAMES, f"campaign:{occasion.partition('/')[0]}"):
            before = bisect(where.get(name, ()), limit)
            if not before:
                return None
            found.append(self._positions[name][before - 1])
        brand, rulebook, laws, campaign = found
        return brand, rulebook, laws, campaign

    def _state(self, told: Told) -> None:
        body = told.body
        if isinstance(body, CampaignStated):
            name = f"campaign:{body.campaign}"
            self._campaigns[told.position] = _campaign.decode(body.body)
        else:
            name = body.name if isinstance(body, Stated) else ""
        self._positions[name].append(told.position)
        self._instants[name].append(told.at)

    def _take(self, told: Told) -> None:
        body = told.body
        stood = None
        if isinstance(body, CampaignStated):
            stood = self.stood_below(body.campaign, told.position)
        if not isinstance(body, CampaignStated) or stood is None:
            raise Damaged(f"plan at {told.position} is of a campaign that was never stated")
        said = _plan.decode(body.body)
        self.plans.append(
            PlanMade(
                campaign=body.campaign,
                at=said.at,
                below=said.position,
                position=told.position,
                told_at=told.at,
                stated=(*body.stated, stood[3]),
                closes=self._campaigns[stood[3]].closes,
            )
        )
