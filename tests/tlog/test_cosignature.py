"""Cosignatures and submissions: the published examples, and both parsers against garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.errors import ProofError
from reciprocity.tlog.cosignature import (
    MAX_TIME,
    Cosignature,
    check_cosignature,
    cosign,
    cosigned_message,
)
from reciprocity.tlog.merkle import EMPTY_ROOT
from reciprocity.tlog.note import Checkpoint, Note, Signature, sign_note
from reciprocity.tlog.signing import LogVerifier
from reciprocity.tlog.submission import (
    MAX_BYTES,
    Submission,
    parse_lines,
    parse_size,
    signature_lines,
)
from tests.tlog.keys import log_key, witness_key

LOG, WITNESS = log_key(1), witness_key(1)
TEXT = Checkpoint(LOG.name, 0, EMPTY_ROOT).encode()
NOTE = sign_note(TEXT, [LOG])

# The texts of C2SP; their keys were not published, so only what they say can be held against us.
COSIGNED = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 \
jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
""".encode()
SIGNED_MESSAGE = b"""\
cosignature/v1
time 1679315147
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""
SUBMITTED = (
    b"""\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

"""
    + COSIGNED
)
ANSWERED = """\
— witness.example/w1 \
CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w2 \
AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
""".encode()


def test_the_published_cosignature_says_the_published_time() -> None:
    note = Note.parse(COSIGNED)
    cosignature = Cosignature.parse(note.signatures[1].signature)
    assert cosignature.time == 1679315147
    assert cosignature.encode() == note.signatures[1].signature
    assert cosigned_message(note.text, cosignature.time) == SIGNED_MESSAGE


def test_the_published_submission_and_answer_are_read_and_written_alike() -> None:
    parsed = Submission.parse(SUBMITTED)
    assert (parsed.old_size, len(parsed.proof), parsed.checkpoint.size) == (20852014, 4, 20852163)
    assert parsed.encode() == SUBMITTED
    assert signature_lines(list(parse_lines(ANSWERED))) == ANSWERED


def test_a_cosignature_made_here_holds_here_with_its_time() -> None:
    line = cosign(TEXT, WITNESS, 1_790_000_000)
    assert check_cosignature(TEXT, line, LogVerifier(WITNESS.public)) == 1_790_000_000


@pytest.mark.parametrize("time", [-1, MAX_TIME + 1])
def test_a_time_no_browser_holds_is_not_signed(time: int) -> None:
    with pytest.raises(ProofError, match="time"):
        cosign(TEXT, WITNESS, time)


def test_a_cosignature_of_another_time_text_or_witness_does_not_hold() -> None:
    line, verifier = cosign(TEXT, WITNESS, 9), LogVerifier(WITNESS.public)
    moved = Cosignature(10, line.signature[8:]).encode()
    with pytest.raises(ProofError):
        check_cosignature(TEXT, Signature(line.name, line.key_id, moved), verifier)
    with pytest.raises(ProofError):
        check_cosignature(TEXT + "more\n", line, verifier)
    with pytest.raises(ProofError, match="another key"):
        check_cosignature(TEXT, line, LogVerifier(witness_key(2).public))


def test_a_witness_that_signs_as_a_log_does_is_not_believed() -> None:
    bare = Signature(WITNESS.name, WITNESS.key_id, WITNESS.sign(TEXT.encode()))
    with pytest.raises(ProofError, match="64 bytes"):
        check_cosignature(TEXT, bare, LogVerifier(WITNESS.public))
    timed = Signature(WITNESS.name, WITNESS.key_id, bytes(8) + bare.signature)
    with pytest.raises(ProofError):
        check_cosignature(TEXT, timed, LogVerifier(WITNESS.public))


WRONG = [
    b"",
    b"\n\n",
    NOTE,
    b"old 0\n" + NOTE,
    b"old 00\n\n" + NOTE,
    b"old +1\n\n" + NOTE,
    b"old  1\n\n" + NOTE,
    b"old 1 \n\n" + NOTE,
    b"old\n\n" + NOTE,
    b"Old 1\n\n" + NOTE,
    b"old 1\r\n\n" + NOTE,
    b"old 9007199254740992\n\n" + NOTE,
    "old \u0661\n\n".encode() + NOTE,
    b"old 1\nAAAA\n\n" + NOTE,
    b"old 1\n" + b"A" * 42 + b"B=\n\n" + NOTE,
    b"old 1\n" + b"A" * 43 + b"= \n\n" + NOTE,
    b"old 1\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + NOTE,
    b"old 1\n\n" + NOTE[:-1],
    b"old 1\n\n" + TEXT.encode(),
    b"old 1\n\n" + sign_note("no checkpoint\n", [LOG]),
    b"old 1\n\n" + bytes(MAX_BYTES),
]


@pytest.mark.parametrize("body", WRONG, ids=lambda body: repr(body[:20]))
def test_a_submission_spelled_otherwise_is_refused(body: bytes) -> None:
    with pytest.raises(ProofError):
        Submission.parse(body)


@st.composite
def nearly(draw: st.DrawFn, examples: list[bytes]) -> bytes:
    """One of *examples* with up to three small pieces cut, doubled or put in."""
    data = draw(st.sampled_from(examples))
    pieces = [b"\n", b"\n\n", b"old ", b"0", b"=", b" ", b"\xff", b"A" * 43 + b"=\n"]
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 2)))
        data = data[:start] + draw(st.binary(max_size=3) | st.sampled_from(pieces)) + data[stop:]
    return data


@given(nearly([SUBMITTED, Submission(0, (), NOTE).encode()]) | st.binary())
def test_a_submission_is_refused_or_encodes_to_the_same_again(data: bytes) -> None:
    try:
        parsed = Submission.parse(data)
    except ProofError:
        return
    assert parsed.encode() == data


@given(st.binary(min_size=70, max_size=74) | st.binary())
def test_a_cosignature_is_refused_or_encodes_to_the_same_again(data: bytes) -> None:
    try:
        parsed = Cosignature.parse(data)
    except ProofError:
        return
    assert parsed.encode() == data


@given(nearly([b"20852014\n", b"0\n"]) | st.binary(max_size=20))
def test_a_size_is_refused_or_reads_as_it_is_written(data: bytes) -> None:
    try:
        size = parse_size(data)
    except ProofError:
        return
    assert b"%d\n" % size == data


@given(nearly([ANSWERED]) | st.binary())
def test_an_answer_is_refused_or_reads_as_it_is_written(data: bytes) -> None:
    try:
        lines = parse_lines(data)
    except ProofError:
        return
    assert signature_lines(list(lines)) == data
