"""What the laws promise, one example each; `test_consent_laws.py` holds them over all histories."""

from collections.abc import Sequence
from typing import Any

import pytest

from reciprocity.consent.fold import apply_act
from reciprocity.consent.laws import DAY_MS, consent_state_at, ends_at
from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.events import (
    Act,
    ConsentRow,
    Evidence,
    Objection,
    PointSet,
    Quiet,
    TopicLevel,
)
from reciprocity.model import ConsentState

GIVEN, PENDING = ConsentState.GIVEN, ConsentState.PENDING
REFUSED, WITHDRAWN = ConsentState.REFUSED, ConsentState.WITHDRAWN
NEVER_ASKED, UNVERIFIED = ConsentState.NEVER_ASKED, ConsentState.UNVERIFIED
EXPIRED = ConsentState.EXPIRED
KEY = "offers/email"
PERSON, STAFF, FILE = "person", "operator:ada", "import:crm"
TODAY = 1_000 * DAY_MS
PROOF = Evidence(when=TODAY - 100 * DAY_MS, how="form", text="v1")

Step = tuple[str, Act] | tuple[str, Act, int]


def act(actor: str = PERSON, **parts: Any) -> Act:
    return Act(actor=actor, method="test", **parts)


def answer(state: ConsentState, actor: str = PERSON, until: int = 0, **parts: Any) -> Act:
    row = ConsentRow(purpose="offers", channel="email", state=state, until=until)
    return act(actor, consent=(row,), **parts)


def live(steps: Sequence[Step], wishes: Wishes | None = None, first: int = 1) -> Wishes:
    """What stands after *steps*: (kind, act), recorded today, or (kind, act, instant)."""
    wishes = wishes or Wishes()
    for version, (kind, said, *at) in enumerate(steps, first):
        when = at[0] if at else TODAY
        wishes = apply_act(wishes, kind, said, when, when, version)
    return wishes


def state_after(*steps: Step, at: int = TODAY) -> ConsentState:
    return consent_state_at(live(steps), KEY, at)


YES: Step = ("consent.granted", answer(GIVEN))
NO: Step = ("consent.refused", answer(REFUSED))
BACK: Step = ("consent.withdrawn", answer(WITHDRAWN))
OLD_YES: Step = ("person.imported", answer(GIVEN, FILE, evidence=PROOF))


# --- answers ---


def test_nobody_has_consented_who_was_never_asked():
    assert consent_state_at(Wishes(), KEY, TODAY) is NEVER_ASKED


@pytest.mark.parametrize("actor", [PERSON, STAFF])
def test_a_yes_of_the_person_or_of_staff_for_them_is_given_and_their_own(actor):
    stands = live([("consent.granted", answer(GIVEN, actor, until=TODAY + 1, notice="n1"))])
    assert stands.answers[KEY] == Answer(
        state=GIVEN, version=1, at=TODAY, until=TODAY + 1, own=True, notice="n1"
    )


@pytest.mark.parametrize("actor", ["system", "", "personally", "operator", "shop"])
def test_nobody_else_can_say_yes(actor):
    assert state_after(("consent.granted", answer(GIVEN, actor))) is NEVER_ASKED


def test_anybody_can_take_a_yes_back():
    assert state_after(YES, ("consent.withdrawn", answer(WITHDRAWN, "system"))) is WITHDRAWN


@pytest.mark.parametrize(
    "kind", ["preferences.set", "consent.refused", "person.registered", "erasure.undone", "x.new"]
)
def test_a_yes_inside_another_kind_of_event_grants_nothing(kind):
    assert state_after((kind, answer(GIVEN))) is NEVER_ASKED


def test_a_withdrawal_inside_another_kind_of_event_still_counts():
    assert state_after(YES, ("preferences.set", answer(WITHDRAWN))) is WITHDRAWN


def test_a_yes_after_a_withdrawal_is_a_yes():
    assert state_after(YES, BACK, YES) is GIVEN


def test_a_grant_reaches_its_own_purpose_and_channel_only():
    assert set(live([YES]).answers) == {KEY}


def test_a_yes_ends_at_its_stated_instant():
    said = ("consent.granted", answer(GIVEN, until=TODAY + 10))
    assert state_after(said, at=TODAY + 9) is GIVEN
    assert state_after(said, at=TODAY + 10) is EXPIRED


def test_a_yes_ends_with_the_brands_validity_whatever_it_states():
    stands = Answer(state=GIVEN, version=1, at=TODAY, until=TODAY + 400 * DAY_MS)
    assert ends_at(stands, validity_days=365) == TODAY + 365 * DAY_MS


# --- confirming ---

ASKED: Step = ("consent.requested", answer(PENDING, until=TODAY + DAY_MS, notice="n1"))


