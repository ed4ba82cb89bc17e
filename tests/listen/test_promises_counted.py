"""What is counted of a promise, held against a count that knows neither folds nor periods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reciprocity.collect.proposition import terms_of
from reciprocity.decide.statements import campaign_in_force, statements_in_force
from reciprocity.events import Act, Attempt, Body, ConsentRow, Outcome, TopicLevel
from reciprocity.journal.leaf import Told
from reciprocity.listen.deliveries import Followed
from reciprocity.listen.messages import Messages
from reciprocity.listen.promises import Promise, promises
from reciprocity.model import ConsentState, Measure
from tests.shop import DAY, MAILDIR, START, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reciprocity.platform import Reciprocity

WEEK = 7 * DAY
LIVES = 30 * DAY
PICKS, MOST = 2, 3
PROPOSITION = f"""
[propositions.weekly]
title = "Weekly"
purposes = ["offers"]
topics = ["garden"]
gives = [
    {{ measure = "picks", amount = {PICKS}, period_days = 7 }},
    {{ measure = "at_most", amount = {MOST}, period_days = 7 }},
]
"""
LEFT = {"", "delivered", "unknown", "bounced"}  # an attempt without news may have left

Word = tuple[int, str, str, str]  # how long after the one before, what, of which, and how
Words = st.SearchStrategy[Word]
NEAR = st.sampled_from((0, 1, DAY, 2 * DAY, WEEK - DAY, WEEK - 1, WEEK))
FAR = st.sampled_from((3 * WEEK - DAY, LIVES - 1, LIVES, 6 * WEEK))
TOPICS = st.sampled_from(("garden", "garden", "kitchen"))


def word(what: str, of: st.SearchStrategy[str], how: str | st.SearchStrategy[str]) -> Words:
    told = st.just(how) if isinstance(how, str) else how
    return st.tuples(NEAR, st.just(what), of, told)


NOTHING = st.just("")
SENT = word("send", TOPICS, st.sampled_from(("", "delivered", "unknown", "bounced", "failed")))
CAME = word("send", TOPICS, "delivered")
RATED = word("rate", TOPICS, st.sampled_from(("2", "1", "0")))
PAUSED = word("pause", NOTHING, st.sampled_from(("0", "1", "9")))
YES = word("yes", NOTHING, "")
ENDED = word("other", NOTHING, "") | word("no", NOTHING, "")
LATE = st.tuples(FAR, st.sampled_from(("yes", "send")), st.just("garden"), st.just("delivered"))
BEGUN: list[Word] = [(0, "rate", "garden", "2"), (DAY, "yes", "", "")]
# Mostly messages under a yes that stands: of other histories there is little to count.
HISTORIES = st.builds(
    lambda before, after: [*before, *BEGUN, *after],
    st.lists(st.one_of(CAME, PAUSED, YES, ENDED), max_size=2),
    st.lists(st.one_of(CAME, CAME, CAME, SENT, SENT, RATED, PAUSED, YES, ENDED, LATE), max_size=14),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reciprocity]:
    folder = tmp_path_factory.mktemp("counted")
    with new_shop(folder, MAILDIR + PROPOSITION) as opened:
        yield opened


@dataclass
class Plainly:
    """What happened, as one would note it on paper, with the events that say the same."""

    shop: Reciprocity
    at: int = START + DAY
    events: list[Told] = field(default_factory=list)
    yeses: list[tuple[int, str]] = field(default_factory=list)
    levels: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    pauses: list[tuple[int, int]] = field(default_factory=list)
    sent: list[tuple[int, int, bool, str]] = field(default_factory=list)

    def hear(self, word: Word) -> None:
        gap, what, which, how = word
        self.at += gap
        getattr(self, what)(which, how)

    def yes(self, *_: str) -> None:
        self._granted(
            "yes", terms_of(self.shop.statement, self.shop.laws, "weekly", "en")[0].notice
        )

    def other(self, *_: str) -> None:
        self._granted("other", "n_other")

    def _granted(self, what: str, notice: str) -> None:
        row = ConsentRow(
            purpose="offers", channel="email", state=ConsentState.GIVEN, until=self.at + LIVES
        )
        act = Act(actor="person", method="web", consent=(row,), notice=notice)
        self._told("consent.granted", act)
        self.yeses.append((self.at, what))

    def no(self, *_: str) -> None:
        row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
        self._told("consent.withdrawn", Act(actor="person", method="web", consent=(row,)))
        self.yeses.append((self.at, "no"))

    def rate(self, topic: str, level: str) -> None:
        told = {topic: TopicLevel(level=int(level))}
        self._told("preferences.set", Act(actor="person", method="web", topics=told))
        before = self.levels[-1][1] if self.levels else {}
        self.levels.append((self.at, before | {topic: int(level)}))

    def pause(self, _: str, days: str) -> None:
        until = self.at + int(days) * DAY if int(days) else 0
        self._told("preferences.set", Act(actor="person", method="web", pauses={"*": until}))
        self.pauses.append((self.at, until))

    def send(self, message: str, became: str) -> None:
        forced = statements_in_force(self.shop.journal)
        campaign = campaign_in_force(self.shop.journal, "spring").position
        attempt = Attempt(
            message=message, purpose="offers", channel="email", occasion="spring", content="",
            point=1, consent=1, facts=(), decided_at=self.at, handover_by=self.at,
            stated=(forced.brand_at, forced.rulebook_at, forced.laws_at, campaign),
            counts_until=self.at,
        )  # fmt: skip
        self._told("delivery.attempted", attempt)
        place = self.events[-1]
        chosen = bool(self.levels) and self.levels[-1][1].get(message, 0) > 0
        self.sent.append((place.position, self.at, chosen, became))
        if became:
            self._told(f"delivery.{became}", Outcome(attempt=place.version))

    def _told(self, kind: str, body: Body) -> None:
        number = len(self.events) + 1
        self.events.append(Told(
            position=1_000 + number, slot=0, version=number, at=self.at, happened_at=self.at,
            kind=kind, v=1, body=body, leaf=b"", text=b"", salt=b"",
        ))  # fmt: skip

    # -- the count --

    def since(self, now: int) -> int | None:
        """Since when the yes that was asked for with this promise stands, if it does."""
        begun, ends = None, 0
        for at, what in self.yeses:
            if what == "yes":
                begun = at if begun is None or at >= ends else begun
                ends = at + LIVES
            else:
                begun = None
        return begun if begun is not None and now < ends else None

    def wanted_less(self, began: int, ended: int) -> bool:
        told = [at for at, *_ in (*self.yeses, *self.levels, *self.pauses, *self.sent)]
        for at in (began, *(one for one in told if began <= one < ended)):
            rated = [levels for when, levels in self.levels if when <= at]
            if not rated or max(rated[-1].values()) <= 0:
                return True
            paused = [until for when, until in self.pauses if when <= at]
            if paused and at < paused[-1]:
                return True
        return False

    def picks(self, since: int, now: int) -> tuple[str, list[int]]:
        ended = since
        while ended + WEEK <= now:
            ended += WEEK
        if ended == since:
            return "running", []
        began = ended - WEEK
        last = [
            place
            for place, at, chosen, became in self.sent
            if began <= at < ended and chosen and became == "delivered"
        ]
        if len(last) >= PICKS:
            return "kept", last
        return "own_wish" if self.wanted_less(began, ended) else "short", last

    def most(self, since: int, now: int) -> tuple[str, list[int]]:
        left = [(place, at) for place, at, _, became in self.sent if at >= since and became in LEFT]
        weeks = [[place for place, at in left if begun <= at < begun + WEEK] for _, begun in left]
        fullest = max(weeks, key=len, default=[])  # the first of them
        if len(fullest) > MOST:
            return "short", fullest
        return "kept" if now - since >= WEEK else "running", fullest


@settings(max_examples=max(400, settings().max_examples))
@given(history=HISTORIES, later=NEAR)
@example(  # the yes ran out before it was said again: what was promised begins anew
    history=[(0, "rate", "garden", "2"), (0, "yes", "", ""), (LIVES, "yes", "", "")], later=1
)
@example(  # as many as were promised
    history=[*BEGUN, *[(DAY, "send", "garden", "delivered")] * PICKS], later=WEEK
)
@example(  # as many as were allowed; a week after the first of them does not count with it
    history=[
        *BEGUN,
        *[(DAY, "send", "garden", "delivered")] * MOST,
        (WEEK - 2 * DAY, "send", "garden", "delivered"),
    ],
    later=WEEK,
)
@example(  # the last instant of a period does not count in the next
    history=[*BEGUN, (WEEK - 1, "send", "garden", "delivered")], later=WEEK + 1
)
@example(  # a break in the period that goes on excuses nothing in the one before
    history=[*BEGUN, (WEEK, "pause", "", "1")], later=1
)
@example(  # the yes was renewed in time: what was promised goes on
    history=[(0, "rate", "garden", "2"), (0, "yes", "", ""), (WEEK, "yes", "", "")], later=1
)
def test_promises_are_counted_as_one_would_by_hand(
    shop: Reciprocity, history: list[Word], later: int
) -> None:
    noted = Plainly(shop)
    for word in history:
        noted.hear(word)
    now = noted.at + later
    messages = Messages(shop.journal.statements())
    read = Followed(noted.events, messages)
    found: dict[Measure, Promise] = {
        one.measure: one for one in promises(read, messages.offers, now)
    }
    since = noted.since(now)
    if since is None:
        assert found == {}
        return
    picks, most = found[Measure.PICKS], found[Measure.AT_MOST]
    assert picks.since == most.since == since
    assert (picks.state, list(picks.records)) == noted.picks(since, now)
    assert (most.state, list(most.records)) == noted.most(since, now)
    assert list(most.running) == [
        place
        for place, at, _, became in noted.sent
        if at >= since and now - WEEK < at and became in LEFT
    ]
    begun = picks.ended
    assert list(picks.running) == [
        place
        for place, at, chosen, became in noted.sent
        if begun <= at and chosen and became == "delivered"
    ]
