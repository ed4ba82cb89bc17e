"""What a database promises, whichever of the two it is (`storage/database.py`)."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from sqlite3 import DatabaseError as FileError
from sqlite3 import Error as SqliteError
from sqlite3 import IntegrityError, InterfaceError, ProgrammingError
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import Damaged, InputError, Unavailable
from reciprocity.storage import FILE, connect, exists, explained, rows_in, transaction, upsert
from reciprocity.storage.copying import copy_rows, fingerprint
from reciprocity.storage.place import Place, place_of, settle
from tests.place import on_postgresql, placed, server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.storage import Database

TABLES = """
CREATE TABLE IF NOT EXISTS kept (
    slot INTEGER PRIMARY KEY, data BLOB NOT NULL, word TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_word ON kept (word) WHERE word IS NOT NULL;
"""
ROWS = [(1, b"\0\xff", "a"), (-(2**63), b"", None), (2**63 - 1, bytes(300), "100% ?")]
INSERT = "INSERT INTO kept (slot, data, word) VALUES (?, ?, ?)"
ALL = "SELECT slot, data, word FROM kept ORDER BY slot"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def folder(tmp_path: Path) -> Path:
    return placed(tmp_path / "brand")


@pytest.fixture
def db(folder: Path) -> Iterator[Database]:
    with closing(connect(folder / "observed.db", durable=True)) as db:
        db.define(TABLES)
        yield db


@pytest.fixture
def other(folder: Path, db: Database) -> Iterator[Database]:
    assert db
    with closing(connect(folder / "observed.db", durable=True, busy_ms=100)) as other:
        yield other


def test_what_goes_in_comes_out(db: Database) -> None:
    assert db.executemany(INSERT, ROWS).rowcount == 3
    assert db.execute(ALL).fetchall() == sorted(ROWS)
    assert list(db.stream(ALL)) == sorted(ROWS)
    assert [type(value) for value in db.execute(ALL).fetchone()] == [int, bytes, type(None)]
    assert db.execute("SELECT slot FROM kept WHERE word = ?", ("100% ?",)).fetchone() == (
        2**63 - 1,
    )
    assert db.execute("SELECT slot FROM kept WHERE slot = 5").fetchone() is None
    assert db.execute("DELETE FROM kept WHERE slot > ?", (0,)).rowcount == 2


def test_tables_are_made_once_and_known(folder: Path, db: Database) -> None:
    db.define(TABLES)
    assert db.tables() == {"kept": ("slot", "data", "word")}
    assert (db.has_table("kept"), db.has_table("kept_word"), db.has_table("x")) == (
        True, False, False,
    )  # fmt: skip
    assert db.layout() == 0
    db.define(TABLES, layout=7)
    db.define(TABLES, layout=7)
    assert db.layout() == 7
    assert exists(folder / "observed.db")
    assert not exists(folder / "visits.db")


def test_an_upsert_writes_over(db: Database) -> None:
    put = upsert("kept", "slot", "data", "word")
    for row in (ROWS[0], (1, b"new", None)):
        db.execute(put, row)
    assert db.execute(ALL).fetchall() == [(1, b"new", None)]


def test_many_values_are_asked_for_a_few_hundred_at_a_time(db: Database) -> None:
    db.executemany(INSERT, [(number, b"", None) for number in range(1_300)])
    found = rows_in(db, "SELECT slot FROM kept WHERE slot IN (?)", range(100, 2_000))
    assert sorted(slot for (slot,) in found) == list(range(100, 1_300))


def test_what_was_begun_is_kept_or_forgotten_whole(db: Database, other: Database) -> None:
    db.begin()
    assert db.in_transaction
    db.executemany(INSERT, ROWS)
    assert other.execute(ALL).fetchall() == []
    db.rollback()
    db.rollback()
    assert not db.in_transaction
    with transaction(db, "write"):
        db.executemany(INSERT, ROWS)
    assert other.execute(ALL).fetchall() == sorted(ROWS)
    failed = pytest.raises(Damaged)
    with failed, explained("write"), transaction(db, "write"):  # all of it, not the last alone
        db.executemany(INSERT, [(77, b"", None), ROWS[0]])
    assert len(other.execute(ALL).fetchall()) == 3
    db.commit()  # nothing is open


def test_a_commit_never_says_done_of_what_was_undone(db: Database, other: Database) -> None:
    """PostgreSQL undoes a transaction of which a statement failed, and calls that a success."""
    db.begin()
    db.execute(INSERT, ROWS[0])
    with pytest.raises(Damaged), explained("write"):
        db.execute(INSERT, ROWS[0])
    try:
        with explained("commit"):
            db.commit()
    except Unavailable:
        db.rollback()
        assert other.execute(ALL).fetchall() == []
    else:
        assert other.execute(ALL).fetchall() == [ROWS[0]]
    db.execute(INSERT, ROWS[1])


def test_one_writer_at_a_time_and_the_next_sees_what_it_left(db: Database, other: Database) -> None:
    db.begin()
    db.execute(INSERT, ROWS[0])
    with pytest.raises(Unavailable, match="holds it"), explained("write"):
        other.begin()
    assert not other.in_transaction
    patient: list[object] = []

    def wait() -> None:
        for _ in range(100):
            try:
                with transaction(other, "write"):
                    patient.extend(other.execute(ALL).fetchall())
            except Unavailable:
                continue
            return

    waiting = threading.Thread(target=wait)
    waiting.start()
    db.commit()
    waiting.join(30)
    assert patient == [ROWS[0]]


def test_a_reader_sees_one_state(db: Database, other: Database) -> None:
    db.executemany(INSERT, ROWS[:2])
    other.begin_reading()
    assert len(other.execute(ALL).fetchall()) == 2
    db.execute(INSERT, ROWS[2])
    assert len(list(other.stream(ALL))) == 2
    other.rollback()
    assert len(list(other.stream(ALL))) == 3


def test_a_stream_may_be_left_early_and_others_run_beside_it(db: Database) -> None:
    db.executemany(INSERT, [(number, b"", None) for number in range(5_000)])
    for inside in (False, True):
        if inside:
            db.begin_reading()
        first, second = db.stream(ALL), db.stream(ALL)
        assert [next(first)[0], next(second)[0], next(first)[0]] == [0, 0, 1]
        assert db.execute("SELECT COUNT(*) FROM kept").fetchone() == (5_000,)
        del first
        assert len(list(second)) == 4_999
        db.rollback()


def test_rows_are_loaded_copied_and_shown_to_be_the_same(
    db: Database, folder: Path, tmp_path: Path
) -> None:
    db.load("kept", ("slot", "data", "word"), iter([*ROWS, (9, b"\\", "tab\tand\nline \\N")]))
    told: list[int] = []
    with closing(connect(tmp_path / "observed.db", durable=True)) as copy:
        copy.define(TABLES)
        assert copy_rows(db, copy, told.append) == fingerprint(db) == fingerprint(copy)
        assert told == [4]
        copy.execute("UPDATE kept SET word = 'b' WHERE slot = 1")
        assert fingerprint(copy) != fingerprint(db)
    with closing(connect(folder / "visits.db", durable=True)) as back:
        back.define(TABLES)
        copy_rows(db, back)
        assert fingerprint(back) == fingerprint(db)


def test_what_was_deleted_is_drained_unless_somebody_still_reads_it(
    db: Database, other: Database
) -> None:
    db.executemany(INSERT, ROWS)
    assert db.drain()
    other.begin_reading()
    assert len(other.execute(ALL).fetchall()) == 3
    db.execute("DELETE FROM kept")
    assert not db.drain()
    other.rollback()
    assert db.drain()


def test_texts_are_sorted_by_their_bytes_whatever_the_databases_own_order(db: Database) -> None:
    """A database may have been made for a language, in which `a-c` comes after `ab`."""
    words = ["ab", "a-c", "Zz", "ä", "_"]
    db.executemany(INSERT, [(number, b"", word) for number, word in enumerate(words)])
    by = db.ordering("kept", ("word", "slot"))
    found = [word for (word,) in db.execute(f"SELECT word FROM kept ORDER BY {by}")]
    assert found == sorted(words)
    assert by in ("word, slot", 'word COLLATE "C", slot')
    assert by.endswith("slot")


def test_a_lock_that_was_lost_is_noticed(db: Database) -> None:
    db.check_held()
    db.begin()
    db.check_held()
    if on_postgresql():
        server().ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'reciprocity observed'"
        )
        with pytest.raises(Unavailable), explained("write"):
            db.check_held()
        with pytest.raises(Unavailable), explained("write"):
            db.execute(INSERT, ROWS[0])
        with pytest.raises(Unavailable, match="nothing was written"), explained("commit"):
            db.commit()
    db.rollback()
    assert db.execute(ALL).fetchall() == []
    db.execute(INSERT, ROWS[0])


def test_a_reader_in_another_thread_never_changes_the_connection_a_writer_holds(
    db: Database,
) -> None:
    db.begin()
    db.execute(INSERT, ROWS[0])
    threads = [threading.Thread(target=lambda: db.execute(ALL).fetchall()) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.execute(INSERT, ROWS[1])
    db.rollback()
    assert db.execute(ALL).fetchall() == []


@pytest.mark.parametrize("what", [
    (InterfaceError("bad"), Unavailable), (ProgrammingError("closed"), Unavailable),
    (IntegrityError("CHECK constraint failed"), Damaged), (SqliteError("else"), Damaged),
    (IntegrityError("the journal has moved"), Unavailable), (FileError("malformed"), Damaged),
])  # fmt: skip
def test_no_failure_of_a_driver_passes_as_it_is(what: tuple[Exception, type[Exception]]) -> None:
    error, told = what
    with pytest.raises(told, match="journal"), explained("look"):
        raise error


def test_what_is_no_failure_of_a_database_passes() -> None:
    for error in (KeyboardInterrupt(), ValueError("x"), StopIteration(), Unavailable("y")):
        with pytest.raises(type(error)) as caught, explained("look"):
            raise error
        assert caught.value is error


# --- where a folder's rows lie --------------------------------------------------------------------


def test_a_folder_lies_in_files_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert place_of(tmp_path) is None
    place = Place("postgresql://u@h:5433/d", "shop")
    settle(tmp_path, place)
    assert place_of(tmp_path) == place
    assert place.schema("keys") == "shop__keys"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert {place.lock("keys"), place.lock("journal"), Place(place.url, "b").lock("keys")} != {0}
    assert len({place.lock("keys"), place.lock("journal"), Place(place.url, "b").lock("keys")}) == 3


@pytest.mark.parametrize(("text", "why"), [
    ("", "must have url and schemas"),
    ("url = 'postgresql://h/d'", "must have url and schemas"),
    ("url = 'postgresql://h/d'\nschemas = 'a'\nmore = 1", "nothing else"),
    ("url = 1\nschemas = 'a'", "both text"),
    ("url = 'mysql://h/d'\nschemas = 'a'", "write it as postgresql://"),
    ("url = 'postgresql://h/d'\nschemas = 'a; DROP SCHEMA b'", "small letters"),
    ("url = 'postgresql://h/d'\nschemas = 'pg-x'", "small letters"),
    ("url = 'postgresql://h/d'\nschemas = 'a__b'", "small letters"),
    ("url = 'postgresql://h/d'\nschemas = 'a_'", "small letters"),
    ("url = 'postgresql://u:secret@h/d'\nschemas = 'a'", "password"),
    ("url = 'postgresql://h/d?password=x'\nschemas = 'a'", "password"),
    ("url = ", "is not TOML"),
    ("\udcff", "cannot be read"),
])  # fmt: skip
def test_a_place_that_is_none_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=why):
        connect(tmp_path / "journal.db", durable=True)
    with closing(connect(tmp_path / "epochs.db", durable=True)) as db:  # a cache of this machine
        db.define(TABLES)


def test_a_server_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    settle(tmp_path, Place("postgresql://brand@127.0.0.1:1/none", "shop"))
    with pytest.raises(Unavailable, match=r"start PostgreSQL, or check"):
        connect(tmp_path / "journal.db", durable=True)


def test_a_driver_that_is_not_there_says_what_to_install(tmp_path: Path) -> None:
    settle(tmp_path, Place("postgresql://brand@127.0.0.1:1/none", "shop"))
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path\n"
        "from reciprocity.storage import connect\n"
        f"connect(Path({str(tmp_path)!r}) / 'journal.db', durable=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "pip install 'reciprocity[postgres]'" in done.stderr
