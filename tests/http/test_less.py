"""The link in every message can only ever mean less, and shows nothing of the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reciprocity.deliver.link import Link
from reciprocity.events import Attempt, Feedback
from reciprocity.listen.feedback import MOST_WORDS
from tests.shop import DAY

if TYPE_CHECKING:
    from tests.http.conftest import Site


def path(site: Site, slot: int = 0) -> str:
    return f"/p/{site.shop.links.make(Link(slot, 1, 'offers', 'email'))}"


def test_it_is_in_a_message_if_the_template_prints_it_and_says_nothing_of_the_person(
    site: Site,
) -> None:
    texts = {site.client.get(path(site, slot)).text.replace(path(site, slot)[3:], "TOKEN")
             for slot in (0, 1)}  # fmt: skip
    assert len(texts) == 1
    (text,) = texts
    assert "checked" not in text.replace('value="" checked', "")
    assert "example.com" not in text
    assert "set-cookie" not in site.client.get(path(site)).headers


def test_what_is_ticked_is_lowered_and_nothing_else(site: Site) -> None:
    answer = site.client.post(path(site), data={"topic.garden": "1", "most": "2", "pause": "14"})
    assert "Saved: less from now on." in answer.text
    wishes = site.shop.wishes(0)
    assert wishes.topics["garden"].level == -2
    assert wishes.caps == {"email": (None, 2)}
    assert wishes.pauses == {"*": site.clock.at + 14 * DAY}
    size = site.shop.journal.state().size
    for _ in range(3):  # the button once more, a moment later
        site.clock.at += 1_000
        assert site.client.post(path(site), data={"pause": "14"}).status_code == 200
    assert site.shop.journal.state().size == size
    site.clock.at += 2 * 3_600_000
    site.client.post(path(site), data={"pause": "14"})
    assert site.shop.journal.state().size == size + 1
    assert wishes.answers["offers/email"].state == "given"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.sampled_from(["topic.garden", "topic.kitchen", "topic.none", "most", "pause", "yes"]),
        st.sampled_from(["", "0", "1", "2", "4", "14", "60", "-1", "99", "x"]),
    )
)
def test_whatever_is_sent_nothing_is_raised(site: Site, fields: dict[str, str]) -> None:
    before = site.shop.wishes(0)
    assert site.client.post(path(site), data={**fields, "_": "_"}).status_code == 200
    after = site.shop.wishes(0)
    for name in ("garden", "kitchen"):
        then = before.topics[name].level if name in before.topics else 0
        now = after.topics[name].level if name in after.topics else 0
        assert now <= then
    then, now = (one.caps.get("email", (None, None))[1] for one in (before, after))
    assert then is None or (now is not None and now <= then)
    assert after.pauses.get("*", 0) >= before.pauses.get("*", 0)
    assert after.answers == before.answers


def test_a_link_that_is_not_ours_lowers_nothing(site: Site) -> None:
    for odd in ("/p/x", path(site)[:-1]):
        assert site.client.get(odd).status_code == 404
        assert site.client.post(odd, data={"most": "0"}).status_code == 404
    assert site.shop.wishes(0).caps == {}


def test_to_see_more_the_link_goes_to_the_mailbox_and_to_nobody_who_has_the_message(
    site: Site,
) -> None:
    answer = site.client.post(f"{path(site)}/page")
    assert "set-cookie" not in answer.headers
    assert "/e/" not in answer.text
    assert site.client.post(site.newest(0)).status_code == 303


# --- a word on the message ------------------------------------------------------------------------


def sent_path(site: Site, slot: int = 0) -> str:
    """The link in the message that person *slot* was sent."""
    site.shop.send("spring", "operator:tests")
    history = site.shop.journal.history(slot)
    (version,) = (told.version for told in history if isinstance(told.body, Attempt))
    return f"/p/{site.shop.links.make(Link(slot, version, 'offers', 'email'))}"


def words(site: Site, slot: int = 0) -> list[bool]:
    return [told.body.useful for told in site.shop.journal.history(slot)
            if isinstance(told.body, Feedback)]  # fmt: skip


def test_it_says_why_the_message_came_and_takes_a_word_on_it(site: Site) -> None:
    link = sent_path(site)
    page = site.client.get(link).text
    assert "Why this message" in page
    assert "came under: Offers." in page
    assert "It is about Garden." in page
    assert words(site) == []
    before = site.shop.wishes(0)
    answer = site.client.post(f"{link}/word", data={"word": "useful"}).text
    assert "Noted: it was useful." in answer
    answer = site.client.post(f"{link}/word", data={"word": "not_for_me"}).text
    assert "Noted: it was not for you." in answer
    assert 'name="topic.garden"' in answer
    assert 'name="topic.kitchen"' not in answer  # what it was about comes first, alone
    assert words(site) == [True, False]
    assert site.shop.wishes(0) == before
    assert "checked" not in answer.replace('value="" checked', "")


def test_the_page_of_a_message_shows_what_the_message_said_and_nothing_of_the_person(
    site: Site,
) -> None:
    first = sent_path(site)
    version = int(site.shop.journal.kept(1).standing.sent[0].version)  # type: ignore[union-attr]
    second = f"/p/{site.shop.links.make(Link(1, version, 'offers', 'email'))}"
    texts = {site.client.get(link).text.replace(link[3:], "TOKEN") for link in (first, second)}
    site.client.post(f"{first}/word", data={"word": "useful"})
    texts.add(site.client.get(first).text.replace(first[3:], "TOKEN"))
    assert len(texts) == 1


def test_a_word_that_is_none_and_a_link_of_no_message_change_nothing(site: Site) -> None:
    link = sent_path(site)
    assert site.client.post(f"{link}/word", data={"word": "great"}).status_code == 200
    assert site.client.post(f"{link}/word").status_code in {200, 400}
    assert words(site) == []
    assert site.client.post(f"{path(site)}/word", data={"word": "useful"}).status_code == 404
    assert site.client.post("/p/rubbish/word", data={"word": "useful"}).status_code == 404
    assert words(site) == []


def test_whoever_changes_their_word_without_end_is_told_what_was_not_recorded(site: Site) -> None:
    link = sent_path(site)
    for number in range(MOST_WORDS):
        word = "not_for_me" if number % 2 else "useful"
        assert "Noted: " in site.client.post(f"{link}/word", data={"word": word}).text
    answer = site.client.post(f"{link}/word", data={"word": "useful"})
    assert answer.status_code == 200
    assert "Nothing was changed." in answer.text
    assert "Noted: " not in answer.text
    again = site.client.post(f"{link}/word", data={"word": "not_for_me"}).text
    assert "Noted: it was not for you." in again  # it is what stands
    assert words(site) == [True, False] * (MOST_WORDS // 2)


def test_on_their_own_page_words_are_counted_with_their_records(site: Site) -> None:
    link = sent_path(site)
    site.client.post(f"{link}/word", data={"word": "useful"})
    site.enter()
    page = site.page()
    assert "You found 1 message useful" in page
    assert "You found it useful: " in page
