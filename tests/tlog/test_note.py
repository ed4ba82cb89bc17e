"""Notes, keys, checkpoints and log proofs against the vectors; every parser against garbage."""

import json
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.errors import ProofError
from reciprocity.tlog.merkle import Frontier, hash_leaf, prove_inclusion
from reciprocity.tlog.note import (
    ED25519,
    MAX_NOTE_BYTES,
    Checkpoint,
    LogProof,
    Note,
    Signature,
    VerifierKey,
    open_checkpoint,
    open_note,
    open_proof,
    sign_note,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/tlog/note.json").read_bytes())
NOTES = [b64decode(case["data"]) for case in VECTORS["notes"]]
PROOFS = [b64decode(case["data"]) for case in VECTORS["proofs"]]
KEYS = [case["text"] for case in VECTORS["keys"]]
CHECKPOINTS = [case["text"] for case in VECTORS["checkpoints"]]
# The example key of golang.org/x/mod/sumdb/note, published with its private half.
PUBLISHED_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]


class Key:
    """An Ed25519 key that signs and verifies, as `reciprocity.tlog.note` wants both."""

    def __init__(self, name: str, seed: bytes) -> None:
        self.name = name
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public_key = self._private.public_key().public_bytes_raw()
        self.public = VerifierKey(name, ED25519, public_key)
        self.key_id = self.public.key_id

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def verify(self, message: bytes, signature: bytes) -> None:
        PublicKey(self.public).verify(message, signature)


class PublicKey:
    def __init__(self, key: VerifierKey) -> None:
        self.key = key
        self.name, self.key_id = key.name, key.key_id

    def verify(self, message: bytes, signature: bytes) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.key.public_key).verify(signature, message)
        except InvalidSignature as error:
            message_text = "signature: does not hold"
            raise ProofError(message_text) from error


LOG = Key("log.example/brand", bytes([1]) * 32)
WITNESS = Key("witness.example/w1", bytes([2]) * 32)


def named(cases: list[dict], key: str = "name") -> dict:
    return {"argvalues": cases, "ids": [case[key] or "empty" for case in cases]}


@pytest.mark.parametrize("case", **named(VECTORS["keys"], "text"))
def test_keys_are_those_of_the_vectors(case: dict) -> None:
    key = VerifierKey.parse(case["text"])
    assert (key.name, key.algorithm) == (case["name"], case["algorithm"])
    assert (key.key_id.hex(), key.public_key.hex()) == (case["key_id"], case["public_key"])
    assert key.encode() == case["text"]


@pytest.mark.parametrize("case", **named(VECTORS["keys_refused"], "why"))
def test_a_malformed_key_is_refused(case: dict) -> None:
    with pytest.raises(ProofError):
        VerifierKey.parse(case["text"])


@pytest.mark.parametrize("case", **named(VECTORS["notes"]))
def test_notes_open_as_the_vectors_say(case: dict) -> None:
    data = b64decode(case["data"])
    verifiers = [PublicKey(VerifierKey.parse(text)) for text in case["verifiers"]]
    if not case["opens"]:
        with pytest.raises(ProofError):
            open_note(data, verifiers)
        return
    opened = open_note(data, verifiers)
    assert opened.text == case["text"]
    assert [one.key.encode() for one in opened.signed_by] == case["signed_by"]
    assert Note.parse(data).encode() == data


def test_the_published_key_signs_the_published_note() -> None:
    key = Key("PeterNeumann", PUBLISHED_SEED)
    assert key.public.encode() == KEYS[0]
    assert sign_note(VECTORS["notes"][0]["text"], [key]) == NOTES[0]


def test_a_note_signed_here_opens_with_every_signer_in_order() -> None:
    data = sign_note("text\n", [LOG, WITNESS])
    assert open_note(data, [WITNESS, LOG]).signed_by == (LOG, WITNESS)


def test_a_cosignature_is_added_without_touching_what_is_there() -> None:
    data = sign_note("text\n", [LOG])
    note = Note.parse(data)
    cosignature = Signature(WITNESS.name, WITNESS.key_id, WITNESS.sign(note.text.encode()))
    both = Note(note.text, (*note.signatures, cosignature)).encode()
    assert both.startswith(data)
    assert open_note(both, [LOG, WITNESS]).signed_by == (LOG, WITNESS)


def test_two_verifiers_of_one_name_and_id_are_refused() -> None:
    with pytest.raises(ProofError, match="verifiers"):
        open_note(sign_note("text\n", [LOG]), [LOG, Key(LOG.name, bytes([1]) * 32)])


def test_a_note_over_the_limit_is_refused_on_both_sides() -> None:
    text = "x" * MAX_NOTE_BYTES + "\n"
    with pytest.raises(ProofError, match="at most"):
        sign_note(text, [LOG])
    with pytest.raises(ProofError, match="at most"):
        Note.parse(text.encode())


def test_sixteen_signatures_of_five_kilobytes_are_accepted() -> None:
    large = tuple(Signature(f"w{one}", bytes(4), bytes(5000)) for one in range(16))
    data = Note("text\n", large).encode()
    assert Note.parse(data).signatures == large


@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "\ud800\n"])
def test_a_text_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(ProofError):
        sign_note(text, [LOG])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "a\x00b"])
def test_a_key_name_with_a_space_or_a_plus_is_not_written(name: str) -> None:
    with pytest.raises(ProofError, match="key name"):
        sign_note("text\n", [Key(name, bytes([1]) * 32)])
    with pytest.raises(ProofError, match="key name"):
        Key(name, bytes([1]) * 32).public.encode()


