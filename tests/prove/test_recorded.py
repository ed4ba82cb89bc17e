"""What an attempt says of itself is held against history; so is the order of what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from reciprocity.brand import campaign_body
from reciprocity.decide.facts import POSITIONS
from reciprocity.events import (
    Act,
    CampaignStated,
    LogRestored,
    Objection,
    OperatorActed,
    Outcome,
)
from reciprocity.journal.entry import Entry
from tests.prove.lax import plant_laxly
from tests.prove.test_replay import breaches, honest_attempt, plant
from tests.shop import DAY, Clock, add_people, entry_for, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path

    from reciprocity.events import Attempt
    from reciprocity.platform import Reciprocity


def changed_fact(attempt: Attempt, name: str, value: int) -> Attempt:
    facts = list(attempt.facts)
    facts[POSITIONS[name]] = value
    return replace(attempt, facts=tuple(facts))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", "post"),  # so that no cap on e-mail counts it
        ("content", "A" * 22),
        ("point", 0),
        ("consent", 0),
        ("handover_by", 2**52),  # so that it is never late and never settled
        ("counts_until", 1),  # so that it is forgotten at once
        ("score", 9),
        ("basis", "contract"),
    ],
)
def test_a_field_that_history_does_not_bear_out_is_found(
    tmp_path: Path, field: str, value: object
) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        plant(shop, slot, replace(honest_attempt(shop, slot), **{field: value}))
        (found,) = breaches(shop)
        assert found[0] == "facts_differ"
        assert field in found[3]


def test_a_zone_nobody_lives_in_is_found(tmp_path: Path) -> None:
    """The offset is recorded and not derived; but the person's zone was never five hours off."""
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        attempt = honest_attempt(shop, slot)
        offset = attempt.facts[POSITIONS["zone_offset"]] + 300
        minute = (attempt.facts[POSITIONS["minute_of_day"]] + 300) % 1_440
        attempt = changed_fact(
            changed_fact(attempt, "zone_offset", offset), "minute_of_day", minute
        )
        plant(shop, slot, attempt)
        (found,) = breaches(shop)
        assert (found[0], found[3]) == ("facts_differ", "zone_offset")


def test_an_attempt_dated_back_to_when_the_yes_still_stood_is_found(
    tmp_path: Path,
) -> None:
    """Written by software whose appender does not look at the instant."""
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        attempt = honest_attempt(shop, slot)
        clock.at += 400 * DAY
        plant_laxly(shop, slot, attempt)
        found = breaches(shop)
        assert [one[0] for one in found] == ["facts_differ", "late_handover"]
        assert found[0][3] == "decided_at"


