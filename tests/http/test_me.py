"""A person's own page: who gets in, what it changes, and what it never does."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from reciprocity.brand import notice_hash
from reciprocity.deliver.run import send_own
from reciprocity.events import Act, ConsentRow
from reciprocity.http.visits import ENTRY_MS, VISIT_MS
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.prove.verify import verify_person
from reciprocity.vault.people import register, set_address
from tests.collect.watched import bought, say_yes, take, watching
from tests.http.conftest import Site, fields, visiting
from tests.shop import DAY, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESS = "p0@example.com"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Site]:
    """A site that looks at purchases, and one person, `p0` to its shop."""
    clock = Clock()
    with watching(tmp_path, clock) as shop:
        register(
            shop.journal, shop.statement, actor="person", method="web", external_id="p0",
            addresses={"email": ADDRESS}, confirmed=True,
        )  # fmt: skip
        yield from visiting(shop, clock)


def kinds(site: Site, slot: int = 0) -> list[str]:
    return [told.kind for told in site.shop.journal.history(slot)]


# --- getting in -----------------------------------------------------------------------------------


def test_the_answer_is_the_same_whether_or_not_the_address_is_known(site: Site) -> None:
    answers = [
        site.client.post("/enter", data={"address": address})
        for address in (ADDRESS, "nobody@example.com", "no address", "", "x" * 3_000)
    ]
    assert {(one.status_code, one.text) for one in answers} == {(200, answers[0].text)}
    site.newest(0)
    assert len(site.letters("/e/")) == 1


def test_no_cookie_comes_before_a_person_opens_their_page(site: Site) -> None:
    link = site.link()
    for answer in (site.client.get("/enter"), site.client.get(link), site.client.get("/me")):
        assert "set-cookie" not in answer.headers
    entered = site.client.post(link)
    cookie = entered.headers["set-cookie"]
    assert entered.headers["location"] == "/me"
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/me"):
        assert part in cookie


def test_looking_at_a_link_uses_it_not_up_pressing_does(site: Site) -> None:
    link = site.link()
    for _ in range(3):
        assert site.client.get(link).status_code == 200
    assert site.client.post(link).status_code == 303
    assert site.client.post(link).status_code == 410
    assert site.client.get("/me").status_code == 200


@pytest.mark.parametrize("odd", ["x", "tampered", "of another", "run out"])
def test_a_link_that_is_not_ours_or_too_old_opens_nothing(site: Site, odd: str) -> None:
    link = site.link()
    if odd == "run out":
        site.clock.at += ENTRY_MS + 1
    other = {"x": "/e/x", "tampered": link[:-1] + ("A" if link[-1] != "A" else "B"),
             "of another": link.partition(".")[0], "run out": link}[odd]  # fmt: skip
    for answer in (site.client.get(other), site.client.post(other)):
        assert answer.status_code == 410
        assert "set-cookie" not in answer.headers
        assert "Ask for another one" in answer.text


def test_a_mailbox_is_not_flooded(site: Site) -> None:
    for number in range(3):
        site.link()
        assert len(site.letters("/e/")) == number + 1
    site.client.post("/enter", data={"address": ADDRESS})
    site.link("p1@example.com")  # asked for later, and sent: the fourth one never was
    assert len(site.letters("/e/")) == 4
    site.clock.at += 3_600_001
    site.link()


def test_asking_without_end_is_refused_for_a_moment(site: Site) -> None:
    answers = [site.client.post("/enter", data={"address": f"{n}@x.example"}) for n in range(80)]
    assert {answer.status_code for answer in answers} == {200, 429}


def test_a_visit_ends(site: Site) -> None:
    site.enter()
    assert site.client.get("/me").status_code == 200
    site.clock.at += VISIT_MS + 1
    assert site.client.get("/me").headers["location"] == "/enter"
    for path in ("/me/proof.json", "/me/data.zip", "/me/receipt/7"):
        assert site.client.get(path).status_code == 401


def test_sizes_without_end_are_refused_with_a_visit_and_without(site: Site) -> None:
    path = f"/me/proof.json?since={'9' * 5_000}"
    assert site.client.get(path).status_code == 400
    site.enter()
    assert site.client.get(path).status_code == 400
    many = ",".join(["9" * 16] * 100)
    assert site.client.get(f"/me/proof.json?since=1,x,,{'9' * 16}").status_code == 200
    assert site.client.get(f"/me/proof.json?since={many}").status_code == 200


def test_closing_ends_every_window(site: Site) -> None:
    site.enter()
    secret = site.client.cookies["reciprocity_page"]
    closed = site.client.post("/me/close", data={"code": site.form()["code"]})
    assert 'reciprocity_page=""' in closed.headers["set-cookie"]
    again = site.client.get("/me", headers={"Cookie": f"reciprocity_page={secret}"})
    assert again.status_code == 303


def test_who_gets_in_by_mail_has_shown_that_the_address_is_theirs(site: Site) -> None:
    journal, digest = site.shop.journal, site.shop.journal.digest("email", "new@example.com")
    (made,) = journal.append([
        Entry(kind="person.registered",
              body=Act(actor="operator:x", method="phone", points=()), new=(("email", digest),))
    ])  # fmt: skip
    set_address(journal, site.shop.statement, made.slot, "email", "new@example.com",
                confirmed=False, actor="operator:x")  # fmt: skip
    site.enter("new@example.com")
    assert site.shop.wishes(made.slot).points["email"].confirmed


# --- what it shows --------------------------------------------------------------------------------


def test_it_shows_what_was_told_and_what_it_did_with_the_record_of_it(site: Site) -> None:
    site.shop.send("spring", "operator:tests")
    site.enter()
    page = site.page()
    (record,) = re.findall(r'1 message about it came <span class="small"><a href="#r(\d+)"', page)
    assert f'id="r{record}"' in page
    assert site.shop.journal.told(int(record)).kind == "delivery.attempted"
    for words in ("Garden: love it", "Visits a year", "You chose Garden.", ADDRESS,
                  "The garden in spring"):  # fmt: skip
        assert words in page
    assert "p1@example.com" not in page


def test_it_speaks_the_language_that_was_wished_for(site: Site) -> None:
    site.enter()
    assert '<html lang="de"' in site.client.get("/me", headers={"Accept-Language": "de"}).text
    site.save({"language": "ar"})
    assert '<html lang="ar" dir="rtl">' in site.page()


def test_markup_in_what_people_are_called_or_told_stays_text(site: Site) -> None:
    site.enter()
    answer = site.client.get("/me?done=odd:value.<script>alert(1)</script>")
    assert "<script>alert" not in answer.text


# --- what it changes ------------------------------------------------------------------------------


def test_all_that_is_chosen_is_saved_and_saving_again_changes_nothing(site: Site) -> None:
    site.enter()
    done = site.save({
        "topic.kitchen": "1", "topic.garden": "-2", "cap.email": "2", "quiet.from": "21:00",
        "quiet.until": "08:00", "zone": "Europe/Berlin", "pause": "14", "value.visits": "9",
        "yes.purchases/observe": "1",
    })  # fmt: skip
    assert done.headers["location"] == "/me?done=saved#told"
    assert ">Saved.</p>" in site.client.get("/me?done=saved").text
    wishes = site.shop.wishes(0)
    assert {name: one.level for name, one in wishes.topics.items()} == {"garden": -2, "kitchen": 1}
    assert wishes.caps == {"email": (None, 2)}
    assert (wishes.quiet.start, wishes.quiet.end) == (1260, 480)  # type: ignore[union-attr]
    assert wishes.pauses == {"*": site.clock.at + 14 * DAY}
    assert wishes.time_zone == "Europe/Berlin"
    assert site.shop.journal.profile(0).attributes == {"visits": 9}
    assert wishes.answers["purchases/observe"].state is ConsentState.GIVEN
    before = kinds(site)
    assert site.save({}).headers["location"] == "/me?done=nothing#told"
    assert kinds(site) == before


def test_a_yes_names_the_words_that_were_shown(site: Site) -> None:
    site.enter()
    site.save({"yes.purchases/observe": "1"})
    body = site.shop.journal.history(0)[-1].body
    assert isinstance(body, Act)
    shown = "We would like to send you offers that fit what you tell us."
    assert body.notice == notice_hash("start", "en", shown)
    assert (body.actor, body.method, body.notice_language) == ("person", "preference_page", "en")


def test_taking_back_a_yes_is_one_tick_less_and_counts_at_once(site: Site) -> None:
    site.enter()
    site.save({"yes.offers/email": None})
    assert kinds(site)[-1] == "consent.withdrawn"
    report = site.shop.send("spring", "operator:tests")
    assert (report.delivered, report.refused) == (2, {"withdrawn": 1})


def test_what_is_emptied_or_unticked_is_taken_back(site: Site) -> None:
    site.enter()
    site.save({"value.visits": "", "share.offers.visits": None})
    assert site.shop.journal.profile(0).attributes == {}
    assert site.shop.wishes(0).shared == {"offers": ()}


def test_a_page_made_from_choices_that_no_longer_stand_changes_nothing(site: Site) -> None:
    site.enter()
    old = site.form()
    site.save({"yes.offers/email": None})
    before = kinds(site)
    answer = site.client.post("/me", data={**old, "topic.kitchen": "2"})
    assert answer.status_code == 409
    assert "This is what stands." in answer.text
    assert kinds(site) == before


def test_half_a_form_takes_nothing_back(site: Site) -> None:
    site.enter()
    form = site.form()
    before = kinds(site)
    answer = site.client.post("/me", data={name: form[name] for name in ("code", "seen")})
    assert answer.status_code == 400
    assert kinds(site) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("topic.garden", "3"), ("cap.email", "-1"), ("cap.email", "many"), ("quiet.from", "25:00"),
     ("cap.email", "0" * 9 + "1" * 5_000), ("cap.email", "0" * 9 + "9" * 8),
     ("pause", "1000"), ("value.visits", "a lot"), ("value.visits", "9" * 40),
     ("zone", "Mars/Olympus"), ("language", "<b>")],
)  # fmt: skip
def test_a_field_that_makes_no_sense_changes_nothing(site: Site, field: str, value: str) -> None:
    site.enter()
    before = kinds(site)
    answer = site.save({field: value})
    assert answer.status_code == 400
    assert 'class="told bad"' in answer.text
    assert kinds(site) == before


@pytest.mark.parametrize("path", ["", "/stop", "/erase", "/undo", "/close"])
def test_nothing_is_done_for_another_site(site: Site, path: str) -> None:
    site.enter()
    before = kinds(site)
    for code in ("", "0" * 32, "é"):
        answer = site.client.post(f"/me{path}", data={"code": code, "whole": "1"})
        assert answer.status_code == 403
    assert kinds(site) == before
    assert site.client.get("/me").status_code == 200


# --- trying it first ------------------------------------------------------------------------------


def test_choices_are_tried_on_the_last_month_and_nothing_is_saved(site: Site) -> None:
    site.shop.send("spring", "operator:tests")
    site.enter()
    assert "1 of 2 would have reached you" in site.page()
    before = kinds(site)
    for changed, words in (
        ({"yes.offers/email": ""}, "0 of 2"),
        ({"topic.garden": "-2", "topic.kitchen": "2"}, "1 of 2"),
        ({"pause": "14"}, "0 of 2"),
        ({"cap.email": "0"}, "0 of 2"),
        ({"share.offers.visits": ""}, "0 of 2"),
    ):
        form = {**site.form(), **changed}
        for address in ("/me/preview", "/me/preview?part=1"):
            answer = site.client.post(address, data=form)
            assert answer.status_code == 200
            assert f"{words} would have reached you" in answer.text
    assert kinds(site) == before
    assert "Nothing is saved yet" in site.client.post("/me/preview", data=site.form()).text


def test_what_is_tried_stays_in_the_form_and_can_be_saved(site: Site) -> None:
    site.enter()
    tried = site.client.post("/me/preview", data={**site.form(), "topic.kitchen": "2"})
    part = tried.text.partition('id="choices-form"')[2].partition("</form>")[0]
    assert site.client.post("/me", data={**fields(part), "whole": "1"}).status_code == 303
    assert site.shop.wishes(0).topics["kitchen"].level == 2


# --- leaving --------------------------------------------------------------------------------------


def test_stopping_takes_back_every_yes_in_one_step(site: Site) -> None:
    site.enter()
    code = site.form()["code"]
    assert site.client.post("/me/stop", data={"code": code}).status_code == 303
    assert "Stopped. You get nothing more" in site.client.get("/me?done=stopped").text
    assert site.shop.send("spring", "operator:tests").refused == {"withdrawn": 1}
    site.client.post("/me/stop", data={"code": code})
    assert kinds(site).count("consent.withdrawn") == 1


def test_erasure_stops_at_once_can_be_undone_and_then_is_final(site: Site) -> None:
    site.enter()
    code = site.form()["code"]
    site.client.post("/me/erase", data={"code": code})
    assert site.shop.send("spring", "operator:tests").refused == {"erased": 1}
    assert "Stay after all" in site.page()
    site.client.post("/me/undo", data={"code": code})
    assert site.shop.wishes(0).erase_at == 0
    site.client.post("/me/erase", data={"code": code})
    site.shop.erase(0, "operator:tests", now=True)
    assert site.client.get("/me").status_code == 410
    assert site.client.get("/me").status_code == 303


def test_everything_that_is_held_goes_along_and_holds(site: Site) -> None:
    site.shop.send("spring", "operator:tests")
    site.enter()
    with zipfile.ZipFile(io.BytesIO(site.client.get("/me/data.zip").content)) as archive:
        data = json.loads(archive.read("data.json"))
        events = archive.read("events.csv").decode()
        proof = archive.read("proof.json")
    assert data["addresses"] == {"email": ADDRESS}
    assert data["attributes"] == {"visits": 5}
    assert data["answers"]["offers/email"]["state"] == "given"
    assert events.count("\n") == len(kinds(site)) + 1
    key = site.shop.journal.signer().verifier_key.encode()
    assert len(verify_person(proof, [key]).events) == len(kinds(site))
    shown = verify_person(site.client.get("/me/proof.json").content, [key])
    assert len(shown.events) == len(kinds(site))


def test_a_receipt_is_of_ones_own_record_and_of_no_other(site: Site) -> None:
    site.enter()
    (mine, *_), (others, *_) = (site.shop.journal.history(slot) for slot in (0, 1))
    assert site.client.get(f"/me/receipt/{mine.position}").status_code == 200
    for position in (others.position, 0, 10**6):
        assert site.client.get(f"/me/receipt/{position}").status_code == 404


# --- a yes that is to be confirmed ----------------------------------------------------------------


def ask_to_confirm(site: Site) -> str:
    """Person 0 is asked, by staff, to confirm a yes; the link in the mail."""
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.PENDING,
                     until=site.clock.at + 7 * DAY)  # fmt: skip
    withdrawn = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
    for kind, told in (("consent.withdrawn", withdrawn), ("consent.requested", row)):
        act = Act(actor="person", method="web", consent=(told,))
        site.shop.journal.append([Entry(kind=kind, body=act, slot=0)])
    before = len(site.letters("/e/"))
    send_own(site.shop.post, 0, "confirmation-email", "test")
    return site.newest(before)


def test_a_yes_counts_when_the_button_is_pressed_and_not_when_the_mail_is_scanned(
    site: Site,
) -> None:
    link = ask_to_confirm(site)
    assert site.client.get(link).status_code == 200
    assert site.shop.wishes(0).answers["offers/email"].state is not ConsentState.GIVEN
    for _ in range(2):
        answer = site.client.post(link)
        assert answer.status_code == 200
        assert "Offers" in answer.text
    assert site.shop.wishes(0).answers["offers/email"].state is ConsentState.GIVEN
    assert kinds(site).count("consent.confirmed") == 1
    assert "set-cookie" not in answer.headers


def test_after_a_week_nothing_is_left_to_confirm(site: Site) -> None:
    link = ask_to_confirm(site)
    site.clock.at += 7 * DAY + 1
    assert site.client.post(link).status_code == 410
    assert site.shop.wishes(0).answers["offers/email"].state is not ConsentState.GIVEN


# --- what was observed ----------------------------------------------------------------------------


def test_the_page_counts_what_was_observed_and_deletes_it(watched: Site) -> None:
    slot = watched.shop.find(ADDRESS)
    say_yes(watched.shop, slot, "purchases")
    watched.enter(ADDRESS)
    assert "What we saw you do" not in watched.page()
    orders = [bought(f"m{number}", userId="p0") for number in range(12)]
    assert take(watched.shop, *orders).kept == 12
    page = watched.page()
    said = " ".join(page.split())
    assert (
        "12 kept, since 21 September 2026. Of each we keep: sku, total and gift. "
        "Each is deleted after 90 days."
    ) in said
    with zipfile.ZipFile(io.BytesIO(watched.client.get("/me/data.zip").content)) as archive:
        told = json.loads(archive.read("observed.json"))
    assert len(told) == 12
    assert told[0]["fields"] == {"sku": "bulb-7", "total": 12.5}
    sent = {"code": fields(page)["code"], "behaviour": "purchases"}
    assert watched.client.post("/me/forget", data=sent | {"code": "x"}).status_code == 403
    assert watched.shop.journal.observed.rows(slot)
    done = watched.client.post("/me/forget", data=sent)
    assert done.headers["location"] == "/me?done=forgotten#told"
    assert watched.shop.journal.observed.rows(slot) == []
    assert "What we saw you do" not in watched.page()
    assert (
        watched.client.post("/me/forget", data=sent)
        .headers["location"]
        .startswith("/me?done=nothing")
    )


def test_saving_a_no_to_looking_deletes_what_was_observed(watched: Site) -> None:
    slot = watched.shop.find(ADDRESS)
    say_yes(watched.shop, slot, "purchases")
    take(watched.shop, bought(userId="p0"))
    watched.enter(ADDRESS)
    watched.save({"yes.purchases/observe": None})
    assert watched.shop.journal.observed.rows(slot) == []