def confirmed(at: int, actor: str = PERSON) -> Step:
    return ("consent.confirmed", answer(GIVEN, actor, until=TODAY + 99 * DAY_MS), at)


def test_a_request_waits_and_permits_nothing():
    assert state_after(ASKED) is PENDING


def test_a_confirmation_of_a_waiting_request_is_a_yes_to_the_notice_then_shown():
    stands = live([ASKED, confirmed(TODAY + 1)])
    assert stands.answers[KEY].state is GIVEN
    assert stands.answers[KEY].notice == "n1"
    assert not stands.requests


def test_a_confirmation_that_comes_too_late_confirms_nothing():
    assert state_after(ASKED, confirmed(TODAY + DAY_MS), at=TODAY + DAY_MS) is EXPIRED


def test_a_confirmation_without_a_request_confirms_nothing():
    assert state_after(confirmed(TODAY)) is NEVER_ASKED


@pytest.mark.parametrize("before", [YES, NO, BACK, OLD_YES])
def test_a_request_never_changes_an_answer(before):
    assert live([before, ASKED]).answers == live([before]).answers


def test_a_person_who_withdrew_can_come_back_by_confirming():
    assert state_after(BACK, ASKED) is WITHDRAWN
    assert state_after(BACK, ASKED, confirmed(TODAY + 1)) is GIVEN


def test_a_withdrawal_ends_the_request_that_waits():
    assert state_after(ASKED, BACK, confirmed(TODAY + 1)) is WITHDRAWN


def test_a_file_can_neither_request_nor_confirm():
    assert state_after(("consent.requested", answer(PENDING, FILE, until=TODAY + 9))) is NEVER_ASKED
    assert state_after(ASKED, confirmed(TODAY + 1, FILE)) is PENDING


# --- imports ---


def test_an_imported_yes_with_evidence_fills_a_gap_and_is_not_the_persons_own():
    stands = live([OLD_YES]).answers[KEY]
    assert (stands.state, stands.own, stands.at) == (GIVEN, False, PROOF.when)


@pytest.mark.parametrize(
    "evidence",
    [
        None,
        Evidence(how="form", text="v1"),
        Evidence(when=1, text="v1"),
        Evidence(when=1, how="form"),
        Evidence(when=TODAY + 1, how="form", text="v1"),
    ],
    ids=["none", "no when", "no how", "no text", "from the future"],
)
def test_an_imported_yes_without_evidence_is_unverified(evidence):
    assert state_after(("person.imported", answer(GIVEN, FILE, evidence=evidence))) is UNVERIFIED


@pytest.mark.parametrize("before", [YES, NO, BACK])
def test_an_imported_yes_never_changes_an_answer(before):
    assert live([before, OLD_YES]).answers == live([before]).answers


def test_later_evidence_of_an_import_leaves_the_persons_own_yes_alone():
    yes = ("consent.granted", answer(GIVEN), TODAY - DAY_MS)
    newer = (
        "person.imported",
        answer(GIVEN, FILE, evidence=Evidence(when=TODAY, how="f", text="v2")),
    )
    assert live([yes, newer]).answers == live([yes]).answers


def test_an_import_of_staff_is_still_an_import():
    said = ("person.imported", answer(GIVEN, STAFF, evidence=PROOF))
    assert not live([said]).answers[KEY].own
    assert state_after(BACK, said) is WITHDRAWN


def test_an_import_that_runs_again_changes_nothing():
    for said in (OLD_YES, ("person.imported", answer(GIVEN, FILE)),
                 ("person.imported", answer(WITHDRAWN, FILE))):  # fmt: skip
        once = live([said])
        assert live([said], once, first=2) == once


def test_evidence_that_comes_later_verifies_and_renews_what_only_an_import_said():
    bare = ("person.imported", answer(GIVEN, FILE))
    assert state_after(bare, OLD_YES) is GIVEN
    newer = Evidence(when=PROOF.when + 1, how="form", text="v2")
    renewed = live([OLD_YES, ("person.imported", answer(GIVEN, FILE, evidence=newer))])
    assert renewed.answers[KEY].at == newer.when


@pytest.mark.parametrize("state", [REFUSED, WITHDRAWN])
def test_an_imported_no_applies(state):
    assert state_after(YES, ("person.imported", answer(state, FILE))) is state


@pytest.mark.parametrize(("late", "expected"), [(0, WITHDRAWN), (1, GIVEN)])
def test_only_an_own_yes_more_than_a_day_later_outweighs_an_imported_no(late, expected):
    evidence = Evidence(when=TODAY - DAY_MS - late)
    said = ("person.imported", answer(WITHDRAWN, FILE, evidence=evidence))
    assert state_after(YES, said) is expected


