"""Mails that a person asked for: same rulebook, same journal, same replay; one for each asking."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reciprocity.brand import OWN_PURPOSES, PAGE_LINK
from reciprocity.deliver.link import Entries, Link
from reciprocity.deliver.run import send_own
from reciprocity.errors import InputError
from reciprocity.vault.suppression import suppress
from tests.deliver.test_send_edges import held, reopened
from tests.shop import DAY, Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reciprocity.platform import Reciprocity

MESSAGE = f"{PAGE_LINK}-email"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Reciprocity]:
    with new_shop(tmp_path) as shop:
        yield shop


def letters(shop: Reciprocity) -> list[str]:
    folder = shop.brand.folder / "maildir" / "new"
    return [path.read_text() for path in sorted(folder.iterdir())] if folder.exists() else []


def entry_in(letter: str) -> str:
    return re.search(r"/e/([\w.-]+)", letter.replace("=\n", ""))[1]  # type: ignore[index]


def test_who_asks_gets_a_link_that_leads_to_them_and_the_replay_finds_it_right(
    shop: Reciprocity,
) -> None:
    (slot,) = add_people(shop, 1)
    report = send_own(shop.post, slot, MESSAGE, "first")
    assert (report.delivered, report.refused) == (1, {})
    (letter,) = letters(shop)
    link = Entries(shop.links, shop.journal.digest).read(entry_in(letter))
    attempt = shop.journal.history(slot)[-2]
    assert (attempt.kind, link) == (
        "delivery.attempted",
        Link(slot, attempt.version, PAGE_LINK, "email"),
    )
    found = shop.audit()
    assert (found.deliveries, found.breaches) == (1, ())


def test_the_same_asking_sends_once_another_asking_again(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    for occurrence, sent in (("one", 1), ("one", 1), ("two", 2)):
        send_own(shop.post, slot, MESSAGE, occurrence)
        assert len(letters(shop)) == sent
    assert shop.audit().breaches == ()


def test_it_needs_no_yes_but_a_person_who_is_never_to_be_written_to_gets_none(
    shop: Reciprocity,
) -> None:
    one, two = add_people(shop, 2)
    suppress(shop.journal, ["p0@example.com"], actor="operator:tests", reason="asked")
    assert send_own(shop.post, one, MESSAGE, "x").refused == {"suppressed": 1}
    shop.ask_erasure(two, "person", "page")
    assert send_own(shop.post, two, MESSAGE, "x").refused == {"erased": 1}
    assert letters(shop) == []


def test_the_texts_are_stated_once_and_again_before_their_year_ends(tmp_path: Path) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)

        def stated() -> int:
            return sum(
                told.body.campaign == "own"  # type: ignore[attr-defined]
                for told in shop.journal.brand_events("campaign.stated")
            )

        for days, times in ((0, 1), (1, 1), (340, 2)):
            clock.at += days * DAY
            send_own(shop.post, slot, MESSAGE, f"after-{days}")
            assert stated() == times
        assert shop.apply("operator:tests") == []
        assert stated() == times


def test_a_mail_whose_channel_the_brand_file_has_no_more_is_held_back_and_said_so(
    tmp_path: Path,
) -> None:
    clock = Clock()
    with new_shop(tmp_path, clock=clock) as shop:
        (slot,) = add_people(shop, 1)
        maildir = shop.brand.folder / "maildir"
        assert shop.post
        (maildir / "tmp").rmdir()
        (maildir / "tmp").touch()  # where files should be made, there is a file
        assert send_own(shop.post, slot, MESSAGE, "one").waiting == 1
        (maildir / "tmp").unlink()

    def renamed(text: str) -> str:
        for table in ("channels", "transports"):
            text = text.replace(f"[{table}.email]", f"[{table}.mail]")
        return text.replace('["email"]', '["mail"]').replace('l = "email"', 'l = "mail"')

    with reopened(shop, clock, renamed) as shop:
        clock.at += DAY
        (report,) = shop.send_waiting()
        assert (report.delivered, report.waiting) == (0, 0)
        assert (report.refused, held(shop, slot)) == ({"message_closed": 1}, ["message_closed"])
        assert shop.send_waiting() == []
        assert shop.audit().breaches == ()


@pytest.mark.parametrize("change", ["another code", "no code", "another token", "twice the code"])
def test_a_link_that_gives_cannot_be_made_with_what_lies_beside_the_journal(
    shop: Reciprocity, change: str
) -> None:
    entries = Entries(shop.links, shop.journal.digest)
    mine, other = Link(0, 1, PAGE_LINK, "email"), Link(1, 1, PAGE_LINK, "email")
    token, _, code = entries.make(mine).partition(".")
    text = {
        "another code": f"{token}.{entries.make(other).partition('.')[2]}",
        "no code": token,
        "another token": f"{shop.links.make(other)}.{code}",
        "twice the code": f"{token}.{code}.{code}",
    }[change]
    assert entries.read(f"{token}.{code}") == mine
    with pytest.raises(InputError, match="not one of ours"):
        entries.read(text)


@pytest.mark.parametrize("name", OWN_PURPOSES)
def test_no_brand_declares_them_itself(tmp_path: Path, name: str) -> None:
    with new_shop(tmp_path) as shop:
        home = shop.brand.folder
    file = home / "brand.toml"
    file.write_text(f'{file.read_text()}\n[purposes.{name}]\ntitle = "Mine"\n')
    with pytest.raises(InputError, match="every brand has"):
        type(shop).open(home)
