"""Policies: who must have cosigned, against counting by hand; every line that is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.errors import InputError, ProofError
from reciprocity.tlog.cosignature import cosign
from reciprocity.tlog.merkle import EMPTY_ROOT
from reciprocity.tlog.note import Checkpoint, Note, Signature, VerifierKey, sign_note
from reciprocity.tlog.policy import MAX_BYTES, MAX_LINES, Group, Policy, open_cosigned
from reciprocity.tlog.signing import LogVerifier
from tests.tlog.keys import Key, log_key, witness_key

LOG = log_key(1)
W = [witness_key(number) for number in range(8)]
EXAMPLE = f"""\
# The example of C2SP tlog-policy
log {LOG.text}

witness X1 {W[1].text}
witness X2 {W[2].text} https://w2.example/
witness X3 {W[3].text}
\tgroup  X-witnesses\t2 X1 X2 X3

witness Y1 {W[4].text}
witness Y2 {W[5].text}
witness Y3 {W[6].text}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def policy(text: str) -> Policy:
    return Policy.parse(text.encode())


def keys(*numbers: int) -> set[VerifierKey]:
    return {W[number].public for number in numbers}


@pytest.mark.parametrize(
    ("cosigned", "holds"),
    [((1, 2, 4), True), ((2, 3, 6), True), ((1, 2, 3, 4, 5, 6), True), ((1, 2), False),
     ((1, 4, 5, 6), False), ((), False), ((7, 0), False)],
)  # fmt: skip
def test_the_example_holds_for_two_of_three_and_one_of_three(
    cosigned: tuple[int, ...],
    holds: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert policy(EXAMPLE).holds(keys(*cosigned)) is holds


def test_what_was_read_is_what_the_file_says() -> None:
    read = policy(EXAMPLE)
    assert [log.key for log in read.logs] == [LOG.public]
    assert read.witnesses[1].url == "https://w2.example/"
    assert read.groups[0] == Group("X-witnesses", 2, ("X1", "X2", "X3"))
    assert read.quorum == "X-and-Y"


def test_what_is_missing_is_said_down_to_the_witness() -> None:
    assert policy(EXAMPLE).lacking(keys(1, 5)) == (
        "group X-and-Y: 1 of the 2 it needs (missing: group X-witnesses: 1 of the 2 it needs "
        "(missing: witness X2; witness X3))"
    )
    assert policy(EXAMPLE).lacking(keys(1, 2, 5)) == ""


ONE = f"witness a {W[1].text}\n"
TWO = f"{ONE}witness b {W[2].text}\n"
WRONG = {
    "": "no quorum line",
    "quorum none": "cut short",
    "quorum none\nquorum none\n": "line 2: a second quorum",
    "quorum\n": "line 1: expected `quorum NAME`",
    "quorum a b\n": "line 1: expected `quorum NAME`",
    "quorum a\n": "line 1: a is no witness",
    f"quorum a\n{ONE}": "line 1: a is no witness",
    "Quorum none\n": "line 1: found 'Quorum'",
    "witness a\n": "line 1: expected `witness NAME VKEY",
    f"witness a {W[1].text} url more\n": "line 1: expected `witness NAME VKEY",
    "witness a key\n": "line 1: verifier key",
    f"witness a {LOG.text}\n": "line 1: the key is of type 1; a witness has one of 4",
    f"witness none {W[1].text}\n": "line 1: the name none is taken",
    f"{ONE}witness a {W[2].text}\n": "line 2: the name a is taken",
    f"{ONE}witness b {W[1].text}\n": "line 2: a witness with this public key",
    f"{ONE}witness b {Key('other', 1001, 4).text}\n": "line 2: a witness with this public key",
    "log\n": "line 1: expected `log VKEY",
    f"log {W[1].text}\n": "line 1: the key is of type 4; a log has one of 1",
    f"log {LOG.text}\nlog {log_key(1, 'other').text}\n": "line 2: a log with this public key",
    f"{ONE}group g\n": "line 2: expected `group NAME",
    f"{ONE}group g any\n": "line 2: expected `group NAME",
    f"{ONE}group g 1\n": "line 2: expected `group NAME",
    f"{ONE}group a any a\n": "line 2: the name a is taken",
    f"{ONE}group none any a\n": "line 2: the name none is taken",
    f"{ONE}group g 0 a\n": "line 2: found '0'; expected all, any or 1 to 1",
    f"{ONE}group g 2 a\n": "line 2: found '2'; expected all, any or 1 to 1",
    f"{ONE}group g 01 a\n": "line 2: found '01'",
    f"{ONE}group g \u0661 a\n": "line 2: found",
    f"{ONE}group g -1 a\n": "line 2: found '-1'",
    f"{ONE}group g ANY a\n": "line 2: found 'ANY'",
    f"{ONE}group g any none\n": "line 2: none is no witness",
    f"{ONE}group g any g\n": "line 2: g is no witness",
    f"{ONE}group g any b\nwitness b {W[2].text}\n": "line 2: b is no witness",
    f"{TWO}group g any a a\n": "line 3: a is a member already",
    f"{TWO}group g any a\ngroup h any a b\n": "line 4: a is a member already",
    "# \x00\nquorum none\n": "line 1: found the control character 0x00",
    "quorum none\r\n": "line 1: found the control character 0x0d",
    "quorum\x0bnone\n": "line 1: found the control character 0x0b",
    "quorum none\x7f\n": "line 1: found the control character 0x7f",
    f"quorum\u00a0none\n{'#' * 9}\n": "line 1: found",
    "#" * MAX_BYTES + "\nquorum none\n": "at most",
    "".join(f"log {log_key(n + 9).text}\n" for n in range(MAX_LINES + 1)): "more than 64 logs",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=list(WRONG.values()))
def test_a_line_that_is_wrong_is_named_with_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        policy(text)
    assert said in str(refused.value)


def test_sixty_four_of_each_are_taken() -> None:
    many = range(MAX_LINES)
    text = "".join(f"log {log_key(n + 9).text}\n" for n in many)
    text += "".join(f"witness w{n} {witness_key(n).text}\n" for n in many)
    text += "group g0 any w0\n" + "".join(f"group g{n} all w{n} g{n - 1}\n" for n in many if n)
    read = policy(f"{text}quorum g63\n")
    assert read.holds({one.key for one in read.witnesses})
    assert not read.holds({one.key for one in read.witnesses[1:]})


def test_a_name_is_octets_and_not_what_they_look_like() -> None:
    kelvin = b"K any a\nquorum \xe2\x84\xaa\n"
    with pytest.raises(InputError, match="no witness"):
        Policy.parse(ONE.encode() + b"group " + kelvin)
    strange = b"witness \xff\xfe " + W[2].text.encode() + b"\nquorum \xff\xfe\n"
    assert Policy.parse(strange).holds(keys(2))
    assert Policy.parse(strange).lacking(keys(1)) == "witness \\xff\\xfe"


def test_without_a_quorum_nobody_need_cosign() -> None:
    assert policy(f"{TWO}quorum none\n").holds([])


# --- against counting by hand ---------------------------------------------------------------------


@st.composite
def trees(draw: st.DrawFn) -> tuple[str, object]:
    """A policy's text, and the same as nested (threshold, members) with numbers for witnesses."""
    lines = [f"witness w{number} {W[number].text}" for number in range(6)]
    free: list[tuple[str, object]] = [(f"w{number}", number) for number in range(6)]
    for number in range(draw(st.integers(1, 4))):
        count = draw(st.integers(1, len(free)))
        members = draw(st.permutations(free))[:count]
        threshold = draw(st.integers(1, count))
        spelled = [str(threshold)]
        spelled += ["any"] * (threshold == 1) + ["all"] * (threshold == count)
        word = draw(st.sampled_from(spelled))
        lines.append(f"group g{number} {word} {' '.join(name for name, _ in members)}")
        free = [one for one in free if one not in members]
        free.append((f"g{number}", (threshold, [tree for _, tree in members])))
    name, tree = draw(st.sampled_from(free))
    return "\n".join([*lines, f"quorum {name}", ""]), tree


def counted(tree: object, cosigned: set[int]) -> bool:
    if isinstance(tree, int):
        return tree in cosigned
    threshold, members = tree
    return sum(counted(one, cosigned) for one in members) >= threshold


@given(trees(), st.sets(st.integers(0, 7)))
def test_a_quorum_holds_just_when_counting_says_so(
    drawn: tuple[str, object], cosigned: set[int]
) -> None:
    text, tree = drawn
    read = policy(text)
    assert read.holds(keys(*cosigned)) is counted(tree, cosigned)
    assert bool(read.lacking(keys(*cosigned))) is not counted(tree, cosigned)


PIECES = ["log ", "witness ", "group ", "quorum ", "none", "any ", "all ", "2 ", "w0 ", "w1 ", "\n",
          "\t", "#", "\x00", "\r", LOG.text, W[0].text, W[1].text, "\xa0"]  # fmt: skip


@given(
    st.binary()
    | st.lists(st.sampled_from(PIECES), max_size=20).map(lambda some: "".join(some).encode())
)
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    try:
        read = Policy.parse(data)
    except InputError:
        return
    assert read.quorum == "none" or read.holds({one.key for one in read.witnesses})


# --- opening --------------------------------------------------------------------------------------

CHECKPOINT = Checkpoint(LOG.name, 0, EMPTY_ROOT)
TEXT = CHECKPOINT.encode()
SMALL = policy(f"log {LOG.text}\n{TWO}witness c {W[3].text}\ngroup g 2 a b c\nquorum g\n")


def signed(*witnesses: int, by: Key = LOG, text: str = TEXT, time: int = 5) -> bytes:
    note = Note.parse(sign_note(text, [by]))
    lines = [cosign(text, W[number], time + number) for number in witnesses]
    return Note(text, (*note.signatures, *lines)).encode()


def test_a_checkpoint_opens_with_who_cosigned_it_and_when() -> None:
    opened = open_cosigned(signed(1, 3), SMALL, LogVerifier)
    assert opened.checkpoint == CHECKPOINT
    assert opened.log == LOG.public
    assert opened.cosigned_at == {W[1].public: 6, W[3].public: 8}


@pytest.mark.parametrize("numbers", [(), (1,), (1, 1), (1, 7), (7, 6, 5)])
def test_too_few_are_refused_with_their_number(numbers: tuple[int, ...]) -> None:
    known = len({1}.intersection(numbers))
    with pytest.raises(ProofError, match=f"{known} of 3 witnesses cosigned it, which is no quorum"):
        open_cosigned(signed(*numbers), SMALL, LogVerifier)


def test_signatures_of_unknown_keys_are_ignored() -> None:
    note = Note.parse(signed(1, 2))
    noise = Signature(W[1].name, b"\x00\x01\x02\x03", b"x")
    opened = open_cosigned(Note(TEXT, (noise, *note.signatures)).encode(), SMALL, LogVerifier)
    assert opened.cosigned_at.keys() == keys(1, 2)


def test_a_checkpoint_no_known_log_signed_is_refused() -> None:
    for by in (log_key(2), log_key(1, "other")):
        with pytest.raises(ProofError, match="no log of the policy"):
            open_cosigned(signed(1, 2, 3, by=by), SMALL, LogVerifier)


def test_a_log_signs_for_its_own_origin_alone() -> None:
    elsewhere = Checkpoint("log.example/other", 0, EMPTY_ROOT).encode()
    with pytest.raises(ProofError, match="own origin"):
        open_cosigned(signed(1, 2, text=elsewhere), SMALL, LogVerifier)


def test_a_bad_signature_of_a_known_key_refuses_the_note() -> None:
    note = Note.parse(signed(1, 2, 3))
    for place in range(4):
        one = note.signatures[place]
        bad = Signature(one.name, one.key_id, one.signature[:-1] + bytes([one.signature[-1] ^ 1]))
        lines = (*note.signatures[:place], bad, *note.signatures[place + 1 :])
        with pytest.raises(ProofError):
            open_cosigned(Note(TEXT, lines).encode(), SMALL, LogVerifier)


def test_a_witness_that_cosigned_twice_counts_once_with_its_later_time() -> None:
    note = Note.parse(signed(1, 2))
    later = cosign(TEXT, W[1], 99)
    opened = open_cosigned(Note(TEXT, (later, *note.signatures)).encode(), SMALL, LogVerifier)
    assert opened.cosigned_at == {W[1].public: 99, W[2].public: 7}


def test_a_policy_without_logs_takes_those_known_otherwise() -> None:
    nameless = policy(f"{ONE}quorum a\n")
    with pytest.raises(ProofError, match="no log"):
        open_cosigned(signed(1), nameless, LogVerifier)
    assert open_cosigned(signed(1), nameless, LogVerifier, [LOG.public]).log == LOG.public
