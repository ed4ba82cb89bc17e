"""The demo keeps its word, and what it leaves behind works as it says."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from reciprocity.cli.demo.check import letters_in
from reciprocity.cli.demo.people import GARDEN, KITCHEN, Made, chosen, make_people, must


def test_the_demo_ends_where_the_truth_says_and_leaves_a_folder_that_works(cli, tmp_path: Path):
    place = tmp_path / "a demo"
    ran = cli("demo", place, "--people", "400")
    assert ran.code == 0, ran.err
    assert "the audit found no breach" in ran.out
    assert "DIFFERENT" not in ran.out
    steps = next_steps(ran.out)
    assert len(steps) > 7
    for step in steps:
        if step[-1] != "serve":
            tried = cli(*step[1:])
            assert tried.code == 0, (step, tried.err)
    again = cli("demo", place, "--people", "100", "--seed", "7")
    assert again.code == 0, again.err
    assert (place / "run-2" / "shop" / "brand.toml").exists()


def test_its_pages_are_served_and_each_link_opens(tmp_path: Path):
    command = [Path(sys.executable).parent / "reciprocity", "demo", str(tmp_path / "demo"),
               "--people", "100", "--serve"]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as ran:
        try:
            assert ran.stdout
            urls = []
            for line in ran.stdout:
                urls += re.findall(r"^  (http://\S+)$", line)
                if "Stop with Ctrl-C" in line:
                    break
            assert len(urls) == 8
            for url in urls:
                answer = httpx.get(url)
                assert answer.status_code == 200, url
            entered = httpx.post(urls[0], follow_redirects=False)
            assert entered.headers["location"] == "/me"
        finally:
            ran.send_signal(signal.SIGINT)


def next_steps(out: str) -> list[list[str]]:
    lines = out.partition("Try it yourself")[2].splitlines()
    return [shlex.split(line) for line in lines if line.startswith("  ")]


def test_a_folder_with_other_things_in_it_is_left_alone(cli, tmp_path: Path):
    (tmp_path / "letter.txt").write_text("dear")
    ran = cli("demo", tmp_path)
    assert (ran.code, "holds other things" in ran.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_the_same_seed_makes_the_same_people():
    assert make_people(50, 3, 10**12) == make_people(50, 3, 10**12)
    assert make_people(50, 3, 10**12) != make_people(50, 4, 10**12)


def test_the_made_up_people_meet_every_outcome_there_is_to_show():
    met = {
        must(one, message) for one in make_people(2_000, 1, 10**12) for message in (GARDEN, KITCHEN)
    }
    reasons = """unreachable objected never_asked refused withdrawn expired unverified
        attribute_not_shared topic_refused not_relevant outside_audience cap_reached"""
    assert met == {
        ("deliver", ""), ("wait", "paused"), ("wait", "quiet_time"),
        *(("refuse", reason) for reason in reasons.split()),
    }  # fmt: skip


def test_no_two_messages_ever_matter_the_same_to_a_made_up_person():
    people = make_people(2_000, 5, 10**12)
    assert {chosen(one) for one in people} == {GARDEN, KITCHEN, ""}


def test_an_objection_is_told_before_anything_else_a_person_said():
    person = Made(
        customer="h1", email="h1@people.example", checked=True, offers="yes", evidence=True,
        asked_at=0, fresh=True, garden="small", may_look=False, bought=(), objects=True,
        withdraws=True,
    )  # fmt: skip
    assert must(person, GARDEN) == ("refuse", "objected")


def test_letters_are_counted_by_whom_they_are_for(tmp_path: Path):
    (tmp_path / "new").mkdir()
    for number in range(2):
        (tmp_path / "new" / str(number)).write_text("To: a@b.example\nSubject: Flour\n\nHi\n")
    assert letters_in(tmp_path) == {"a@b.example": [KITCHEN, KITCHEN]}
