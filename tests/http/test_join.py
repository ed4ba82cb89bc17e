"""The page of a proposition: two equal answers, a no that leaves nothing, a yes that waits."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from reciprocity.brand import starter
from reciprocity.collect.proposition import LANGUAGES, notice_id, terms_of
from reciprocity.consent.draft import grant
from reciprocity.errors import InputError
from reciprocity.events import Act, ConsentRow
from reciprocity.http.app import make_app
from reciprocity.http.desk import Desk
from reciprocity.http.join import unfair
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity, check_brand, count_requests
from tests.http.conftest import Site
from tests.shop import DAY, MAILDIR, START, Clock, add_people, new_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROPOSITION = """
[propositions.picks]
title = "Picks for your garden"
purposes = ["offers"]
behaviours = ["purchases"]
topics = ["garden", "kitchen"]
attributes = ["visits"]
gives = [{ measure = "picks", amount = 2, period_days = 30 }]
"""
NEW = "new@example.com"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clock = Clock()
    with new_shop(tmp_path, MAILDIR + PROPOSITION, clock) as shop:
        add_people(shop, 3)
        desk = Desk(shop.brand.folder, clock)
        with TestClient(make_app(desk), base_url="https://harbour.example") as client:
            yield Site(shop, client, clock)


def notice(site: Site, language: str = "en") -> str:
    page = site.client.get("/join/picks", headers={"accept-language": language})
    assert page.status_code == 200
    return re.search(r'name="notice" value="([^"]+)"', page.text)[1]  # type: ignore[index]


def say_yes(site: Site, address: str = NEW, **more: str) -> int:
    """The status of a yes to offers by *address*."""
    told = {"answer": "yes", "notice": notice(site), "yes.offers": "1", "address": address, **more}
    return site.client.post("/join/picks", data=told).status_code


def letters_to(site: Site, address: str) -> int:
    """How many mails have gone to *address*, once the newest request was seen to."""
    site.client.app.state.asking.settled()
    return sum(f"To: {address}" in text for text in site.letters("/e/"))


def slot_of(site: Site, address: str = NEW) -> int | None:
    return site.shop.journal.find(site.shop.journal.digest("email", address))


def test_a_no_is_answered_and_leaves_nothing(site: Site) -> None:
    size = site.shop.journal.state().size
    told = {"answer": "no", "address": NEW, "yes.offers": "1", "notice": notice(site)}
    answer = site.client.post("/join/picks", data=told)
    assert answer.status_code == 200
    assert "Nothing was kept" in answer.text
    assert site.shop.journal.state().size == size
    assert slot_of(site) is None
    assert "set-cookie" not in answer.headers


def test_a_yes_waits_for_its_mail_and_then_counts_under_the_notice_that_was_shown(
    site: Site,
) -> None:
    shown = notice(site)
    more = {"yes.purchases": "1", "topic.garden": "2", "value.visits": "7"}
    assert say_yes(site, **more) == 200
    slot = slot_of(site)
    assert slot is not None
    asked = site.shop.wishes(slot)
    answers = {**asked.answers, **asked.requests}
    assert {key: one.state for key, one in answers.items()} == {
        "offers/email": ConsentState.PENDING, "purchases/observe": ConsentState.PENDING,
    }  # fmt: skip
    assert site.client.post(site.newest(0)).status_code == 200
    given = site.shop.wishes(slot)
    assert given.answers["offers/email"].state is ConsentState.GIVEN
    assert given.answers["purchases/observe"].state is ConsentState.GIVEN
    assert given.topics["garden"].level == 2
    assert given.points["email"].confirmed
    events = [one.body for one in site.shop.journal.history(slot)]
    assert shown in {getattr(body, "notice", "") for body in events}


def test_a_yes_that_is_not_confirmed_in_a_week_is_none(site: Site) -> None:
    assert say_yes(site) == 200
    link = site.newest(0)
    site.clock.at += 7 * DAY + 1
    assert site.client.post(link).status_code == 410
    slot = slot_of(site)
    assert slot is not None
    assert "offers/email" not in {
        key for key, one in site.shop.wishes(slot).answers.items()
        if one.state is ConsentState.GIVEN
    }  # fmt: skip


def test_of_who_is_known_a_form_changes_nothing_but_what_waits(site: Site) -> None:
    before = site.shop.wishes(0)
    more = {"topic.kitchen": "2", "value.visits": "99"}
    assert say_yes(site, "p0@example.com", **more) == 200
    after = site.shop.wishes(0)
    assert after.answers == before.answers
    assert after.topics == before.topics
    profile = site.shop.journal.profiles([0])[0]
    assert profile.attributes["visits"] == 5


def test_known_or_not_the_answer_is_the_same(site: Site) -> None:
    told = {"answer": "yes", "notice": notice(site), "yes.offers": "1"}
    pages = {
        site.client.post("/join/picks", data={**told, "address": address}).text
        for address in (NEW, "p0@example.com")
    }
    assert len(pages) == 1


def test_who_asks_again_and_again_is_sent_two_mails_and_no_more(site: Site) -> None:
    for _ in range(4):
        assert say_yes(site) == 200
        assert letters_to(site, NEW) >= 1
    assert letters_to(site, NEW) == 2
    slot = slot_of(site)
    assert slot is not None
    assert [one.kind for one in site.shop.journal.history(slot)].count("consent.requested") == 1
    site.clock.at += 7 * DAY + 1
    assert say_yes(site) == 200
    assert letters_to(site, NEW) == 3


def test_a_mail_confirms_what_was_asked_when_it_was_sent_and_nothing_since(site: Site) -> None:
    assert say_yes(site) == 200
    assert letters_to(site, NEW) == 1
    link = site.newest(0)
    assert say_yes(site, **{"yes.offers": "", "yes.purchases": "1"}) == 200  # by somebody else
    assert letters_to(site, NEW) == 2
    shown = site.client.get(link).text
    assert "Offers" in shown
    assert "Past purchases" not in shown
    assert site.client.post(link).status_code == 200
    slot = slot_of(site)
    assert slot is not None
    given = {key for key, one in site.shop.wishes(slot).answers.items()
             if one.state is ConsentState.GIVEN}  # fmt: skip
    assert given == {"offers/email"}


@pytest.mark.parametrize(
    "changed",
    [
        {"notice": "n_other"}, {"yes.offers": ""}, {"yes.offers": "2"}, {"answer": "perhaps"},
        {"address": ""}, {"address": "no address"}, {"address": "a@" + "x" * 400},
        {"answer": ""}, {"notice": ""},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_whole_yes_keeps_nothing(site: Site, changed: dict[str, str]) -> None:
    size = site.shop.journal.state().size
    assert say_yes(site, **changed) == 400
    assert site.shop.journal.state().size == size


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.sampled_from(["answer", "notice", "yes.offers", "yes.order", "yes.marketing",
                         "topic.garden", "topic.none", "value.visits", "value.none", "address"])
        | st.text(max_size=8),
        st.sampled_from(["", "1", "2", "yes", "no", "-9", "9" * 30, NEW, "x", "\u202e", "<b>"])
        | st.text(max_size=20),
    )
)  # fmt: skip
def test_rubbish_grants_nothing_and_breaks_nothing(site: Site, fields: dict[str, str]) -> None:
    answer = site.client.post("/join/picks", data={**fields, "_": "_"})
    assert answer.status_code in {200, 400}
    slot = slot_of(site)
    if slot is not None:
        states = {one.state for one in site.shop.wishes(slot).answers.values()}
        assert ConsentState.GIVEN not in states


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_on_the_page_are_the_notice_in_the_log(site: Site, language: str) -> None:
    shown = notice(site, language)
    page = site.client.get("/join/picks", headers={"accept-language": language})
    text = unescape(page.text)
    terms, _ = terms_of(site.shop.statement, site.shop.laws, "picks", language)
    assert terms.notice == shown
    assert site.shop.journal.in_force(f"notice:{shown}") is not None
    for line in terms.text.splitlines():
        assert line in text
    link = re.search(r'href="(/notices/[^"]+)"', page.text)
    assert link is not None
    assert link[1] == f"/notices/{shown}"
    logged = unescape(site.client.get(link[1]).text)
    assert all(line in logged for line in terms.text.splitlines())


def test_words_are_linked_for_a_yes_that_stands_and_a_notice_that_the_log_has(site: Site) -> None:
    def said(notice: str, slot: int) -> None:
        saying = site.shop.saying("person", "web", notice=notice, notice_language="en")
        site.shop.act(slot, lambda: grant(saying, ["offers"]))

    said("n_other", 0)
    site.enter()
    assert "/notices/" not in site.page()
    said(notice(site), 0)
    assert "/notices/" in site.page()
    site.clock.at += 800 * DAY  # the yes has run out
    site.enter()
    assert "/notices/" not in site.page()
    request = ConsentRow(
        purpose="offers", channel="email", state=ConsentState.PENDING, until=site.clock.at + DAY
    )
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
    for kind, one in (("consent.withdrawn", row), ("consent.requested", request)):
        act = Act(actor="person", method="web", consent=(one,), notice=notice(site))
        site.shop.journal.append([Entry(kind=kind, body=act, slot=0)])
    assert "/notices/" not in site.page()  # nor does one that waits for its mail stand yet


def test_ones_own_page_leads_to_the_words_one_said_yes_to(site: Site) -> None:
    site.enter()
    assert "/notices/" not in site.page()  # their yes was said to no notice that the log has
    shown = notice(site)
    assert say_yes(site, "other@example.com") == 200
    assert site.client.post(site.newest(1)).status_code == 200
    site.clock.at += 60_000
    site.enter("other@example.com")
    assert "The words you said yes to: <a" in " ".join(site.page().split())
    links = re.findall(r'href="(/notices/[^"]+)">([^<]*)', site.page())
    assert links == [(f"/notices/{shown}", "Offers (E-mail)")]
    assert site.save({"yes.offers/email": None}).status_code == 200
    assert "/notices/" not in site.page()


def test_the_same_words_have_the_same_notice_and_others_another(tmp_path: Path) -> None:
    ids = []
    for number, amount in enumerate((2, 2, 3)):
        told = PROPOSITION.replace("amount = 2", f"amount = {amount}")
        with new_shop(tmp_path / str(number), MAILDIR + told) as shop:
            ids.append(terms_of(shop.statement, shop.laws, "picks", "en")[0].notice)
    assert ids[0] == ids[1] != ids[2]
    assert notice_id("picks") == "proposition-picks"


def test_an_unknown_proposition_is_no_page(site: Site) -> None:
    assert site.client.get("/join/none").status_code == 404
    assert site.client.post("/join/none", data={"answer": "no"}).status_code == 404


def test_the_starters_page_is_fair_and_a_pressing_one_is_named_and_not_served(
    tmp_path: Path,
) -> None:
    for path, text in starter(None, date(2026, 10, 1)).items():
        file = tmp_path / "starter" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert check_brand(tmp_path / "starter") == ()
    with Reciprocity.create(tmp_path / "starter") as shop:
        shop.apply("operator:tests")
        assert unfair(shop.statement) == ()
    pressing = PROPOSITION.replace("Picks for your garden", "Last chance! Hurry")
    with new_shop(tmp_path, MAILDIR + pressing, Clock(START)) as shop:
        lines = unfair(shop.statement)
        assert lines
        assert all(line.startswith("propositions.picks: its page in ") for line in lines)
        with TestClient(make_app(Desk(shop.brand.folder)), raise_server_exceptions=False) as client:
            assert client.get("/join/picks").status_code == 503


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('purposes = ["offers"]', 'purposes = ["order"]', "is nothing to say yes to"),
        ('purposes = ["offers"]', 'purposes = ["none"]', "none"),
        ('behaviours = ["purchases"]', 'behaviours = ["browsing"]', "browsing"),
        ('topics = ["garden", "kitchen"]', 'topics = ["sea"]', "sea"),
        ('measure = "picks"', 'measure = "happiness"', "picks"),
        ("amount = 2", "amount = 0", "amount"),
        ('attributes = ["visits"]', 'attributes = ["shoe"]', "shoe"),
    ],
)
def test_a_proposition_that_cannot_be_kept_is_refused(
    tmp_path: Path, was: str, becomes: str, says: str
) -> None:
    assert was in PROPOSITION
    with pytest.raises(InputError) as refused:
        new_shop(tmp_path, MAILDIR + PROPOSITION.replace(was, becomes))
    assert any("propositions.picks" in line and says in line for line in refused.value.problems)


def test_the_funnel_counts_what_the_journal_has(site: Site) -> None:
    for number in range(3):
        assert say_yes(site, f"new{number}@example.com") == 200
    assert letters_to(site, "new0@example.com") == 1
    assert site.client.post(site.newest(2)).status_code == 200
    (row,) = count_requests(site.shop.journal, 90)
    assert (row.asked, row.mailed, row.confirmed, row.waits) == (3, 3, 1, 2)
    site.clock.at += 8 * DAY
    say_yes(site, "late@example.com")  # time moves with what is recorded
    (row,) = count_requests(site.shop.journal, 90)
    assert (row.asked, row.confirmed, row.ran_out, row.waits) == (4, 1, 2, 1)
    assert count_requests(site.shop.journal, 1)[0].asked == 1


def test_what_came_last_month_can_be_seen_before_anything_is_told(site: Site) -> None:
    assert "Nothing went out in the last 30 days." in site.client.get("/join/picks/try").text
    site.shop.send("spring", "operator:tests")
    text = site.client.get("/join/picks/try").text
    assert '<li data-topics="garden">' in text
    assert "The garden in spring" in text
    size = site.shop.journal.state().size
    assert 'method="post"' not in text
    assert site.client.get("/join/none/try").status_code == 404
    assert site.shop.journal.state().size == size
    site.clock.at += 31 * DAY
    assert "Nothing went out" in site.client.get("/join/picks/try").text
