"""What a witness answers, status by status, and what it keeps: without a network."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import stat
import struct
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.errors import Damaged, InputError, Unavailable
from reciprocity.tlog.cosignature import check_cosignature
from reciprocity.tlog.merkle import prove_consistency
from reciprocity.tlog.note import COSIGNATURE_V1, Note, Signature, VerifierKey
from reciprocity.tlog.signing import LogVerifier
from reciprocity.tlog.submission import SIZE_TYPE, Submission, parse_lines
from reciprocity.witness.folder import (
    WitnessKey,
    add_logs,
    init_witness,
    known_logs,
    open_key,
    open_state,
)
from reciprocity.witness.state import NOTHING, Remembered
from reciprocity.witness.witness import Answer, Witness
from tests.tlog.keys import log_key, witness_key
from tests.witness.running import RACERS, SmallLog, race, races

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG, FORK = SmallLog(40), SmallLog(40, fork=5)
ORIGIN = LOG.key.name
NAME = "witness.example/w"
START_S = 1_790_000_000


class Clock:
    def __init__(self) -> None:
        self.at = START_S * 1000

    def __call__(self) -> int:
        return self.at


class Opened:
    """A witness in a folder, and the clock it goes by."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.key = open_key(folder)
        self.state = open_state(folder, self.key)
        self.witness = Witness(folder, self.key, self.state, self.clock)

    def ask(self, body: bytes) -> Answer:
        return self.witness.add_checkpoint(body)

    def time(self, answer: Answer, note: bytes) -> int:
        """When it cosigned *note*, by its *answer*."""
        assert answer.status == 200
        (line,) = parse_lines(answer.body)
        verifier = LogVerifier(self.key.verifier_key)
        return check_cosignature(Note.parse(note).text, line, verifier)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_witness(tmp_path / "w", NAME, [LOG.key.text], bytes(range(32)))
    return tmp_path / "w"


@pytest.fixture
def opened(folder: Path) -> Iterator[Opened]:
    opened = Opened(folder)
    with closing(opened.state):
        yield opened


# --- the statuses ---------------------------------------------------------------------------------


def test_it_cosigns_what_grew_from_what_it_cosigned(opened: Opened) -> None:
    for old, new in [(0, 7), (7, 8), (8, 32), (32, 32), (32, 40)]:
        answer = opened.ask(LOG.ask(old, new))
        assert opened.time(answer, LOG.note(new)) == START_S
        assert opened.state.remembered(ORIGIN)[:2] == (new, LOG.root(new))


def test_what_it_remembers_is_the_note_with_both_signatures(opened: Opened) -> None:
    opened.ask(LOG.ask(0, 7))
    note = Note.parse(opened.state.remembered(ORIGIN).note)
    assert [one.name for one in note.signatures] == [ORIGIN, NAME]


def test_another_size_than_it_knows_is_409_with_the_size(opened: Opened) -> None:
    assert opened.ask(LOG.ask(3, 7)) == Answer(409, b"0\n", SIZE_TYPE)
    opened.ask(LOG.ask(0, 7))
    for old, new in [(0, 7), (0, 3), (3, 5), (6, 40), (8, 40)]:
        assert opened.ask(LOG.ask(old, new)) == Answer(409, b"7\n", SIZE_TYPE)
    assert opened.state.remembered(ORIGIN).size == 7


def test_another_root_of_the_same_size_is_409_and_both_notes_are_kept(opened: Opened) -> None:
    opened.ask(LOG.ask(0, 7))
    for _ in range(2):
        assert opened.ask(FORK.ask(7, 7)) == Answer(409, b"7\n", SIZE_TYPE)
    ((known, other),) = opened.state.splits(ORIGIN)
    assert Note.parse(known).text == Note.parse(LOG.note(7)).text
    assert other == FORK.note(7)
    assert opened.witness.logs()[ORIGIN] == (opened.state.remembered(ORIGIN), 1)


def test_a_fork_that_is_longer_is_422(opened: Opened) -> None:
    opened.ask(LOG.ask(0, 7))
    assert opened.ask(FORK.ask(7, 9)).status == 422
    assert opened.ask(LOG.ask(7, 9)).status == 200


@pytest.mark.parametrize("proof", [(), (bytes(32),), (bytes(32),) * 63])
def test_a_proof_that_proves_nothing_is_422(opened: Opened, proof: tuple[bytes, ...]) -> None:
    opened.ask(LOG.ask(0, 7))
    assert opened.ask(Submission(7, proof, LOG.note(9)).encode()).status == 422


def test_the_first_checkpoint_takes_no_proof(opened: Opened) -> None:
    assert opened.ask(Submission(0, (bytes(32),), LOG.note(9)).encode()).status == 422
    assert opened.ask(Submission(0, (), LOG.note(9)).encode()).status == 200


def test_an_old_size_above_the_new_is_400(opened: Opened) -> None:
    assert opened.ask(Submission(10, (), LOG.note(9)).encode()).status == 400


