"""The promises of docs/explanation/claims.md, each end to end on a small real brand.

As far as they are built: a promise that waits for a later release is named in its section.
"""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from reciprocity.consent.draft import grant, object_to, refuse, withdraw
from reciprocity.consent.prefer import Preferences, pause, prefer
from reciprocity.errors import InputError, ProofError
from reciprocity.events import Act, Evidence, Objection
from reciprocity.journal.entry import Entry
from reciprocity.leave.one_click import withdraw_by_link
from reciprocity.model import ConsentState
from reciprocity.prove.own_keys import keys_of
from reciprocity.prove.verify import verify_receipt
from reciprocity.vault.suppression import suppress
from tests.deliver.test_kill import address, recipients
from tests.deliver.test_send_edges import reopened
from tests.prove.test_replay import honest_attempt, plant
from tests.shop import DAY, Clock, add_people, entry_for, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from reciprocity.consent.draft import Drafted
    from reciprocity.platform import Reciprocity

HOUR = 3_600_000


@pytest.fixture
def clock() -> Clock:
    return Clock(1_790_075_600_000)  # 11:13 UTC


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[Reciprocity]:
    with new_shop(tmp_path, clock=clock) as opened:
        yield opened


def person(shop: Reciprocity, topics: dict[str, int] | None = None) -> int:
    """Somebody who said yes to offers by e-mail; their slot."""
    return add_people(shop, 1, topics)[0]


def says(shop: Reciprocity, slot: int, drafted: Drafted) -> bytes:
    """The person says so; the receipt they are given."""
    _, receipt = shop.act(slot, lambda: drafted)
    return receipt.encode()


def saying(shop: Reciprocity):
    return shop.saying("person", "preference_page")


def sent(shop: Reciprocity) -> list[str]:
    """Send the campaign, and what waited; to whom letters are by now."""
    shop.send("spring", "operator:tests")
    shop.send_waiting()
    return sorted(recipients(shop))


def letter(shop: Reciprocity) -> EmailMessage:
    (path,) = (shop.brand.folder / "maildir" / "new").iterdir()
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def every_byte(folder: Path) -> bytes:
    """All that lies in any file below *folder*, but for the letters: those have left the house."""
    files = [path for path in folder.rglob("*") if path.is_file() and "maildir" not in path.parts]
    return b"".join(path.read_bytes() for path in files)


# --- safe -----------------------------------------------------------------------------------------


def test_what_you_tell_us_stands_in_no_file_in_clear(shop: Reciprocity, tmp_path: Path) -> None:
    person(shop)
    sent(shop)
    assert b"p0@example.com" not in every_byte(tmp_path)


def test_once_you_are_erased_nothing_leads_to_you_and_nothing_is_sent(
    shop: Reciprocity, tmp_path: Path
) -> None:
    slot = person(shop)
    pseudonym = shop.journal.person_keys(slot).pseudonym
    shop.erase(slot, "operator:tests", now=True)
    assert sent(shop) == []
    assert pseudonym not in every_byte(tmp_path)
    with pytest.raises(InputError, match="not known"):
        shop.find(address(slot))


def test_an_address_that_asked_never_to_be_written_to_stays_so_after_erasure(
    shop: Reciprocity,
) -> None:
    slot = person(shop)
    suppress(shop.journal, [address(slot)], actor="operator:tests", reason="asked")
    shop.erase(slot, "operator:tests", now=True)
    shop.journal.append(entry_for(shop, slot, {"garden": 2}))  # back, with a yes
    assert shop.plan("spring").messages["garden"].refuse == {"suppressed": 1}
    assert sent(shop) == []


# --- never sold or rented (registered processors and the one exit come later) ---------------------


def test_a_letter_shows_only_what_you_shared_for_it(shop: Reciprocity, clock: Clock) -> None:
    """The letter is all that leaves; its template sees what the message requires, no more."""
    person(shop)
    sent(shop)
    text = letter(shop).get_body(("plain",)).get_content()
    assert "5 visits" in text
    with pytest.raises(InputError, match="visits"):
        reopened(shop, clock, lambda text: text.replace('requires = ["visits"]', ""))


def test_a_message_that_needs_what_you_did_not_share_is_not_sent(shop: Reciprocity) -> None:
    slot = person(shop)
    act = Act(actor="person", method="web", shared={"offers": ()})
    shop.journal.append([Entry(kind="profile.set", body=act, slot=slot)])
    assert shop.plan("spring").messages["garden"].refuse == {"attribute_not_shared": 1}
    assert sent(shop) == []


