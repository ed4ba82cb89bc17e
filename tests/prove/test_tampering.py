"""Somebody with the database files and a free hand: all of it is found, or does no harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from reciprocity.errors import Damaged, ReciprocityError
from reciprocity.events import Act, LogRestored
from reciprocity.journal.entry import Entry
from reciprocity.journal.restore import sign_gap
from reciprocity.journal.standing import Standing
from reciprocity.model import ConsentState
from reciprocity.platform import Reciprocity
from reciprocity.prove.published import audit_new, publish
from reciprocity.vault.suppression import suppress
from tests.deliver.test_kill import recipients
from tests.place import blob, lose, unguarded
from tests.shop import DAY, Clock, add_people, entry_for, new_shop, withdraw

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = 6
NOBODY = (
    "UPDATE event SET slot = NULL, version = NULL, recorded_at = NULL, happened_at = NULL,"
    " kind = NULL, sealed = NULL, act_id = NULL WHERE "
)
ONE = "(SELECT digest FROM suppression ORDER BY digest LIMIT 1)"
LAST_OF_1 = "slot = 1 AND version = (SELECT MAX(version) FROM event WHERE slot = 1)"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path, clock: Clock) -> Path:
    """A brand that sent a campaign; person 1 withdrew since; person 6 said no from the start."""
    with new_shop(tmp_path, clock=clock) as shop:
        add_people(shop, PEOPLE)
        shop.journal.append(entry_for(shop, PEOPLE, {"garden": 2}, given=False))
        shop.send("spring", "operator:tests")
        clock.at += DAY
        withdraw(shop, 1)
        act = Act(actor="person", method="web", language="de")
        shop.journal.append([Entry(kind="preferences.set", body=act, slot=1)])
        assert shop.audit().breaches == ()
    return tmp_path / "shop"


def tamper(folder: Path, *statements: str, file: str = "journal.db") -> None:
    """Take the guards away and change what *statements* say."""
    with unguarded(folder, file) as db:
        db.begin()
        for each in statements:
            changed = db.execute(each.replace("JUNK", blob(bytes(33)))).rowcount
            assert changed != 0, each
        db.commit()


WITHDRAWAL = "kind = 'consent.withdrawn'"
END = "position = (SELECT MAX(position) FROM event)"
FIRSTS = "slot IN (2, 3) AND version = 1"
CHANGES: dict[str, list[str]] = {
    "a statement": ["UPDATE event SET kind = 'x' WHERE kind = 'brand.applied'"],
    "a kind": [f"UPDATE event SET kind = 'consent.granted' WHERE {WITHDRAWAL}"],
    "when it was recorded": ["UPDATE event SET recorded_at = recorded_at - 1 WHERE slot = 1"],
    "when it happened": [f"UPDATE event SET happened_at = 5 WHERE {WITHDRAWAL}"],
    "when a plan was made": ["UPDATE event SET recorded_at = 5 WHERE kind = 'campaign.planned'"],
    "whose it is": [f"UPDATE event SET slot = 2, version = 9 WHERE {WITHDRAWAL}"],
    "a person there is not": [f"UPDATE event SET slot = 99 WHERE {WITHDRAWAL}"],
    "hidden among the erased": [NOBODY + WITHDRAWAL],
    "the last event hidden": [NOBODY + LAST_OF_1],
    "a whole person hidden": [f"{NOBODY} slot = 1"],
    "only the slot gone": [f"UPDATE event SET slot = NULL WHERE {WITHDRAWAL}"],
    "a leaf": ["UPDATE event SET leaf = JUNK WHERE slot = 1"],
    "seals gone": ["UPDATE event SET sealed = NULL WHERE slot = 1"],
    "seals swapped": [
        f"CREATE TEMP TABLE a AS SELECT 5 - slot AS slot, sealed FROM event WHERE {FIRSTS}",
        f"UPDATE event SET sealed = (SELECT sealed FROM a WHERE slot = event.slot) WHERE {FIRSTS}",
    ],
    "people swapped": [
        "UPDATE event SET slot = -1 - slot WHERE slot IN (2, 3)",
        "UPDATE event SET slot = 6 + slot WHERE slot IN (-3, -4)",
    ],
    "the end cut off": [f"DELETE FROM event WHERE {END}"],
    "a hole": [f"DELETE FROM event WHERE {WITHDRAWAL}"],
    "the end and its count": [
        f"DELETE FROM event WHERE {END}",
        "UPDATE log_state SET size = size - 1",
    ],
    "a smaller log": ["UPDATE log_state SET size = size - 2"],
    "the checkpoint": ["UPDATE log_state SET checkpoint = JUNK"],
    "the origin": ["UPDATE log_state SET origin = 'other.example/log'"],
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_in_the_journal_is_found(folder: Path, clock: Clock, what: str) -> None:
    tamper(folder, *CHANGES[what])
    with pytest.raises(ReciprocityError), Reciprocity.open(folder, clock) as shop:
        shop.audit()


INSIDE = {
    "a kind", "when it happened", "whose it is", "a person there is not", "seals gone",
    "seals swapped", "people swapped",
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("touched", [False, True])
def test_an_audit_of_what_is_new_finds_it_too_unless_nobody_it_opens_is_concerned(
    folder: Path, clock: Clock, what: str, *, touched: bool
) -> None:
    with Reciprocity.open(folder, clock) as shop:
        publish(shop.journal)
        if touched:
            body = Act(actor="person", method="web", language="fr")
            for slot in range(PEOPLE):
                shop.journal.append([Entry(kind="preferences.set", body=body, slot=slot)])
    tamper(folder, *CHANGES[what])
    if what in INSIDE and not touched:
        with Reciprocity.open(folder, clock) as shop:
            audit_new(shop.journal)
        return
    with pytest.raises(ReciprocityError), Reciprocity.open(folder, clock) as shop:
        audit_new(shop.journal)


def test_a_leaf_that_is_no_bytes_is_no_fault_of_the_program(folder: Path, clock: Clock) -> None:
    with Reciprocity.open(folder, clock) as shop:
        tamper(folder, f"UPDATE event SET leaf = {blob(bytes([1, 255, 254, 253]))} WHERE slot = 1")
        with pytest.raises(ReciprocityError):
            shop.audit()


def test_keys_swapped_between_people_are_found(folder: Path, clock: Clock) -> None:
    tamper(
        folder,
        "UPDATE person_key SET slot = -1 - slot WHERE slot IN (2, 3)",
        "UPDATE person_key SET slot = 6 + slot WHERE slot IN (-3, -4)",
        file="keys.db",
    )
    with pytest.raises(ReciprocityError), Reciprocity.open(folder, clock) as shop:
        shop.audit()


def test_addresses_swapped_in_the_vault_send_nothing_to_anybody(folder: Path, clock: Clock) -> None:
    tamper(
        folder,
        "CREATE TEMP TABLE a AS SELECT slot, sealed FROM vault WHERE slot IN (2, 3)",
        "UPDATE vault SET sealed = (SELECT a.sealed FROM a WHERE a.slot = 5 - vault.slot)"
        " WHERE slot IN (2, 3)",
    )
    file = folder / "brand.toml"
    file.write_text(file.read_text().replace("limit = 1", "").replace(
        "[campaigns.spring]\n", "[campaigns.spring]\nlimit = 2\n"
    ).replace("topics = { kitchen = 1 }", "topics = { garden = 1 }"))  # fmt: skip
    with Reciprocity.open(folder, clock) as shop:
        shop.apply("operator:tests")
        before = len(recipients(shop))
        with pytest.raises(Damaged):
            shop.send("spring", "operator:tests")
        assert len(recipients(shop)) == before


def test_a_tile_changed_is_found_before_anybody_is_given_a_proof(
    folder: Path, clock: Clock
) -> None:
    with Reciprocity.open(folder, clock) as shop:
        add_people(shop, 300)
    tamper(folder, f"UPDATE tile SET hashes = {blob(bytes(8192))} WHERE level = 0")
    with Reciprocity.open(folder, clock) as shop, pytest.raises(Damaged, match="tile 0"):
        shop.audit()


def test_an_address_taken_off_the_suppression_list_is_found(folder: Path, clock: Clock) -> None:
    with Reciprocity.open(folder, clock) as shop:
        suppress(shop.journal, ["p2@example.com", "x@example.com"], actor="operator:a", reason="x")
        assert shop.audit().breaches == ()
    tamper(folder, f"DELETE FROM suppression WHERE digest = {ONE}")
    with Reciprocity.open(folder, clock) as shop, pytest.raises(Damaged, match="suppression"):
        shop.audit()


def test_time_turned_back_to_when_a_yes_still_stood_is_found(folder: Path, clock: Clock) -> None:
    """The machine's clock and the journal's last instant, both set back by hand."""
    with Reciprocity.open(folder, clock) as shop:
        (slot,) = add_people(shop, 1)
        clock.at += 366 * DAY
        act = Act(actor="person", method="web", language="fr")
        shop.journal.append([Entry(kind="preferences.set", body=act, slot=3)])
        assert shop.send("spring", "operator:tests").delivered == 0
    clock.at -= 366 * DAY
    tamper(folder, f"UPDATE log_state SET last_at = {clock.at}")
    with Reciprocity.open(folder, clock) as shop:
        assert shop.send("spring", "operator:tests").delivered == 1
        with pytest.raises(Damaged, match="older than the one before"):
            shop.audit()
    assert slot


def test_another_statement_made_to_be_in_force_is_found(folder: Path, clock: Clock) -> None:
    file = folder / "brand.toml"
    with Reciprocity.open(folder, clock) as shop:
        old = shop.journal.in_force("brand")
        assert old is not None
    file.write_text(file.read_text().replace("cap_7_days = 3", "cap_7_days = 0"))
    with Reciprocity.open(folder, clock) as shop:
        shop.apply("operator:tests")
        (slot,) = add_people(shop, 1)
        assert shop.send("spring", "operator:tests").delivered == 0
        person = shop.journal.pseudonym(slot)
    tamper(folder, f"UPDATE in_force SET position = {old[0]} WHERE name = 'brand'")
    with Reciprocity.open(folder, clock) as shop:
        assert shop.send("spring", "operator:tests").delivered == 1
        (found,) = shop.audit().breaches
        assert (found.kind, found.person) == ("rule_refuses", person)
        assert found.reason == "statement_not_in_force"


def state_restored(shop: Reciprocity) -> None:
    state = shop.journal.state()
    body = LogRestored(
        origin=f"{state.origin}/2", key=shop.journal.signer().verifier_key.encode(),
        old_origin=state.origin, old_size=state.size,
        old_root=shop.journal.root(state.size).hex(), restored_size=state.size,
    )  # fmt: skip
    shop.journal.append([Entry(kind="log.restored", body=body)])


def test_a_second_restore_does_not_hide_the_gap_of_the_first(folder: Path, clock: Clock) -> None:
    with Reciprocity.open(folder, clock) as shop:
        state_restored(shop)
        add_people(shop, 1)
    tamper(folder, "UPDATE log_state SET gap = 0")
    with Reciprocity.open(folder, clock) as shop:
        assert shop.send("spring", "operator:tests").delivered == 1
        state_restored(shop)
        for who in ("ada", "bea"):
            sign_gap(shop.journal, who)
        assert [one.reason for one in shop.audit().breaches] == ["gap_not_signed"]


def test_a_gap_declared_closed_by_hand_is_found(folder: Path, clock: Clock) -> None:
    with Reciprocity.open(folder, clock) as shop:
        state_restored(shop)
        add_people(shop, 1)
        with pytest.raises(ReciprocityError, match="gap"):
            shop.send("spring", "operator:tests")
    tamper(folder, "UPDATE log_state SET gap = 0")
    with Reciprocity.open(folder, clock) as shop:
        assert shop.send("spring", "operator:tests").delivered == 1
        assert [one.reason for one in shop.audit().breaches] == ["gap_not_signed"]


def test_a_yes_forged_in_the_cache_is_found(folder: Path, clock: Clock) -> None:
    """The cache is clear and nobody's truth: a letter may leave by it, but not unseen."""
    with unguarded(folder, "standing.db") as db:
        (blob,) = db.execute("SELECT state FROM standing WHERE slot = ?", (PEOPLE,)).fetchone()
        standing = msgspec.msgpack.decode(blob, type=Standing)
        answer = msgspec.structs.replace(
            standing.wishes.answers["offers/email"],
            state=ConsentState.GIVEN,
            until=clock.at + 100 * DAY,
        )
        wishes = msgspec.structs.replace(standing.wishes, answers={"offers/email": answer})
        blob = msgspec.msgpack.encode(msgspec.structs.replace(standing, wishes=wishes))
        db.execute("UPDATE standing SET state = ? WHERE slot = ?", (blob, PEOPLE))
    with Reciprocity.open(folder, clock) as shop:
        shop.send("spring", "operator:tests")
        person = shop.journal.pseudonym(PEOPLE)
        found = [(one.kind, one.person, one.reason) for one in shop.audit().breaches]
        assert found == [("no_consent", person, "refused")]
        shop.journal.rebuild()
        kept = shop.journal.kept(PEOPLE)
        assert kept is not None
        assert kept.standing.wishes.answers["offers/email"].state is ConsentState.REFUSED


