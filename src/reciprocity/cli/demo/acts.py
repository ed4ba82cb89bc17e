"""What made-up people say themselves: before the campaign, and while it is being sent."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from reciprocity.cli.demo.people import Made, chosen
from reciprocity.collect.proposition import terms_of
from reciprocity.consent.draft import Drafted, Saying, grant, object_to, refuse, withdraw
from reciprocity.consent.prefer import Preferences, pause, prefer
from reciprocity.errors import ReciprocityError
from reciprocity.platform import Reciprocity
from reciprocity.vault.profile import set_attributes

if TYPE_CHECKING:
    from reciprocity.prove.receipt import Receipt

__all__ = ["Leaving", "say_all", "slot_of"]

ACTOR: Final = "person"
METHOD: Final = "preference_page"
PROPOSITION: Final = "picks"
PAUSE_MS: Final = 14 * 86_400_000
QUIET_MINUTES: Final = 180
_DAY_MINUTES: Final = 1_440
EARLY: Final = 10
LATE: Final = 30

Draft = Callable[[Saying], Drafted]


def slot_of(shop: Reciprocity, person: Made) -> int:
    """Where *person* stands in the journal."""
    return shop.find(f"id:{person.customer}")


def say_all(
    shop: Reciprocity, people: Sequence[Made], progress: Callable[[int, int], None]
) -> dict[str, int]:
    """Let *people* say what they have to say; how many acts of each kind there were."""
    told: dict[str, int] = {}
    for number, person in enumerate(people, start=1):
        drafts = list(_drafts(shop, person))
        if drafts or person.shares:
            slot = slot_of(shop, person)
            for draft in drafts:
                kind = _say(shop, slot, draft)
                told[kind] = told.get(kind, 0) + 1
            if person.shares:
                _share(shop, slot)
                told["profile.set"] = told.get("profile.set", 0) + 1
        progress(number, len(people))
    return told


def _say(shop: Reciprocity, slot: int, draft: Draft) -> str:
    appended, _ = shop.act(slot, lambda: draft(shop.saying(ACTOR, METHOD)))
    return shop.journal.told(appended.position).kind


def _share(shop: Reciprocity, slot: int) -> None:
    shared = {"offers": ("garden_size",)}
    set_attributes(
        shop.journal, shop.statement, slot, {}, shared=shared, actor=ACTOR, method=METHOD
    )


def _drafts(shop: Reciprocity, person: Made) -> Iterator[Draft]:
    if person.says:
        answer = grant if person.says == "yes" else refuse
        notice = terms_of(shop.statement, shop.laws, PROPOSITION, "en")[0].notice
        yield lambda saying: answer(
            replace(saying, notice=notice, notice_language="en"), purposes=("offers",)
        )
    wanted = Preferences(
        topics=person.topics,
        caps={"email": (0, None)} if person.capped else {},
        quiet=_around_now(shop.journal.clock(), person.zone) if person.zone else None,
        time_zone=person.zone,
    )
    if wanted != Preferences():
        yield partial(prefer, wanted=wanted)
    if person.paused:
        yield lambda saying: pause(saying, saying.at + PAUSE_MS)
    if person.objects:
        yield partial(object_to, purposes=("marketing",))
    if person.withdraws:
        yield lambda saying: withdraw(
            saying, shop.wishes(slot_of(shop, person)), ("marketing",), ("email",)
        )


def _around_now(at: int, zone: str) -> tuple[int, int]:
    """A quiet time of some hours around *at*, in minutes of the day in *zone*."""
    local = datetime.fromtimestamp(at // 1000, UTC).astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    return (minute - QUIET_MINUTES) % _DAY_MINUTES, (minute + QUIET_MINUTES) % _DAY_MINUTES


class Leaving:
    """People who take their yes back while the campaign is on its way.

    `move` is told how far the sending is: at its first word a thread begins to withdraw those who
    come last, then some who have got their message already.
    """

    def __init__(self, shop: Reciprocity, people: Sequence[Made]) -> None:
        """Let some of *people* leave; nobody does before `move` is told something."""
        due = sorted((slot_of(shop, one), one.customer) for one in people if chosen(one))
        late, early = min(LATE, len(due) // 4), min(EARLY, len(due) // 4)
        self._shop, self._leave = shop, [*reversed(due[len(due) - late :]), *due[:early]]
        self._thread = threading.Thread(target=self._withdraw)
        self._started = False
        self._stopped_by: ReciprocityError | None = None
        self.withdrawn: dict[str, int] = {}
        self.receipt: Receipt | None = None

    def move(self, done: int, total: int) -> None:
        """Sending has come to *done* of *total*."""
        del done, total
        if not self._started:
            self._started = True
            self._thread.start()

    def join(self) -> None:
        """Wait until all have said so; raises what stopped them, if anything did."""
        if not self._started:
            self._withdraw()
        else:
            self._thread.join()
        if self._stopped_by is not None:
            raise self._stopped_by

    def _withdraw(self) -> None:
        try:
            for slot, customer in self._leave:
                draft = partial(self._draft, slot)
                appended, self.receipt = self._shop.act(slot, draft)
                self.withdrawn[customer] = appended.position
        except ReciprocityError as error:  # a thread's error is its owner's to raise
            self._stopped_by = error

    def _draft(self, slot: int) -> Drafted:
        saying = self._shop.saying(ACTOR, "one_click")
        return withdraw(saying, self._shop.wishes(slot), ("marketing",), ("email",))
