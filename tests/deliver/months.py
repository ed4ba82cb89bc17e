"""Months that really happen, for previews: people, wishes, campaigns, a post that goes wrong."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

from reciprocity.deliver.channel import Handed, Result
from reciprocity.events import Act, Attempt, ConsentRow, Held, Outcome, TopicLevel
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState, Verdict
from reciprocity.platform import Reciprocity
from tests.place import copied, placed
from tests.shop import BRAND, DAY, MAILDIR, START, Clock, entry_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reciprocity.deliver.campaign import Planned
    from reciprocity.deliver.channel import Letter, Still
    from reciprocity.deliver.preview import Fate

HOUR = DAY // 24
MONTH = START + 40 * DAY
"""When the month that is looked at begins; people were there before."""
CAMPAIGNS = ("spring", "autumn", "weekly", "late", "post")
MORE = """
[campaigns.autumn]
title = "Autumn"
opens = 2026-01-01T00:00:00Z
closes = 2027-06-01T00:00:00Z
limit = 2
[campaigns.autumn.messages.bulbs]
purpose = "offers"
channel = "email"
subject = "Bulbs"
text = "Bulbs for spring. {{ unsubscribe_url }}"
topics = { garden = 3 }
[campaigns.autumn.messages.knives]
purpose = "offers"
channel = "email"
subject = "Knives"
text = "Sharp ones."
topics = { kitchen = 5 }
[campaigns.autumn.messages.both]
purpose = "offers"
channel = "email"
subject = "Herbs"
text = "To grow and to cook."
topics = { garden = 7, kitchen = 4 }
audience = "visits >= 3"

[campaigns.weekly]
title = "Weekly"
opens = 2026-01-01T00:00:00Z
closes = 2027-06-01T00:00:00Z
[campaigns.weekly.messages.lawn]
purpose = "offers"
channel = "email"
subject = "Your lawn"
text = "Cut it."
topics = { garden = 2 }
[campaigns.weekly.messages.oven]
purpose = "offers"
channel = "email"
subject = "Your oven"
text = "Clean it."
topics = { kitchen = TIE }

[campaigns.late]
title = "Late"
opens = 2026-11-07T00:00:00Z
closes = 2026-11-20T00:00:00Z
[campaigns.late.messages.rest]
purpose = "offers"
channel = "email"
subject = "What is left"
text = "Of everything."

