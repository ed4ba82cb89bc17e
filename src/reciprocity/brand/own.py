"""What every brand has without declaring it: mails a person asks for at that very moment.

The way to one's own page, and the request to confirm a yes. They rest on the person's asking, carry
no offer, and go through the same rulebook, journal and replay as everything else: their purposes
are part of the brand's statement, their texts a campaign of their own, `own`.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from reciprocity.brand.declared import BrandStatement
from reciprocity.model import Basis, Campaign, Channel, Id, Instant, Message, Purpose

__all__ = ["CONFIRMATION", "OWN", "OWN_PURPOSES", "PAGE_LINK", "own_campaign", "own_purposes"]

PAGE_LINK: Final = "page_link"
CONFIRMATION: Final = "confirmation"
OWN_PURPOSES: Final = (PAGE_LINK, CONFIRMATION)
"""Ids that no brand file may declare."""
OWN: Final = "own"
"""The id of their campaign, which no brand file may declare either."""
_EMAIL: Final = "email"
_YEAR_MS: Final = 366 * 86_400_000


def own_purposes(language: str, channels: dict[Id, Channel]) -> dict[Id, Purpose]:
    """The purposes of such mails, for each of *channels* that is e-mail; none without one."""
    usable = tuple(name for name, told in channels.items() if told.kind == _EMAIL)
    if not usable:
        return {}
    words = _words(language)
    return {
        name: Purpose(title=words[name]["title"], basis=Basis.CONTRACT, channels=usable)
        for name in OWN_PURPOSES
    }


def own_campaign(brand: BrandStatement, at: Instant) -> Campaign:
    """Their texts, open for a year from *at*: a message for each purpose and channel."""
    words, messages = _words(brand.language), dict[Id, Message]()
    for name in OWN_PURPOSES:
        told = brand.purposes.get(name)
        for channel in told.channels if told else ():
            messages[f"{name}-{channel}"] = Message(
                purpose=name,
                channel=channel,
                subject=words[name]["subject"],
                text=words[name]["text"].lstrip(),
            )
    return Campaign(
        title=words[PAGE_LINK]["title"], opens=at, closes=at + _YEAR_MS, messages=messages
    )


def _words(language: str) -> dict[str, Any]:
    """The texts in *language*, or in English."""
    known = _texts()
    return known.get(language.lower().partition("-")[0], known["en"])


@cache
def _texts() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("reciprocity.brand") / "own.toml").read_text("utf-8"))
