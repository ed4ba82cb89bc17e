"""A sender killed at any instant: nobody gets two letters, nobody is silently lost."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reciprocity.events import Act, Attempt, Outcome
from reciprocity.journal.entry import Entry
from reciprocity.platform import Reciprocity
from tests.deliver.sender_process import STEPS
from tests.place import copied
from tests.shop import DAY, START, Clock, add_people, entry_for, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).with_name("sender_process.py")
PERMITTED, PAUSED, WITHDRAWN, REFUSED = 44, 4, 4, 4
MOST = {"while planning": 50, "while queueing": 40, "before a letter is handed over": 40,
        "after a letter is handed over": 40}  # fmt: skip
ONCE = {"settl", "stated", "queueing"}
KILLS_A_BRAND = 5
_TO = re.compile(rb"^To: (\S+)\r$", re.MULTILINE)


class Process:
    """The script, started once; `order` has it send in a process of its own."""

    def __init__(self) -> None:
        self._running = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def order(self, folder: Path, at: int, do: str = "send", **how: object) -> dict[str, object]:
        told = {"folder": str(folder / "shop"), "at": at, "do": do} | how
        assert self._running.stdin is not None
        assert self._running.stdout is not None
        self._running.stdin.write(json.dumps(told) + "\n")
        self._running.stdin.flush()
        return json.loads(self._running.stdout.readline())

    def end(self) -> None:
        assert self._running.stdin is not None
        self._running.stdin.close()
        self._running.wait(10)
        assert self._running.stdout is not None
        self._running.stdout.close()


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    running = Process()
    yield running
    running.end()


@pytest.fixture(scope="module")
def stencil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A brand with people who may get a letter, and people who may not, ready to be copied."""
    folder = tmp_path_factory.mktemp("stencil")
    with new_shop(folder) as shop:
        add_people(shop, PERMITTED, {"garden": 2, "kitchen": 1})
        pause = Act(actor="person", method="web", pauses={"*": START + DAY})
        for slot in add_people(shop, PAUSED):
            shop.journal.append([Entry(kind="preferences.set", body=pause, slot=slot)])
        for slot in add_people(shop, WITHDRAWN):
            withdraw(shop, slot)
        for number in range(REFUSED):
            shop.journal.append(entry_for(shop, 1_000 + number, {"garden": 2}, given=False))
    return folder


class Brand:
    """A copy of the stencil, its clock, and what became of its kills."""

    def __init__(self, folder: Path, stencil: Path, process: Process) -> None:
        copied(stencil, folder)
        self.folder, self.at, self.kills, self._process = folder, START, 0, process
        self.unknown = 0

    def kill(self, moved_ms: int, **how: object) -> None:
        """Send until killed, then let *moved_ms* pass."""
        answer = self._process.order(self.folder, self.at, **how)
        self.kills += answer["killed"]
        if not answer["killed"]:
            self.unknown += answer["said"]["unknown"]
        self.at += moved_ms

    def finish(self) -> None:
        """Send once more after every hand-over is past, and again once all pauses are over."""
        self.at += 31_000
        sent = self._process.order(self.folder, self.at)["said"]
        self.at += 2 * DAY
        reports = self._process.order(self.folder, self.at, "tick")["said"]
        self.unknown += sum(report["unknown"] for report in [sent, *reports])
        assert all(report["waiting"] == 0 for report in reports)

    def check(self) -> None:
        """Nobody has two, nobody permitted has none without being listed, all of it is proved."""
        with Reciprocity.open(self.folder / "shop", Clock(self.at)) as shop:
            got, permitted = Counter(recipients(shop)), range(PERMITTED + PAUSED)
            assert set(got.values()) <= {1}
            unknown = {slot for slot in permitted if "unknown" in outcomes(shop, slot)}
            assert {address(slot) for slot in permitted if slot not in unknown} <= got.keys()
            assert got.keys() <= {address(slot) for slot in permitted}
            listed = {
                kept.standing.slot
                for kept in shop.journal.everyone()
                if any(sent.outcome == "unknown" for sent in kept.standing.sent)
            }
            assert listed == unknown
            assert self.unknown <= len(unknown)  # what a killed run counted, nobody read
            result = shop.audit()
            assert result.breaches == ()
            assert result.deliveries == PERMITTED + PAUSED
            live = list(shop.journal.everyone())
            shop.journal.rebuild()
            assert list(shop.journal.everyone()) == live


def address(slot: int) -> str:
    return f"p{slot}@example.com"


def recipients(shop: Reciprocity) -> list[str]:
    """To whom the letters in the Maildir are, each as often as it is there."""
    new = shop.brand.folder / "maildir" / "new"
    letters = [path.read_bytes() for path in new.iterdir()] if new.exists() else []
    return [_TO.search(each)[1].decode() for each in letters]


def outcomes(shop: Reciprocity, slot: int) -> list[str]:
    """What became of the person's attempts, one word each; an empty one for nothing yet."""
    found: dict[int, str] = {}
    for told in shop.journal.history(slot):
        if isinstance(told.body, Attempt):
            found[told.version] = ""
        elif isinstance(told.body, Outcome):
            found[told.body.attempt] = told.kind.partition(".")[2]
    return list(found.values())


def moments(rng: random.Random) -> Iterator[dict[str, object]]:
    """Every step over and over, each time at another of its passings."""
    while True:
        for step in STEPS:
            most = MOST.get(step, 1 if any(part in step for part in ONCE) else 8)
            yield {"step": step, "number": rng.randint(1, most)}


def kill_many(folder: Path, stencil: Path, process: Process, kills: int, seed: int) -> int:
    """Kill senders of brand after brand until *kills* of them died; how many did."""
    rng = random.Random(seed)
    steps, done, number = moments(rng), 0, 0
    while done < kills:
        number += 1
        assert number < 3 * kills
        brand = Brand(folder / f"{number}", stencil, process)
        for _ in range(KILLS_A_BRAND):
            how = next(steps) if rng.random() < 0.7 else {"after_ms": rng.uniform(2, 150)}
            brand.kill(rng.choice([1_000, 31_000]), **how)
        brand.finish()
        brand.check()
        done += brand.kills
        shutil.rmtree(brand.folder)
    return done


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_nobody_gets_two_and_nobody_is_lost(
    tmp_path: Path, stencil: Path, process: Process, step: str
) -> None:
    brand = Brand(tmp_path / "brand", stencil, process)
    most = MOST.get(step, 1 if any(part in step for part in ONCE) else 4)
    brand.kill(1_000, step=step, number=1)
    brand.kill(31_000, step=step, number=max(1, most // 4))
    assert brand.kills == 2
    brand.finish()
    brand.check()


def test_killed_at_any_instant_nobody_gets_two_and_nobody_is_lost(
    tmp_path: Path, stencil: Path, process: Process
) -> None:
    """With the two or more of each step above, well over a hundred."""
    assert kill_many(tmp_path, stencil, process, kills=90, seed=1) >= 90


@pytest.mark.long
def test_killed_two_thousand_times_nobody_gets_two_and_nobody_is_lost(
    tmp_path: Path, stencil: Path, process: Process
) -> None:
    assert kill_many(tmp_path, stencil, process, kills=2_000, seed=2) >= 2_000