def test_an_imported_yes_never_outweighs_an_imported_no():
    evidence = Evidence(when=1)
    said = ("person.imported", answer(WITHDRAWN, FILE, evidence=evidence))
    assert state_after(OLD_YES, said) is WITHDRAWN


def test_an_old_imported_no_leaves_a_newer_request_of_the_person_waiting():
    said = ("person.imported", answer(WITHDRAWN, FILE, evidence=Evidence(when=1)))
    assert state_after(ASKED, said) is WITHDRAWN
    assert state_after(ASKED, said, confirmed(TODAY + 1)) is GIVEN


# --- objections ---


def objection(actor: str, *, lifted: bool = False, at: int = 0) -> Step:
    kind = "objection.lifted" if lifted else "objection.made"
    told = (Objection(purpose="offers", channel="email", lifted=lifted),)
    return kind, act(actor, objections=told, evidence=Evidence(when=at) if at else None)


@pytest.mark.parametrize(
    ("made_by", "lifted_by", "stands"),
    [
        (PERSON, PERSON, False),
        (PERSON, STAFF, True),
        (PERSON, FILE, True),
        (STAFF, PERSON, False),
        (STAFF, STAFF, False),
        (STAFF, FILE, True),
        (FILE, PERSON, False),
        (FILE, STAFF, False),
        (FILE, FILE, True),
        (FILE, "system", True),
    ],
)
def test_who_may_lift_whose_objection(made_by, lifted_by, stands):
    left = live([objection(made_by), objection(lifted_by, lifted=True)])
    assert bool(left.objections) is stands


def test_an_objection_repeated_by_staff_stays_the_persons():
    assert live([objection(PERSON), objection(STAFF)]).objections[KEY] == (1, True)
    assert live([objection(STAFF), objection(PERSON)]).objections[KEY] == (2, True)


def test_an_objection_is_not_lifted_by_a_yes_nor_by_another_kind_of_event():
    told = act(objections=(Objection(purpose="offers", channel="email", lifted=True),))
    assert live([objection(PERSON), YES, ("preferences.set", told)]).objections


def test_an_imported_objection_gives_way_to_a_much_later_own_yes_to_exactly_this():
    assert not live([YES, objection(FILE, at=1)]).objections
    everything = act(FILE, objections=(Objection(purpose="*"),), evidence=Evidence(when=1))
    assert live([YES, ("person.imported", everything)]).objections


# --- contact points ---


def point(actor: str = PERSON, kind: str = "contact_point.set", **parts: Any) -> Step:
    return kind, act(actor, points=(PointSet(channel="email", **parts),))


def test_a_new_contact_point_is_unconfirmed_unless_the_act_says_so():
    assert live([point()]).points["email"] == Point(version=1)
    assert live([point(FILE, "person.imported", confirmed=True)]).points["email"].confirmed


@pytest.mark.parametrize(("actor", "kind"), [("system", "contact_point.set"),
                                             (PERSON, "consent.requested")])  # fmt: skip
def test_neither_a_request_nor_a_machine_confirms_a_contact_point(actor, kind):
    before = live([point()])
    assert before == live([point(actor, kind, point=1, confirmed=True)], before, first=2)


def test_one_contact_point_is_active_a_channel():
    assert live([point(confirmed=True), point()]).points == {"email": Point(version=2)}


def test_news_of_a_former_contact_point_changes_nothing():
    stands = live([point(confirmed=True), point()])
    later = live([point(point=1, bounced=True), point(point=1, retired=True)], stands, first=3)
    assert later == stands


@pytest.mark.parametrize("flag", ["bounced", "suppressed"])
def test_bad_news_of_the_active_contact_point_stays(flag):
    stands = live(
        [point(), point("system", point=1, **{flag: True}), point(point=1, confirmed=True)]
    )
    assert getattr(stands.points["email"], flag)
    assert stands.points["email"].confirmed


def test_a_retired_contact_point_is_gone():
    assert not live([point(), point("system", point=1, retired=True)]).points


def test_a_kind_that_takes_away_never_brings_a_contact_point():
    assert not live([point(PERSON, "contact_point.bounced", confirmed=True)]).points


def test_an_old_imported_bounce_gives_way_to_a_much_later_own_yes_on_the_channel():
    bounce = act(FILE, points=(PointSet(channel="email", point=1, bounced=True),),
                 evidence=Evidence(when=1))  # fmt: skip
    assert not live([point(), YES, ("person.imported", bounce)]).points["email"].bounced
    assert live([point(), OLD_YES, ("person.imported", bounce)]).points["email"].bounced


# --- preferences ---


def preferring(actor: str = PERSON, **parts: Any) -> Step:
    return ("person.imported" if actor == FILE else "preferences.set"), act(actor, **parts)


DECLARED_NO = TopicLevel(level=-2)
SEEN = TopicLevel(level=2, source="observed:past-purchases")


