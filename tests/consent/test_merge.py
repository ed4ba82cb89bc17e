"""Two identities, one person: strict, and in whatever order the two were found."""

import pytest
from hypothesis import given

from reciprocity.consent.laws import DAY_MS
from reciprocity.consent.merge import ALL_DAY, merge
from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.events import Quiet, TopicLevel
from reciprocity.model import ConsentState
from tests.consent.drawn import answers, wishes

KEY = "offers/email"
GIVEN, REFUSED = ConsentState.GIVEN, ConsentState.REFUSED


@given(wishes, wishes)
def test_the_order_of_two_does_not_matter(a, b):
    assert merge(a, b) == merge(b, a)


@given(wishes, wishes, wishes)
def test_the_order_of_many_does_not_matter(a, b, c):
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(wishes, wishes)
def test_merging_again_changes_nothing(a, b):
    assert merge(a, a) == a
    assert merge(merge(a, b), b) == merge(a, b)


def answering(answer: Answer) -> Wishes:
    return Wishes(answers={KEY: answer})


@given(*[answers.map(answering)] * 3)
def test_two_words_on_the_same_thing_merge_in_any_order(a, b, c):
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


def test_of_two_yeses_the_one_that_ends_first_and_weighs_least_stands():
    older = Answer(state=GIVEN, version=3, at=5, own=False, until=900)
    newer = Answer(state=GIVEN, version=7, at=8, own=True, notice="n")
    assert merge(answering(older), answering(newer)).answers[KEY] == Answer(
        state=GIVEN, version=7, at=5, own=False, until=900, notice="n"
    )


@given(wishes)
def test_an_identity_that_said_nothing_changes_nothing(a):
    assert merge(a, Wishes()) == a


@given(wishes, wishes)
def test_a_yes_stands_only_where_one_said_it_and_the_other_said_nothing_else(a, b):
    for key, answer in merge(a, b).answers.items():
        if answer.state is GIVEN:
            said = [each.answers[key] for each in (a, b) if key in each.answers]
            assert {each.state for each in said} == {GIVEN}
            assert answer.at == min(each.at for each in said)
            ends = [each.until for each in said if each.until]
            assert answer.until == (min(ends) if ends else 0)


@given(wishes, wishes)
def test_what_either_took_away_stays_away(a, b):
    both = merge(a, b)
    assert both.objections.keys() == a.objections.keys() | b.objections.keys()
    for one in (a, b):
        assert all(both.pauses[channel] >= until for channel, until in one.pauses.items())
        assert all(set(both.shared[each]) <= set(names) for each, names in one.shared.items())
        assert bool(both.erase_at) >= bool(one.erase_at)
        for channel, point in one.points.items():
            assert both.points[channel].bounced >= point.bounced
            assert both.points[channel].suppressed >= point.suppressed
            assert both.points[channel].confirmed <= point.confirmed
        for channel, pair in one.caps.items():
            for ours, theirs in zip(both.caps[channel], pair, strict=True):
                assert theirs is None or (ours is not None and ours <= theirs)


@given(wishes, wishes)
def test_every_quiet_minute_of_either_is_quiet_unless_it_passes_noon(a, b):
    both = merge(a, b).quiet
    for one in (a.quiet, b.quiet):
        if one is not None and both is not None and both != ALL_DAY:
            assert quiet_minutes(one) <= quiet_minutes(both)


def quiet_minutes(quiet: Quiet) -> set[int]:
    length = (quiet.end - quiet.start) % 1440
    return {(quiet.start + minute) % 1440 for minute in range(length)}


def test_a_no_of_one_identity_beats_a_yes_of_the_other():
    yes = Wishes(answers={KEY: Answer(state=GIVEN, version=9, at=9 * DAY_MS)})
    no = Wishes(answers={KEY: Answer(state=REFUSED, version=1, at=1)})
    assert merge(yes, no).answers[KEY].state is REFUSED


def test_a_yes_of_one_identity_stands_where_the_other_was_never_asked():
    yes = Wishes(answers={KEY: Answer(state=GIVEN, version=9, at=9)})
    assert merge(yes, Wishes(language="de")).answers == yes.answers


def test_two_addresses_become_one_that_is_confirmed_only_if_both_were():
    a = Wishes(points={"email": Point(version=1, confirmed=True)})
    b = Wishes(points={"email": Point(version=2, bounced=True)})
    assert merge(a, b).points == {"email": Point(version=2, bounced=True)}


def test_what_was_declared_beats_what_was_observed_even_when_that_is_lower():
    a = Wishes(topics={"mens": TopicLevel(level=1)})
    b = Wishes(topics={"mens": TopicLevel(level=-2, source="observed:past")})
    assert merge(a, b).topics == a.topics


@pytest.mark.parametrize(
    ("a", "b", "both"),
    [
        ((1320, 420), (1260, 360), (1260, 420)),
        ((1320, 420), (60, 540), (1320, 540)),
        ((1320, 420), (5, 5), (1320, 420)),
        ((780, 840), (1320, 420), (780, 420)),
        ((660, 780), (1320, 420), (720, 719)),
    ],
    ids=["two nights", "overlapping", "one empty", "afternoon and night", "noon and night"],
)
def test_quiet_times_join_to_one_that_holds_both(a, b, both):
    one, other = (Wishes(quiet=Quiet(start=start, end=end)) for start, end in (a, b))
    assert merge(one, other).quiet == Quiet(start=both[0], end=both[1])