@pytest.mark.parametrize(
    "body", [b"", b"old 0\n\n", b"old 0\n\nlog\n0\n\n", b"\xff", bytes(400_000)]
)
def test_what_is_no_submission_is_400(opened: Opened, body: bytes) -> None:
    assert opened.ask(body).status == 400


def test_an_unknown_log_is_404(opened: Opened) -> None:
    other = SmallLog(9, key=log_key(2, "log.example/other"))
    assert opened.ask(other.ask(0, 9)).status == 404
    add_logs(opened.folder, [other.key.text])
    assert opened.ask(other.ask(0, 9)).status == 200


def test_a_checkpoint_of_another_key_or_none_is_403(opened: Opened) -> None:
    impostor = SmallLog(9, key=log_key(2))
    assert opened.ask(impostor.ask(0, 9)).status == 403
    note = Note.parse(LOG.note(9))
    (line,) = note.signatures
    bad = Signature(line.name, line.key_id, bytes(64))
    assert opened.ask(Submission(0, (), Note(note.text, (bad,)).encode()).encode()).status == 403
    assert opened.state.remembered(ORIGIN) == NOTHING


def test_signatures_of_unknown_keys_are_ignored_and_not_kept(opened: Opened) -> None:
    note = Note.parse(LOG.note(9))
    noise = Signature("somebody", b"abcd", b"x" * 5_000)
    body = Submission(0, (), Note(note.text, (noise, *note.signatures)).encode()).encode()
    assert opened.ask(body).status == 200
    assert b"somebody" not in opened.state.remembered(ORIGIN).note


def test_extension_lines_are_cosigned_too(opened: Opened) -> None:
    note = LOG.note(9, "an extension")
    assert opened.time(opened.ask(Submission(0, (), note).encode()), note) == START_S


def test_a_log_with_two_keys_is_taken_by_either(opened: Opened) -> None:
    new_key = SmallLog(40, key=log_key(3))
    add_logs(opened.folder, [new_key.key.text])
    assert opened.ask(LOG.ask(0, 7)).status == 200
    assert opened.ask(new_key.ask(7, 9)).status == 200
    assert opened.ask(LOG.ask(9, 12)).status == 200


def test_an_empty_log_is_cosigned_and_may_then_grow(opened: Opened) -> None:
    assert opened.ask(LOG.ask(0, 0)).status == 200
    assert opened.ask(LOG.ask(0, 5)).status == 200


def test_a_clock_set_back_does_not_make_it_contradict_itself(opened: Opened) -> None:
    opened.ask(LOG.ask(0, 7))
    opened.clock.at -= 60_000
    assert opened.time(opened.ask(LOG.ask(7, 9)), LOG.note(9)) == START_S


@given(st.binary() | st.tuples(st.integers(0, 200), st.binary(max_size=3)))
def test_any_body_gets_an_answer_and_moves_nothing(
    opened_once: Opened, told: bytes | tuple[int, bytes]
) -> None:
    body = told
    if isinstance(told, tuple):
        place, piece = told
        whole = LOG.ask(7, 9)
        body = whole[:place] + piece + whole[place + len(piece) + 1 :]
    answer = opened_once.ask(body)
    assert answer.status in {400, 403, 404, 409, 422}
    assert opened_once.state.remembered(ORIGIN).size == 7


@pytest.fixture(scope="module")
def opened_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("w") / "w"
    init_witness(folder, NAME, [LOG.key.text], bytes(range(32)))
    opened = Opened(folder)
    with closing(opened.state):
        opened.ask(LOG.ask(0, 7))
        yield opened


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_whatever_is_asked_in_whatever_order_the_answers_follow_from_one_history(
    asked: list[tuple[bool, int, int]],
) -> None:
    """Two histories that part at leaf 5, against a model that keeps all that was cosigned."""
    with TemporaryDirectory() as place:
        init_witness(Path(place) / "w", NAME, [LOG.key.text], bytes(range(32)))
        opened, size, root = Opened(Path(place) / "w"), 0, LOG.root(0)
        with closing(opened.state):
            for forked, old, new in asked:
                log = FORK if forked else LOG
                proof = tuple(prove_consistency(old, new, log.tree)) if old <= new else ()
                status = opened.ask(Submission(old, proof, log.note(new)).encode()).status
                if old > new:
                    assert status == 400
                elif old != size or (new == size and log.root(new) != root):
                    assert status == 409
                elif size and log.root(size) != root:
                    assert status == 422
                else:
                    assert status == 200
                    size, root = new, log.root(new)
            assert opened.state.remembered(ORIGIN)[:2] == (size, root)


