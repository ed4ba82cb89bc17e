"""The collector keeps what a person said yes to, of it the fields that are listed, and no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from threading import Event
from typing import TYPE_CHECKING

import pytest

from reciprocity.collect.collector import Sender
from reciprocity.consent.draft import object_to, withdraw
from reciprocity.events import Act, ConsentRow
from reciprocity.journal import pending
from reciprocity.journal.backup import back_up
from reciprocity.journal.entry import Entry
from reciprocity.journal.observed import KeptRows
from reciprocity.leave.erase import erase, resume
from reciprocity.model import ConsentState
from reciprocity.vault.observed import observed_of
from tests.collect.watched import (
    BROWSER,
    BROWSER_ID,
    bought,
    browser,
    person,
    reasons,
    say_yes,
    take,
    take_back,
    watching,
)
from tests.shop import DAY, START, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity

TODAY = START // DAY
VIEW = {
    "type": "page",
    "messageId": "v1",
    "anonymousId": BROWSER_ID,
    "properties": {"path": "/bulbs"},
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[Reciprocity]:
    with watching(tmp_path, clock) as shop:
        yield shop


def kept(shop: Reciprocity, slot: int) -> dict[str, int]:
    return {name: one.rows for name, one in shop.journal.observed.of(slot).items()}


def no_to_purchases(state: ConsentState, actor: str = "person") -> Act:
    row = ConsentRow(purpose="purchases", channel="observe", state=state)
    return Act(actor=actor, method="tests", consent=(row,))


# --- what is kept ---------------------------------------------------------------------------------


def test_of_what_a_person_said_yes_to_the_listed_fields_are_kept(shop: Reciprocity) -> None:
    ann, size = person(shop, "ann", "purchases"), shop.journal.state().size
    told = take(shop, bought(timestamp="2026-09-21T10:00:00Z"))
    assert (told.kept, told.dropped, told.fields_dropped) == (1, (), 1)
    assert observed_of(shop.journal, ann) == [
        {"behaviour": "purchases", "at": 1_789_984_800_000, "event": "Order Completed",
         "fields": {"sku": "bulb-7", "total": 12.5}},
    ]  # fmt: skip
    assert shop.journal.observed.of(ann) == {"purchases": KeptRows(1, 20_717, 20_717)}
    assert shop.journal.state().size == size  # nothing of it is in the log


@pytest.mark.files
def test_nothing_of_it_lies_in_clear(shop: Reciprocity) -> None:
    person(shop, "ann", "purchases")
    take(shop, bought(message_id="m-0815"))
    shop.journal.observed.flush()
    found = (shop.brand.folder / "observed.db").read_bytes()
    assert b"purchases" in found
    for secret in (b"bulb-7", b"m-0815", b"Order", b"4111"):
        assert secret not in found


def test_an_event_that_is_sent_again_is_kept_once_and_answered_the_same(
    shop: Reciprocity,
) -> None:
    ann = person(shop, "ann", "purchases")
    first = take(shop, bought("m1"), bought("m2"))
    assert take(shop, bought("m1"), bought("m2")) == first
    assert kept(shop, ann) == {"purchases": 2}


def test_two_people_may_have_the_same_message_id(shop: Reciprocity) -> None:
    ann, bob = (person(shop, name, "purchases") for name in ("ann", "bob"))
    assert take(shop, bought("m1"), bought("m1", userId="bob")).kept == 2
    assert kept(shop, ann) == kept(shop, bob) == {"purchases": 1}


@pytest.mark.parametrize(
    ("said", "at"),
    [
        (None, START),
        ("no instant", START),
        ("2026-09-21T10:00:00+02:00", 1_789_977_600_000),
        ("1970-01-01T00:00:00Z", START),
        ("2999-01-01T00:00:00Z", START),
        ("0001-01-01T00:00:00+14:00", START),
    ],
)
def test_an_instant_over_a_day_off_is_that_of_arrival(
    shop: Reciprocity, said: str | None, at: int
) -> None:
    ann = person(shop, "ann", "purchases")
    take(shop, bought(timestamp=said))
    assert [one["at"] for one in observed_of(shop.journal, ann)] == [at]


def test_a_field_that_is_no_plain_value_is_dropped(shop: Reciprocity) -> None:
    ann = person(shop, "ann", "purchases")
    odd = [{"a": 1}, ["bulb"], None, "x" * 501, 2**53]
    told = take(shop, *(bought(f"m{i}", properties={"sku": one}) for i, one in enumerate(odd)))
    assert (told.kept, told.fields_dropped) == (5, 5)
    assert [one["fields"] for one in observed_of(shop.journal, ann)] == [{}] * 5
    assert take(shop, bought("m9", properties={"gift": True, "total": 3})).fields_dropped == 0


# --- consent, asked again -------------------------------------------------------------------------


def test_each_behaviour_has_a_yes_of_its_own(shop: Reciprocity) -> None:
    ann = browser(shop, "visits")
    order = bought(anonymousId=BROWSER_ID, userId=None)
    assert reasons(take(shop, order, VIEW)) == [(0, "no_consent")]
    assert kept(shop, ann) == {"visits": 1}


def test_an_event_of_somebody_unknown_makes_nobody_known(shop: Reciprocity) -> None:
    slots = shop.journal.state().next_slot
    told = take(shop, bought(), VIEW, bought(userId=" "), bought(userId="a\nb"))
    assert reasons(told) == [(place, "unknown_person") for place in range(4)]
    assert shop.journal.state().next_slot == slots
    assert not (shop.brand.folder / "observed.db").exists()


@pytest.mark.parametrize("how", ["withdrawn", "refused", "objection", "import"])
def test_a_no_deletes_what_was_kept_before_it_returns(shop: Reciprocity, how: str) -> None:
    ann = browser(shop, "purchases", "visits")
    take(shop, bought(anonymousId=BROWSER_ID, userId=None), VIEW)
    assert kept(shop, ann) == {"purchases": 1, "visits": 1}
    match how:
        case "withdrawn":
            take_back(shop, ann, "purchases")
        case "refused":
            act = no_to_purchases(ConsentState.REFUSED)
            shop.journal.append([Entry(kind="consent.refused", body=act, slot=ann)])
        case "objection":
            shop.act(ann, lambda: object_to(shop.saying("person", "web")))
        case "import":
            act = no_to_purchases(ConsentState.WITHDRAWN, actor="import:crm")
            shop.journal.append([Entry(kind="person.imported", body=act, slot=ann)])
    left = {} if how == "objection" else {"visits": 1}
    assert kept(shop, ann) == left
    again = take(shop, bought("m2", anonymousId=BROWSER_ID, userId=None))
    assert reasons(again) == [(0, "no_consent")]
    assert kept(shop, ann) == left


def test_a_withdrawal_noted_without_keys_is_heeded_and_deletes(shop: Reciprocity) -> None:
    ann = person(shop, "ann", "purchases")
    take(shop, bought())
    act = no_to_purchases(ConsentState.WITHDRAWN)
    with closing(shop.journal.connection()) as db:
        pending.leave(db, ann, "consent.withdrawn", act, START)
    assert reasons(take(shop, bought("m2"))) == [(0, "no_consent")]
    assert kept(shop, ann) == {}


def test_a_yes_that_has_run_out_keeps_nothing_and_tick_deletes(
    shop: Reciprocity, clock: Clock
) -> None:
    ann = person(shop, "ann", "purchases")
    take(shop, bought())
    clock.at += 731 * DAY
    assert reasons(take(shop, bought("m2"))) == [(0, "no_consent")]
    assert shop.tick("operator:tests").forgotten == 1
    assert kept(shop, ann) == {}


def test_tick_deletes_what_is_older_than_its_behaviour_is_kept(
    shop: Reciprocity, clock: Clock
) -> None:
    ann = browser(shop, "purchases", "visits")
    take(shop, bought(anonymousId=BROWSER_ID, userId=None), VIEW)
    clock.at += 7 * DAY
    assert shop.tick("operator:tests").forgotten == 0
    clock.at += DAY
    assert shop.tick("operator:tests").forgotten == 1
    assert kept(shop, ann) == {"purchases": 1}
    clock.at += 83 * DAY
    assert shop.tick("operator:tests").forgotten == 1
    assert kept(shop, ann) == {}
    assert shop.tick("operator:tests").forgotten == 0


def test_who_asked_to_be_erased_is_looked_at_no_more_and_then_gone(
    shop: Reciprocity, clock: Clock
) -> None:
    ann, bob = (person(shop, name, "purchases") for name in ("ann", "bob"))
    take(shop, bought(), bought(userId="bob"))
    shop.ask_erasure(ann, "person", "web")
    assert reasons(take(shop, bought("m2"))) == [(0, "leaving")]
    clock.at += 3 * DAY
    shop.tick("operator:tests")
    assert reasons(take(shop, bought("m3"))) == [(0, "unknown_person")]
    assert shop.journal.observed.rows(ann) == []
    assert kept(shop, bob) == {"purchases": 1}


def test_an_erasure_stopped_before_its_last_step_deletes_it_when_resumed(
    shop: Reciprocity,
) -> None:
    ann = person(shop, "ann", "purchases")
    take(shop, bought())

    def stopped(step: str) -> None:
        if step == "files":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        erase(shop.journal, ann, operator="operator:ada", now=True, step=stopped)
    assert shop.journal.observed.rows(ann)
    resume(shop.journal)
    assert shop.journal.observed.rows(ann) == []


def test_what_a_brand_does_not_declare_is_not_kept(shop: Reciprocity) -> None:
    person(shop, "ann", "purchases")
    assert reasons(take(shop, bought(event="Cart Viewed"))) == [(0, "not_declared")]
    file = shop.brand.folder / "brand.toml"
    file.write_text(file.read_text().replace('events = ["Order Completed", ', "events = ["))
    with type(shop).open(shop.brand.folder, shop.journal.clock) as again:
        again.apply("operator:tests")
    assert reasons(take(shop, bought("m2"))) == [(0, "not_declared")]


# --- who reports ----------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", [Sender(signal=True), Sender(trusted=True, signal=True)])
def test_whoever_asks_not_to_be_watched_is_not(shop: Reciprocity, signal: Sender) -> None:
    ann = browser(shop, "visits")
    told = take(shop, VIEW, b"{}", sender=signal)
    assert reasons(told) == [(0, "privacy_signal"), (1, "malformed")]
    assert kept(shop, ann) == {}


def test_a_browser_speaks_for_the_holder_of_its_secret_alone(shop: Reciprocity) -> None:
    ann, web = person(shop, "ann", "purchases"), browser(shop, "visits", "purchases")
    both = bought("m2", anonymousId=BROWSER_ID)
    name = shop.journal.profile(web).external_id
    stolen = bought("m3", userId=None, anonymousId=name)
    told = take(shop, bought("m1"), both, stolen, sender=BROWSER)
    assert reasons(told) == [(0, "not_authorised"), (2, "unknown_person")]
    assert (kept(shop, ann), kept(shop, web)) == ({}, {"purchases": 1})


def test_an_event_of_two_known_people_needs_the_yes_of_both(shop: Reciprocity) -> None:
    ann, web = person(shop, "ann", "purchases"), browser(shop)
    both = bought(anonymousId=BROWSER_ID)
    assert reasons(take(shop, both)) == [(0, "no_consent")]
    say_yes(shop, web, "purchases")
    assert take(shop, both).kept == 1
    assert (kept(shop, ann), kept(shop, web)) == ({"purchases": 1}, {})


# --- two who are one ------------------------------------------------------------------------------

IDENTIFY = {"type": "identify", "messageId": "i1", "userId": "ann", "anonymousId": BROWSER_ID,
            "traits": {"email": "ann@example.com"}}  # fmt: skip


def test_identify_brings_two_known_people_to_the_strictest_of_both(shop: Reciprocity) -> None:
    ann, web = person(shop, "ann", "purchases", "visits"), browser(shop, "visits", "purchases")
    take(shop, bought())
    take_back(shop, web, "purchases")
    told = take(shop, IDENTIFY)
    assert (told.linked, told.kept, told.dropped) == (1, 0, ())
    assert shop.wishes(ann).answers["purchases/observe"].state is ConsentState.WITHDRAWN
    assert shop.wishes(ann).answers["visits/observe"].state is ConsentState.GIVEN
    assert kept(shop, ann) == {}
    size = shop.journal.state().size
    assert take(shop, IDENTIFY).linked == 1
    assert shop.journal.state().size == size


def test_a_yes_said_after_it_is_not_taken_back_by_identify_said_again(shop: Reciprocity) -> None:
    ann, web = person(shop, "ann", "purchases"), browser(shop, "purchases")
    take_back(shop, web, "purchases")
    take(shop, IDENTIFY)
    say_yes(shop, ann, "purchases")
    assert take(shop, IDENTIFY).linked == 1
    assert shop.wishes(ann).answers["purchases/observe"].state is ConsentState.GIVEN
    both = bought(anonymousId=BROWSER_ID)
    assert reasons(take(shop, both)) == [(0, "no_consent")]
    assert take(shop, bought()).kept == 1


def test_identify_makes_nobody_known_and_needs_a_write_key(shop: Reciprocity) -> None:
    ann = person(shop, "ann", "purchases")
    assert reasons(take(shop, IDENTIFY)) == [(0, "unknown_person")]
    browser(shop)
    assert reasons(take(shop, IDENTIFY, sender=BROWSER)) == [(0, "not_authorised")]
    shop.ask_erasure(ann, "person", "web")
    assert reasons(take(shop, IDENTIFY)) == [(0, "leaving")]


# --- beside each other ----------------------------------------------------------------------------


def test_a_row_is_not_kept_on_a_yes_that_was_taken_back_meanwhile(shop: Reciprocity) -> None:
    """What the collector decided from is compared once more, under the file's own lock."""
    ann = person(shop, "ann", "purchases")
    take(shop, bought())
    (row,) = shop.journal.observed.rows(ann)
    version = shop.journal.version(ann)
    take_back(shop, ann, "purchases")
    bob = person(shop, "bob", "purchases")
    told = {bob: shop.journal.version(bob), ann: version}
    assert not shop.journal.observed.keep([row], told)
    assert not shop.journal.observed.keep([row], dict(reversed(told.items())))
    assert shop.journal.observed.rows(ann) == []


