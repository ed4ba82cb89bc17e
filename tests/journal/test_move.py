"""A brand moves into PostgreSQL: the same log, nothing lost, nobody goes on with the old one."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from reciprocity.errors import InputError, ReciprocityError, Unavailable
from reciprocity.events import Act, ConsentRow
from reciprocity.http.api.keys import ApiKeys, Scope
from reciprocity.http.desk import Desk
from reciprocity.http.visits import Visits
from reciprocity.journal import load as loading
from reciprocity.journal import pending
from reciprocity.journal.backup import back_up, newest
from reciprocity.journal.move import STEPS, Moved, move
from reciprocity.journal.restore import check_tree, restore
from reciprocity.leave.erase import erase
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity
from reciprocity.storage import FILE, SHARED, Place, connect, place_of
from reciprocity.storage.place import arriving
from tests.journal.small import everything
from tests.place import server
from tests.shop import DAY, Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.files
_numbers = count(1)


@pytest.fixture
def place() -> Place:
    return Place(server().url, f"moved{next(_numbers)}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A brand in files that has lived: people, a campaign, a withdrawal, somebody erased."""
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        slots = add_people(shop, 30)
        shop.send("spring", "operator:tests")
        clock.at += DAY
        withdraw(shop, slots[1])
        erase(shop.journal, slots[2], operator="operator:ada", now=True)
        with closing(ApiKeys(tmp_path / "shop", clock)) as keys:
            keys.add("crm", [Scope.DECISIONS], 30)
        with closing(Visits(tmp_path / "shop", clock)) as visits:
            visits.begin(slots[3])
    return tmp_path / "shop"


def moved(folder: Path, place: Place, **more: Any) -> Moved:
    return move(
        folder,
        place,
        master_key=folder.parent / "master.key",
        safekeeping=folder.parent / "safe",
        clock=Clock(),
        **more,
    )


def killed_at(last: str, folder: Path, place: Place) -> None:
    """Let another process move it, which is killed right before the step *last*."""
    pid = os.fork()
    if not pid:

        def step(name: str) -> None:
            if name == last:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            moved(folder, place, step=step)
        finally:
            os._exit(1)  # never on into the tests that are left
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)


@pytest.fixture(autouse=True)
def _master_key(folder: Path) -> None:
    """The same key under the name that these tests know."""
    with Reciprocity.open(folder, Clock()) as shop:
        (folder.parent / "master.key").symlink_to(shop.brand.master_key)


def seen(folder: Path) -> tuple[object, ...]:
    """All that a brand knows, to be compared."""
    with Reciprocity.open(folder, Clock()) as shop:
        check_tree(shop.journal)
        assert shop.audit().breaches == ()
        with closing(ApiKeys(folder, Clock())) as keys:
            names = [key.name for key in keys.all()]
        digests = [shop.journal.digest("email", f"p{number}@example.com") for number in range(30)]
        with closing(shop.journal.connection()) as db:
            link_keys = db.execute("SELECT id, key FROM link_key ORDER BY id").fetchall()
        return (
            shop.journal.state(), everything(shop.journal), shop.journal.erased(),
            [shop.journal.profile(slot) for slot in range(30)], names, link_keys,
            {digest: shop.journal.find(digest) for digest in digests},
            [shop.journal.history(slot) for slot in range(30)],
        )  # fmt: skip


