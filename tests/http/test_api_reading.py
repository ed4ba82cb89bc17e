"""A program with a key reads what stands; what is refused under /v1 is a problem."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reciprocity.http.api.counter import Counter
from reciprocity.http.api.keys import ApiKeys, Scope
from reciprocity.http.buckets import OwnRooms
from reciprocity.http.desk import Desk
from reciprocity.http.problem import Kind, Refusal
from reciprocity.prove.receipt import read_receipt
from tests.http.api_client import key_of, problem
from tests.http.running import ROOT, serving
from tests.shop import Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path

    from tests.http.conftest import Site


def test_a_program_reads_what_stands_for_a_person(site: Site) -> None:
    key, name = key_of(site, Scope.PEOPLE_READ), site.shop.journal.pseudonym(0)
    told = site.client.get(f"/v1/people/{name}", headers=key).json()
    assert told["person"] == name
    assert told["topics"] == {"garden": 2}
    assert state(told) == "given"
    withdraw(site.shop, 0)
    told = site.client.get(f"/v1/people/{name}", headers=key).json()
    assert state(told) == "withdrawn"
    assert told["version"] == site.shop.journal.version(0)


def state(told: dict[str, list[dict[str, str]]]) -> str:
    (row,) = [
        row for row in told["consent"] if (row["purpose"], row["channel"]) == ("offers", "email")
    ]
    return row["state"]


def test_every_refusal_and_scope_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text()
    for kind in Kind:
        assert f"| `{kind.type.rpartition(':')[2]}` | {kind.status} |" in page
    for scope in Scope:
        assert f"| `{scope}` |" in page


def test_no_address_leaves_with_what_stands(site: Site) -> None:
    key, name = key_of(site, Scope.PEOPLE_READ), site.shop.journal.pseudonym(0)
    assert site.shop.journal.profile(0).points["email"] == "p0@example.com"
    assert "@example.com" not in site.client.get(f"/v1/people/{name}", headers=key).text


def test_a_program_reads_the_receipt_of_what_a_person_said(site: Site) -> None:
    key, position = key_of(site, Scope.PEOPLE_READ), withdraw(site.shop, 0).position
    got = site.client.get(f"/v1/receipts/{position}", headers=key)
    read = read_receipt(got.content)
    assert site.shop.position_of(read) == position
    assert b"consent.withdrawn" in got.content


def test_there_is_no_receipt_of_what_is_no_persons(site: Site) -> None:
    site.shop.note_look(0, "operator:tests")
    looked = site.shop.journal.brand_events("operator.acted")[-1].position
    key = key_of(site, Scope.PEOPLE_READ)
    for position in (looked, -1, site.shop.journal.state().size, 2**70):
        problem(site.client.get(f"/v1/receipts/{position}", headers=key), "not-found", 404)


def test_no_receipt_of_an_erased_person_is_made(site: Site) -> None:
    key, gone = key_of(site, Scope.PEOPLE_READ), withdraw(site.shop, 1).position
    site.shop.ask_erasure(1, "operator:tests", "phone")
    site.shop.erase(1, "operator:tests", now=True)
    problem(site.client.get(f"/v1/receipts/{gone}", headers=key), "unavailable", 503)


def test_a_program_reads_the_brand(site: Site) -> None:
    told = site.client.get("/v1/brand", headers=key_of(site, Scope.PEOPLE_READ)).json()
    assert told["id"] == site.shop.statement.id
    assert set(told["purposes"]) == set(site.shop.statement.purposes)


def test_without_a_key_nothing_is_read(site: Site) -> None:
    good = key_of(site, Scope.PEOPLE_READ)["Authorization"]
    for told in ("", "Bearer", "Bearer x", good[7:], f"Basic {good[7:]}", f"{good}x"):
        got = site.client.get("/v1/brand", headers={"Authorization": told} if told else {})
        problem(got, "no-key", 401)
        assert got.headers["www-authenticate"] == "Bearer"
    assert site.client.get("/v1/brand", headers={"Authorization": good}).status_code == 200


def test_a_revoked_key_reads_nothing(site: Site) -> None:
    key = key_of(site, Scope.PEOPLE_READ)
    assert site.client.get("/v1/brand", headers=key).status_code == 200
    with closing(ApiKeys(site.shop.journal.folder, site.clock)) as keys:
        keys.revoke("till")
    problem(site.client.get("/v1/brand", headers=key), "no-key", 401)


def test_a_key_of_another_scope_is_told_which_one_is_needed(site: Site) -> None:
    key = key_of(site, Scope.CONSENT_WRITE)
    assert "people:read" in problem(site.client.get("/v1/brand", headers=key), "no-scope", 403)


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/none", "/v1/people/a/b"])
def test_no_such_path_is_a_problem_and_no_page(site: Site, path: str) -> None:
    problem(site.client.get(path), "not-found", 404)


def test_another_method_is_a_problem_that_names_those_there_are(site: Site) -> None:
    got = site.client.delete("/v1/brand")
    problem(got, "method-not-allowed", 405)
    assert "GET" in got.headers["allow"]


def test_an_unknown_person_is_not_named_in_the_answer(site: Site) -> None:
    got = site.client.get("/v1/people/nobody-7", headers=key_of(site, Scope.PEOPLE_READ))
    problem(got, "unknown-person", 404)
    assert "nobody-7" not in got.text


@pytest.mark.files
def test_without_the_journals_keys_it_is_unavailable(site: Site, tmp_path: Path) -> None:
    key = key_of(site, Scope.PEOPLE_READ)
    (site.shop.brand.folder / "keys.db").rename(tmp_path / "away")
    problem(site.client.get("/v1/brand", headers=key), "unavailable", 503)


def test_the_log_of_a_real_server_names_neither_person_nor_key(tmp_path: Path) -> None:
    with new_shop(tmp_path) as shop:
        add_people(shop, 1)
        folder, name = shop.journal.folder, shop.journal.pseudonym(0)
        with closing(ApiKeys(folder, Clock())) as keys:
            token = keys.add("till", [Scope.PEOPLE_READ], 30).token
    with serving(folder) as server:
        told = {"Authorization": f"Bearer {token}"}
        assert server.ask("GET", f"/v1/people/{name}", headers=told).status == 200
    log = server.log.read_text()
    assert "GET /v1/... 200" in log
    assert name not in log
    assert token[20:] not in log


# --- events, page by page -------------------------------------------------------------------------


def test_events_are_read_page_by_page_while_more_are_appended(site: Site) -> None:
    key, path = key_of(site, Scope.PEOPLE_READ), events_of(site)
    for _ in range(4):
        withdraw(site.shop, 0)
    first = site.client.get(f"{path}?limit=2", headers=key).json()
    assert [each["version"] for each in first["events"]] == [1, 2]
    assert first["more"]
    withdraw(site.shop, 0)
    rest = site.client.get(f"{path}?cursor={first['cursor']}", headers=key).json()
    assert [each["version"] for each in rest["events"]] == [3, 4, 5, 6]
    assert not rest["more"]
    after = f"{path}?cursor={rest['cursor']}"
    assert site.client.get(after, headers=key).json()["events"] == []
    withdraw(site.shop, 0)
    assert [each["version"] for each in site.client.get(after, headers=key).json()["events"]] == [7]
    assert site.client.get(f"{path}?limit=2", headers=key).json() == first


def events_of(site: Site, slot: int = 0) -> str:
    return f"/v1/people/{site.shop.journal.pseudonym(slot)}/events"


def test_an_event_is_told_as_the_journal_holds_it(site: Site) -> None:
    key, position = key_of(site, Scope.PEOPLE_READ), withdraw(site.shop, 0).position
    (told,) = site.client.get(events_of(site), headers=key).json()["events"][1:]
    sealed = json.loads(site.shop.journal.told(position).text)
    assert told["body"] == sealed["body"]
    assert (told["kind"], told["at"], told["position"]) == (sealed["kind"], sealed["at"], position)
    assert site.client.get(told["receipt"], headers=key).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=djEuLTE=", "cursor=" + "A" * 65, "limit=0", "limit=201", "limit=a"],
)
def test_a_page_that_was_never_given_out_is_refused(site: Site, query: str) -> None:
    got = site.client.get(f"{events_of(site)}?{query}", headers=key_of(site))
    problem(got, "invalid", 422)
    assert got.json()["errors"]


# --- decisions ------------------------------------------------------------------------------------


def test_a_program_asks_whether_a_message_may_be_shown(site: Site) -> None:
    key, name = key_of(site, Scope.DECISIONS), site.shop.journal.pseudonym(0)
    path = f"/v1/people/{name}/decisions/spring/garden"
    assert site.client.get(path, headers=key).json() == {"verdict": "deliver"}
    withdraw(site.shop, 0)
    told = site.client.get(path, headers=key).json()
    assert told == {"verdict": "refuse", "reason": "withdrawn"}
    for other in ("spring/nothing", "winter/garden"):
        got = site.client.get(f"/v1/people/{name}/decisions/{other}", headers=key)
        problem(got, "not-found", 404)
    problem(site.client.get(f"/v1/people/{name}", headers=key), "no-scope", 403)


# --- how often ------------------------------------------------------------------------------------


def test_a_key_that_asks_too_often_is_held_back_and_another_is_not(site: Site) -> None:
    counter = Counter(Desk(site.shop.brand.folder, site.clock), 2, OwnRooms())
    one, two = (key_of(site, name=name)["Authorization"] for name in ("one", "two"))
    with closing(counter.desk), closing(counter):
        for _ in range(4):
            counter.admit(one, Scope.PEOPLE_READ)
        with pytest.raises(Refusal) as refused:
            counter.admit(one, Scope.PEOPLE_READ)
        assert refused.value.kind is Kind.TOO_MANY
        assert counter.admit(two, Scope.PEOPLE_READ).name == "two"
