"""Whatever is put before a verifier, it answers: it holds, or it does not and here is why."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from reciprocity.errors import ProofError
from reciprocity.prove.verify import Agreed, verify_challenge, verify_person, verify_receipt
from reciprocity.prove.verify.entry import leaf_of, read_json
from reciprocity.prove.verify.keys import speaking
from reciprocity.prove.verify.rules import Rulebook

if TYPE_CHECKING:
    from tests.prove.verify.conftest import Given

KEY = "harbour.example/shop+2f701efc+AQwTLqdmH4AqCfTMJXsuLhSuXg0BJvC8eCPZ7mMe6ckp"
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["", "epoch.published", "reciprocity-person@v1", "A" * 43 + "="]),
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
AGREED = Agreed("00" * 32, 3, b"")
VERIFIERS = (verify_receipt, verify_person, partial(verify_challenge, agreed=AGREED))


@pytest.mark.parametrize("verify", VERIFIERS)
@generated(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_rubbish_is_refused(verify: Any, data: bytes) -> None:
    with pytest.raises(ProofError):
        verify(data, [KEY])


@generated(data=st.data())
def test_one_value_anywhere_put_in_the_place_of_another(given: Given, data: st.DataObject) -> None:
    """Any node of a good file replaced by any value: it is refused, or nothing was changed."""
    name = data.draw(st.sampled_from(["receipt", "person"]))
    verify = verify_receipt if name == "receipt" else verify_person
    said = json.loads(getattr(given, name))
    before = json.dumps(said)
    names = sorted(said.keys() - {"consistency"})  # looked at by who saw the log before
    place, key = said, data.draw(st.sampled_from(names))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
    place[key] = data.draw(JSON)
    if json.dumps(said) == before:
        return
    with pytest.raises(ProofError):
        verify(json.dumps(said).encode(), [given.key])


@generated(st.text(max_size=60), st.binary(max_size=40))
def test_no_text_but_an_event_makes_a_leaf(text: str, salt: bytes) -> None:
    with pytest.raises(ProofError):
        leaf_of(text, salt)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}', '{"a":1.0}', '{"a":1e3}', '{"a":NaN}', '{"a":-Infinity}', '{"a":01}',
        '{"a":9007199254740992}', "[1]", "null", "{}x", "", '{"a":"\ud800"}', "{" * 100_000,
        '{"a":"' + "\u0000" + '"}',
    ],
)  # fmt: skip
def test_json_that_two_readers_could_take_differently_is_refused(text: str) -> None:
    with pytest.raises(ProofError):
        read_json(text.encode("utf-8", "surrogatepass"), "it")


@generated(
    st.text(alphabet="abx0189 '\"<>=!(),-ANDORTIFUELS", max_size=60),
    st.integers(0, 2**53 - 1),
)
def test_a_rule_is_answered_or_refused(when: str, atoms: int) -> None:
    book = Rulebook(
        {
            "facts": [
                {"name": "a", "type": "boolean", "source": "history"},
                {"name": "b", "type": "enum", "source": "history", "values": ["x", "a"]},
            ],
            "attributes": [{"name": "x", "type": "integer", "source": "attribute"}],
            "atoms": ["x > 1", "x = TRUE"],
            "rules": [{"reason": "r", "kind": "refuse", "bases": ["consent"], "when": when}],
        }
    )
    with suppress(ProofError):
        assert book.reason_against({"facts": [1, 0], "atoms": atoms}, "it") in {None, "r"}


@generated(st.lists(st.dictionaries(st.text(max_size=12), SCALARS), max_size=3))
def test_a_key_change_is_followed_or_refused(changes: list[dict[str, Any]]) -> None:
    with suppress(ProofError):
        stated = [(at, "log.key_changed", change) for at, change in enumerate(changes)]
        assert speaking([], stated, 5) == []