def test_a_cosignature_holds_by_the_specification_alone(opened: Opened) -> None:
    """By hand, from the text of tlog-cosignature: nothing of ours but the bytes."""
    text = LOG.note(7).rpartition(b"\n\n")[0] + b"\n"
    answer = opened.ask(LOG.ask(0, 7)).body.decode()
    dash, name, encoded = answer.rstrip("\n").split(" ")
    public = base64.b64decode(opened.key.verifier_key.encode().split("+", 2)[2])[1:]
    data = base64.b64decode(encoded)
    assert (dash, name) == ("\N{EM DASH}", NAME)
    assert data[:4] == hashlib.sha256(NAME.encode() + b"\n\x04" + public).digest()[:4]
    (time,) = struct.unpack(">Q", data[4:12])
    message = b"cosignature/v1\ntime %d\n" % time + text
    Ed25519PublicKey.from_public_bytes(public).verify(data[12:], message)


# --- the state ------------------------------------------------------------------------------------


def test_of_eight_histories_asked_for_at_one_moment_one_is_cosigned(
    opened: Opened, folder: Path
) -> None:
    """Two connections to one file, as two processes have, four threads on each."""
    logs, other = races(40), Opened(folder)
    add_logs(folder, [histories[0].key.text for histories in logs])
    with closing(other.state):
        for histories in logs:
            found = race(histories, lambda who, body: (opened, other)[who % 2].ask(body).status)
            assert found == [200, *[409] * (RACERS - 1)]


def test_a_step_from_what_is_no_longer_so_is_refused(opened: Opened) -> None:
    first, second = Remembered(3, LOG.root(3)), Remembered(3, FORK.root(3))
    assert opened.state.step("o", NOTHING, first)
    assert not opened.state.step("o", NOTHING, second)
    assert not opened.state.step("o", first._replace(root=bytes(32)), second)
    assert opened.state.remembered("o") == first


def test_what_was_answered_is_there_after_opening_again(folder: Path) -> None:
    for old, new in [(0, 7), (7, 9)]:
        again = Opened(folder)
        with closing(again.state):
            assert again.ask(LOG.ask(old, new)).status == 200


def test_a_witness_without_its_state_does_not_start(folder: Path) -> None:
    (folder / "state.db").unlink()
    with pytest.raises(Unavailable, match="no longer knows what it cosigned"):
        Opened(folder)
    assert not (folder / "state.db").exists()


def test_the_state_of_another_witness_is_refused(folder: Path, tmp_path: Path) -> None:
    init_witness(tmp_path / "v", NAME, [], bytes(32))
    shutil.copy(tmp_path / "v" / "state.db", folder / "state.db")
    with pytest.raises(Unavailable, match="belongs to another key"):
        Opened(folder)


def test_a_broken_state_is_damaged(folder: Path) -> None:
    (folder / "state.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    with pytest.raises((Damaged, Unavailable)):
        Opened(folder)


# --- the folder -----------------------------------------------------------------------------------


def test_the_key_is_readable_by_its_owner_alone_and_refused_if_not(folder: Path) -> None:
    path = folder / "witness.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "state.db").stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(Unavailable, match="chmod 600"):
        open_key(folder)


def test_the_key_is_of_the_type_of_witnesses(folder: Path) -> None:
    key = open_key(folder).verifier_key
    assert (key.name, key.algorithm) == (NAME, COSIGNATURE_V1)
    assert VerifierKey.parse(key.encode()) == key


@pytest.mark.parametrize("change", ["", "PRIVATE+KEY+", "PRIVATE+KEY+a+00000000+AAAA", "x"])
def test_a_key_file_that_is_none_is_said_to_be(folder: Path, change: str) -> None:
    (folder / "witness.key").write_text(change)
    with pytest.raises(InputError, match="witness key is none"):
        open_key(folder)


def test_a_witness_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    for name, logs in [("two words", []), ("", []), ("a+b", []), (NAME, ["x"]),
                       (NAME, [witness_key(1).text])]:  # fmt: skip
        with pytest.raises(InputError):
            init_witness(tmp_path / "w", name, logs, os.urandom(32))
        assert not (tmp_path / "w").exists()


def test_a_second_witness_in_one_folder_is_refused(folder: Path) -> None:
    before = (folder / "witness.key").read_bytes()
    with pytest.raises(InputError, match="not empty"):
        init_witness(folder, NAME, [], os.urandom(32))
    assert (folder / "witness.key").read_bytes() == before


def test_logs_are_added_once_and_a_line_that_is_none_is_named(folder: Path) -> None:
    more = log_key(2, "log.example/other")
    for _ in range(2):
        add_logs(folder, [more.text, LOG.key.text])
    assert known_logs(folder) == {ORIGIN: (LOG.key.public,), more.name: (more.public,)}
    with (folder / "logs").open("a") as file:
        file.write("# a comment\n\nnonsense")
    with pytest.raises(InputError, match="line 6: log key 'nonsense' is none"):
        known_logs(folder)


def test_a_key_reads_as_it_is_written() -> None:
    key = WitnessKey(NAME, bytes(range(32)))
    assert WitnessKey.parse(key.encode()).verifier_key == key.verifier_key
