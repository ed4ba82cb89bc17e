"""What became of each request: confirmed, taken back, run out, or waiting; each counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.events import Act, Attempt, ConsentRow, Outcome
from reciprocity.journal.leaf import Told
from reciprocity.listen.funnel import funnel, requests
from reciprocity.model import ConsentState

if TYPE_CHECKING:
    from reciprocity.events import Body

DAY = 86_400_000
KEYS = ("offers/email", "news/email")


def history(*events: tuple[int, str, Body]) -> list[Told]:
    return [
        Told(position=number, slot=0, version=number, at=at, happened_at=at, kind=kind, v=1,
             body=body, leaf=b"", text=b"", salt=b"")
        for number, (at, kind, body) in enumerate(events, 1)
    ]  # fmt: skip


def act(at: int, kind: str, state: str, key: str = KEYS[0], days: int = 7) -> tuple[int, str, Body]:
    purpose, _, channel = key.rpartition("/")
    until = at + days * DAY if state in {"pending", "given"} else 0
    row = ConsentRow(purpose=purpose, channel=channel, state=ConsentState(state), until=until)
    return at, kind, Act(actor="person", method="join_page", consent=(row,))


def ask(at: int, key: str = KEYS[0]) -> tuple[int, str, Body]:
    return act(at, "consent.requested", "pending", key)


def mail(at: int) -> tuple[int, str, Body]:
    return at, "delivery.attempted", Attempt(
        message="confirmation-email", purpose="confirmation", channel="email", occasion="own/1",
        content="", point=1, consent=0, stated=(1, 2, 3, 4), facts=(), basis="contract",
        decided_at=at, handover_by=at, counts_until=at,
    )  # fmt: skip


def taken(at: int, attempt: int) -> tuple[int, str, Body]:
    return at, "delivery.delivered", Outcome(attempt=attempt)


ENDS = {
    "waits": [],
    "confirmed": [act(5, "consent.confirmed", "given", days=365)],
    "taken_back": [act(5, "consent.withdrawn", "withdrawn")],
}


@pytest.mark.parametrize("became", ENDS)
def test_each_end_is_told(became: str) -> None:
    (one,) = requests(history(ask(1), mail(2), taken(3, 2), *ENDS[became]), 6)
    assert (one.became, one.mailed) == (became, 1)


def test_one_that_nobody_answered_ran_out_and_a_later_yes_is_none_of_its_doing() -> None:
    told = history(ask(1), act(8 * DAY, "consent.granted", "given", days=365))
    assert [one.became for one in requests(told, 9 * DAY)] == ["ran_out"]


def test_asked_again_while_it_waits_is_one_and_after_that_another() -> None:
    assert len(requests(history(ask(1), ask(DAY)), 2 * DAY)) == 1
    both = requests(history(ask(1), ask(9 * DAY)), 10 * DAY)
    assert [one.became for one in both] == ["ran_out", "waits"]


def test_a_mail_counts_for_what_waited_when_it_was_sent() -> None:
    told = history(ask(1), mail(2), ask(3, KEYS[1]), taken(4, 2))
    assert {one.key: one.mailed for one in requests(told, 5)} == {KEYS[0]: 1, KEYS[1]: 0}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "yes", "no", "mail"]), st.sampled_from(KEYS), st.integers(0, 4)
    ),
    max_size=12,
)


@given(STEPS, st.integers(0, 40))
def test_every_request_has_one_end_and_sums_are_whole(
    steps: list[tuple[str, str, int]], later: int
) -> None:
    at, events = 1, []
    for what, key, days in steps:
        at += days * DAY
        events.append({
            "ask": ask(at, key), "mail": mail(at),
            "yes": act(at, "consent.confirmed", "given", key, 365),
            "no": act(at, "consent.withdrawn", "withdrawn", key),
        }[what])  # fmt: skip
    end = at + later * DAY
    told = history(*events)
    one_by_one = requests(told, end)
    rows = funnel([told, told], end)
    assert sum(row.asked for row in rows) == 2 * len(one_by_one)
    for row in rows:
        assert row.asked == row.confirmed + row.taken_back + row.ran_out + row.waits
    for one in one_by_one:
        assert (one.became == "waits") <= (one.until > end)
    assert funnel([told], end, since=end + 1) == []
