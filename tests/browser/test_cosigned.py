"""A receipt refreshed to k of n: whoever goes by a policy takes it, in both verifiers."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError, ProofError
from reciprocity.prove.cosigning import cosign
from reciprocity.prove.receipt import read_receipt
from reciprocity.prove.verify import verify_receipt
from reciprocity.witness.folder import open_key
from tests.browser.test_verify_js import asked
from tests.prove.witnesses import folders, policy
from tests.shop import add_people, new_shop
from tests.witness.running import serving

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page


def test_a_receipt_is_refreshed_to_two_of_three(verifier: Page, tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop, ExitStack() as stack:
        add_people(shop, 3)
        made = folders(tmp_path, shop.journal, 3)
        urls = {one: stack.enter_context(serving(one)).url for one in made[:2]}
        urls[made[2]] = "http://127.0.0.1:9"  # nobody is there
        two, three = policy(2, urls), policy(3, urls)
        key = shop.journal.signer().verifier_key.encode()
        witnesses = [open_key(one).verifier_key.encode() for one in made]
        plain = shop.receipt(4)
        with pytest.raises(InputError, match="cosigned 0 events"):
            shop.refreshed(plain)
        with pytest.raises(ProofError, match="0 of 3 witnesses"):
            verify_receipt(plain.encode(), [key], two)

        assert cosign(shop.journal, two).holds
        add_people(shop, 2)  # the log goes on; the receipt stays under what was cosigned
        fresh = shop.refreshed(read_receipt(plain.encode()))
        found = verify_receipt(fresh.encode(), [key], two)
        assert (len(found.cosigned_by), found.event) == (
            2, verify_receipt(plain.encode(), [key]).event,
        )  # fmt: skip
        with pytest.raises(ProofError, match="2 of 3 witnesses"):
            verify_receipt(fresh.encode(), [key], three)

        files = [fresh.encode().decode(), plain.encode().decode()]
        good, bare = asked(verifier, "verifyReceipt", files, key, witnesses=witnesses, quorum=2)
        assert len(good["holds"]["cosigned"]) == 2
        assert "0 known witnesses" in bare["refused"]
        (more,) = asked(verifier, "verifyReceipt", files[:1], key, witnesses=witnesses, quorum=3)
        assert "2 known witnesses" in more["refused"]
        forged = files[0].replace("witness.example/1 ", "witness.example/0 ")
        (wrong,) = asked(verifier, "verifyReceipt", [forged], key, witnesses=witnesses, quorum=2)
        assert wrong["proof"] is True

        with pytest.raises(InputError, match="not yet event"):
            shop.receipt(shop.journal.state().size - 1, cosigned=True)


def test_a_receipt_of_another_log_is_not_refreshed(tmp_path: Path) -> None:
    with new_shop(tmp_path / "a") as shop, new_shop(tmp_path / "b") as other, ExitStack() as stack:
        add_people(shop, 3)
        add_people(other, 3)
        made = folders(tmp_path, shop.journal, 1)
        urls = {one: stack.enter_context(serving(one)).url for one in made}
        assert cosign(shop.journal, policy(1, urls)).holds
        with pytest.raises(InputError, match="not of this log"):
            shop.refreshed(other.receipt(other.journal.state().size - 1))
