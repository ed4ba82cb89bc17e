"""Backups are pairs kept apart; a restore says what it lost, and sends nothing until signed."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reciprocity.errors import Conflict, Damaged, InputError, Unavailable
from reciprocity.events import LogRestored
from reciprocity.journal.backup import Manifest, back_up, backups, newest
from reciprocity.journal.destroy import sweep_orphans, unfinished
from reciprocity.journal.journal import Journal
from reciprocity.journal.load import taken
from reciprocity.journal.restore import STEPS, Restored, check_tree, drill, restore, sign_gap
from reciprocity.journal.safekeeping import Safekeeping
from reciprocity.keys import mint, new_master_key
from reciprocity.leave.erase import erase
from reciprocity.model import ConsentState
from reciprocity.prove.receipt import check_receipt, receipt_for
from reciprocity.storage import place_of
from reciprocity.tlog.merkle import check_consistency, prove_consistency
from tests.journal.small import (
    NOON,
    ORIGIN,
    Clock,
    address,
    attempt,
    everything,
    no_more,
    noted,
    register,
    reopen,
    state_of,
)
from tests.place import copied, lose, lose_all, on_postgresql, put_back, save

ROOT = Path(__file__).resolve().parents[2]
DAY = 86_400_000


def _back_up(journal: Journal, root: Path) -> Manifest:
    return back_up(journal, root / "b1", root / "b2")


def _lose(root: Path) -> None:
    lose_all(root / "live")


def _restore(root: Path, clock: Clock, **other: Any) -> Restored:
    journal_from, keys_from = newest(root / "b1", root / "b2")
    given = {
        "journal_from": journal_from,
        "keys_from": keys_from,
        "master_key": root / "away" / "master.key",
        "safekeeping": root / "safe",
        **other,
    }
    return restore(root / "live", clock=clock, operator="operator:ada", **given)


# --- backing up ---


def test_a_backup_is_a_pair_of_one_instant(journal: Journal, tmp_path: Path) -> None:
    register(journal, "ann")
    made = _back_up(journal, tmp_path)
    register(journal, "bob")
    one, other = newest(tmp_path / "b1", tmp_path / "b2")
    assert {file.name for file in one.iterdir()} == {"journal.db", "manifest.json"}
    assert {file.name for file in other.iterdir()} == {"keys.db", "manifest.json"}
    assert (one / "manifest.json").read_bytes() == (other / "manifest.json").read_bytes()
    assert (made.size, made.origin) == (journal.state().size - 2, ORIGIN)
    assert made.root == journal.root(made.size).hex()
    for file in (one / "journal.db", other / "keys.db"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_the_two_halves_are_kept_apart(journal: Journal, tmp_path: Path) -> None:
    a, safe = tmp_path / "a", tmp_path / "safe"
    for one, other in (
        (a, a),
        (a, a / "b"),
        (a / "b", a),
        (safe / "x", a),
        (a, safe),
        (tmp_path, a),
    ):
        with pytest.raises(InputError, match="apart"):
            back_up(journal, one, other)


def test_old_backups_go_and_the_newest_stays(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    for _ in range(4):
        journal.append([noted()])
        _back_up(journal, tmp_path)
        clock.at += 20 * DAY
    assert len(backups(tmp_path / "b1")) == len(backups(tmp_path / "b2")) == 2
    clock.at += 400 * DAY
    _back_up(journal, tmp_path)
    assert [manifest.at for manifest, _ in backups(tmp_path / "b1")] == [clock.at]


def test_writing_goes_on_while_a_backup_is_copied(journal: Journal, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        register(journal, name)
    made = _back_up(journal, tmp_path)
    journal.append([noted()])
    assert journal.state().size == made.size + 1


# --- restoring ---


def test_a_restore_of_the_newest_state_goes_on_as_before(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    ann = register(journal, "ann")
    before = everything(journal)
    _back_up(journal, tmp_path)
    journal.close()
    _lose(tmp_path)
    done = _restore(tmp_path, clock)
    assert (done.origin, done.lost, done.signatures_needed) == (ORIGIN, 0, 0)
    with reopen(tmp_path, clock) as again:
        assert everything(again) == before
        check_tree(again)
        again.append([attempt(again, ann)])


def _lost_some(journal: Journal, root: Path) -> tuple[int, int, bytes, int]:
    """Ann, bob; a backup; then a withdrawal and a new person that are lost."""
    ann, bob = register(journal, "ann"), register(journal, "bob")
    made = _back_up(journal, root)
    receipt = journal.append([no_more(bob)], prove=True)
    check_receipt(receipt_for(receipt[0]), journal.verifier())
    register(journal, "eve")
    state = journal.state()
    rootish = journal.root(state.size)
    journal.close()
    _lose(root)
    return ann, bob, rootish, made.size


def test_a_restore_that_lost_events_says_so_under_a_new_origin(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    ann, bob, old_root, size = _lost_some(journal, tmp_path)
    done = _restore(tmp_path, clock)
    assert (done.origin, done.lost, done.signatures_needed) == (f"{ORIGIN}/2", 3, 2)
    with reopen(tmp_path, clock) as again:
        (told,) = again.brand_events("log.restored")
        assert told.position == size
        body = told.body
        assert isinstance(body, LogRestored)
        assert (body.old_origin, body.old_size, body.old_root, body.restored_size) == (
            ORIGIN, size + 3, old_root.hex(), size,
        )  # fmt: skip
        assert again.state().origin == f"{ORIGIN}/2"
        assert again.verifier().name == f"{ORIGIN}/2"
        check_tree(again)
        reader = again.reader.tile_reader(again.state().size)
        check_consistency(
            prove_consistency(size, again.state().size, reader), size, again.root(size),
            again.state().size, again.root(again.state().size),
        )  # fmt: skip
        # Bob's withdrawal is lost: nothing at all is sent, until it is entered again and signed
        assert state_of(again, bob) is ConsentState.GIVEN
        with pytest.raises(Unavailable, match="withdrawals"):
            again.append([attempt(again, ann)])
        again.append([no_more(bob)])
        assert sign_gap(again, "operator:ada") == 1
        for same in ("operator:ada", " Operator:Ada "):
            with pytest.raises(InputError, match="another"):
                sign_gap(again, same)
        with pytest.raises(Unavailable, match="1 more"):
            again.append([attempt(again, ann)])
        with pytest.raises(InputError, match="name"):
            sign_gap(again, " ")
        assert sign_gap(again, "operator:bea") == 0
        again.append([attempt(again, ann)])
        with pytest.raises(Conflict, match="no gap"):
            sign_gap(again, "operator:cho")


def test_a_second_loss_opens_a_third_origin(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    _lost_some(journal, tmp_path)
    assert _restore(tmp_path, clock).origin == f"{ORIGIN}/2"
    with reopen(tmp_path, clock) as again:
        register(again, "fay")
    _lose(tmp_path)
    done = _restore(tmp_path, clock)  # the same old backup, of the first origin
    assert (done.origin, done.lost) == (f"{ORIGIN}/3", -1)
    with reopen(tmp_path, clock) as again:
        (told,) = again.brand_events("log.restored")
        assert isinstance(told.body, LogRestored)
        assert told.body.old_origin == f"{ORIGIN}/2"
        clock.at += DAY
        _back_up(again, tmp_path)
        sign_gap(again, "operator:ada")
    _lose(tmp_path)
    assert _restore(tmp_path, clock).origin == f"{ORIGIN}/4"


def test_the_erased_are_erased_again(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    _back_up(journal, tmp_path)
    keys = journal.person_keys(ann)
    assert keys is not None
    erase(journal, ann, operator="operator:ada", now=True)
    journal.close()
    _lose(tmp_path)
    done = _restore(tmp_path, clock)
    assert done.erased_again == (ann,)
    with reopen(tmp_path, clock) as again:
        kept = again.kept(ann)
        assert kept is not None
        assert kept.standing.erased
        assert kept.standing.version == 2  # the request is lost with the rest
        assert unfinished(again) == []
        assert again.find(again.digest("email", address("ann"))) is None
        assert state_of(again, bob) is ConsentState.GIVEN
        before = everything(again)
        again.rebuild()
        assert everything(again) == before
    for file in (tmp_path / "live").iterdir():
        assert keys.pseudonym not in file.read_bytes()


def test_a_slot_given_in_what_was_lost_is_given_to_nobody_again(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    """Links in lost mails name their slots; none of them may ever lead to somebody else."""
    register(journal, "ann")
    _back_up(journal, tmp_path)
    lost = register(journal, "bob")
    erased = register(journal, "cyd")
    erase(journal, erased, operator="operator:ada", now=True)
    journal.close()
    _lose(tmp_path)
    _restore(tmp_path, clock)
    with reopen(tmp_path, clock) as restored:
        new = register(restored, "dan")
        assert new > max(lost, erased)
        assert restored.kept(new) is not None
        restored.rebuild()
        assert restored.kept(new) is not None


def test_a_live_journal_is_never_written_over(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    _back_up(journal, tmp_path)
    with pytest.raises(InputError, match="never writes over"):
        _restore(tmp_path, clock)
    journal.close()
    lose(tmp_path / "live", "journal.db")
    if not on_postgresql():  # there a load that was cut short left them: the next one drops them
        with pytest.raises(InputError, match=r"keys\.db is there"):
            _restore(tmp_path, clock)


def test_halves_of_two_backups_are_refused(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    _back_up(journal, tmp_path)
    first = newest(tmp_path / "b1", tmp_path / "b2")
    register(journal, "ann")
    _back_up(journal, tmp_path)
    second = newest(tmp_path / "b1", tmp_path / "b2")
    journal.close()
    _lose(tmp_path)
    with pytest.raises(InputError, match="together"):
        _restore(tmp_path, clock, journal_from=first[0], keys_from=second[1])
    with pytest.raises(InputError, match="manifest"):
        _restore(tmp_path, clock, keys_from=tmp_path / "nowhere")


def test_a_changed_backup_is_refused(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    _back_up(journal, tmp_path)
    journal.close()
    _lose(tmp_path)
    file = newest(tmp_path / "b1", tmp_path / "b2")[0] / "journal.db"
    data = bytearray(file.read_bytes())
    data[5_000] ^= 1
    file.write_bytes(data)
    with pytest.raises(Damaged, match="manifest"):
        _restore(tmp_path, clock)


def test_a_backup_of_another_history_is_refused(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    _back_up(journal, tmp_path)
    journal.append([noted("one")])
    (tmp_path / "fork").mkdir()
    journal.close()
    copied(tmp_path / "live", tmp_path / "fork" / "live")
    # the journal goes on in two places; the fork has a safekeeping of its own
    shutil.copytree(tmp_path / "safe", tmp_path / "fork" / "safe")
    shutil.copytree(tmp_path / "away", tmp_path / "fork" / "away")
    with reopen(tmp_path / "fork", clock) as fork:
        fork.append([noted("forked")])
        clock.at += DAY
        _back_up(fork, tmp_path)
    with reopen(tmp_path, clock) as again:
        again.append([noted("live")])
    _lose(tmp_path)
    with pytest.raises(Damaged, match="not a part"):
        _restore(tmp_path, clock)


def test_another_master_key_opens_no_backup(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    _back_up(journal, tmp_path)
    journal.close()
    _lose(tmp_path)
    new_master_key(tmp_path / "other.key")
    with pytest.raises(Unavailable, match="not the one"):
        _restore(tmp_path, clock, master_key=tmp_path / "other.key")
    with pytest.raises(Unavailable, match="missing"):
        _restore(tmp_path, clock, master_key=tmp_path / "none.key")
    assert _restore(tmp_path, clock).lost == 0


def test_without_a_mark_nobody_can_say_what_was_lost(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    _back_up(journal, tmp_path)
    journal.close()
    _lose(tmp_path)
    with pytest.raises(Unavailable, match="safekeeping"):
        _restore(tmp_path, clock, safekeeping=tmp_path / "nowhere")
    Safekeeping.create(tmp_path / "fresh").close()
    done = _restore(tmp_path, clock, safekeeping=tmp_path / "fresh")
    assert (done.origin, done.lost, done.signatures_needed) == (f"{ORIGIN}/2", -1, 2)


@pytest.mark.files
def test_an_old_backup_put_back_by_hand_is_refused_also_after_a_restore(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    _lost_some(journal, tmp_path)
    _restore(tmp_path, clock)
    one, other = newest(tmp_path / "b1", tmp_path / "b2")
    _lose(tmp_path)
    shutil.copy(one / "journal.db", tmp_path / "live")
    shutil.copy(other / "keys.db", tmp_path / "live")
    with pytest.raises(Unavailable, match="safekeeping knows the log"):
        reopen(tmp_path, clock)


CHILD = """
import os, signal, sys
from pathlib import Path
from tests.journal.small import Clock, NOON
from tests.journal.test_backup import _restore
def step(name):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
_restore(Path(sys.argv[1]), Clock(NOON), step=step)
"""


@pytest.mark.parametrize("last", STEPS)
def test_a_restore_that_was_killed_is_run_again(
    journal: Journal, tmp_path: Path, clock: Clock, last: str
) -> None:
    _, bob, _, _ = _lost_some(journal, tmp_path)
    child = [sys.executable, "-c", CHILD, str(tmp_path), last]
    assert subprocess.run(child, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    place = place_of(tmp_path / "live")
    if not (taken(place) if place else (tmp_path / "live" / "journal.db").exists()):
        done = _restore(tmp_path, clock)
        assert done.origin == f"{ORIGIN}/2"
    with reopen(tmp_path, clock) as again:
        assert again.state().gap == 2
        assert again.state().origin == f"{ORIGIN}/2"
        assert state_of(again, bob) is ConsentState.GIVEN
        again.append([no_more(bob)])
    with reopen(tmp_path, clock) as again:
        assert again.safekeeping.mark.origin == f"{ORIGIN}/2"


# --- drills ---


def _drill(root: Path, clock: Clock, live: Journal | None = None) -> tuple[int, int, int, int]:
    journal_from, keys_from = newest(root / "b1", root / "b2")
    done = drill(
        journal_from=journal_from, keys_from=keys_from, master_key=root / "away" / "master.key",
        scratch=root, clock=clock, live=live,
    )  # fmt: skip
    return done.people, done.behind, done.same, done.moved_on


def test_a_drill_compares_the_backup_with_the_live_journal_and_changes_nothing(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    register(journal, "cem")
    _back_up(journal, tmp_path)
    journal.append([no_more(ann)])
    erase(journal, bob, operator="operator:ada", now=True)
    register(journal, "dee")
    size = journal.state().size
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert _drill(tmp_path, clock, journal) == (3, 5, 1, 2)
    assert _drill(tmp_path, clock) == (3, 0, 0, 0)
    after = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert {f for f in files if files[f] != after.get(f)} <= {
        f for f in files if f.name.endswith("-shm")
    }
    assert after.keys() == files.keys()
    assert journal.state().size == size


# --- orphans ---


def test_orphans_are_swept_only_when_they_are_a_day_old(journal: Journal, clock: Clock) -> None:
    ann = register(journal, "ann")
    digest = journal.digest("email", address("bob"))
    journal.keys.begin()
    journal.keys.keep(mint([1, 7]), NOON)
    journal.keys.index([(digest, 1)])
    journal.keys.commit()
    clock.at += DAY
    assert sweep_orphans(journal) == []
    clock.at += 1
    assert sweep_orphans(journal) == [1, 7]
    assert journal.person_keys(ann) is not None
    assert journal.keys.find(digest) is None
    assert sweep_orphans(journal) == []


def test_nothing_is_swept_from_beside_an_older_journal(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    save(tmp_path / "live", "journal.db", tmp_path / "older")
    ann = register(journal, "ann")
    journal.close()
    put_back(tmp_path / "live", "journal.db", tmp_path / "older")
    clock.at += 9 * DAY
    with pytest.raises(Unavailable, match="older than the safekeeping mark"):
        reopen(tmp_path, clock)
    assert ann == 0
