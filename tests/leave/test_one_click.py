"""One click in a message: how far it reaches, and that nothing later fills the gap."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reciprocity.consent.draft import grant, refuse
from reciprocity.deliver.link import Link
from reciprocity.errors import Conflict, Unavailable
from reciprocity.events import Act, ConsentRow, Evidence
from reciprocity.journal.entry import Entry
from reciprocity.leave.erase import erase
from reciprocity.leave.one_click import (
    reach,
    statement_without_keys,
    withdraw_by_link,
    withdraw_without_keys,
)
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity
from reciprocity.storage import connect
from tests.shop import BRAND, DAY, MAILDIR, START, Clock, add_people, entry_for, new_shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reciprocity.consent.draft import Drafted, Saying


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Reciprocity]:
    with new_shop(tmp_path) as shop:
        yield shop


def click(shop: Reciprocity, slot: int, purpose: str = "offers", channel: str = "email") -> bool:
    return withdraw_by_link(shop.journal, shop.statement, Link(slot, 1, purpose, channel))


def state(shop: Reciprocity, slot: int) -> str:
    answer = shop.wishes(slot).answers.get("offers/email")
    return answer.state if answer else "never_asked"


def kinds(shop: Reciprocity, slot: int) -> list[str]:
    return [told.kind for told in shop.journal.history(slot)]


def test_one_click_takes_the_yes_back_in_the_persons_own_name(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    assert click(shop, slot)
    told = shop.journal.history(slot)[-1]
    assert isinstance(told.body, Act)
    assert (told.kind, told.body.actor, told.body.method) == (
        "consent.withdrawn",
        "person",
        "one_click",
    )
    assert shop.why(slot, "spring", "garden").decision.reason == "withdrawn"


def test_the_second_click_changes_nothing(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    assert click(shop, slot)
    assert not click(shop, slot)
    assert kinds(shop, slot) == ["consent.granted", "consent.withdrawn"]


def test_a_click_after_a_later_yes_takes_that_back_too(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    click(shop, slot)
    row = ConsentRow(
        purpose="offers", channel="email", state=ConsentState.GIVEN, until=START + 90 * DAY
    )
    act = Act(actor="person", method="web", consent=(row,))
    shop.journal.append([Entry(kind="consent.granted", body=act, slot=slot)])
    assert state(shop, slot) == "given"
    assert click(shop, slot)
    assert state(shop, slot) == "withdrawn"


def test_a_click_in_a_service_message_stops_all_that_rests_on_a_yes(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    assert reach(shop.statement, Link(slot, 1, "order", "email")) == ("offers",)
    assert click(shop, slot, purpose="order")
    assert state(shop, slot) == "withdrawn"


def test_a_click_for_a_purpose_declared_no_more_stops_all_on_the_channel(
    shop: Reciprocity,
) -> None:
    (slot,) = add_people(shop, 1)
    assert click(shop, slot, purpose="retired")
    assert state(shop, slot) == "withdrawn"


def test_no_import_fills_the_gap_after_a_click(shop: Reciprocity) -> None:
    """Somebody who was never asked, got a service message and pressed stop all the same."""
    first = entry_for(shop, 0, {}, given=False)[0]
    slot = shop.journal.append([first])[0].slot
    assert state(shop, slot) == "never_asked"
    assert click(shop, slot, purpose="order")
    row = ConsentRow(
        purpose="offers", channel="email", state=ConsentState.GIVEN, until=START + 90 * DAY
    )
    evidence = Evidence(when=START - DAY, how="form", text="yes")
    told = Act(actor="import:crm", method="import", consent=(row,), evidence=evidence)
    shop.journal.append([Entry(kind="person.imported", body=told, slot=slot)])
    assert state(shop, slot) == "withdrawn"


def test_a_click_after_erasure_is_no_error_and_changes_nothing(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    erase(shop.journal, slot, operator="operator:tests", now=True)
    size = shop.journal.state().size
    assert not click(shop, slot)
    assert shop.journal.state().size == size


def test_a_link_older_than_the_journal_is_not_called_done(shop: Reciprocity) -> None:
    """The journal was restored from before this person came: nothing can be promised."""
    with pytest.raises(Conflict, match="restore"):
        click(shop, 41)


def test_many_clicks_at_once_make_one_event(shop: Reciprocity) -> None:
    (slot,) = add_people(shop, 1)
    changed: list[bool] = []
    threads = [threading.Thread(target=lambda: changed.append(click(shop, slot))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(changed) == [False] * 7 + [True]
    assert kinds(shop, slot) == ["consent.granted", "consent.withdrawn"]


def test_without_keys_it_stops_every_decision_and_is_sealed_by_the_next_reader(
    shop: Reciprocity,
) -> None:
    (slot,) = add_people(shop, 1)
    with closing(connect(shop.journal.folder / "journal.db", durable=True)) as db:
        for _ in range(3):
            withdraw_without_keys(db, Link(slot, 1, "offers", "email"), START + 9)
        assert db.execute("SELECT COUNT(*) FROM pending_act").fetchone() == (1,)
        assert shop.journal.version(slot) == -1  # what the sender sees at the door
        assert shop.why(slot, "spring", "garden").decision.reason == "withdrawn"
        assert db.execute("SELECT COUNT(*) FROM pending_act").fetchone() == (0,)
    assert kinds(shop, slot) == ["consent.granted", "consent.withdrawn"]


def test_before_the_brand_is_applied_there_is_nothing_to_show(tmp_path: Path) -> None:
    (tmp_path / "brand.toml").write_text(BRAND.format(transport=MAILDIR))
    with (
        Reciprocity.create(tmp_path, Clock()) as shop,
        closing(shop.journal.connection()) as db,
        pytest.raises(Unavailable, match="reciprocity apply"),
    ):
        statement_without_keys(db)


def lose_from_cache(shop: Reciprocity, slot: int) -> None:
    """Let the standing cache have lost one person."""
    with closing(connect(shop.brand.folder / "standing.db", durable=False)) as db:
        db.execute("DELETE FROM standing WHERE slot = ?", (slot,))


def test_a_click_of_somebody_whom_the_cache_lost_is_not_lost_with_them(shop: Reciprocity) -> None:
    ann, ben = add_people(shop, 2)
    lose_from_cache(shop, ann)
    assert click(shop, ann)
    assert (state(shop, ann), state(shop, ben)) == ("withdrawn", "given")
    assert shop.send("spring", "operator:tests").delivered == 1


def test_nor_is_one_that_was_noted_while_keys_were_away(shop: Reciprocity) -> None:
    ann, _ = add_people(shop, 2)
    with closing(shop.journal.connection()) as db:
        withdraw_without_keys(db, Link(ann, 1, "offers", "email"), shop.journal.clock())
    lose_from_cache(shop, ann)
    assert shop.send("spring", "operator:tests").delivered == 1
    assert state(shop, ann) == "withdrawn"


def test_an_act_that_takes_away_is_not_held_up_by_a_history_that_never_rests(
    shop: Reciprocity,
) -> None:
    (ann,) = add_people(shop, 1)

    def restless(make: Callable[[Saying, list[str]], Drafted]) -> Drafted:
        """Something else is recorded of them each time after what stands was read."""
        shop.journal.append([entry_of_language(ann)])
        return make(shop.saying("person", "web"), ["offers"])

    with pytest.raises(Conflict, match="kept moving on"):
        shop.act(ann, lambda: restless(grant))
    shop.act(ann, lambda: restless(refuse))
    assert state(shop, ann) == "refused"


def entry_of_language(slot: int) -> Entry:
    act = Act(actor="person", method="web", language="en")
    return Entry(kind="preferences.set", body=act, slot=slot)
