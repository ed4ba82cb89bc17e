"""`/join/ID/try`: pick topics and see what came about them last month, before telling anything.

All messages are in the page; what is ticked stays in it. No answer is asked for here, nothing is
sent and nothing kept.
"""

from typing import TYPE_CHECKING, Final

from litestar import Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from reciprocity.consent.laws import DAY_MS
from reciprocity.decide.statements import campaign_in_force
from reciprocity.errors import InputError
from reciprocity.events import CampaignStated
from reciprocity.http.frame import answer, render, threaded
from reciprocity.http.reading import AnyRequest, reader
from reciprocity.model import Message
from reciprocity.platform import Reciprocity

if TYPE_CHECKING:
    from reciprocity.http.desk import Desk

__all__ = ["DAYS", "planned_lately", "try_page"]

DAYS: Final = 30


def planned_lately(shop: Reciprocity) -> list[tuple[str, Message]]:
    """The messages of the campaigns planned in the last 30 days, each with its campaign's title."""
    since = shop.journal.clock() - DAYS * DAY_MS
    planned = dict.fromkeys(
        told.body.campaign
        for told in shop.journal.brand_events("campaign.planned")
        if told.at > since and isinstance(told.body, CampaignStated)
    )
    found: list[tuple[str, Message]] = []
    for name in planned:
        try:
            campaign = campaign_in_force(shop.journal, name).campaign
        except InputError:
            continue  # it ended since
        found += [(campaign.title, message) for message in campaign.messages.values()]
    return found


@get("/{name:str}/try")
async def try_page(name: FromPath[str], request: AnyRequest, state: State) -> Response[str]:
    """Last month's messages for the proposition's purposes, to be picked by topic in the page."""
    brand, language = await reader(request, state)
    desk: Desk = state.desk

    def work() -> Response[str]:
        shop = desk.shop()
        told = brand.propositions.get(name)
        if told is None:
            raise NotFoundException
        messages = [
            (
                title if "{" in one.subject else one.subject,  # it prints something of a person's
                [topic for topic in one.topics if topic in brand.topics],
            )
            for title, one in planned_lately(shop)
            if one.purpose in told.purposes
        ]
        return answer(200, render(
            "try", brand, language, proposition=name, told=told, messages=messages,
            topics=[(topic, brand.topics[topic].title) for topic in told.topics],
            titles={topic: one.title for topic, one in brand.topics.items()},
        ))  # fmt: skip

    return await threaded(work)