def test_an_occasion_made_up_for_a_second_letter_is_found(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        plant(shop, slot, honest_attempt(shop, slot))
        again = replace(honest_attempt(shop, slot), occasion="spring/again")
        zero = ("message_attempts", "occasion_attempts")
        for name in zero:
            again = changed_fact(again, name, 0)
        plant(shop, slot, again)
        person = shop.journal.pseudonym(slot)
        assert breaches(shop) == [("rule_refuses", person, "garden", "occasion_not_in_force")]


def test_a_second_letter_after_the_first_was_forgotten_is_found(tmp_path: Path) -> None:
    """The campaign goes on for longer than it said; what was sent counts as long as it said."""
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        shop.send("spring", "operator:tests")
        text = (shop.brand.folder / "brand.toml").read_text()
        later = text.replace("closes = 2027-06-01", "closes = 2029-06-01")
        autumn = later[later.index("[campaigns.spring]") :].replace("spring", "autumn")
        for message in ("garden", "kitchen"):
            autumn = autumn.replace(f"messages.{message}", f"messages.{message}-again")
        (shop.brand.folder / "brand.toml").write_text(later + autumn)
    clock.at += 300 * DAY
    with type(shop).open(tmp_path / "shop", clock) as shop:
        campaigns = shop.brand.campaigns
        body = {name: _stated(campaigns[name], name) for name in ("spring", "autumn")}
        shop.journal.append(list(body.values()))  # `apply` would refuse the longer one
        shop.send("autumn", "operator:tests")
        report = shop.send("spring", "operator:tests")
        assert report.delivered == 1
        person = shop.journal.pseudonym(slot)
        assert breaches(shop) == [("double", person, "garden", "sent_this_message")]


def _stated(campaign: object, name: str) -> Entry:
    body = CampaignStated(campaign=name, actor="x", body=msgspec.Raw(campaign_body(campaign)))
    return Entry(kind="campaign.stated", body=body, in_force=f"campaign:{name}")


def test_statements_that_are_none_are_a_breach_and_stop_no_audit(
    tmp_path: Path,
) -> None:
    with new_shop(tmp_path) as shop:
        first, second = add_people(shop, 2)
        attempt = honest_attempt(shop, first)
        brand, rulebook, laws, campaign = attempt.stated
        plant_laxly(shop, first, replace(attempt, stated=(rulebook, brand, laws, campaign)))
        plant_laxly(shop, second, replace(attempt, stated=(brand, rulebook, laws, 9_999)))
        found = breaches(shop)
        assert [one[0] for one in found] == ["rule_refuses"] * 2


def test_a_delivery_without_an_attempt_is_found(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        entry = Entry(kind="delivery.delivered", body=Outcome(attempt=7), slot=slot)
        shop.journal.append([entry])
        person = shop.journal.pseudonym(slot)
        found = breaches(shop)
        assert found == [("no_consent", person, "", "delivered without an attempt")]


@pytest.mark.parametrize("stopped", ["cancelled", "failed"])
def test_a_delivery_after_it_was_stopped_is_found(tmp_path: Path, stopped: str) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        plant(shop, slot, honest_attempt(shop, slot), stopped)
        attempt = shop.journal.history(slot)[-1].body.attempt
        outcome = Outcome(attempt=attempt)
        shop.journal.append([Entry(kind="delivery.delivered", body=outcome, slot=slot)])
        person = shop.journal.pseudonym(slot)
        reason = f"delivered after it was {stopped}"
        assert breaches(shop) == [("facts_differ", person, "garden", reason)]
        assert shop.audit().deliveries == 1


def test_a_delivery_cannot_be_talked_away_later(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        plant(shop, slot, honest_attempt(shop, slot))
        attempt = shop.journal.history(slot)[-1].body.attempt
        outcome = Outcome(attempt=attempt)
        shop.journal.append([Entry(kind="delivery.cancelled", body=outcome, slot=slot)])
        assert shop.audit().deliveries == 1


def test_a_delivery_in_an_unsigned_gap_is_found(
    tmp_path: Path,
) -> None:
    """Between a restore and two signatures nobody knows what was withdrawn."""
    with new_shop(tmp_path) as shop:
        first, second = add_people(shop, 2)
        state = shop.journal.state()
        body = LogRestored(
            origin=f"{state.origin}/2",
            key=shop.journal.signer().verifier_key.encode(),
            old_origin=state.origin,
            old_size=state.size,
            old_root=shop.journal.root(state.size).hex(),
            restored_size=state.size,
        )
        shop.journal.append([Entry(kind="log.restored", body=body)])
        plant_laxly(shop, first, honest_attempt(shop, first))
        for name in ("anna", "ben"):
            signed = OperatorActed(actor=f"operator:{name}", act="gap.signed")
            shop.journal.append([Entry(kind="gap.signed", body=signed)])
        plant(shop, second, honest_attempt(shop, second))
        person = shop.journal.pseudonym(first)
        assert breaches(shop) == [("rule_refuses", person, "garden", "gap_not_signed")]


def test_what_was_wrong_is_still_said_once_the_person_is_erased(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        attempt = honest_attempt(shop, slot)
        withdraw(shop, slot)
        plant(shop, slot, attempt)
        shop.erase(slot, "operator:tests", now=True)
        assert breaches(shop) == [("no_consent", "", "", "person erased since")]
        assert shop.audit().erased == 1


# --- when it was handed over ----------------------------------------------------------------------


def test_an_outcome_told_late_of_a_letter_handed_over_in_time_is_no_breach(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        version = attempt_only(shop, slot)
        clock.at += 40_000
        handed_at = clock.at - 20_000
        tell(shop, slot, version, "delivered", happened_at=handed_at)
        assert shop.audit().breaches == ()


def test_an_outcome_that_names_an_instant_before_its_attempt_is_not_believed(
    tmp_path: Path,
) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        version = attempt_only(shop, slot)
        clock.at += 40_000
        tell(shop, slot, version, "delivered", happened_at=5)
        assert [one[0] for one in breaches(shop)] == ["late_handover"]


def attempt_only(shop: Reciprocity, slot: int) -> int:
    """An honest attempt, and nothing said of it yet; its version."""
    kept = shop.journal.kept(slot)
    assert kept is not None
    attempt = honest_attempt(shop, slot)
    entry = Entry(kind="delivery.attempted", body=attempt, slot=slot, expect=kept.standing.version)
    return shop.journal.append([entry])[0].version


def tell(shop: Reciprocity, slot: int, version: int, what: str, happened_at: int = 0) -> None:
    outcome = Outcome(attempt=version)
    entry = Entry(kind=f"delivery.{what}", body=outcome, slot=slot, happened_at=happened_at)
    shop.journal.append([entry])


# --- from a withdrawal to the last possible send --------------------------------------------------


def test_an_attempt_called_unknown_days_later_counts_until_its_handover(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        version = attempt_only(shop, slot)
        clock.at += 12_000
        withdraw(shop, slot)
        clock.at += 5 * DAY
        tell(shop, slot, version, "unknown")
        result = shop.audit()
        assert result.withdrawal_to_last_send_ms.max == 18_000
        assert result.near_misses == 1


def test_a_withdrawal_after_the_handover_was_past_is_no_near_miss(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        version = attempt_only(shop, slot)
        clock.at += DAY
        withdraw(shop, slot)
        tell(shop, slot, version, "unknown")
        result = shop.audit()
        assert (result.withdrawal_to_last_send_ms.max, result.near_misses) == (0, 0)


@pytest.mark.parametrize("purpose", ["offers", "marketing", "*"])
@pytest.mark.parametrize("channel", ["email", "*"])
def test_an_objection_to_a_purpose_above_is_timed_too(
    tmp_path: Path, purpose: str, channel: str
) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        version = attempt_only(shop, slot)
        told = Objection(purpose=purpose, channel=channel)
        act = Act(actor="person", method="web", objections=(told,))
        shop.journal.append([Entry(kind="objection.made", body=act, slot=slot)])
        clock.at += 700
        tell(shop, slot, version, "delivered")
        assert shop.audit().withdrawal_to_last_send_ms.max == 700


def test_a_request_to_be_erased_is_timed_too(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        version = attempt_only(shop, slot)
        act = Act(actor="person", method="web")  # names no instant: at once
        shop.journal.append([Entry(kind="erasure.requested", body=act, slot=slot)])
        clock.at += 300
        tell(shop, slot, version, "delivered")
        assert shop.audit().withdrawal_to_last_send_ms.max == 300


def test_a_no_from_somebody_who_never_said_yes_does_not_press_the_figure(tmp_path: Path) -> None:
    """A thousand refusals in an import are no thousand withdrawals without any delay."""
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        for number in range(20):
            shop.journal.append(entry_for(shop, 100 + number, {}, given=False))
        version = attempt_only(shop, slot)
        withdraw(shop, slot)
        clock.at += 900
        tell(shop, slot, version, "delivered")
        figures = shop.audit().withdrawal_to_last_send_ms
        assert (figures.p50, figures.p99, figures.max) == (900, 900, 900)
