"""What stands: deliveries counted, versions chained, the dead kept as one row."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.consent.laws import DAY_MS
from reciprocity.consent.state import Answer, Point, Wishes
from reciprocity.events import KINDS, Act, Attempt, ErasureDone, Held, OperatorActed, Outcome
from reciprocity.journal.standing import Sent, Standing, fold, next_change_at, tombstone
from reciprocity.model import ConsentState
from tests.consent.drawn import attempts, events, instants, outcomes

LEAF = b"\7" * 32
TODAY = 1_000 * DAY_MS
OUTCOMES = sorted({kind for (kind, _), told in KINDS.items() if told.body is Outcome})


def after(standing: Standing, kind: str, body: object, at: int = TODAY) -> Standing:
    return fold(standing, kind, 1, body, at, at, standing.version + 1, LEAF)


def attempt(message: str = "mens", at: int = TODAY, counted_days: int = 30) -> Attempt:
    return Attempt(
        message=message, purpose="offers", channel="email", occasion="spring", content="c", point=1,
        consent=1, stated=(1, 2, 3, 4), facts=(1,), decided_at=at, handover_by=at + 30_000,
        counts_until=at + counted_days * DAY_MS,
    )  # fmt: skip


def outcome(*, again: bool = False, of: int = 1) -> Outcome:
    return Outcome(attempt=of, again=again)


TRIED = after(Standing(slot=4), "delivery.attempted", attempt())


def test_an_attempt_counts_from_the_instant_it_is_recorded():
    assert TRIED.sent == (
        Sent(version=1, at=TODAY, message="mens", channel="email", occasion="spring",
             counts_until=TODAY + 30 * DAY_MS, handover_by=TODAY + 30_000),
    )  # fmt: skip


def test_version_and_head_move_with_every_event():
    twice = after(TRIED, "delivery.delivered", outcome())
    assert twice.version == 2
    assert twice.head == sha256(sha256(b"" + LEAF).digest() + LEAF).digest()


@pytest.mark.parametrize(
    ("kind", "again", "counts"),
    [
        ("delivery.cancelled", False, False),
        ("delivery.failed", True, False),
        ("delivery.failed", False, True),
        ("delivery.unknown", True, True),
        ("delivery.delivered", True, True),
        ("delivery.bounced", True, True),
        ("delivery.complained", True, True),
    ],
)
def test_only_what_surely_did_not_leave_comes_to_count_for_nothing(kind, again, counts):
    sent = after(TRIED, kind, outcome(again=again)).sent
    assert [each.outcome for each in sent] == ([kind.removeprefix("delivery.")] if counts else [])


@pytest.mark.parametrize("first", ["unknown", "failed", "delivered", "bounced", "complained"])
@pytest.mark.parametrize("second", ["delivery.cancelled", "delivery.failed"])
def test_what_may_have_left_is_never_taken_back(first, second):
    known = after(TRIED, f"delivery.{first}", outcome())
    assert len(after(known, second, outcome(again=True)).sent) == 1


def test_a_late_delivered_does_not_hide_a_complaint():
    complained = after(TRIED, "delivery.complained", outcome())
    assert after(complained, "delivery.delivered", outcome()).sent[0].outcome == "complained"


def test_unknown_is_reconciled_by_later_news():
    unknown = after(TRIED, "delivery.unknown", outcome())
    assert after(unknown, "delivery.delivered", outcome()).sent[0].outcome == "delivered"


def test_news_of_an_attempt_nobody_made_changes_nothing():
    assert after(TRIED, "delivery.cancelled", outcome(of=9)).sent == TRIED.sent


def test_attempts_that_count_no_longer_leave_when_the_next_one_comes():
    short = after(Standing(slot=4), "delivery.attempted", attempt(counted_days=7))
    week = TODAY + 7 * DAY_MS
    kept = after(short, "delivery.attempted", attempt("womens", week - 1), week - 1)
    gone = after(short, "delivery.attempted", attempt("womens", week), week)
    assert [each.message for each in kept.sent] == ["mens", "womens"]
    assert [each.message for each in gone.sent] == ["womens"]


@given(st.lists(st.one_of(attempts, st.tuples(st.sampled_from(OUTCOMES), outcomes)), max_size=8),
       instants)  # fmt: skip
def test_the_attempts_that_count_are_those_that_history_says(history, step):
    standing, at, expected = Standing(slot=1), 0, {}
    for told in history:
        at += step // 4
        if isinstance(told, Attempt):
            expected = {v: (e, o) for v, (e, o) in expected.items() if e.counts_until > at}
            expected[standing.version + 1] = told, ""
            standing = after(standing, "delivery.attempted", told, at)
            continue
        kind, news = told
        standing = after(standing, kind, news, at)
        if news.attempt in expected:
            its, known = expected[news.attempt]
            dropped = kind == "delivery.cancelled" or (kind == "delivery.failed" and news.again)
            if dropped and not known:
                del expected[news.attempt]
            else:
                expected[news.attempt] = its, known or kind
    assert [each.version for each in standing.sent] == list(expected)
    assert [bool(each.outcome) for each in standing.sent] == [bool(o) for _, o in expected.values()]


def test_what_was_held_is_noted_until_it_is_attempted():
    held = Held(message="mens", occasion="spring", reason="paused")
    noted = after(Standing(slot=4), "delivery.held", held)
    assert noted.held == {"mens@spring": "paused"}
    assert not after(noted, "delivery.attempted", attempt()).held
    assert after(noted, "delivery.attempted", attempt("womens")).held == noted.held


@given(events)
def test_deliveries_change_no_wish_and_wishes_no_delivery(event):
    kind, body = event
    wishes = Wishes(points={"email": Point(version=1)})
    before = Standing(slot=1, version=3, wishes=wishes, sent=TRIED.sent)
    stands = after(before, kind, body)
    if isinstance(body, Act):
        assert (stands.sent, stands.held) == (before.sent, before.held)
    else:
        assert stands.wishes == wishes


BRANDS = (
    OperatorActed(actor="operator:ada", act="looked"),
    ErasureDone(slot=4, version=1, head="", requested_at=0),
)


@given(
    st.sampled_from([*sorted(kind for kind, _ in KINDS), "delivery.new", "x"]),
    st.one_of(events.map(lambda event: event[1]), st.sampled_from(BRANDS)),
    events,
    instants,
)
def test_any_body_under_any_kind_gives_a_standing(kind, body, earlier, at):
    assert after(after(TRIED, *earlier, at), kind, body, at).version == 3


def test_an_erased_person_is_slot_version_head_and_nothing_else():
    gone = tombstone(TRIED)
    assert gone == Standing(slot=4, version=1, head=TRIED.head, erased=True)
    assert gone.wishes == Wishes()
    assert tombstone(gone) == gone
    assert next_change_at(gone, 0) == 0


@given(events, instants)
def test_nothing_brings_an_erased_person_back(event, at):
    gone = tombstone(TRIED)
    assert after(gone, *event, at) == gone


def answering(state: ConsentState, until: int) -> dict[str, Answer]:
    return {"offers/email": Answer(state=state, version=1, at=1, until=until)}


@pytest.mark.parametrize(
    ("wishes", "due"),
    [
        (Wishes(answers=answering(ConsentState.GIVEN, TODAY + 5)), TODAY + 5),
        (Wishes(answers=answering(ConsentState.PENDING, TODAY + 5)), TODAY + 5),
        (Wishes(requests=answering(ConsentState.PENDING, TODAY + 5)), TODAY + 5),
        (Wishes(answers=answering(ConsentState.GIVEN, 0)), 0),
        (Wishes(answers=answering(ConsentState.GIVEN, TODAY)), 0),
        (Wishes(answers=answering(ConsentState.UNVERIFIED, TODAY + 5)), 0),
        (Wishes(pauses={"*": TODAY + 7, "email": TODAY + 6}), TODAY + 6),
        (Wishes(), 0),
    ],
)
def test_a_decision_may_change_when_a_yes_a_request_or_a_pause_ends(wishes, due):
    assert next_change_at(Standing(slot=1, wishes=wishes), TODAY) == due


def test_a_decision_may_change_when_an_attempt_leaves_a_window_or_stops_counting():
    sent = after(Standing(slot=1), "delivery.attempted", attempt(counted_days=50))
    seen, at = [], TODAY
    while at := next_change_at(sent, at):
        seen.append((at - TODAY) // DAY_MS)
    assert seen == [7, 30, 50]
