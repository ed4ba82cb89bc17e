"""What anybody may read: the promises as the log has them, every notice, the stand on GPC."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from reciprocity.brand import notice_hash
from reciprocity.collect.proposition import terms_of
from reciprocity.consent.draft import grant
from reciprocity.events import Act, Attempt, AuditPublished, ConsentRow, ScorecardPublished
from reciprocity.http.scorecard import KINDS
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.platform.scorecard import RULE
from reciprocity.prove import replay
from reciprocity.prove.cosigning import cosign
from reciprocity.prove.export import export_log
from reciprocity.prove.published import publish
from reciprocity.prove.verify import verify_log
from reciprocity.tlog.policy import open_cosigned
from reciprocity.tlog.signing import LogVerifier
from tests.http.conftest import visiting
from tests.prove.witnesses import folders, policy
from tests.shop import DAY, MAILDIR, Clock, add_people, new_shop
from tests.witness.running import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.http.conftest import Site

HOUR = 3_600_000
FRESH = 10_001


def page(site: Site, language: str = "en") -> str:
    site.clock.at += FRESH
    got = site.client.get("/promises", headers={"accept-language": language})
    assert got.status_code == 200
    assert "set-cookie" not in got.headers
    return got.text


def states(site: Site) -> dict[str, str]:
    site.clock.at += FRESH
    found: dict[str, str] = site.client.get("/promises.json").json()["promises"]
    return found


def test_before_anything_is_measured_all_say_so(site: Site) -> None:
    assert set(states(site).values()) == {"not_measured"}
    text = page(site)
    assert text.count("Not yet measured") == 5
    assert "Kept<" not in text


def test_after_a_night_what_was_measured_names_its_place_in_the_log(
    site: Site, tmp_path: Path
) -> None:
    site.shop.send("spring", "operator:tests")
    site.clock.at += DAY
    site.shop.tick("operator:tests")
    site.clock.at += FRESH
    found = site.client.get("/promises.json").json()
    assert found["promises"]["preferences_rule"] == "kept"
    assert found["promises"]["proved"] == "kept"
    assert found["promises"]["worth_it"] == "not_measured"  # nobody was promised anything
    audit, card = (
        site.shop.journal.told(found[name]["position"]).body for name in ("audit", "scorecard")
    )
    assert isinstance(audit, AuditPublished)
    assert isinstance(card, ScorecardPublished)
    assert card.rule == RULE
    assert found["audit"]["said"]["deliveries"] == audit.deliveries == 3
    text = page(site)
    assert text.index("Kept") < text.index("Not yet measured")
    assert "3 deliveries decided again from the log, in all" in text
    assert f"record {found['audit']['position']} of the log" in text
    folder = tmp_path / "log"
    export_log(site.shop.journal, folder)
    verify_log(folder, [site.shop.journal.signer().verifier_key.encode()])


def test_what_failed_comes_first_and_what_is_overdue_is_not_kept(site: Site) -> None:
    site.shop.send("spring", "operator:tests")
    (attempt,) = (
        told.body for told in site.shop.journal.history(0) if isinstance(told.body, Attempt)
    )
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.WITHDRAWN)
    act = Act(actor="person", method="web", consent=(row,))
    again = Attempt(**{
        **{name: getattr(attempt, name) for name in attempt.__struct_fields__},
        "occasion": "spring/again",
    })  # fmt: skip
    site.shop.journal.append([Entry(kind="consent.withdrawn", body=act, slot=0)])
    version = len(site.shop.journal.history(0))
    site.shop.journal.append([Entry(kind="delivery.attempted", body=again, slot=0, expect=version)])
    site.clock.at += DAY
    site.shop.tick("operator:tests")
    assert states(site)["preferences_rule"] == "not_kept"
    text = page(site)
    assert text.index("Not kept") < text.index("Kept<") < text.index("Not yet measured")
    assert "1 delivery that should not have been" in text
    audit = site.client.get("/promises.json").json()["audit"]["said"]
    (kind,) = audit["breaches"]
    assert text.index("1 delivery that should") < text.index(KINDS[kind] % {"count": 1})
    site.clock.at += 3 * HOUR
    assert states(site)["proved"] == "not_kept"  # no epoch for hours
    assert "No epoch in the last two hours" in page(site)
    site.clock.at += DAY
    assert "kept" not in states(site).values()
    assert "No audit in the last 26 hours" in page(site)


def test_every_kind_of_breach_has_words() -> None:
    told = replay.__doc__ or ""
    found = set(re.findall(r"^    ([a-z_]+)  +", told, re.MULTILINE))
    assert len(found) == 5
    assert set(KINDS) == found


def test_it_is_told_which_audit_last_judged_all_anew(site: Site) -> None:
    for _ in range(2):
        site.clock.at += DAY
        site.shop.tick("operator:tests")
    site.clock.at += FRESH
    found = site.client.get("/promises.json").json()
    assert (found["audit"]["said"]["mode"], found["full_audit"]["said"]["mode"]) == ("new", "full")
    assert found["full_audit"]["position"] < found["audit"]["position"]
    place = f"audit 1, {{}}: record {found['full_audit']['position']} of the log"
    text = page(site)
    assert re.search("judged anew by " + re.escape(place).replace(r"\{\}", "[^:]+:?[^:]*"), text)
    publish(site.shop.journal, full=True)
    assert "judged anew by" not in page(site)  # the newest is itself of everything


def test_the_erased_are_counted_and_it_is_told_who_can_check_that(site: Site) -> None:
    assert "only we can open" not in page(site)
    site.shop.erase(0, "operator:tests", now=True)
    text = page(site)
    assert "1 person was erased" in text
    assert text.index("1 person was erased") < text.index("records that only we can open")


def test_the_rule_is_published_before_anything_is_measured(site: Site) -> None:
    assert site.client.get("/promises.json").json()["rule"] == RULE


def test_who_cosigned_the_log_is_told_and_that_nobody_did(site: Site, tmp_path: Path) -> None:
    assert "No witness has cosigned it" in page(site)
    assert site.client.get("/promises.json").json()["cosigned"] is None
    log = site.shop.journal.signer().verifier_key
    made = folders(tmp_path, site.shop.journal, 2)
    with ExitStack() as stack:
        rule = policy(2, {one: stack.enter_context(serving(one)).url + "/" for one in made})
        assert cosign(site.shop.journal, rule).holds
    size = site.shop.journal.state().size
    assert f"2 witnesses cosigned its first {size} records" in page(site)
    told = site.client.get("/promises.json").json()["cosigned"]
    assert (told["size"], told["witnesses"]) == (size, ["witness.example/0", "witness.example/1"])
    opened = open_cosigned(told["note"].encode(), rule, LogVerifier, [log])
    assert opened.checkpoint.root == site.shop.journal.root(size)
    site.shop.send("spring", "operator:tests")
    assert f"2 witnesses cosigned its first {size} records" in page(site)  # no more than they did


def test_a_limit_is_not_called_kept_before_its_days_are_over(tmp_path: Path) -> None:
    limit = """
