"""What the API promises while much happens at once, against real servers, one of them killed."""

from __future__ import annotations

import json
import signal
import threading
import time
from contextlib import ExitStack, closing
from functools import partial
from http.client import HTTPConnection, HTTPException
from threading import Semaphore
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from reciprocity.http.api.keys import Scope
from reciprocity.platform import Reciprocity
from tests.http.api_client import new_key
from tests.http.running import LIMIT_S, Server, serving
from tests.shop import Clock, add_people, new_shop

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = 64
PEOPLE = 16
DECISIONS_AFTER = 6


class Decided(NamedTuple):
    person: str
    began: float
    verdict: str


def ask(
    to: HTTPConnection, key: dict[str, str], method: str, path: str, said: Any = None,
    name: str = "",
) -> tuple[int, Any]:  # fmt: skip
    headers = {**key, "Idempotency-Key": name, "Content-Type": "application/json"}
    to.request(method, path, json.dumps(said) if said else None, headers)
    got = to.getresponse()
    return got.status, json.loads(got.read())


class Program:
    """One client with a key and a connection of its own."""

    def __init__(self, url: str, key: dict[str, str]) -> None:
        self.key = key
        self.to = HTTPConnection(urlsplit(url).netloc, timeout=LIMIT_S)

    def ask(self, method: str, path: str, said: Any = None, name: str = "") -> tuple[int, Any]:
        return ask(self.to, self.key, method, path, said, name)


def together(works: list[Any]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def keys_of(folder: Path, count: int) -> list[dict[str, str]]:
    """Several keys, so that none is held back for asking too often."""
    scopes = (Scope.CONSENT_WRITE, Scope.DECISIONS)
    return [new_key(folder, Clock(), *scopes, name=f"till-{number}") for number in range(count)]


def test_once_a_withdrawal_is_answered_no_decision_says_deliver(tmp_path: Path) -> None:
    """64 clients of four servers: for each person one who withdraws, three who keep deciding."""
    with new_shop(tmp_path) as shop:
        people = [shop.journal.pseudonym(slot) for slot in add_people(shop, PEOPLE)]
        folder = shop.journal.folder
    keys, decided, answered = keys_of(folder, 8), list[Decided](), dict[str, float]()

    def decide(program: Program, person: str) -> str:
        began = time.monotonic()
        path = f"/v1/people/{person}/decisions/spring/garden"
        status, told = program.ask("GET", path)
        assert status == 200, told
        decided.append(Decided(person, began, told["verdict"]))
        return str(told["verdict"])

    def watch(program: Program, person: str) -> None:
        left, end = DECISIONS_AFTER, time.monotonic() + LIMIT_S
        while left and time.monotonic() < end:
            left -= decide(program, person) != "deliver"

    def withdraw(program: Program, person: str) -> None:
        decide(program, person)
        said = {"act": "withdraw", "method": "phone"}
        status, told = program.ask("POST", f"/v1/people/{person}/acts", said, person)
        answered[person] = time.monotonic()
        assert status == 200, told
        decide(program, person)

    with ExitStack() as open_ones:
        urls = [open_ones.enter_context(serving(folder)).url for _ in range(4)]
        programs = [  # those who watch a person are each at another server than who withdraws
            Program(urls[(n + n // PEOPLE) % 4], keys[n % len(keys)]) for n in range(CLIENTS)
        ]
        for program in programs:
            open_ones.enter_context(closing(program.to))
        watchers = [
            lambda n=n: watch(programs[n], people[n % PEOPLE]) for n in range(PEOPLE, CLIENTS)
        ]
        withdrawers = [lambda n=n: withdraw(programs[n], people[n]) for n in range(PEOPLE)]
        together(watchers + withdrawers)
    assert len(answered) == PEOPLE
    assert any(one.verdict == "deliver" for one in decided)
    late = [one for one in decided if one.began > answered[one.person]]
    assert len(late) >= PEOPLE
    assert {one.verdict for one in late} == {"refuse"}


def test_a_killed_server_does_every_write_once_however_often_it_is_sent(tmp_path: Path) -> None:
    """Clients send all their acts anew to each server, which is killed while it answers them."""
    with new_shop(tmp_path) as shop:
        slots = add_people(shop, 8)
        people = [shop.journal.pseudonym(slot) for slot in slots]
        folder = shop.journal.folder
    keys, first, acts, lost = keys_of(folder, 8), dict[str, Any](), 30, 0

    def send(server: Server, key: dict[str, str], person: str, left: Semaphore) -> None:
        nonlocal lost
        with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=LIMIT_S)) as to:
            for number in range(acts):
                said = {"act": "prefer", "method": "phone", "caps": {"email": [None, number]}}
                name = f"{person}-{number}"
                if not left.acquire(blocking=False):
                    server.process.send_signal(signal.SIGKILL)
                try:
                    status, told = ask(to, key, "POST", f"/v1/people/{person}/acts", said, name)
                except (OSError, HTTPException):
                    lost += 1
                    return
                assert (status, first.setdefault(name, told)) == (200, told)

    for asked in (50, 110, 170, acts * len(people)):  # the last server lives on
        with serving(folder) as server:
            left = Semaphore(asked)
            together([
                partial(send, server, key, person, left)
                for key, person in zip(keys, people, strict=True)
            ])  # fmt: skip
    assert lost >= 3
    assert len(first) == acts * len(people)
    with Reciprocity.open(folder, Clock()) as shop:
        for slot in slots:
            told = [each.body for each in shop.journal.history(slot)[1:]]
            assert [list(each.caps.values()) for each in told] == [
                [(None, number)] for number in range(acts)
            ]
