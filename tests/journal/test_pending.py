"""A withdrawal is taken even while the keys are out of reach, and nothing passes it."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from reciprocity.errors import Conflict, InputError, Unavailable
from reciprocity.events import Act, ConsentRow
from reciprocity.journal import pending
from reciprocity.journal.journal import Journal
from reciprocity.leave.erase import erase
from reciprocity.model import ConsentState
from reciprocity.storage import connect
from tests.journal.small import NOON, Clock, attempt, everything, noted, register, reopen, state_of


def _withdrawal() -> Act:
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
    return Act(actor="person", method="link", consent=(row,))


def _leave(folder: Path, slot: int, at: int = NOON + 5) -> None:
    """As the unsubscribe page does it: no key is read."""
    with closing(connect(folder / "live" / "journal.db", durable=True)) as db:
        pending.leave(db, slot, "consent.withdrawn", _withdrawal(), at)


def test_an_act_is_taken_without_any_key_and_sealed_later(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    ann = register(journal, "ann")
    journal.close()
    key = tmp_path / "away" / "master.key"
    key.rename(tmp_path / "lost.key")
    _leave(tmp_path, ann)
    with pytest.raises(Unavailable, match="missing"):
        reopen(tmp_path, clock)
    (tmp_path / "lost.key").rename(key)
    with reopen(tmp_path, clock) as again:
        assert state_of(again, ann) is ConsentState.WITHDRAWN
        told = again.history(ann)[-1]
        assert (told.kind, told.at, told.happened_at) == ("consent.withdrawn", NOON, NOON + 5)


def test_every_reader_of_standings_sees_it_first(journal: Journal, tmp_path: Path) -> None:
    slots = [register(journal, f"p{number}") for number in range(5)]
    decided = [attempt(journal, slot) for slot in slots]
    _leave(tmp_path, slots[0])
    assert journal.version(slots[0]) == -1
    assert state_of(journal, slots[0]) is ConsentState.WITHDRAWN
    _leave(tmp_path, slots[1])
    kept = journal.kept_many([slots[1]])[slots[1]]
    assert kept.standing.version == 3
    _leave(tmp_path, slots[2])
    assert journal.count() == 5
    assert len(journal.history(slots[2])) == 3
    _leave(tmp_path, slots[3])
    assert [kept.standing.version for kept in journal.everyone()] == [3, 3, 3, 3, 2]
    for entry in decided[:4]:
        with pytest.raises(Conflict):
            journal.append([entry])


def test_a_message_decided_before_it_is_refused_in_the_same_turn(
    journal: Journal, tmp_path: Path
) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    to_ann, to_bob = attempt(journal, ann), attempt(journal, bob)
    _leave(tmp_path, ann)
    refused, taken = journal.append_many([[to_ann], [to_bob]])
    assert isinstance(refused, Conflict)
    assert isinstance(taken, list)


def test_thousands_that_wait_are_all_sealed_before_anything_is_read(
    journal: Journal, tmp_path: Path
) -> None:
    slots = [register(journal, f"p{number}") for number in range(3)]
    with closing(connect(tmp_path / "live" / "journal.db", durable=False)) as db:
        db.execute("BEGIN")
        for number in range(2_500):
            pending.leave(db, slots[number % 2], "consent.withdrawn", _withdrawal(), NOON)
        pending.leave(db, slots[2], "consent.withdrawn", _withdrawal(), NOON)
        db.execute("COMMIT")
    assert state_of(journal, slots[2]) is ConsentState.WITHDRAWN
    with closing(journal.connection()) as db:
        assert not pending.any_waiting(db)
    before = everything(journal)
    journal.rebuild()
    assert everything(journal) == before


def test_a_clock_set_back_does_not_stop_it(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    ann = register(journal, "ann")
    clock.at -= 60_000
    _leave(tmp_path, ann)
    assert state_of(journal, ann) is ConsentState.WITHDRAWN


def test_an_act_of_somebody_erased_meanwhile_stops_nobody(journal: Journal, tmp_path: Path) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    erase(journal, ann, operator="operator:ada", now=True)
    _leave(tmp_path, ann)
    size = journal.state().size
    assert state_of(journal, bob) is ConsentState.GIVEN
    with closing(journal.connection()) as db:
        assert not pending.any_waiting(db)
    assert journal.state().size == size
    _leave(tmp_path, ann)
    journal.append([noted()])
    assert journal.state().size == size + 1


def test_what_gives_something_is_never_taken_without_keys(journal: Journal) -> None:
    ann = register(journal, "ann")
    with closing(journal.connection()) as db:
        for kind in ("consent.granted", "objection.lifted", "erasure.undone", "invented"):
            with pytest.raises(InputError, match="without keys"):
                pending.leave(db, ann, kind, _withdrawal(), NOON)
        with pytest.raises(InputError):
            pending.leave(db, ann, "consent.withdrawn", _withdrawal(), -5)
        assert not pending.any_waiting(db)


@pytest.mark.files
def test_it_is_durable_when_it_returns(journal: Journal) -> None:
    with closing(journal.connection()) as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert isinstance(db, sqlite3.Connection)


def test_the_same_withdrawal_while_the_first_is_sealed_is_another_one(journal: Journal) -> None:
    """Between the two the person said yes: what is being sealed is not what waits."""
    ann = register(journal, "ann")
    with closing(journal.connection()) as db, closing(journal.connection()) as turn:
        pending.leave(db, ann, "consent.withdrawn", _withdrawal(), NOON)
        turn.begin()  # as the appender does, which seals it and takes a yes in the same turn
        turn.execute("DELETE FROM pending_act")
        again = threading.Thread(
            target=pending.leave, args=(db, ann, "consent.withdrawn", _withdrawal(), NOON)
        )
        again.start()
        again.join(0.2)
        assert again.is_alive()  # it is not answered before the turn is over
        turn.commit()
        again.join(30)
        assert pending.any_waiting(db)
