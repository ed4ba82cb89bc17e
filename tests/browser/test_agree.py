"""Both verifiers, on lies that are signed: in the browser as in Python, of whatever kind."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as generated
from hypothesis import strategies as st

from reciprocity.errors import InputError, ProofError
from reciprocity.prove.verify import verify_person, verify_receipt
from reciprocity.tlog.cosignature import cosign, cosigned_message
from reciprocity.tlog.note import Checkpoint, Note, Signature, sign_note
from reciprocity.tlog.policy import Policy
from tests.browser.test_verify_js import asked
from tests.prove.verify.forge import (
    AT,
    KEY,
    LATE,
    LOG,
    Told,
    lived,
    person,
    receipt,
    spelled,
    spoken,
)
from tests.prove.verify.lies import BRAND, EPOCH, LATER, LIES, RULEBOOK, TRUTHS, body
from tests.tlog.keys import Key, log_key, witness_key

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.prove.verify.conftest import Given

EVENT = '{"at":1,"body":{},"happened_at":1,"kind":"k","slot":0,"v":1,"version":1}'
ONE, TWO = witness_key(1), witness_key(2)
DECIDED = """
([files, key]) => Promise.all(files.map((file) => window.verify.verifyPerson(file, { keys: [key] })
  .then(({ decided }) => decided, (error) => error.message)))
