"""Senders beside senders, withdrawals beside sending: real processes, a real SMTP server."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller

from reciprocity.journal.journal import now_ms
from reciprocity.platform import Reciprocity
from tests.deliver.test_kill import address, outcomes, recipients
from tests.shop import add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE = 150
ROOT = Path(__file__).parents[2]
SEND = """
import sys, msgspec
from reciprocity.errors import Unavailable
from reciprocity.platform import Reciprocity
with Reciprocity.open(sys.argv[1]) as shop:
    shop.post
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        print(msgspec.json.encode(shop.send("spring", "operator:tests")).decode())
    except Unavailable as error:
        print(msgspec.json.encode(str(error)).decode())
"""
WITHDRAW = """
import sys
from reciprocity.platform import Reciprocity
from tests.shop import withdraw
with Reciprocity.open(sys.argv[1]) as shop:
    print("ready", flush=True)
    sys.stdin.readline()
    for slot in map(int, sys.argv[2].split(",")):
        withdraw(shop, slot)
print("done")
"""


def started(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that has opened the brand and waits for a line."""
    running = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    return running


def go(*processes: subprocess.Popen[str]) -> list[str]:
    """Let all go on at once; what each says in the end."""
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    return [each.communicate(timeout=60)[0] for each in processes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with new_shop(tmp_path, clock=now_ms) as shop:
        add_people(shop, PEOPLE)
    return tmp_path / "shop"


def test_of_two_senders_at_once_one_is_turned_away_and_nobody_gets_two(folder: Path) -> None:
    said = [json.loads(each) for each in go(*(started(SEND, str(folder)) for _ in range(2)))]
    reports = [each for each in said if isinstance(each, dict)]
    turned_away = [each for each in said if isinstance(each, str)]
    assert sum(each["delivered"] for each in reports) == PEOPLE
    assert all("another process is sending" in each for each in turned_away)
    with Reciprocity.open(folder) as shop:
        assert Counter(recipients(shop)) == {address(slot): 1 for slot in range(PEOPLE)}
        assert shop.audit().breaches == ()


def test_withdrawals_of_another_process_are_heeded_while_sending(folder: Path) -> None:
    leaving = [slot for slot in range(PEOPLE) if slot % 3 == 0][::-1]
    processes = (
        started(SEND, str(folder)),
        started(WITHDRAW, str(folder), ",".join(map(str, leaving))),
    )
    report = json.loads(go(*processes)[0])
    with Reciprocity.open(folder) as shop:
        got = Counter(recipients(shop))
        assert set(got.values()) == {1}
        assert len(got) == report["delivered"]
        assert {address(slot) for slot in range(PEOPLE) if slot % 3} <= got.keys()
        for slot in leaving:
            kinds = [told.kind for told in shop.journal.history(slot)]
            if address(slot) not in got:
                assert "delivery.delivered" not in kinds
            else:
                assert kinds.index("delivery.attempted") < kinds.index("consent.withdrawn")
        result = shop.audit()
        assert (result.breaches, result.deliveries) == ((), len(got))
        assert result.withdrawal_to_last_send_ms.max < 30_000


# --- a slow SMTP server ---------------------------------------------------------------------------


class SlowSink:
    """Takes its time between the end of a letter and its reply; *meanwhile* is then called."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.taken = seconds, []
        self.meanwhile = lambda _number, _recipient: None
        self._lock = threading.Lock()

    async def handle_DATA(self, _server, _session, envelope):
        with self._lock:
            self.meanwhile(len(self.taken), *envelope.rcpt_tos)
            self.taken += envelope.rcpt_tos
        time.sleep(self.seconds)  # noqa: ASYNC251 - one server, one letter at a time: it is slow
        return "250 2.0.0 OK"


@pytest.fixture
def sink() -> Iterator[tuple[SlowSink, str]]:
    slow = SlowSink(0.03)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(slow, hostname="127.0.0.1", port=port)
    server.start()
    yield (
        slow,
        (
            f'[transports.email]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\n'
            'tls = "none"\nconnections = 2\n'
        ),
    )
    server.stop()


def test_a_campaign_goes_out_by_smtp_from_end_to_end(
    tmp_path: Path, sink: tuple[SlowSink, str]
) -> None:
    slow, transport = sink
    slow.seconds = 0.0
    with new_shop(tmp_path, transport, now_ms) as shop:
        slots = add_people(shop, 40)
        report = shop.send("spring", "operator:tests")
        assert (report.delivered, report.failed, report.unknown) == (40, 0, 0)
        assert sorted(slow.taken) == sorted(address(slot) for slot in slots)
        result = shop.audit()
        assert (result.deliveries, result.breaches) == (40, ())


def test_withdrawals_in_the_middle_of_a_conversation_are_timed_and_stop_what_they_can(
    tmp_path: Path, sink: tuple[SlowSink, str]
) -> None:
    """Somebody withdraws while the server has their letter and others while theirs still wait."""
    slow, transport = sink
    with new_shop(tmp_path, transport, now_ms) as shop:
        slots = add_people(shop, 40)
        with Reciprocity.open(tmp_path / "shop") as beside:

            def meanwhile(number: int, recipient: str) -> None:
                if number % 4 == 0:  # this very letter is with the server, and cannot be stopped
                    withdraw(beside, int(recipient[1:].partition("@")[0]))
                if number == 1:  # these are on record as attempts, and wait for their turn
                    for slot in slots[20:24]:
                        withdraw(beside, slot)

            slow.meanwhile = meanwhile
            report = shop.send("spring", "operator:tests")
        result = shop.audit()
        assert result.breaches == ()
        assert 0 < result.withdrawal_to_last_send_ms.max <= 30_000
        assert result.near_misses > 0
        assert report.cancelled == 4
        assert report.refused == {"withdrawn": 4}
        assert report.delivered == len(slots) - 4
        assert set(Counter(slow.taken).values()) == {1}
        for slot in slots:
            delivered = "delivered" in outcomes(shop, slot)
            assert delivered == (address(slot) in slow.taken)


def test_a_plan_in_the_middle_of_sending_still_counts_everybody_once(folder: Path) -> None:
    running = started(SEND, str(folder))
    with Reciprocity.open(folder) as shop:
        assert running.stdin is not None
        running.stdin.write("\n")
        running.stdin.flush()
        plans = 0
        while running.poll() is None:
            plan, plans = shop.plan("spring"), plans + 1
            for counts in plan.messages.values():
                total = counts.deliver + sum(counts.wait.values()) + sum(counts.refuse.values())
                assert total == plan.people == PEOPLE
        assert plans > 0
        assert shop.audit().breaches == ()
    running.communicate()
