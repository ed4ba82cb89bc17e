"""History is dense, append-only, and says the same in every place it is written."""

import sqlite3

import msgspec
import pytest

from reciprocity.errors import Damaged
from reciprocity.events import Act, Envelope, canonical, encode_event
from reciprocity.journal.journal import Journal
from reciprocity.journal.leaf import salt_of
from reciprocity.keys import derive
from reciprocity.storage import DatabaseContradicted
from reciprocity.tlog.merkle import hash_leaf, root_at
from reciprocity.tlog.note import LogProof, open_checkpoint, open_proof
from tests.journal.small import (
    address,
    no_more,
    noted,
    one,
    register,
    registration,
    stated,
    yes,
)
from tests.place import blob, unguarded


def test_positions_are_dense_and_are_the_leaf_indices(journal: Journal) -> None:
    for name in ("ann", "bob"):
        register(journal, name)
    state = journal.state()
    rows = list(journal.reader.rows(0, state.size))
    assert [row.position for row in rows] == list(range(state.size))
    checkpoint = open_checkpoint(state.checkpoint, journal.verifier())
    for row in rows:
        proof = LogProof.parse(journal.prove(row.position))
        assert proof.index == row.position
        assert (
            open_proof(journal.prove(row.position), hash_leaf(row.leaf), journal.verifier())
            == checkpoint
        )


def test_an_answer_carries_a_proof_that_holds(journal: Journal) -> None:
    answers = journal.append([registration(journal, "ann"), yes()], prove=True)
    for answer in answers:
        row = journal.reader.row(answer.position)
        assert open_proof(answer.proof, hash_leaf(row.leaf), journal.verifier())


ERASE = (
    "UPDATE event SET slot = NULL, version = NULL, recorded_at = NULL, happened_at = NULL,"
    " kind = NULL, sealed = NULL, act_id = NULL WHERE position = "
)
TAMPERINGS = (
    "UPDATE event SET leaf = '0' WHERE position = 5",
    "UPDATE event SET recorded_at = 0 WHERE position = 5",
    "UPDATE event SET slot = NULL WHERE position = 5",
    "UPDATE event SET position = 99 WHERE position = 5",
    f"{ERASE} 0",
    "DELETE FROM event WHERE position = 5",
    "DELETE FROM event",
    "INSERT INTO event (position, leaf) VALUES (99, '3')",
    "INSERT INTO event (position, leaf) VALUES (-1, '3')",
    """INSERT INTO event (position, slot, version, leaf)
    SELECT MAX(position) + 1, 0, 1, '3' FROM event WHERE true
    ON CONFLICT (slot, version) DO UPDATE SET leaf = '0'""",
    "UPDATE tile SET root = '0'",
    "DELETE FROM tile",
)
SQLITE = (
    "INSERT OR REPLACE INTO event (position, leaf) VALUES (5, '3')",
    """REPLACE INTO event (position, slot, version, leaf)
    SELECT MAX(position) + 1, 0, 1, '3' FROM event""",
    """INSERT OR REPLACE INTO event (position, act_id, leaf)
    SELECT MAX(position) + 1, (SELECT act_id FROM event WHERE position = 0), '3' FROM event""",
    "INSERT OR REPLACE INTO tile VALUES (0, 0, '0', '0')",
)
POSTGRESQL = (
    "TRUNCATE event",
    "TRUNCATE tile",
    """INSERT INTO event (position, leaf) SELECT MAX(position) + 1, '3' FROM event
    UNION ALL SELECT MAX(position) + 1, '3' FROM event""",
    """INSERT INTO event (position, act_id, leaf)
    SELECT MAX(position) + 1, (SELECT act_id FROM event WHERE position = 0), '3' FROM event""",
    """MERGE INTO event USING (SELECT 5 AS at) AS found ON event.position = found.at
    WHEN MATCHED THEN UPDATE SET leaf = '0'""",
    "INSERT INTO tile VALUES (0, 0, '0', '0') ON CONFLICT (level, number) DO UPDATE SET root = '0'",
)


def refused(journal: Journal, statement: str) -> None:
    register(journal, "ann")
    journal.append_many([[noted()]] * 260)
    for said in ("'0'", "'3'"):
        statement = statement.replace(said, blob(said.encode()))
    db = journal.connection()
    tables = ("SELECT * FROM event ORDER BY position", "SELECT * FROM tile ORDER BY level, number")
    before = [db.execute(table).fetchall() for table in tables]
    with pytest.raises((sqlite3.IntegrityError, DatabaseContradicted)):
        db.execute(statement)
    assert [db.execute(table).fetchall() for table in tables] == before
    db.close()


@pytest.mark.parametrize("statement", TAMPERINGS)
def test_nothing_written_is_ever_changed_or_deleted(journal: Journal, statement: str) -> None:
    refused(journal, statement)


@pytest.mark.files
@pytest.mark.parametrize("statement", SQLITE)
def test_nor_by_the_ways_that_only_sqlite_has(journal: Journal, statement: str) -> None:
    refused(journal, statement)


@pytest.mark.postgresql
@pytest.mark.parametrize("statement", POSTGRESQL)
def test_nor_by_the_ways_that_only_postgresql_has(journal: Journal, statement: str) -> None:
    refused(journal, statement)