def test_all_of_it_is_there_and_it_goes_on(folder: Path, place: Place) -> None:
    before, told = seen(folder), list[tuple[int, int]]()
    done = move(
        folder, place, master_key=folder.parent / "master.key", safekeeping=folder.parent / "safe",
        clock=Clock(), progress=lambda *step: told.append(step),
    )  # fmt: skip
    assert place_of(folder) == place
    assert [file.name for file in folder.glob("*.db*")] == []
    assert told[-1][0] == told[-1][1] == sum(done.rows.values())
    assert done.rows.keys() == {"journal", "keys", "standing", "api_keys", "visits"}
    assert seen(folder) == before
    clock = Clock(Clock().at + 2 * DAY)
    with Reciprocity.open(folder, clock) as shop:
        assert (done.size, done.root) == (
            shop.journal.state().size, shop.journal.root(done.size).hex(),
        )  # fmt: skip
        (new,) = add_people(shop, 1)
        assert shop.send("spring", "operator:tests").delivered == 1
        erase(shop.journal, new, operator="operator:ada", now=True)
        live = everything(shop.journal)
        shop.journal.rebuild()
        assert everything(shop.journal) == live
        assert shop.audit().breaches == ()


def test_whoever_has_the_old_one_open_can_do_nothing_more(folder: Path, place: Place) -> None:
    clock = Clock(Clock().at + 2 * DAY)
    with Reciprocity.open(folder, clock) as old, closing(Desk(folder, clock)) as desk:
        moved(folder, place)
        for attempt in (
            lambda: add_people(old, 1),
            lambda: withdraw(old, 5),
            lambda: old.journal.kept(5),
            lambda: list(old.journal.everyone()),
            lambda: old.send("spring", "operator:tests"),
            old.audit,
            desk.shop,
            desk.check,
        ):
            with pytest.raises(ReciprocityError, match=r"moved|start this"):
                attempt()
        assert old.journal.version(5) == -1  # the door


def test_without_the_place_named_the_old_one_opens_no_more(folder: Path, place: Place) -> None:
    """As it is left by who dies after the fence: nothing is lost, the same command finishes."""
    before = seen(folder)
    killed_at("settle", folder, place)
    assert place_of(folder) is None
    with pytest.raises(Unavailable, match="run the same `reciprocity migrate` again"):
        Reciprocity.open(folder, Clock())
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
    act = Act(actor="person", method="link", consent=(row,))
    with (
        closing(connect(folder / "journal.db", durable=True)) as db,
        pytest.raises(Unavailable, match="moved"),
    ):
        pending.leave(db, 5, "consent.withdrawn", act, Clock().at)
    with pytest.raises(InputError, match="name that place again"):
        moved(folder, Place(place.url, "elsewhere"))
    moved(folder, place)
    assert seen(folder) == before


@pytest.mark.parametrize("last", STEPS)
def test_killed_at_any_step_the_same_command_finishes(
    folder: Path, place: Place, last: str
) -> None:
    before = seen(folder)
    killed_at(last, folder, place)
    if last in ("load", "verify", "fence"):  # nothing has changed
        assert place_of(folder) is None
        assert seen(folder) == before
    moved(folder, place)
    assert not list(folder.glob("*.db*"))
    assert seen(folder) == before
    with pytest.raises(InputError, match="already"):
        moved(folder, place)


def test_stopped_while_rows_are_loaded_nothing_has_changed(folder: Path, place: Place) -> None:
    before = seen(folder)

    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moved(folder, place, progress=stop)
    assert seen(folder) == before
    moved(folder, place)
    assert seen(folder) == before


def test_where_there_is_no_brand_nothing_is_made(folder: Path, place: Place) -> None:
    (folder.parent / "empty").mkdir()
    with pytest.raises(InputError, match="nothing is to be moved"):
        move(
            folder.parent / "empty", place, master_key=folder.parent / "master.key",
            safekeeping=folder.parent / "safe", clock=Clock(),
        )  # fmt: skip
    assert not list((folder.parent / "empty").iterdir())


def test_a_place_that_is_taken_or_away_is_refused_and_nothing_changes(
    folder: Path, place: Place, tmp_path: Path
) -> None:
    before = seen(folder)
    with pytest.raises(Unavailable, match="PostgreSQL"):
        moved(folder, Place("postgresql://brand@127.0.0.1:1/none", "shop"))
    other = tmp_path / "other"
    with new_shop(other) as shop:
        add_people(shop, 1)
        key = shop.brand.master_key
    move(other / "shop", place, master_key=key, safekeeping=other / "safe", clock=Clock())
    with pytest.raises(InputError, match="are there already"):
        moved(folder, place)
    assert seen(folder) == before
    with pytest.raises(InputError, match="pg_dump"):
        move(other / "shop", place, master_key=key, safekeeping=other / "safe", clock=Clock())
    assert not (folder / FILE).exists()


