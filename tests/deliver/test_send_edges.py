"""What stands in the way of a letter, a person or a campaign, and what must not come of it."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from reciprocity.deliver.outbox import Queued
from reciprocity.deliver.send import RETRY_MS, STOPPED_MS
from reciprocity.errors import Damaged, InputError, Unavailable
from reciprocity.events import Act, ErasureDone, Held, Quiet, TopicLevel
from reciprocity.journal import pending
from reciprocity.journal.entry import Entry
from reciprocity.leave.erase import erase
from reciprocity.platform import Reciprocity
from tests.deliver.test_kill import address, outcomes, recipients
from tests.shop import DAY, START, Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reciprocity.deliver.channel import Handed, Letter, Still

AUTUMN = """
[campaigns.autumn]
title = "Autumn"
opens = 2026-01-01T00:00:00Z
closes = 2027-06-01T00:00:00Z

[campaigns.autumn.messages.bulbs]
purpose = "offers"
channel = "email"
subject = "Bulbs"
text = "Bulbs for spring. {{ unsubscribe_url }}"
topics = { garden = 1 }
"""


def say(shop: Reciprocity, slot: int, **told: object) -> None:
    """The person sets preferences."""
    act = Act(actor="person", method="web", **told)
    shop.journal.append([Entry(kind="preferences.set", body=act, slot=slot)])


def reopened(shop: Reciprocity, clock: Clock, change: Callable[[str], str]) -> Reciprocity:
    """The same brand with its file changed, applied."""
    file = shop.brand.folder / "brand.toml"
    file.write_text(change(file.read_text()))
    with ExitStack() as opened:
        again = opened.enter_context(closing(Reciprocity.open(file.parent, clock)))
        again.apply("operator:tests")
        opened.pop_all()
    return again


def held(shop: Reciprocity, slot: int) -> list[str]:
    return [told.body.reason for told in shop.journal.history(slot) if isinstance(told.body, Held)]


class Around:
    """The shop's transport, with something of a test's around it."""

    def __init__(self, shop: Reciprocity) -> None:
        self._inner = shop.post.transports["email"]
        shop.post.transports["email"] = self

    def hand_over(self, letters: Sequence[Letter], still: Still) -> Sequence[Handed]:
        return self._inner.hand_over(letters, still)

    def close(self) -> None:
        pass


# --- one person -----------------------------------------------------------------------------------


def test_one_person_who_cannot_be_written_of_costs_nobody_else_a_letter(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        slots = add_people(shop, 5)
        shop.journal.keys.begin()
        shop.journal.keys.destroy(slots[1])
        shop.journal.keys.commit()
        with pytest.raises(Damaged, match="keys of slot"):
            shop.send("spring", "operator:tests")
        assert sorted(recipients(shop)) == [address(slot) for slot in slots if slot != slots[1]]
        assert shop.post.outbox.messages("spring") == {slots[1]: {"garden"}}
        assert [outcomes(shop, slot) for slot in (slots[0], *slots[2:])] == [["delivered"]] * 4


def test_a_profile_that_cannot_be_read_stops_the_batch_before_anything_is_on_record(
    tmp_path: Path,
) -> None:
    with new_shop(tmp_path) as shop:
        slots = add_people(shop, 3)
        shop.journal._db.execute("UPDATE vault SET sealed = ? WHERE slot = ?", (b"\0", slots[1]))
        with pytest.raises(Damaged):
            shop.send("spring", "operator:tests")
        assert recipients(shop) == []
        assert [outcomes(shop, slot) for slot in slots] == [[]] * 3


def test_a_person_without_an_address_gets_a_failed_attempt_and_no_letter(tmp_path: Path) -> None:
    """The journal says that there is one, the vault has none: nothing is written to nobody."""
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        shop.journal._db.execute("DELETE FROM vault")
        report = shop.send("spring", "operator:tests")
        assert (report.failed, report.delivered, recipients(shop)) == (1, 0, [])
        assert outcomes(shop, slot) == ["failed"]


def test_a_person_erased_while_a_letter_waits_gets_none(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        first, second, third = add_people(shop, 3)
        for slot in (first, second, third):
            say(shop, slot, pauses={"*": clock.at + DAY})
        shop.send("spring", "operator:tests")
        erase(shop.journal, first, operator="operator:tests", now=True)
        act = Act(actor="person", method="web", erase_at=clock.at + 2 * DAY)
        shop.journal.append([Entry(kind="erasure.requested", body=act, slot=second)])
        shop.post.outbox.put([Queued("spring", first, "garden", 0, 0)])  # a copy brought back
        clock.at += DAY
        (report,) = shop.send_waiting()
        assert (report.delivered, report.refused) == (1, {"erased": 2})
        assert recipients(shop) == [address(third)]


def test_what_left_to_a_person_is_still_counted_once_they_are_erased(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        first, _ = add_people(shop, 2)
        shop.send("spring", "operator:tests")
        shop.erase(first, "operator:tests", now=True)
        (told,) = shop.journal.brand_events("person.erased")
        assert isinstance(told.body, ErasureDone)
        assert told.body.deliveries == 1
        result = shop.audit()
        assert (result.deliveries, result.erased, result.breaches) == (1, 1, ())


# --- the door -------------------------------------------------------------------------------------


def test_a_door_that_cannot_tell_keeps_the_letter_in_the_house(tmp_path: Path) -> None:
    """A withdrawal waits unsealed: nobody knows whose, so nothing passes until it is sealed."""
    with new_shop(tmp_path) as shop:
        slots = add_people(shop, 3)
        act = Act(actor="person", method="web")

        class Late(Around):
            def hand_over(self, letters: Sequence[Letter], still: Still) -> Sequence[Handed]:
                if not done:
                    done.append(pending.leave(shop.journal._db, slots[0], "objection.made", act, 1))
                return super().hand_over(letters, still)

        done: list[object] = []
        Late(shop)
        report = shop.send("spring", "operator:tests")
        assert (report.cancelled, report.delivered) == (3, 3)
        assert shop.audit().breaches == ()


def test_who_stops_a_letter_time_and_again_holds_up_nobody(tmp_path: Path) -> None:
    """A word of theirs falls between attempt and door each time: the letter is put off a little."""
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        slots = add_people(shop, 3)

        class Chatty(Around):
            def hand_over(self, letters: Sequence[Letter], still: Still) -> Sequence[Handed]:
                if words:
                    say(shop, slots[0], topics={"garden": TopicLevel(level=words.pop())})
                return super().hand_over(letters, still)

        words = [1, 2] * 4
        Chatty(shop)
        report = shop.send("spring", "operator:tests")
        assert (report.delivered, report.cancelled, report.waiting) == (2, 3, 1)
        for tries in (1, 2):
            (row,) = shop.post.outbox.due("spring", 2**53, 2)
            assert row.due_at - clock.at == tries * STOPPED_MS
            assert shop.send_waiting()[0].cancelled == 0
            clock.at = row.due_at
            (report,) = shop.send_waiting()
        assert (report.delivered, report.cancelled, len(words)) == (1, 2, 0)
        assert set(Counter(recipients(shop)).values()) == {1}
        assert shop.audit().breaches == ()


def test_a_batch_that_takes_longer_than_a_handover_may_is_no_breach(tmp_path: Path) -> None:
    """Outcomes are recorded with their batch; what was handed over in time was in time."""
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, 12)

        class Slow(Around):
            def hand_over(self, letters: Sequence[Letter], still: Still) -> Sequence[Handed]:
                handed = []
                for letter in letters:
                    clock.at += 4_000
                    handed += super().hand_over([letter], still)
                return handed

        Slow(shop)
        report = shop.send("spring", "operator:tests")
        assert (report.delivered, report.failed, report.waiting) == (7, 5, 5)
        assert shop.audit().breaches == ()
        clock.at += RETRY_MS
        (woken,) = shop.send_waiting()
        assert (woken.delivered, woken.waiting) == (5, 0)
        assert set(Counter(recipients(shop)).values()) == {1}
        assert shop.audit().breaches == ()


def test_a_hindrance_is_waited_for_longer_each_time(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        maildir = shop.brand.folder / "maildir" / "tmp"
        assert shop.post
        maildir.rmdir()
        maildir.touch()  # where files should be made, there is a file
        waits = []
        for _ in range(11):
            shop.send_waiting() if waits else shop.send("spring", "operator:tests")
            (row,) = shop.post.outbox.due("spring", 2**53, 2)
            waits.append(row.due_at - clock.at)
            clock.at = row.due_at
        assert waits[:3] == [RETRY_MS, 2 * RETRY_MS, 4 * RETRY_MS]
        assert waits[-1] == waits[-2] == 256 * RETRY_MS
        maildir.unlink()
        maildir.mkdir()
        (report,) = shop.send_waiting()
        assert (report.delivered, recipients(shop)) == (1, [address(slot)])
        assert shop.audit().breaches == ()


def test_a_pause_taken_back_early_is_no_reason_to_wait(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        say(shop, slot, pauses={"*": START + 40 * DAY})
        assert shop.send("spring", "operator:tests").waiting == 1
        say(shop, slot, pauses={"*": 0})
        report = shop.send("spring", "operator:tests")
        assert (report.delivered, report.waiting) == (1, 0)


def test_a_message_not_wanted_any_more_makes_room_for_another(tmp_path: Path) -> None:
    """The choice stands while it may still come; it does not stand in the way once it may not."""
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1, {"garden": 2, "kitchen": 1})
        say(shop, slot, pauses={"*": START + 40 * DAY})
        shop.send("spring", "operator:tests")
        assert shop.post.outbox.messages("spring") == {slot: {"garden"}}
        say(shop, slot, topics={"garden": TopicLevel(level=0)}, pauses={"*": 0})
        report = shop.send("spring", "operator:tests")
        assert (report.delivered, report.refused, report.waiting) == (1, {}, 0)
        assert outcomes(shop, slot) == ["delivered"]
        assert shop.audit().breaches == ()


# --- the clock ------------------------------------------------------------------------------------


def test_a_clock_that_steps_back_a_little_costs_nobody_a_letter(tmp_path: Path) -> None:
    class Trembling(Clock):
        def __call__(self) -> int:
            self.calls = getattr(self, "calls", 0) + 1
            return self.at + self.calls * 7 - (self.calls % 3) * 2_000

    with new_shop(tmp_path, clock=Trembling()) as shop:
        add_people(shop, 40)
        assert shop.send("spring", "operator:tests").delivered == 40
        assert set(Counter(recipients(shop)).values()) == {1}
        assert shop.audit().breaches == ()


def test_a_clock_that_races_stops_the_sender_instead_of_spinning(tmp_path: Path) -> None:
    class Racing(Clock):
        def __call__(self) -> int:
            self.at += 6_000
            return self.at

    with new_shop(tmp_path, clock=Racing()) as shop:
        add_people(shop, 2)
        with pytest.raises(Unavailable, match="clock"):
            shop.send("spring", "operator:tests")
        assert recipients(shop) == []


def test_a_yes_that_runs_out_between_plan_and_send_stops_the_message(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        say(shop, slot, pauses={"*": clock.at + 100 * DAY})
        assert shop.send("spring", "operator:tests").waiting == 1
        say(shop, slot, pauses={"*": clock.at + 365 * DAY})
        clock.at += 100 * DAY
        assert shop.plan("spring").messages["garden"].refuse == {"paused": 1}
        say(shop, slot, pauses={"*": 0})
        clock.at = START + 365 * DAY - 1 - 150 * DAY
        assert shop.plan("spring").messages["garden"].deliver == 1


def test_the_last_instant_of_a_yes_is_not_in_it(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, 1)
        text = (shop.brand.folder / "brand.toml").read_text()
        (shop.brand.folder / "brand.toml").write_text(text.replace("2027-06-01", "2029-06-01"))
    with Reciprocity.open(tmp_path / "shop", clock) as shop:
        shop.apply("operator:tests")  # not sent yet: it may close later
        clock.at = START + 365 * DAY - 1
        assert shop.plan("spring").messages["garden"].deliver == 1
        clock.at += 1
        assert shop.plan("spring").messages["garden"].refuse == {"expired": 1}
        assert shop.send("spring", "operator:tests").refused == {"expired": 1}


# --- several campaigns ----------------------------------------------------------------------------


def test_caps_count_all_campaigns_together(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        say(shop, slot, caps={"email": (1, None)})
    with reopened(shop, clock, lambda text: text + AUTUMN) as shop:
        assert shop.send("spring", "operator:tests").delivered == 1
        second = shop.send("autumn", "operator:tests")
        assert (second.delivered, second.waiting) == (0, 1)
        clock.at += 7 * DAY - 1
        assert sum(each.delivered for each in shop.send_waiting()) == 0
        clock.at += 1
        assert sum(each.delivered for each in shop.send_waiting()) == 1
        assert shop.audit().breaches == ()


def test_a_campaign_that_cannot_be_sent_stops_no_other(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        say(shop, slot, pauses={"*": clock.at + DAY})
        shop.send("spring", "operator:tests")
        shop.post.outbox.put([Queued("adrift", slot, "garden", 0, 0)])
        clock.at += DAY
        with pytest.raises(InputError, match="adrift"):
            shop.send_waiting()
        assert recipients(shop) == [address(slot)]


def test_a_campaign_taken_out_of_the_brand_file_ends(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        say(shop, slot, pauses={"*": clock.at + DAY})
        assert shop.send("spring", "operator:tests").waiting == 1
    with reopened(
        shop, clock, lambda text: text[: text.index("[campaigns.spring]")] + AUTUMN
    ) as shop:
        assert shop.apply("operator:tests") == []
        clock.at += DAY
        (report,) = shop.send_waiting()
        assert (report.delivered, report.refused) == (0, {"message_closed": 1})
        assert held(shop, slot) == ["message_closed"]
        assert shop.send("spring", "operator:tests").delivered == 0
        assert recipients(shop) == []


def test_a_message_taken_out_of_its_campaign_is_held_back_and_said_so(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        say(shop, slot, pauses={"*": clock.at + DAY})
        shop.send("spring", "operator:tests")
    with reopened(
        shop, clock, lambda text: text.replace("messages.garden", "messages.lawn")
    ) as shop:
        clock.at += DAY
        (report,) = shop.send_waiting()
        assert (report.delivered, report.refused) == (0, {"message_closed": 1})
        assert held(shop, slot)[-1] == "message_closed"


def test_a_campaign_that_was_sent_does_not_close_later(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, 1)
        shop.send("spring", "operator:tests")
        with pytest.raises(InputError, match="could get it twice"):
            reopened(shop, clock, lambda text: text.replace("2027-06-01", "2028-06-01"))
        earlier = reopened(shop, clock, lambda text: text.replace("2028-06-01", "2027-05-01"))
        assert "campaign:spring" not in earlier.apply("operator:tests")
        earlier.close()


def test_what_a_killed_sender_left_is_reported_though_nothing_else_waits(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)

        class Dying(Around):
            def hand_over(self, *_: object) -> Sequence[Handed]:
                raise KeyboardInterrupt

        Dying(shop)
        with pytest.raises(KeyboardInterrupt):
            shop.send("spring", "operator:tests")
        shop.send("spring", "operator:tests")  # at once: too early to call it anything
        clock.at += 31_000
        (report,) = shop.send_waiting()
        assert (report.campaign, report.unknown) == ("spring", 1)
        assert outcomes(shop, slot) == ["unknown"]


def test_unknown_letters_count_towards_a_cap(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        say(shop, slot, caps={"email": (1, 1)})

        class Dying(Around):
            def hand_over(self, *_: object) -> Sequence[Handed]:
                raise KeyboardInterrupt

        Dying(shop)
        with pytest.raises(KeyboardInterrupt):
            shop.send("spring", "operator:tests")
        clock.at += 31_000
    with reopened(shop, clock, lambda text: text + AUTUMN) as shop:
        shop.send_waiting()
        report = shop.send("autumn", "operator:tests")
        assert (report.delivered, report.waiting) == (0, 1)


# --- time of the person's own day -----------------------------------------------------------------


def test_quiet_time_is_the_persons_own_wherever_they_live(tmp_path: Path) -> None:
    clock = Clock(1_790_035_200_000)  # 00:00 UTC on 22 September 2026
    with new_shop(tmp_path, clock=clock) as shop:
        zones = ["Asia/Tokyo", "America/New_York", "Europe/London", "No/Where"]
        slots = add_people(shop, len(zones))
        for slot, zone in zip(slots, zones, strict=True):
            say(shop, slot, time_zone=zone, quiet=Quiet(start=22 * 60, end=7 * 60))
        report = shop.send("spring", "operator:tests")  # 9:00, 20:00, 1:00, the brand's 1:00
        assert (report.delivered, report.waiting) == (2, 2)
        assert sorted(recipients(shop)) == [address(slot) for slot in slots[:2]]
        clock.at += 6 * 3_600_000
        (woken,) = shop.send_waiting()
        assert (woken.delivered, woken.waiting) == (2, 0)
        assert shop.audit().breaches == ()
