"""Whatever happens to a person: each figure is its records, each record is theirs, and later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.consent.laws import consent_state_at
from reciprocity.events import ConsentRow, Objection, Quiet
from reciprocity.model import ConsentState
from tests.listen.said import (
    KEPT,
    account_of,
    allow,
    attempted,
    became,
    held,
    observe,
    rate,
    say,
    timeline_of,
)
from tests.shop import DAY, Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reciprocity.listen.account import Item
    from reciprocity.platform import Reciprocity

_CLOCK = Clock()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reciprocity]:
    with new_shop(tmp_path_factory.mktemp("figures"), clock=_CLOCK) as shop:
        yield shop


def _sent(what: str, message: str) -> Callable[[Reciprocity, int], object]:
    def deed(shop: Reciprocity, slot: int) -> None:
        attempt = attempted(shop, slot, message)
        if what:
            became(shop, attempt, what)

    return deed


def _held(reason: str, hours: int, message: str) -> Callable[[Reciprocity, int], object]:
    def deed(shop: Reciprocity, slot: int) -> None:
        held(shop, slot, reason, hours and _CLOCK.at + hours * 3_600_000, message)

    return deed


def _passes(days: int) -> Callable[[Reciprocity, int], object]:
    def deed(_shop: Reciprocity, _slot: int) -> None:
        _CLOCK.at += days * DAY

    return deed


def _says(**parts: object) -> Callable[[Reciprocity, int], object]:
    return lambda shop, slot: say(shop, slot, **parts)


_NO = ConsentRow(purpose="purchases", channel="observe", state=ConsentState.WITHDRAWN)
_MESSAGES = st.sampled_from(["garden", "kitchen", "attic"])
_OUTCOMES = ["", "delivered", "delivered", "failed", "cancelled", "unknown", "complained"]
_REASONS = [
    "quiet_time", "cap_reached", "paused", "topic_refused", "not_relevant", "outside_audience",
    "withdrawn", "brand:weekend",
]  # fmt: skip
DEEDS = st.one_of(
    st.builds(_sent, st.sampled_from(_OUTCOMES), _MESSAGES),
    st.builds(_held, st.sampled_from(_REASONS), st.sampled_from([0, 1, 48]), _MESSAGES),
    st.builds(_passes, st.integers(1, 60)),
    st.builds(
        lambda topic, level: lambda shop, slot: rate(shop, slot, topic, level),
        st.sampled_from(["garden", "kitchen"]),
        st.integers(-2, 2),
    ),
    st.builds(lambda level: lambda shop, slot: observe(shop, slot, "garden", level), st.just(2)),
    st.sampled_from([
        allow,
        withdraw,
        _says(quiet=Quiet(start=0, end=600)),
        _says(quiet_unset=True),
        _says(caps={"email": (1, None)}),
        _says(caps={"email": (None, None)}),
        _says(shared={"offers": ()}),
        _says(shared={"offers": ("visits",)}),
        _says(kind="consent.withdrawn", consent=(_NO,)),
        _says(kind="objection.made", objections=(Objection(purpose="offers"),)),
        _says(kind="objection.lifted", objections=(Objection(purpose="offers", lifted=True),)),
        lambda shop, slot: say(shop, slot, pauses={"*": _CLOCK.at + 3 * DAY}),
        _says(pauses={"*": 0}),
    ]),
)  # fmt: skip


@given(st.lists(DEEDS, max_size=14))
def test_every_figure_is_its_records_and_every_record_is_the_persons(shop, deeds):
    (slot,) = add_people(shop, 1)
    for deed in deeds:
        deed(shop, slot)
    history = {told.position: told for told in shop.journal.history(slot)}
    told = account_of(shop, slot)
    sent = {each.position: each for each in told.deliveries}
    notes = {each.position: each for each in told.held}
    attempts = {at for at, one in history.items() if one.kind == "delivery.attempted"}
    assert sent.keys() == attempts
    assert notes.keys() == {at for at, one in history.items() if one.kind == "delivery.held"}
    assert all(set(one.records) <= history.keys() for one in sent.values())

    arrived = {at for at, each in sent.items() if each.became == "delivered"}
    for one in told.items:
        check(one, told.since, history, arrived, set(notes))
        if one.kind == "consent":
            every = {at for at in arrived if at > one.told and history[at].at > told.since}
            assert {at for each in one.gains for at in each.positions} == every
    brought = [sum(each.count for each in one.gains) for one in told.items]
    assert brought == sorted(brought, reverse=True)
    stands(shop, slot, told.items, told.at)
    assert [line.position for line in timeline_of(shop, slot)] == sorted(history, reverse=True)


def check(one: Item, since: int, history, delivered: set[int], notes: set[int]) -> None:
    """An item is told by an event of the person's, and counts only what came later, and lately."""
    assert history[one.told].at == one.told_at
    assert bool(one.silent) is not bool(one.gains or one.kept)
    for figure in (*one.gains, *one.kept):
        assert figure.count == len(set(figure.positions)) > 0
        assert set(figure.positions) <= (notes if figure.did in KEPT else delivered)
        assert all(at > one.told and history[at].at > since for at in figure.positions)


def stands(shop: Reciprocity, slot: int, items: tuple[Item, ...], at: int) -> None:
    """The items are exactly what stands for the person."""
    wishes = shop.journal.kept(slot).standing.wishes
    told = {(str(one.kind), *map(str, one.said.values())) for one in items}
    assert len(told) == len(items)
    assert {name for kind, name, *_ in told if kind == "topic"} == {
        topic for topic, level in wishes.topics.items() if level.source == "declared"
    }
    yes = consent_state_at(wishes, "offers/email", at) is ConsentState.GIVEN
    assert any(one.kind == "consent" for one in items) is (yes and not wishes.objections)
    looks = consent_state_at(wishes, "purchases/observe", at) is ConsentState.GIVEN
    assert any(one.kind == "behaviour" for one in items) is looks
    assert any(one.kind == "quiet_time" for one in items) is (wishes.quiet is not None)
    assert any(one.kind == "attribute" for one in items) is bool(wishes.shared["offers"])
    assert any(one.kind == "pause" for one in items) is (wishes.pauses.get("*", 0) > at)
