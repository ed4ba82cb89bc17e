"""The one way to write: all or nothing, in order, once, and durable before anybody is told."""

import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from reciprocity.errors import Conflict, Damaged, InputError, ReciprocityError, Unavailable
from reciprocity.events import Act, CampaignStated, LogOpened, LogRestored, TopicLevel
from reciprocity.journal.entry import SAME_NEW, TAKES_AWAY, Entry, act_part
from reciprocity.journal.journal import Journal
from reciprocity.keys import mint
from reciprocity.model import ConsentState, Profile
from tests.journal.small import (
    NOON,
    ORIGIN,
    Clock,
    address,
    attempt,
    create,
    everything,
    no_more,
    noted,
    one,
    register,
    registration,
    reopen,
    state_of,
    stated,
    yes,
)
from tests.place import lose, put_back, save

ROOT = Path(__file__).resolve().parents[2]


# --- compare and swap ---


def test_an_append_decided_from_an_older_version_is_refused(journal: Journal) -> None:
    ann = register(journal, "ann")
    decided = attempt(journal, ann)
    journal.append([no_more(ann)])
    size = journal.state().size
    with pytest.raises(Conflict, match="version 2 to 3"):
        journal.append([decided])
    assert journal.state().size == size


def test_an_act_that_takes_away_needs_no_version(journal: Journal) -> None:
    ann = register(journal, "ann")
    for _ in range(3):
        journal.append([no_more(ann)])
    assert state_of(journal, ann) is ConsentState.WITHDRAWN
    assert [told.version for told in journal.history(ann)] == [1, 2, 3, 4, 5]


def test_of_two_attempts_in_one_turn_the_second_is_refused(journal: Journal) -> None:
    ann = register(journal, "ann")
    first, second = journal.append_many([[attempt(journal, ann)], [attempt(journal, ann)]])
    assert isinstance(first, list)
    assert isinstance(second, Conflict)


def test_an_attempt_names_what_is_in_force(journal: Journal) -> None:
    ann = register(journal, "ann")
    decided = attempt(journal, ann)
    journal.append([stated("rulebook.applied", "rulebook", {"rules": ["another"]})])
    with pytest.raises(Conflict, match="no longer in force"):
        journal.append([decided])


def test_an_attempt_is_recorded_soon_after_it_was_decided(journal: Journal, clock: Clock) -> None:
    ann = register(journal, "ann")
    decided = attempt(journal, ann)
    clock.at += 5_001
    with pytest.raises(Conflict, match="too long ago"):
        journal.append([decided])


def test_an_attempt_without_a_version_is_refused(journal: Journal) -> None:
    ann = register(journal, "ann")
    with pytest.raises(InputError, match="version"):
        journal.append([attempt(journal, ann, expect=-1)])


# --- act ids ---


