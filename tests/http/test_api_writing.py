"""What a program writes is done once, durable, in the program's own name, and told from a retry."""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from reciprocity.http.api.acts import NewPerson
from reciprocity.http.api.keys import Scope
from reciprocity.http.api.once import mark_of
from tests.http.api_client import fresh, key_of, problem, write
from tests.shop import DAY, START, new_shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Site

WITHDRAW = {"act": "withdraw", "method": "phone"}
GRANT = {"act": "grant", "method": "counter", "purposes": ["offers"], "notice": "start"}


def acts(site: Site, slot: int = 0) -> str:
    return f"/v1/people/{site.shop.journal.pseudonym(slot)}/acts"


def kinds(site: Site, slot: int = 0) -> list[str]:
    return [told.kind for told in site.shop.journal.history(slot)]


def state(told: dict[str, Any], purpose: str = "offers") -> str:
    (row,) = [row for row in told["stands"]["consent"] if row["purpose"] == purpose]
    return str(row["state"])


# --- what can be said -----------------------------------------------------------------------------


def test_a_withdrawal_is_answered_with_what_stands_after_it(site: Site) -> None:
    got = write(site, key_of(site, Scope.CONSENT_WRITE), acts(site), WITHDRAW)
    assert got.status_code == 200, got.text
    told = got.json()
    (event,) = told["recorded"]
    assert (event["kind"], event["version"]) == ("consent.withdrawn", 2)
    assert state(told) == "withdrawn"
    assert told["stands"]["version"] == 2
    assert event["receipt"] == f"/v1/receipts/{event['position']}"
    assert site.shop.journal.told(event["position"]).kind == "consent.withdrawn"
    assert site.shop.why(0, "spring", "garden").decision.reason == "withdrawn"


def test_the_journal_names_the_program_and_never_the_person(site: Site) -> None:
    key = key_of(site, Scope.CONSENT_WRITE)
    evidence = {"when": START - DAY, "how": "call", "text": "recording 17"}
    write(site, key, acts(site), {**WITHDRAW, "place": "hotline", "evidence": evidence})
    body = json.loads(site.shop.journal.history(0)[-1].text)["body"]
    assert (body["actor"], body["method"], body["place"]) == ("operator:till", "phone", "hotline")
    assert body["evidence"] == evidence