def test_whatever_is_put_into_the_outbox_is_decided_anew(folder: Path, clock: Clock) -> None:
    rows = [
        ("spring", PEOPLE, "garden"),  # said no
        ("spring", 1, "garden"),  # withdrew
        ("spring", 2, "garden"),  # got it
        ("spring", 2, "kitchen"),  # got another one
        ("spring", 77, "garden"),  # nobody
        ("spring", 3, "lawn"),  # no such message
    ]
    with unguarded(folder, "standing.db") as db:
        db.executemany("INSERT INTO outbox VALUES (?, ?, ?, 0, 0, 0)", rows)
    with Reciprocity.open(folder, clock) as shop:
        before = sorted(recipients(shop))
        (report,) = shop.send_waiting()
        assert (report.delivered, report.waiting) == (0, 0)
        assert sorted(recipients(shop)) == before
        assert shop.audit().breaches == ()


def test_a_cache_thrown_away_loses_nobody_and_repeats_nobody(folder: Path, clock: Clock) -> None:
    with Reciprocity.open(folder, clock) as shop:
        add_people(shop, 2)
    lose(folder, "standing.db")
    with Reciprocity.open(folder, clock) as shop:
        assert shop.send("spring", "operator:tests").delivered == 2
        assert len(recipients(shop)) == len(set(recipients(shop))) == PEOPLE + 2
        assert shop.audit().breaches == ()


def test_a_withdrawal_hidden_is_found_by_a_cache_made_anew(folder: Path, clock: Clock) -> None:
    """Not only by an audit: nobody decides from such a history."""
    for where in ("kind = 'consent.withdrawn'", LAST_OF_1):
        tamper(folder, NOBODY + where)
        lose(folder, "standing.db")
        with pytest.raises(Damaged), Reciprocity.open(folder, clock) as shop:
            shop.plan("spring")
