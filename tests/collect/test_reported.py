"""Reports are read strictly: rubbish is refused, event by event, and never more than that."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from reciprocity.collect.reported import MOST_EVENTS, Reason, Reported, read_event, read_report
from reciprocity.errors import InputError

GOOD = {"type": "track", "event": "Order Completed", "messageId": "m", "userId": "ann"}


def reading(**changed: object) -> Reported | Reason:
    told = {name: value for name, value in {**GOOD, **changed}.items() if value != "gone"}
    return read_event(Raw(json.dumps(told).encode()))


def test_what_the_libraries_send_is_read() -> None:
    event = reading(context={"ip": "1.2.3.4"}, integrations={}, anonymousId=None, sentAt="x")
    assert isinstance(event, Reported)
    assert (event.name(), event.user_id, event.anonymous_id) == ("Order Completed", "ann", None)
    page = reading(type="page", event="gone", name="Home")
    assert isinstance(page, Reported)
    assert page.name() == "page"


@pytest.mark.parametrize(
    "changed",
    [
        {"messageId": "gone"}, {"messageId": ""}, {"messageId": 7}, {"messageId": "x" * 201},
        {"event": "gone"}, {"event": ""}, {"event": ["a"]}, {"userId": "gone"}, {"userId": 7},
        {"type": "gone"}, {"type": None}, {"properties": []}, {"properties": "a"},
        {"timestamp": 5},
    ],
)  # fmt: skip
def test_an_event_of_another_shape_is_malformed(changed: dict[str, object]) -> None:
    assert reading(**changed) is Reason.MALFORMED


@pytest.mark.parametrize("kind", ["alias", "group", "screen", "Track"])
def test_other_calls_are_named_as_what_they_are(kind: str) -> None:
    assert reading(type=kind) is Reason.UNKNOWN_TYPE


def test_an_event_that_is_too_large_is_not_read() -> None:
    assert reading(properties={"sku": "x" * 40_000}) is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"7", b"nil", b"\xff", b'{"batch": 1}', b'{"batch": [}', b'{"batch": [],}',
     b'{"writeKey": 7}', b"[" * 100_000, b'{"a":' * 100_000],
)  # fmt: skip
def test_a_body_that_is_no_report_is_refused_whole(body: bytes) -> None:
    with pytest.raises(InputError, match="no report of events"):
        read_report(body)


def test_a_batch_has_a_bound() -> None:
    body = json.dumps({"batch": [GOOD] * (MOST_EVENTS + 1)}).encode()
    with pytest.raises(InputError, match="1001 events"):
        read_report(body)


def test_a_single_event_takes_its_type_from_the_address() -> None:
    told = {name: value for name, value in GOOD.items() if name != "type"}
    (raw,) = read_report(json.dumps(told | {"type": "page"}).encode(), "track").events
    event = read_event(raw)
    assert isinstance(event, Reported)
    assert event.type == "track"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from((*GOOD, "properties", "timestamp", "anonymousId")), _json))
def test_whatever_is_reported_is_an_event_or_a_reason(told: dict[str, object]) -> None:
    read = read_event(Raw(json.dumps(told).encode()))
    if isinstance(read, Reported):
        assert isinstance(read.at(5), int)
        assert all(
            isinstance(one, str | int | float) for one in read.kept(frozenset({"a", ""})).values()
        )
    else:
        assert read in Reason


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    try:
        report = read_report(body, "page")
    except InputError:
        return
    assert all(read_event(raw) in Reason for raw in report.events)
