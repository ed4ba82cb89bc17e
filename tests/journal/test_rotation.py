"""The log's key changes: signed by both, seen by all processes, whole after a stop anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError, ProofError, Unavailable
from reciprocity.events import LogKeyChanged
from reciprocity.journal.backup import back_up, newest
from reciprocity.journal.entry import Entry
from reciprocity.journal.restore import restore
from reciprocity.journal.rotation import rotate_log_key
from reciprocity.platform import Reciprocity
from reciprocity.prove.audit import audit
from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.export import export_log
from reciprocity.prove.own_keys import keys_of
from reciprocity.prove.person import person_proof
from reciprocity.prove.receipt import receipt_for
from reciprocity.prove.verify import verify_log, verify_person, verify_receipt
from reciprocity.tlog.note import VerifierKey
from tests.place import lose_all, put_back, save
from tests.shop import Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path


def key_of(shop: Reciprocity) -> str:
    """The log's verifier key now."""
    return shop.journal.signer().verifier_key.encode()


def test_what_was_signed_before_still_holds_and_what_comes_after_needs_the_new_key(
    tmp_path: Path,
) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 3)
        old, before = key_of(shop), shop.receipt(3).encode()
        changed = rotate_log_key(shop.journal)
        new = key_of(shop)
        assert new != old
        both = receipt_for(changed).encode()
        for key in (old, new):
            verify_receipt(both, [key])
        withdraw(shop, 1)
        after = shop.receipt(3).encode()
        verify_receipt(before, [old])
        verify_receipt(after, [new])
        with pytest.raises(ProofError):
            verify_receipt(after, [old])
        assert keys_of(shop.brand.folder / "journal.db") == [new, old]
        audit(shop.journal)


def test_who_trusts_the_old_key_follows_to_the_new_one(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 3)
        old = key_of(shop)
        export_log(shop.journal, tmp_path / "log")
        for _ in range(3):
            rotate_log_key(shop.journal)
            withdraw(shop, 1)
        export_log(shop.journal, tmp_path / "log")
        verify_log(tmp_path / "log", [old])
        stranger = new_shop(tmp_path / "other")
        with stranger, pytest.raises(ProofError, match="no key that was given leads to it"):
            verify_log(tmp_path / "log", [key_of(stranger).replace("other", "shop")])


def test_a_log_changes_its_key_before_and_after_a_restore_and_is_one(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, 3)
        rotate_log_key(shop.journal)
        before, brand = key_of(shop), shop.brand
        back_up(shop.journal, tmp_path / "b1", tmp_path / "b2")
        withdraw(shop, 1)
    lose_all(brand.folder)
    journal_from, keys_from = newest(tmp_path / "b1", tmp_path / "b2")
    restore(
        brand.folder,
        journal_from=journal_from,
        keys_from=keys_from,
        master_key=brand.master_key,
        safekeeping=brand.safekeeping,
        clock=clock,
        operator="operator:tests",
    )
    with Reciprocity.open(tmp_path / "shop", clock) as shop:
        first = key_of(shop)
        assert first != before
        publish_epoch(shop.journal)
        rotate_log_key(shop.journal)
        publish_epoch(shop.journal)
        export_log(shop.journal, tmp_path / "log")
        for key in (first, key_of(shop)):
            verify_log(tmp_path / "log", [key])
        with pytest.raises(ProofError, match="no key that was given leads to it"):
            verify_log(tmp_path / "log", [before])


def test_another_process_signs_with_the_new_key_too(tmp_path: Path) -> None:
    with (
        new_shop(tmp_path) as shop,
        Reciprocity.open(shop.brand.folder, shop.journal.clock) as other,
    ):
        add_people(shop, 2)
        withdraw(other, 0)
        rotate_log_key(shop.journal)
        withdraw(other, 1)
        verify_receipt(other.receipt(3).encode(), [key_of(shop)])
        assert key_of(other) == key_of(shop)


@pytest.mark.parametrize("landed", [False, True])
def test_a_stop_half_way_leaves_one_key_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, landed: bool
) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 2)
        old, keys = key_of(shop), shop.journal.keys
        if landed:
            monkeypatch.setattr(keys, "promote_signer", _stop)
        else:
            monkeypatch.setattr(shop.journal.appender, "_turn", _stop)
            monkeypatch.setattr(shop.journal.appender._waiting, "_turn", _stop)
        with pytest.raises(KeyboardInterrupt):
            rotate_log_key(shop.journal)
    monkeypatch.undo()
    with Reciprocity.open(tmp_path / "shop") as shop:
        assert (key_of(shop) != old) is landed
        now = key_of(shop)
        rotate_log_key(shop.journal)
        assert key_of(shop) != now
        withdraw(shop, 1)
        verify_receipt(shop.receipt(3).encode(), [key_of(shop)])


def _stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_keys_older_than_the_change_are_refused(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 1)
        save(tmp_path / "shop", "keys.db", tmp_path / "old")
        rotate_log_key(shop.journal)
    put_back(tmp_path / "shop", "keys.db", tmp_path / "old")
    with pytest.raises(Unavailable, match="older than the last change"):
        Reciprocity.open(tmp_path / "shop")


def test_nobody_else_changes_the_key(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        old = key_of(shop)
        body = LogKeyChanged(
            origin="x", old_key=old, new_key=old, old_signature="", new_signature=""
        )
        with pytest.raises(InputError, match="rotate-key` only"):
            shop.journal.append([Entry(kind="log.key_changed", body=body)])
        with pytest.raises(InputError, match="rotate-key` only"):
            shop.journal.append([Entry(kind="log.key_changed", body=body, in_force="log.key")])
        assert key_of(shop) == old


@pytest.mark.parametrize("rotated", ["before the backup", "after the backup"])
def test_a_restore_goes_on_with_the_key_that_was_backed_up(tmp_path: Path, rotated: str) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, 3)
        if rotated == "before the backup":
            rotate_log_key(shop.journal)
        key, brand = key_of(shop), shop.brand
        back_up(shop.journal, tmp_path / "b1", tmp_path / "b2")
        if rotated == "after the backup":
            rotate_log_key(shop.journal)
            withdraw(shop, 1)
    lose_all(brand.folder)
    journal_from, keys_from = newest(tmp_path / "b1", tmp_path / "b2")
    done = restore(
        brand.folder,
        journal_from=journal_from,
        keys_from=keys_from,
        master_key=brand.master_key,
        safekeeping=brand.safekeeping,
        clock=clock,
        operator="operator:tests",
    )
    with Reciprocity.open(tmp_path / "shop", clock) as shop:
        lost = rotated == "after the backup"
        assert (done.lost > 0, shop.journal.signer().name == done.origin) == (lost, True)
        public = VerifierKey.parse(key).public_key
        assert shop.journal.signer().verifier_key.public_key == public
        assert publish_epoch(shop.journal).number == 1
        rotate_log_key(shop.journal)
        add_people(shop, 1)
        verify_person(person_proof(shop.journal, 3).encode(), [key_of(shop)])
