"""An import takes what a file says, and never more than the file can know."""

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from reciprocity.brand import law_packs
from reciprocity.collect.imports import AT_ONCE, ImportReport, ImportStopped, import_people
from reciprocity.collect.mapping import read_mapping
from reciprocity.consent.draft import Saying, grant, withdraw
from reciprocity.consent.laws import DAY_MS
from reciprocity.errors import Unavailable
from reciprocity.events import Act, ConsentRow, TopicLevel
from reciprocity.journal.entry import Entry
from reciprocity.model import ConsentState
from reciprocity.vault.people import find, register, set_address
from reciprocity.vault.profile import set_attributes
from reciprocity.vault.suppression import suppress
from tests.collect.conftest import STATEMENT

NOW = 1_790_000_000_000
ANN = {
    "id": "1", "mail": "Ann@shop.example", "sure": "1", "offers": "yes", "looks": "yes",
    "when": "2026-03-01T12:00:00+01:00", "how": "web form", "tea": "1", "spent": "142.99",
    "town": "BE", "since": "2020-02-29", "member": "1", "lang": "de", "zone": "Europe/Zurich",
}  # fmt: skip
WHEN = 1_772_362_800_000


def say(shop, called: str, kind: str, *, at: int = NOW, **parts: object) -> None:
    """What the person says themselves."""
    act, slot = Act(actor="person", method="page", **parts), find(shop.journal, called)
    shop.journal.append([Entry(kind=kind, body=act, slot=slot, happened_at=at)])


def give(shop, called: str, *, at: int = NOW) -> None:
    row = ConsentRow(purpose="offers", channel="email", state=ConsentState.GIVEN, until=at + DAY_MS)
    say(shop, called, "consent.granted", at=at, consent=(row,))


def test_a_row_becomes_a_person_with_all_that_it_says(shop) -> None:
    report = shop.import_rows(ANN)
    assert (report.rows, report.new, report.events, report.refused) == (1, 1, 1, 0)
    wishes, profile = shop.standing("ann@shop.example").wishes, shop.profile("id:1")
    offers = wishes.answers["offers/email"]
    assert (offers.state.value, offers.at, offers.own) == ("given", WHEN, False)
    assert offers.until == WHEN + 1_000 * DAY_MS
    assert wishes.answers["purchases/observe"].until == WHEN + 730 * DAY_MS
    assert wishes.points["email"].confirmed
    assert (wishes.topics["tea"].level, wishes.topics["tea"].source) == (2, "observed:purchases")
    assert wishes.shared == {"offers": ("spent", "town"), "order": ("member",)}
    assert (wishes.language, wishes.time_zone) == ("de", "Europe/Zurich")
    assert profile.points == {"email": "Ann@shop.example"}
    assert profile.attributes == {
        "spent": 142, "town": "Bern", "since": "2020-02-29", "member": True,
    }  # fmt: skip


def test_the_event_says_who_imported_it_from_where_and_on_what_evidence(shop) -> None:
    shop.import_rows(ANN)
    (told,) = shop.journal.history(find(shop.journal, "1"))
    assert (told.kind, told.body.actor) == ("person.imported", "import:ada")
    assert told.body.source == "crm"
    assert (told.body.evidence.how, told.body.evidence.text) == ("web form", "the 2025 form")
    assert told.happened_at == told.body.evidence.when == WHEN


def test_a_second_run_changes_nothing(shop) -> None:
    rows = (
        ANN,
        {"id": "2", "mail": "b@shop.example", "offers": "no", "when": "2026-01-01"},
        {"id": "3", "mail": "c@shop.example", "offers": "yes"},
        {"id": "4", "mail": "d@shop.example", "offers": "stop", "looks": "yes", "how": "phone"},
        {"id": "5", "mail": "e@shop.example", "offers": "never", "sure": "bounced"},
        {"mail": "f@shop.example", "tea": "0"},
        {"id": "7"},
    )
    first = shop.import_rows(*rows)
    size = shop.journal.state().size
    second = shop.import_rows(*rows)
    assert (first.new, first.refused) == (7, 0)
    assert (second.unchanged, second.events, second.refused) == (7, 0, 0)
    assert shop.journal.state().size == size


def test_a_yes_without_evidence_is_unverified(shop) -> None:
    shop.import_rows({"id": "1", "offers": "yes", "how": "shop"},
                     {"id": "2", "offers": "yes", "when": "2026-01-01"})  # fmt: skip
    assert shop.state("1") == shop.state("2") == "unverified"
    shop.import_rows({"id": "1", "offers": "yes", "how": "shop", "when": "2026-01-01"})
    assert shop.state("1") == "given"


