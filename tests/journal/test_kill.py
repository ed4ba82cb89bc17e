"""SIGKILL at any instant: what was answered is there, nothing is half there, no checkpoint lied."""

import os
import random
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reciprocity.errors import Unavailable
from reciprocity.journal.destroy import resume, unfinished
from reciprocity.journal.journal import Journal
from reciprocity.journal.restore import check_tree
from reciprocity.leave.erase import erase
from reciprocity.tlog.merkle import check_consistency, prove_consistency
from tests.journal.small import (
    Clock,
    attempt,
    create,
    everything,
    no_more,
    register,
    reopen,
    yes,
)

Say = Callable[[str], None]


def _forked(work: Callable[[Say], None]) -> tuple[int, int]:
    """A child that does *work*; its pid, and the end of a pipe that reads what it says."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    code = 1
    try:
        work(lambda line: void(os.write(theirs, line.encode() + b"\n")))
        code = 0
    except BaseException:  # noqa: BLE001 - a child says whatever went wrong
        traceback.print_exc()
    finally:
        os._exit(code)


def void(_: object) -> None:
    """Drop a value."""


def _said(pipe: int) -> Iterator[list[str]]:
    with os.fdopen(pipe) as file:
        for line in file:
            if line.endswith("\n"):
                yield line.split()


def _work(root: Path, seed: int, say: Say) -> None:
    """Whatever happens in a shop, for ever; each answer is said with the newest checkpoint."""
    chance = random.Random(seed)
    with reopen(root, Clock()) as journal:
        slots = [kept.standing.slot for kept in journal.everyone() if not kept.standing.erased]
        for number in range(1_000_000):
            what = chance.random()
            if what < 0.3 or len(slots) < 3:
                slots.append(register(journal, f"p{seed}-{number}"))
                slot, version = slots[-1], 2
            elif what < 0.33:
                slot = chance.choice(slots)
                try:
                    version = erase(journal, slot, operator="operator:ada", now=True).version
                except Unavailable:  # a message to them is under way
                    continue
                slots.remove(slot)
            else:
                slot = chance.choice(slots)
                make = chance.choice([yes, no_more, lambda at: attempt(journal, at)])
                journal_entries = [[make(slot)], [no_more(chance.choice(slots))]]
                first = journal.append_many(journal_entries)[0]
                assert isinstance(first, list), first
                version = first[0].version
            state = journal.state()
            say(f"{slot} {version} {state.size} {journal.root(state.size).hex()}")


def _agree(journal: Journal, answers: list[tuple[int, int]], checkpoints: dict[int, str]) -> None:
    """Log, journal, standing and keys tell one story, and it is the one that was answered."""
    check_tree(journal)
    assert unfinished(journal) == []
    size = journal.state().size
    root, reader = journal.root(size), journal.reader.tile_reader(size)
    for at, told in checkpoints.items():
        assert at <= size
        proof = prove_consistency(at, size, reader)
        check_consistency(proof, at, bytes.fromhex(told), size, root)
    found = everything(journal)
    for slot, version in answers:
        standing = found[slot].standing
        assert standing.version >= version
    for slot, kept in found.items():
        history = journal.history(slot)
        assert len(history) == (0 if kept.standing.erased else kept.standing.version)
        assert (journal.person_keys(slot) is None) == kept.standing.erased
    journal.rebuild()
    assert everything(journal) == found


def _killed_at_random(root: Path, rounds: int, seed: int) -> None:
    create(root, Clock()).close()
    chance = random.Random(seed)
    answers: list[tuple[int, int]] = []
    checkpoints: dict[int, str] = {}
    for number in range(rounds):
        pid, pipe = _forked(lambda say, number=number: _work(root, number, say))
        lines = _said(pipe)
        first = next(lines, None)
        assert first is not None, "the child died by itself"
        time.sleep(chance.uniform(0, 0.08))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), f"the child failed by itself: {status}"
        for slot, version, size, told in (first, *lines):
            answers.append((int(slot), int(version)))
            assert checkpoints.setdefault(int(size), told) == told
        with reopen(root, Clock()) as journal:
            resume(journal)
            _agree(journal, answers, checkpoints)


def test_killed_at_random_thirty_times_nothing_answered_is_lost(tmp_path: Path) -> None:
    _killed_at_random(tmp_path, rounds=30, seed=1)


@pytest.mark.long
def test_killed_at_random_three_hundred_times_nothing_answered_is_lost(tmp_path: Path) -> None:
    _killed_at_random(tmp_path, rounds=300, seed=2)


def _die_before(journal: Journal, number: int) -> None:
    """Be killed right before the *number*-th statement that any of the three files sees."""
    seen = 0

    def count(_statement: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    for db in (journal.appender._db, journal.keys._db, journal.appender._cache.db):
        if isinstance(db, sqlite3.Connection):
            db.set_trace_callback(count)
        else:
            _count_in_postgresql(db, count)


def _let_live(journal: Journal) -> None:
    for db in (journal.appender._db, journal.keys._db, journal.appender._cache.db):
        if isinstance(db, sqlite3.Connection):
            db.set_trace_callback(None)
        else:
            del db._run, db.commit


def _count_in_postgresql(db: Any, count: Callable[[str], None]) -> None:
    """The same for a connection that traces nothing: what it runs, and its commits."""
    run, commit = db._run, db.commit

    def counted_run(work: Any, *, again: bool = False) -> Any:
        count("a statement")
        return run(work, again=again)

    def counted_commit() -> None:
        count("a commit")
        commit()

    db._run, db.commit = counted_run, counted_commit


def test_killed_before_any_statement_of_a_turn_it_is_whole_or_not_there(tmp_path: Path) -> None:
    create(tmp_path, Clock()).close()
    with reopen(tmp_path, Clock()) as journal:
        ann = register(journal, "ann")
    answers = [(ann, 2)]
    checkpoints: dict[int, str] = {}
    for number in range(1, 200):

        def work(say: Say, number: int = number) -> None:
            with reopen(tmp_path, Clock()) as journal:
                _die_before(journal, number)
                slot = register(journal, f"p{number}")
                _let_live(journal)
                state = journal.state()
                say(f"{slot} 2 {state.size} {journal.root(state.size).hex()}")

        pid, pipe = _forked(work)
        lines = list(_said(pipe))
        _, status = os.waitpid(pid, 0)
        for slot, version, size, told in lines:
            answers.append((int(slot), int(version)))
            checkpoints[int(size)] = told
        with reopen(tmp_path, Clock()) as journal:
            _agree(journal, answers, checkpoints)
            found = journal.find(journal.digest("email", f"p{number}@people.example"))
            if found is not None:
                assert len(journal.history(found)) == 2
        if not os.WIFSIGNALED(status):
            assert number > 12, "a turn has more statements than that"
            return
    pytest.fail("the child never got through a turn")
