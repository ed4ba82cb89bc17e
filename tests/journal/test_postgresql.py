"""A brand in PostgreSQL: several servers write one log; the database goes away and comes back."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reciprocity.errors import Conflict, InputError, ReciprocityError, Unavailable
from reciprocity.http.desk import Desk
from reciprocity.journal.lease import lease
from reciprocity.journal.restore import check_tree
from reciprocity.leave.erase import erase
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity
from reciprocity.storage import Place, connect
from reciprocity.storage.place import settle
from reciprocity.storage.postgresql import leased
from reciprocity.tlog.merkle import hash_leaf
from reciprocity.tlog.note import open_proof
from tests.deliver.test_kill import recipients
from tests.journal.small import (
    Clock,
    create,
    everything,
    no_more,
    noted,
    register,
    registration,
    reopen,
    state_of,
    yes,
)
from tests.place import server as shared_server
from tests.postgresql import Server
from tests.shop import Clock as ShopClock
from tests.shop import add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reciprocity.journal.journal import Journal

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of these tests' own, to be stopped and killed."""
    with Server() as started:
        yield started


@pytest.fixture
def brand(server: Server, tmp_path: Path) -> Path:
    """A folder whose journal, in `live`, lies on that server, and the brand in `shop` as well."""
    if not server.running:  # another test failed half-way
        server.start()
    for name in ("live", "shop"):
        (tmp_path / name).mkdir()
        settle(tmp_path / name, Place(server.url, f"t{abs(hash(tmp_path))}_{name}"))
    return tmp_path


# --- several servers ------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from tests.journal.small import Clock, no_more, register, registration, reopen, yes
root, name = Path(sys.argv[1]), sys.argv[2]
with reopen(root, Clock()) as journal:
    for number in range(25):
        made = journal.append([registration(journal, f"{name}-{number}"), yes()], prove=True)
        print(made[0].slot, made[1].version, made[1].position, made[1].proof.hex(), flush=True)
        journal.append([no_more(made[0].slot)])