def test_an_import_only_fills_a_gap(shop) -> None:
    shop.import_rows({"id": "1"}, {"id": "2"})
    no = ConsentRow(purpose="offers", channel="email", state=ConsentState.REFUSED)
    say(shop, "1", "consent.refused", consent=(no,))
    report = shop.import_rows(ANN, {**ANN, "id": "2", "mail": "b@shop.example"})
    assert (shop.state("1"), shop.state("2")) == ("refused", "given")
    assert report.changed == 2


def test_a_file_never_overwrites_what_a_person_told_themselves(shop) -> None:
    shop.import_rows(ANN)
    slot = find(shop.journal, "1")
    set_attributes(shop.journal, STATEMENT, slot, {"town": "Chur", "since": None}, actor="person")
    report = shop.import_rows({**ANN, "spent": "150"})
    assert report.changed == 1
    assert shop.profile("1").attributes == {"spent": 150, "town": "Chur", "member": True}
    told = shop.journal.history(slot)[-1].body
    assert told.told == ("spent",)
    assert shop.import_rows({**ANN, "spent": "150"}).events == 0


def test_an_imported_no_holds_against_every_yes_but_a_later_own_one(shop) -> None:
    shop.import_rows(ANN, {**ANN, "id": "2", "mail": "b@shop.example"})
    give(shop, "1", at=NOW)
    give(shop, "2", at=NOW - 10 * DAY_MS)
    stop = {"offers": "stop", "when": "2026-09-15"}
    shop.import_rows({"id": "1", **stop}, {"id": "2", **stop})
    assert (shop.state("1"), shop.state("2")) == ("given", "withdrawn")


def test_a_withdrawal_reaches_the_purposes_below_and_a_refusal_does_not(shop) -> None:
    shop.import_rows({"id": "1", "offers": "stop"}, {"id": "2", "offers": "no"})
    assert {shop.state("1", key) for key in ("offers/email", "news/email")} == {"withdrawn"}
    assert (shop.state("2"), shop.state("2", "news/email")) == ("refused", "never_asked")


