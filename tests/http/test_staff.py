"""What is said to staff is recorded in their name, once, with the words that were read out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from litestar.testing import TestClient

from reciprocity.http.api.keys import Scope
from reciprocity.http.app import make_app
from reciprocity.http.desk import Desk
from tests.http.api_client import new_key
from tests.shop import Clock
from tests.starting import started_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from reciprocity.platform import Reciprocity

PICKS = "/staff/picks"
BOTH = ('purposes = ["offers"]\nbehaviours', 'purposes = ["offers", "news"]\nbehaviours')
"""Of what is asked one counts at once, and news wait for a confirmation."""


class Till:
    """The page in a shop, the key of who stands there, and the brand behind it."""

    def __init__(self, desk: Desk, client: TestClient) -> None:
        self.desk, self.client = desk, client
        found = re.search(r'name="notice" value="([^"]+)"', client.get(PICKS).text)
        assert found
        told = new_key(desk.folder, desk.clock, Scope.CONSENT_WRITE)["Authorization"]
        self.notice, self.key = found[1], told.removeprefix("Bearer ")

    @property
    def shop(self) -> Reciprocity:
        return self.desk.shop()

    def send(self, answer: str, **more: str) -> Response:
        form = {"notice": self.notice, "key": self.key, "answer": answer, "method": "phone",
                "number": "C-1041", "yes.offers": "1"}  # fmt: skip
        return self.client.post(PICKS, data={**form, **more})

    def kinds(self) -> list[str]:
        return [told.kind for told in self.shop.journal.history(0)]


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    clock = Clock()
    desk = Desk(started_in(tmp_path, lambda text: text.replace(*BOTH), clock=clock), clock)
    with TestClient(make_app(desk), raise_server_exceptions=True) as client:
        yield Till(desk, client)


def test_the_words_to_read_out_are_the_notice(till):
    page = till.client.get(PICKS, headers={"Accept-Language": "de"}).text
    assert "Harbour &amp; Vale Ltd fragt: Dürfen wir Ihnen schreiben?" in page
    assert till.client.get("/staff/nothing").status_code == 404


def test_a_yes_on_the_phone_is_recorded_in_the_name_of_the_key(till):
    got = till.send("yes", **{"topic.garden": "2", "yes.purchases": "1"})
    assert got.status_code == 200
    assert "Recorded: their yes counts." in got.text
    assert till.kinds() == ["person.registered", "consent.granted", "preferences.set"]
    _, granted, _ = till.shop.journal.history(0)
    said = granted.body
    assert (said.actor, said.method, said.place) == ("operator:till", "phone", "staff")
    assert said.notice == till.notice
    assert [row.purpose for row in said.consent] == ["offers", "purchases"]
    assert till.shop.find("id:C-1041") == 0


def test_what_wants_confirming_waits_for_it_and_a_mail_asks(till):
    got = till.send("yes", number="", address="ann@example.com", method="paper",
                    **{"yes.news": "1"})  # fmt: skip
    assert "A mail asks them to confirm" in got.text
    assert till.kinds()[:2] == ["person.registered", "consent.requested"]
    waiting = till.shop.journal.history(0)[1].body.consent
    assert [row.purpose for row in waiting] == ["offers", "news"]  # the address was only told


def test_a_purpose_that_wants_confirming_waits_even_without_an_address(till):
    till.send("yes", **{"yes.news": "1"})
    assert till.kinds() == ["person.registered", "consent.granted", "consent.requested"]


def test_nothing_is_sent_to_an_address_that_was_only_told(till):
    till.send("yes", number="", address="ann@example.com", **{"topic.garden": "2"})
    decided = till.shop.decide("ann@example.com", channel="email")
    assert {one.decision.verdict for one in decided} == {"refuse"}


def test_a_no_keeps_nothing(till):
    got = till.send("no")
    assert "Nothing was recorded" in got.text
    assert till.shop.journal.count() == 0


def test_everything_is_taken_back_in_one_step(till):
    till.send("yes")
    got = till.send("back", method="counter")
    assert "everything is taken back" in got.text
    assert till.kinds()[-1] == "consent.withdrawn"
    assert till.shop.wishes(0).answers["offers/email"].state == "withdrawn"


def test_the_same_yes_again_is_of_the_same_person(till):
    till.send("yes")
    till.send("yes", address="ann@example.com")
    assert till.shop.journal.count() == 1


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"key": ""}, 401),
        ({"key": "rk_0123456789abcdef_" + "A" * 43}, 401),
        ({"method": "post-it"}, 400),
        ({"notice": "of-yesterday"}, 400),
        ({"answer": "perhaps"}, 400),
        ({"number": ""}, 400),
        ({"number": "", "address": "no address"}, 400),
        ({"yes.offers": ""}, 200),
        ({"answer": "back", "number": "C-7"}, 400),
    ],
)
def test_what_is_not_complete_records_nothing(till, more, status):
    answer = more.pop("answer", "yes")
    if "yes.offers" in more:
        more["yes.offers"] = "1"
    got = till.send(answer, **more)
    assert got.status_code == status, got.text
    if status != 200:
        assert till.shop.journal.count() == 0


def test_a_yes_to_nothing_is_none(till):
    form = {"notice": till.notice, "key": till.key, "answer": "yes", "method": "phone",
            "number": "C-1041"}  # fmt: skip
    assert till.client.post(PICKS, data=form).status_code == 400
    assert till.shop.journal.count() == 0


def test_a_key_for_something_else_records_nothing(till):
    told = new_key(till.desk.folder, till.desk.clock, Scope.DECISIONS, name="looks")
    got = till.send("yes", key=told["Authorization"].removeprefix("Bearer "))
    assert got.status_code == 403
    assert "may not record anything" in got.text
    assert till.shop.journal.count() == 0


def test_no_key_is_in_any_answer(till):
    for answer in ("yes", "no", "back", "perhaps"):
        assert till.key not in till.send(answer).text