"""


def test_several_processes_append_and_sign_one_log(tmp_path: Path) -> None:
    create(tmp_path, Clock()).close()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), f"p{number}"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for number in range(4)
    ]  # fmt: skip
    said = [one.communicate(timeout=120)[0].splitlines() for one in started]
    assert [one.returncode for one in started] == [0] * 4
    answers = [line.split() for lines in said for line in lines]
    assert len({slot for slot, *_ in answers}) == len(answers) == 100
    with reopen(tmp_path, Clock()) as journal:
        check_tree(journal)
        assert journal.state().size == 4 + 300
        for _, _, position, proof in answers:  # what each signed is a beginning of the one log
            leaf = hash_leaf(journal.reader.row(int(position)).leaf)
            open_proof(bytes.fromhex(proof), leaf, journal.verifier())
        assert {state_of(journal, int(slot)) for slot, *_ in answers} == {ConsentState.WITHDRAWN}
        live = everything(journal)
        journal.rebuild()
        assert everything(journal) == live


def test_of_two_servers_that_decided_from_one_version_one_is_told(tmp_path: Path) -> None:
    with create(tmp_path, Clock()) as one, reopen(tmp_path, Clock()) as other:
        ann = register(one, "ann")
        version = other.version(ann)
        one.append([no_more(ann)])
        with pytest.raises(Conflict):
            other.append([yes(ann, expect=version)])
        assert state_of(other, ann) is ConsentState.WITHDRAWN
        erase(other, ann, operator="operator:ada", now=True)
        with pytest.raises(Conflict):
            one.append([yes(ann)])
        assert one.kept(ann).standing.erased  # type: ignore[union-attr]


def test_a_lease_is_one_for_all_servers_and_ends_with_its_holder(tmp_path: Path) -> None:
    create(tmp_path, Clock()).close()
    path = tmp_path / "live" / "job.lock"
    with lease(path) as held, lease(path) as second, lease(path.with_name("x")) as other:
        assert (held, second, other) == (True, False, True)
    with lease(path, shared=True) as one, lease(path, shared=True) as two, lease(path) as alone:
        assert (one, two, alone) == (True, True, False)
    with lease(path) as again:
        assert again
    assert not path.exists()  # nothing of it lies on this machine


def test_a_lease_is_free_as_soon_as_it_is_given_back(server: Server) -> None:
    place = Place(server.url, "leased")
    for _ in range(20):  # the next one is connected already, and does not wait for anything
        with leased(place, "job", shared=False) as following:
            with leased(place, "job", shared=False) as take:
                assert (take(), following()) == (True, False)
            assert following()


def test_a_lease_ends_quietly_when_its_server_is_gone(server: Server) -> None:
    with leased(Place(server.url, "leased"), "job", shared=False) as take:
        assert take()
        server.stop()
    server.start()
    with leased(Place(server.url, "leased"), "job", shared=False) as take:
        assert take()


def test_who_may_not_write_the_schemas_is_told_so(tmp_path: Path) -> None:
    with create(tmp_path, Clock()) as journal:
        register(journal, "ann")
    url = shared_server().url
    with suppress(Exception):
        shared_server().ask("CREATE ROLE stranger LOGIN")
    schemas = (tmp_path / "live" / "database.toml").read_text().rpartition('schemas = "')[2][:-2]
    settle(tmp_path / "live", Place(url.replace("brand@", "stranger@"), schemas))
    with pytest.raises(ReciprocityError, match="own the brand's schemas"):
        reopen(tmp_path, Clock())


# --- behind a pooler ------------------------------------------------------------------------------


def test_a_connection_that_somebody_else_uses_is_refused(server: Server, brand: Path) -> None:
    """As a pooler in transaction mode hands them out: with what the last one set."""
    create(brand, Clock()).close()
    server.ask("ALTER ROLE brand SET reciprocity.schema = 'somebody__journal'")
    try:
        with pytest.raises(Unavailable, match="transaction mode"):
            reopen(brand, Clock())
    finally:
        server.ask("ALTER ROLE brand RESET reciprocity.schema")
    reopen(brand, Clock()).close()


def test_nothing_is_written_on_a_connection_that_changed_hands(brand: Path) -> None:
    with create(brand, Clock()) as journal:
        slot = register(journal, "ann")
        size = journal.state().size
        db = journal.appender._db
        mine = db.execute("SELECT current_setting('reciprocity.schema')").fetchone()[0]
        assert mine.endswith("__journal")
        db.execute("SET reciprocity.schema = 'somebody__journal'")
        with pytest.raises(Unavailable, match="transaction mode"):
            journal.append([yes(slot)])
        assert not db.in_transaction
        db.execute(f"SET reciprocity.schema = '{mine}'")
        assert journal.state().size == size
        journal.append([yes(slot)])


# --- gone and back --------------------------------------------------------------------------------


def interrupted(journal: Journal, number: int, stop: Callable[[], None]) -> list[int]:
    """Let *stop* come before the *number*-th statement from now on; whether it came."""
    seen = [0]

    def around(run: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            seen[0] += 1
            if seen[0] == number:
                stop()
            return run(*args, **kwargs)

        return counted

    for db in (journal.appender._db, journal.keys._db, journal.appender._cache.db):
        db._run, db.commit = around(db._run), around(db.commit)  # type: ignore[union-attr]
    return seen


@pytest.mark.parametrize("how", ["stop", pytest.param("kill", marks=pytest.mark.long)])
def test_gone_before_any_statement_of_a_turn_it_is_whole_or_not_there(
    brand: Path, server: Server, how: str
) -> None:
    create(brand, Clock()).close()
    number, through = 0, False
    while not through:
        number += 1
        with reopen(brand, Clock()) as journal:
            digest = journal.digest("email", f"p{number}@people.example")
            size = journal.state().size
            entries = [registration(journal, f"p{number}", act_id=f"a{number}"), yes()]
            seen = interrupted(journal, number, getattr(server, how))
            with suppress(Unavailable):
                journal.append(entries)
                through = seen[0] < number
            seen[0] = number  # from here on nothing stops it
            if not through:
                server.start()
            found = journal.find(digest)  # the same connections, without opening anew
            assert journal.state().size == size + 2 * (found is not None)
            again = journal.append(entries)
            assert again[0].again == (found is not None)
            assert len(journal.history(again[0].slot)) == 2
            check_tree(journal)
    assert number > 8
    with reopen(brand, Clock()) as journal:
        live = everything(journal)
        journal.rebuild()
        assert everything(journal) == live


def test_what_was_answered_is_there_however_often_the_server_dies(
    brand: Path, server: Server
) -> None:
    create(brand, Clock()).close()
    answered: list[tuple[int, int]] = []
    ended = threading.Event()

    def work(name: str) -> None:
        number = 0
        with reopen(brand, Clock()) as journal:
            while not ended.is_set():
                number += 1
                with suppress(Unavailable):
                    made = journal.append([registration(journal, f"{name}-{number}"), yes()])
                    answered.append((made[0].slot, made[1].version))

    workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(3)]
    for worker in workers:
        worker.start()
    for _ in range(4):
        before = len(answered)
        while len(answered) < before + 10:
            ended.wait(0.01)
        server.kill()
        ended.wait(0.1)
        server.start()
    ended.set()
    for worker in workers:
        worker.join(60)
    with reopen(brand, Clock()) as journal:
        check_tree(journal)
        for slot, version in answered:
            assert len(journal.history(slot)) == version == 2
        live = everything(journal)
        journal.rebuild()
        assert everything(journal) == live


def test_gone_in_the_middle_of_a_campaign_nobody_gets_two(brand: Path, server: Server) -> None:
    clock = ShopClock()
    with new_shop(brand, clock=clock) as shop:
        slots = add_people(shop, 12)
        withdraw(shop, slots[0])
        run = shop.journal.version
        asked = []

        def version(slot: int) -> int:
            asked.append(slot)
            if len(asked) == 5:
                server.kill()
            return run(slot)

        shop.journal.version = version  # type: ignore[method-assign] # the question at the door
        with pytest.raises(ReciprocityError):
            shop.send("spring", "operator:tests")
        server.start()
        got = recipients(shop)
        assert len(got) == len(set(got)) < 11
        clock.at += 60_000
        report = shop.send("spring", "operator:tests")
        assert report.unknown == 11  # the attempts are on record, what became of them is not
        assert recipients(shop) == got
        assert shop.audit().breaches == ()


def test_gone_while_everybody_is_read_it_is_an_error_and_not_an_end(
    brand: Path, server: Server
) -> None:
    with create(brand, Clock()) as journal:
        requests = [[registration(journal, f"p{number}"), yes()] for number in range(3_000)]
        journal.append_many(requests)
        people = journal.everyone()
        next(people)
        server.stop()
        with pytest.raises(Unavailable, match="start PostgreSQL"):
            list(people)
        with pytest.raises(Unavailable):
            journal.kept(0)
        server.start()
        assert journal.kept(0) is not None
        assert len(list(journal.everyone())) == 3_000


def test_while_it_is_gone_a_withdrawal_is_not_taken_and_says_so(
    brand: Path, server: Server
) -> None:
    with new_shop(brand) as shop:
        add_people(shop, 1)
    desk = Desk(brand / "shop", ShopClock())
    server.stop()
    with pytest.raises(Unavailable, match="PostgreSQL"):
        desk.shop().journal.kept(0)
    with pytest.raises(Unavailable, match="PostgreSQL"):
        Reciprocity.open(brand / "shop")
    server.start()
    assert desk.shop().journal.kept(0) is not None
    desk.check()
    desk.close()


def test_a_server_whose_brand_moved_away_refuses_everything(brand: Path, server: Server) -> None:
    with new_shop(brand) as shop:
        add_people(shop, 1)
    desk = Desk(brand / "shop", ShopClock())
    settle(brand / "shop", Place(server.url, "another"))
    with pytest.raises(Unavailable, match="start this server anew"):
        desk.shop()
    desk.close()


def test_a_wrong_schema_is_no_brand(brand: Path, server: Server) -> None:
    create(brand, Clock()).close()
    settle(brand / "live", Place(server.url, "nobody"))
    with pytest.raises(InputError, match="reciprocity apply"):
        reopen(brand, Clock())
    with closing(connect(brand / "live" / "journal.db", durable=True)) as db:
        assert db.tables() == {}


def test_noted_entries_survive(brand: Path) -> None:
    with create(brand, Clock()) as journal:
        journal.append_many([[noted(str(number))] for number in range(700)])
        check_tree(journal)
        assert [file.name for file in (brand / "live").iterdir()] == ["database.toml"]