def test_a_backup_of_it_is_restored_there_and_in_files(folder: Path, place: Place) -> None:
    moved(folder, place)
    clock = Clock(Clock().at + 2 * DAY)
    with Reciprocity.open(folder, clock) as shop:
        key, safe = shop.brand.master_key, shop.brand.safekeeping
        back_up(shop.journal, folder.parent / "b1", folder.parent / "b2")
        size = shop.journal.state().size
        live = everything(shop.journal)
    for where in ("schemas", "files"):
        for name in SHARED:
            server().ask(f"DROP SCHEMA IF EXISTS {place.schema(name)} CASCADE")
        if where == "files":
            (folder / FILE).unlink()
        journal_from, keys_from = newest(folder.parent / "b1", folder.parent / "b2")
        done = restore(
            folder, journal_from=journal_from, keys_from=keys_from, master_key=key,
            safekeeping=safe, clock=clock, operator="operator:tests",
        )  # fmt: skip
        assert (done.size, done.lost, done.signatures_needed) == (size, 0, 0)
        with Reciprocity.open(folder, clock) as shop:
            assert everything(shop.journal) == live
            assert shop.audit().breaches == ()
        assert (folder / "journal.db").exists() == (where == "files")


def test_two_brands_never_share_a_schema() -> None:
    first, second = Place("postgresql://h/d", "shop"), Place("postgresql://h/d", "shop_api")
    schemas = [one.schema(name) for one in (first, second, arriving(first)) for name in SHARED]
    assert len(set(schemas)) == len(schemas)


def test_what_is_not_ours_is_never_dropped(folder: Path, place: Place) -> None:
    theirs = place.schema("visits")
    server().ask(f"CREATE SCHEMA {theirs}; CREATE TABLE {theirs}.visit (x INT)")
    before = seen(folder)
    with pytest.raises(InputError, match="name others with --schemas"):
        moved(folder, place)
    assert server().ask(f"SELECT COUNT(*) FROM {theirs}.visit") == [(0,)]
    assert seen(folder) == before


def test_while_one_is_loaded_nobody_else_loads_there(folder: Path, place: Place) -> None:
    before = seen(folder)
    with loading.loading(place), pytest.raises(Unavailable, match="is loading"):
        moved(folder, place)
    assert seen(folder) == before


def test_files_that_lie_elsewhere_go_too_and_no_others(folder: Path, place: Place) -> None:
    elsewhere = folder.parent / "disk"
    elsewhere.mkdir()
    (folder / "keys.db").rename(elsewhere / "keys.db")
    (folder / "keys.db").symlink_to(elsewhere / "keys.db")
    (folder / "journal.db.before-upgrade").write_text("an operator's own copy")
    moved(folder, place)
    assert not list(elsewhere.iterdir())
    assert (folder / "journal.db.before-upgrade").exists()


def test_a_key_revoked_meanwhile_is_revoked_or_said_not_to_be(folder: Path, place: Place) -> None:
    """Whoever waits for a lock must not write to what is left behind."""
    told = list[str]()
    keys = ApiKeys(folder, Clock())

    def revoke() -> None:
        try:
            told.append(str(keys.revoke("crm")))
        except ReciprocityError as error:
            told.append(str(error))

    waiting = threading.Thread(target=revoke)

    moved(folder, place, step=lambda name: waiting.start() if name == "load" else None)
    waiting.join(30)
    keys.close()
    assert "moved" in told[0]
    with closing(ApiKeys(folder, Clock())) as now:
        assert [key.revoked for key in now.all()] == [False]