def test_what_a_person_declared_beats_what_was_observed_in_either_order():
    declared, seen = (
        preferring(topics={"mens": DECLARED_NO}),
        preferring(FILE, topics={"mens": SEEN}),
    )
    assert live([declared, seen]).topics == live([seen, declared]).topics == {"mens": DECLARED_NO}


def test_a_declared_zero_is_a_word_that_observation_does_not_overwrite():
    neutral = TopicLevel(level=0)
    assert live([preferring(topics={"mens": neutral}), preferring(FILE, topics={"mens": SEEN})]
                ).topics == {"mens": neutral}  # fmt: skip


def test_a_level_from_a_source_nobody_knows_is_not_kept():
    assert not live([preferring(topics={"mens": TopicLevel(level=2, source="inferred")})]).topics


def test_a_file_fills_preferences_that_nobody_stated_and_no_others():
    own = {
        "topics": {"mens": TopicLevel(level=1)}, "caps": {"email": (1, 4)}, "language": "de",
        "quiet": Quiet(start=1, end=2), "time_zone": "Europe/Zurich", "pauses": {"*": TODAY + 5},
        "shared": {"offers": ()}, "age_at_least": 18,
    }  # fmt: skip
    theirs = {
        "topics": {"mens": TopicLevel(level=2), "womens": TopicLevel(level=2)},
        "caps": {"email": (9, 9), "post": (1, 1)}, "language": "en", "age_at_least": 21,
        "quiet": Quiet(start=3, end=4), "time_zone": "Europe/Paris", "pauses": {"*": 9, "post": 9},
        "shared": {"offers": ("zip",), "news": ("zip",)},
    }  # fmt: skip
    stands = live([preferring(**own), preferring(FILE, **theirs)])
    assert stands == Wishes(
        **{**own, "topics": {**theirs["topics"], **own["topics"]},
           "caps": {"post": (1, 1), "email": (1, 4)}, "pauses": {"post": 9, "*": TODAY + 5},
           "shared": {"news": ("zip",), "offers": ()}}
    )  # fmt: skip


def test_caps_are_set_channel_by_channel_and_taken_back_with_no_wish():
    stands = live([preferring(caps={"email": (1, 4)}), preferring(caps={"post": (None, 1)})])
    assert stands.caps == {"email": (1, 4), "post": (None, 1)}
    assert live([preferring(caps={"email": (None, None)})], stands).caps == {"post": (None, 1)}


def test_a_pause_ends_with_zero_and_quiet_time_is_taken_back():
    quiet = Quiet(start=1, end=2)
    stands = live([preferring(pauses={"*": TODAY + 5}, quiet=quiet)])
    assert (stands.pauses, stands.quiet) == ({"*": TODAY + 5}, quiet)
    later = live([preferring(pauses={"*": 0}, quiet_unset=True)], stands)
    assert later == Wishes()


def test_sharing_is_replaced_purpose_by_purpose():
    stands = live([preferring(shared={"offers": ("zip",), "news": ("zip",)})])
    assert live([preferring(shared={"offers": ()})], stands).shared == {
        "offers": (), "news": ("zip",),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["consent.withdrawn", "objection.made", "erasure.requested"])
def test_a_kind_that_takes_away_sets_no_preference(kind):
    loosening = act(topics={"mens": SEEN}, pauses={"*": 0}, caps={"email": (9, 9)},
                    quiet_unset=True, shared={"offers": ("zip",)}, age_at_least=99)  # fmt: skip
    before = live([preferring(pauses={"*": TODAY + 5}, quiet=Quiet(start=1, end=2))])
    after = live([(kind, loosening)], before)
    assert (after.pauses, after.quiet) == (before.pauses, before.quiet)
    assert [after.topics, after.caps, after.shared, after.age_at_least] == [{}, {}, {}, 0]


# --- erasure ---


def test_a_request_to_be_erased_stands_until_undone_in_time():
    asked = ("erasure.requested", act(erase_at=TODAY + 10))
    assert live([asked]).erase_at == TODAY + 10
    assert live([asked, ("erasure.undone", act(), TODAY + 9)]).erase_at == 0
    assert live([asked, ("erasure.undone", act(), TODAY + 10)]).erase_at == TODAY + 10
    assert live([asked, ("erasure.undone", act(FILE), TODAY + 9)]).erase_at == TODAY + 10


def test_a_second_request_to_be_erased_never_puts_it_off():
    first, second = act(erase_at=TODAY + 10), act(erase_at=TODAY + 20)
    assert (
        live([("erasure.requested", first), ("erasure.requested", second)]).erase_at == TODAY + 10
    )


def test_a_request_to_be_erased_without_an_instant_stands_too():
    assert live([("erasure.requested", act())]).erase_at == TODAY