@pytest.mark.parametrize("no", ["no", "stop"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_person_named_twice_keeps_the_no_in_any_order(shop, no: str, turned: bool) -> None:  # noqa: FBT001
    rows = [ANN, {"id": "1", "offers": no, "looks": "yes", "how": "x", "when": "2026-01-01"}]
    report = shop.import_rows(*(rows[::-1] if turned else rows))
    assert shop.state("1") in {"refused", "withdrawn"}
    assert (report.new, report.refused) == (1, 1)
    ((line, reason),) = shop.rejects()
    assert line == 3
    assert "named by an earlier row" in reason
    assert shop.import_rows(*(rows[::-1] if turned else rows)).events == 0


def test_what_takes_away_is_taken_before_anything_is_given(shop) -> None:
    rows = [{**ANN, "id": str(n), "mail": f"p{n}@shop.example"} for n in range(AT_ONCE + 200)]
    rows.append({"id": "9999", "mail": "last@shop.example", "offers": "no", "looks": "yes",
                 "how": "x", "when": "2026-01-01"})  # fmt: skip

    calls: list[int] = []

    def stop_half_way(done: int) -> None:
        calls.append(done)
        if len(calls) == 2:  # once for what takes away, then the first rows of all the rest
            raise OSError(28, "No space left on device")

    source = shop.write(*rows)
    with pytest.raises(ImportStopped, match="No space left"):
        shop.take(source, progress=stop_half_way)
    assert shop.state("9999") == "refused"
    assert shop.journal.count() == 1
    report = shop.take(source)
    assert (report.new, report.refused) == (AT_ONCE + 200, 0)
    assert report.changed == 1


def test_an_import_that_stops_says_what_was_taken_and_goes_on_from_there(shop) -> None:
    rows = [{"id": str(number), "offers": "no"} for number in range(2 * AT_ONCE + 500)]
    source = shop.write(*rows)
    calls: list[int] = []

    def interrupt(done: int) -> None:
        calls.append(done)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(ImportStopped, match="interrupted") as caught:
        shop.take(source, progress=interrupt)
    assert (caught.value.report.new, caught.value.report.rows) == (2 * AT_ONCE, 2 * AT_ONCE + 500)
    assert f"{2 * AT_ONCE + 500} rows: {2 * AT_ONCE} new" in str(caught.value)
    assert isinstance(caught.value, Unavailable)
    report = shop.take(source)
    assert (report.new, report.unchanged, report.events) == (500, 2 * AT_ONCE, 500)


def test_a_killed_import_is_finished_by_the_next(shop, tmp_path) -> None:
    rows = ({**ANN, "id": str(n), "mail": f"p{n}@shop.example"} for n in range(3_000))
    source = shop.write(*rows)
    shop.take(shop.write({"id": "none"}, name="first.csv"))
    code = textwrap.dedent(f"""
        import os, signal
        from pathlib import Path
        from reciprocity.brand import law_packs
        from reciprocity.collect.imports import import_people
        from reciprocity.collect.mapping import read_mapping
        from reciprocity.journal.journal import Journal
        from tests.collect.conftest import STATEMENT
        folder = Path({str(tmp_path)!r})
        journal = Journal(folder / "journal", master_key=folder / "keys" / "master.key",
                          safekeeping=folder / "safe", clock=lambda: {NOW})
        def progress(done):
            os.kill(os.getpid(), signal.SIGKILL)
        import_people(journal, STATEMENT, law_packs(["baseline"]),
                      read_mapping(folder / "mapping.toml"), Path({str(source)!r}),
                      folder / "rejects2.csv", operator="ada", progress=lambda done:
                      progress(done) if journal.state().size > 1_500 else None)
    """)
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -9
    taken = shop.journal.count() - 1
    assert 0 < taken < 3_000
    report = shop.take(source)
    assert (report.new, report.unchanged, report.changed) == (3_000 - taken, taken, 0)
    assert shop.take(source).events == 0


def test_an_observed_topic_needs_a_yes_to_looking(shop) -> None:
    shop.import_rows({"id": "1", "tea": "1"}, {"id": "2", "tea": "0"})
    assert shop.standing("1").wishes.topics == {}
    assert shop.standing("2").wishes.topics["coffee"].level == -1
    assert shop.import_rows({"id": "1", "tea": "1"}, {"id": "2", "tea": "0"}).events == 0
    row = ConsentRow(purpose="purchases", channel="observe", state=ConsentState.GIVEN)
    say(shop, "1", "consent.granted", consent=(row,))
    shop.import_rows({"id": "1", "tea": "1"})
    assert shop.standing("1").wishes.topics["tea"].level == 2


def test_attributes_are_shared_only_for_purposes_with_a_yes(shop) -> None:
    shop.import_rows({"id": "1", "offers": "no", "spent": "5", "member": "0"})
    assert shop.standing("1").wishes.shared == {"order": ("member",)}
    assert shop.journal.kept(find(shop.journal, "1")).clear == {"member": False}
    give(shop, "1")
    shop.import_rows({"id": "1", "spent": "5", "member": "0"})
    assert shop.standing("1").wishes.shared["offers"] == ("spent", "town")


def test_new_values_come_in_and_an_empty_cell_takes_none_away(shop) -> None:
    shop.import_rows(ANN)
    report = shop.import_rows({**ANN, "spent": "150", "town": ""})
    assert (report.changed, report.events) == (1, 1)
    assert shop.profile("1").attributes["spent"] == 150
    assert shop.profile("1").attributes["town"] == "Bern"
    (_, told) = shop.journal.history(find(shop.journal, "1"))
    assert (told.body.consent, told.body.points, told.body.evidence) == ((), (), None)


def test_what_a_person_declared_stays(shop) -> None:
    shop.import_rows({"id": "1"})
    say(shop, "1", "preferences.set", topics={"tea": TopicLevel(level=-2)}, language="fr",
        time_zone="Europe/Paris")  # fmt: skip
    shop.import_rows(ANN)
    wishes = shop.standing("1").wishes
    assert (wishes.topics["tea"].level, wishes.language, wishes.time_zone) == (
        -2, "fr", "Europe/Paris",
    )  # fmt: skip


def test_an_import_corrects_its_own_address_but_not_the_persons(shop) -> None:
    shop.import_rows(ANN)
    shop.import_rows({"id": "1", "mail": "new@shop.example"})
    assert shop.profile("1").points == {"email": "new@shop.example"}
    assert not shop.standing("new@shop.example").wishes.points["email"].confirmed
    set_address(shop.journal, shop.statement, find(shop.journal, "1"), "email", "own@shop.example",
                confirmed=True, actor="person")  # fmt: skip
    report = shop.import_rows(ANN)
    assert report.refused == 0
    assert shop.profile("1").points == {"email": "own@shop.example"}
    assert shop.standing("1").wishes.points["email"].confirmed


def test_a_person_known_by_address_alone_gets_their_external_id(shop) -> None:
    slot = register(shop.journal, shop.statement, actor="operator:ada",
                    addresses={"email": "ann@shop.example"}).slot  # fmt: skip
    assert shop.import_rows(ANN).changed == 1
    assert find(shop.journal, "id:1") == slot
    assert shop.profile("1").points == {"email": "ann@shop.example"}
    assert shop.import_rows(ANN).unchanged == 1


def test_an_address_of_somebody_else_refuses_the_row_but_not_its_no(shop) -> None:
    shop.import_rows(ANN, {"id": "2"})
    for called in ("2", "3"):
        shop.import_rows({**ANN, "id": called, "offers": "stop"})
        assert "different people; what it takes away was taken" in shop.rejects()[0][1]
        assert shop.state("1") == "withdrawn"
        assert shop.state(called) == "withdrawn"
    assert shop.profile("3").points == {}


def test_a_hard_bounce_in_the_file_marks_the_address(shop) -> None:
    shop.import_rows(ANN)
    shop.import_rows({"id": "1", "mail": "ann@shop.example", "sure": "bounced"})
    assert shop.standing("1").wishes.points["email"].bounced


def test_a_suppressed_address_comes_in_suppressed(shop) -> None:
    suppress(shop.journal, ["ann@shop.example"], actor="operator:ada", reason="letter")
    shop.import_rows(ANN)
    assert shop.standing("1").wishes.points["email"].suppressed


def test_a_row_of_which_something_cannot_be_read_still_takes_away(shop) -> None:
    shop.import_rows(ANN)
    report = shop.import_rows({"id": "1", "mail": "no address", "offers": "stop"},
                              {"id": "2", "offers": "no", "town": "Atlantis"})  # fmt: skip
    assert report.refused == 2
    assert (shop.state("1"), shop.state("2")) == ("withdrawn", "refused")
    assert all("what it takes away was taken" in reason for _, reason in shop.rejects())
    assert shop.profile("2").attributes == {}


def test_whoever_asked_to_be_erased_gets_nothing_new(shop) -> None:
    shop.import_rows({"id": "1"})
    say(shop, "1", "erasure.requested", erase_at=NOW + DAY_MS)
    report = shop.import_rows(ANN)
    assert (report.refused, shop.state("1")) == (1, "never_asked")
    assert "asked to be erased" in shop.rejects()[0][1]


def test_withdrawing_through_the_journal_while_a_yes_is_imported_wins(shop) -> None:
    shop.import_rows({"id": "1"})
    saying = Saying(brand=shop.statement, laws=(), actor="person", method="page", at=NOW)
    for draft in (grant(saying, ["offers"]),
                  withdraw(saying, shop.standing("1").wishes, ["offers"])):  # fmt: skip
        say(shop, "1", draft[0], consent=draft[1].consent)
    shop.import_rows(ANN)
    assert shop.state("1") == "withdrawn"


def test_progress_ends_at_the_size_of_the_file(shop) -> None:
    done: list[int] = []
    source = shop.write(*({"id": str(number)} for number in range(2_100)))
    shop.take(source, progress=done.append)
    assert done == sorted(done)
    assert done[-1] == source.stat().st_size


def test_a_row_that_names_two_earlier_people_in_one_is_refused(shop) -> None:
    report = shop.import_rows(
        {"mail": "ann@shop.example", "spent": "3"},
        {"id": "1", "mail": "ANN@shop.example", "spent": "4"},
        {"id": "1", "spent": "5"},
    )
    assert (report.new, report.refused) == (2, 1)
    assert shop.rejects()[0][0] == 3
    assert shop.profile("ann@shop.example").attributes == {"spent": 3}
    assert shop.profile("1").attributes == {"spent": 5}


def test_two_imports_of_one_file_at_once_make_everybody_once(shop) -> None:
    rows = [{**ANN, "id": str(n), "mail": f"p{n}@shop.example"} for n in range(1_500)]
    source, mapping = shop.write(*rows), shop.folder / "mapping.toml"
    mapping.write_text(shop.mapping, "utf-8")

    def take(name: str) -> ImportReport:
        return import_people(
            shop.journal, shop.statement, law_packs(["baseline"]), read_mapping(mapping), source,
            shop.folder / name, operator="ada",
        )  # fmt: skip

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(take, ["a.csv", "b.csv"])
    assert one.new + other.new == one.events + other.events == shop.journal.count() == 1_500
    assert one.unchanged + other.unchanged == 1_500
