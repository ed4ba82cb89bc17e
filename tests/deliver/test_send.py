"""A campaign, from its plan to the last letter: what is promised of sending."""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from reciprocity.consent.draft import withdraw as draft_withdrawal
from reciprocity.decide.statements import campaign_in_force, statements_in_force
from reciprocity.deliver.outbox import Queued
from reciprocity.deliver.run import _sender, sole_sender
from reciprocity.errors import InputError, Unavailable
from reciprocity.events import Act, Held
from reciprocity.journal.entry import Entry
from tests.shop import DAY, Clock, add_people, entry_for, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path

    from reciprocity.platform import Reciprocity


def letters(shop: Reciprocity) -> list[bytes]:
    """Every letter in the shop's Maildir."""
    return [path.read_bytes() for path in (shop.brand.folder / "maildir" / "new").iterdir()]


def kinds(shop: Reciprocity, slot: int) -> list[str]:
    """The kinds of the person's events, oldest first."""
    return [told.kind for told in shop.journal.history(slot)]


def test_each_person_gets_the_chosen_message_once(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        both = add_people(shop, 3, {"garden": 2, "kitchen": 2})
        report = shop.send("spring", "operator:tests")
        assert (report.delivered, report.refused, report.waiting) == (3, {}, 0)
        sent = [message_from_bytes(each, policy=policy.default) for each in letters(shop)]
        assert {each["To"] for each in sent} == {f"p{slot}@example.com" for slot in both}
        assert {each["Subject"] for each in sent} == {"The garden in spring"}


def test_sending_again_sends_nothing(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 4)
        shop.send("spring", "operator:tests")
        again = shop.send("spring", "operator:tests")
        assert again.delivered == 0
        assert again.refused == {"sent_this_message": 4}
        assert len(letters(shop)) == 4


def test_a_withdrawal_between_plan_and_send_stops_the_message(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        slots = add_people(shop, 3)
        assert shop.plan("spring").chosen["garden"] == 3
        withdraw(shop, slots[1])
        report = shop.send("spring", "operator:tests")
        assert (report.delivered, report.refused) == (2, {"withdrawn": 1})
        assert "delivery.attempted" not in kinds(shop, slots[1])


def test_a_withdrawal_beats_a_message_already_queued(tmp_path: Path) -> None:
    """People in their quiet time wait in the outbox; one withdraws while waiting."""
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        slots = add_people(shop, 2)
        for slot in slots:
            pause_until(shop, slot, clock.at + DAY)
        first = shop.send("spring", "operator:tests")
        assert (first.delivered, first.waiting) == (0, 2)
        withdraw(shop, slots[0])
        clock.at += 2 * DAY
        (woken,) = shop.send_waiting()
        assert (woken.delivered, woken.refused, woken.waiting) == (1, {"withdrawn": 1}, 0)
        held = [t.body for t in shop.journal.history(slots[0]) if isinstance(t.body, Held)]
        assert [each.reason for each in held] == ["withdrawn"]


def pause_until(shop: Reciprocity, slot: int, until: int) -> None:
    """The person pauses every channel."""
    act = Act(actor="person", method="web", pauses={"*": until})
    shop.journal.append([Entry(kind="preferences.set", body=act, slot=slot)])


def test_whoever_said_no_gets_nothing_and_the_reason_is_told(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        shop.journal.append(entry_for(shop, 0, {"garden": 2}, given=False))
        report = shop.send("spring", "operator:tests")
        assert (report.delivered, report.refused) == (0, {"refused": 1})


def test_a_letter_carries_one_click_and_its_receipt(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        shop.send("spring", "operator:tests")
        letter = message_from_bytes(letters(shop)[0], policy=policy.default)
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        url = letter["List-Unsubscribe"].strip("<>")
        assert url in letter.get_body(("plain",)).get_content()
        link = shop.links.read(url.rpartition("/")[2])
        assert (link.slot, link.purpose, link.channel) == (slot, "offers", "email")
        attempt = shop.journal.history(slot)[link.version - 1]
        assert attempt.kind == "delivery.attempted"
        assert letter["Reciprocity-Receipt"].endswith(f"/{attempt.position}")


def test_an_attempt_without_outcome_is_unknown_and_never_repeated(tmp_path: Path) -> None:
    """What a sender killed between attempt and hand-over leaves behind."""
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, 2)
        shop.send("spring", "operator:tests")
    with new_shop(tmp_path, clock=clock) as shop:
        leave_open_attempt(shop)
        clock.at += 60_000
        report = shop.send("spring", "operator:tests")
        assert (report.unknown, report.delivered) == (1, 0)
        assert len(letters(shop)) == 2


def leave_open_attempt(shop: Reciprocity) -> None:
    """A third person, attempted by a sender that died before it handed over."""
    (slot,) = add_people(shop, 1)
    stated = campaign_in_force(shop.journal, "spring")
    sender = _sender(shop.post, statements_in_force(shop.journal), stated)
    row = Queued("spring", slot, "garden", 0, 0)
    going = sender._decide([row], shop.journal.clock()).going
    assert len(going) == 1


def test_a_second_sender_is_turned_away(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 1)
        with sole_sender(shop.brand.folder), pytest.raises(Unavailable, match="another process"):
            shop.send("spring", "operator:tests")
        assert letters(shop) == []


def test_an_unknown_campaign_says_what_to_do(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop, pytest.raises(InputError, match="reciprocity apply"):
        shop.send("summer", "operator:tests")


def test_counts_of_a_plan_sum_to_the_people(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 3, {"garden": 2, "kitchen": 2})
        add_people(shop, 2, {"garden": -2})
        plan = shop.plan("spring")
        for counts in plan.messages.values():
            total = counts.deliver + sum(counts.wait.values()) + sum(counts.refuse.values())
            assert total == plan.people == 5
        assert (sum(plan.chosen.values()), plan.unchosen) == (3, 3)


def test_a_withdrawal_at_the_door_cancels_the_letter(tmp_path: Path) -> None:
    """The person withdraws after the attempt is on record and before the letter is handed over."""
    with new_shop(tmp_path) as shop:
        slots = add_people(shop, 3)
        transport = shop.post.transports["email"]

        class Late:
            """The real Maildir, reached a moment after somebody withdrew."""

            def hand_over(self, sealed, still):
                if not done:
                    done.append(withdraw(shop, slots[0]))
                return transport.hand_over(sealed, still)

            def close(self) -> None:
                """Nothing of its own to close."""

        done: list[object] = []
        shop.post.transports["email"] = Late()  # type: ignore[index]
        report = shop.send("spring", "operator:tests")
        assert (report.delivered, report.cancelled) == (2, 1)
        assert report.refused == {"withdrawn": 1}
        assert len(letters(shop)) == 2
        assert kinds(shop, slots[0])[-3:] == [
            "consent.withdrawn",
            "delivery.cancelled",
            "delivery.held",
        ]
        result = shop.audit()
        assert (result.breaches, result.deliveries) == ((), 2)
        assert result.near_misses >= 1
        assert result.withdrawal_to_last_send_ms.max == 0


def test_withdrawing_by_draft_hits_the_tree(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        wishes = shop.journal.kept(slot).standing.wishes
        said = shop.saying("operator:anna", "phone")
        shop.act(slot, lambda: draft_withdrawal(said, wishes, ["marketing"]))
        assert shop.plan("spring").messages["garden"].refuse == {"withdrawn": 1}
