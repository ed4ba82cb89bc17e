"""Two records of one person come to the strictest wishes of both, by acts that only take away."""

from hypothesis import given
from hypothesis import strategies as st

from reciprocity.consent.draft import Saying
from reciprocity.consent.fold import apply_act
from reciprocity.consent.join import join
from reciprocity.consent.laws import DAY_MS
from reciprocity.consent.merge import merge
from reciprocity.consent.state import Answer, Wishes
from reciprocity.events import Act, Quiet
from reciprocity.model import ConsentState
from tests.consent import drawn
from tests.consent.shops import SHOP

NOW = 400 * DAY_MS
GIVEN, PENDING = ConsentState.GIVEN, ConsentState.PENDING
NO = {ConsentState.REFUSED, ConsentState.WITHDRAWN}
ADA = Saying(brand=SHOP, laws=(), actor="operator:ada", method="merge", at=NOW)


def heard(wishes: Wishes, acts: list[tuple[str, Act]], version: int = 100) -> Wishes:
    for number, (kind, act) in enumerate(acts):
        wishes = apply_act(wishes, kind, act, NOW, 0, version + number)
    return wishes


histories = st.lists(st.tuples(st.sampled_from(drawn.ACT_KINDS), drawn.acts), max_size=4).map(
    lambda acts: heard(Wishes(), acts, version=1)
)
"""Wishes as they really come about: folded from acts."""


def joined(one: Wishes, two: Wishes) -> tuple[Wishes, Wishes]:
    return heard(one, join(ADA, one, two)), heard(two, join(ADA, two, one))


@given(histories, histories)
def test_a_yes_stands_after_it_only_where_it_stood_and_the_other_said_nothing_else(one, two):
    both = merge(one, two)
    for before, after in zip((one, two), joined(one, two), strict=True):
        for key, answer in after.answers.items():
            if answer.state is GIVEN:
                assert before.answers[key] == answer
                assert both.answers[key].state is GIVEN


@given(histories, histories)
def test_every_no_of_either_is_a_no_of_both(one, two):
    both = merge(one, two)
    for after in joined(one, two):
        for key, answer in both.answers.items():
            if answer.state in NO:
                assert after.answers[key].state in NO


@given(histories, histories)
def test_objections_caps_pauses_and_quiet_time_are_those_of_both(one, two):
    both = merge(one, two)
    for after in joined(one, two):
        assert after.objections.keys() == both.objections.keys()
        for key, (_, by_person) in both.objections.items():
            assert after.objections[key][1] is by_person
        assert after.caps == both.caps
        assert after.pauses == both.pauses
        assert after.quiet == both.quiet


@given(histories, histories)
def test_no_topic_is_wanted_more_and_nothing_more_is_shared(one, two):
    both = merge(one, two)
    for before, after in zip((one, two), joined(one, two), strict=True):
        for topic, told in after.topics.items():
            stood = before.topics[topic].level if topic in before.topics else 0
            assert told.level <= stood
            assert told.level <= both.topics[topic].level
        for topic, told in both.topics.items():
            if told.level < 0:
                assert after.topics[topic].level <= told.level
        for purpose, names in after.shared.items():
            assert set(names) <= set(before.shared.get(purpose, ()))


@given(histories, histories)
def test_what_is_no_matter_of_wishes_stays(one, two):
    for before, after in zip((one, two), joined(one, two), strict=True):
        assert (after.points, after.language, after.time_zone, after.age_at_least) == (
            before.points, before.language, before.time_zone, before.age_at_least
        )  # fmt: skip
        assert after.erase_at == before.erase_at


@given(histories, histories)
def test_saying_it_again_says_nothing(one, two):
    a, b = joined(one, two)
    assert join(ADA, a, b) == join(ADA, b, a) == []


@given(histories)
def test_a_record_is_as_strict_as_itself_and_as_one_that_says_nothing(one):
    assert join(ADA, one, one) == join(ADA, one, Wishes()) == []


def test_a_no_goes_over_also_where_the_other_record_was_never_asked():
    no = Wishes(answers={"offers/email": Answer(state=ConsentState.REFUSED, version=1, at=1)})
    ((kind, act),) = join(ADA, Wishes(), no)
    assert (kind, act.actor, act.consent[0].reason) == ("consent.refused", "operator:ada", "merge")


def test_an_objection_of_the_person_goes_over_as_their_own_word():
    mine, other = Wishes(quiet=Quiet(start=1, end=2)), Wishes(objections={"*/*": (3, True)})
    ((kind, act),) = join(ADA, mine, other)
    assert (kind, act.actor, act.source) == ("objection.made", "person", "operator:ada")
