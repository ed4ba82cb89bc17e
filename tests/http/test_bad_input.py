"""Names that are markup, clocks that are wrong, addresses that two people share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from litestar.testing import TestClient

from reciprocity.http.app import make_app
from reciprocity.http.desk import Desk
from reciprocity.model import ConsentState
from tests.http.at_site import ASKED
from tests.shop import DAY, Clock
from tests.starting import started_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.http.conftest import Site

ODD = "<b onclick=x()>\N{SEEDLING} & \N{RIGHT-TO-LEFT OVERRIDE}\"{{ 7*7 }}' </title><script>x()"
TITLES = (
    ("Offers that fit me", "title"), ("What I bought here", "title"), ("Garden", "title"),
    ("How large is your garden?", "title"), ("Harbour & Vale Ltd", "name"),
)  # fmt: skip


def odd_brand(text: str) -> str:
    """The starter with such a title for a purpose, a behaviour, a topic, an attribute, a name."""
    told = ODD.replace('"', '\\"')
    for title, key in TITLES:
        assert f'{key} = "{title}"' in text
        text = text.replace(f'{key} = "{title}"', f'{key} = "{title} {told}"')
    return text.replace('title = "What fits me"', f'title = "What fits me {told}"')


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[TestClient[Any]]:
    more = ASKED.format(origin="https://www.harbour-vale.example")
    folder = started_in(tmp_path, lambda text: odd_brand(text + more))
    with TestClient(make_app(Desk(folder, Clock())), raise_server_exceptions=True) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/join/picks", "/staff/picks", "/enter", "/promises", "/notices", "/u/x", "/p/x"]
)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_name_is_never_markup_nor_a_template(odd, path, language):
    text = odd.get(path, headers={"Accept-Language": language}).text
    assert "<b onclick" not in text
    assert "<script>x()" not in text
    assert "49" not in re.sub(r"[\w/.-]{20,}", "", text)  # no template is filled in twice
    if path in {"/join/picks", "/staff/picks"}:
        assert "&lt;b onclick=x()&gt;\N{SEEDLING} &amp; " in text


def test_a_name_in_a_prompt_is_text(odd):
    told = odd.get("/v1/prompts/here").json()
    assert f"What fits me {ODD}" in told["purposes"][0]["text"]
    rest, texts = list(told["shows"]["ask"]), []
    while rest:
        one = rest.pop()
        if isinstance(one, str):
            texts.append(one)
        else:
            assert one[0] not in {"script", "b"}
            rest += one[2:]
    assert any(ODD in text for text in texts)


# --- clocks ---------------------------------------------------------------------------------------


def test_a_clock_a_day_behind_lets_people_leave_and_nothing_else(site: Site) -> None:
    """The last instant of the journal holds: nothing is recorded before it, nothing given."""
    site.enter()
    last = site.shop.journal.state().last_at
    site.clock.at -= DAY
    form = site.form()
    assert site.client.post("/me/stop", data={"code": form["code"]}).status_code == 303
    told = site.shop.journal.history(0)[-1]
    assert (told.kind, told.at) == ("consent.withdrawn", last)
    before = site.shop.journal.state().size
    assert site.client.post("/enter", data={"address": "p1@example.com"}).status_code == 200
    assert site.save({"yes.offers/email": "1"}).status_code == 503
    assert site.shop.journal.state().size == before


def test_a_clock_a_day_ahead_ends_the_way_in_and_no_yes(site: Site) -> None:
    link = site.link()
    site.clock.at += DAY
    got = site.client.post(link)
    assert "/me" not in str(got.url)
    assert site.shop.wishes(0).answers["offers/email"].state is ConsentState.GIVEN


# --- an address that two people share -------------------------------------------------------------


def test_a_shared_address_is_one_person_and_only_its_mail_confirms(tmp_path: Path) -> None:
    clock = Clock()
    desk = Desk(started_in(tmp_path, clock=clock), clock)
    with TestClient(make_app(desk), raise_server_exceptions=True) as client:
        notice = re.search(r'name="notice" value="([^"]+)"', client.get("/join/picks").text)
        assert notice
        for topic, size in (("garden", "small"), ("kitchen", "large")):
            form = {"notice": notice[1], "answer": "yes", "yes.offers": "1", f"topic.{topic}": "2",
                    "value.garden_size": size, "address": "Family@Example.com"}  # fmt: skip
            assert client.post("/join/picks", data=form).status_code == 200
        shop = desk.shop()
        assert shop.journal.count() == 1
        wishes = shop.wishes(0)
        assert wishes.answers["offers/email"].state is ConsentState.PENDING
        # What the second one told stays unsaid: whoever holds the address sees the first one's.
        assert set(wishes.topics) == {"garden"}
        assert shop.journal.profile(0).attributes == {"garden_size": "small"}
