"""Facts are total: whatever is missing or of another type refuses, and says which fact it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.decide.compile import compile_rulebook, judge
from reciprocity.decide.facts import FACTS, TERMS, first_wrong, recorded, restored
from reciprocity.decide.rulebook import first_rulebook
from reciprocity.decide.tree import TermType
from reciprocity.errors import Damaged
from tests.decide.samples import BRAND, facts_with

COMPILED = compile_rulebook(first_rulebook(BRAND))
WRONG = [None, "", "1", "given", 1.0, 0.0, float("nan"), b"1", (), [], {}, object()]


def wrong_values(position: int) -> list[object]:
    fact = FACTS[position]
    swapped = [0, 1, 2] if fact.type is TermType.BOOLEAN else [True, False]
    codes = [-1, len(fact.values), 10**20] if fact.type is TermType.ENUM else []
    return [*WRONG, *swapped, *codes]


@pytest.mark.parametrize("position", range(len(FACTS)), ids=[fact.name for fact in FACTS])
@pytest.mark.parametrize("basis", [0, 1, 2])
def test_a_fact_of_another_type_refuses_and_is_named(position, basis):
    facts = facts_with(basis=basis)
    for value in wrong_values(position):
        spoilt = (*facts[:position], value, *facts[position + 1 :])
        told = COMPILED.decide(spoilt, 0)
        assert told.verdict == "refuse", value
        assert told.reason == f"facts_incomplete:{FACTS[position].name}", value


@pytest.mark.parametrize("position", range(len(FACTS)), ids=[fact.name for fact in FACTS])
def test_a_missing_fact_refuses_and_is_named(position):
    told = COMPILED.decide(facts_with()[:position], 0)
    assert (told.verdict, told.reason) == ("refuse", f"facts_incomplete:{FACTS[position].name}")


@pytest.mark.parametrize("facts", [None, 7, "facts", (*facts_with(), 1), {}])
def test_what_is_no_record_of_facts_refuses(facts):
    told = COMPILED.decide(facts, 0)
    assert told.verdict == "refuse"
    assert told.reason.startswith("facts_incomplete:")


@pytest.mark.parametrize("atoms", [None, True, "1", 1.0])
def test_a_mask_of_atoms_that_is_no_integer_refuses(atoms):
    assert COMPILED.decide(facts_with(), atoms).reason == "facts_incomplete:atoms"


some_facts = st.fixed_dictionaries(
    {},
    optional={
        fact.name: st.booleans()
        if fact.type is TermType.BOOLEAN
        else st.integers(0, max(1, len(fact.values) - 1))
        for fact in FACTS
    },
).map(lambda changes: facts_with(**changes))


@given(some_facts, st.data())
def test_an_incomplete_record_is_told_before_any_other_reason(facts, data):
    position = data.draw(st.integers(0, len(FACTS) - 1))
    value = data.draw(st.sampled_from(wrong_values(position)))
    spoilt = (*facts[:position], value, *facts[position + 1 :])
    assert COMPILED.decide(spoilt, 0).reason == f"facts_incomplete:{FACTS[position].name}"


# Known of everyone, or nothing that rules may look at: no value of theirs refuses by itself.
NEVER_UNKNOWN = {"basis", "zone_offset", "minute_of_day", "quiet_from", "topics_named"}


@given(some_facts, st.sampled_from([fact for fact in FACTS if fact.name not in NEVER_UNKNOWN]))
def test_the_refusing_value_never_turns_a_refusal_into_a_permit(facts, fact):
    position = FACTS.index(fact)
    refusing = (*facts[:position], fact.refusing, *facts[position + 1 :])
    if COMPILED.decide(facts, 0).verdict != "deliver":
        assert COMPILED.decide(refusing, 0).verdict != "deliver"


def test_every_refusing_value_is_of_its_own_type():
    for fact in FACTS:
        assert first_wrong((fact.refusing,), [TERMS[FACTS.index(fact)]]) == ""


@given(some_facts)
def test_recorded_facts_are_integers_that_restore_to_the_same_facts(facts):
    kept = recorded(facts)
    assert all(type(value) is int for value in kept)
    assert restored(kept, TERMS) == facts
    assert [*map(type, restored(kept, TERMS))] == [*map(type, facts)]
    assert judge(COMPILED, kept, 0) == COMPILED.decide(facts, 0)


def test_recorded_facts_that_nobody_can_have_recorded_are_damage():
    kept = recorded(facts_with())
    for spoilt in (kept[:-1], (*kept, 0), (2, *kept[1:]), (-1, *kept[1:])):
        with pytest.raises(Damaged):
            restored(spoilt, TERMS)
    unpublished = (*kept[:7], 99, *kept[8:])
    assert judge(COMPILED, unpublished, 0).reason == "facts_incomplete:consent_state"


def test_the_published_order_has_not_moved():
    assert [fact.name for fact in FACTS] == (
        "person_known person_erased point_active point_confirmed point_bounced point_suppressed "
        "objected consent_state basis stated_age minimum_age law_allows attributes_shared "
        "attributes_known topics_named topic_lowest topic_score in_audience message_attempts "
        "occasion_attempts occasion_limit message_open message_closes pause_active pause_until "
        "cap_7_used cap_7_most cap_30_used cap_30_most cap_free_at zone_offset minute_of_day "
        "quiet_from quiet_until quiet_ends_at"
    ).split()