[propositions.few]
title = "Few"
purposes = ["offers"]
gives = [{ measure = "at_most", amount = 8, period_days = 30 }]
"""
    clock = Clock()
    with new_shop(tmp_path, MAILDIR + limit, clock) as shop:
        (slot,) = add_people(shop, 1)
        notice = terms_of(shop.statement, shop.laws, "few", "en")[0].notice
        saying = shop.saying("person", "join_page", notice=notice, notice_language="en")
        shop.act(slot, lambda: grant(saying, ["offers"]))
        for seen in visiting(shop, clock):
            clock.at += DAY
            shop.tick("operator:tests")
            assert states(seen)["worth_it"] == "not_measured"
            assert "1 is in its first period" in page(seen)
            clock.at += 29 * DAY
            shop.tick("operator:tests")
            assert states(seen)["worth_it"] == "kept"


def test_a_brand_that_never_audits_does_not_keep_the_promise_to(site: Site) -> None:
    assert states(site)["proved"] == "not_measured"
    site.clock.at += 27 * HOUR
    assert states(site)["proved"] == "not_kept"
    assert "No audit in the last 26 hours" in page(site)


def test_every_notice_that_was_ever_in_force_can_be_read(site: Site) -> None:
    file = site.shop.brand.folder / "brand.toml"
    was = "We would like to send you offers that fit what you tell us."
    file.write_text(file.read_text().replace(was, "May we send you <offers>?"))
    with type(site.shop).create(site.shop.brand.folder, site.clock) as again:
        again.apply("operator:tests")
    text = site.client.get("/notices").text
    assert was in text
    assert "May we send you &lt;offers&gt;?" in text
    assert text.count("Not in force any more") == 1
    old = notice_hash("start", "en", was)
    one = site.client.get(f"/notices/{old}").text
    assert was in one
    assert "&lt;offers&gt;" not in one
    assert site.client.get("/notices/n_other").status_code == 404


def test_global_privacy_control_is_stated_as_its_specification_asks(site: Site) -> None:
    got = site.client.get("/.well-known/gpc.json")
    assert got.json() == {"gpc": True, "lastUpdate": "2026-09-21"}
    assert got.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_the_first_page_leads_to_all_that_is_here(site: Site, language: str) -> None:
    got = site.client.get("/", headers={"accept-language": language})
    assert (got.status_code, f'lang="{language}"' in got.text) == (200, True)
    leads = re.findall(r'<li><a href="([^"]+)">[^<]+</a>', got.text)
    assert {"/enter", "/promises", "/notices", "/verify"} <= set(leads)
    assert {site.client.get(one).status_code for one in leads} == {200}


@pytest.mark.parametrize("path", ["/", "/promises", "/promises.json", "/notices"])
def test_nothing_public_can_be_written_to(site: Site, path: str) -> None:
    size = site.shop.journal.state().size
    assert site.client.post(path, data={"a": "b"}).status_code in {403, 404, 405}
    assert site.shop.journal.state().size == size
