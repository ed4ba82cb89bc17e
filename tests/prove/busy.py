"""A journal in which everything happens that an audit can find, drawn by a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reciprocity.errors import Unavailable
from reciprocity.events import Act, ConsentRow, Held, Outcome
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from tests.prove.attempts import attempt_now
from tests.shop import DAY, Clock, add_people, withdraw

if TYPE_CHECKING:
    import random

    from reciprocity.events import Attempt
    from reciprocity.platform import Reciprocity

OUTCOMES = ("delivered", "failed", "cancelled", "unknown", "bounced", "complained")


class Busy:
    """Does one thing after another in *shop*; attempts may stay without an outcome for long."""

    def __init__(self, shop: Reciprocity, clock: Clock, dice: random.Random, people: int) -> None:
        self.shop, self.clock, self.dice = shop, clock, dice
        self.slots = add_people(shop, people, {"garden": 2, "kitchen": 2})
        self.open: list[tuple[int, int]] = []

    def step(self, *, erasing: bool = True) -> None:
        """Let something happen."""
        weighted = (
            (self.attempt, 6), (self.news, 6), (self.withdraw, 3), (self.say_yes, 3),
            (self.hold, 1), (self.invent, 1), (self.late, 1), (self.nobody_sent, 1),
            (self.wait, 3), (self.come, 1), (self.erase, erasing),
        )  # fmt: skip
        acts, weights = zip(*weighted, strict=True)
        self.clock.at += self.dice.randint(0, 2_000)
        (act,) = self.dice.choices(acts, weights)
        act()

    def attempt_at(self, slot: int) -> Attempt:
        """What the sender would record now, whatever is decided of it."""
        return attempt_now(self.shop, slot, self.dice.choice(("garden", "kitchen")))

    def _put(self, slot: int, attempt: Attempt) -> int:
        kept = self.shop.journal.kept(slot)
        assert kept is not None
        entry = Entry(
            kind="delivery.attempted", body=attempt, slot=slot, expect=kept.standing.version
        )
        (appended,) = self.shop.journal.append([entry])
        self.open.append((slot, appended.version))
        return appended.version

    def _told(self, slot: int, version: int, outcome: str) -> None:
        body = Outcome(attempt=version, again=outcome == "failed" and self.dice.random() < 0.5)
        self.shop.journal.append([Entry(kind=f"delivery.{outcome}", body=body, slot=slot)])

    def _person(self) -> int:
        return self.dice.choice(self.slots)

    def attempt(self) -> None:
        """As a sender does, whether it may or not: double, refused and without consent too."""
        slot = self._person()
        self._put(slot, self.attempt_at(slot))

    def news(self) -> None:
        """Some attempt's outcome, maybe not the first."""
        if self.open:
            slot, version = self.dice.choice(self.open[-6:])
            self._told(slot, version, self.dice.choice(OUTCOMES))

    def late(self) -> None:
        slot = self._person()
        version = self._put(slot, self.attempt_at(slot))
        self.clock.at += 31_000
        self._told(slot, version, "delivered")

    def invent(self) -> None:
        slot = self._person()
        attempt = self.attempt_at(slot)
        facts = (*attempt.facts[:-1], attempt.facts[-1] + 1)
        self._put(slot, replace(attempt, facts=facts))

    def nobody_sent(self) -> None:
        self._told(self._person(), 1, "delivered")

    def withdraw(self) -> None:
        withdraw(self.shop, self._person())

    def say_yes(self) -> None:
        until = self.clock.at + 300 * DAY
        row = ConsentRow(purpose="offers", channel="email", state=ConsentState.GIVEN, until=until)
        act = Act(actor="person", method="web", consent=(row,))
        self.shop.journal.append([Entry(kind="consent.granted", body=act, slot=self._person())])

    def hold(self) -> None:
        held = Held(message="garden", occasion="spring", reason="quiet_time",
                    until=self.dice.choice((0, self.clock.at)))  # fmt: skip
        self.shop.journal.append([Entry(kind="delivery.held", body=held, slot=self._person())])

    def wait(self) -> None:
        self.clock.at += self.dice.choice((5_000, 40_000, DAY))

    def come(self) -> None:
        self.slots += add_people(self.shop, 1, {"garden": 2})

    def erase(self) -> None:
        if len(self.slots) > 2:
            slot = self._person()
            try:
                self.shop.erase(slot, "operator:ada", now=True)
            except Unavailable:
                return  # a message is under way
            self.slots.remove(slot)
            self.open = [each for each in self.open if each[0] != slot]
