"""People are found by what they are called, and by nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.errors import Conflict, InputError
from reciprocity.vault.people import (
    canonical_address,
    canonical_external_id,
    find,
    pseudonym_text,
    read_address,
    read_pseudonym,
    register,
    set_address,
)

ACTOR = "operator:ada"


@pytest.mark.parametrize(
    ("text", "written", "canonical"),
    [
        ("ann@shop.example", "ann@shop.example", "ann@shop.example"),
        ("  Ann.Lee@Shop.EXAMPLE\n", "Ann.Lee@shop.example", "ann.lee@shop.example"),
        ("o'neil+x@a-b.co.uk", "o'neil+x@a-b.co.uk", "o'neil+x@a-b.co.uk"),
        ("a@bücher.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@bu\u0308cher.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ],
)
def test_an_address_has_one_canonical_spelling(text: str, written: str, canonical: str) -> None:
    assert read_address("email", text) == (written, canonical)


@pytest.mark.parametrize(
    "text",
    [
        "", "ann", "@shop.example", "ann@", "ann@shop", "ann@@shop.example", "a b@shop.example",
        "ann@shop.example, bob@shop.example", "Ann <ann@shop.example>", "ann@-shop.example",
        ".ann@shop.example", "an..n@shop.example", "ann@shop..example", "ann\n@shop.example",
        "ann@shop.example\x00", "änn@shop.example", "ann@[127.0.0.1]", "a" * 65 + "@shop.example",
        "a@" + "b" * 64 + ".example", "a@" + "b.c" * 90 + ".example", "ann@faß.example",
        "ann@shop.example\r\nBcc: all@shop.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InputError, match="e-mail address") as caught:
        canonical_address("email", text)
    assert not text.strip() or text.strip() not in str(caught.value)


@given(st.text(max_size=80))
def test_reading_an_address_twice_changes_nothing(text: str) -> None:
    try:
        written, canonical = read_address("email", text)
    except InputError:
        return
    assert read_address("email", written) == (written, canonical)
    assert canonical_address("email", canonical) == canonical
    assert canonical.isascii()


@given(st.binary(min_size=16, max_size=16))
def test_a_printed_pseudonym_reads_back(pseudonym: bytes) -> None:
    assert read_pseudonym(pseudonym_text(pseudonym)) == pseudonym


@pytest.mark.parametrize("text", ["", "p_", "p_" + "a" * 25, "p_" + "A" * 26, "p_" + "b" * 26])
def test_what_prints_no_pseudonym_is_none(text: str) -> None:
    assert read_pseudonym(text) is None


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a" * 201, "a\x00"])
def test_an_external_id_is_one_short_line(text: str) -> None:
    with pytest.raises(InputError, match="external id"):
        canonical_external_id(text)


def test_a_person_is_found_by_address_external_id_and_pseudonym(journal, statement) -> None:
    told = register(journal, statement, actor=ACTOR, external_id="K-17",
                    addresses={"email": "Ann@Shop.example"})  # fmt: skip
    pseudonym = pseudonym_text(journal.kept(told.slot).pseudonym)
    for text in ("ann@shop.EXAMPLE", " Ann@shop.example ", "K-17", "id:K-17", pseudonym):
        assert find(journal, text) == told.slot
    assert journal.profile(told.slot).points == {"email": "Ann@shop.example"}


def test_an_external_id_alone_is_enough_and_its_case_counts(journal, statement) -> None:
    told = register(journal, statement, actor=ACTOR, external_id="abc@shop.example")
    assert find(journal, "abc@shop.example") == told.slot
    with pytest.raises(InputError):
        find(journal, "ABC@shop.example")


@pytest.mark.parametrize("text", ["bob@shop.example", "id:K-18", "nobody", "p_" + "a" * 26, ""])
def test_an_unknown_person_is_not_repeated_in_the_error(journal, text: str) -> None:
    with pytest.raises(InputError, match="person is not known") as caught:
        find(journal, text)
    assert not text or text not in str(caught.value)


def test_nobody_is_registered_twice_or_without_a_name(journal, statement) -> None:
    register(journal, statement, actor=ACTOR, addresses={"email": "ann@shop.example"})
    with pytest.raises(Conflict, match="known already"):
        register(journal, statement, actor=ACTOR, addresses={"work": "ANN@shop.example"})
    with pytest.raises(InputError, match="no name"):
        register(journal, statement, actor=ACTOR)
    with pytest.raises(InputError, match="channel 'fax'"):
        register(journal, statement, actor=ACTOR, addresses={"fax": "ann@shop.example"})


def test_registering_grants_and_confirms_nothing(journal, statement) -> None:
    slot = register(journal, statement, actor=ACTOR, addresses={"email": "a@shop.example"}).slot
    wishes = journal.kept(slot).standing.wishes
    assert wishes.answers == {}
    assert not wishes.points["email"].confirmed


def test_a_new_address_replaces_the_old_one_which_then_finds_nobody(journal, statement) -> None:
    slot = register(journal, statement, actor=ACTOR, addresses={"email": "a@shop.example"}).slot
    told = set_address(journal, statement, slot, "email", "b@shop.example",
                       confirmed=True, actor=ACTOR)  # fmt: skip
    assert told is not None
    assert find(journal, "b@shop.example") == slot
    with pytest.raises(InputError):
        find(journal, "a@shop.example")
    point = journal.kept(slot).standing.wishes.points["email"]
    assert (point.version, point.confirmed) == (told.version, True)
    assert journal.profile(slot).points == {"email": "b@shop.example"}


def test_the_same_address_is_confirmed_without_becoming_a_new_one(journal, statement) -> None:
    slot = register(journal, statement, actor=ACTOR, addresses={"email": "a@shop.example"}).slot
    set_address(journal, statement, slot, "email", "a@shop.example", confirmed=True, actor=ACTOR)
    point = journal.kept(slot).standing.wishes.points["email"]
    assert (point.version, point.confirmed) == (1, True)
    again = set_address(journal, statement, slot, "email", "a@shop.example",
                        confirmed=True, actor=ACTOR)  # fmt: skip
    assert again is None
    assert journal.kept(slot).standing.version == 2


def test_an_address_used_on_two_channels_still_finds_its_person_when_one_changes(
    journal, statement
) -> None:
    both = {"email": "a@shop.example", "work": "a@shop.example"}
    slot = register(journal, statement, actor=ACTOR, addresses=both).slot
    set_address(journal, statement, slot, "work", "w@shop.example", confirmed=False, actor=ACTOR)
    assert find(journal, "a@shop.example") == find(journal, "w@shop.example") == slot


def test_an_address_is_never_taken_from_another_person(journal, statement) -> None:
    register(journal, statement, actor=ACTOR, addresses={"email": "a@shop.example"})
    slot = register(journal, statement, actor=ACTOR, external_id="b").slot
    with pytest.raises(Conflict, match="another person"):
        set_address(journal, statement, slot, "email", "A@shop.example",
                    confirmed=True, actor=ACTOR)  # fmt: skip
