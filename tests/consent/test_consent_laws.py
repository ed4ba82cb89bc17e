"""The laws over all histories hypothesis can think of, and a machine that tries to break in."""

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reciprocity.consent.fold import apply_act
from reciprocity.consent.laws import REACH, consent_state_at
from reciprocity.consent.state import Wishes
from reciprocity.events import KINDS, Act, ConsentRow, Objection
from reciprocity.journal.entry import TAKES_AWAY
from reciprocity.journal.standing import Standing, fold, next_change_at
from reciprocity.model import ConsentState
from tests.consent.drawn import ACT_KINDS, acts, events, instants, maybe_instants, rows, wishes

GIVEN, PENDING = ConsentState.GIVEN, ConsentState.PENDING
TAKEN = {ConsentState.REFUSED, ConsentState.WITHDRAWN}
OWN = ("person", "operator:ada")
LEAF = b"\1" * 32
histories = st.lists(st.tuples(events, instants), max_size=8)


def folded(history, standing=None) -> Standing:
    standing = standing or Standing(slot=3)
    for (kind, body), at in history:
        standing = fold(standing, kind, 1, body, at, at, standing.version + 1, LEAF)
    return standing


def key_of(row: ConsentRow) -> str:
    return f"{row.purpose}/{row.channel}"


def says_yes(kind: str, act: Act, key: str) -> bool:
    """Does the event hold a yes to *key* that the person, or staff for them, gave?"""
    return (
        kind in {"consent.granted", "consent.confirmed"}
        and act.actor in OWN
        and any(row.state is GIVEN and key_of(row) == key for row in act.consent)
    )


def proves_yes(kind: str, act: Act, key: str, at: int) -> bool:
    """Does an import bring a yes to *key* and know when, how and to which text?"""
    proof = act.evidence
    return (
        kind in {"person.imported", "consent.granted"}
        and proof is not None
        and 0 < proof.when <= at
        and bool(proof.how)
        and bool(proof.text)
        and any(row.state is GIVEN and key_of(row) == key for row in act.consent)
    )


def test_a_kind_without_reach_is_exactly_one_that_is_taken_whatever_the_clock_says():
    assert {kind for kind in ACT_KINDS if kind not in REACH} == {
        kind for kind in TAKES_AWAY if KINDS[kind, 1].body is Act
    }


@given(histories)
def test_any_history_folds_always_to_the_same(history):
    assert folded(history) == folded(history)


@given(histories)
def test_what_stands_survives_being_written_as_json_and_read_back(history):
    standing = folded(history)
    assert msgspec.json.decode(msgspec.json.encode(standing), type=Standing) == standing


@given(histories, st.integers(0, 3), events, instants)
def test_an_event_of_a_version_not_published_changes_nothing_but_the_count(history, v, event, at):
    assume(v != 1)
    before = folded(history)
    after = fold(before, event[0], v, event[1], at, at, before.version + 1, LEAF)
    assert (after.wishes, after.sent, after.held) == (before.wishes, before.sent, before.held)
    assert after.version == before.version + 1


@given(histories, events, instants)
def test_folding_leaves_what_stood_before_untouched(history, event, at):
    before = folded(history)
    copy = msgspec.json.decode(msgspec.json.encode(before), type=Standing)
    fold(before, *event[:1], 1, event[1], at, at, before.version + 1, LEAF)
    assert before == copy


@given(wishes, st.sampled_from(ACT_KINDS), acts, instants, maybe_instants)
def test_every_answer_that_changes_bears_the_version_and_the_rows_own_reason(
    before, kind, act, at, happened_at
):
    after = apply_act(before, kind, act, at, happened_at, 77)
    for answers, earlier in ((after.answers, before.answers), (after.requests, before.requests)):
        for key, answer in answers.items():
            if answer.version != 77:
                assert answer in (before.answers.get(key), before.requests.get(key))
                continue
            told = [row for row in act.consent if key_of(row) == key]
            assert answer.reason in {row.reason for row in told}
            assert answer.at <= at
            assert answer != earlier.get(key)