@pytest.mark.parametrize("case", **named(VECTORS["checkpoints"], "origin"))
def test_checkpoints_are_those_of_the_vectors(case: dict) -> None:
    checkpoint = Checkpoint.parse(case["text"])
    assert (checkpoint.origin, checkpoint.size) == (case["origin"], case["size"])
    assert (checkpoint.root.hex(), list(checkpoint.extensions)) == (
        case["root"],
        case["extensions"],
    )
    assert checkpoint.encode() == case["text"]


@pytest.mark.parametrize("case", **named(VECTORS["checkpoints_refused"], "why"))
def test_a_malformed_checkpoint_is_refused(case: dict) -> None:
    with pytest.raises(ProofError):
        Checkpoint.parse(case["text"])


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 0, bytes(32)),
        Checkpoint("log\n9", 0, bytes(32)),
        Checkpoint("log", -1, bytes(32)),
        Checkpoint("log", 2**53, bytes(32)),
        Checkpoint("log", 0, bytes(31)),
        Checkpoint("log", 0, bytes(32), ("",)),
        Checkpoint("log", 0, bytes(32), ("a\nb",)),
        Checkpoint("log\r", 0, bytes(32)),
    ],
)
def test_a_checkpoint_that_would_read_differently_is_not_written(checkpoint: Checkpoint) -> None:
    with pytest.raises(ProofError, match="checkpoint"):
        checkpoint.encode()


def test_a_checkpoint_opens_only_for_its_own_origin() -> None:
    checkpoint = Checkpoint(LOG.name, 5, bytes(32))
    data = sign_note(checkpoint.encode(), [LOG])
    assert open_checkpoint(data, LOG) == checkpoint
    with pytest.raises(ProofError, match="origin"):
        open_checkpoint(data, LOG, "log.example/other")
    elsewhere = Checkpoint("log.example/other", 5, bytes(32))
    data = sign_note(elsewhere.encode(), [LOG])
    assert open_checkpoint(data, LOG, "log.example/other") == elsewhere


@pytest.mark.parametrize("case", **named(VECTORS["proofs"]))
def test_log_proofs_are_answered_as_the_vectors_say(case: dict) -> None:
    data, leaf_hash = b64decode(case["data"]), bytes.fromhex(case["leaf_hash"])
    log = PublicKey(VerifierKey.parse(case["log"]))
    if not case["holds"]:
        with pytest.raises(ProofError):
            open_proof(data, leaf_hash, log)
        return
    assert open_proof(data, leaf_hash, log).size == case["size"]
    proof = LogProof.parse(data)
    assert (proof.index, proof.extra.hex()) == (case["index"], case.get("extra", ""))
    assert proof.encode() == data


def test_a_proof_made_here_opens_here() -> None:
    frontier = Frontier()
    growth = frontier.extend([hash_leaf(bytes([one])) for one in range(7)])
    note = sign_note(Checkpoint(LOG.name, 7, frontier.root()).encode(), [LOG])
    for index in range(7):
        proof = LogProof(index, tuple(prove_inclusion(index, 7, growth)), note)
        checkpoint = open_proof(proof.encode(), hash_leaf(bytes([index])), LOG)
        assert checkpoint == Checkpoint(LOG.name, 7, frontier.root())


def test_a_log_proof_of_a_million_leaves_stays_under_1200_bytes() -> None:
    note = sign_note(Checkpoint(LOG.name, 2**20, bytes(32)).encode(), [LOG])
    assert len(LogProof(2**20 - 1, (bytes(32),) * 20, note).encode()) <= 1200


@pytest.mark.parametrize(
    "proof",
    [
        LogProof(-1, (), PROOFS[0].split(b"\n\n", 1)[1]),
        LogProof(2**53, (), PROOFS[0].split(b"\n\n", 1)[1]),
        LogProof(0, (bytes(31),), PROOFS[0].split(b"\n\n", 1)[1]),
        LogProof(0, (bytes(32),) * 54, PROOFS[0].split(b"\n\n", 1)[1]),
        LogProof(0, (), b"not a note\n"),
        LogProof(0, (), NOTES[0]),
    ],
)
def test_a_log_proof_that_would_not_parse_is_not_written(proof: LogProof) -> None:
    with pytest.raises(ProofError):
        proof.encode()


@st.composite
def nearly(draw: st.DrawFn, examples: list) -> str | bytes:
    """One of *examples* with up to three small pieces cut, doubled or put in."""
    text = draw(st.sampled_from(examples))
    piece = st.text(max_size=3) if isinstance(text, str) else st.binary(max_size=3)
    marks = ["\n", "=", "+", " ", "0", "A", "\u2014 ", "\n\n"]
    known = st.sampled_from(marks if isinstance(text, str) else [one.encode() for one in marks])
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 2)))
        text = text[:start] + draw(piece | known) + text[stop:]
    return text


@pytest.mark.parametrize(
    ("parser", "examples", "garbage"),
    [
        (VerifierKey, KEYS, st.text()),
        (Checkpoint, CHECKPOINTS, st.text()),
        (Note, [one for one in NOTES if len(one) < 1000], st.binary()),
        (LogProof, PROOFS, st.binary()),
    ],
    ids=["key", "checkpoint", "note", "log proof"],
)
def test_a_parser_refuses_or_encodes_to_the_same_again(
    parser: type, examples: list, garbage: st.SearchStrategy
) -> None:
    @given(nearly(examples) | garbage)
    def hold(text: str | bytes) -> None:
        try:
            parsed = parser.parse(text)
        except ProofError:
            return
        assert parsed.encode() == text

    hold()
