"""Erasure: refused from the request on, carried out in order, and then nothing is left."""

import signal
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path

import pytest

from reciprocity.deliver.outbox import Outbox, Queued
from reciprocity.errors import Conflict, Damaged, Unavailable
from reciprocity.events import ErasureDone, Outcome
from reciprocity.journal.backup import back_up
from reciprocity.journal.destroy import resume, unfinished
from reciprocity.journal.entry import Appended, Entry
from reciprocity.journal.journal import Journal
from reciprocity.journal.standing import Standing
from reciprocity.keys import PersonKeys, derive
from reciprocity.leave.erase import STEPS, due, erase, request, undo
from reciprocity.prove.receipt import check_receipt, receipt_for
from tests.journal.small import (
    NOON,
    Clock,
    address,
    attempt,
    create,
    everything,
    no_more,
    noted,
    register,
    registration,
    reopen,
    yes,
)
from tests.place import put_back, save

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3_600_000
ADA = "operator:ada"


def _ask(journal: Journal, slot: int) -> Appended:
    return request(journal, slot, actor="person", method="link", at=journal.clock())


# --- asking ---


def test_a_request_stands_at_once_and_is_due_after_the_undo_time(
    journal: Journal, clock: Clock
) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    assert _ask(journal, ann).proof
    kept = journal.kept(ann)
    assert kept is not None
    assert kept.standing.wishes.erase_at == NOON + 48 * HOUR
    assert due(journal, NOON + 48 * HOUR - 1) == []
    assert due(journal, NOON + 48 * HOUR) == [ann]
    with pytest.raises(Conflict, match="not due"):
        erase(journal, ann, operator=ADA)
    with pytest.raises(Conflict, match="not due"):
        erase(journal, bob, operator=ADA)
    clock.at += 48 * HOUR
    assert erase(journal, ann, operator=ADA).version == 3
    assert due(journal, clock.at) == []
    assert journal.count() == 1


def test_a_request_made_twice_keeps_its_earlier_end(journal: Journal, clock: Clock) -> None:
    ann = register(journal, "ann")
    _ask(journal, ann)
    clock.at += HOUR
    _ask(journal, ann)
    assert due(journal, NOON + 48 * HOUR) == [ann]


def test_a_request_is_undone_in_time_only(journal: Journal, clock: Clock) -> None:
    ann = register(journal, "ann")
    with pytest.raises(Conflict, match="nothing to undo"):
        undo(journal, ann, actor="person", method="link")
    _ask(journal, ann)
    undo(journal, ann, actor="person", method="link")
    assert due(journal, NOON + 99 * HOUR) == []
    _ask(journal, ann)
    clock.at += 48 * HOUR
    with pytest.raises(Conflict, match="no longer"):
        undo(journal, ann, actor="person", method="link")


def test_a_clock_set_back_does_not_stop_a_request(journal: Journal, clock: Clock) -> None:
    ann = register(journal, "ann")
    clock.at -= HOUR
    _ask(journal, ann)


# --- settling ---


def test_an_open_attempt_is_settled_first_and_one_under_way_is_waited_for(
    journal: Journal, clock: Clock
) -> None:
    ann = register(journal, "ann")
    journal.append([attempt(journal, ann)])
    with pytest.raises(Unavailable, match="handed over"):
        erase(journal, ann, operator=ADA, now=True)
    clock.at += 30_001
    seen: list[list[str]] = []
    erase(
        journal, ann, operator=ADA, now=True,
        audit=lambda slot: seen.append([told.kind for told in journal.history(slot)]),
    )  # fmt: skip
    (kinds,) = seen
    assert kinds[-1] == "delivery.unknown"


def test_an_audit_that_fails_stops_the_erasure(journal: Journal) -> None:
    ann = register(journal, "ann")

    def broken(_slot: int) -> None:
        raise Damaged("deliveries cannot be audited")

    with pytest.raises(Damaged):
        erase(journal, ann, operator=ADA, now=True, audit=broken)
    assert len(journal.history(ann)) == 3


# --- what is left ---