@given(wishes, acts, instants)
def test_a_request_never_changes_an_answer(before, act, at):
    before = msgspec.structs.replace(before, requests={})
    asked = tuple(row for row in act.consent if row.state not in TAKEN)
    act = msgspec.structs.replace(act, consent=asked)
    after = apply_act(before, "consent.requested", act, at, at, 77)
    for key, answer in before.answers.items():
        assert after.answers[key] == answer or answer.state is PENDING
    assert all(
        each.state is not GIVEN or key in before.answers for key, each in after.answers.items()
    )


@given(wishes, acts, st.sampled_from(ACT_KINDS), instants)
def test_an_import_that_runs_again_changes_nothing(before, act, kind, at):
    act = msgspec.structs.replace(
        act, actor="import:crm", points=tuple(each for each in act.points if each.point)
    )
    once = apply_act(before, kind, act, at, at, 77)
    again = apply_act(once, kind, act, at, at, 78)
    assert again == once


@given(wishes, acts, st.sampled_from(ACT_KINDS), instants)
def test_an_import_never_changes_what_a_person_declared(before, act, kind, at):
    act = msgspec.structs.replace(act, actor="import:crm")
    after = apply_act(before, kind, act, at, at, 77)
    for topic, level in before.topics.items():
        assert level.source != "declared" or after.topics[topic] == level
    for part in ("caps", "pauses", "shared"):
        stood, stands = getattr(before, part), getattr(after, part)
        assert stood.items() <= stands.items()
    for part in ("quiet", "language", "time_zone", "age_at_least"):
        assert getattr(after, part) == getattr(before, part) or not getattr(before, part)


def no_looser(before: Wishes, after: Wishes) -> bool:
    """Can nothing leave after that could not before?"""
    return (
        all(
            each.state is not GIVEN or before.answers.get(key) == each
            for key, each in after.answers.items()
        )
        and before.objections.keys() <= after.objections.keys()
        and before.topics == after.topics
        and before.caps == after.caps
        and before.pauses == after.pauses
        and before.shared == after.shared
        and before.quiet == after.quiet
        and before.age_at_least == after.age_at_least
        and (after.erase_at != 0 or before.erase_at == 0)
        and all(
            channel in before.points
            and before.points[channel].version == point.version
            and before.points[channel].bounced <= point.bounced
            and before.points[channel].suppressed <= point.suppressed
            and before.points[channel].confirmed >= point.confirmed
            for channel, point in after.points.items()
        )
        and all(
            each.state is not PENDING or each in (before.requests.get(key), before.answers.get(key))
            for key, each in (*after.requests.items(), *after.answers.items())
        )
    )


@given(wishes, acts, st.sampled_from([*sorted(set(ACT_KINDS) - set(REACH)), "x.new"]), instants)
def test_an_act_that_only_takes_away_loosens_nothing_whatever_it_says(before, act, kind, at):
    assert no_looser(before, apply_act(before, kind, act, at, at, 77))


@given(wishes, acts, st.sampled_from(ACT_KINDS), instants)
def test_an_actor_that_is_not_recognised_loosens_nothing(before, act, kind, at):
    act = msgspec.structs.replace(act, actor="shop")
    assume(kind != "person.imported")
    assert no_looser(before, apply_act(before, kind, act, at, at, 77))


@given(histories, st.sampled_from(("consent.refused", "consent.withdrawn")), rows, instants,
       st.sampled_from((*OWN, "system")))  # fmt: skip
def test_a_no_applies_to_any_history_and_ends_every_waiting_request(history, kind, row, at, actor):
    state = ConsentState.WITHDRAWN if kind == "consent.withdrawn" else ConsentState.REFUSED
    row = msgspec.structs.replace(row, state=state)
    act = Act(actor=actor, method="test", consent=(row,))
    after = folded([((kind, act), at)], folded(history)).wishes
    assert consent_state_at(after, key_of(row), at) is state
    assert key_of(row) not in after.requests


@given(histories, st.sampled_from(("operator:ada", "import:crm", "system")), acts,
       st.sampled_from(ACT_KINDS), instants)  # fmt: skip
def test_only_the_person_lifts_the_persons_objection(history, actor, act, kind, at):
    made = Act(actor="person", method="test", objections=(Objection(purpose="offers"),))
    standing = folded([(("objection.made", made), 0)], folded(history))
    act = msgspec.structs.replace(act, actor=actor)
    after = folded([((kind, act), at)], standing)
    assert after.wishes.objections["offers/*"] == standing.wishes.objections["offers/*"]