# --- your preferences rule ------------------------------------------------------------------------


def test_the_public_log_names_no_operator(shop: Reciprocity) -> None:
    public = [leaf for leaf in shop.journal.leaves(shop.journal.state().size) if leaf[0] in {3, 4}]
    assert len(public) > 3
    assert not [leaf for leaf in public if b"operator" in leaf or b"actor" in leaf]
    (told,) = [each.body for each in shop.journal.brand_events("operator.acted")
               if each.body.act == "apply"]  # fmt: skip
    assert told.actor.startswith("operator:")
    assert b'"rulebook"' in bytes(told.detail)


def test_nobody_is_written_to_who_did_not_say_yes(shop: Reciprocity) -> None:
    slot = person(shop)
    says(shop, slot, refuse(saying(shop), ["offers"]))
    assert sent(shop) == []
    assert shop.why(slot, "spring", "garden").decision.reason == "refused"


def test_an_import_cannot_invent_your_yes(shop: Reciprocity) -> None:
    slot = person(shop)
    says(shop, slot, refuse(saying(shop), ["offers"]))
    proof = Evidence(when=shop.journal.clock(), how="fair", text="start")
    yes = grant(saying(shop), ["offers"])[1].consent
    act = Act(actor="import:list", method="file", consent=yes, evidence=proof)
    shop.journal.append([Entry(kind="person.imported", body=act, slot=slot)])
    assert sent(shop) == []


def test_a_withdrawal_stops_everything_not_yet_handed_over(shop: Reciprocity, clock: Clock) -> None:
    slot, stays = person(shop), person(shop)
    for each in (slot, stays):
        says(shop, each, pause(saying(shop), clock.at + DAY))
    assert sent(shop) == []  # both wait
    says(shop, slot, withdraw(saying(shop), shop.wishes(slot), ["marketing"]))
    clock.at += DAY
    assert sent(shop) == [address(stays)]


