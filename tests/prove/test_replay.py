"""Replay finds every kind of breach, with person, message and reason; and nothing else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reciprocity.decide.statements import statements_in_force
from reciprocity.events import Attempt, Outcome
from reciprocity.journal.entry import Entry
from reciprocity.leave.erase import erase
from reciprocity.platform import Reciprocity
from reciprocity.prove.published import found_in
from tests.prove.attempts import attempt_now
from tests.prove.lax import plant_laxly
from tests.shop import Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path


def honest_attempt(shop: Reciprocity, slot: int) -> Attempt:
    """The attempt the sender itself would record for the person now."""
    return attempt_now(shop, slot, "garden")


def plant(shop: Reciprocity, slot: int, attempt: Attempt, kind: str = "delivered") -> None:
    """Write *attempt* and its outcome around the gate, as faulty software would."""
    kept = shop.journal.kept(slot)
    assert kept is not None
    version = kept.standing.version
    entry = Entry(kind="delivery.attempted", body=attempt, slot=slot, expect=version)
    (appended,) = shop.journal.append([entry])
    outcome = Outcome(attempt=appended.version)
    shop.journal.append([Entry(kind=f"delivery.{kind}", body=outcome, slot=slot)])


def breaches(shop: Reciprocity) -> list[tuple[str, str, str, str]]:
    """What the audit finds: kind, person, message, reason."""
    return [(b.kind, b.person, b.message, b.reason) for b in shop.audit().breaches]


def test_what_the_sender_did_is_found_without_fault(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 40, {"garden": 2, "kitchen": 2})
        shop.send("spring", "operator:tests")
        result = shop.audit()
        assert (result.deliveries, result.breaches, result.near_misses) == (40, (), 0)
        assert result.checkpoint.size == shop.journal.state().size


def test_a_delivery_without_consent_is_found(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        attempt = honest_attempt(shop, slot)
        withdraw(shop, slot)
        plant(shop, slot, attempt)
        person = shop.journal.pseudonym(slot)
        assert breaches(shop) == [("no_consent", person, "garden", "withdrawn")]


def test_facts_that_history_does_not_bear_out_are_found(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        attempt = honest_attempt(shop, slot)
        facts = list(attempt.facts)
        names = [term.name for term in statements_in_force(shop.journal).rulebook.facts]
        facts[names.index("topic_score")] += 5
        plant(shop, slot, replace(attempt, facts=tuple(facts)))
        (found,) = breaches(shop)
        assert found[0] == "facts_differ"
        assert "topic_score" in found[3]


def test_a_delivery_that_a_rule_refuses_is_found(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1, {"kitchen": 2})
        plant(shop, slot, honest_attempt(shop, slot))
        person = shop.journal.pseudonym(slot)
        assert breaches(shop) == [("rule_refuses", person, "garden", "not_relevant")]


def test_a_late_handover_is_found(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        attempt = honest_attempt(shop, slot)
        kept = shop.journal.kept(slot)
        assert kept is not None
        entry = Entry(
            kind="delivery.attempted", body=attempt, slot=slot, expect=kept.standing.version
        )
        (appended,) = shop.journal.append([entry])
        clock.at += 31_000
        outcome = Outcome(attempt=appended.version)
        shop.journal.append([Entry(kind="delivery.delivered", body=outcome, slot=slot)])
        person = shop.journal.pseudonym(slot)
        assert breaches(shop) == [("late_handover", person, "garden", "1000 ms late")]


def test_a_second_delivery_in_one_occasion_is_found(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        plant(shop, slot, honest_attempt(shop, slot))
        plant(shop, slot, honest_attempt(shop, slot))
        found = breaches(shop)
        person = shop.journal.pseudonym(slot)
        assert ("double", person, "garden", "sent_this_message") in found
        assert {kind for kind, *_ in found} == {"double", "rule_refuses"}


def overtaken(shop: Reciprocity, slot: int, clock: Clock) -> None:
    """A message under way when its person withdraws; it arrives 1.5 s later."""
    attempt = honest_attempt(shop, slot)
    kept = shop.journal.kept(slot)
    assert kept is not None
    entry = Entry(kind="delivery.attempted", body=attempt, slot=slot, expect=kept.standing.version)
    (appended,) = shop.journal.append([entry])
    withdraw(shop, slot)
    clock.at += 1_500
    outcome = Outcome(attempt=appended.version)
    shop.journal.append([Entry(kind="delivery.delivered", body=outcome, slot=slot)])


def test_the_withdrawal_figure_counts_what_was_on_its_way(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        overtaken(shop, slot, clock)
        result = shop.audit()
        assert result.withdrawal_to_last_send_ms.max == 1_500
        assert result.near_misses == 1
        assert result.breaches == ()


def test_what_was_found_of_somebody_stays_in_the_figures_once_they_are_erased(
    tmp_path: Path,
) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        overtaken(shop, slot, clock)
        clock.at += 31_000
        before = shop.audit()
        shop.erase(slot, "operator:ada", now=True)
        after = shop.audit()
        assert (
            after.withdrawal_to_last_send_ms.max == before.withdrawal_to_last_send_ms.max == 1_500
        )
        assert after.near_misses == before.near_misses == 1
        assert (after.erased, after.deliveries) == (1, 0)
        (told,) = shop.journal.brand_events("person.erased")
        assert told.body.asked_by == "operator:ada"


def test_somebody_half_erased_is_counted_once(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        slot, other = add_people(shop, 2)
        overtaken(shop, slot, clock)
        overtaken(shop, other, clock)
        clock.at += 31_000

        def stop(step: str) -> None:
            if step == "events":
                raise InterruptedError

        find = partial(found_in, shop.journal)
        with pytest.raises(InterruptedError):
            erase(shop.journal, slot, operator="operator:ada", now=True, audit=find, step=stop)
        found = shop.audit()
        assert (found.deliveries, found.erased, found.near_misses) == (1, 1, 2)
        shop.tick("operator:ada")
        assert (shop.audit().deliveries, shop.audit().erased) == (1, 1)


def test_an_attempt_cannot_rest_on_what_was_stated_after_it(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        attempt = honest_attempt(shop, slot)
        later = shop.journal.state().size + 2
        plant_laxly(shop, slot, replace(attempt, stated=(*attempt.stated[:3], later)))
        before = breaches(shop)
        file = tmp_path / "shop" / "brand.toml"
        file.write_text(file.read_text().replace(
            'title = "Spring"', 'title = "Another spring"'
        ))  # fmt: skip
        with Reciprocity.open(tmp_path / "shop", shop.journal.clock) as again:
            again.apply("operator:tests")
            assert again.journal.in_force("campaign:spring")[0] == later
            assert breaches(again) == before
        ((kind, _, _, reason),) = before
        assert (kind, "came after it" in reason) == ("rule_refuses", True)


def test_an_attempt_nobody_finished_counts_until_its_handover_ends(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        attempt = honest_attempt(shop, slot)
        kept = shop.journal.kept(slot)
        assert kept is not None
        entry = Entry(
            kind="delivery.attempted", body=attempt, slot=slot, expect=kept.standing.version
        )
        shop.journal.append([entry])
        clock.at += 10_000
        withdraw(shop, slot)
        assert shop.audit().withdrawal_to_last_send_ms.max == 20_000


@pytest.mark.parametrize("kind", ["failed", "cancelled"])
def test_what_never_left_is_no_delivery(tmp_path: Path, kind: str) -> None:
    with new_shop(tmp_path) as shop:
        (slot,) = add_people(shop, 1)
        plant(shop, slot, honest_attempt(shop, slot), kind)
        assert shop.audit().deliveries == 0
