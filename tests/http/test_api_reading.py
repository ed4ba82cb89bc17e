"""A program with a key reads what stands; what is refused under /v1 is a problem."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reciprocity.http.api.keys import ApiKeys, Scope
from reciprocity.http.api.problem import Kind
from reciprocity.prove.receipt import read_receipt
from tests.http.running import ROOT, serving
from tests.shop import Clock, add_people, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path

    from httpx import Response

    from tests.http.conftest import Site


def key_of(site: Site, *scopes: Scope) -> dict[str, str]:
    with closing(ApiKeys(site.shop.journal.folder, site.clock)) as keys:
        return {"Authorization": f"Bearer {keys.add('till', scopes, 30).token}"}


def problem(got: Response, name: str, status: int) -> str:
    """The detail of the problem *name*, which *got* must be."""
    assert got.headers["content-type"].startswith("application/problem+json")
    told = got.json()
    assert (got.status_code, told["status"]) == (status, status)
    assert told["type"] == f"urn:reciprocity:problem:{name}"
    assert told["title"]
    assert told["detail"]
    return str(told["detail"])


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


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/none", "/v1/people", "/v1/people/a/b"])
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
