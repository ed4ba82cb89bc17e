"""A person's wishes as plainly as the pages tell them: no event, no fold, no rulebook.

Written from docs/explanation/consent.md and the first rulebook's published reasons, and from no
code, so that the gate can be held against it. Slow, obvious, and of one brand only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

DAY = 86_400_000
LAW_DAYS = 1_095  # what the `baseline` law pack lets a yes live


@dataclass
class Yes:
    """The last word on a purpose: *order* counts all words ever said."""

    state: str
    order: int
    at: int
    until: int = 0
    own: bool = True


@dataclass
class Shop:
    """What the brand has in force."""

    validity: int = 365
    parents: dict[str, str] = field(default_factory=lambda: {"offers": "marketing"})
    cap_7: int = 3
    cap_30: int = 8
    quiet: tuple[int, int] = (0, 0)

    def above(self, purpose: str) -> list[str]:
        found = []
        while purpose in self.parents:
            purpose = self.parents[purpose]
            found.append(purpose)
        return found

    def family(self, purpose: str) -> list[str]:
        return [one for one in ("marketing", "news", "offers")
                if one == purpose or purpose in self.above(one)]  # fmt: skip


@dataclass
class Person:
    """One person: what they said, where they are reached, and what they got."""

    address: str
    answers: dict[str, Yes] = field(default_factory=dict)
    objections: dict[str, bool] = field(default_factory=dict)  # purpose: made by the person
    pause_until: int = 0
    caps: tuple[int | None, int | None] = (None, None)
    quiet: tuple[int, int] | None = None
    zone: str = ""
    topics: dict[str, int] = field(default_factory=dict)
    confirmed: bool = True
    bounced: bool = False
    suppressed: bool = False
    erase_at: int = 0
    got: list[tuple[int, str, str]] = field(default_factory=list)  # when, occasion, message
    words: int = 0

    # -- what is said --

    def grant(self, shop: Shop, at: int) -> None:
        until = at + min(shop.validity, LAW_DAYS) * DAY
        self._say("offers", "given", at, until)

    def refuse(self, purpose: str, at: int) -> None:
        self._say(purpose, "refused", at)

    def withdraw(self, shop: Shop, purpose: str, at: int) -> None:
        for one in shop.family(purpose):
            self._say(one, "withdrawn", at)

    def _say(self, purpose: str, state: str, at: int, until: int = 0) -> None:
        self.words += 1
        self.answers[purpose] = Yes(state, self.words, at, until)

    def imported_yes(self, said_at: int, *, evidence: bool) -> None:
        answer = self.answers.get("offers")
        gap = answer is None or (evidence and answer.state == "unverified")
        renews = (
            evidence and answer is not None and answer.state == "given"
            and not answer.own and said_at > answer.at
        )  # fmt: skip
        if gap or renews:
            self.words += 1
            state = "given" if evidence else "unverified"
            self.answers["offers"] = Yes(state, self.words, said_at, 0, own=False)

    def imported_no(self, said_at: int) -> None:
        answer = self.answers.get("offers")
        own_yes = answer is not None and answer.state == "given" and answer.own
        if own_yes and answer.at > said_at + DAY:
            return
        if answer is None or answer.state not in ("refused", "withdrawn"):
            self.words += 1
            self.answers["offers"] = Yes("withdrawn", self.words, said_at, 0, own=False)

    def lift(self, purpose: str, *, by_person: bool) -> None:
        if by_person or not self.objections.get(purpose, False):
            self.objections.pop(purpose, None)

    def freed(self, before: Shop, after: Shop) -> bool:
        """Would a no of theirs that covers a purpose *before* cover it no longer *after*?"""
        for purpose in before.family("marketing") + before.family("news") + ["offers"]:
            for gone in set(before.above(purpose)) - set(after.above(purpose)):
                if gone in self.objections and not {purpose, "*"} & set(self.objections):
                    return True
                yes, no = self.answers.get(purpose), self.answers.get(gone)
                if (
                    yes is not None and no is not None and yes.state == "given"
                    and no.state in ("refused", "withdrawn") and no.order > yes.order
                ):  # fmt: skip
                    return True
        return False

    # -- what is permitted --

    def reasons(self, shop: Shop, occasion: str, message: str, at: int) -> set[str]:
        """Everything that stands against *message* at *at*; empty if it may be sent."""
        tests = {
            "erased": self.erase_at > 0,
            "unreachable": not self.confirmed or self.bounced,
            "suppressed": self.suppressed,
            "objected": any(
                one in self.objections for one in ("*", "offers", *shop.above("offers"))
            ),
            "consent": not self._yes_stands(shop, at),
            "topic": self._uninteresting(message),
            "sent": any(one[1] == occasion for one in self.got),
            "paused": at < self.pause_until,
            "cap": self._capped(shop, at),
            "quiet": self._quiet(shop, at),
        }
        return {name for name, holds in tests.items() if holds}

    def _yes_stands(self, shop: Shop, at: int) -> bool:
        yes = self.answers.get("offers")
        if yes is None or yes.state != "given":
            return False
        if yes.until and at >= yes.until:
            return False
        if at >= yes.at + min(shop.validity, LAW_DAYS) * DAY:
            return False
        above = [self.answers[one] for one in shop.above("offers") if one in self.answers]
        return not any(
            one.state in ("refused", "withdrawn") and one.order > yes.order for one in above
        )

    def _uninteresting(self, message: str) -> bool:
        topic = "kitchen" if message == "kitchen" else "garden"
        return self.topics.get(topic, 0) <= 0

    def _capped(self, shop: Shop, at: int) -> bool:
        for days, brands, own in ((7, shop.cap_7, self.caps[0]), (30, shop.cap_30, self.caps[1])):
            used = sum(at - days * DAY < when for when, *_ in self.got)
            if used >= (brands if own is None else min(brands, own)):
                return True
        return False

    def _quiet(self, shop: Shop, at: int) -> bool:
        start, end = shop.quiet if self.quiet is None else self.quiet
        there = datetime.fromtimestamp(at / 1_000, UTC).astimezone(
            ZoneInfo(self.zone or "Europe/London")
        )
        minute = there.hour * 60 + there.minute
        return start <= minute < end if start <= end else minute >= start or minute < end
