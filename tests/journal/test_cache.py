"""What stands is kept ready; the journal alone is the truth, and rebuild = live for everyone."""

from pathlib import Path

import pytest

from reciprocity.errors import Unavailable
from reciprocity.events import Act, ConsentRow
from reciprocity.journal.entry import Entry
from reciprocity.journal.journal import Journal
from reciprocity.leave.erase import erase
from reciprocity.model import ConsentState, Profile
from tests.journal.small import (
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
    state_of,
    stated,
    statement,
    yes,
)
from tests.place import lose, put_back, save, unguarded


def _busy_day(journal: Journal) -> None:
    slots = [register(journal, f"p{number}") for number in range(12)]
    journal.append([no_more(slots[0])])
    journal.append([attempt(journal, slots[1])])
    journal.append([registration(journal, "single")])
    told = Profile(points={"email": address("p2")}, attributes={"age": 50, "diet": "meat"})
    act = Act(actor="person", method="form")
    journal.append([Entry(kind="profile.set", slot=slots[2], body=act, profile=told)])
    journal.append([Entry(kind="profile.set", slot=slots[3], body=act, profile=Profile())])
    unshare = Act(actor="person", method="form", shared={"offers": ()})
    journal.append([Entry(kind="profile.set", slot=slots[4], body=unshare)])
    # the same person twice in one turn, in two requests
    journal.append_many([
        [Entry(kind="profile.set", slot=slots[5], body=act, profile=told)],
        [yes(slots[5])],
        [Entry(kind="profile.set", slot=slots[4], body=act, profile=told), yes(slots[4])],
    ])  # fmt: skip
    erase(journal, slots[6], operator="operator:ada", now=True)