[campaigns.post]
title = "Orders"
opens = 2026-01-01T00:00:00Z
closes = 2027-06-01T00:00:00Z
limit = 2
[campaigns.post.messages.parcel]
purpose = "order"
channel = "email"
subject = "Your parcel"
text = "It is on its way."
[campaigns.post.messages.review]
purpose = "offers"
channel = "email"
subject = "How was it?"
text = "Tell us. {{ unsubscribe_url }}"
topics = { garden = 1, kitchen = 1 }
"""


class Stencil:
    """A shop with people, made once and copied for each month."""

    def __init__(self, folder: Path, *, ties: bool) -> None:
        self.made, self._count = folder / "made", 0
        text = BRAND.format(transport=MAILDIR) + MORE.replace("TIE", "2" if ties else "5")
        placed(self.made / "shop")
        (self.made / "shop" / "brand.toml").write_text(text)
        with Reciprocity.create(self.made / "shop", Clock()) as shop:
            shop.apply("operator:tests")
            for number in range(3):
                shop.journal.append(entry_for(shop, number, {"garden": 2, "kitchen": 1}))

    def month(self) -> Month:
        self._count += 1
        folder = self.made.with_name(f"month-{self._count}")
        copied(self.made, folder)
        return Month(folder)


class Word(NamedTuple):
    """What is known of a message without any replay: from the plan, the events and the outbox."""

    left: bool
    reason: str
    outcome: str = ""

    @classmethod
    def of(cls, fate: Fate) -> Word:
        return cls(fate.verdict is Verdict.DELIVER, fate.reason, fate.outcome)


_TAKEN_BACK = Word(False, "")
_WEIGHT = ("", "unknown", "failed", "delivered", "bounced", "complained")


class Month:
    """A shop whose clock is moved; keeps, beside all replay, what really became of messages."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.shop = Reciprocity.open(folder / "shop", self.clock)
        self.journal = self.shop.journal
        self.troubles: list[str] = []
        self._inner = self.shop.post.transports["email"]
        self.shop.post.transports["email"] = self
        self.words: dict[int, dict[tuple[str, str], Word]] = {slot: {} for slot in range(3)}
        self._seen = dict.fromkeys(range(3), 1)
        self._going: dict[tuple[int, int], tuple[str, str]] = {}

    def close(self) -> None:
        self._inner.close()

    def end(self) -> None:
        self.shop.close()
        shutil.rmtree(self.folder)

    def begin(self) -> None:
        """The month begins: of what was before, only what still waits can come in it."""
        self.until(MONTH)
        for slot, words in self.words.items():
            waits = {
                (campaign, name)
                for campaign in CAMPAIGNS
                for name in self.shop.post.outbox.messages(campaign).get(slot, ())
            }
            self.words[slot] = {key: word for key, word in words.items() if key in waits}

    # -- the transport, and what goes wrong with it --

    def hand_over(self, letters: Sequence[Letter], still: Still) -> Sequence[Handed]:
        handed = []
        for letter in letters:
            trouble = self.troubles.pop(0) if self.troubles else ""
            if trouble in {"withdraw", "prefer"}:
                slot = int(letter.recipient[1:].partition("@")[0])
                self.answer(slot, yes=False) if trouble == "withdraw" else self.say(slot)
            elif trouble == "again":
                handed.append(Handed(outcome=Result.FAILED, reason="disk", again=True))
                continue
            elif trouble in {"failed", "bounced"}:
                bounced = trouble == "bounced"
                handed.append(
                    Handed(outcome=Result.FAILED, reason="550 5.1.1", hard_bounce=bounced)
                )
                continue
            elif trouble == "unknown":
                handed.append(Handed(outcome=Result.UNKNOWN, reason="lost"))
                continue
            handed += self._inner.hand_over([letter], still)
        return handed

    # -- what people say --

    def say(self, slot: int, **told: object) -> None:
        act = Act(actor="person", method="web", **told)
        self.journal.append([Entry(kind="preferences.set", body=act, slot=slot)])

    def like(self, slot: int, topic: str, level: int) -> None:
        self.say(slot, topics={topic: TopicLevel(level=level)})

    def share(self, slot: int, *names: str) -> None:
        act = Act(actor="person", method="web", shared={"offers": names})
        self.journal.append([Entry(kind="profile.set", body=act, slot=slot)])

    def answer(self, slot: int, *, yes: bool) -> None:
        state = ConsentState.GIVEN if yes else ConsentState.WITHDRAWN
        until = self.clock.at + 365 * DAY if yes else 0
        row = ConsentRow(purpose="offers", channel="email", state=state, until=until)
        act = Act(actor="person", method="web", consent=(row,))
        kind = "consent.granted" if yes else "consent.withdrawn"
        self.journal.append([Entry(kind=kind, body=act, slot=slot)])

    def news(self, slot: int, kind: str) -> None:
        """A bounce or a complaint comes in for the last message that the person got."""
        attempts = [
            told.version
            for told in self.journal.history(slot)
            if isinstance(told.body, Attempt) and told.version in self._left(slot)
        ]
        if attempts:
            body = Outcome(attempt=attempts[-1], reason="later")
            self.journal.append([Entry(kind=f"delivery.{kind}", body=body, slot=slot)])
            self.note({})

    def _left(self, slot: int) -> set[int]:
        return {version for who, version in self._going if who == slot}

    # -- what the brand does --

    def send(self, campaign: str) -> None:
        planned: dict[int, Planned] = {}

        def on_person(each: Planned) -> None:
            planned[each.slot] = each

        self.shop.plan(campaign, on_person=on_person)
        self.shop.send(campaign, "operator:tests")
        for slot in self.words:
            for one in planned[slot].after:
                self.words[slot].setdefault((campaign, one.message_id), Word(False, ""))
        self.note(planned)

    def tick(self) -> None:
        self.shop.send_waiting()
        self.note({})

    def until(self, at: int) -> None:
        """Let time pass, with a tick whenever something is due."""
        while due := [each for each in self._due() if each <= at]:
            self.clock.at = max(self.clock.at, min(due))
            self.tick()
            if min(self._due(), default=at) <= self.clock.at:
                break
        self.clock.at = at

    def _due(self) -> list[int]:
        db = self.shop.post.outbox._db
        return [at for (at,) in db.execute("SELECT due_at FROM outbox")]

    # -- what became of it --

    def note(self, planned: dict[int, Planned]) -> None:
        """Take down what the last act of the brand came to, for everyone."""
        for slot, words in self.words.items():
            fresh = self._fresh(slot)
            if slot in planned:
                queued = self.shop.post.outbox.messages(
                    planned[slot].before[0].prepared.occasion
                ).get(slot, set())
                for before, after in zip(planned[slot].before, planned[slot].after, strict=True):
                    key = before.prepared.occasion, before.message_id
                    if key in words and not words[key].left:
                        decision = after.decision
                        refused = decision.verdict is Verdict.REFUSE
                        waits = before.message_id in queued
                        reason = before.decision.reason or "not_sent" if waits else "outranked"
                        words[key] = Word(False, decision.reason if refused else reason)
            for key, word in fresh:
                if key not in words or (word.outcome and not words[key].left):
                    continue  # news of what went before the month
                if _WEIGHT.index(word.outcome) < _WEIGHT.index(words[key].outcome):
                    continue
                if word == _TAKEN_BACK or not words[key].left or word.left:
                    words[key] = word

    def _fresh(self, slot: int) -> list[tuple[tuple[str, str], Word]]:
        found = []
        for told in self.journal.history(slot):
            body = told.body
            if told.version <= self._seen[slot]:
                continue
            self._seen[slot] = told.version
            if isinstance(body, Attempt):
                self._going[slot, told.version] = key = body.occasion, body.message
                found.append((key, Word(True, "")))
            elif isinstance(body, Held):
                found.append(((body.occasion, body.message), Word(False, body.reason)))
            elif isinstance(body, Outcome) and (slot, body.attempt) in self._going:
                what = told.kind.partition(".")[2]
                key = self._going[slot, body.attempt]
                if what == "cancelled" or (what == "failed" and body.again):
                    del self._going[slot, body.attempt]
                    found += [(key, _TAKEN_BACK), (key, Word(False, "not_sent"))]
                else:
                    found.append((key, Word(True, "", what)))
        return found
