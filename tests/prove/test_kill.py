"""Killed while it writes, states epochs, changes keys, exports: nothing is contradicted."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reciprocity.events import Epoch
from reciprocity.platform import Reciprocity
from reciprocity.prove.audit import audit
from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.export import export_log
from reciprocity.prove.own_keys import keys_of
from reciprocity.prove.person import person_proof
from reciprocity.prove.verify import verify_log, verify_person, verify_receipt
from tests.shop import Clock, add_people, new_shop

ROOT = Path(__file__).resolve().parents[2]
BUSY = """
import sys
from pathlib import Path
from reciprocity.journal.rotation import rotate_log_key
from reciprocity.platform import Reciprocity
from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.export import export_log
from tests.shop import Clock, add_people, withdraw
folder = Path(sys.argv[1])
with Reciprocity.open(folder / "shop", Clock()) as shop:
    print("busy", flush=True)
    while True:
        for slot in add_people(shop, 3):
            withdraw(shop, slot)
        print(shop.receipt(shop.journal.state().size - 1).encode().decode(), flush=True)
        publish_epoch(shop.journal)
        rotate_log_key(shop.journal)
        export_log(shop.journal, folder / "log")
"""


def killed_after(folder: Path, seconds: float) -> list[bytes]:
    """Let a process be busy for so long, kill it; the receipts it gave out."""
    command = [sys.executable, "-c", BUSY, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"busy\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split(b"\n")
    return [line for line in said[:-1] if line]


@pytest.mark.parametrize("seed", range(4))
def test_no_receipt_and_no_checkpoint_is_ever_contradicted(tmp_path: Path, seed: int) -> None:
    noise, receipts, seen = random.Random(seed), list[bytes](), b""
    with new_shop(tmp_path) as shop:
        add_people(shop, 5)
        first = shop.journal.signer().verifier_key.encode()
    for _ in range(6):
        receipts += killed_after(tmp_path, noise.uniform(0, 0.12))
        with Reciprocity.open(tmp_path / "shop", Clock()) as shop:
            audit(shop.journal)
            publish_epoch(shop.journal)
            export_log(shop.journal, tmp_path / "log")
            verify_log(tmp_path / "log", [first], seen)  # followed through every change of key
            seen = shop.journal.state().checkpoint
            numbers = [told.body.number for told in shop.journal.brand_events("epoch.published")
                       if isinstance(told.body, Epoch)]  # fmt: skip
            assert numbers == list(range(1, len(numbers) + 1))
            own = keys_of(shop.brand.folder / "journal.db")
            verify_person(person_proof(shop.journal, 2).encode(), own)
            for receipt in receipts:
                found = verify_receipt(receipt, own)
                assert shop.journal.root(found.size).hex() == found.root
    assert receipts