def test_all_that_stands_of_the_erased_is_a_count_and_a_head(journal: Journal) -> None:
    ann = register(journal, "ann")
    erase(journal, ann, operator=ADA, now=True)
    kept = journal.kept(ann)
    assert kept is not None
    assert (kept.clear, kept.pseudonym) == ({}, b"")
    assert kept.standing == Standing(slot=ann, version=3, head=kept.standing.head, erased=True)
    (told,) = journal.brand_events("person.erased")
    assert isinstance(told.body, ErasureDone)
    assert (told.body.version, told.body.head) == (3, kept.standing.head.hex())
    before = everything(journal)
    journal.rebuild()
    assert everything(journal) == before
    assert journal.history(ann) == []
    for entry in (yes(ann), no_more(ann)):
        with pytest.raises(Conflict, match="erased"):
            journal.append([entry])
    with pytest.raises(Conflict):
        erase(journal, ann, operator=ADA, now=True)


def test_an_address_of_the_erased_can_register_anew(journal: Journal) -> None:
    ann = register(journal, "ann")
    erase(journal, ann, operator=ADA, now=True)
    assert journal.find(journal.digest("email", address("ann"))) is None
    again = register(journal, "ann")
    assert again != ann


def test_receipts_given_before_still_hold_and_the_log_still_does(journal: Journal) -> None:
    answers = journal.append([registration(journal, "ann"), yes()], prove=True)
    receipts = [receipt_for(each) for each in answers]
    said = erase(journal, answers[0].slot, operator=ADA, now=True)
    receipts.append(receipt_for(said.receipt))
    journal.append([noted()])
    for receipt in receipts:
        check_receipt(receipt, journal.verifier())
    proof = journal.prove(answers[0].position)
    check_receipt(receipt_for(answers[0], proof), journal.verifier())


def test_suppression_survives(journal: Journal) -> None:
    ann = register(journal, "ann")
    digest = journal.digest("email", address("ann"))
    journal.append([noted("complaint", suppress=(digest,))])
    erase(journal, ann, operator=ADA, now=True)
    assert journal.suppressed([digest]) == {digest}
    answer = journal.append([registration(journal, "ann")])[0]
    kept = journal.kept(answer.slot)
    assert kept is not None
    assert kept.standing.wishes.points["email"].suppressed


def _traces(journal: Journal, slot: int, name: str) -> dict[str, bytes]:
    """Everything that could lead to the person, as bytes to be looked for."""
    keys = journal.person_keys(slot)
    assert isinstance(keys, PersonKeys)
    found = {
        "address": address(name).encode(),
        "external id": f"ext-{name}".encode(),
        "pseudonym": keys.pseudonym,
        "pseudonym as hex": keys.pseudonym.hex().encode(),
        "proof key": keys.proof,
        "vault key": keys.vault,
        "identity": journal.digest("email", address(name)),
        "external identity": journal.digest("external", f"ext-{name}"),
    }
    for which, key in (("proof", keys.proof), ("vault", keys.vault)):
        found[f"{which} seal key"], found[f"{which} commit key"] = derive(key)
    for told in journal.history(slot):
        found[f"salt {told.version}"] = told.salt
        found[f"salt {told.version} as base64"] = b64encode(told.salt)
        found[f"event {told.version}"] = told.text
        row = journal.reader.row(told.position)
        found[f"sealed {told.version}"] = row.sealed or b"?"
    db = journal.connection()
    (sealed,) = db.execute("SELECT sealed FROM vault WHERE slot = ?", (slot,)).fetchone()
    db.close()
    found["vault row"] = bytes(sealed)
    found["pseudonym as base64"] = urlsafe_b64encode(keys.pseudonym).rstrip(b"=")
    return found


def _found(root: Path, traces: dict[str, bytes]) -> list[tuple[str, str]]:
    files = {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}
    return [
        (file.name, name) for file, data in files.items() for name, text in traces.items()
        if text in data
    ]  # fmt: skip


