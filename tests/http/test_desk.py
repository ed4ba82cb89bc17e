"""A withdrawal must not fail because something else did."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reciprocity.deliver.link import Link
from reciprocity.errors import InputError, Unavailable
from reciprocity.http.desk import Desk
from reciprocity.journal.store import rotate_link_key
from reciprocity.platform import Reciprocity
from reciprocity.storage import connect
from tests.shop import Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.journal.leaf import Told

OFFERS = Link(0, 1, "offers", "email")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A brand with one person who said yes, closed."""
    with new_shop(tmp_path) as shop:
        add_people(shop, 1)
        return shop.journal.folder


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    with closing(Desk(folder, Clock())) as desk:
        yield desk


def history(folder: Path) -> list[Told]:
    with Reciprocity.open(folder, Clock()) as shop:
        return shop.journal.history(0)


def waiting(folder: Path) -> int:
    with closing(connect(folder / "journal.db", durable=True)) as db:
        return int(db.execute("SELECT COUNT(*) FROM pending_act").fetchone()[0])


def test_with_keys_it_goes_straight_into_the_journal(desk: Desk, folder: Path) -> None:
    desk.stop(OFFERS)
    assert waiting(folder) == 0
    assert history(folder)[-1].kind == "consent.withdrawn"


@pytest.mark.parametrize("missing", [
    "master key", "another master key", pytest.param("keys.db", marks=pytest.mark.files),
    "safekeeping", "brand file",
])  # fmt: skip
def test_whatever_is_missing_a_withdrawal_is_taken(
    folder: Path, tmp_path: Path, missing: str
) -> None:
    """... and sealed once it is back."""
    with Reciprocity.open(folder, Clock()) as shop:
        lost = {
            "master key": shop.brand.master_key,
            "another master key": shop.brand.master_key,
            "keys.db": folder / "keys.db",
            "safekeeping": shop.brand.safekeeping,
            "brand file": folder / "brand.toml",
        }[missing]
    lost.rename(tmp_path / "away")
    if missing == "another master key":
        lost.write_text("A" * 43 + "=\n")
    with closing(Desk(folder, Clock())) as desk:
        with pytest.raises((Unavailable, InputError)):
            desk.check()
        desk.stop(OFFERS)
        assert waiting(folder) == 1
        assert desk.brand().purposes["offers"].title == "Offers"
        lost.unlink(missing_ok=True)
        (tmp_path / "away").rename(lost)
        desk.check()
        assert waiting(folder) == 0
    assert [told.kind for told in history(folder)] == ["consent.granted", "consent.withdrawn"]


@pytest.mark.parametrize("broken", [
    "UPDATE standing SET clear = ?", "UPDATE standing SET state = ?", "DELETE FROM progress",
])  # fmt: skip
def test_whatever_the_cache_says_a_withdrawal_is_taken(
    desk: Desk, folder: Path, broken: str
) -> None:
    """A text that is none, a row that is rubbish, no word of how far it has come."""
    with closing(connect(folder / "standing.db", durable=False)) as db:
        found = db.execute("SELECT clear FROM standing").fetchone()[0]
        text = found.replace(b"visits", b"vi\xffits")
        assert text != found
        db.execute(broken, (text,) if "?" in broken else ())
    desk.stop(OFFERS)
    assert waiting(folder) == 1
    with pytest.raises(Unavailable, match=r"delete standing\.db"):
        desk.shop().decide("p0@example.com")


def test_keys_that_vanish_while_serving_stop_nothing_but_readiness(
    desk: Desk, folder: Path
) -> None:
    desk.check()
    key = next((folder / "keys").iterdir()) if (folder / "keys").is_dir() else None
    assert key is not None
    away = key.rename(folder / "away")
    with pytest.raises(Unavailable, match="key"):
        desk.check()
    desk.stop(OFFERS)
    away.rename(key)
    desk.check()
    assert history(folder)[-1].kind == "consent.withdrawn"


@pytest.mark.files
def test_files_put_back_while_serving_are_the_ones_written_to(
    desk: Desk, folder: Path, tmp_path: Path
) -> None:
    """A restore puts others in their place; those still held open lead nowhere."""
    desk.check()
    for name in ("journal.db", "keys.db"):
        with closing(connect(folder / name, durable=True)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(folder / name, tmp_path / name)
        for each in (folder / name, folder / f"{name}-wal", folder / f"{name}-shm"):
            each.unlink(missing_ok=True)
        (tmp_path / name).rename(folder / name)
    desk.stop(OFFERS)
    assert history(folder)[-1].kind == "consent.withdrawn"


def test_a_link_made_with_a_newer_key_is_read_at_once(desk: Desk, folder: Path) -> None:
    with Reciprocity.open(folder, Clock()) as shop:
        old = shop.links.make(OFFERS)
        assert desk.link(old) == OFFERS
        with closing(shop.journal.connection()) as db:
            rotate_link_key(db, 1)
    with Reciprocity.open(folder, Clock()) as shop:
        new = shop.links.make(OFFERS)
    assert new != old
    assert [desk.link(token) for token in (new, old)] == [OFFERS, OFFERS]


def test_a_brand_file_applied_meanwhile_is_the_one_shown(desk: Desk, folder: Path) -> None:
    path = folder / "brand.toml"
    path.write_text(path.read_text().replace('title = "Offers"', 'title = "Bargains"'))
    with Reciprocity.open(folder, Clock()) as shop:
        shop.apply("operator:tests")
    assert desk.brand().purposes["offers"].title == "Bargains"


def test_a_folder_without_a_journal_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="reciprocity apply"):
        Desk(tmp_path)