def test_rebuild_is_live_for_everyone(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    _busy_day(journal)
    live = everything(journal)
    assert len(live) == 13
    positions: list[int] = []
    journal.rebuild(positions.append)
    assert everything(journal) == live
    assert positions == [journal.state().size]
    journal.close()
    lose(tmp_path / "live", "standing.db")
    with reopen(tmp_path, clock) as again:
        assert everything(again) == live


def test_the_first_registration_keeps_its_attributes_in_clear(journal: Journal) -> None:
    kept = journal.kept(register(journal, "ann"))
    assert kept is not None
    assert kept.clear == {"age": 41}  # the diet is sensitive
    assert kept.pseudonym


def test_a_sensitive_attribute_is_never_in_clear_from_the_turn_that_says_so(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    ann = register(journal, "ann")
    words = stated("brand.applied", "brand", statement(sensitive=("diet", "age")))
    journal.append_many([[words], [registration(journal, "bob"), yes()]])
    assert [kept.clear for kept in journal.everyone()] == [{}, {}]
    none = stated("brand.applied", "brand", statement(sensitive=()))
    journal.append([none])
    assert [kept.clear for kept in journal.everyone()] == [{"age": 41, "diet": "vegan"}] * 2
    other = reopen(tmp_path, clock)
    other.append([words])
    journal.append([no_more(ann)])
    assert [kept.clear for kept in journal.everyone()] == [{}, {}]
    other.close()
    live = everything(journal)
    journal.rebuild()
    assert everything(journal) == live


def test_a_cache_left_behind_by_a_crash_catches_up(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    _busy_day(journal)
    journal.close()
    save(tmp_path / "live", "standing.db", tmp_path / "older")
    with reopen(tmp_path, clock) as again:
        again.append([no_more(7)])
        register(again, "late")
        live = everything(again)
    put_back(tmp_path / "live", "standing.db", tmp_path / "older")
    with reopen(tmp_path, clock) as again:
        assert everything(again) == live


def test_a_cache_of_another_history_is_thrown_away(tmp_path: Path, clock: Clock) -> None:
    for name in ("one", "two"):
        with create(tmp_path / name, clock) as journal:
            slot = register(journal, name)
            journal.append([no_more(slot)] if name == "one" else [yes(slot)])
    save(tmp_path / "two" / "live", "standing.db", tmp_path / "other")
    put_back(tmp_path / "one" / "live", "standing.db", tmp_path / "other")
    with reopen(tmp_path / "one", clock) as journal:
        assert state_of(journal, 0) is ConsentState.WITHDRAWN


@pytest.mark.files
def test_a_cache_that_is_no_database_is_made_anew(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    ann = register(journal, "ann")
    live = everything(journal)
    journal.close()
    (tmp_path / "live" / "standing.db").write_bytes(b"not a database, " * 4_000)
    with reopen(tmp_path, clock) as again:
        assert everything(again) == live
        again.append([no_more(ann)])


def test_a_cache_that_cannot_be_read_says_what_to_do(journal: Journal, tmp_path: Path) -> None:
    register(journal, "ann")
    with unguarded(tmp_path / "live", "standing.db") as db:
        db.execute("UPDATE standing SET state = ?", (b"\0",))
    with pytest.raises(Unavailable, match=r"delete standing\.db"):
        journal.kept(0)


def test_a_cache_held_by_another_is_waited_for_and_the_act_still_stands(
    tmp_path: Path, clock: Clock
) -> None:
    with create(tmp_path, clock, busy_ms=50) as journal:
        ann = register(journal, "ann")
        with unguarded(tmp_path / "live", "standing.db") as db:
            db.begin()
            journal.append([no_more(ann)])  # durable, though the cache lags
            with pytest.raises(Unavailable):
                journal.kept(ann)  # and nothing is read from a standing behind
            db.rollback()
        assert state_of(journal, ann) is ConsentState.WITHDRAWN


def test_a_cache_another_process_was_killed_in_while_it_made_it_anew_is_never_believed(
    journal: Journal, tmp_path: Path
) -> None:
    ann = register(journal, "ann")
    journal.append([no_more(ann)])
    with unguarded(tmp_path / "live", "standing.db") as db:  # as a killed `rebuild` leaves it
        db.execute("DELETE FROM standing")
        db.execute("UPDATE progress SET position = 0, root = ?", (b"",))
    bob = register(journal, "bob")  # this process believed its cache to follow
    assert state_of(journal, ann) is ConsentState.WITHDRAWN
    assert state_of(journal, bob) is ConsentState.GIVEN
    live = everything(journal)
    journal.rebuild()
    assert everything(journal) == live


def test_a_rebuild_that_fails_is_not_taken_for_done(journal: Journal) -> None:
    ann = register(journal, "ann")
    with pytest.raises(KeyboardInterrupt):
        journal.rebuild(_interrupt)
    journal.append([no_more(ann)])
    assert state_of(journal, ann) is ConsentState.WITHDRAWN


def _interrupt(_position: int) -> None:
    raise KeyboardInterrupt


def test_reading_everyone_sees_one_position(journal: Journal) -> None:
    for name in ("ann", "bob", "cem"):
        register(journal, name)
    seen = journal.everyone()
    assert next(seen).standing.version == 2
    journal.append_many([[no_more(slot)] for slot in range(3)])
    register(journal, "dee")
    assert [kept.standing.version for kept in seen] == [2, 2]
    assert [kept.standing.version for kept in journal.everyone()] == [3, 3, 3, 2]


def test_what_another_process_appended_is_seen_at_once(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    ann = register(journal, "ann")
    with reopen(tmp_path, clock) as other:
        other.append([no_more(ann)])
        assert state_of(journal, ann) is ConsentState.WITHDRAWN
        journal.append([yes(ann)])
        assert state_of(other, ann) is ConsentState.GIVEN
        other.append([noted()])
        assert journal.state().size == other.state().size


@pytest.mark.files
def test_a_standing_is_kept_under_a_pseudonym_and_holds_no_address(
    journal: Journal, tmp_path: Path
) -> None:
    _busy_day(journal)
    journal.close()
    data = (tmp_path / "live" / "standing.db").read_bytes()
    assert b"p1@" not in data
    assert b"ext-" not in data
    assert b"vegan" not in data


def test_what_is_folded_is_what_a_later_reader_sees(journal: Journal) -> None:
    """A state told as plain text is the state it names, live as after a rebuild."""
    ann = register(journal, "ann")
    row = ConsentRow(purpose="offers", channel="email", state="withdrawn")  # type: ignore[arg-type]
    act = Act(actor="person", method="link", consent=(row,))
    journal.append([Entry(kind="consent.withdrawn", slot=ann, body=act)])
    assert state_of(journal, ann) is ConsentState.WITHDRAWN
    live = everything(journal)
    journal.rebuild()
    assert everything(journal) == live
