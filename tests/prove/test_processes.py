"""An audit in several processes finds what one finds, or ends with an error; nothing is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import Damaged, Unavailable
from reciprocity.journal import processes as shared
from reciprocity.prove.audit import replayed
from reciprocity.prove.figures import by_kind
from tests.place import unguarded
from tests.prove.busy import Busy
from tests.shop import Clock, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reciprocity.platform import Reciprocity
    from reciprocity.prove import workers

ALL_KINDS = {"no_consent", "facts_differ", "rule_refuses", "late_handover", "double"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reciprocity]:
    """A journal in which everything happened, with breaches of every kind."""
    clock = Clock()
    with new_shop(tmp_path_factory.mktemp("busy"), clock=clock) as shop:
        busy = Busy(shop, clock, random.Random(5), 12)
        for _ in range(200):
            busy.step()
        yield shop


def workers_left() -> list[int]:
    """The processes of audits that this one began and that are still there.

    Others come and go meanwhile: the browser's, and those that tests before left to be reaped.
    """
    tasks = Path("/proc/self/task").iterdir()
    begun = [pid for task in tasks for pid in _read(task / "children").split()]
    return [int(pid) for pid in begun if "prove.workers" in _read(Path(f"/proc/{pid}/cmdline"))]


def _read(path: Path) -> str:
    """What *path* holds; nothing if the thread or process is gone meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("processes", [2, 3])
def test_several_processes_find_what_one_finds(shop: Reciprocity, processes: int) -> None:
    one = shop.audit()
    assert by_kind(one.breaches).keys() == ALL_KINDS
    assert one.erased
    assert one.near_misses
    assert one.withdrawal_to_last_send_ms.max
    assert shop.audit(processes=processes) == one
    assert replayed(shop.journal, processes=processes) == replayed(shop.journal)
    size = shop.journal.state().size
    for since in (1, size // 2, size - 3, size):
        alone = replayed(shop.journal, since=since)
        assert replayed(shop.journal, processes=processes, since=since) == alone


def test_progress_is_told_up_to_the_end_and_no_process_stays(shop: Reciprocity) -> None:
    for processes in (1, 2):
        moves: list[tuple[int, int]] = []
        shop.audit(lambda done, people: moves.append((done, people)), processes)  # noqa: B023
        assert moves == sorted(moves)
        people = shop.journal.state().next_slot
        assert moves[-1] == (people, people)
        assert workers_left() == []


def test_what_a_process_finds_damaged_ends_the_audit(tmp_path: Path) -> None:
    with new_shop(tmp_path, clock=Clock()) as shop:
        busy = Busy(shop, Clock(), random.Random(1), 6)
        for _ in range(10):
            busy.attempt()
        with unguarded(tmp_path / "shop") as db:
            db.execute("UPDATE event SET leaf = ? WHERE slot = 3", (b"\1" + os.urandom(32),))
        for processes in (1, 2):
            with pytest.raises(Damaged, match=r"its leaf commits|the root of its"):
                shop.audit(processes=processes)
        assert workers_left() == []


def test_a_row_under_a_slot_never_given_is_found_by_any_process(tmp_path: Path) -> None:
    with new_shop(tmp_path, clock=Clock()) as shop:
        Busy(shop, Clock(), random.Random(1), 6)
        for slot in (99, -4):
            with unguarded(tmp_path / "shop") as db:
                db.execute(f"UPDATE event SET slot = {slot} WHERE slot IN (3, 99)")
            for processes in (1, 2):
                with pytest.raises(Damaged):
                    shop.audit(processes=processes)


def test_a_process_that_dies_ends_the_audit_with_an_error(
    shop: Reciprocity, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = shared._Worker.__init__
    killed = []

    def begin(self: shared._Worker, module: str, order: workers.Order) -> None:
        begun(self, module, order)
        if not killed:
            killed.append(self._process.pid)
            os.kill(self._process.pid, signal.SIGKILL)

    monkeypatch.setattr(shared._Worker, "__init__", begin)
    with pytest.raises(Unavailable, match="ended with code -9 before its work was done"):
        shop.audit(processes=2)
    assert workers_left() == []


AUDITS = """
import sys
from reciprocity.platform import Reciprocity

with Reciprocity.open(sys.argv[1]) as shop:
    def tell(done, people):
        print("moved", flush=True)
        sys.stdin.readline()
    shop.audit(tell, 2)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_whoever_is_stopped_leaves_no_process_behind(
    shop: Reciprocity, how: signal.Signals
) -> None:
    command = [sys.executable, "-c", AUDITS, str(shop.journal.folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as auditing:
        assert auditing.stdout is not None
        assert auditing.stdout.readline() == b"moved\n"
        tasks = Path(f"/proc/{auditing.pid}/task").iterdir()
        begun = [pid for task in tasks for pid in _read(task / "children").split()]
        assert len(begun) == 2
        auditing.send_signal(how)
        auditing.communicate()
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in begun) and time.monotonic() < until:
        time.sleep(0.02)
    assert not [pid for pid in begun if Path(f"/proc/{pid}").exists()]


def test_nobody_is_erased_while_an_audit_runs(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        busy = Busy(shop, clock, random.Random(2), 4)
        refused: list[str] = []

        def erase() -> None:
            try:
                shop.erase(busy.slots[0], "operator:ada", now=True)
            except Unavailable as error:
                refused.append(str(error))

        def while_it_runs(_done: int, _people: int) -> None:
            if not refused:
                thread = Thread(target=erase)
                thread.start()
                thread.join()
                assert shop.tick("operator:ada").erased == 0

        assert shop.audit(while_it_runs).erased == 0
        assert ["audit is reading" in each for each in refused] == [True]
        shop.erase(busy.slots[0], "operator:ada", now=True)
