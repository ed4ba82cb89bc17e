"""A brand that asks on its own site: the starter, with a channel, a purpose and a proposition."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.starting import started_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.shop import Clock

ASKED = """
[site]
origins = ["{origin}"]

[channels.site]
title = "this site"
kind = "web"
cap_7_days = 4
cap_30_days = 4

[purposes.shown]
title = "What fits me"
parent = "marketing"
channels = ["site"]

[notices.shown]
purposes = ["shown"]
text.en = "Yes, Harbour & Vale may choose what I see on its site."

[propositions.here]
title = "What fits you, on this site"
purposes = ["shown"]
behaviours = ["purchases"]
topics = ["garden", "bread"]
gives = [{{ measure = "at_most", amount = 4, period_days = 30 }}]

[campaigns.home]
title = "On the front page"
opens = 2026-01-01T00:00:00Z
closes = 2099-06-01T00:00:00Z
limit = 2

[campaigns.home.messages.bulbs]
purpose = "shown"
channel = "site"
place = "front"
subject = "Bulbs are in"
text = "Tulips and crocuses, three for two. {{{{ reason_line }}}}"
html = "<p>Tulips and crocuses, <strong>three for two</strong>.</p>"
topics = {{ garden = 2 }}

[campaigns.home.messages.flour]
purpose = "shown"
channel = "site"
place = "front"
subject = "New flour"
text = "Rye, milled on Monday."
topics = {{ bread = 1 }}
"""


def new_site(place: Path, origin: str, clock: Clock | None = None) -> Path:
    """The folder of such a brand, in force; pages of *origin* may ask."""
    more = ASKED.format(origin=origin)
    return started_in(place, lambda text: text + more, opens=date(2026, 10, 1), clock=clock)
