"""Proofs of this release, kept so that every later one, in any language, can be held against them.

`python tests/vectors/proofs/build.py` made the files beside it; they are not made again: formats,
once published, keep their meaning, and a proof that somebody holds must verify for ever.
"""

import json
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from reciprocity.journal.rotation import rotate_log_key
from reciprocity.leave.erase import erase
from reciprocity.prove.challenge import answer_challenge, begin_challenge, state_answered
from reciprocity.prove.cosigning import cosign, cosigned_checkpoint
from reciprocity.prove.epochs import publish_epoch
from reciprocity.prove.export import export_log
from reciprocity.prove.person import person_proof
from reciprocity.witness.folder import open_key
from tests.prove.witnesses import folders, policy, policy_text
from tests.shop import DAY, Clock, add_people, new_shop, withdraw
from tests.witness.running import serving

HERE = Path(__file__).parent
VALUE = "a value that only the auditor knows"


def main() -> None:
    """Live a little, and write down what is handed out."""
    clock = Clock()
    with TemporaryDirectory() as place, new_shop(Path(place), clock=clock) as shop:
        folder = Path(place)
        slots = add_people(shop, 12)
        publish_epoch(shop.journal)
        shop.send("spring", "operator:tests")
        clock.at += DAY
        withdrawn = withdraw(shop, slots[4])
        erase(shop.journal, slots[2], operator="operator:tests", now=True)
        first = shop.journal.signer().verifier_key.encode()
        made = folders(folder, shop.journal, 2)
        with serving(made[0]) as one, serving(made[1]) as two:
            urls = {made[0]: one.url, made[1]: two.url}
            assert cosign(shop.journal, policy(2, urls)).holds
        assert cosigned_checkpoint(shop.journal.folder)
        keep("receipt.json", shop.receipt(withdrawn.position, cosigned=True).encode())
        keep("consent.jsonld", json.dumps(shop.consent_receipt(withdrawn.position)).encode())
        keep("person.json", person_proof(shop.journal, slots[4]).encode())
        begin_challenge(shop.journal, sha256(VALUE.encode()).hexdigest(), 12)
        add_people(shop, 1)
        noted = shop.journal.state().checkpoint
        state_answered(shop.journal, 1, answer_challenge(shop.journal, 1, VALUE, noted))
        rotate_log_key(shop.journal)
        withdraw(shop, slots[5])
        shutil.rmtree(HERE / "log", ignore_errors=True)
        export_log(shop.journal, HERE / "log")
        keep("key", f"{first}\n".encode())
        keep("policy", policy_text(2, dict.fromkeys(made, "")).encode())
        keep("witnesses", "".join(f"{open_key(m).verifier_key.encode()}\n" for m in made).encode())


def keep(name: str, data: bytes) -> None:
    """Write *data* beside this file."""
    (HERE / name).write_bytes(data)


if __name__ == "__main__":
    main()
