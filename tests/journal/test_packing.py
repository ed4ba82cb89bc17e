"""What is sealed is packed: it comes back whole, or not at all, and in the same form for ever."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.errors import Damaged
from reciprocity.events import Outcome, canonical, encode_event
from reciprocity.journal.leaf import PACKED, PLAIN, Row, open_personal, store_personal
from reciprocity.journal.packing import KNOWN, pack, unpack
from reciprocity.keys import derive, seal

KNOWN_SHA256 = "71ffc53c63eb1b44a0757099051bf63f01d19833ff1c9ee03f86e5cfb4999cbe"
PAIR = derive(bytes(32))
TEXT = encode_event(
    "delivery.delivered", canonical(Outcome(attempt=2)), at=5, happened_at=5, slot=7, version=3
)


def row(sealed: bytes) -> Row:
    leaf = store_personal(PAIR, 7, 3, TEXT).leaf
    return Row(9, 7, 3, 5, 5, "delivery.delivered", sealed, leaf)


def test_the_known_text_never_changes() -> None:
    assert sha256(KNOWN).hexdigest() == KNOWN_SHA256


@given(st.binary(max_size=20_000))
def test_whatever_is_packed_comes_back(text: bytes) -> None:
    assert unpack(pack(text)) == text


def test_an_outcome_is_packed_to_a_fifth() -> None:
    assert len(pack(TEXT)) * 5 < len(TEXT)


@given(st.integers(0, 10_000))
def test_a_text_cut_short_is_damage(cut: int) -> None:
    packed = pack(TEXT)
    with pytest.raises(Damaged):
        unpack(packed[: cut % len(packed)])


@pytest.mark.parametrize("packed", [pack(TEXT) + b"x", b"\xff\xff\xff", b""])
def test_what_was_never_packed_is_damage(packed: bytes) -> None:
    with pytest.raises(Damaged):
        unpack(packed)


def test_both_forms_are_read_and_no_other() -> None:
    assert open_personal(PAIR, row(store_personal(PAIR, 7, 3, TEXT).sealed or b"")).text == TEXT
    for form, body in ((PLAIN, TEXT), (PACKED, pack(TEXT))):
        assert open_personal(PAIR, row(seal(PAIR.seal, form + body, b"7/3"))).text == TEXT
    with pytest.raises(Damaged, match="upgrade"):
        open_personal(PAIR, row(seal(PAIR.seal, b"\2" + TEXT, b"7/3")))
