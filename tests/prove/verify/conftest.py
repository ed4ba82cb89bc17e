"""One shop with a life behind it, and the proofs it hands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.export import export_log
from reciprocity.prove.person import person_proof
from reciprocity.tlog.note import Checkpoint, Note
from tests.shop import DAY, Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path


class Given(NamedTuple):
    """What somebody who checks has in hand."""

    key: str
    receipt: bytes
    person: bytes
    log: Path
    seen: bytes


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    """Proofs of a shop with 300 people, two sends, withdrawals and three epochs."""
    folder, clock = tmp_path_factory.mktemp("given"), Clock()
    with new_shop(folder, clock=clock) as shop:
        slots = add_people(shop, 300)
        publish_epoch(shop.journal)
        shop.send("spring", "operator:tests")
        clock.at += DAY
        for slot in slots[::9]:
            withdraw(shop, slot)
        publish_epoch(shop.journal)
        seen = shop.journal.state().checkpoint
        add_people(shop, 3)
        shop.send("spring", "operator:tests")
        person = person_proof(shop.journal, slots[9], since=[1, size_of(seen)])
        receipt = shop.receipt(shop.journal.history(slots[9])[0].position)
        export_log(shop.journal, folder / "log")
        key = shop.journal.signer().verifier_key.encode()
    return Given(key, receipt.encode(), person.encode(), folder / "log", seen)


def size_of(note: bytes) -> int:
    """How many events the checkpoint in *note* signs."""
    return Checkpoint.parse(Note.parse(note).text).size
