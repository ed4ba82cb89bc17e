"""The link in every message can only ever mean less, and shows nothing of the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reciprocity.deliver.link import Link
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