SAID: dict[str, tuple[dict[str, Any], str]] = {
    "grant": (GRANT, "consent.granted"),
    "grant of a behaviour": ({**GRANT, "purposes": ["purchases"]}, "consent.granted"),
    "refuse": ({"act": "refuse", "method": "phone", "purposes": ["offers"]}, "consent.refused"),
    "withdraw": (WITHDRAW, "consent.withdrawn"),
    "object": ({"act": "object", "method": "letter"}, "objection.made"),
    "pause": ({"act": "pause", "method": "phone", "until": START + DAY}, "preferences.set"),
    "end a pause": ({"act": "pause", "method": "phone", "until": 0}, "preferences.set"),
    "prefer": (
        {
            "act": "prefer", "method": "phone", "topics": {"garden": -2}, "quiet": [1320, 420],
            "caps": {"email": [1, None]}, "language": "de", "time_zone": "Europe/Zurich",
        },
        "preferences.set",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_each_act_is_one_event_of_its_kind(site: Site, case: str) -> None:
    said, kind = SAID[case]
    got = write(site, key_of(site, Scope.CONSENT_WRITE), acts(site), said)
    assert got.status_code == 200, got.text
    assert kinds(site)[1:] == [kind]


def test_what_was_preferred_stands(site: Site) -> None:
    said, _ = SAID["prefer"]
    stands = write(site, key_of(site, Scope.CONSENT_WRITE), acts(site), said).json()["stands"]
    assert stands["topics"] == {"garden": -2}
    assert stands["caps"] == {"email": [1, None]}
    assert (stands["language"], stands["time_zone"]) == ("de", "Europe/Zurich")


def test_a_yes_names_the_words_that_were_shown(site: Site) -> None:
    write(site, key_of(site, Scope.CONSENT_WRITE), acts(site), GRANT)
    body = json.loads(site.shop.journal.history(0)[-1].text)["body"]
    assert body["notice_language"] == "en"
    stated = site.shop.journal.in_force(f"notice:{body['notice']}")
    assert stated
    assert b"offers that fit what you tell us" in bytes(stated[1])


def test_a_program_takes_back_only_what_a_program_objected_to(site: Site) -> None:
    key = key_of(site, Scope.CONSENT_WRITE)
    lift = {"act": "lift", "method": "phone"}
    write(site, key, acts(site), {"act": "object", "method": "phone"})
    assert write(site, key, acts(site), lift).json()["stands"]["objections"] == []
    saying = site.shop.saying("person", "preference_page")
    site.shop.act(0, lambda: _objection(saying))
    got = write(site, key, acts(site), lift)
    problem(got, "invalid", 422)
    assert "only they can take it back" in got.json()["errors"][0]


def _objection(saying: Any) -> Any:
    from reciprocity.consent.draft import object_to  # noqa: PLC0415 - beside its one use

    return object_to(saying)


# --- what is refused writes nothing ---------------------------------------------------------------


WRONG: dict[str, dict[str, Any]] = {
    "no act": {"method": "phone"},
    "another act": {"act": "forget", "method": "phone"},
    "no method": {"act": "withdraw"},
    "a method that is a sentence": {"act": "withdraw", "method": "on the phone, with Ann"},
    "a field we do not know": {**WITHDRAW, "actor": "person"},
    "a number for a name": {**WITHDRAW, "purposes": [1]},
    "a text for a number": {"act": "pause", "method": "phone", "until": "0"},
    "a purpose nobody declared": {**WITHDRAW, "purposes": ["newsletter"]},
    "a purpose that needs no yes": {**GRANT, "purposes": ["order"]},
    "a notice nobody declared": {**GRANT, "notice": "other"},
    "a language without words": {**GRANT, "notice_language": "fr"},
    "no purposes": {**GRANT, "purposes": []},
    "a topic nobody declared": {"act": "prefer", "method": "phone", "topics": {"cars": 1}},
    "a level there is not": {"act": "prefer", "method": "phone", "topics": {"garden": 3}},
    "a pause in the past": {"act": "pause", "method": "phone", "until": 1},
    "nothing to confirm": {"act": "confirm", "method": "phone"},
    "nothing to lift": {"act": "lift", "method": "phone"},
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_said_is_refused_with_all_that_is_wrong(site: Site, case: str) -> None:
    key, name = key_of(site, Scope.CONSENT_WRITE), fresh()
    got = write(site, key, acts(site), WRONG[case], name)
    problem(got, "invalid", 422)
    assert got.json()["errors"]
    assert kinds(site) == ["consent.granted"]
    assert write(site, key, acts(site), WITHDRAW, name).status_code == 200  # nothing was used up


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"act":', b"\xff", b"[" * 9_000])
def test_a_body_that_is_no_act_is_a_problem(site: Site, body: bytes) -> None:
    headers = {**key_of(site), "Idempotency-Key": fresh(), "Content-Type": "application/json"}
    got = site.client.post(acts(site), content=body, headers=headers)
    assert got.status_code in {400, 422}
    problem(got, "bad-request" if got.status_code == 400 else "invalid", got.status_code)
    assert kinds(site) == ["consent.granted"]


def test_only_json_is_read(site: Site) -> None:
    headers = {**key_of(site), "Idempotency-Key": fresh()}
    got = site.client.post(acts(site), data={"act": "withdraw"}, headers=headers)
    problem(got, "unsupported-media-type", 415)


def test_a_large_body_is_refused(site: Site) -> None:
    said = {**WITHDRAW, "evidence": {"text": "x" * 70_000}}
    problem(write(site, key_of(site), acts(site), said), "too-large", 413)


def test_a_key_that_may_only_read_writes_nothing(site: Site) -> None:
    got = write(site, key_of(site, Scope.PEOPLE_READ), acts(site), WITHDRAW)
    assert "consent:write" in problem(got, "no-scope", 403)
    assert kinds(site) == ["consent.granted"]


def test_who_has_no_key_learns_nothing_of_their_body(site: Site) -> None:
    problem(site.client.post(acts(site), content=b"{"), "no-key", 401)


def test_nothing_is_written_of_somebody_unknown_or_erased(site: Site) -> None:
    key, path = key_of(site), acts(site, 1)
    problem(write(site, key, "/v1/people/nobody/acts", WITHDRAW), "unknown-person", 404)
    site.shop.ask_erasure(1, "operator:tests", "phone")
    site.shop.erase(1, "operator:tests", now=True)
    problem(write(site, key, path, WITHDRAW), "unknown-person", 404)


@pytest.mark.files
def test_without_the_journals_keys_nothing_is_written_and_the_name_can_be_used_again(
    site: Site, tmp_path: Path
) -> None:
    key, name, there = key_of(site), fresh(), site.shop.brand.folder / "keys.db"
    there.rename(tmp_path / "away")
    got = write(site, key, acts(site), WITHDRAW, name)
    problem(got, "unavailable", 503)
    assert got.headers["retry-after"] == "5"
    (tmp_path / "away").rename(there)
    assert write(site, key, acts(site), WITHDRAW, name).status_code == 200
    assert kinds(site) == ["consent.granted", "consent.withdrawn"]


# --- once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, "", " ", '""', "ä", "a" * 201, '"a', "a b"])
def test_a_write_without_a_usable_name_is_refused(site: Site, name: str | None) -> None:
    headers: dict[str, Any] = {**key_of(site)}
    if name is not None:
        headers["Idempotency-Key"] = name.encode()
    got = site.client.post(acts(site), json=WITHDRAW, headers=headers)
    problem(got, "idempotency-key-missing", 400)
    assert kinds(site) == ["consent.granted"]


def test_a_retry_gets_the_same_answer_and_writes_nothing(site: Site) -> None:
    key, name = key_of(site), fresh()
    first = write(site, key, acts(site), WITHDRAW, name)
    write(site, key, acts(site), GRANT)  # the world moves on
    site.clock.at += 20 * DAY
    again = write(site, key, acts(site), WITHDRAW, f'"{name}"')
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert kinds(site) == ["consent.granted", "consent.withdrawn", "consent.granted"]


def test_a_retry_is_answered_under_the_brand_file_of_its_day(site: Site) -> None:
    key, name = key_of(site), fresh()
    first = write(site, key, acts(site), WITHDRAW, name)
    file = site.shop.brand.folder / "brand.toml"
    file.write_text(file.read_text().replace("[behaviours.purchases]", "[behaviours.visits]")
                    .replace('behaviours = ["purchases"]', 'behaviours = ["visits"]'))  # fmt: skip
    with type(site.shop).open(site.shop.brand.folder, site.clock) as shop:
        shop.apply("operator:tests")
    assert write(site, key, acts(site), WITHDRAW, name).content == first.content
    assert write(site, key, acts(site), WITHDRAW).json()["stands"] != first.json()["stands"]


OTHERS: dict[str, dict[str, Any]] = {
    "another act": {"act": "refuse", "method": "phone", "purposes": ["offers"]},
    "another method": {**WITHDRAW, "method": "letter"},
    "less of it": {**WITHDRAW, "purposes": ["offers"]},
    "what could not be said": {"act": "lift", "method": "phone"},
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_name_used_for_another_act_is_refused(site: Site, case: str) -> None:
    key, name = key_of(site), fresh()
    write(site, key, acts(site), WITHDRAW, name)
    problem(write(site, key, acts(site), OTHERS[case], name), "idempotency-key-reused", 422)
    assert kinds(site) == ["consent.granted", "consent.withdrawn"]


def test_a_name_used_for_another_person_is_refused(site: Site) -> None:
    key, name = key_of(site), fresh()
    write(site, key, acts(site), WITHDRAW, name)
    problem(write(site, key, acts(site, 1), WITHDRAW, name), "idempotency-key-reused", 422)
    assert kinds(site, 1) == ["consent.granted"]


def test_two_programs_may_use_the_same_name(site: Site) -> None:
    one, two, name = key_of(site), key_of(site, name="desk"), fresh()
    write(site, one, acts(site), WITHDRAW, name)
    assert write(site, two, acts(site), GRANT, name).status_code == 200
    assert kinds(site)[1:] == ["consent.withdrawn", "consent.granted"]


def test_a_retry_that_could_not_be_said_any_more_gets_its_first_answer(site: Site) -> None:
    key, name = key_of(site), fresh()
    write(site, key, acts(site), {"act": "object", "method": "phone"})
    lift = {"act": "lift", "method": "phone"}
    first = write(site, key, acts(site), lift, name)
    assert first.status_code == 200
    assert write(site, key, acts(site), lift, name).content == first.content


def test_many_at_once_under_one_name_write_one_event(site: Site) -> None:
    key, name, answers = key_of(site), fresh(), list[int]()

    def send() -> None:
        answers.append(write(site, key, acts(site), WITHDRAW, name).status_code)

    together([send] * 12)
    assert set(answers) <= {200, 409}
    assert 200 in answers
    assert kinds(site) == ["consent.granted", "consent.withdrawn"]


def together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_many_at_once_for_one_person_are_all_written_and_what_is_wrong_is_told_alone(
    site: Site,
) -> None:
    key, versions, refused = key_of(site), list[int](), list[int]()

    def right(number: int) -> None:
        said = {"act": "prefer", "method": "phone", "caps": {"email": [None, number]}}
        got = write(site, key, acts(site), said, f"right-{number}")
        assert got.json()["stands"]["caps"] == {"email": [None, number]}, got.text
        versions.append(got.json()["stands"]["version"])

    def wrong(number: int) -> None:
        said = {"act": "prefer", "method": "phone", "topics": {"cars": number}}
        refused.append(write(site, key, acts(site), said, f"wrong-{number}").status_code)

    together([partial(work, number) for number in range(12) for work in (right, wrong)])
    assert sorted(versions) == list(range(2, 14))
    assert refused == [422] * 12


# --- a yes that waits ----------------------------------------------------------------------------


@pytest.fixture
def careful(site: Site) -> Site:
    """The shop, which now wants a yes to offers confirmed by mail."""
    file = site.shop.brand.folder / "brand.toml"
    file.write_text(
        file.read_text().replace('title = "Offers"', 'title = "Offers"\nconfirm = true')
    )
    with type(site.shop).open(site.shop.brand.folder, site.clock) as shop:
        shop.apply("operator:tests")
    return site


def test_a_yes_that_waits_is_asked_for_by_mail_and_confirmed_there(careful: Site) -> None:
    key, name = key_of(careful), fresh()
    person = {"method": "till", "external_id": "C-9", "addresses": {"email": "ann@example.com"}}
    assert write(careful, key, "/v1/people", person).status_code == 201
    said = {**GRANT, "purposes": ["offers", "purchases"]}
    first = write(careful, key, "/v1/people/C-9/acts", said, name)
    told = first.json()
    assert [each["kind"] for each in told["recorded"]] == ["consent.granted", "consent.requested"]
    assert (state(told), state(told, "purchases")) == ("pending", "given")
    link = careful.newest(0)
    again = write(careful, key, "/v1/people/C-9/acts", said, name)
    assert again.content == first.content
    assert careful.client.post(link).status_code == 200
    assert (
        careful.client.get("/v1/people/C-9", headers=key).json()["version"]
        > told["stands"]["version"]
    )
    assert write(careful, key, "/v1/people/C-9/acts", said, name).content == first.content
    assert len(careful.letters("/e/")) == 1


def test_a_yes_need_not_wait_where_the_address_is_known_to_be_theirs(careful: Site) -> None:
    key = key_of(careful)
    write(careful, key, "/v1/people", {"method": "till", "external_id": "C-9"})
    waits = write(careful, key, "/v1/people/C-9/acts", GRANT).json()
    assert state(waits) == "pending"
    given = write(careful, key, "/v1/people/C-9/acts", {**GRANT, "confirmed": True}).json()
    assert state(given) == "given"


# --- people ---------------------------------------------------------------------------------------


def test_a_person_becomes_known_and_nothing_is_granted(site: Site) -> None:
    said = {"method": "till", "external_id": "C-1041", "addresses": {"email": "Ann@example.com"}}
    key = key_of(site)
    got = write(site, key, "/v1/people", said)
    assert got.status_code == 201, got.text
    told = got.json()
    assert [each["kind"] for each in told["recorded"]] == ["person.registered"]
    assert state(told) == "never_asked"
    assert "example.com" not in got.text
    slot = site.shop.find("ann@example.com")
    assert site.shop.find("id:C-1041") == slot
    assert site.client.get("/v1/people/C-1041", headers=key).json() == told["stands"]


def test_no_event_lets_an_address_be_guessed(site: Site) -> None:
    """The mark by which a retry is known is keyed: the same request to another brand differs."""
    said = {"method": "till", "addresses": {"email": "ann@example.com"}}
    got = write(site, key_of(site), "/v1/people", said).json()
    text = site.shop.journal.told(got["recorded"][0]["position"]).text
    mark = json.loads(text)["body"]["source"]
    with new_shop(site.shop.brand.folder.parent / "other") as other:
        named = msgspec.json.decode(msgspec.json.encode(said), type=NewPerson)
        assert mark_of(site.shop.journal, "person", -1, named) == mark
        assert mark_of(other.journal, "person", -1, named) != mark


def test_making_known_twice_under_one_name_is_once(site: Site) -> None:
    key, name, said = key_of(site), fresh(), {"method": "till", "external_id": "C-7"}
    first = write(site, key, "/v1/people", said, name)
    write(site, key, "/v1/people/C-7/acts", GRANT)
    people = site.shop.journal.count()
    assert write(site, key, "/v1/people", said, name).content == first.content
    other = {"method": "till", "external_id": "C-8"}
    problem(write(site, key, "/v1/people", other, name), "idempotency-key-reused", 422)
    problem(write(site, key, "/v1/people", said), "person-known", 409)
    problem(write(site, key, "/v1/people/C-7/acts", GRANT, name), "idempotency-key-reused", 422)
    assert site.shop.journal.count() == people


@pytest.mark.parametrize(
    "said",
    [
        {"method": "till"},
        {"method": "till", "external_id": "a\nb"},
        {"method": "till", "addresses": {"email": "nobody"}},
        {"method": "till", "addresses": {"fax": "p@example.com"}},
    ],
)
def test_nobody_is_made_known_by_what_is_no_name(site: Site, said: dict[str, Any]) -> None:
    people = site.shop.journal.count()
    problem(write(site, key_of(site), "/v1/people", said), "invalid", 422)
    assert site.shop.journal.count() == people