def test_full_tiles_are_kept_and_agree_with_the_leaves(journal: Journal) -> None:
    journal.append_many([[noted()]] * 70_000)
    state = journal.state()
    db = journal.connection()
    assert list(db.execute("SELECT level, COUNT(*) FROM tile GROUP BY level")) == [(0, 273), (1, 1)]
    db.close()
    reader = journal.reader.tile_reader(state.size)
    checkpoint = open_checkpoint(state.checkpoint, journal.verifier())
    assert root_at(state.size, reader) == checkpoint.root


def test_a_leaf_tells_nothing_of_its_person(journal: Journal) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    rows = [journal.reader.row(told.position) for told in journal.history(ann)]
    rows += [journal.reader.row(told.position) for told in journal.history(bob)]
    assert len({row.leaf for row in rows}) == len(rows)
    for row in rows:
        assert row.leaf[:1] == b"\1"
        assert len(row.leaf) == 33
    # the same words said again make another leaf, and only the salt opens one
    again = journal.append([yes(ann)])[0]
    keys = journal.person_keys(ann)
    assert keys is not None
    assert again.salt == salt_of(derive(keys.proof), again.version, again.text)
    assert journal.reader.row(again.position).leaf not in {row.leaf for row in rows}


def test_events_and_files_hold_no_address_and_no_attribute_value(journal: Journal) -> None:
    register(journal, "ann")
    for file in journal.folder.iterdir():
        data = file.read_bytes()
        for text in (address("ann"), "ext-ann", "ann@", "mailto"):
            assert text.encode() not in data, (file.name, text)


def _tampered(journal: Journal, change: str, position: int) -> None:
    with unguarded(journal.folder) as db:
        assert db.execute(change, (position,)).rowcount == 1


@pytest.mark.parametrize("column", [
    "slot = slot + 1, version = version + 10", "version = version + 1",
    "recorded_at = recorded_at + 1", "happened_at = happened_at - 1",
    "kind = 'consent.refused'", "leaf = '1'", "leaf = ''", "sealed = '64'", "sealed = ''",
    "sealed = NULL",
])  # fmt: skip
def test_a_tampered_column_is_damage(journal: Journal, column: str) -> None:
    slot = register(journal, "ann")
    position = journal.history(slot)[-1].position
    for said, meant in (("'1'", b"\1" + bytes(32)), ("'64'", bytes(64)), ("''", b"")):
        column = column.replace(said, blob(meant))
    _tampered(journal, f"UPDATE event SET {column} WHERE position = ?", position)
    with pytest.raises(Damaged):
        journal.told(position)
    with pytest.raises(Damaged):
        journal.rebuild()


def test_two_events_of_one_person_that_changed_places_are_damage(journal: Journal) -> None:
    slot = register(journal, "ann")
    first, second = (told.position for told in journal.history(slot))
    columns = "slot, version, recorded_at, happened_at, kind, sealed"
    into = ", ".join(f"{column} = ?" for column in columns.split(", "))
    with unguarded(journal.folder) as db:
        db.execute("DROP INDEX event_person")
        rows = [
            db.execute(f"SELECT {columns} FROM event WHERE position = ?", (position,)).fetchone()
            for position in (first, second)
        ]
        for row, position in zip(rows, (second, first), strict=True):
            db.execute(f"UPDATE event SET {into} WHERE position = ?", (*row, position))
    with pytest.raises(Damaged):
        journal.rebuild()


def test_a_missing_version_is_damage(journal: Journal) -> None:
    slot = register(journal, "ann")
    journal.append([yes(slot)])
    middle = journal.history(slot)[1].position
    db = journal.connection()
    db.execute(
        "UPDATE event SET slot = NULL, version = NULL, recorded_at = NULL, happened_at = NULL,"
        " kind = NULL, sealed = NULL, act_id = NULL WHERE position = ?",
        (middle,),
    )
    db.close()
    with pytest.raises(Damaged, match="gap"):
        journal.history(slot)
    with pytest.raises(Damaged, match="gap"):
        journal.rebuild()


def test_a_withdrawal_made_to_look_erased_is_damage(journal: Journal) -> None:
    slot = register(journal, "ann")
    last = one(journal.append([no_more(slot)])).position
    db = journal.connection()
    db.execute(
        "UPDATE event SET slot = NULL, version = NULL, recorded_at = NULL, happened_at = NULL,"
        " kind = NULL, sealed = NULL, act_id = NULL WHERE position = ?",
        (last,),
    )
    db.close()
    with pytest.raises(Damaged, match="erased"):
        journal.rebuild()


def test_the_fast_encoder_writes_what_the_slow_one_does() -> None:
    body = Act(actor="person", method="form")
    fast = encode_event("age.stated", canonical(body), 7, 5, slot=3, version=2)
    said = Envelope(
        at=7,
        body=msgspec.Raw(canonical(body)),
        happened_at=5,
        kind="age.stated",
        slot=3,
        v=1,
        version=2,
    )
    assert fast == canonical(said)


def test_a_brand_event_opens_with_the_brand_key_alone(journal: Journal) -> None:
    position = one(journal.append([noted("exported the list")])).position
    told = journal.told(position)
    assert b"exported" in told.text
    row = journal.reader.row(position)
    assert row.leaf[:1] == b"\2"
    assert b"exported" not in (row.sealed or b"") + row.leaf


def test_a_large_public_statement_stands_beside_its_hash(journal: Journal) -> None:
    position = one(journal.append([stated("notice.published", "notice:x", {"text": "x" * 20_000})]))
    row = journal.reader.row(position.position)
    assert row.leaf[:1] == b"\4"
    assert len(row.leaf) == 33
    assert len(journal.told(position.position).text) > 20_000
