"""A brand that asks on its own site: the starter, with a channel, a purpose and a proposition."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reciprocity.brand import starter
from reciprocity.platform import Reciprocity
from tests.shop import Clock

if TYPE_CHECKING:
    from pathlib import Path

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
    folder = place / "shop"
    for path, text in starter(None, date(2026, 10, 1)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        more = ASKED.format(origin=origin) if path == "brand.toml" else ""
        (folder / path).write_text(text + more)
    with Reciprocity.create(folder, clock or Clock()) as shop:
        shop.apply("operator:tests")
    return folder
