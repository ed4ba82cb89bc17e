"""A brand that names a DKIM key sends signed letters, as RFC 8058 asks of the one-click headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reciprocity.errors import InputError
from tests.deliver.email.test_dkim import RSA, pem, verify
from tests.shop import MAILDIR, add_people, new_shop

if TYPE_CHECKING:
    from pathlib import Path

SIGNED = MAILDIR + 'dkim_key = "dkim.pem"\ndkim_selector = "mail1"\n'


def test_letters_are_signed_for_the_domain_of_their_sender(tmp_path: Path) -> None:
    with new_shop(tmp_path, transport=SIGNED) as shop:
        (shop.brand.folder / "dkim.pem").write_bytes(pem(RSA))
        add_people(shop, 2)
        shop.send("spring", "operator:tests")
        letters = [path.read_bytes() for path in (shop.brand.folder / "maildir" / "new").iterdir()]
    assert len(letters) == 2
    for letter in letters:
        tags = verify(letter, RSA.public_key())
        assert (tags[b"d"], tags[b"s"]) == (b"harbour.example", b"mail1")
        assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(
            tags[b"h"].replace(b"\r\n  ", b"").split(b":")
        )


@pytest.mark.parametrize("content", [None, b"no key"])
def test_a_key_that_cannot_be_used_stops_the_send_before_anything_leaves(
    tmp_path: Path, content: bytes | None
) -> None:
    with new_shop(tmp_path, transport=SIGNED) as shop:
        if content:
            (shop.brand.folder / "dkim.pem").write_bytes(content)
        add_people(shop, 1)
        with pytest.raises(InputError, match="dkim key"):
            shop.send("spring", "operator:tests")
        assert not (shop.brand.folder / "maildir" / "new").exists()