"""


def test_a_signed_lie_is_refused_in_the_browser_too(verifier: Page, given: Given) -> None:
    told = lived(given.person)
    files = [person(lie(told)) for lie in LIES.values()]
    for name, answer in zip(LIES, asked(verifier, "verifyPerson", files, KEY), strict=True):
        assert answer.get("proof") is True, (name, answer)


def test_an_odd_truth_is_held_in_the_browser_too(verifier: Page, given: Given) -> None:
    told = lived(given.person)
    files = [person(truth(told)) for truth in TRUTHS.values()]
    answers = verifier.evaluate(DECIDED, [files, KEY])
    assert dict(zip(TRUTHS, answers, strict=True)) == dict.fromkeys(TRUTHS, 3)


# --- whatever the log says ------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 9), st.text(max_size=3),
    st.sampled_from([
        2**53 - 1, 1 - 2**53, AT, AT + 86_400_000, "consent", "contract", "email", "offers", "all",
        "*", "given", "withdrawn", "person", "import", "import:x", "None", "\ud800", "\u2028",
        [], {}, [1], ["given"], {"a": 1}, "operator:a", "system", "consent.granted", "refused",
        "consent.withdrawn", "consent.confirmed", "consent.requested", "person.imported",
        "objection.made", "pending", AT - 86_400_000, AT - 86_400_001, AT + 30 * 86_400_000,
        {"when": AT - 9 * 86_400_000, "how": "card", "text": "yes"},
        [{"purpose": "offers", "channel": "email", "state": "given"}],
        [{"purpose": "all", "channel": "email", "state": "withdrawn"}], [["email", "consent"]],
    ]),
)  # fmt: skip
NAMES = st.sampled_from([
    "again", "lifted", "quiet_unset", "occasion", "channel", "parent", "basis", "atoms", "name",
    "values", "version", "slot", "caps", "pauses", "quiet", "objections", "consent", "stated",
    "until", "evidence", "actor", "erase_at", "age_at_least", "state", "forbids", "minimum_age",
    "validity_days", "maximum_validity_days", "quiet_from", "cap_7_days", "happened_at", "null",
])  # fmt: skip
PIECES = st.sampled_from([
    "AND", "OR", "NOT", "(", ")", "IN", "TRUE", "FALSE", "true", "=", "<>", "!=", "<", "<=", ">",
    ">=", ",", "visits", '"home-town"', "'Ware'", "'O''Dea'", "basis", "'consent'", "cap_7_most",
    "3", "-3", "- 03", "-\t3", "\x853", "\ufeff3", "\x1c3", "9007199254740993", "person_known",
    "nothing", '"basis"', "'='", '"="', "''", "'", '"', "9" * 20, "(" * 40, "",
])  # fmt: skip
PLACES = st.integers(0, EPOCH) | st.sampled_from([7, 8, 9, 11, BRAND, RULEBOOK, RULEBOOK])


@st.composite
def lied(draw: Any, told: Told) -> Told:
    """A log that says one thing or two otherwise, each in its canonical spelling."""
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        place = draw(PLACES)
        said = spoken(told.texts[place])
        if place == RULEBOOK and draw(st.booleans()):
            _rule(draw, said)
        else:
            _value(draw, said)
        told = told.at(place, spelled(said))
    return told


def _rule(draw: Any, said: dict[str, Any]) -> None:
    """Put another word into the condition of a rule."""
    rules = said.get("body", {})
    for name in ("body", "rules"):
        rules = rules.get(name, {}) if isinstance(rules, dict) else {}
    if not (isinstance(rules, list) and rules and isinstance(rules[-1], dict)):
        return
    rule = draw(st.sampled_from(rules[-2:]))
    if isinstance(rule, dict) and isinstance(rule.get("when"), str):
        words = re.findall(r"\s+|\w+|'[^']*'|\"[^\"]*\"|.", rule["when"])
        place = draw(st.integers(0, len(words)))
        piece = draw(st.sampled_from(["", " "])) + draw(PIECES) + draw(st.sampled_from(["", " "]))
        rule["when"] = "".join([*words[:place], piece, *words[place + draw(st.integers(0, 1)) :]])


def _value(draw: Any, said: dict[str, Any]) -> None:
    """Put another value somewhere, take one out, or add one."""
    place: Any = said
    while True:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    how = draw(st.sampled_from(["put", "put", "put", "take", "add"]))
    if how == "take":
        del place[key]
    elif how == "add" and isinstance(place, dict):
        place[draw(NAMES)] = draw(VALUES)
    elif how == "add":
        place.append(place[key])
    else:
        place[key] = draw(VALUES)


@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@generated(data=st.data())
def test_both_verifiers_agree_on_whatever_a_log_says(
    verifier: Page, given: Given, data: st.DataObject
) -> None:
    told = lived(given.person)
    files = [person(one) for one in data.draw(st.lists(lied(told), min_size=30, max_size=40))]
    for file, answer in zip(files, asked(verifier, "verifyPerson", files, KEY), strict=True):
        here = _python(file)
        assert answer.get("proof", True) is True, (answer, here)
        there = answer.get("holds") or answer["refused"]
        assert isinstance(here, str) == isinstance(there, str), (here, there)
        if isinstance(there, dict):
            assert {name: there[name] for name in here} == here


def _python(file: str) -> Any:
    """Why Python refuses the *file*, or some of what it shows."""
    try:
        found = verify_person(file.encode(), [KEY])
    except ProofError as error:
        return str(error) or "refused"
    names = (
        "slot", "covered", "epoch", "epoch_at", "epoch_size", "decided", "fewest_rules", "size",
        "root",
    )  # fmt: skip
    return {name: getattr(found, name) for name in names}


# --- what anyone may add to a checkpoint, and what witnesses do -----------------------------------


def text() -> str:
    """The checkpoint that a receipt of `EVENT` is under."""
    proof: str = json.loads(receipt(EVENT))["proof"]
    return proof.split("\n\n")[1] + "\n"


def line(witness: Key, time: int) -> Signature:
    """A cosignature of that time, also of one that no honest witness writes."""
    signature = witness.sign(cosigned_message(text(), time))
    return Signature(witness.name, witness.key_id, time.to_bytes(8, "big") + signature)


def twin(witness: Key) -> Key:
    """The same private key under another name."""
    other = Key("twin.example/w", 0, witness.public.algorithm)
    other._private, other.public = (
        witness._private,
        type(witness.public)(other.name, witness.public.algorithm, witness.public.public_key),
    )
    other.key_id = other.public.key_id
    return other


FORGED = Signature(ONE.name, ONE.key_id, bytes(72))
COSIGNED: dict[str, tuple[tuple[Signature, ...], int, bool]] = {
    "one, and one asked for": ((cosign(text(), ONE, 5),), 1, True),
    "both, and both asked for": ((cosign(text(), ONE, 5), cosign(text(), TWO, 5)), 2, True),
    "one, and both asked for": ((cosign(text(), ONE, 5),), 2, False),
    "none": ((), 1, False),
    "one twice": ((cosign(text(), ONE, 5), cosign(text(), ONE, 9)), 2, False),
    "one that nobody knows": ((cosign(text(), witness_key(3), 5),), 1, False),
    "a twin of one": ((cosign(text(), ONE, 5), cosign(text(), twin(ONE), 5)), 2, False),
    "a good one and a forged one": ((cosign(text(), TWO, 5), FORGED), 1, False),
    "a forged one that nobody asked for": ((FORGED,), 0, False),
    "of another text": (
        (Signature(ONE.name, ONE.key_id, (5).to_bytes(8, "big") + ONE.sign(b"else")),), 1, False,
    ),
    "of no time at all": ((line(ONE, 0),), 1, True),
    "of the last time there is": ((line(ONE, 2**53 - 1),), 1, True),
    "of a time after the last": ((line(ONE, 2**53),), 1, False),
    "of a time beyond": ((line(ONE, 2**63),), 1, False),
    "too short": ((Signature(ONE.name, ONE.key_id, bytes(71)),), 1, False),
    "too long": ((Signature(ONE.name, ONE.key_id, bytes(73)),), 1, False),
    "a hundred lines": (
        (cosign(text(), ONE, 5), *[Signature(f"w{one}", bytes(4), b"x") for one in range(98)]),
        1, True,
    ),
}  # fmt: skip


def test_cosignatures_count_as_in_python(verifier: Page) -> None:
    witnesses = [ONE.text, TWO.text]
    for name, (lines, quorum, holds) in COSIGNED.items():
        rule = f"group g {quorum} 1 2\nquorum g\n" if quorum else "quorum none\n"
        policy = f"log {KEY}\nwitness 1 {ONE.text}\nwitness 2 {TWO.text}\n{rule}"
        file = receipt(EVENT, more=lines)
        here = _holds(file, Policy.parse(policy.encode()))
        (there,) = asked(verifier, "verifyReceipt", [file], KEY, witnesses=witnesses, quorum=quorum)
        assert (here, "holds" in there) == (holds, holds), (name, there)
        assert there.get("proof", True) is True, (name, there)


def test_the_latest_of_two_cosignatures_is_told(verifier: Page) -> None:
    file = receipt(EVENT, more=(cosign(text(), ONE, 9), cosign(text(), ONE, 5)))
    (answer,) = asked(verifier, "verifyReceipt", [file], KEY, witnesses=[ONE.text])
    assert [*answer["holds"]["cosigned"].values()] == [9]


def test_a_witness_under_two_names_counts_once(verifier: Page) -> None:
    lines = (cosign(text(), ONE, 5), cosign(text(), twin(ONE), 5))
    keys = [ONE.text, twin(ONE).text]
    (answer,) = asked(
        verifier, "verifyReceipt", [receipt(EVENT, more=lines)], KEY, witnesses=keys, quorum=2
    )
    assert "named twice" in answer["refused"]


def _holds(file: str, policy: Policy | None = None) -> bool:
    try:
        verify_receipt(file.encode(), [KEY], policy)
    except ProofError:
        return False
    return True


def test_what_nobody_vouches_for_changes_no_answer(verifier: Page) -> None:
    long = Signature("w", bytes(4), bytes(150_000))
    extra = f"extra {'QUJD' * 40_000}\n"
    surrogate = json.loads(receipt(EVENT, more=(Signature("a?b", bytes(4), b"x"),)))
    surrogate["proof"] = surrogate["proof"].replace("a?b", "a\ud800b")
    files = [
        receipt(EVENT), receipt(EVENT, more=(long,)), receipt(EVENT, extra=extra),
        json.dumps(surrogate), "\ufeff" + receipt(EVENT),
        receipt(EVENT).replace(KEY.split("+")[0], "else"), "[" * 100_000, '{"a":' * 100_000,
    ]  # fmt: skip
    answers = asked(verifier, "verifyReceipt", files, KEY)
    assert [_holds(file) for file in files] == ["holds" in answer for answer in answers]
    assert [answer.get("proof", True) for answer in answers] == [True] * len(files)
    assert ["holds" in answer for answer in answers[:3]] == [True] * 3


def test_a_text_of_any_length_is_read(verifier: Page) -> None:
    refused = verifier.evaluate(
        """key => window.verify.verifyReceipt(
             JSON.stringify({ event: "x".repeat(3e7) }), { keys: [key] })
             .catch((error) => [error.name, error.message])""",
        KEY,
    )
    assert refused == ["ProofError", "receipt: expected exactly event, format, proof, salt"]


def test_half_a_character_in_a_checkpoint_is_no_question_mark(given: Given, verifier: Page) -> None:
    said = json.loads(person(lived(given.person)))
    said["checkpoint"] += "\u2014 a\ud800b AAAAAHg=\n"
    file = json.dumps(said)
    assert isinstance(_python(file), str)
    (answer,) = asked(verifier, "verifyPerson", [file], KEY)
    assert "UTF-8" in answer["refused"]


@pytest.mark.parametrize(
    "odd", ["\x1c", "\x85", "\u00a0", "\u3000", "\n", "\ufeff", "\u200b", "\0"]
)
def test_a_key_between_odd_spaces_is_read_as_in_python(verifier: Page, odd: str) -> None:
    for key in (f"{KEY}{odd}", f"{odd}{KEY}"):
        try:
            verify_receipt(receipt(EVENT).encode(), [key])
            here = True
        except InputError:
            here = False
        (answer,) = asked(verifier, "verifyReceipt", [receipt(EVENT)], key)
        assert ("holds" in answer) == here == (odd not in "\ufeff\u200b\0")
        assert answer.get("proof", True) is True


def test_nothing_is_no_state_that_was_seen(verifier: Page, given: Given) -> None:
    for seen, why in (("", "no state"), ([], "no state"), (None, "")):
        (answer,) = asked(
            verifier, "verifyPerson", [given.person.decode()], given.key, seen=seen
        )  # fmt: skip
        assert why in answer.get("refused", "")
        assert ("holds" in answer) == (why == "")


def test_a_witness_signs_for_no_log(verifier: Page) -> None:
    witness = Key(
        LOG.name, 7, ONE.public.algorithm
    )  # the log's own private key, of a witness's type
    said = json.loads(receipt(EVENT))
    way = said["proof"].split("\n\n")[0]
    said["proof"] = f"{way}\n\n{sign_note(text(), [witness]).decode()}"
    file = json.dumps(said)
    for key in (witness.text, log_key(8).text):
        (answer,) = asked(verifier, "verifyReceipt", [file], key)
        assert answer["proof"] is True
    with pytest.raises(InputError, match="witness's"):
        verify_receipt(file.encode(), [witness.text])
    (other,) = asked(verifier, "verifyReceipt", [receipt(EVENT)], KEY, witnesses=[KEY])
    assert "not of the type" in other["refused"]


def test_order_in_the_log_counts_here_too(verifier: Page, given: Given) -> None:
    told = lived(given.person)
    later = body(LATER, stated=[1, LATE, 3, 4])(told)
    files = [person(told, places=(1, 0, *range(2, 13))), person(later, late=told.statements[1])]
    one, other = asked(verifier, "verifyPerson", files, KEY)
    assert "before the one it follows" in one["refused"]
    assert "came after it" in other["refused"]


@pytest.mark.parametrize("change", [{"slot": ...}, {"version": ...}, {}])
def test_a_persons_event_has_slot_version_and_salt(
    verifier: Page, change: dict[str, object]
) -> None:
    event = {name: value for name, value in spoken(EVENT).items() if name not in change}
    file = receipt(spelled(event), salt=b"s" * 32 if change else b"")
    assert not _holds(file)
    (answer,) = asked(verifier, "verifyReceipt", [file], KEY)
    assert re.search("slot without a version|salt", answer["refused"])


@pytest.mark.parametrize(
    "line", ["a\u00a0b", "a+b", "a\x85b", "a\x1fb", "", "a b", "w" * 2**18, "a\ufeffb"]
)
def test_whoever_adds_a_line_must_write_it_as_python_reads_it(verifier: Page, line: str) -> None:
    said = json.loads(receipt(EVENT))
    said["proof"] += f"\u2014 {line} AAAAAHg=\n"
    file = json.dumps(said)
    (answer,) = asked(verifier, "verifyReceipt", [file], KEY)
    assert ("holds" in answer, answer.get("proof", True)) == (_holds(file), True)
    assert _holds(file) == (line == "a\ufeffb")


def test_the_log_seen_before_must_be_this_one_and_be_spoken_of(
    verifier: Page, given: Given
) -> None:
    seen = Checkpoint.parse(Note.parse(given.seen).text)
    told = {"origin": seen.origin, "size": seen.size, "root": seen.root.hex()}
    for change, why in (
        ({}, ""), ({"origin": "else"}, "this is harbour"), ({"size": 2}, "does not say how"),
        ({"root": "00" * 32}, "old root"), ({"root": "xx"}, "hex"),
    ):  # fmt: skip
        (answer,) = asked(
            verifier, "verifyPerson", [given.person.decode()], given.key, seen=told | change
        )
        assert why in answer.get("refused", ""), answer
        assert ("holds" in answer) == (why == "")
