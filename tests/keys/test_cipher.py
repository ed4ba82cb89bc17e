"""What is written out by hand for speed agrees with the library's own, on any input."""

import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.errors import Damaged
from reciprocity.keys import commit, derive, mint, open_sealed, seal

KEYS = st.binary(min_size=32, max_size=32)


@given(KEYS)
def test_derived_keys_are_those_of_the_library(key: bytes) -> None:
    expected = ConcatKDFHash(SHA512(), 64, b"reciprocity/1 seal+commit").derive(key)
    assert b"".join(derive(key)) == expected


@given(KEYS, st.binary())
def test_a_commitment_is_an_hmac(key: bytes, message: bytes) -> None:
    assert commit(key, message) == hmac.digest(key, message, "sha256")


def test_people_minted_together_share_nothing() -> None:
    people = mint(range(3, 40))
    assert [person.slot for person in people] == list(range(3, 40))
    secrets = [part for person in people for part in person[1:]]
    assert len(set(secrets)) == len(secrets)
    assert {len(person.pseudonym) for person in people} == {16}
    assert {len(key) for person in people for key in person[2:]} == {32}


@pytest.mark.parametrize("what", ["key", "bound", "text", "nonce"])
def test_a_sealed_text_opens_only_whole_with_its_key_and_its_place(what: str) -> None:
    key, sealed, bound = bytes(32), seal(bytes(32), b"hello", b"1/2"), b"1/2"
    assert open_sealed(key, sealed, bound) == b"hello"
    if what == "key":
        key = bytes(31) + b"\1"
    elif what == "bound":
        bound = b"1/3"
    else:
        place = 0 if what == "nonce" else 12
        sealed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
    with pytest.raises(Damaged):
        open_sealed(key, sealed, bound)
