"""What goes wrong is said in words, with the exit code that was promised."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reciprocity.events import Attempt
from reciprocity.journal.entry import Entry
from reciprocity.platform import Reciprocity
from tests.cli.conftest import COMMAND, Shop


def test_a_brand_file_with_several_faults_lists_them_all(shop: Shop):
    file = shop.folder / "brand.toml"
    text = file.read_text("utf-8").replace('basis = "contract"', 'basis = "whim"')
    file.write_text(text.replace("limit = 1 ", "limit = 0 "), "utf-8")
    err = shop.refused("check").err
    assert "2 problems:" in err
    assert "purposes.order.basis" in err
    assert "campaigns.spring.limit" in err
    assert len(shop.refused("check", "--json").json["problems"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "autumn"), "campaign 'autumn' is not in force"),
        (("feedback", "autumn"), "campaign 'autumn' is not in force"),
        (("plan", "spring", "--at", "soon"), "instant 'soon' cannot be read"),
        (("plan", "spring", "--at", "2020-01-01"), "before the journal's last event"),
        (("person", "show", "nobody@people.example"), "person is not known"),
        (("person", "add"), "person has no name here"),
        (("person", "add", "--address", "email"), "--address 'email' cannot be read"),
        (("person", "add", "--address", "fax=1"), "channel 'fax' is not declared"),
        (("receipt", "9999"), "position 9999 is not in the log"),
        (
            ("import", "people", "none.csv", "--mapping", "none.toml"),
            "mapping none.toml is missing",
        ),
        (("why", "id:x", "letter"), "person is not known"),
        (("verify", "receipt", "none.json"), "receipt file none.json cannot be read"),
        (("gap", "sign"), "no gap"),
        (("send", "spring", "--json", "--loud"), "No such option"),
        (("nonsense",), "No such command"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_to_do(
    shop: Shop, arguments: tuple[str, ...], words: str
):
    ran = shop.refused(*arguments)
    assert words in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("grant", "id:ann", "gifts"), "purpose 'gifts' is not declared"),
        (("grant", "id:ann", "offers", "--notice", "offer"), "not declared; did you mean 'offers'"),
        (
            ("grant", "id:ann", "offers", "--notice", "offers", "--notice-language", "fr"),
            "notice 'offers' has no text in 'fr': it has 'de', 'en'",
        ),
        (("prefer", "id:ann", "--topic", "garden=9"), "topic 'garden' has level 9"),
        (("prefer", "id:ann", "--topic", "garden=lots"), "topic's level is none"),
        (("prefer", "id:ann", "--topic", "garden=1", "--topic", "garden=2"), "each NAME once"),
        (("prefer", "id:ann", "--cap", "email=1"), "cap is none"),
        (("prefer", "id:ann", "--quiet", "9-25:00"), "quiet time is none"),
        (("prefer", "id:ann", "--time-zone", "Mars/Base"), "time zone 'Mars/Base' is not known"),
        (("prefer", "id:ann"), "preference is missing"),
        (("pause", "id:ann"), "pause has no end"),
        (("set", "id:ann"), "nothing to set"),
        (("set", "id:ann", "--attribute", "household_size=many"), "takes a whole number"),
        (("set", "id:ann", "--share", "offers=nut_allergy"), "'nut_allergy' is not declared for"),
        (("object", "id:ann", "--lift"), "objection to lift is not there"),
        (("confirm", "id:ann"), "request to confirm is not there"),
        (("erase", "id:ann", "--undo"), "not asked for"),
        (("erase", "id:ann", "--undo", "--now"), "give --now or --undo"),
    ],
)
def test_what_a_person_cannot_have_said_is_refused(
    shop: Shop, arguments: tuple[str, ...], words: str
):
    shop.yes("ann", "garden=2")
    assert words in shop.refused("person", *arguments).err


def test_who_adds_somebody_known_is_told_whom_to_act_for(shop: Shop):
    shop.yes("ann", "garden=2")
    person = shop.done("person", "show", "id:ann", "--json").json["person"]
    for named in (("--id", "ann"), ("--id", "new", "--address", "email=ann@people.example")):
        err = " ".join(shop.refused("person", "add", *named).err.split())
        assert f"act for them instead, `reciprocity person show {person}`; nothing was done" in err
        assert "ann" not in err.replace(person, "")
    assert shop.done("person", "show", person, "--json").json["slot"] == 0


def test_an_operator_without_a_usable_name_is_refused(shop: Shop):
    ran = shop.run("--brand", shop.folder, "--operator", "a b", "person", "add", "--id", "x")
    assert (ran.code, "operator's name is none" in ran.err) == (2, True)


def test_a_folder_that_was_never_applied_says_so(cli, tmp_path: Path):
    assert cli("init", tmp_path / "shop").code == 0
    ran = cli("--brand", tmp_path / "shop", "plan", "spring")
    assert (ran.code, "run `reciprocity apply`" in ran.err) == (2, True)
    ran = cli("init", tmp_path / "shop")
    assert (ran.code, "is not empty" in ran.err) == (2, True)


def test_a_receipt_that_was_touched_fails_with_1(shop: Shop):
    shop.yes("ann", "garden=2")
    file = shop.place / "r.json"
    shop.done("person", "refuse", "id:ann", "offers", "--receipt", file)
    key = shop.done("log", "key").out.strip()
    shop.done("verify", "receipt", file, "--key", key)
    told = json.loads(file.read_bytes())
    file.write_text(json.dumps({**told, "event": told["event"].replace("refused", "granted")}))
    assert "leaf" in shop.refused("verify", "receipt", file, code=1).err
    file.write_text("{}")
    shop.refused("verify", "receipt", file, code=1)


def test_a_file_of_another_kind_is_bad_input_and_no_proof_that_failed(shop: Shop):
    receipt, proof, consent = (shop.place / name for name in ("r.json", "p.json", "c.json"))
    shop.yes("ann", "garden=2")
    said = shop.done("person", "refuse", "id:ann", "offers", "--receipt", receipt, "--json").json
    shop.done("log", "epoch")
    shop.done("person", "proof", "id:ann", "-o", proof)
    position = said["recorded"][0]["position"]
    shop.done("receipt", position, "--format", "jsonld", "--receipt", consent)
    files = {"receipt": receipt, "person": proof, "consent": consent}
    for kind in files:
        for other in files.keys() - {kind}:
            ran = shop.refused("verify", kind, files[other])
            assert f"`reciprocity verify {other} " in " ".join(ran.err.split())
    receipt.write_text('{"format": "reciprocity-person@v1"} and more')  # says nothing that reads
    shop.refused("verify", "receipt", receipt, code=1)


def test_a_key_of_another_log_fails_and_one_that_is_none_is_bad_input(shop: Shop, cli):
    shop.yes("ann", "garden=2")
    file, other = shop.place / "r.json", shop.place / "other"
    shop.done("person", "refuse", "id:ann", "offers", "--receipt", file)
    cli("init", other, "--name", "Other")
    cli("--brand", other, "--operator", "tests", "apply")
    (shop.place / "key").write_text(cli("--brand", other, "log", "key").out)
    shop.refused("verify", "receipt", file, "--key", shop.place / "key", code=1)
    assert "verifier key is none" in shop.refused("verify", "receipt", file, "--key", "a+b").err


def test_a_breach_ends_an_audit_with_1_and_is_named(shop: Shop):
    shop.done("person", "add", "--id", "ann", "--address", "email=ann@people.example")
    with Reciprocity.open(shop.folder) as opened:
        journal, slot = opened.journal, opened.find("id:ann")
        at = journal.state().last_at
        stated = tuple(
            journal.in_force(name)[0] for name in ("brand", "rulebook", "laws", "campaign:spring")
        )
        attempt = Attempt(
            message="kitchen", purpose="offers", channel="email", occasion="spring", content="x",
            point=1, consent=0, stated=stated, facts=(), decided_at=at, handover_by=at + 30_000,
            counts_until=at + 30_000,
        )  # fmt: skip
        journal.append([Entry(kind="delivery.attempted", body=attempt, slot=slot, expect=1)])
        person = journal.pseudonym(slot)
    (breach,) = shop.refused("audit", "--json", code=1).json["breaches"]
    assert (breach["kind"], breach["person"]) == ("no_consent", person)
    assert (breach["message"], breach["reason"]) == ("kitchen", "never_asked")
    assert person in shop.refused("audit", code=1).out


def test_only_debug_shows_where_an_error_comes_from(shop: Shop):
    ran = shop.run("--brand", shop.folder, "--debug", "plan", "autumn")
    assert (ran.code, "Traceback" in ran.err) == (2, True)


def test_a_pipe_that_is_closed_early_is_no_traceback(applied: Path):
    line = f"'{COMMAND}' --brand '{applied / 'shop'}' schema | head -c 10"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert (len(done.stdout), done.stderr) == (10, "")


def test_a_fault_of_the_program_does_not_look_like_a_breach():
    script = (
        "import sys\n"
        "from reciprocity.cli.app import app, run\n"
        "app.command('divide')(lambda: 1 / 0)\n"
        "sys.exit(run(['divide']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "please report it" in done.stderr


# --- what a second try meets ----------------------------------------------------------------------


def test_a_trial_that_was_deleted_is_said_to_have_left_something(cli, tmp_path: Path):
    folder = tmp_path / "shop"
    assert cli("init", folder).code == 0
    assert cli("--brand", folder, "--operator", "tests", "apply").code == 0
    shutil.rmtree(folder)
    again = cli("init", folder)
    assert again.code == 2
    assert "harbour-vale-safekeeping" in again.err
    assert "--name" in again.err
    assert not folder.exists()
    assert cli("init", folder, "--name", "Another").code == 0
    assert cli("--brand", folder, "--operator", "tests", "apply").code == 0


@pytest.mark.parametrize("place", ["none/receipt.json", "."])
def test_a_receipt_that_could_not_be_written_stops_the_act(shop: Shop, place: str):
    shop.yes("ann", "kitchen=2")
    before = shop.done("person", "show", "id:ann", "--json").json
    pause = "pause", "id:ann", "--until", "2030-01-01"
    for act in (pause, ("set", "id:ann", "--age-at-least", "30"), ("add", "--id", "eve")):
        told = shop.refused("person", *act, "--receipt", place)
        assert "nothing was done" in told.err
    shop.refused("person", "show", "id:eve")
    assert shop.done("person", "show", "id:ann", "--json").json == before


def test_a_message_that_is_in_no_campaign_is_said_so(shop: Shop):
    shop.yes("ann", "kitchen=2")
    assert "in no campaign: there are garden, kitchen" in shop.refused("why", "id:ann", "none").err


def test_a_brand_file_that_is_missing_is_named_as_it_was_given(shop: Shop, cli):
    for command in (["check"], ["apply"], ["plan", "spring"], ["serve"], ["rules"]):
        ran = cli("--brand", "nowhere", "--operator", "tests", *command)
        assert (ran.code, ran.out) == (2, "")
        assert "error: brand file nowhere/brand.toml is missing" in ran.err
    (problem,) = cli("--brand", "nowhere", "check", "--json").json["problems"]
    assert problem.startswith("brand file nowhere/brand.toml is missing")
    for path in ("elsewhere", "elsewhere/brand.toml"):
        assert "file elsewhere/brand.toml is missing" in shop.refused("rules", "diff", path).err


def test_a_folder_is_no_file_of_people(shop: Shop):
    shop.refused("import", "people", ".", "--mapping", "mapping.toml")


@pytest.mark.parametrize("what", ["schema", "rules"])
def test_whom_nobody_reads_has_not_found_a_breach(shop: Shop, what: str):
    """As where `| head` has seen enough."""
    unread, told = os.pipe()
    os.close(unread)
    try:
        command = [COMMAND, "--brand", shop.folder, what]
        ran = subprocess.run(command, check=False, stdout=told, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(told)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_a_yes_is_one_to_what_the_words_ask_for(shop: Shop):
    shop.done("person", "add", "--id", "ann", "--address", "email=a@people.example", "--confirmed")
    ran = shop.refused("person", "grant", "id:ann", "offers", "advice", "--notice", "offers")
    assert "notice offers does not ask for advice, but for offers" in " ".join(ran.err.split())
    assert not [one for one in shop.done("person", "show", "id:ann", "--json").json["events"]
                if one["kind"].startswith("consent.")]  # fmt: skip
