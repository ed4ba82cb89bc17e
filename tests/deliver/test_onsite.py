"""What a page shows counts like mail: the same rules and caps, on record before it is shown."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from reciprocity.consent.draft import grant, withdraw
from reciprocity.consent.prefer import Preferences, pause, prefer
from reciprocity.deliver.onsite import Shown
from reciprocity.deliver.suppose import Changes
from reciprocity.errors import Conflict, InputError
from reciprocity.events import Outcome
from reciprocity.model import Decision, Verdict
from reciprocity.platform import Reciprocity
from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.person import person_proof
from reciprocity.prove.verify import verify_person
from reciprocity.vault.people import register
from tests.http.at_site import new_site
from tests.shop import DAY, Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MINUTE = 60_000
IN_THE_AFTERNOON = Preferences(
    topics={"garden": 2, "bread": 1}, quiet=(16 * 60, 20 * 60), time_zone="UTC"
)
"""Quiet from 16 to 20 o'clock; the tests begin shortly after 14."""


class Drowsy(Clock):
    """A clock of a machine that may sleep for two hours, at any look at it."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps: Callable[[], bool] = lambda: False

    def __call__(self) -> int:
        if self.sleeps():
            self.at += 120 * MINUTE
        return self.at


@pytest.fixture
def clock() -> Drowsy:
    return Drowsy()


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[Reciprocity]:
    folder = new_site(tmp_path, "https://www.harbour-vale.example", clock)
    with Reciprocity.open(folder, clock) as opened:
        yield opened


def visitor(shop: Reciprocity, name: str = "C-1", **topics: int) -> int:
    """Somebody who said yes on the site, and what they want to see."""
    slot = register(shop.journal, shop.statement, actor="operator:tests", external_id=name).slot
    say(shop, slot, lambda: grant(shop.saying("person", "site"), ["shown"]))
    told = Preferences(topics=topics or {"garden": 2, "bread": 1})
    say(shop, slot, lambda: prefer(shop.saying("person", "site"), told))
    return slot


def say(shop: Reciprocity, slot: int, draft: object) -> None:
    shop.act(slot, draft)  # type: ignore[arg-type]


def show(shop: Reciprocity, slot: int, message: str, act: str) -> Shown | Decision:
    return shop.on_site.show(slot, "front", "home", message, act)


def reason(told: Shown | Decision) -> str:
    assert isinstance(told, Decision)
    assert told.verdict is not Verdict.DELIVER
    return told.reason


def kinds(shop: Reciprocity, slot: int) -> list[str]:
    return [told.kind for told in shop.journal.history(slot)]


def test_the_message_that_matters_most_is_advised_and_nothing_is_written(shop):
    slot = visitor(shop)
    size = shop.journal.state().size
    advice = shop.on_site.advise(slot, "front")
    assert (advice.decision.verdict, advice.campaign, advice.message) == (
        Verdict.DELIVER, "home", "bulbs",
    )  # fmt: skip
    assert shop.journal.state().size == size


def test_words_are_handed_over_once_they_are_on_record(shop):
    slot = visitor(shop)
    told = show(shop, slot, "bulbs", "one")
    assert isinstance(told, Shown)
    assert told.subject == "Bulbs are in"
    assert "You get this because you said yes to: What fits me." in told.text
    assert told.html == "<p>Tulips and crocuses, <strong>three for two</strong>.</p>"
    assert kinds(shop, slot)[-2:] == ["delivery.attempted", "delivery.delivered"]
    attempt = shop.journal.history(slot)[told.attempt - 1]
    assert attempt.position == told.position
    assert shop.links.read(told.stop.rpartition("/")[2]).version == told.attempt


def test_what_was_shown_counts_and_the_next_place_has_the_next_message(shop):
    slot = visitor(shop)
    assert isinstance(show(shop, slot, "bulbs", "one"), Shown)
    assert reason(show(shop, slot, "bulbs", "two")) == "sent_this_message"
    assert shop.on_site.advise(slot, "front").message == "flour"
    assert isinstance(show(shop, slot, "flour", "three"), Shown)
    assert shop.on_site.advise(slot, "front").decision.reason in {
        "sent_this_message", "sent_in_occasion",
    }  # fmt: skip


def test_an_impression_that_is_sent_again_is_one(shop):
    slot = visitor(shop)
    first = show(shop, slot, "bulbs", "one")
    assert show(shop, slot, "bulbs", "one") == first
    assert kinds(shop, slot).count("delivery.attempted") == 1
    other = visitor(shop, "C-2")
    with pytest.raises(Conflict, match="another act"):
        show(shop, other, "bulbs", "one")


def test_nothing_is_told_again_once_the_person_said_something(shop):
    slot = visitor(shop)
    assert isinstance(show(shop, slot, "bulbs", "one"), Shown)
    say(shop, slot, lambda: withdraw(shop.saying("person", "site"), shop.wishes(slot)))
    assert reason(show(shop, slot, "bulbs", "one")) == "history_moved_on"
    assert reason(show(shop, slot, "flour", "two")) == "withdrawn"
    assert kinds(shop, slot).count("delivery.attempted") == 1


def asleep_once_attempted(shop: Reciprocity, clock: Drowsy, slot: int, look: int) -> None:
    """The machine sleeps at the *look*-th look at its clock since an attempt is on record."""

    def sleeps() -> bool:
        nonlocal look
        look -= kinds(shop, slot)[-1] == "delivery.attempted"
        if look == 0:
            clock.sleeps = lambda: False
        return look == 0

    clock.sleeps = sleeps


def test_words_that_would_leave_too_late_stay_and_do_not_count(shop, clock):
    slot = visitor(shop)
    say(shop, slot, lambda: prefer(shop.saying("person", "site"), IN_THE_AFTERNOON))
    asleep_once_attempted(shop, clock, slot, look=1)
    assert reason(show(shop, slot, "bulbs", "one")) == "late"
    attempt, failed = shop.journal.history(slot)[-2:]
    assert failed.kind == "delivery.failed"
    assert failed.body == Outcome(attempt=attempt.version, reason="late", again=True)
    assert shop.on_site.advise(slot, "front").decision.reason == "quiet_time"
    assert shop.audit().breaches == ()
    clock.at += 4 * 60 * MINUTE
    assert isinstance(show(shop, slot, "bulbs", "two"), Shown)


def test_words_whose_record_had_to_wait_too_long_stay_and_are_not_told_again(shop, clock):
    slot = visitor(shop)
    asleep_once_attempted(shop, clock, slot, look=2)
    assert reason(show(shop, slot, "bulbs", "one")) == "late"
    assert kinds(shop, slot)[-2:] == ["delivery.attempted", "delivery.delivered"]
    assert reason(show(shop, slot, "bulbs", "one")) == "late"
    assert shop.audit().breaches == ()


def test_a_double_click_is_one_impression(shop):
    slot, told = visitor(shop), []
    clicks = [
        threading.Thread(target=lambda: told.append(show(shop, slot, "bulbs", "one")))
        for _ in range(6)
    ]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert kinds(shop, slot).count("delivery.attempted") == 1
    assert kinds(shop, slot).count("delivery.delivered") == 1
    assert any(isinstance(one, Shown) for one in told)


def test_the_persons_cap_holds_on_pages_too(shop, clock):
    slot = visitor(shop)
    told = Preferences(caps={"site": (None, 1)})
    say(shop, slot, lambda: prefer(shop.saying("person", "page"), told))
    assert isinstance(show(shop, slot, "bulbs", "one"), Shown)
    waits = show(shop, slot, "flour", "two")
    assert reason(waits) == "cap_reached"
    assert shop.on_site.advise(slot, "front").decision.verdict is Verdict.WAIT
    clock.at = waits.until
    assert isinstance(show(shop, slot, "flour", "three"), Shown)


def test_without_a_yes_on_the_site_nothing_is_shown(shop):
    slot = register(
        shop.journal, shop.statement, actor="operator:tests", external_id="C-9",
        addresses={"email": "nine@example.com"}, confirmed=True,
    ).slot  # fmt: skip
    assert shop.on_site.advise(slot, "front").decision.reason == "unreachable"
    assert reason(show(shop, slot, "bulbs", "one")) == "unreachable"
    assert kinds(shop, slot) == ["person.registered"]


def test_an_erased_person_and_a_place_without_messages(shop):
    slot = visitor(shop)
    assert shop.on_site.advise(slot, "cellar").decision.reason == "nothing_here"
    with pytest.raises(InputError, match="none that may stand"):
        shop.on_site.show(slot, "cellar", "home", "bulbs", "one")
    shop.erase(slot, "operator:tests", now=True)
    assert shop.on_site.advise(slot, "front").decision.reason == "unknown_person"
    assert reason(show(shop, slot, "bulbs", "two")) == "unknown_person"


def test_a_mail_is_nothing_that_a_page_may_show(shop):
    slot = visitor(shop)
    assert shop.on_site.advise(slot, "").decision.reason == "nothing_here"
    with pytest.raises(InputError, match="none that may stand"):
        shop.on_site.show(slot, "", "spring", "garden", "one")


def test_a_campaign_for_a_site_is_planned_but_never_sent(shop):
    visitor(shop)
    assert shop.plan("home").messages["bulbs"].deliver == 1
    with pytest.raises(InputError, match="for a site"):
        shop.send("home", "operator:tests")


def test_what_was_shown_is_audited_and_verified_like_mail(shop, clock):
    slot = visitor(shop)
    show(shop, slot, "bulbs", "one")
    clock.at += 5 * MINUTE
    show(shop, slot, "flour", "two")
    found = shop.audit()
    assert (found.deliveries, found.breaches) == (2, ())
    publish_epoch(shop.journal)
    key = shop.journal.signer().verifier_key.encode()
    assert verify_person(person_proof(shop.journal, slot).encode(), [key]).decided == 2


def test_a_preview_decides_anew_what_pages_showed(shop, clock):
    slot = visitor(shop)
    show(shop, slot, "bulbs", "one")
    clock.at += DAY
    show(shop, slot, "flour", "two")
    clock.at += DAY
    same = shop.previews.preview(slot)
    assert (same.totals.would_reach, same.totals.did_reach) == (2, 2)
    assert [one.would for one in same.messages] == [one.did for one in same.messages]
    less = shop.previews.preview(slot, Changes(preferences=Preferences(topics={"garden": -2})))
    assert (less.totals.would_reach, less.totals.did_reach) == (1, 2)
    fewer = shop.previews.preview(slot, Changes(preferences=Preferences(caps={"site": (None, 1)})))
    assert (fewer.totals.would_reach, fewer.totals.did_reach) == (1, 2)


def test_a_pause_holds_pages_back(shop, clock):
    slot = visitor(shop)
    until = clock.at + 7 * DAY
    say(shop, slot, lambda: pause(shop.saying("person", "page"), until))
    assert reason(show(shop, slot, "bulbs", "one")) == "paused"