@given(histories, instants)
def test_nothing_that_history_decides_changes_before_the_next_change(history, after):
    standing = folded(history)
    due = next_change_at(standing, after)
    assert due == 0 or due > after
    last = due - 1 if due else 2**52
    assert view(standing, after) == view(standing, last)


def view(standing: Standing, at: int) -> object:
    """All of *standing* that depends on the instant it is read."""
    held = standing.wishes
    day = 86_400_000
    return (
        {key: consent_state_at(held, key, at) for key in held.answers},
        {key for key, each in held.requests.items() if each.until > at},
        {channel for channel, until in held.pauses.items() if until > at},
        [[each.at > at - days * day for days in (7, 30)] + [each.counts_until > at]
         for each in standing.sent],
    )  # fmt: skip


class BreakIn(RuleBasedStateMachine):
    """Say anything, by anybody, in any order: no yes stands that nobody gave.

    *allowed* is a model of its own, without any law: the purpose x channel pairs for which a yes
    of the person, or one that an import proved, came after the last no that stood.
    """

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing(slot=0)
        self.at = 0
        self.allowed: set[str] = set()

    def tell(self, kind, body, passes):
        self.at += passes // 8
        before = self.standing
        self.standing = fold(before, kind, 1, body, self.at, self.at, before.version + 1, LEAF)
        if not isinstance(body, Act):
            assert self.standing.wishes == before.wishes
            return
        for key in map(key_of, body.consent):
            answer = before.wishes.answers.get(key)
            taken = answer is not None and answer.state in TAKEN
            if says_yes(kind, body, key) or (not taken and proves_yes(kind, body, key, self.at)):
                self.allowed.add(key)
            if self.standing.wishes.answers.get(key) and self.state(key) in TAKEN:
                self.allowed.discard(key)

    def state(self, key) -> ConsentState:
        return self.standing.wishes.answers[key].state

    @rule(event=events, passes=instants)
    def say_anything(self, event, passes):
        self.tell(*event, passes)

    @rule(row=rows, actor=st.sampled_from(OWN), passes=instants)
    def say_yes(self, row, actor, passes):
        row = msgspec.structs.replace(row, state=GIVEN)
        self.tell("consent.granted", Act(actor=actor, method="test", consent=(row,)), passes)
        assert self.state(key_of(row)) is GIVEN

    @rule(row=rows, actor=st.sampled_from((*OWN, "system")), passes=instants)
    def say_no(self, row, actor, passes):
        row = msgspec.structs.replace(row, state=ConsentState.WITHDRAWN)
        self.tell("consent.withdrawn", Act(actor=actor, method="test", consent=(row,)), passes)
        assert self.state(key_of(row)) is ConsentState.WITHDRAWN

    @rule(row=rows, passes=instants, waits=instants)
    def ask_and_confirm(self, row, passes, waits):
        asked = msgspec.structs.replace(row, state=PENDING, until=self.at + passes // 8 + waits)
        self.tell("consent.requested", Act(actor="person", method="t", consent=(asked,)), passes)
        row = msgspec.structs.replace(row, state=GIVEN)
        stood = self.standing.wishes.answers[key_of(row)]
        self.tell("consent.confirmed", Act(actor="person", method="t", consent=(row,)), passes)
        if asked.until <= self.at:
            assert self.standing.wishes.answers[key_of(row)] == stood

    @precondition(lambda self: self.standing.wishes.answers)
    @rule(passes=instants, data=st.data())
    def import_everything_anew(self, passes, data):
        act = data.draw(acts)
        act = msgspec.structs.replace(act, actor="import:crm")
        no = {key for key, each in self.standing.wishes.answers.items() if each.state in TAKEN}
        self.tell("person.imported", act, passes)
        assert all(self.state(key) in TAKEN for key in no)

    @invariant()
    def no_yes_stands_that_nobody_gave(self):
        given = {key for key, each in self.standing.wishes.answers.items() if each.state is GIVEN}
        assert given <= self.allowed


TestNoSequenceOfEventsBreaksIn = BreakIn.TestCase
TestNoSequenceOfEventsBreaksIn.settings = settings(max_examples=80, stateful_step_count=25)
