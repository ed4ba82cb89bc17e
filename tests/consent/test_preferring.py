"""Preferences: what can be meant is drafted, what cannot is refused, all of it at once."""

import pytest

from reciprocity.consent.fold import apply_act
from reciprocity.consent.prefer import Preferences, pause, prefer
from reciprocity.consent.state import Wishes
from reciprocity.errors import InputError
from reciprocity.events import Quiet, TopicLevel
from tests.consent.shops import NOW, saying


def test_all_that_a_person_states_is_what_then_stands():
    wanted = Preferences(
        topics={"mens": -2}, caps={"email": (None, 4)}, quiet=(1200, 480),
        pauses={"letters": NOW + 1}, language="pt-BR", time_zone="America/Sao_Paulo",
    )  # fmt: skip
    kind, act = prefer(saying(), wanted)
    assert apply_act(Wishes(), kind, act, NOW, NOW, 1) == Wishes(
        topics={"mens": TopicLevel(level=-2)}, caps={"email": (None, 4)},
        quiet=Quiet(start=1200, end=480), pauses={"letters": NOW + 1}, language="pt-BR",
        time_zone="America/Sao_Paulo",
    )  # fmt: skip


def test_a_pause_is_everywhere_unless_named_and_zero_ends_it():
    kind, act = pause(saying(), NOW + 1)
    paused = apply_act(Wishes(), kind, act, NOW, NOW, 1)
    assert paused.pauses == {"*": NOW + 1}
    assert apply_act(paused, *pause(saying(), 0), NOW, NOW, 2) == Wishes()
    assert pause(saying(), NOW + 1, ["email"])[1].pauses == {"email": NOW + 1}


def test_quiet_time_is_taken_back():
    assert prefer(saying(), Preferences(quiet_unset=True))[1].quiet_unset


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({}, "preference is missing"),
        ({"topics": {"men": 1}}, "topic 'men' is not declared"),
        ({"topics": {"mens": 3}}, "level 3: expected -2 to 2"),
        ({"topics": {"mens": True}}, "expected -2 to 2"),
        ({"caps": {"fax": (1, 1)}}, "channel 'fax' is not declared"),
        ({"caps": {"email": (-1, 1)}}, "is -1: expected 0"),
        ({"caps": {"email": (None, 1.5)}}, "is 1.5: expected 0"),
        ({"quiet": (1440, 0)}, "minute 1440: expected 0 to 1439"),
        ({"quiet": (0, 5), "quiet_unset": True}, "set and taken back at once"),
        ({"pauses": {"fax": NOW + 1}}, "channel 'fax' is not declared"),
        ({"pauses": {"email": NOW}}, "does not end in the future"),
        ({"pauses": {"email": 2**53}}, "does not end in the future"),
        ({"language": "English, please"}, "is not a tag"),
        ({"time_zone": "Europe/Zuerich"}, "time zone 'Europe/Zuerich' is not known"),
        ({"time_zone": "../../etc/passwd"}, "is not known"),
    ],
)
def test_what_cannot_be_meant_is_refused(wanted, problem):
    with pytest.raises(InputError, match=problem):
        prefer(saying(), Preferences(**wanted))


def test_every_problem_is_listed():
    wanted = Preferences(topics={"men": 9}, caps={"fax": (-1, -1)}, time_zone="x", quiet=(-1, -1))
    with pytest.raises(InputError) as caught:
        prefer(saying("shop"), wanted)
    assert len(caught.value.problems) == 9
