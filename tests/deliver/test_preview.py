"""The live preview: what it equals, what it supposes, and what it never does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reciprocity.consent.prefer import Preferences
from reciprocity.deliver.preview import Changes, Previews, preview
from reciprocity.errors import InputError
from reciprocity.events import Quiet
from reciprocity.model import ConsentState, Verdict
from reciprocity.vault.profile import set_attributes
from tests.deliver.months import CAMPAIGNS, HOUR, MONTH, Month, Stencil, Word
from tests.shop import DAY, add_people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reciprocity.deliver.preview import Preview

END = MONTH + 30 * DAY
Step = tuple[str, object]


@pytest.fixture(scope="module")
def stencil(tmp_path_factory: pytest.TempPathFactory) -> Stencil:
    """Messages that may tie for a person, so that the draw decides."""
    return Stencil(tmp_path_factory.mktemp("ties"), ties=True)


@pytest.fixture(scope="module")
def untied(tmp_path_factory: pytest.TempPathFactory) -> Stencil:
    return Stencil(tmp_path_factory.mktemp("untied"), ties=False)


levels = st.integers(-2, 2)
slots = st.integers(0, 1)
caps = st.sampled_from([(None, None), (0, None), (1, None), (1, 2), (None, 1), (3, 4)])
quiets = st.sampled_from([None, (22 * 60, 7 * 60), (0, 1_439), (9 * 60, 17 * 60), (600, 600)])
zones = st.sampled_from(["Asia/Tokyo", "America/Lima", "Europe/London"])
wishes: dict[str, st.SearchStrategy[object]] = {
    "garden": levels,
    "kitchen": levels,
    "caps": caps,
    "quiet": quiets,
    "pause": st.sampled_from([0, 30 * HOUR, 9 * DAY, 300 * DAY]),
    "zone": zones,
    "answer": st.booleans(),
    "shared": st.booleans(),
}
wish = st.sampled_from(sorted(wishes)).flatmap(lambda name: st.tuples(st.just(name), wishes[name]))


def speak(month: Month, slot: int, name: str, value: object) -> None:
    """The person says, in a real act, what the step *name* with *value* is about."""
    if name in {"garden", "kitchen"}:
        month.like(slot, name, value)
    elif name == "caps":
        month.say(slot, caps={"email": value})
    elif name == "quiet":
        quiet = Quiet(start=value[0], end=value[1]) if value else None
        month.say(slot, quiet=quiet, quiet_unset=quiet is None)
    elif name == "pause":
        month.say(slot, pauses={"*": month.clock.at + value if value else 0})
    elif name == "zone":
        month.say(slot, time_zone=value)
    elif name == "answer":
        month.answer(slot, yes=value)
    else:
        month.share(slot, *(["visits"] if value else []))


def changes_of(said: dict[str, object]) -> Changes:
    """The same as changes for a preview."""
    wanted = Preferences(
        topics={name: said[name] for name in ("garden", "kitchen") if name in said},
        caps={"email": said["caps"]} if "caps" in said else {},
        quiet=said.get("quiet"),
        quiet_unset="quiet" in said and said["quiet"] is None,
        pauses={"*": MONTH + said["pause"] if said["pause"] else 0} if "pause" in said else {},
        time_zone=said.get("zone", ""),
    )
    return Changes(
        preferences=wanted,
        answers={"offers/email": said["answer"]} if "answer" in said else {},
        shared={"offers": ("visits",) if said["shared"] else ()} if "shared" in said else {},
    )


# --- without changes --------------------------------------------------------------------------

troubles = st.sampled_from(["withdraw", "prefer", "again", "failed", "bounced", "unknown", ""])
steps = st.one_of(
    st.tuples(st.just("say"), st.tuples(slots, wish)),
    st.tuples(st.just("send"), st.sampled_from(CAMPAIGNS)),
    st.tuples(st.just("send"), st.sampled_from(CAMPAIGNS)),
    st.tuples(st.just("trouble"), troubles),
    st.tuples(st.just("time"), st.sampled_from([1, 5, 11, 30, 24 * 7])),
    st.tuples(st.just("jump"), st.sampled_from([1, 9, 30, 24 * 7])),
    st.tuples(st.just("tick"), st.none()),
    st.tuples(st.just("news"), st.tuples(slots, st.sampled_from(["bounced", "complained"]))),
)


def take(month: Month, step: Step, last: int) -> None:
    name, value = step
    if name == "say":
        slot, (wished, said) = value
        speak(month, slot, wished, said)
    elif name == "send":
        month.send(value)
    elif name == "trouble":
        month.troubles.append(value)
    elif name == "time":
        month.until(min(last, month.clock.at + value * HOUR))
    elif name == "jump":  # nobody looks at the outbox
        month.clock.at = min(last, month.clock.at + value * HOUR)
    elif name == "tick":
        month.tick()
    else:
        month.news(*value)


def words(found: Preview) -> dict[tuple[str, str], Word]:
    return {(each.campaign, each.message): Word.of(each.did) for each in found.messages}


@given(before=st.lists(steps, max_size=8), during=st.lists(steps, max_size=25))
@settings(suppress_health_check=list(HealthCheck))
def test_without_changes_a_preview_equals_what_really_happened(
    stencil: Stencil, before: list[Step], during: list[Step]
) -> None:
    month = stencil.month()
    try:
        for step in before:
            take(month, step, MONTH)
        month.begin()
        for step in during:
            take(month, step, END)
        month.clock.at = END
        size = month.journal.state().size
        previews = Previews(month.journal)
        for slot, really in month.words.items():
            found = previews.preview(slot)
            assert [each.would for each in found.messages] == [each.did for each in found.messages]
            assert words(found) == really
            assert found.totals.would_reach == found.totals.did_reach
        assert month.journal.state().size == size
    finally:
        month.end()


# --- with changes -----------------------------------------------------------------------------

shared_steps = st.one_of(
    st.tuples(st.just("wish"), wish),
    st.tuples(st.just("send"), st.sampled_from(CAMPAIGNS)),
    st.tuples(st.just("send"), st.sampled_from(CAMPAIGNS)),
    st.tuples(st.just("time"), st.sampled_from([1, 5, 11, 30, 24 * 7])),
)
said_at_once = st.lists(wish, max_size=3).map(dict)


@given(
    before=st.lists(shared_steps, max_size=6),
    during=st.lists(shared_steps, max_size=20),
    said=said_at_once,
)
@settings(suppress_health_check=list(HealthCheck))
def test_a_preview_equals_what_happened_to_a_twin_who_said_it_when_the_month_began(
    untied: Stencil, before: list[Step], during: list[Step], said: dict[str, object]
) -> None:
    """Two people alike in all but this: the second says the changes, the first only asks."""
    month = untied.month()
    try:
        for name, value in before:
            both(month, name, value, MONTH, set())
        month.begin()
        for name, value in said.items():
            speak(month, 1, name, value)
        month.clock.at += 1
        for name, value in during:
            both(month, name, value, END, set(said))
        month.until(END)
        asked = preview(month.journal, 0, changes_of(said))
        twin = preview(month.journal, 1)
        assert [bare(each.would) for each in asked.messages] == [
            bare(each.did) for each in twin.messages
        ]
        assert asked.totals.would_reach == twin.totals.did_reach
    finally:
        month.end()


def both(month: Month, name: str, value: object, last: int, changed: set[str]) -> None:
    """A step of both lives; in one and the same millisecond what is said would be heard first."""
    if name != "wish":
        take(month, (name, value), last)
        month.clock.at += 1
        return
    wished, said = value
    for slot in (0, 1):
        if slot == 0 or wished not in changed:
            speak(month, slot, wished, said)


def bare(fate: object) -> tuple[object, ...]:
    """A fate without what only a real sending knows; a no is a no, taken back or not."""
    no = {ConsentState.REFUSED: "no", ConsentState.WITHDRAWN: "no"}
    return fate.verdict, no.get(fate.reason, fate.reason), fate.at, fate.until


# --- what it supposes -------------------------------------------------------------------------


@pytest.fixture
def month(stencil: Stencil) -> Iterator[Month]:
    started = stencil.month()
    started.begin()
    yield started
    started.end()


def ask(month: Month, **changes: object) -> dict[str, tuple[bool, str]]:
    """Of each message, whether it would have reached person 0, and why not."""
    found = preview(month.journal, 0, Changes(**changes))
    return {each.message: (each.would.reached, each.would.reason) for each in found.messages}


def test_a_cap_supposed_holds_against_what_is_supposed_to_be_sent(month: Month) -> None:
    for campaign in ("spring", "autumn", "weekly"):
        month.send(campaign)
        month.clock.at += DAY
    assert len([each for each in ask(month).values() if each[0]]) == 3
    tight = ask(month, preferences=Preferences(caps={"email": (None, 2)}))
    assert [each for each in tight.values() if each[0]] == [(True, "")] * 2
    assert "cap_reached" in {reason for _, reason in tight.values()}
    none = ask(month, answers={"offers/email": False})
    assert {reason for _, reason in none.values()} == {"withdrawn"}


def test_a_yes_supposed_is_subject_to_every_other_rule(month: Month) -> None:
    month.answer(0, yes=False)
    month.send("spring")
    assert ask(month) == {"garden": (False, "withdrawn"), "kitchen": (False, "withdrawn")}
    yes = {"offers/email": True}
    assert ask(month, answers=yes) == {"garden": (True, ""), "kitchen": (False, "outranked")}
    not_shared = ask(month, answers=yes, shared={"offers": ()})
    assert {reason for _, reason in not_shared.values()} == {"attribute_not_shared"}


def test_a_message_that_waited_comes_when_its_quiet_time_is_over(month: Month) -> None:
    month.send("spring")
    minute = MONTH // 60_000 % 1_440
    quiet = Preferences(quiet=(minute - 60, minute + 60), time_zone="Africa/Abidjan")
    month.clock.at += HOUR // 2
    found = preview(month.journal, 0, Changes(preferences=quiet)).messages[0].would
    assert (found.verdict, found.reason) == (Verdict.WAIT, "quiet_time")
    month.clock.at += HOUR
    found = preview(month.journal, 0, Changes(preferences=quiet)).messages[0].would
    assert (found.reached, found.at - MONTH) == (True, HOUR - MONTH % 60_000)


def test_what_needs_no_consent_stays_as_it_was(month: Month) -> None:
    month.send("post")
    found = preview(month.journal, 0, Changes(answers={"offers/email": False}))
    parcel = next(each for each in found.messages if each.message == "parcel")
    review = next(each for each in found.messages if each.message == "review")
    assert parcel.would == parcel.did
    assert (parcel.would.reached, review.did.reached, review.would.reached) == (True, True, False)
    assert (found.totals.messages, found.totals.would_reach, found.totals.did_reach) == (2, 1, 2)
    assert found.totals.would_not == {"withdrawn": 1}


def test_a_subject_is_told_as_it_was_stated_and_to_nobody(month: Month) -> None:
    month.send("spring")
    (garden, _) = preview(month.journal, 0).messages
    assert (garden.title, garden.subject, garden.channel) == (
        "Spring", "The garden in spring", "email",
    )  # fmt: skip


def test_a_message_that_came_before_the_month_counts_as_it_did(stencil: Stencil) -> None:
    month = stencil.month()
    try:
        month.clock.at = MONTH - 2 * DAY
        month.send("spring")
        month.begin()
        month.send("weekly")
        tight = Changes(preferences=Preferences(caps={"email": (1, None)}))
        found = preview(month.journal, 0, tight, days=1)
        reasons = {each.message: each.would.reason for each in found.messages}
        assert reasons == {"lawn": "cap_reached", "oven": "outranked"}
    finally:
        month.end()


# --- where history cannot tell ----------------------------------------------------------------


def test_a_value_corrected_later_is_unknown_where_nothing_recorded_it(month: Month) -> None:
    month.send("autumn")  # `both` asks for visits, and was chosen
    set_attributes(month.journal, month.shop.statement, 0, {"visits": 1}, actor="person")
    month.send("spring")
    found = preview(month.journal, 0)
    assert [each.would for each in found.messages] == [each.did for each in found.messages]
    assert words(found)["autumn", "both"] == Word(left=True, reason="", outcome="delivered")
    tight = ask(month, preferences=Preferences(topics={"garden": 0, "kitchen": 2}))
    assert tight["both"] == (True, "")
    assert tight["kitchen"] == (False, "outside_audience")


def test_a_sender_killed_before_it_reached_a_person_is_not_supposed_to_reach_them(
    month: Month,
) -> None:
    def killed(_: object) -> None:
        raise KeyboardInterrupt

    outbox = month.shop.post.outbox
    put, outbox.put = outbox.put, killed
    with pytest.raises(KeyboardInterrupt):
        month.send("weekly")
    outbox.put = put
    assert ask(month)["lawn"] == (False, "not_sent")
    assert ask(month, preferences=Preferences(topics={"garden": 0})) == {
        "lawn": (False, "not_relevant"), "oven": (False, "not_sent"),
    }  # fmt: skip


# --- what it refuses, and never does ----------------------------------------------------------


def test_nobody_erased_or_unknown_is_looked_back_on(month: Month) -> None:
    month.shop.erase(2, "operator:tests", now=True)
    for slot in (2, 77):
        with pytest.raises(InputError, match="unknown or erased"):
            preview(month.journal, slot)


def test_changes_the_brand_does_not_allow_are_refused_all_at_once(month: Month) -> None:
    wrong = Changes(
        preferences=Preferences(topics={"cars": 1}, pauses={"*": 5}),
        answers={"offers/fax": True, "order/email": False},
        shared={"offers": ("shoe_size",)},
    )
    with pytest.raises(InputError) as refused:
        preview(month.journal, 0, wrong)
    assert len(refused.value.problems) == 6


@pytest.mark.parametrize("asked", [{"until": END}, {"days": 0}, {"days": 400}, {"until": -1}])
def test_a_time_that_is_not_over_is_refused(month: Month, asked: dict[str, int]) -> None:
    with pytest.raises(InputError, match="looks back"):
        preview(month.journal, 0, **asked)


def test_somebody_who_came_in_the_middle_of_the_month_missed_what_was_before(month: Month) -> None:
    month.send("spring")
    (slot,) = add_people(month.shop, 1)
    month.send("weekly")
    found = preview(month.journal, slot, Changes(answers={"offers/email": True}))
    reasons = {each.message: each.would.reason for each in found.messages}
    assert reasons["garden"] == reasons["kitchen"] == "unknown_person"
    assert reasons["lawn"] == ""


def test_previews_kept_open_see_what_came_since(month: Month) -> None:
    previews = Previews(month.journal)
    assert previews.preview(0).messages == ()
    month.send("spring")
    assert previews.preview(0) == preview(month.journal, 0)
    assert previews.preview(0).totals.messages == 2


def test_a_preview_writes_nothing(month: Month) -> None:
    month.send("spring")
    before = [month.journal.state(), month.shop.post.outbox.messages("spring")]
    preview(month.journal, 0, Changes(answers={"offers/email": False}))
    assert [month.journal.state(), month.shop.post.outbox.messages("spring")] == before