def test_one_click_in_the_letter_takes_the_yes_back(shop: Reciprocity) -> None:
    slot = person(shop)
    sent(shop)
    token = letter(shop)["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    link = shop.links.read(token)
    assert withdraw_by_link(shop.journal, shop.statement, link)
    assert not withdraw_by_link(shop.journal, shop.statement, link)  # once is enough
    assert shop.wishes(slot).answers["offers/email"].state is ConsentState.WITHDRAWN


def test_an_objection_stands_until_you_take_it_back_yourself(shop: Reciprocity) -> None:
    slot = person(shop)
    says(shop, slot, object_to(saying(shop)))
    says(shop, slot, grant(saying(shop), ["offers"]))
    assert shop.why(slot, "spring", "garden").decision.reason == "objected"
    lifted = (Objection(purpose="*", lifted=True),)
    for actor, reason in (("operator:eve", "objected"), ("person", "")):
        act = Act(actor=actor, method="phone", objections=lifted)
        shop.journal.append([Entry(kind="objection.lifted", body=act, slot=slot)])
        assert shop.why(slot, "spring", "garden").decision.reason == reason


def test_a_topic_you_do_not_want_is_not_written_about(shop: Reciprocity) -> None:
    slot = person(shop, {"garden": 2, "kitchen": 1})
    says(shop, slot, prefer(saying(shop), Preferences(topics={"garden": -1})))
    assert sent(shop) == [address(slot)]
    assert letter(shop)["Subject"] == "The kitchen in spring"


def test_you_say_how_often_and_zero_is_never(shop: Reciprocity) -> None:
    slot = person(shop)
    says(shop, slot, prefer(saying(shop), Preferences(caps={"email": (None, 0)})))
    assert shop.why(slot, "spring", "garden").decision.reason == "cap_reached"
    assert sent(shop) == []


def test_the_brand_cannot_allow_itself_more_than_you_do(shop: Reciprocity, clock: Clock) -> None:
    slot = person(shop)
    says(shop, slot, prefer(saying(shop), Preferences(caps={"email": (0, None)})))
    more = reopened(shop, clock, lambda text: text.replace("cap_7_days = 3", "cap_7_days = 8"))
    assert sent(more) == []
    more.close()


def test_quiet_time_is_by_your_own_clock(shop: Reciprocity, clock: Clock) -> None:
    slot = person(shop)
    night = Preferences(quiet=(21 * 60, 8 * 60), time_zone="Asia/Tokyo")  # 20:13 there
    says(shop, slot, prefer(saying(shop), night))
    clock.at += 2 * HOUR
    assert sent(shop) == []
    clock.at += 9 * HOUR
    assert sent(shop) == []
    clock.at += HOUR
    assert sent(shop) == [address(slot)]


def test_a_pause_is_a_pause(shop: Reciprocity, clock: Clock) -> None:
    slot = person(shop)
    says(shop, slot, pause(saying(shop), clock.at + 20 * DAY))
    assert sent(shop) == []
    clock.at += 20 * DAY - 1
    assert sent(shop) == []
    clock.at += 1
    assert sent(shop) == [address(slot)]


def test_a_yes_does_not_last_for_ever(shop: Reciprocity, clock: Clock) -> None:
    slot = person(shop)
    clock.at += 250 * DAY - 1  # the campaign is still open
    assert shop.why(slot, "spring", "garden").decision.reason == ""
    parent = 'parent = "marketing"\n'
    shorter = reopened(
        shop, clock, lambda text: text.replace(parent, parent + "validity_days = 250\n")
    )
    assert shorter.why(slot, "spring", "garden").decision.reason == ""
    clock.at += 1
    assert shorter.why(slot, "spring", "garden").decision.reason == "expired"
    shorter.close()


def test_you_can_see_why_you_get_a_message_or_not(shop: Reciprocity) -> None:
    slot = person(shop, {"kitchen": 2})
    found = shop.why(slot, "spring", "garden")
    assert (found.decision.reason, found.rule) == (
        "not_relevant",
        "topics_named AND topic_score <= 0",
    )
    assert found.meaning == "the person showed no interest in any topic of the message"
    assert ("topic_score", "0") in {(fact.name, fact.value) for fact in found.facts}


# --- worth it (propositions, and what was delivered against them, come later) ---------------------


def test_of_several_messages_you_get_the_one_that_matters_most_to_you(shop: Reciprocity) -> None:
    person(shop, {"garden": 1, "kitchen": 2})  # garden weighs 2, kitchen 1: equal
    person(shop, {"garden": 2, "kitchen": 1})
    slot = person(shop, {"garden": -1, "kitchen": 1})
    plan = shop.plan("spring")
    assert sum(plan.chosen.values()) == 3
    assert plan.unchosen == 2
    assert len(sent(shop)) == len(set(sent(shop))) == 3
    assert shop.why(slot, "spring", "garden").decision.reason == "topic_refused"


def test_a_message_about_nothing_you_asked_for_is_not_sent(shop: Reciprocity) -> None:
    person(shop, {})
    assert sent(shop) == []


# --- proved, always -------------------------------------------------------------------------------


def test_you_hold_a_receipt_that_anyone_can_check(shop: Reciprocity) -> None:
    slot = person(shop)
    receipt = says(shop, slot, withdraw(saying(shop), shop.wishes(slot), ["offers"]))
    keys = keys_of(shop.brand.folder / "journal.db")
    found = verify_receipt(receipt, keys)
    assert found.origin == shop.journal.state().origin
    with pytest.raises(ProofError):
        verify_receipt(receipt.replace(b"withdrawn", b"confirmed"), keys)
    person(shop)  # the log goes on, and the receipt still holds
    assert verify_receipt(receipt, keys) == found


def test_every_delivery_is_judged_again_and_a_breach_has_a_name(shop: Reciprocity) -> None:
    good, bad = person(shop), person(shop)
    attempt = honest_attempt(shop, bad)
    says(shop, bad, withdraw(saying(shop), shop.wishes(bad), ["offers"]))
    assert sent(shop) == [address(good)]
    assert shop.audit().breaches == ()
    plant(shop, bad, attempt)  # by software that goes around the gate
    (breach,) = shop.audit().breaches
    assert (breach.kind, breach.reason, breach.message) == ("no_consent", "withdrawn", "garden")
    assert breach.person == shop.journal.pseudonym(bad)


def test_the_letter_itself_names_the_record_of_why_it_came(shop: Reciprocity) -> None:
    slot = person(shop)
    sent(shop)
    position = int(letter(shop)["Reciprocity-Receipt"].rpartition("/")[2])
    told = shop.journal.told(position)
    assert (told.kind, told.slot) == ("delivery.attempted", slot)
    verify_receipt(shop.receipt(position).encode(), keys_of(shop.brand.folder / "journal.db"))
