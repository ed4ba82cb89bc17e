"""A small real brand in a folder, for tests that need all of it: no mocks, a clock that is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reciprocity.events import Act, ConsentRow, PointSet, TopicLevel
from reciprocity.journal.entry import SAME_NEW, Appended, Entry
from reciprocity.model import ConsentState, Profile
from reciprocity.platform import Reciprocity
from tests.place import placed

if TYPE_CHECKING:
    from pathlib import Path

START = 1_790_000_000_000
DAY = 86_400_000

BRAND = """
[brand]
id = "shop"
name = "Harbour & Vale"
domain = "harbour.example"
language = "en"
time_zone = "Europe/London"
laws = ["baseline"]
everyone_at_least = 18
base_url = "https://harbour.example"

[controller]
name = "Harbour & Vale Ltd"
address = "14 Quay Street, Bristol"
email = "privacy@harbour.example"
territory = ["GB"]

[safekeeping]
path = "../safe"

[purposes.marketing]
title = "Offers and news"

[purposes.offers]
title = "Offers"
parent = "marketing"
channels = ["email"]
attributes = ["visits"]

[purposes.order]
title = "Your orders"
basis = "contract"
channels = ["email"]

[behaviours.purchases]
title = "Past purchases"
gives = "Offers that fit what you bought"

[topics.garden]
title = "Garden"

[topics.kitchen]
title = "Kitchen"

[attributes.visits]
title = "Visits a year"
type = "integer"

[notices.start]
purposes = ["offers"]
behaviours = ["purchases"]
[notices.start.text]
en = "We would like to send you offers that fit what you tell us."

[channels.email]
title = "E-mail"
kind = "email"
sender = "Harbour & Vale <news@harbour.example>"
cap_7_days = 3
cap_30_days = 8

{transport}

[campaigns.spring]
title = "Spring"
opens = 2026-01-01T00:00:00Z
closes = 2027-06-01T00:00:00Z

[campaigns.spring.messages.garden]
purpose = "offers"
channel = "email"
subject = "The garden in spring"
text = "Bulbs and seeds. {{{{ visits }}}} visits. {{{{ unsubscribe_url }}}}"
html = "<p>Bulbs and seeds.</p><a href='{{{{ unsubscribe_url }}}}'>Stop</a>"
topics = {{ garden = 2 }}
requires = ["visits"]

[campaigns.spring.messages.kitchen]
purpose = "offers"
channel = "email"
subject = "The kitchen in spring"
text = "Pots and pans."
topics = {{ kitchen = 1 }}
audience = "visits >= 2"
"""

MAILDIR = """
[transports.email]
kind = "maildir"
path = "maildir"
"""


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


def new_shop(folder: Path, transport: str = MAILDIR, clock: Clock | None = None) -> Reciprocity:
    """A brand in *folder*/shop, applied."""
    home = placed(folder / "shop")
    (home / "brand.toml").write_text(BRAND.format(transport=transport))
    shop = Reciprocity.create(home, clock or Clock())
    shop.apply("operator:tests")
    return shop


def entry_for(
    shop: Reciprocity, number: int, topics: dict[str, int], *, visits: int = 5, given: bool = True
) -> list[Entry]:
    """Person *number*, who said yes (or no) and rated *topics*."""
    journal, address = shop.journal, f"p{number}@example.com"
    row = ConsentRow(
        purpose="offers",
        channel="email",
        state=ConsentState.GIVEN if given else ConsentState.REFUSED,
        until=journal.clock() + 365 * DAY if given else 0,
    )
    known = Act(
        actor="person",
        method="web",
        consent=(row,) if given else (),
        topics={name: TopicLevel(level=level) for name, level in topics.items()},
        points=(PointSet(channel="email", confirmed=True),),
        shared={"offers": ("visits",)},
    )
    first = Entry(
        kind="consent.granted" if given else "person.registered",
        body=known,
        new=(("email", journal.digest("email", address)),),
        profile=Profile(points={"email": address}, attributes={"visits": visits}),
    )
    no = Act(actor="person", method="web", consent=(row,))
    second = Entry(kind="consent.refused", body=no, slot=SAME_NEW)
    return [first] if given else [first, second]


def add_people(shop: Reciprocity, count: int, topics: dict[str, int] | None = None) -> list[int]:
    """*count* people who said yes to offers and love *topics* (garden, by default); their slots."""
    wanted = topics if topics is not None else {"garden": 2}
    start = shop.journal.state().next_slot
    requests = [entry_for(shop, start + each, wanted) for each in range(count)]
    slots = []
    for answer in shop.journal.append_many(requests):
        assert isinstance(answer, list), answer
        slots.append(answer[0].slot)
    return slots


def withdraw(shop: Reciprocity, slot: int) -> Appended:
    """The person in *slot* takes back the yes to offers by e-mail."""
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
    act = Act(actor="person", method="web", consent=(row,))
    (appended,) = shop.journal.append([Entry(kind="consent.withdrawn", body=act, slot=slot)])
    return appended
