"""When the machine stands in the way: an error that says what to do, nothing half-done."""

import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

import pytest

from reciprocity.errors import Damaged, InputError, Unavailable
from reciprocity.journal.journal import Journal
from reciprocity.journal.restore import check_tree
from reciprocity.journal.store import HEAD, migrate, revision
from reciprocity.keys import KeyStore, new_master_key, read_master_key
from reciprocity.model import ConsentState
from reciprocity.storage import connect
from tests.journal.small import (
    ORIGIN,
    Clock,
    create,
    everything,
    no_more,
    noted,
    register,
    reopen,
    state_of,
)

ROOT = Path(__file__).resolve().parents[2]


# --- a full disk ---


def _fill(db: sqlite3.Connection) -> None:
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")


def _empty(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA max_page_count = 1000000")


@pytest.mark.files
@pytest.mark.parametrize("which", ["journal", "keys", "cache"])
def test_a_full_disk_loses_nothing(journal: Journal, which: str) -> None:
    ann = register(journal, "ann")
    db = {
        "journal": journal.appender._db,
        "keys": journal.keys._db,
        "cache": journal.appender._cache.db,
    }[which]
    _fill(db)
    taken = []
    for number in range(2_000):
        try:
            taken.append(register(journal, f"p{number}"))
        except Unavailable as error:
            said = str(error)
            break
    else:
        pytest.fail("the disk was never full")
    assert "full" in said
    if which == "journal":
        assert "make room" in said
    size = journal.state().size
    _empty(db)
    journal.append([no_more(ann)])
    late = register(journal, "late")
    assert late > max([ann, *taken])
    assert state_of(journal, ann) is ConsentState.WITHDRAWN
    assert journal.state().size >= size + 3
    live = everything(journal)
    journal.rebuild()
    assert everything(journal) == live
    check_tree(journal)


LIMITED = """
import resource, sys
from pathlib import Path
from reciprocity.errors import Unavailable
from tests.journal.small import Clock, register, reopen
with reopen(Path(sys.argv[1]), Clock()) as journal:
    largest = max(file.stat().st_size for file in journal.folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 60_000, resource.RLIM_INFINITY))
    for number in range(5_000):
        try:
            print(register(journal, f"p{number}"), flush=True)
        except Unavailable as error:
            print(error, file=sys.stderr)
            sys.exit(2)
"""


@pytest.mark.files
def test_a_disk_that_fills_under_the_writer_loses_no_answer(tmp_path: Path) -> None:
    create(tmp_path, Clock()).close()
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 2, child.stderr
    assert "nothing was" in child.stderr
    told = [int(line) for line in child.stdout.split()]
    with reopen(tmp_path, Clock()) as journal:
        found = everything(journal)
        assert set(told) <= found.keys()
        assert len(found) <= len(told) + 1
        register(journal, "late")
        check_tree(journal)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# --- a folder that cannot be written ---

READER = """
import os, sys
from pathlib import Path
from reciprocity.errors import ReciprocityError
from tests.journal.small import Clock, ORIGIN, noted, reopen
from reciprocity.journal.journal import Journal
root = Path(sys.argv[1])
reopen, Journal.create, noted
import alembic, sqlalchemy
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    if sys.argv[2] == "create":
        Journal.create(root / "live" / "new", origin=ORIGIN, clock=Clock(),
            master_key=root / "away" / "master.key", safekeeping=root / "safe")
    else:
        with reopen(root, Clock()) as journal:
            journal.append([noted()])
except ReciprocityError as error:
    print(type(error).__name__, error)
except OSError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.files
@pytest.mark.parametrize("what", ["append", "safekeeping", "create"])
def test_a_folder_that_cannot_be_written_says_so(what: str) -> None:
    root = Path(mkdtemp(prefix="reciprocity-"))
    try:
        create(root, Clock()).close()
        for path in (root, *root.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        closed = root / ("safe" if what == "safekeeping" else "live")
        for path in (closed, *closed.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        child = subprocess.run(
            [sys.executable, "-c", READER, str(root), what],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert child.stdout.startswith("Unavailable"), child.stdout + child.stderr
        assert "writable" in child.stdout or "cannot be" in child.stdout
    finally:
        for path in (root, *root.rglob("*")):
            path.chmod(path.stat().st_mode | stat.S_IRWXU)
        shutil.rmtree(root)


# --- a locked database ---


@pytest.mark.parametrize("name", ["journal.db", "keys.db"])
def test_a_database_held_by_another_process_is_waited_for_then_refused(
    tmp_path: Path, clock: Clock, name: str
) -> None:
    with create(tmp_path, clock, busy_ms=50) as journal:
        ann = register(journal, "ann")
        with closing(connect(tmp_path / "live" / name, durable=True)) as other:
            other.begin()
            with pytest.raises(Unavailable, match=r"locked|another process holds it"):
                register(journal, "bob")
            other.rollback()
        assert register(journal, "bob") == ann + 1
        assert len(everything(journal)) == 2


# --- a torn last transaction ---


def _snapshot(root: Path, name: str) -> Path:
    """A copy of every file as a power cut would leave it."""
    shutil.copytree(root, root.parent / name)
    return root.parent / name


@pytest.mark.files
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_torn_last_transaction_was_never_there(tmp_path: Path, clock: Clock, part: float) -> None:
    root = tmp_path / "shop"
    with create(root, clock) as journal:
        ann = register(journal, "ann")
        live = everything(journal)
        before = _snapshot(root, "before")
        register(journal, "bob")
        torn = _snapshot(root, "torn")
    shutil.rmtree(torn / "safe")
    shutil.copytree(before / "safe", torn / "safe")  # the cut came before the mark was kept
    start = (before / "live" / "journal.db-wal").stat().st_size
    end = (torn / "live" / "journal.db-wal").stat().st_size
    assert end > start
    os.truncate(torn / "live" / "journal.db-wal", start + int((end - start) * part))
    with reopen(torn, clock) as journal:
        assert everything(journal) == live
        check_tree(journal)
        assert journal.find(journal.digest("email", "bob@people.example")) is None
        bob = register(journal, "bob")
        assert bob > ann
        assert len(journal.history(bob)) == 2
        journal.rebuild()
        assert everything(journal).keys() == {ann, bob}


@pytest.mark.files
def test_a_torn_transaction_that_a_receipt_left_for_is_refused(
    tmp_path: Path, clock: Clock
) -> None:
    root = tmp_path / "shop"
    with create(root, clock) as journal:
        register(journal, "ann")
        before = _snapshot(root, "before")
        register(journal, "bob")
        torn = _snapshot(root, "torn")
    shutil.copy(before / "live" / "journal.db-wal", torn / "live" / "journal.db-wal")
    with pytest.raises(Unavailable, match="older than the safekeeping mark"):
        reopen(torn, clock)


@pytest.mark.files
def test_a_file_that_is_no_database_is_damage(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    journal.close()
    (tmp_path / "live" / "journal.db").write_bytes(b"no database at all " * 500)
    with pytest.raises(Damaged, match="restore a backup"):
        reopen(tmp_path, clock)


# --- the master key ---


def test_a_master_key_that_is_missing_or_another_opens_nothing(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    journal.close()
    key = tmp_path / "away" / "master.key"
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(Unavailable, match="put it back"):
        reopen(tmp_path, clock)
    places = {"master_key": key, "safekeeping": tmp_path / "safe"}
    with pytest.raises(Unavailable, match="put it back"):
        Journal.create(tmp_path / "live", origin=ORIGIN, clock=clock, **places)
    assert not key.exists()
    new_master_key(key)
    with pytest.raises(Unavailable, match="not the one"):
        reopen(tmp_path, clock)
    for broken in (b"", b"c2hvcnQ=\n", b"\xff\xfe", b"not base64!"):
        key.write_bytes(broken)
        with pytest.raises(Unavailable, match="master key"):
            reopen(tmp_path, clock)
    key.write_bytes(kept)
    with reopen(tmp_path, clock) as again:
        again.append([noted()])


def test_a_master_key_is_never_replaced_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    new_master_key(tmp_path / "key")
    with pytest.raises(InputError, match="never replaced"):
        new_master_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert len(read_master_key(tmp_path / "key")) == 32


# --- making and migrating ---


def test_a_creation_cut_short_is_run_again(tmp_path: Path, clock: Clock) -> None:
    places = {"master_key": tmp_path / "away" / "master.key", "safekeeping": tmp_path / "safe"}
    (tmp_path / "live").mkdir()
    new_master_key(places["master_key"])
    KeyStore(tmp_path / "live" / "keys.db", read_master_key(places["master_key"])).close()
    (tmp_path / "live" / "journal.db").touch()
    for _ in range(2):
        with Journal.create(tmp_path / "live", origin=ORIGIN, clock=clock, **places) as journal:
            assert journal.state().size == 1


@pytest.mark.files
def test_a_migration_cut_short_leaves_nothing(tmp_path: Path) -> None:
    """All of it is one transaction: a table in the way undoes the tables before it."""
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE vault (x)")
    with pytest.raises(Unavailable):
        migrate(path)
    with closing(sqlite3.connect(path)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema")]
        assert names == ["vault"]
        db.execute("DROP TABLE vault")
    migrate(path)
    with closing(connect(path, durable=True)) as db:
        assert revision(db) == HEAD


def test_a_journal_of_a_newer_release_is_refused(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    with closing(journal.connection()) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="upgrade"):
        reopen(tmp_path, clock)


def test_a_log_is_opened_before_anything_else(journal: Journal) -> None:
    assert journal.told(0).kind == "log.opened"
