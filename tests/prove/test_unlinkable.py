"""After an erasure nothing that is kept, published or backed up later leads from a leaf to them."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from reciprocity.events import ErasureDone
from reciprocity.journal.backup import back_up
from reciprocity.keys import derive
from reciprocity.leave.erase import erase
from reciprocity.prove.challenge import answer_challenge, begin_challenge, state_answered
from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.export import export_log
from tests.shop import add_people, new_shop, withdraw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity

pytestmark = pytest.mark.files


def lives(shop: Reciprocity, folder: Path) -> tuple[int, set[bytes]]:
    """A life with epochs, exports and a challenge in it; the slot, and all that led to it."""
    slots = add_people(shop, 20)
    slot = slots[7]
    publish_epoch(shop.journal)
    shop.send("spring", "operator:tests")
    publish_epoch(shop.journal)
    begin_challenge(shop.journal, sha256(b"v").hexdigest(), 20)
    withdraw(shop, slot)
    publish_epoch(shop.journal)
    export_log(shop.journal, folder / "log")
    keys = shop.journal.person_keys(slot)
    assert keys is not None
    head = shop.journal.reader.chain_start(slot)
    secrets = {keys.proof, keys.vault, keys.pseudonym, *derive(keys.proof), *derive(keys.vault)}
    secrets.add(head)
    for told in shop.journal.history(slot)[:-1]:
        secrets.add(told.salt)
        head = sha256(head + told.leaf_hash).digest()
        secrets.add(head)
    secrets.add(f"p{slot}@example.com".encode())
    return slot, secrets


def files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below *folder*, whole; what was delivered is the mail system's."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "maildir" not in path.parts:
            yield path, path.read_bytes()


def spellings(secret: bytes) -> tuple[bytes, ...]:
    """How the bytes may be written."""
    return (
        secret, secret.hex().encode(), secret.hex().upper().encode(),
        b64encode(secret).rstrip(b"="), urlsafe_b64encode(secret).rstrip(b"="),
    )  # fmt: skip


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[bytes], ErasureDone]:
    """Folder of a shop from which one has gone, with a later export and backup; their secrets."""
    folder = tmp_path_factory.mktemp("erased")
    with new_shop(folder) as shop:
        slot, secrets = lives(shop, folder)
        found = {path.name for path, data in files(folder) for one in secrets if one in data}
        assert found  # the search finds what there is to find
        erase(shop.journal, slot, operator="operator:tests", now=True)
        publish_epoch(shop.journal)
        answer = answer_challenge(shop.journal, 1, "v", shop.journal.state().checkpoint)
        state_answered(shop.journal, 1, answer)
        publish_epoch(shop.journal)
        export_log(shop.journal, folder / "log")
        back_up(shop.journal, folder / "backup", folder / "backup-keys")
        (told,) = shop.journal.brand_events("person.erased")
        assert isinstance(told.body, ErasureDone)
        return folder, secrets, told.body


def test_no_file_holds_anything_that_led_to_them(
    erased: tuple[Path, set[bytes], ErasureDone],
) -> None:
    folder, secrets, _ = erased
    for path, data in files(folder):
        for secret in secrets:
            for spelled in spellings(secret):
                assert spelled not in data, path


def test_not_even_with_the_brands_keys_is_a_leaf_found_by_trying(
    erased: tuple[Path, set[bytes], ErasureDone],
) -> None:
    """The head that stays is a hash over the one before it, which nobody has any more.

    Tried here: every 32 bytes of every epoch, tile and export, before every leaf there is.
    """
    folder, _, body = erased
    with new_shop(folder) as shop:
        leaves = list(shop.journal.leaves(shop.journal.state().size))
    hashes = [sha256(b"\0" + leaf).digest() for leaf in leaves]
    known = {bytes(32), bytes.fromhex(body.head), *hashes}
    for path, data in files(folder):
        if path.parent.name != "shop" or path.name.startswith("epochs"):
            known.update(data[at : at + 32] for at in range(0, len(data) - 31, 32))
    known.update(leaf[1:33] for leaf in leaves)
    head = bytes.fromhex(body.head)
    assert not any(sha256(one + leaf).digest() == head for one in known for leaf in hashes)
