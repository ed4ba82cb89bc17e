"""What lies outside both backup sets: how far the log has got, and who was erased."""

import os
import shutil
from pathlib import Path

import pytest

from reciprocity.errors import Damaged, Unavailable
from reciprocity.journal.journal import Journal
from reciprocity.journal.safekeeping import Mark, Safekeeping
from reciprocity.tlog.note import open_checkpoint
from tests.journal.small import ORIGIN, Clock, no_more, noted, one, register, reopen
from tests.place import lose, put_back, save

RECORD = 4096


def _mark(size: int, origin: str = ORIGIN) -> Mark:
    return Mark(origin=origin, size=size, root=bytes(32), checkpoint=b"checkpoint")


@pytest.fixture
def place(tmp_path: Path) -> Safekeeping:
    return Safekeeping.create(tmp_path / "place")


def test_the_mark_is_the_newest_checkpoint_a_receipt_left_with(journal: Journal) -> None:
    answer = one(journal.append([noted()], prove=True))
    mark = journal.safekeeping.refresh()
    assert (mark.origin, mark.size) == (ORIGIN, answer.position + 1)
    assert open_checkpoint(mark.checkpoint, journal.verifier()).root == mark.root
    assert mark.checkpoint in answer.proof


def test_a_torn_record_leaves_the_one_before(place: Safekeeping) -> None:
    for size in range(1, 8):
        place.keep(_mark(size))
        whole = (place.path / "mark").read_bytes()
        newest = (size % 2) * RECORD
        for cut in (0, 31, 40, 100):
            torn = bytearray(whole)
            torn[newest + cut] ^= 1
            (place.path / "mark").write_bytes(torn)
            again = Safekeeping(place.path)
            if size == 1:
                assert again.mark.size == 0
            else:
                assert again.mark == _mark(size - 1)
            again.close()
        (place.path / "mark").write_bytes(whole)


def test_two_torn_records_are_damage(place: Safekeeping) -> None:
    place.keep(_mark(1))
    place.keep(_mark(2))
    (place.path / "mark").write_bytes(b"\1" * 2 * RECORD)
    with pytest.raises(Damaged, match="nobody can say"):
        Safekeeping(place.path)


def test_a_mark_never_goes_back_on_the_same_log(place: Safekeeping) -> None:
    """Two processes write it after they gave back the journal's lock, so any order may come."""
    late = Safekeeping(place.path)
    place.keep(_mark(11))
    late.keep(_mark(12))
    place.keep(_mark(11))
    assert Safekeeping(place.path).mark == _mark(12)


def test_a_new_origin_may_be_shorter(place: Safekeeping) -> None:
    place.keep(_mark(100))
    place.keep(_mark(60, origin=f"{ORIGIN}/2"))
    assert Safekeeping(place.path).mark == _mark(60, origin=f"{ORIGIN}/2")
    place.keep(_mark(61, origin=f"{ORIGIN}/2"))
    assert place.refresh().size == 61


def test_the_list_of_the_erased_only_grows_and_survives_a_torn_line(place: Safekeeping) -> None:
    place.keep_erased(12, 1_700)
    place.keep_erased(12, 1_800)
    with (place.path / "erased").open("ab") as file:
        file.write(b"\n13")
    place.keep_erased(14, 1_900)
    with (place.path / "erased").open("ab") as file:
        file.write(b"\n15 19")
    assert place.erased() == {12: 1_700, 14: 1_900, 15: 19}
    place.keep_erased(16, 2_000)
    assert Safekeeping(place.path).erased() == {12: 1_700, 14: 1_900, 15: 19, 16: 2_000}
    with (place.path / "erased").open("ab") as file:
        file.write(b"nonsense\n")
    with pytest.raises(Damaged):
        place.erased()