@pytest.mark.files
def test_no_byte_that_leads_to_the_erased_is_left_in_any_file(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    people = [register(journal, f"p{number}") for number in range(40)]
    ann = register(journal, "ann")
    answer = journal.append([attempt(journal, ann)])[0]
    said = Outcome(attempt=answer.version)
    journal.append([Entry(kind="delivery.delivered", body=said, slot=ann, act_id="m-1")])
    for slot in people:
        journal.append([yes(slot)])
    journal.append([no_more(ann)])
    wrapped = journal.keys._db.execute(
        "SELECT wrapped FROM person_key WHERE slot = ?", (ann,)
    ).fetchone()[0]
    traces = _traces(journal, ann, "ann") | {"wrapped keys": wrapped}
    assert _found(tmp_path, traces), "the search itself must find something before"
    clock.at += 60_000
    erase(journal, ann, operator=ADA, now=True)
    assert _found(tmp_path, traces) == []
    back_up(journal, tmp_path / "b1", tmp_path / "b2")
    journal.append([noted()])
    assert _found(tmp_path, traces) == []
    journal.close()
    assert _found(tmp_path, traces) == []
    with reopen(tmp_path, clock) as again:
        assert len(again.history(people[0])) == 3


def test_what_was_queued_for_them_is_gone(journal: Journal, tmp_path: Path) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    outbox = Outbox(tmp_path / "live")
    outbox.put([Queued("spring", slot, "mens", 0, 0) for slot in (ann, bob)])
    erase(journal, ann, operator=ADA, now=True)
    assert set(outbox.messages("spring")) == {bob}
    outbox.close()


def test_somebody_who_still_reads_an_older_state_is_waited_for(
    tmp_path: Path, clock: Clock
) -> None:
    with create(tmp_path, clock, busy_ms=50) as journal:
        ann = register(journal, "ann")
        reader = journal.connection()
        reader.begin_reading()
        reader.execute("SELECT * FROM event").fetchone()
        with pytest.raises(Unavailable, match="still read"):
            erase(journal, ann, operator=ADA, now=True)
        reader.close()

        def left() -> bool:
            return journal.observed.erasing() or (tmp_path / "live" / "erasing").exists()

        assert left()
        resume(journal)
        assert not left()


# --- stopped at any step ---

CHILD = """
import os, signal, sys
from pathlib import Path
from tests.journal.small import Clock, NOON, reopen
from reciprocity.leave.erase import erase
folder, slot, last = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def step(name):
    if name == last:
        os.kill(os.getpid(), signal.SIGKILL)
with reopen(folder, Clock(NOON)) as journal:
    erase(journal, slot, operator="operator:ada", now=True, step=step)
"""


@pytest.mark.parametrize("last", STEPS)
def test_an_erasure_killed_at_any_step_is_finished_when_run_again(
    journal: Journal, tmp_path: Path, clock: Clock, last: str
) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    traces = _traces(journal, ann, "ann")
    others = {slot: journal.kept(slot) for slot in (bob,)}
    journal.close()
    child = [sys.executable, "-c", CHILD, str(tmp_path), str(ann), last]
    assert subprocess.run(child, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    with reopen(tmp_path, clock) as again:
        resume(again)
        for slot in due(again, clock.at):
            erase(again, slot, operator=ADA)
        if last == "request":
            erase(again, ann, operator=ADA, now=True)
        assert unfinished(again) == []
        assert _found(tmp_path, traces) == []
        assert len(again.brand_events("person.erased")) == 1
        assert again.safekeeping.erased().keys() == {ann}
        assert {slot: again.kept(slot) for slot in others} == others
        before = everything(again)
        again.rebuild()
        assert everything(again) == before


def test_keys_brought_back_by_an_older_file_are_destroyed_again(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    ann = register(journal, "ann")
    save(tmp_path / "live", "keys.db", tmp_path / "older")
    erase(journal, ann, operator=ADA, now=True)
    journal.close()
    put_back(tmp_path / "live", "keys.db", tmp_path / "older")
    with reopen(tmp_path, clock) as again:
        assert unfinished(again) == [ann]
        assert resume(again) == [ann]
        assert again.person_keys(ann) is None
