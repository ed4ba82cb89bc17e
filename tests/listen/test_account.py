"""The account: what each thing told did, gains first, and nothing that is not on record."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from reciprocity.deliver.outbox import Queued
from reciprocity.errors import InputError
from reciprocity.events import Attempt, ConsentRow, Objection, Quiet, TopicLevel
from reciprocity.leave.erase import erase
from reciprocity.listen.account import Account, account
from reciprocity.listen.deliveries import Followed
from reciprocity.listen.messages import Messages
from reciprocity.model import OBSERVE, ConsentState
from reciprocity.platform import Reciprocity
from reciprocity.prove.published import found_in
from tests import shop as shops
from tests.listen.said import (
    account_of,
    allow,
    attempted,
    became,
    figures,
    followed,
    held,
    item,
    observe,
    rate,
    say,
    timeline_of,
)
from tests.shop import DAY, Clock, add_people, entry_for, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3_600_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[Reciprocity]:
    with new_shop(tmp_path, clock=clock) as shop:
        yield shop


# --- gains ---


def test_a_delivery_stands_under_the_yes_the_topic_and_the_attribute_that_it_used(
    shop: Reciprocity,
) -> None:
    (slot,) = add_people(shop, 1)
    shop.send("spring", "operator:tests")
    told = account_of(shop, slot)
    (delivery,) = told.deliveries
    assert delivery.became == "delivered"
    assert (delivery.message.title, delivery.message.subject) == ("Spring", "The garden in spring")
    assert delivery.topics == ("garden",)
    here = (delivery.position,)
    assert figures(item(told, "topic", topic="garden")) == {("about_topic",): here}
    assert figures(item(told, "consent", purpose="offers")) == {("came_by_yes",): here}
    assert figures(item(told, "attribute", attribute="visits")) == {("printed",): here}
    assert [one.by for one in told.items] == ["person"] * 3


def test_an_attribute_that_an_audience_asks_for_says_so(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1, {"kitchen": 2})
    shop.send("spring", "operator:tests")
    told = account_of(shop, slot)
    assert [*figures(item(told, "attribute", attribute="visits"))] == [("chosen_by",)]


def test_what_waited_for_quiet_time_and_then_came_is_a_gain(
    shop: Reciprocity, clock: Clock
) -> None:
    (slot,) = add_people(shop, 1)
    now = (clock.at % DAY // 60_000 + 60) % 1_440  # London is an hour ahead
    say(shop, slot, quiet=Quiet(start=(now - 60) % 1_440, end=(now + 120) % 1_440))
    shop.post.outbox.put([Queued("spring", slot, "garden", 0, 0)])  # due, and then it waits
    shop.send_waiting()
    waiting = account_of(shop, slot)
    (note,) = waiting.held
    assert (note.reason, note.came) == ("quiet_time", -1)
    assert figures(item(waiting, "quiet_time")) == {
        ("made_to_wait", "quiet_time"): (note.position,)
    }
    clock.at += 3 * HOUR
    shop.send_waiting()
    told = account_of(shop, slot)
    (delivery,), (note,) = told.deliveries, told.held
    assert note.came == delivery.position
    assert figures(item(told, "quiet_time")) == {("came_after_wait",): (delivery.position,)}


def test_a_behaviour_looked_at_with_a_yes_is_a_gain_of_that_yes(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1, {})
    observe(shop, slot, "garden", 2)
    shop.send("spring", "operator:tests")
    told = account_of(shop, slot)
    (delivery,) = told.deliveries
    assert (delivery.topics, delivery.behaviours) == ((), ("purchases",))
    looked = item(told, "behaviour", behaviour="purchases")
    assert figures(looked) == {("from_behaviour",): (delivery.position,)}
    assert not [one for one in told.items if one.kind == "topic"]


@pytest.mark.parametrize("what", ["unknown", "failed", "cancelled", "bounced", "complained"])
def test_only_what_was_delivered_and_welcome_is_a_gain(shop: Reciprocity, what: str) -> None:
    (slot,) = add_people(shop, 1)
    attempt = attempted(shop, slot)
    if what in {"bounced", "complained"}:
        became(shop, attempt)
    news = became(shop, attempt, what)
    told = account_of(shop, slot)
    (delivery,) = told.deliveries
    assert delivery.became == what
    assert (delivery.records[0], delivery.records[-1]) == (attempt.position, news.position)
    assert all(one.silent == "nothing_yet" for one in told.items)


def test_a_service_message_is_not_said_to_come_because_of_a_wish(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    became(shop, attempted(shop, slot, basis="contract"))
    told = account_of(shop, slot)
    assert told.deliveries[0].topics == ()
    assert item(told, "topic").silent == item(told, "consent").silent == "nothing_yet"


def test_an_attempt_that_its_statement_does_not_bear_out_is_listed_by_its_names_alone(
    shop: Reciprocity,
) -> None:
    (slot,) = add_people(shop, 1)
    became(shop, attempted(shop, slot, message="attic"))
    (delivery,) = account_of(shop, slot).deliveries
    assert (delivery.message.message, delivery.message.subject) == ("attic", "")


def test_what_the_brand_stated_decides_what_is_said_of_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = shops.BRAND.replace('subject = "The kitchen', 'subject = "{{{{ visits }}}} times in')
    text = text.replace('title = "Garden"', 'title = "Garden"\nparent = "outdoors"')
    text = text.replace('audience = "visits', 'requires = ["visits"]\naudience = "visits')
    text += '\n[topics.outdoors]\ntitle = "Outdoors"\n'
    text += '\n[attributes.age]\ntitle = "Age"\ntype = "integer"\n'
    text += '\n[[rules]]\nreason = "settled"\nwhen = "age < 30"\n'
    monkeypatch.setattr(shops, "BRAND", text.replace('["visits"]\n\n', '["visits", "age"]\n\n'))
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1, {"kitchen": 1, "outdoors": -2})
        say(shop, slot, "profile.set", shared={"offers": ("age", "visits")})
        ruled = attempted(shop, slot, "kitchen")
        became(shop, ruled)
        note = held(shop, slot, "topic_refused")
        told = account_of(shop, slot)
    assert told.deliveries[0].message.subject == ""
    found = figures(item(told, "attribute", attribute="age"))
    assert found == {("checked_by_rule",): (ruled.position,)}
    assert [*figures(item(told, "attribute", attribute="visits"))] == [("printed",)]
    found = figures(item(told, "topic", topic="outdoors"))
    assert found == {("kept_away", "topic_refused"): (note.position,)}


def test_a_behaviour_counts_only_while_its_yes_stands(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1, {})
    observe(shop, slot, "garden", 2)
    no = ConsentRow(purpose="purchases", channel=OBSERVE, state=ConsentState.WITHDRAWN)
    say(shop, slot, "consent.withdrawn", consent=(no,))
    became(shop, attempted(shop, slot))
    assert account_of(shop, slot).deliveries[0].behaviours == ()


def test_a_topic_chosen_since_is_no_reason_for_what_came_before(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1, {})
    became(shop, attempted(shop, slot))
    rate(shop, slot, "garden", 2)
    assert account_of(shop, slot).deliveries[0].topics == ()


def test_a_message_is_named_by_a_statement_from_before_it_or_by_its_id_alone(
    shop: Reciprocity,
) -> None:
    (slot,) = add_people(shop, 1)
    became(shop, attempted(shop, slot, purpose="order", basis="contract"))
    (delivery,) = account_of(shop, slot).deliveries
    assert (delivery.message.purpose, delivery.message.subject) == ("order", "")
    messages = Messages(shop.journal.statements())
    attempt = next(one.body for one in shop.journal.history(slot) if isinstance(one.body, Attempt))
    attempt = msgspec.structs.replace(attempt, purpose="offers")
    assert messages.sent(attempt, delivery.position).subject == "The garden in spring"
    assert messages.sent(attempt, max(attempt.stated)).subject == ""


def test_what_was_held_is_named_as_it_was_stated_then(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    held(shop, slot, "paused")
    file = shop.brand.folder / "brand.toml"
    file.write_text(file.read_text().replace("The garden in spring", "The garden in June"))
    with Reciprocity.open(file.parent, shop.journal.clock) as renewed:
        renewed.apply("operator:tests")
    held(shop, slot, "quiet_time")
    file.write_text(file.read_text().partition("[campaigns.spring]")[0])
    with Reciprocity.open(file.parent, shop.journal.clock) as ended:
        ended.apply("operator:tests")
    held(shop, slot, "message_closed")
    assert [one.message.subject for one in account_of(shop, slot).held] == [
        "The garden in June", "The garden in June", "The garden in spring",
    ]  # fmt: skip


# --- what was kept away ---


def test_a_wait_that_was_cut_short_or_whose_wish_changed_is_no_gain(
    shop: Reciprocity, clock: Clock
) -> None:
    first, second = add_people(shop, 2)
    for slot in (first, second):
        say(shop, slot, quiet=Quiet(start=0, end=600))
        held(shop, slot, "quiet_time", clock.at + HOUR)
    became(shop, attempted(shop, first))
    say(shop, second, quiet=Quiet(start=0, end=599))
    clock.at += HOUR
    became(shop, attempted(shop, second))
    for slot in (first, second):
        told = account_of(shop, slot)
        assert told.held[0].came == told.deliveries[0].position
        assert item(told, "quiet_time").silent == "nothing_yet"


def test_what_waited_twice_came_once(shop: Reciprocity, clock: Clock) -> None:
    (slot,) = add_people(shop, 1)
    say(shop, slot, quiet=Quiet(start=0, end=600))
    for reason in ("quiet_time", "paused", "quiet_time"):
        held(shop, slot, reason, clock.at + HOUR)
    became(shop, attempted(shop, slot), "cancelled", again=True)
    clock.at += HOUR
    came = attempted(shop, slot)
    became(shop, came)
    told = account_of(shop, slot)
    assert figures(item(told, "quiet_time")) == {("came_after_wait",): (came.position,)}
    assert {one.came for one in told.held} == {came.position}


def test_a_behaviour_keeps_away_what_it_says_is_not_for_the_person(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1, {})
    observe(shop, slot, "garden", -1)
    note = held(shop, slot, "topic_refused")
    found = figures(item(account_of(shop, slot), "behaviour"))
    assert found == {("kept_away", "topic_refused"): (note.position,)}


@pytest.mark.parametrize(
    ("parts", "reason", "kind"),
    [
        ({"topics": {"garden": TopicLevel(level=-2)}}, "topic_refused", "topic"),
        ({"topics": {"garden": TopicLevel(level=0)}}, "not_relevant", "topic"),
        ({"caps": {"email": (None, 0)}}, "cap_reached", "cap"),
        ({"quiet": Quiet(start=0, end=1_439)}, "quiet_time", "quiet_time"),
        ({"pauses": {"*": 2_000_000_000_000}}, "paused", "pause"),
    ],
)
def test_what_was_held_for_a_wish_stands_under_that_wish(
    shop: Reciprocity, parts: dict[str, object], reason: str, kind: str
) -> None:
    (slot,) = add_people(shop, 1, {})
    say(shop, slot, **parts)
    note = held(shop, slot, reason)
    told = account_of(shop, slot)
    assert figures(item(told, kind)) == {("kept_away", reason): (note.position,)}
    assert [one.kind for one in told.items if one.kept] == [kind]


def test_the_audience_keeps_away_what_an_attribute_says_is_for_others(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    note = held(shop, slot, "outside_audience", message="kitchen")
    told = account_of(shop, slot)
    found = figures(item(told, "attribute"))
    assert found == {("kept_away", "outside_audience"): (note.position,)}


def test_the_brands_cap_is_not_credited_to_the_persons(shop: Reciprocity, clock: Clock) -> None:
    (slot,) = add_people(shop, 1)
    say(shop, slot, caps={"email": (None, 2)})
    became(shop, attempted(shop, slot))
    clock.at += DAY
    held(shop, slot, "cap_reached", clock.at + DAY)
    assert item(account_of(shop, slot), "cap").silent == "nothing_yet"
    became(shop, attempted(shop, slot, message="kitchen"))
    mine = held(shop, slot, "cap_reached", clock.at + DAY)
    found = figures(item(account_of(shop, slot), "cap"))
    assert found == {("made_to_wait", "cap_reached"): (mine.position,)}


# --- only from when it was told, only what stands, only of late ---


def test_nothing_from_before_an_item_was_told_is_its_doing(shop: Reciprocity, clock: Clock) -> None:
    (slot,) = add_people(shop, 1)
    became(shop, attempted(shop, slot))
    rate(shop, slot, "garden", 0)
    clock.at += DAY
    again = rate(shop, slot, "garden", 1)
    told = item(account_of(shop, slot), "topic", topic="garden")
    assert (told.told, told.told_at, told.silent) == (again.position, clock.at, "nothing_yet")
    rate(shop, slot, "garden", 2)  # liked more: the same choice goes on
    assert item(account_of(shop, slot), "topic", level=2).told == again.position


def test_what_an_item_did_before_the_days_is_not_called_nothing_yet(
    shop: Reciprocity, clock: Clock
) -> None:
    (slot,) = add_people(shop, 1)
    became(shop, attempted(shop, slot))
    clock.at += 91 * DAY
    told = account_of(shop, slot)
    assert item(told, "topic").silent == "nothing_lately"
    assert len(told.deliveries) == 1
    assert item(account_of(shop, slot, days=92), "topic").gains[0].count == 1


def test_after_a_withdrawal_the_yes_is_gone_and_its_deliveries_stay(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    shop.send("spring", "operator:tests")
    withdraw(shop, slot)
    told = account_of(shop, slot)
    assert not [one for one in told.items if one.kind == "consent"]
    assert len(told.deliveries) == 1
    codes = [sentence.code for line in timeline_of(shop, slot) for sentence in line.sentences]
    assert "sent" in codes
    assert "took_back" in codes
    allow(shop, slot)
    assert item(account_of(shop, slot), "consent").silent == "nothing_yet"


def test_a_yes_renewed_in_time_goes_on_and_one_that_ran_out_begins_anew(
    shop: Reciprocity, clock: Clock
) -> None:
    (slot,) = add_people(shop, 1)
    first = item(account_of(shop, slot), "consent").told
    clock.at += 364 * DAY
    allow(shop, slot)
    assert item(account_of(shop, slot), "consent").told == first
    clock.at += 366 * DAY
    assert not [one for one in account_of(shop, slot).items if one.kind == "consent"]
    anew = allow(shop, slot)
    assert item(account_of(shop, slot), "consent").told == anew.position


def test_a_yes_that_an_objection_overrides_does_not_stand(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    say(shop, slot, "objection.made", objections=(Objection(purpose="marketing"),))
    assert not [one for one in account_of(shop, slot).items if one.kind == "consent"]


def test_an_account_is_never_of_an_instant_before_the_last_event(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    assert account(followed(shop, slot), at=0).at == shop.journal.clock()


def test_items_that_brought_most_come_first(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1, {"garden": 2, "kitchen": -1})
    say(shop, slot, caps={"email": (5, None)})
    held(shop, slot, "topic_refused", message="kitchen")
    became(shop, attempted(shop, slot))
    told = [(one.kind, bool(one.gains), bool(one.kept)) for one in account_of(shop, slot).items]
    assert told[-2:] == [("topic", False, True), ("cap", False, False)]
    assert all(gains for _, gains, _ in told[:-2])


def test_what_an_import_said_is_not_said_to_come_from_the_person(shop: Reciprocity) -> None:
    first, *_ = entry_for(shop, 0, {"garden": 2})
    body = msgspec.structs.replace(first.body, actor="import:crm")
    first = msgspec.structs.replace(first, kind="person.imported", body=body)
    (appended,) = shop.journal.append([first])
    told = account_of(shop, appended.slot)
    assert item(told, "topic").by == "import"
    assert not [one for one in told.items if one.kind == "consent"]  # a yes without evidence


# --- whose, and in which form ---


def test_of_an_erased_person_there_is_nothing_to_tell(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    shop.ask_erasure(slot, "person", "web")
    assert account_of(shop, slot).erase_at
    audit = partial(found_in, shop.journal)
    erase(shop.journal, slot, operator="operator:ada", now=True, audit=audit)
    with pytest.raises(InputError, match="person is erased"):
        account_of(shop, slot)
    with pytest.raises(InputError, match="person is erased"):
        timeline_of(shop, slot)


def test_without_statements_the_account_says_what_is_missing(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    with pytest.raises(InputError, match="statements of the journal"):
        Followed(shop.journal.history(slot), Messages(()))


def test_an_account_is_plain_json_and_reads_back(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    shop.send("spring", "operator:tests")
    told = account_of(shop, slot)
    assert msgspec.json.decode(msgspec.json.encode(told), type=Account) == told