def test_a_retried_act_gets_the_same_answer(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    ann = register(journal, "ann")
    first = one(journal.append([no_more(ann, act_id="click-7")]))
    size, other = journal.state().size, reopen(tmp_path, clock)
    for again in (
        one(journal.append([no_more(ann, act_id="click-7")])),
        one(other.append([no_more(ann, act_id="click-7")])),
    ):
        assert again.again
        assert (again.position, again.at, again.slot, again.version) == (
            first.position, first.at, first.slot, first.version,
        )  # fmt: skip
    assert journal.state().size == size
    other.close()


def test_a_retried_registration_finds_the_person_it_made(journal: Journal) -> None:
    entries = [registration(journal, "ann", act_id="form-1"), yes(act_id=act_part("form-1", 1))]
    first = journal.append(entries)
    again = journal.append(entries)
    assert [each.again for each in again] == [True, True]
    assert [(e.slot, e.version, e.position) for e in again] == [
        (e.slot, e.version, e.position) for e in first
    ]


def test_an_act_id_that_comes_twice_in_one_turn_is_one_act(journal: Journal) -> None:
    ann = register(journal, "ann")
    entries = [registration(journal, "bob", act_id="form-2"), yes()]
    answers = journal.append_many([
        [no_more(ann, act_id="click")], [no_more(ann, act_id="click")], entries, entries,
    ])  # fmt: skip
    assert all(isinstance(answer, list) for answer in answers)
    first, second, _, fourth = answers
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert isinstance(fourth, list)
    assert second[0].position == first[0].position
    assert second[0].again
    assert [each.again for each in fourth] == [True, True]
    assert len(journal.history(ann)) == 3
    assert journal.count() == 2


def test_an_act_id_of_another_act_is_a_conflict_and_harms_nobody_else(journal: Journal) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    journal.append([no_more(ann, act_id="x")])
    answers = journal.append_many([
        [yes(ann, act_id="x")],
        [no_more(bob, act_id="x")],
        [yes(bob), yes(bob, act_id="x")],
        [yes(bob, act_id="y")],
        [no_more(bob, act_id="y")],
        [no_more(bob)],
    ])  # fmt: skip
    assert [type(answer) for answer in answers] == [
        Conflict, Conflict, Conflict, list, Conflict, list,
    ]  # fmt: skip


def test_a_retry_that_grew_a_part_is_another_act(journal: Journal) -> None:
    ann = register(journal, "ann")
    journal.append([yes(ann, act_id="x")])
    journal.append([yes(ann)])
    with pytest.raises(Conflict):
        journal.append([yes(ann, act_id="x"), yes(ann, act_id=act_part("x", 1))])


# --- a refused request leaves no trace ---


def _bad_requests(journal: Journal, ann: int) -> dict[str, list[Entry]]:
    eve = registration(journal, "eve")
    new_slot = len(everything(journal)) + 9
    return {
        "no entry": [],
        "unknown kind": [Entry(kind="consent.invented", body=Act(actor="a", method="m"), slot=ann)],
        "a body of another kind": [
            Entry(kind="delivery.held", body=Act(actor="a", method="m"), slot=ann)
        ],
        "a level out of range": [
            Entry(kind="preferences.set", slot=ann, body=Act(
                actor="person", method="form", topics={"tea": TopicLevel(level=7)}))
        ],
        "an instant out of range": [yes(ann, happened_at=2**60)],
        "an instant before time": [yes(ann, happened_at=-1)],
        "something that is no text": [
            Entry(kind="consent.granted", slot=ann, body=Act(actor=object(), method="form"))  # type: ignore[arg-type]
        ],
        "a lone surrogate": [
            Entry(kind="consent.granted", slot=ann, body=Act(actor="\udc00", method="form"))
        ],
        "a profile that does not read back": [
            Entry(kind="profile.set", slot=ann, body=Act(actor="person", method="form"),
                  profile=Profile(points={"No Id!": "x"}))
        ],
        "a new person, then a stranger": [eve, yes(9_999)],
        "a new person twice": [eve, eve],
        "a new person who is known": [registration(journal, "ann")],
        "an attempt on a new person": [
            msgspec.structs.replace(attempt(journal, ann), new=eve.new, slot=-1)
        ],
        "a new person, then an attempt": [
            eve, msgspec.structs.replace(attempt(journal, ann), slot=SAME_NEW, expect=7)
        ],
        "a yes, then a conflict": [yes(ann), yes(ann, expect=1)],
        "the new one without a new one": [yes(SAME_NEW)],
        "a slot not given yet": [yes(new_slot)],
        "a campaign that puts nothing in force": [
            Entry(kind="campaign.stated", body=CampaignStated(campaign="spring", actor="a"))
        ],
        "a brand that is none": [stated("brand.applied", "brand", {"id": 7})],
        "a statement, then a stranger": [
            stated("rulebook.applied", "rulebook", {"rules": ["x"]}), yes(9_999)
        ],
        "a second opening": [
            Entry(kind="log.opened", body=LogOpened(origin="evil", key="k", software="s"))
        ],
        "a restore that never was": [
            Entry(kind="log.restored", body=LogRestored(
                origin="evil", key="k", old_origin=ORIGIN, old_size=3, old_root="",
                restored_size=2))
        ],
    }  # fmt: skip


BAD = (
    "no entry", "unknown kind", "a body of another kind", "a level out of range",
    "an instant out of range", "an instant before time", "something that is no text",
    "a lone surrogate", "a profile that does not read back", "a new person, then a stranger",
    "a new person twice", "a new person who is known", "an attempt on a new person",
    "a new person, then an attempt", "a yes, then a conflict", "the new one without a new one",
    "a slot not given yet", "a campaign that puts nothing in force", "a brand that is none",
    "a statement, then a stranger", "a second opening", "a restore that never was",
)  # fmt: skip


def test_every_bad_request_is_listed(journal: Journal) -> None:
    assert set(_bad_requests(journal, register(journal, "ann"))) == set(BAD)


@pytest.mark.parametrize("name", BAD)
def test_a_refused_request_leaves_no_trace_for_the_next(journal: Journal, name: str) -> None:
    ann = register(journal, "ann")
    bad = _bad_requests(journal, ann)[name]
    forced = journal.reader.in_force()
    size, next_slot = journal.state().size, journal.state().next_slot
    bob = [registration(journal, "bob"), yes()]
    refused, also, taken, again = journal.append_many([bad, bad, bob, bad])
    assert isinstance(refused, ReciprocityError), refused
    assert isinstance(also, ReciprocityError)
    assert isinstance(again, ReciprocityError)
    assert isinstance(taken, list)
    assert [(each.position, each.slot, each.version) for each in taken] == [
        (size, next_slot, 1), (size + 1, next_slot, 2),
    ]  # fmt: skip
    state = journal.state()
    assert (state.size, state.next_slot, state.origin, state.gap) == (
        size + 2, next_slot + 1, ORIGIN, 0,
    )  # fmt: skip
    assert journal.reader.in_force() == forced
    assert len(journal.history(next_slot)) == 2
    assert journal.profile(next_slot).points == {"email": address("bob")}
    assert journal.find(journal.digest("email", address("eve"))) is None
    before = everything(journal)
    journal.rebuild()
    assert everything(journal) == before


# --- many at once ---


def test_many_threads_share_turns_and_none_is_lost(journal: Journal) -> None:
    slots = [register(journal, f"p{number}") for number in range(8)]
    size = journal.state().size
    answers: list[tuple[int, int]] = []
    lock = threading.Lock()

    def speak(slot: int, thread: int) -> None:
        for number in range(20):
            said = one(journal.append([yes(slot, act_id=f"{thread}/{number}")], prove=True))
            assert said.proof
            with lock:
                answers.append((said.slot, said.version))

    threads = [
        threading.Thread(target=speak, args=(slots[number % 8], number)) for number in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.state().size == size + 320
    assert len(set(answers)) == 320
    for slot in slots:
        assert [told.version for told in journal.history(slot)] == list(range(1, 43))
    before = everything(journal)
    journal.rebuild()
    assert everything(journal) == before


CHILD = """
import sys
from pathlib import Path
from tests.journal.small import reopen, register, yes, noted
from reciprocity.journal.journal import now_ms
name, folder, slot = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
with reopen(folder, now_ms) as journal:
    for number in range(60):
        said = journal.append([yes(slot)])[0]
        print(said.position, said.version, flush=True)
        if number % 10 == 0:
            register(journal, f"{name}{number}")
"""


def test_two_processes_append_at_once_and_nothing_is_lost_or_doubled(
    tmp_path: Path,
) -> None:
    with create(tmp_path, Clock()) as journal:
        ann = register(journal, "ann")
        children = [
            subprocess.Popen(
                [sys.executable, "-c", CHILD, name, str(tmp_path), str(ann)],
                cwd=ROOT, stdout=subprocess.PIPE, text=True,
            )
            for name in ("left", "right")
        ]  # fmt: skip
        own = [journal.append([noted()])[0].position for _ in range(30)]
        said = [child.communicate(timeout=60)[0].splitlines() for child in children]
        assert [child.returncode for child in children] == [0, 0]
        pairs = [tuple(map(int, line.split())) for lines in said for line in lines]
        assert sorted(version for _, version in pairs) == list(range(3, 123))
        positions = [position for position, _ in pairs] + own
        assert len(set(positions)) == 150
        assert journal.count() == 13
        assert len(journal.history(ann)) == 122
        before = everything(journal)
        journal.rebuild()
        assert everything(journal) == before


# --- time ---


def test_time_never_runs_backwards(journal: Journal, clock: Clock) -> None:
    ann = register(journal, "ann")
    for at in (NOON + 10, NOON + 7, NOON + 10 - 5_000, NOON + 12):
        clock.at = at
        journal.append([yes(ann)])
    at = [told.at for told in journal.history(ann)]
    assert at == sorted(at)
    assert at[-4:] == [NOON + 10, NOON + 10, NOON + 10, NOON + 12]


def test_a_clock_set_back_takes_only_what_takes_away(journal: Journal, clock: Clock) -> None:
    ann = register(journal, "ann")
    decided = attempt(journal, ann)
    clock.at = NOON - 5_001
    for entry in (yes(ann), registration(journal, "bob"), decided,
                  stated("rulebook.applied", "rulebook", {})):  # fmt: skip
        with pytest.raises(Unavailable, match="clock"):
            journal.append([entry])
    said = one(journal.append([no_more(ann)]))
    assert said.at == NOON
    assert state_of(journal, ann) is ConsentState.WITHDRAWN
    assert "delivery.attempted" not in TAKES_AWAY
    clock.at = NOON - 5_000
    journal.append([yes(ann)])


def test_what_the_source_says_of_time_is_kept_beside(journal: Journal) -> None:
    ann = register(journal, "ann")
    journal.append([yes(ann, happened_at=5)])
    told = journal.history(ann)[-1]
    assert (told.at, told.happened_at) == (NOON, 5)


# --- keys before the journal ---


def test_a_key_without_an_event_stops_nobody(journal: Journal) -> None:
    """A turn killed between the two files leaves keys, and index entries, that lead nowhere."""
    ann = journal.digest("email", address("ann"))
    journal.keys.begin()
    journal.keys.keep(mint([0]), NOON)
    journal.keys.index([(ann, 0)])
    journal.keys.commit()
    assert journal.find(ann) is None
    assert journal.find_many([ann]) == {}
    slot = register(journal, "ann")
    assert slot == 1
    assert journal.find(ann) == 1
    assert len(journal.history(1)) == 2


def test_keys_older_than_the_journal_are_damage_not_silence(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    register(journal, "ann")
    save(tmp_path / "live", "keys.db", tmp_path / "older")
    bob = register(journal, "bob")
    journal.close()
    put_back(tmp_path / "live", "keys.db", tmp_path / "older")
    with pytest.raises(Damaged, match="older than the journal"), reopen(tmp_path, clock) as again:
        again.append([no_more(bob)])


def test_missing_keys_are_never_made_anew(journal: Journal, tmp_path: Path, clock: Clock) -> None:
    journal.close()
    lose(tmp_path / "live", "keys.db")
    places = {"master_key": tmp_path / "away" / "master.key", "safekeeping": tmp_path / "safe"}
    with pytest.raises(Unavailable, match=r"keys\.db is missing"):
        reopen(tmp_path, clock)
    with pytest.raises(Unavailable, match=r"keys\.db is missing"):
        Journal.create(tmp_path / "live", origin=ORIGIN, clock=clock, **places)


def test_an_address_moves_to_whoever_told_it_last(journal: Journal) -> None:
    ann, bob = register(journal, "ann"), register(journal, "bob")
    at_ann, at_eve = (journal.digest("email", address(name)) for name in ("ann", "eve"))
    act = Act(actor="person", method="form")
    move = Entry(
        kind="profile.set", body=act, slot=ann, index=(("email", at_eve),), unindex=(at_ann,)
    )
    takes = Entry(kind="profile.set", body=act, slot=bob, index=(("email", at_ann),))
    journal.append_many([[move], [takes]])
    assert (journal.find(at_ann), journal.find(at_eve)) == (bob, ann)
    # ann leaves an address that has long been bob's
    journal.append([Entry(kind="profile.set", body=act, slot=ann, unindex=(at_ann,))])
    assert journal.find(at_ann) == bob


# --- what it costs ---


def _writes(said: list[str]) -> list[str]:
    """What writes; SQLite traces a statement again for each trigger it fires."""
    once = dict.fromkeys(said)
    return [line.split()[0] for line in once if not line.startswith(("SELECT", "PRAGMA", "--"))]


@pytest.mark.files
def test_an_append_is_one_transaction_and_one_commit_in_each_file(journal: Journal) -> None:
    ann = register(journal, "ann")
    said: list[str] = []
    keys: list[str] = []
    journal.appender._db.set_trace_callback(said.append)
    journal.keys._db.set_trace_callback(keys.append)
    journal.append([no_more(ann)])
    assert _writes(said) == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
    assert [line for line in keys if not line.startswith("SELECT")] == []
    said.clear()
    journal.append_many([[yes(ann)] for _ in range(500)])
    writes = _writes(said)
    assert writes.count("COMMIT") == 1
    assert writes.count("INSERT") == 500 + 1 + 1  # events, one full tile, the state
    journal.appender._db.set_trace_callback(None)
    journal.keys._db.set_trace_callback(None)


@pytest.mark.files
def test_exactly_these_files_are_written(journal: Journal, tmp_path: Path) -> None:
    register(journal, "ann")
    journal.rebuild()
    found = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert found == {
        "away/master.key", "safe/mark", "safe/erased",
        "live/journal.db", "live/journal.db-wal", "live/journal.db-shm",
        "live/keys.db", "live/keys.db-wal", "live/keys.db-shm",
        "live/standing.db", "live/standing.db-wal", "live/standing.db-shm",
    }  # fmt: skip
    journal.close()
    found = {file.name for file in (tmp_path / "live").iterdir()}
    assert found == {"journal.db", "keys.db", "standing.db"}