def test_without_its_place_nothing_opens(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    journal.close()
    (tmp_path / "safe").rename(tmp_path / "elsewhere")
    with pytest.raises(Unavailable, match="attach the place"):
        reopen(tmp_path, clock)
    (tmp_path / "elsewhere").rename(tmp_path / "safe")
    (tmp_path / "safe" / "erased").unlink()
    lose(tmp_path / "live", "standing.db")
    with pytest.raises(Unavailable, match="put it back"):
        reopen(tmp_path, clock)


def _older(journal: Journal, root: Path) -> int:
    """Put aside the journal as it is, then let it go on; the slot of a person who is in both."""
    ann = register(journal, "ann")
    journal.append([noted()])
    journal.close()
    for name in ("journal.db", "keys.db", "standing.db"):
        save(root / "live", name, root / f"old-{name}")
    with reopen(root, Clock()) as again:
        again.append([no_more(ann)])
        register(again, "bob")
    return ann


@pytest.mark.parametrize("both", [False, True])
def test_a_journal_older_than_the_mark_is_refused(
    journal: Journal, tmp_path: Path, clock: Clock, *, both: bool
) -> None:
    _older(journal, tmp_path)
    for name in ("journal.db", "keys.db", "standing.db") if both else ("journal.db",):
        put_back(tmp_path / "live", name, tmp_path / f"old-{name}")
    with pytest.raises(Unavailable, match="older than the safekeeping mark"):
        reopen(tmp_path, clock)


def test_a_journal_that_fell_back_under_a_running_process_is_refused(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    _older(journal, tmp_path)
    with reopen(tmp_path, clock) as running:
        running.safekeeping.keep(_mark(10_000))
        with pytest.raises(Unavailable, match="older than the safekeeping mark"):
            running.append([noted()])


def test_a_journal_that_forked_from_the_mark_is_damage(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    _older(journal, tmp_path)
    for name in ("journal.db", "keys.db", "standing.db"):
        put_back(tmp_path / "live", name, tmp_path / f"old-{name}")
    shutil.move(tmp_path / "safe", tmp_path / "safe-away")
    Safekeeping.create(tmp_path / "safe").close()
    with reopen(tmp_path, clock) as other:
        for _ in range(9):
            other.append([noted("another history")])
    shutil.rmtree(tmp_path / "safe")
    shutil.move(tmp_path / "safe-away", tmp_path / "safe")
    with pytest.raises(Damaged, match="differs from the safekeeping mark"):
        reopen(tmp_path, clock)


@pytest.mark.files
def test_an_empty_journal_does_not_begin_anew_where_a_log_was(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    journal.close()
    for file in (tmp_path / "live").iterdir():
        file.unlink()
    places = {"master_key": tmp_path / "away" / "master.key", "safekeeping": tmp_path / "safe"}
    for _ in range(2):
        with pytest.raises(Unavailable, match="restore"):
            Journal.create(tmp_path / "live", origin=ORIGIN, clock=clock, **places)
        (tmp_path / "live" / "journal.db").touch()


def test_a_place_of_another_log_is_refused(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    journal.close()
    with Journal.create(
        tmp_path / "other", origin="other.example/log", clock=clock,
        master_key=tmp_path / "other.key", safekeeping=tmp_path / "other-safe",
    ):  # fmt: skip
        pass
    shutil.rmtree(tmp_path / "safe")
    (tmp_path / "other-safe").rename(tmp_path / "safe")
    with pytest.raises(Unavailable, match=r"other\.example/log"):
        reopen(tmp_path, clock)


def test_no_receipt_leaves_while_the_mark_cannot_be_kept_nor_by_a_second_try(
    journal: Journal, tmp_path: Path
) -> None:
    ann = register(journal, "ann")
    real = journal.safekeeping._file
    journal.safekeeping._file = os.open(tmp_path / "safe" / "mark", os.O_RDONLY)
    for _ in range(2):
        with pytest.raises(Unavailable, match="no receipt leaves"):
            journal.append([no_more(ann, act_id="click")])
    os.close(journal.safekeeping._file)
    journal.safekeeping._file = real
    assert one(journal.append([no_more(ann, act_id="click")])).again
    assert Safekeeping(tmp_path / "safe").mark.size == journal.state().size
    assert len(journal.history(ann)) == 3
