"""Epochs: one root over everyone, so that nobody's history can be told in two ways."""

from __future__ import annotations

import hmac
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import Damaged
from reciprocity.events import Epoch
from reciprocity.leave.erase import erase
from reciprocity.prove.epoch_tree import EpochTree, epoch_leaf
from reciprocity.prove.epochs import newest_epoch, place_in_epoch, publish_epoch
from reciprocity.tlog.merkle import check_inclusion
from tests.place import unguarded
from tests.shop import Clock, add_people, new_shop, withdraw
from tests.tlog.naive import naive_root

if TYPE_CHECKING:
    from pathlib import Path

    from reciprocity.journal.journal import Journal


def chain(journal: Journal, slot: int) -> tuple[int, bytes]:
    """The person's count and head, from their events alone."""
    kept = journal.kept(slot)
    assert kept is not None
    return kept.standing.version, kept.standing.head


def naive_epoch(journal: Journal) -> bytes:
    """The root made from every slot's standing, without the tree that is kept."""
    key, leaves = journal.keys.epoch_key(), []
    for slot in range(journal.state().next_slot):
        version, head = chain(journal, slot) if journal.kept(slot) else (0, bytes(32))
        message = slot.to_bytes(8, "big") + version.to_bytes(8, "big")
        leaves.append(epoch_leaf(slot, version, head, hmac.digest(key, message, "sha256")))
    return naive_root(leaves)


def test_an_epoch_commits_to_everyone_as_they_are(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 300)
        shop.send("spring", "operator:tests")
        first = publish_epoch(shop.journal)
        assert (first.number, first.slots, first.new) == (1, 300, True)
        assert first.root == naive_epoch(shop.journal).hex()
        assert first.sum_n == sum(leaf[0] == 1 for leaf in shop.journal.leaves(first.size))


def test_what_is_kept_between_epochs_gives_the_root_made_anew(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 40)
        for round_ in range(1, 6):
            for slot in add_people(shop, 120)[::7]:
                withdraw(shop, slot)
            erase(shop.journal, round_ * 11, operator="operator:tests", now=True)
            made = publish_epoch(shop.journal)
            assert made.number == round_
            assert made.root == naive_epoch(shop.journal).hex()
            assert made.sum_n == sum(leaf[0] == 1 for leaf in shop.journal.leaves(made.size))


def test_everyone_finds_themselves_in_it(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        slots = add_people(shop, 30)
        erase(shop.journal, slots[4], operator="operator:tests", now=True)
        publish_epoch(shop.journal)
        for slot in slots:
            placed = place_in_epoch(shop.journal, slot)
            version, head = chain(shop.journal, slot)
            assert placed.version == version
            stated = placed.epoch.body
            assert isinstance(stated, Epoch)
            leaf = epoch_leaf(slot, version, head, placed.blind)
            check_inclusion(placed.path, slot, leaf, stated.slots, bytes.fromhex(stated.root))


def test_nothing_is_stated_twice(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 3)
        first, size = publish_epoch(shop.journal), shop.journal.state().size
        again = publish_epoch(shop.journal)
        assert (again.new, again.number, again.position) == (False, 1, first.position)
        assert shop.journal.state().size == size


@pytest.mark.parametrize("harm", ["gone", "rubbish", "of an older day"])
def test_a_tree_that_is_lost_or_old_is_made_anew(tmp_path: Path, harm: str) -> None:
    with new_shop(tmp_path) as shop:
        file = shop.journal.folder / "epochs.db"
        add_people(shop, 5)
        publish_epoch(shop.journal)
        old = file.read_bytes()
        add_people(shop, 5)
        publish_epoch(shop.journal)
        for each in shop.journal.folder.glob("epochs.db*"):
            each.unlink()
        if harm != "gone":
            file.write_bytes(b"rubbish" * 2000 if harm == "rubbish" else old)
        add_people(shop, 1)
        made = publish_epoch(shop.journal)
        assert (made.number, made.slots) == (3, 11)
        assert made.root == naive_epoch(shop.journal).hex()


def test_a_stop_before_the_tree_is_kept_leaves_the_next_epoch_right(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 5)
        publish_epoch(shop.journal)
        add_people(shop, 2)
        with EpochTree(shop.journal.folder / "epochs.db") as tree:
            before = tree.reached()
        publish_epoch(shop.journal)
        with EpochTree(shop.journal.folder / "epochs.db") as tree, tree.changing():
            tree.reach(before)  # as a process that died after the append leaves it
        withdraw(shop, 1)
        made = publish_epoch(shop.journal)
        assert made.number == 3
        assert made.root == naive_epoch(shop.journal).hex()


def test_standings_that_are_not_those_of_the_log_make_no_epoch(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 3)
        with unguarded(shop.journal.folder, "standing.db") as db:
            db.execute("DELETE FROM standing WHERE slot = 1")
        with pytest.raises(Damaged, match="rebuild"):
            publish_epoch(shop.journal)
        assert newest_epoch(shop.journal) is None
        shop.journal.rebuild()
        assert publish_epoch(shop.journal).sum_n > 0


def test_a_tick_publishes_one_an_hour_and_only_when_something_was_written(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, 2)
        epochs = [shop.tick("operator:tests").epoch]
        for minutes in (30, 31, 61, 61):
            clock.at += minutes * 60_000
            if minutes == 30:
                withdraw(shop, 1)
            epochs.append(shop.tick("operator:tests").epoch)
        assert epochs == [1, 0, 2, 0, 0]


def test_two_processes_at_once_state_no_number_twice(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 50)
        others = [
            subprocess.Popen([sys.executable, "-c", EPOCHS, str(shop.brand.folder)])
            for _ in range(2)
        ]
        assert [other.wait(60) for other in others] == [0, 0]
        made = [told.body for told in shop.journal.brand_events("epoch.published")]
        assert [body.number for body in made] == list(range(1, len(made) + 1))
        assert len(made) > 5


EPOCHS = """
import sys
from pathlib import Path
from reciprocity.platform import Reciprocity
from reciprocity.prove.epochs import publish_epoch
from tests.shop import Clock, withdraw, add_people
with Reciprocity.open(Path(sys.argv[1]), Clock()) as shop:
    for slot in range(5):
        withdraw(shop, slot)
        publish_epoch(shop.journal)
"""
