"""The answer to a challenge as this release gives it, and what its auditor knew by themselves.

`python tests/vectors/proofs/challenge/build.py` made the files beside it, of which the ones a level
up are older; as with those, an answer that somebody holds must verify for ever.
"""

import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from reciprocity.leave.erase import erase, request
from reciprocity.prove.challenge import answer_challenge, begin_challenge, state_answered
from tests.shop import DAY, Clock, add_people, new_shop, withdraw

HERE = Path(__file__).parent
VALUE = "3f1c7a92d05e4b68a1f0c9d27e83b456"
COUNT = 400


def main() -> None:
    """Live a little, be challenged, and write down what is handed out."""
    clock, commitment = Clock(), sha256(VALUE.encode()).hexdigest()
    with TemporaryDirectory() as place, new_shop(Path(place), clock=clock) as shop:
        journal, slots = shop.journal, add_people(shop, 12)
        shop.send("spring", "operator:tests")
        clock.at += DAY
        withdraw(shop, slots[4])
        erase(journal, slots[2], operator="operator:tests", now=True)
        (asked,) = add_people(shop, 1)
        request(journal, asked, actor="person", method="web", at=clock.at, undo_hours=0)
        begin_challenge(journal, commitment, COUNT)
        erase(journal, slots[5], operator="operator:tests", now=True)
        noted = journal.state().checkpoint
        erase(journal, asked, operator="operator:tests", now=True)
        answer = answer_challenge(journal, 1, VALUE, noted)
        state_answered(journal, 1, answer)
        (HERE / "answer.json").write_bytes(answer.encode())
        (HERE / "noted").write_bytes(noted)
        (HERE / "commitment").write_text(f"{commitment}\n")
        (HERE / "key").write_text(f"{journal.signer().verifier_key.encode()}\n")


if __name__ == "__main__":
    main()
