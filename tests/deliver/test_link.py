"""The token in a message's link: opaque, not to be guessed, and older than any key."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reciprocity.deliver.link import Link, Links
from reciprocity.errors import InputError
from reciprocity.journal.store import migrate, rotate_link_key
from reciprocity.storage import connect

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

LINK = Link(7, 3, "offers", "email")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("links")


def opened(folder: Path, name: str) -> sqlite3.Connection:
    migrate(folder / name)
    return connect(folder / name, durable=False)


@pytest.fixture(scope="module")
def links(folder: Path) -> Iterator[Links]:
    with closing(opened(folder, "one.db")) as db:
        yield Links(db, 1)


@given(
    st.builds(
        Link,
        st.integers(0, 2**53),
        st.integers(0, 2**53),
        st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True),
        st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True),
    )
)
def test_a_token_reads_back_and_is_the_same_each_time(links: Links, link: Link) -> None:
    token = links.make(link)
    assert links.read(token) == link
    assert links.make(link) == token
    assert set(token) <= set(ALPHABET)
    assert len(token) <= 400


def test_a_token_shows_neither_slot_nor_purpose(links: Links) -> None:
    """Neighbours share the number of the key in front, and nothing else but by chance."""
    one, other = links.make(LINK), links.make(LINK._replace(slot=8))
    assert len(one) == len(other)
    assert sum(a == b for a, b in zip(one[2:], other[2:], strict=True)) < len(one) / 3
    assert "offers" not in one


def test_a_token_outlives_rotation_also_after_key_numbers_return(folder: Path) -> None:
    with closing(opened(folder, "rotated.db")) as db:
        tokens = []
        for at in range(520):
            rotate_link_key(db, at)
            if at in {0, 1, 255, 256, 300, 519}:
                tokens.append(Links(db).make(LINK))
        links = Links(db)
        assert [links.read(token) for token in tokens] == [LINK] * len(tokens)
        assert len(set(tokens)) == len(tokens)


def test_rotation_changes_what_is_made_from_then_on(folder: Path) -> None:
    with closing(opened(folder, "two.db")) as db:
        before = Links(db, 1)
        rotate_link_key(db, 2)
        assert Links(db).make(LINK) != before.make(LINK)
        assert Links(db).read(before.make(LINK)) == LINK


def test_every_character_counts(links: Links) -> None:
    token = links.make(LINK)
    for at, was in enumerate(token):
        for other in ("A", "b", "_", "=", " "):
            if other != was:
                refused(links, token[:at] + other + token[at + 1 :])


def test_a_token_cut_short_or_lengthened_is_refused(links: Links) -> None:
    token = links.make(LINK)
    for length in range(len(token)):
        refused(links, token[:length])
    for more in ("A", "=", "==", ".", ">", "\n", "%", "é", token):
        refused(links, token + more)
        refused(links, more + token)


@given(st.text(max_size=500))
def test_no_text_is_read_as_a_link_by_chance(links: Links, text: str) -> None:
    refused(links, text)


def test_huge_tokens_are_refused_without_being_read(links: Links) -> None:
    refused(links, "A" * 10_000_000)


def test_a_token_of_another_brand_is_refused(links: Links, folder: Path) -> None:
    with closing(opened(folder, "other.db")) as db:
        refused(links, Links(db, 1).make(LINK))


def test_without_an_instant_nothing_is_written_and_no_token_is_known(folder: Path) -> None:
    with closing(opened(folder, "empty.db")) as db:
        refused(Links(db), "AQb7eKotsM5mSCeii7geyvXeMWsVEZj1Ip1ATynMykcY")
        assert db.execute("SELECT COUNT(*) FROM link_key").fetchone() == (0,)


def refused(links: Links, token: str) -> None:
    with pytest.raises(InputError, match="not one of ours") as caught:
        links.read(token)
    assert not token or token not in str(caught.value) or len(token) < 8