def test_a_row_is_not_kept_while_a_withdrawal_waits_to_be_sealed(shop: Reciprocity) -> None:
    ann = person(shop, "ann", "purchases")
    take(shop, bought())
    (row,) = shop.journal.observed.rows(ann)
    told = {ann: shop.journal.version(ann)}
    with closing(shop.journal.connection()) as db:
        pending.leave(db, ann, "consent.withdrawn", no_to_purchases(ConsentState.WITHDRAWN), START)
    assert not shop.journal.observed.keep([row._replace(digest=b"another")], told)


def test_while_reports_come_nothing_is_left_once_a_withdrawal_has_returned(
    shop: Reciprocity,
) -> None:
    ann, numbers, done = person(shop, "ann", "purchases"), count(), Event()

    def report() -> int:
        kept = 0
        while not done.is_set():
            kept += take(shop, bought(f"m{next(numbers)}")).kept
        return kept

    with (
        type(shop).open(shop.brand.folder, shop.journal.clock) as other,
        ThreadPoolExecutor(2) as reporters,
    ):
        told = [reporters.submit(report) for _ in range(2)]
        try:
            for turn in range(30):
                here = (shop, other)[turn % 2]  # the same process, and as if another one
                while not kept(shop, ann):
                    assert not any(one.done() for one in told)
                take_back(here, ann, "purchases")
                assert shop.journal.observed.rows(ann) == []
                say_yes(here, ann, "purchases")
        finally:
            done.set()
        assert sum(one.result() for one in told) >= 30


def test_the_copy_of_a_backup_holds_none_of_it(shop: Reciprocity, tmp_path: Path) -> None:
    person(shop, "ann", "purchases")
    take(shop, bought())
    back_up(shop.journal, tmp_path / "one", tmp_path / "two")
    names = {file.name for place in ("one", "two") for file in (tmp_path / place).rglob("*.db")}
    assert names == {"journal.db", "keys.db"}


def test_wishes_withdrawn_altogether_leave_nothing(shop: Reciprocity) -> None:
    ann = browser(shop, "purchases", "visits")
    take(shop, bought(anonymousId=BROWSER_ID, userId=None), VIEW)
    saying = shop.saying("person", "web")
    shop.act(ann, lambda: withdraw(saying, shop.wishes(ann)))
    assert kept(shop, ann) == {}
